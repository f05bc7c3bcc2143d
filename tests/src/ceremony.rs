//! People who act on a chain, with security keys and biokeys in software: what they sign is real, and
//! nothing of it is of use on a network that is not a test.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
};

use p256::ecdsa::{self, signature::Signer};
use qratum_chain::{
    Hash,
    ledger::{Act, Answer, NewAccount, Step},
    types::{
        Account, AccountId, AuthData, BiokeyKeys, BiokeySignatures, BlockRef, ChainId, Class, CredentialId,
        CredentialKey, Device, Enrolling, Factors, Governance, Group, Height, Jurisdiction, NewCredential,
        People, PersonId, Policy, Possession, RequestId, Role, Roles, Rule, Scope, Seal, Sender, Standing,
        Txo, TxoBody, TxoClass, Zone, assertion_message,
    },
};
use qratum_crypto::{
    domain::{self, Tag},
    hash::sha2_256,
    sign::{BadSignature, ed25519::SecretKey, es256, ml_dsa},
};

use crate::forge::seed_bytes;

/// The name under which the keys of these people know their chain.
pub const RP_ID: &str = "test.qratum.invalid";
/// How long their requests stay open at most, in milliseconds.
pub const LIFETIME_MS: u64 = 600_000;

/// Name, number of the person, roles, and whether the key signs with ES256.
type Row = (&'static str, u8, &'static [Role], bool);

/// Who is enrolled. Alice and bob have two accounts each.
const CAST: [Row; 7] = [
    ("alice", 1, &[Role::Admin, Role::Technical], false),
    ("alice-2", 1, &[Role::Technical], false),
    ("bob", 2, &[Role::Technical], true),
    ("bob-2", 2, &[Role::Compliance], false),
    ("carol", 3, &[Role::Compliance], true),
    ("dave", 4, &[Role::Admin, Role::Technical], false),
    ("oscar", 5, &[Role::OnCall], false),
];

/// Who is not.
const MALLORY: Row = ("mallory", 9, &[Role::Technical], false);

/// The secret half of a credential.
enum Secret {
    Es256(Box<ecdsa::SigningKey>),
    Ed25519(Box<SecretKey>),
}

impl Secret {
    fn public(&self) -> CredentialKey {
        match self {
            Self::Es256(key) => {
                let point = key.verifying_key().to_sec1_point(true);
                let bytes = <[u8; 33]>::try_from(point.as_bytes()).unwrap_or([0; 33]);
                CredentialKey::Es256(es256::PublicKey(bytes))
            }
            Self::Ed25519(key) => CredentialKey::Ed25519(key.public()),
        }
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        match self {
            Self::Es256(key) => {
                let signature: ecdsa::Signature = key.sign(message);
                signature.normalize_s().to_bytes().into()
            }
            Self::Ed25519(key) => key.sign(message).0,
        }
    }
}

/// The two key pairs of a biokey.
struct Biokey {
    ed25519: SecretKey,
    mldsa: ml_dsa::SecretKey,
}

impl Biokey {
    fn new(seed: &[u8; 32]) -> Self {
        Self { ed25519: SecretKey::from_seed(seed), mldsa: ml_dsa::SecretKey::from_seed(seed) }
    }

    fn keys(&self) -> BiokeyKeys {
        BiokeyKeys::of(self.ed25519.public(), &self.mldsa.public())
    }

    fn sign(&self, tag: Tag, message: Hash) -> Result<BiokeySignatures, BadSignature> {
        let ed25519 = self.ed25519.sign(&message.0);
        let mldsa = self.mldsa.sign(tag, &message.0)?;
        BiokeySignatures::new(ed25519, self.mldsa.public(), mldsa).ok_or(BadSignature)
    }
}

/// Whoever holds the keys of one account.
pub struct Person {
    /// Name of the account.
    pub account: AccountId,
    person: u8,
    roles: &'static [Role],
    secret: Secret,
    biokey: Biokey,
    /// How many assertions the key has made.
    counter: AtomicU32,
}

impl Person {
    fn new(number: u64, (name, person, roles, es256): Row) -> Option<Self> {
        let seed = seed_bytes(9_000 + 2 * number);
        let secret = if es256 {
            Secret::Es256(Box::new(ecdsa::SigningKey::from_slice(&seed).ok()?))
        } else {
            Secret::Ed25519(Box::new(SecretKey::from_seed(&seed)))
        };
        Some(Self {
            account: AccountId::new(name)?,
            person,
            roles,
            secret,
            biokey: Biokey::new(&seed_bytes(9_001 + 2 * number)),
            counter: AtomicU32::new(0),
        })
    }

    /// The id of their credential.
    #[must_use]
    pub fn credential(&self) -> CredentialId {
        CredentialId::of(self.account.as_str().as_bytes())
    }

    /// What is enrolled of theirs.
    #[must_use]
    pub fn new_credential(&self) -> NewCredential {
        let device = Device { label: "software".to_owned(), aaguid: [0; 16], attestation: None };
        NewCredential { id: self.credential(), key: self.secret.public(), biokey: self.biokey.keys(), device }
    }

    /// That they hold both factors of it.
    #[must_use]
    pub fn possession(&self, scope: Scope<'_>) -> Option<Possession> {
        let credential = self.new_credential();
        let enrolling = Enrolling { scope, account: &self.account, credential: &credential, version: 0 };
        let (auth_data, challenge) = (auth_data(0x05, 0), enrolling.challenge());
        let signature = self.secret.sign(&assertion_message(&auth_data, challenge, RP_ID));
        let mut proof = Possession { auth_data, signature, biokey: BiokeySignatures::missing() };
        let message = proof.biokey_message(challenge);
        proof.biokey = self.biokey.sign(domain::BIOKEY_ENROLMENT, message).ok()?;
        Some(proof)
    }

    /// Their account, as people would enrol it.
    #[must_use]
    pub fn new_account(&self) -> Option<NewAccount> {
        Some(NewAccount {
            account: self.account.clone(),
            person: PersonId(Hash([self.person; 32])),
            roles: Roles::of(self.roles.iter().copied()),
            jurisdiction: Jurisdiction::new(*b"CH")?,
            zone: Zone::default(),
            credentials: vec![self.new_credential()],
        })
    }

    fn enrolled(&self) -> Option<Account> {
        let credential = self.new_credential().enrolled(None, Height(0));
        Some(Account {
            person: PersonId(Hash([self.person; 32])),
            roles: Roles::of(self.roles.iter().copied()),
            jurisdiction: Jurisdiction::new(*b"CH")?,
            zone: Zone::default(),
            standing: Standing::Active,
            nonce: 0,
            credentials: vec![credential],
        })
    }

    /// The ceremony of somebody who does everything right, at this block.
    #[must_use]
    pub fn ceremony(&self, chain_id: ChainId, nonce: u64, at: BlockRef, step: Step) -> Ceremony<'_> {
        let act = Act { from: at.height, until: Height(at.height.0.saturating_add(Act::MAX_HEIGHTS)), step };
        let counter = self.counter.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        Ceremony {
            body: TxoBody {
                chain_id,
                sender: Sender::Account(self.account.clone()),
                nonce,
                class: TxoClass::Admin,
                payload: act.to_bytes(),
            },
            factors: Factors {
                credential: self.credential(),
                auth_data: auth_data(0x05, counter),
                signature: [0; 64],
                opened_at: at,
                biokey: BiokeySignatures::missing(),
            },
            touched: self,
            opened: self,
        }
    }
}

/// Authenticator data of these keys.
#[must_use]
pub fn auth_data(flags: u8, counter: u32) -> AuthData {
    let parts = [sha2_256(RP_ID.as_bytes()).0.as_slice(), &[flags], &counter.to_be_bytes()].concat();
    AuthData(parts.try_into().unwrap_or([0; 37]))
}

/// What is about to be signed, and by whose keys.
pub struct Ceremony<'a> {
    /// What is said.
    pub body: TxoBody,
    /// The factors but for the two signatures.
    pub factors: Factors,
    /// Whose security key is touched.
    pub touched: &'a Person,
    /// Whose biokey is opened.
    pub opened: &'a Person,
}

impl Ceremony<'_> {
    /// Signs it, first with the security key and then with the biokey.
    #[must_use]
    pub fn finish(self) -> Txo {
        let (mut factors, challenge) = (self.factors, self.body.challenge());
        factors.signature = self.touched.secret.sign(&factors.assertion_message(challenge, RP_ID));
        let message = factors.biokey_message(challenge);
        if let Ok(said) = self.opened.biokey.sign(domain::BIOKEY_ACTION, message) {
            factors.biokey = said;
        }
        Txo { body: self.body, seal: Seal::Factors(Box::new(factors)) }
    }
}

/// All who are enrolled, and mallory, who is not.
pub struct Cast(BTreeMap<String, Person>);

impl Default for Cast {
    fn default() -> Self {
        let all = CAST.into_iter().chain([MALLORY]).zip(0..);
        let people = all.filter_map(|(who, number)| Person::new(number, who));
        Self(people.map(|person| (person.account.to_string(), person)).collect())
    }
}

impl Cast {
    /// The person who has this account.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Person> {
        self.0.get(name)
    }

    /// What the genesis of their chain, in a network of this name, says of them: two approvals of three
    /// people, at least one technical and one compliance.
    #[must_use]
    pub fn people(&self, network: &str) -> People {
        let cast = || CAST.iter().filter_map(|(name, ..)| self.get(name));
        let enrolled = cast().filter_map(|person| Some((person.account.clone(), person.enrolled()?)));
        let proof =
            |person: &Person| Some((person.credential(), person.possession(Scope::Genesis(network))?));
        People {
            rp_id: RP_ID.to_owned(),
            policy: policy(2, LIFETIME_MS),
            accounts: enrolled.collect(),
            proofs: cast().filter_map(proof).collect(),
            governance: Governance::default(),
        }
    }
}

/// The same rule for each class: so many approvals, of both groups.
#[must_use]
pub fn policy(threshold: u8, lifetime_ms: u64) -> Policy {
    let groups = [Role::Technical, Role::Compliance].map(|role| Group { role, least: 1 }).to_vec();
    let rule = Rule { requester: Role::Admin, threshold, groups, lifetime_ms };
    Policy::new(Class::ALL.iter().map(|class| (*class, rule.clone())))
}

/// Yes to a request.
#[must_use]
pub const fn yes(request: RequestId, role: Role) -> Step {
    Step::Approve(Answer { request, role })
}

/// No to a request.
#[must_use]
pub const fn no(request: RequestId, role: Role) -> Step {
    Step::Reject(Answer { request, role })
}
