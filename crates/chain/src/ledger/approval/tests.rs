//! A chain with seven accounts of five people, and whatever they try.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use qratum_crypto::{
    domain::Tag,
    hash::sha2_256,
    sign::{ed25519::SecretKey, es256, ml_dsa},
};

use super::*;
use crate::{
    codec::Decode,
    ledger::{
        Action, Identity,
        recent::{Ancestor, WINDOW_MS},
    },
    state::StateMap,
    types::{
        AuthData, BiokeyKeys, BiokeySignatures, BlockId, BlockRef, ChainId, ChainParams, Class, CredentialId,
        CredentialKey, Device, Enrolling, Genesis, GenesisValidator, Governance, Group, Height, Jurisdiction,
        NewCredential, People, PeopleFault, PersonId, Roles, Rule, Scope, SetId, Time, TxoBody, Validator,
        ValidatorSet, Zone, assertion_message,
    },
};

mod identity;

const START: Time = Time(1_800_000_000_000);
const RP_ID: &str = "test.qratum.invalid";
const LIFETIME_MS: u64 = 600_000;

/// Accounts: name, person, roles. The keys of number n are made of the seeds n and 100 + n, those of its
/// second credential of n + 20 and 120 + n.
const ACCOUNTS: [(&str, u8, &[Role]); 7] = [
    ("alice", 1, &[Role::Admin]),
    ("bob", 2, &[Role::Technical]),
    ("carol", 3, &[Role::Compliance]),
    ("dave", 4, &[Role::Technical]),
    ("oscar", 5, &[Role::OnCall]),
    ("alice-2", 1, &[Role::Technical]),
    ("bob-2", 2, &[Role::Compliance]),
];

fn secret(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn account(name: &str) -> AccountId {
    AccountId::new(name).unwrap()
}

/// The number of an account; those that are not enrolled have keys too.
fn number(name: &str) -> u8 {
    ACCOUNTS.iter().position(|(known, ..)| *known == name).map_or(90, |index| index as u8 + 1)
}

fn credential_of(name: &str) -> CredentialId {
    CredentialId::of(name.as_bytes())
}

fn second_of(name: &str) -> CredentialId {
    CredentialId::of(format!("{name}, second").as_bytes())
}

/// The biokey of this seed.
#[derive(Clone, Copy)]
struct Biokey(u8);

impl Biokey {
    /// Each is made once: it takes longer than to sign.
    fn mldsa(self) -> &'static ml_dsa::SecretKey {
        static MADE: [OnceLock<ml_dsa::SecretKey>; 256] = [const { OnceLock::new() }; 256];
        MADE[usize::from(self.0)].get_or_init(|| ml_dsa::SecretKey::from_seed(&[self.0; 32]))
    }

    fn keys(self) -> BiokeyKeys {
        BiokeyKeys::of(secret(self.0).public(), &self.mldsa().public())
    }

    fn sign(self, tag: Tag, message: Hash) -> BiokeySignatures {
        let (ed25519, mldsa) = (secret(self.0).sign(&message.0), self.mldsa());
        let signature = mldsa.sign(tag, &message.0).unwrap();
        BiokeySignatures::new(ed25519, mldsa.public(), signature).unwrap()
    }
}

fn device() -> Device {
    Device { label: "blue".to_owned(), aaguid: [7; 16], attestation: None }
}

fn rule(threshold: u8, lifetime_ms: u64) -> Rule {
    let groups = [Role::Technical, Role::Compliance].map(|role| Group { role, least: 1 }).to_vec();
    Rule { requester: Role::Admin, threshold, groups, lifetime_ms }
}

fn policy(threshold: u8, lifetime_ms: u64) -> Policy {
    Policy::new([Class::Access, Class::Policy].map(|class| (class, rule(threshold, lifetime_ms))))
}

fn people() -> People {
    let enrolled = ACCOUNTS.map(|(name, person, roles)| {
        let n = number(name);
        let credential = |id, seed| {
            let key = CredentialKey::Ed25519(secret(seed).public());
            let biokey = Biokey(100 + seed).keys();
            NewCredential { id, key, biokey, device: device() }.enrolled(None, Height(0))
        };
        let account_of = Account {
            person: PersonId(Hash([person; 32])),
            roles: Roles::of(roles.iter().copied()),
            jurisdiction: Jurisdiction::new(*b"CH").unwrap(),
            zone: Zone::default(),
            standing: Standing::Active,
            nonce: 0,
            credentials: vec![credential(credential_of(name), n), credential(second_of(name), n + 20)],
        };
        (account(name), account_of)
    });
    let (rp_id, policy, accounts) = (RP_ID.to_owned(), policy(2, LIFETIME_MS), BTreeMap::from(enrolled));
    let mut people =
        People { rp_id, policy, accounts, proofs: BTreeMap::new(), governance: Governance::default() };
    for (id, enrolled) in &people.accounts {
        let n = number(id.as_str());
        for (credential, seed) in enrolled.credentials.iter().zip([n, n + 20]) {
            let scope = Scope::Genesis("test");
            let new = credential.as_enrolled();
            let enrolling = Enrolling { scope, account: id, credential: &new, version: 0 };
            people.proofs.insert(new.id, possession(&enrolling, &secret(seed), Biokey(100 + seed)));
        }
    }
    people
}

/// What whoever holds these keys proves.
fn possession(enrolling: &Enrolling<'_>, key: &SecretKey, biokey: Biokey) -> Possession {
    let (auth_data, challenge) = (auth_data(RP_ID, 5, 0), enrolling.challenge());
    let signature = key.sign(&assertion_message(&auth_data, challenge, RP_ID)).0;
    let mut proof = Possession { auth_data, signature, biokey: BiokeySignatures::missing() };
    proof.biokey = biokey.sign(domain::BIOKEY_ENROLMENT, proof.biokey_message(challenge));
    proof
}

fn genesis() -> Genesis {
    let validator = Validator {
        pubkey: secret(200).public(),
        power: 1,
        jurisdiction: Jurisdiction::new(*b"CH").unwrap(),
        since_set: SetId(0),
        pq_key_hash: Hash::ZERO,
    };
    Genesis {
        network: "test".to_owned(),
        demo: true,
        time: START,
        params: ChainParams::default(),
        validators: vec![GenesisValidator { name: "v1".to_owned(), validator, enrolment: None }],
        people: Some(people()),
    }
}

/// The chain, one block a second.
#[derive(Clone)]
struct Village {
    genesis: Genesis,
    chain_id: ChainId,
    state: StateMap,
    set: ValidatorSet,
    tip: Height,
}

/// What a person is about to sign, and with what.
struct Ceremony {
    body: TxoBody,
    factors: Factors,
    key: SecretKey,
    biokey: Biokey,
    rp_id: &'static str,
}

impl Ceremony {
    fn finish(self) -> Txo {
        let (mut factors, challenge) = (self.factors, self.body.challenge());
        factors.signature = self.key.sign(&factors.assertion_message(challenge, self.rp_id)).0;
        factors.biokey = self.biokey.sign(domain::BIOKEY_ACTION, factors.biokey_message(challenge));
        Txo { body: self.body, seal: Seal::Factors(Box::new(factors)) }
    }
}

fn auth_data(rp_id: &str, flags: u8, counter: u32) -> AuthData {
    let mut bytes = [0; 37];
    bytes[..32].copy_from_slice(&sha2_256(rp_id.as_bytes()).0);
    bytes[32] = flags;
    bytes[33..].copy_from_slice(&counter.to_be_bytes());
    AuthData(bytes)
}

fn block_id(height: u64) -> BlockId {
    BlockId(Hash([height as u8; 32]))
}

fn block(height: u64) -> BlockRef {
    BlockRef { height: Height(height), block_id: block_id(height) }
}

impl Village {
    fn at(height: u64) -> Self {
        let genesis = genesis();
        let (chain_id, state) = (genesis.chain_id().unwrap(), genesis.state().unwrap());
        let set = genesis.validator_set().unwrap();
        Self { chain_id, state, set, genesis, tip: Height(0) }.grown(height)
    }

    fn place(&self) -> Place<'_> {
        let (height, time) = (self.tip.next(), |height: Height| START.plus(height.0 * 1000));
        let parent = Ancestor { block_id: block_id(self.tip.0), time: time(self.tip) };
        let params = &self.genesis.params;
        Place { chain_id: self.chain_id, params, height, time: time(height), parent, set: &self.set }
    }

    /// What becomes of a transaction in the next block.
    fn outcome(&self, txo: &Txo) -> Result<(), Refusal> {
        let mut draft = Draft::new(&self.state);
        let result = apply(&mut draft, &self.place(), txo);
        assert!(result.is_ok() || draft.into_changes().is_empty(), "a refusal changes nothing");
        result
    }

    /// After a block with these transactions.
    fn after(&self, txos: &[&Txo]) -> Self {
        let mut draft = self.draft();
        for txo in txos {
            apply(&mut draft, &self.place(), txo).unwrap();
        }
        self.with_block(draft)
    }

    fn with_block(&self, mut draft: Draft<'_>) -> Self {
        let mut next = self.clone();
        crate::ledger::finish(&mut draft, &self.place());
        let pending = self.state.preview(draft.into_changes()).unwrap();
        next.state.commit(pending);
        next.tip = self.tip.next();
        next
    }

    fn grown(&self, height: u64) -> Self {
        let mut grown = self.clone();
        while grown.tip < Height(height) {
            grown = grown.after(&[]);
        }
        grown
    }

    /// After a block with what a person does who shows both factors of this key; none where it is
    /// refused.
    fn after_step(&self, name: &str, credential: CredentialId, step: Step) -> Option<Self> {
        let account_of = self.draft().account(&account(name))?;
        let credential = account_of.credential(credential)?.clone();
        if account_of.standing != Standing::Active || credential.status != CredentialStatus::Active {
            return None;
        }
        let act = Act { from: Height(0), until: Height(0), step };
        let txo = Hash([self.tip.next().0 as u8; 32]);
        let actor = Actor { id: account(name), account: account_of, credential, counter: 0, act, txo };
        Some(self.with_block(actor.done(&self.draft(), &self.place()).ok()?))
    }

    /// The id of the transaction of [`Village::after_step`] in the newest block.
    fn newest_act(&self) -> Hash {
        Hash([self.tip.0 as u8; 32])
    }

    fn draft(&self) -> Draft<'_> {
        Draft::new(&self.state)
    }

    /// The same chain with another account, put there by nobody.
    fn with(&self, name: &str, change: impl Fn(&mut Account)) -> Self {
        let mut changed = self.draft().account(&account(name)).unwrap();
        change(&mut changed);
        self.put(Account::state_key(&account(name)), changed.to_bytes())
    }

    fn with_status(&self, name: &str, status: CredentialStatus) -> Self {
        self.with(name, |account| account.credentials[0].status = status)
    }

    /// The same chain where a request needs so many approvals.
    fn asking_for(&self, threshold: u8) -> Self {
        self.put(Policy::STATE_KEY.to_vec(), policy(threshold, LIFETIME_MS).to_bytes())
    }

    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> Self {
        let (mut next, mut draft) = (self.clone(), self.draft());
        draft.put(key, value);
        next.state.commit(self.state.preview(draft.into_changes()).unwrap());
        next
    }

    /// The ceremony of a person who does everything right.
    fn ceremony(&self, name: &str, step: Step) -> Ceremony {
        let nonce = self.draft().account(&account(name)).map_or(0, |account| account.nonce);
        let act = Act { from: self.tip.next(), until: Height(self.tip.0 + 100), step };
        let sender = Sender::Account(account(name));
        let (class, payload) = (TxoClass::Admin, act.to_bytes());
        Ceremony {
            body: TxoBody { chain_id: self.chain_id, sender, nonce, class, payload },
            factors: Factors {
                credential: credential_of(name),
                auth_data: auth_data(RP_ID, 5, 0),
                signature: [0; 64],
                opened_at: block(self.tip.0),
                biokey: BiokeySignatures::missing(),
            },
            key: secret(number(name)),
            biokey: Biokey(100 + number(name)),
            rp_id: RP_ID,
        }
    }

    fn sealed(&self, name: &str, step: Step) -> Txo {
        self.ceremony(name, step).finish()
    }

    /// After a request of alice that everybody approves.
    fn decided(&self, action: Action) -> Self {
        let (mut now, id) = self.asked_to(action);
        for (name, role) in [("carol", COMPLIANCE), ("bob", TECHNICAL), ("dave", TECHNICAL)] {
            if now.request_at(id).outcome == Outcome::Open {
                now = now.after(&[&now.approval(name, id, role)]);
            }
        }
        assert_eq!(now.request_at(id).outcome, Outcome::Executed(now.tip));
        now
    }

    /// The same with the other credential of the account.
    fn sealed_by_second(&self, name: &str, step: Step) -> Txo {
        let mut ceremony = self.ceremony(name, step);
        ceremony.factors.credential = second_of(name);
        (ceremony.key, ceremony.biokey) = (secret(number(name) + 20), Biokey(number(name) + 120));
        ceremony.finish()
    }

    fn proposal(&self, action: Action) -> Proposal {
        let draft = self.draft();
        Proposal {
            expiry: self.place().time.plus(LIFETIME_MS),
            policy_hash: draft.policy().unwrap().hash(),
            basis: block(self.tip.0),
            expect: action.expectation(&draft),
            action,
        }
    }

    fn request(&self, name: &str, action: Action) -> Txo {
        self.sealed(name, Step::Request(self.proposal(action)))
    }

    fn approval(&self, name: &str, request: RequestId, role: Role) -> Txo {
        self.sealed(name, Step::Approve(Answer { request, role }))
    }

    /// With the request of alice to revoke the key of dave.
    fn asked(&self) -> (Self, RequestId) {
        self.asked_to(revoke("dave"))
    }

    fn asked_to(&self, action: Action) -> (Self, RequestId) {
        let txo = self.request("alice", action);
        (self.after(&[&txo]), RequestId(txo.body.id()))
    }

    fn status(&self, name: &str) -> CredentialStatus {
        self.draft().account(&account(name)).unwrap().credentials[0].status
    }

    fn request_at(&self, id: RequestId) -> Request {
        self.draft().read(&Request::state_key(id)).unwrap()
    }
}

fn set_status(name: &str, status: CredentialStatus) -> Action {
    Action::Credential { account: account(name), credential: credential_of(name), status }
}

fn revoke(name: &str) -> Action {
    set_status(name, CredentialStatus::Revoked)
}

const TECHNICAL: Role = Role::Technical;
const COMPLIANCE: Role = Role::Compliance;

/// What is refused, why, and the same without the one fault.
#[derive(Clone)]
struct Case {
    denial: Denial,
    refused: Vec<(Village, Txo)>,
    twin: (Village, Txo),
}

fn factors(txo: &mut Txo) -> &mut Factors {
    match &mut txo.seal {
        Seal::Factors(factors) => factors,
        Seal::Key(_) => panic!("a person's act has factors"),
    }
}

/// Bob, about to approve a request of alice: the honest act of the cases of the ceremony.
struct Bob {
    open: Village,
    step: Step,
    honest: Txo,
}

impl Bob {
    fn new() -> Self {
        let (open, request) = Village::at(80).asked();
        let step = Step::Approve(Answer { request, role: TECHNICAL });
        Self { honest: open.sealed("bob", step.clone()), open, step }
    }

    /// He signs something else, or with something else.
    fn signing(&self, change: impl Fn(&mut Ceremony)) -> Txo {
        let mut ceremony = self.open.ceremony("bob", self.step.clone());
        change(&mut ceremony);
        ceremony.finish()
    }

    /// Somebody changes what he signed.
    fn changed(&self, change: impl Fn(&mut Txo)) -> Txo {
        let mut txo = self.honest.clone();
        change(&mut txo);
        txo
    }

    /// The second half of his biokey says something else, or for another purpose.
    fn resigned(&self, tag: Tag, message: Hash) -> Txo {
        let said = Biokey(100 + number("bob")).sign(tag, message);
        self.changed(|txo| factors(txo).biokey.mldsa = said.mldsa.clone())
    }

    fn at_heights(&self, from: u64, until: u64) -> Txo {
        let act = Act { from: Height(from), until: Height(until), step: self.step.clone() };
        self.signing(|it| it.body.payload = act.to_bytes())
    }

    fn with_flags(&self, flags: u8) -> Txo {
        self.signing(|it| it.factors.auth_data = auth_data(RP_ID, flags, 0))
    }

    fn opened_at(&self, at: BlockRef) -> Txo {
        self.signing(|it| it.factors.opened_at = at)
    }

    fn case(&self, denial: Denial, refused: Vec<Txo>) -> Case {
        let refused = refused.into_iter().map(|txo| (self.open.clone(), txo)).collect();
        Case { denial, refused, twin: (self.open.clone(), self.honest.clone()) }
    }

    /// The honest act on chains where something else is so.
    fn elsewhere(&self, denial: Denial, villages: Vec<Village>) -> Case {
        let refused = villages.into_iter().map(|village| (village, self.honest.clone())).collect();
        Case { refused, ..self.case(denial, vec![]) }
    }
}

fn cases_of_accounts() -> Vec<Case> {
    let bob = Bob::new();
    let (open, next) = (&bob.open, bob.open.tip.0 + 1);
    let standing = |name, standing| open.with(name, move |account| account.standing = standing);
    let mallory = Sender::Account(account("mallory"));
    for until in [next, next + Act::MAX_HEIGHTS] {
        assert_eq!(open.outcome(&bob.at_heights(next, until)), Ok(()), "to the height");
    }
    vec![
        bob.case(
            Denial::UnknownAccount,
            vec![
                open.sealed("mallory", bob.step.clone()),
                bob.changed(|txo| txo.body.sender = mallory.clone()),
            ],
        ),
        bob.elsewhere(
            Denial::AccountClosed,
            vec![standing("bob", Standing::Suspended), standing("bob", Standing::Revoked)],
        ),
        bob.case(
            Denial::Heights,
            vec![bob.at_heights(next, next + Act::MAX_HEIGHTS + 1), bob.at_heights(0, u64::MAX)],
        ),
        bob.case(Denial::Early, vec![bob.at_heights(next + 1, next + 9), bob.at_heights(u64::MAX, u64::MAX)]),
        bob.case(Denial::Late, vec![bob.at_heights(1, next - 1), bob.at_heights(0, 0)]),
        bob.elsewhere(
            Denial::RequesterClosed,
            vec![
                standing("alice", Standing::Revoked),
                open.with_status("alice", CredentialStatus::Suspended),
            ],
        ),
    ]
}

fn cases_of_assertions() -> Vec<Case> {
    let bob = Bob::new();
    let status = |status| bob.open.with_status("bob", status);
    let now = bob.open.tip.next();
    let other = Act { from: now, until: now, step: bob.step.clone() };
    vec![
        bob.case(
            Denial::UnknownCredential,
            vec![
                bob.signing(|it| it.factors.credential = credential_of("carol")),
                bob.changed(|txo| factors(txo).credential = CredentialId::of(b"")),
            ],
        ),
        bob.elsewhere(
            Denial::CredentialSuspended,
            vec![status(CredentialStatus::Suspended), status(CredentialStatus::Cloned)],
        ),
        bob.elsewhere(Denial::CredentialRevoked, vec![status(CredentialStatus::Revoked)]),
        bob.case(
            Denial::RelyingParty,
            vec![
                bob.signing(|it| it.factors.auth_data = auth_data("other.qratum.invalid", 5, 0)),
                bob.changed(|txo| factors(txo).auth_data.0[31] ^= 1),
            ],
        ),
        bob.case(Denial::NoTouch, vec![bob.with_flags(0x04), bob.with_flags(0)]),
        bob.case(Denial::NoVerification, vec![bob.with_flags(0x01), bob.with_flags(0x09)]),
        bob.case(Denial::Flags, [0x0d, 0x1d, 0x45, 0x85, 0x07].map(|flags| bob.with_flags(flags)).to_vec()),
        bob.case(
            Denial::Assertion,
            vec![
                bob.signing(|it| it.key = secret(number("carol"))),
                bob.signing(|it| it.rp_id = "other.qratum.invalid"),
                bob.changed(|txo| txo.body.payload = other.to_bytes()),
                bob.changed(|txo| txo.body.nonce += 1),
                bob.changed(|txo| factors(txo).auth_data = auth_data(RP_ID, 5, 1)),
                bob.changed(|txo| factors(txo).signature = [0; 64]),
            ],
        ),
    ]
}

fn cases_of_biokeys() -> Vec<Case> {
    let bob = Bob::new();
    let tip = bob.open.tip.0;
    let oldest = tip + 1 - WINDOW_MS / 1000;
    assert_eq!(bob.open.outcome(&bob.opened_at(block(oldest))), Ok(()), "to the second");
    let at = |height, id| bob.opened_at(BlockRef { height: Height(height), block_id: block_id(id) });
    // An assertion of the same key for the same act, with the biokey's word for another.
    let mut recombined = bob.signing(|it| it.factors.auth_data = auth_data(RP_ID, 5, 9));
    factors(&mut recombined).biokey = factors(&mut bob.honest.clone()).biokey.clone();
    vec![
        bob.case(Denial::OpenedNowhere, vec![at(tip, 7), at(tip + 1, tip + 1), at(u64::MAX, 0)]),
        bob.case(Denial::OpenedTooLong, vec![at(oldest - 1, oldest - 1), at(0, 0)]),
        bob.case(
            Denial::Biokey,
            vec![
                bob.signing(|it| it.biokey = Biokey(100 + number("carol"))),
                bob.changed(|txo| factors(txo).opened_at = block(tip - 1)),
                recombined,
            ],
        ),
        bob.case(
            Denial::BiokeyOther,
            vec![bob.changed(|txo| {
                let said = &mut factors(txo).biokey;
                let message = Hash([1; 32]);
                let other = Biokey(9).sign(domain::BIOKEY_ACTION, message);
                (said.mldsa_key, said.mldsa) = (other.mldsa_key, other.mldsa);
            })],
        ),
        bob.case(
            Denial::BiokeyMlDsa,
            vec![
                bob.changed(|txo| factors(txo).biokey.mldsa[9] ^= 1),
                bob.resigned(domain::BIOKEY_ACTION, Hash([1; 32])),
                bob.resigned(
                    domain::HANDOVER,
                    factors(&mut bob.honest.clone()).biokey_message(bob.honest.body.challenge()),
                ),
            ],
        ),
    ]
}

/// Alice, about to ask that the key of dave be revoked: the honest act of the cases of requests.
struct Alice {
    village: Village,
}

impl Alice {
    fn case(&self, denial: Denial, refused: Vec<Txo>) -> Case {
        let refused = refused.into_iter().map(|txo| (self.village.clone(), txo)).collect();
        Case { denial, refused, twin: (self.village.clone(), self.asking(revoke("dave"))) }
    }

    fn asking(&self, action: Action) -> Txo {
        self.village.request("alice", action)
    }

    fn resting_on(&self, change: impl Fn(&mut Proposal)) -> Txo {
        let mut proposal = self.village.proposal(revoke("dave"));
        change(&mut proposal);
        self.village.sealed("alice", Step::Request(proposal))
    }
}

fn cases_of_proposals() -> Vec<Case> {
    let alice = Alice { village: Village::at(5) };
    let (village, now) = (&alice.village, alice.village.place().time);
    let rules = Policy::new([(Class::Policy, rule(2, LIFETIME_MS))]);
    let ruleless = village.put(Policy::STATE_KEY.to_vec(), rules.to_bytes());
    let revoked = village.with_status("dave", CredentialStatus::Revoked);
    let after = revoke("dave").expectation(&revoked.draft());
    let later = village.grown(80);
    let on_old = Proposal { basis: block(10), ..later.proposal(revoke("dave")) };
    vec![
        Case {
            refused: vec![(ruleless.clone(), ruleless.request("alice", revoke("dave")))],
            ..alice.case(Denial::NoRule, vec![])
        },
        alice.case(
            Denial::PolicyChanged,
            vec![
                alice.resting_on(|it| it.policy_hash = policy(3, LIFETIME_MS).hash()),
                alice.resting_on(|it| it.policy_hash = Hash::ZERO),
            ],
        ),
        alice.case(
            Denial::Basis,
            vec![
                alice.resting_on(|it| it.basis.block_id = block_id(9)),
                alice.resting_on(|it| it.basis = block(village.tip.0 + 1)),
            ],
        ),
        Case {
            refused: vec![(later.clone(), later.sealed("alice", Step::Request(on_old)))],
            twin: (later.clone(), later.request("alice", revoke("dave"))),
            ..alice.case(Denial::Basis, vec![])
        },
        alice.case(
            Denial::StateChanged,
            vec![alice.resting_on(|it| it.expect = Hash::ZERO), alice.resting_on(|it| it.expect = after)],
        ),
        alice.case(
            Denial::Lifetime,
            vec![
                alice.resting_on(|it| it.expiry = now),
                alice.resting_on(|it| it.expiry = now.plus(LIFETIME_MS + 1)),
            ],
        ),
    ]
}

fn cases_of_actions() -> Vec<Case> {
    let alice = Alice { village: Village::at(5) };
    let village = &alice.village;
    let dave = |status| village.with_status("dave", status);
    let (revoked, suspended) = (dave(CredentialStatus::Revoked), dave(CredentialStatus::Suspended));
    let one_key = village.with("alice", |account| account.credentials.truncate(1));
    let reinstate =
        |village: &Village| village.request("alice", set_status("dave", CredentialStatus::Active));
    let mixed = Action::Credential {
        account: account("dave"),
        credential: credential_of("bob"),
        status: CredentialStatus::Revoked,
    };
    vec![
        alice.case(Denial::NoTarget, vec![alice.asking(revoke("mallory")), alice.asking(mixed)]),
        Case {
            denial: Denial::Final,
            refused: vec![(revoked.clone(), reinstate(&revoked))],
            twin: (suspended.clone(), reinstate(&suspended)),
        },
        alice.case(
            Denial::NoEffect,
            vec![
                alice.asking(set_status("dave", CredentialStatus::Active)),
                alice.asking(Action::Policy(policy(2, LIFETIME_MS))),
            ],
        ),
        alice.case(
            Denial::UnfitPolicy,
            [policy(1, LIFETIME_MS), policy(2, 0)].map(|next| alice.asking(Action::Policy(next))).to_vec(),
        ),
        Case {
            refused: [revoke("alice"), Action::Policy(policy(4, LIFETIME_MS))]
                .map(|action| (one_key.clone(), one_key.request("alice", action)))
                .to_vec(),
            ..alice.case(Denial::TooFew, vec![])
        },
    ]
}

/// A request that bob approved, and carol about to: the honest act of the cases of approvals.
struct Carol {
    open: Village,
    begun: Village,
    id: RequestId,
}

impl Carol {
    fn new() -> Self {
        let (open, id) = Village::at(5).asked();
        Self { begun: open.after(&[&open.approval("bob", id, TECHNICAL)]), open, id }
    }

    fn by(&self, village: &Village, name: &str, role: Role) -> (Village, Txo) {
        (village.clone(), village.approval(name, self.id, role))
    }

    fn no(&self, village: &Village, name: &str) -> (Village, Txo) {
        let answer = Answer { request: self.id, role: TECHNICAL };
        (village.clone(), village.sealed(name, Step::Reject(answer)))
    }

    fn case(&self, denial: Denial, refused: Vec<(Village, Txo)>) -> Case {
        Case { denial, refused, twin: self.by(&self.begun, "carol", COMPLIANCE) }
    }
}

fn cases_of_closed_requests() -> Vec<Case> {
    let carol = Carol::new();
    let (begun, open) = (&carol.begun, &carol.open);
    let done = begun.after(&[&carol.by(begun, "carol", COMPLIANCE).1]);
    let closed = begun.after(&[&carol.no(begun, "dave").1]);
    let ends = open.tip.0 + LIFETIME_MS / 1000;
    let (last, over) = (open.grown(ends - 1), open.grown(ends));
    let changed = begun.decided(Action::Policy(policy(3, LIFETIME_MS)));
    let changed_back = changed.decided(Action::Policy(policy(2, LIFETIME_MS)));
    assert_eq!(changed_back.draft().policy(), begun.draft().policy());
    let suspended = begun.with_status("dave", CredentialStatus::Suspended);
    let late = |village| vec![carol.by(village, "carol", COMPLIANCE), carol.no(village, "bob")];
    vec![
        Case { twin: carol.by(&last, "bob", TECHNICAL), ..carol.case(Denial::Expired, late(&over)) },
        carol.case(Denial::Executed, late(&done)),
        carol.case(Denial::Rejected, late(&closed)),
        carol.case(Denial::PolicyChanged, [late(&changed), late(&changed_back)].concat()),
        carol.case(Denial::StateChanged, vec![carol.by(&suspended, "carol", COMPLIANCE)]),
        carol.case(Denial::UnknownRequest, {
            let none = begun.approval("carol", RequestId(Hash::ZERO), COMPLIANCE);
            vec![(begun.clone(), none)]
        }),
    ]
}

fn cases_of_approvers() -> Vec<Case> {
    let carol = Carol::new();
    let (begun, open) = (&carol.begun, &carol.open);
    vec![
        carol.case(
            Denial::Role,
            vec![
                carol.by(begun, "bob", COMPLIANCE),
                carol.by(begun, "oscar", COMPLIANCE),
                (begun.clone(), begun.request("bob", revoke("dave"))),
            ],
        ),
        carol.case(Denial::RoleUnasked, vec![carol.by(begun, "oscar", Role::OnCall)]),
        Case {
            twin: carol.by(open, "bob", TECHNICAL),
            ..carol.case(
                Denial::OwnRequest,
                vec![carol.by(open, "alice-2", TECHNICAL), carol.no(open, "alice-2")],
            )
        },
        carol.case(
            Denial::SamePerson,
            vec![carol.by(begun, "bob-2", COMPLIANCE), carol.by(begun, "bob", TECHNICAL)],
        ),
        carol.case(Denial::RoleFilled, vec![carol.by(begun, "dave", TECHNICAL)]),
    ]
}

#[test]
fn every_denial_has_a_case_and_an_honest_twin() {
    let ceremony = [cases_of_accounts(), cases_of_assertions(), cases_of_biokeys()].concat();
    let requests = [cases_of_proposals(), cases_of_actions(), cases_of_many_requests()].concat();
    let approvals = [cases_of_closed_requests(), cases_of_approvers()].concat();
    let cases = [ceremony, requests, approvals, identity::cases()].concat();
    for (index, Case { denial, refused, twin: (village, honest) }) in cases.iter().enumerate() {
        assert_eq!(village.outcome(honest), Ok(()), "{denial:?}, case {index}: the honest twin");
        for (nth, (village, txo)) in refused.iter().enumerate() {
            let told = village.outcome(txo);
            assert_eq!(told, Err(Refusal::Denied(*denial)), "case {index}, number {nth}");
        }
    }
    let tested = cases.iter().filter(|case| !case.refused.is_empty()).map(|case| case.denial);
    let tested: BTreeSet<Denial> = tested.collect();
    let of_votes = crate::ledger::governance::tests::DENIALS;
    let due = Denial::ALL.iter().copied().filter(|denial| !of_votes.contains(&(*denial as u8)));
    assert_eq!(tested, due.collect());
}

#[test]
fn what_is_no_act_of_this_chain_is_refused_before_anything_is_computed() {
    let (open, id) = Village::at(5).asked();
    let step = Step::Approve(Answer { request: id, role: TECHNICAL });
    let changed = |change: &dyn Fn(&mut TxoBody)| {
        let mut ceremony = open.ceremony("bob", step.clone());
        change(&mut ceremony.body);
        open.outcome(&ceremony.finish())
    };
    assert_eq!(changed(&|_| {}), Ok(()));
    assert_eq!(changed(&|body| body.chain_id = ChainId::ZERO), Err(Refusal::WrongChain));
    assert_eq!(changed(&|body| body.class = TxoClass::Network), Err(Refusal::Class));
    assert_eq!(changed(&|body| body.payload.push(0)), Err(Refusal::Malformed));
    assert_eq!(changed(&|body| body.nonce = 1), Err(Refusal::Nonce { want: 0 }));
    let (key, body) = (secret(2), open.ceremony("bob", step.clone()).body);
    let signed = TxoBody { sender: key.public().into(), ..body }.sign(&key);
    assert_eq!(open.outcome(&signed), Err(Refusal::Class), "a key is not a person");
}

#[test]
fn two_approvals_of_two_groups_carry_a_request_to_its_end_and_no_sooner() {
    let (open, id) = Village::at(5).asked();
    assert_eq!(open.request_at(id).outcome, Outcome::Open);
    let begun = open.after(&[&open.approval("bob", id, TECHNICAL)]);
    assert_eq!(
        (begun.request_at(id).outcome, begun.status("dave")),
        (Outcome::Open, CredentialStatus::Active)
    );
    let by_carol = begun.approval("carol", id, COMPLIANCE);
    let done = begun.after(&[&by_carol]);
    let request = done.request_at(id);
    assert_eq!(done.status("dave"), CredentialStatus::Revoked);
    assert_eq!(request.outcome, Outcome::Executed(done.tip));
    let said: Vec<_> = request.voices.iter().map(|voice| (voice.account.as_str(), voice.approves)).collect();
    assert_eq!(said, [("bob", true), ("carol", true)]);
    assert_eq!(request.voices[1].txo, by_carol.body.id());
    // Replayed: as it was, and sealed anew under the same nonce.
    assert_eq!(done.outcome(&by_carol), Err(Refusal::Nonce { want: 1 }));
    // The revoked key is refused from the next block on.
    let late = done.request("dave", revoke("carol"));
    assert_eq!(done.outcome(&late), Err(Refusal::Denied(Denial::CredentialRevoked)));
}

/// Whoever saw an act can send it again, and costs nobody a signature.
#[test]
fn a_nonce_that_was_used_is_told_before_any_signature() {
    let (open, id) = Village::at(5).asked();
    let mut seen = open.approval("bob", id, TECHNICAL);
    let after = open.after(&[&seen]);
    factors(&mut seen).signature[0] ^= 1;
    let sender = |village: &Village| crate::ledger::check_sender(&village.draft(), &village.place(), &seen);
    assert_eq!(sender(&open), Err(Refusal::Denied(Denial::Assertion)));
    assert_eq!(sender(&after), Err(Refusal::Nonce { want: 1 }));
}

#[test]
fn one_rejection_closes_a_request() {
    let (open, id) = Village::at(5).asked();
    let no = open.sealed("carol", Step::Reject(Answer { request: id, role: COMPLIANCE }));
    let closed = open.after(&[&no]);
    assert_eq!(closed.request_at(id).outcome, Outcome::Rejected(closed.tip));
    let bob = closed.approval("bob", id, TECHNICAL);
    assert_eq!(closed.outcome(&bob), Err(Refusal::Denied(Denial::Rejected)));
}

/// Approvals are counted again when the last one comes.
#[test]
fn who_was_revoked_since_does_not_count_any_more() {
    let (open, id) = Village::at(5).asked_to(revoke("oscar"));
    let begun = open.after(&[&open.approval("bob", id, TECHNICAL)]);
    let losses = [
        begun.with_status("bob", CredentialStatus::Revoked),
        begun.with("bob", |account| account.standing = Standing::Suspended),
        begun.with("bob", |account| account.roles = Roles::of([Role::Auditor])),
    ];
    for lost in losses {
        let both = lost.after(&[&lost.approval("carol", id, COMPLIANCE)]);
        assert_eq!(both.request_at(id).outcome, Outcome::Open);
        let done = both.after(&[&both.approval("dave", id, TECHNICAL)]);
        assert_eq!(done.request_at(id).outcome, Outcome::Executed(done.tip), "dave stands in");
    }
}

/// A chain where alice has as many requests open as one may, and the first of them.
fn full(lifetime_ms: u64) -> (Village, RequestId) {
    let (mut now, mut opened) = (Village::at(5), Vec::new());
    for _ in 0..crate::ledger::open::MAX_OPEN {
        let expiry = now.place().time.plus(lifetime_ms);
        let proposal = Proposal { expiry, ..now.proposal(revoke("dave")) };
        let txo = now.sealed("alice", Step::Request(proposal));
        now = now.after(&[&txo]);
        opened.push(RequestId(txo.body.id()));
    }
    (now, opened[0])
}

fn cases_of_many_requests() -> Vec<Case> {
    let ((full, first), (brief, _)) = (full(LIFETIME_MS), full(1));
    let no = Step::Reject(Answer { request: first, role: TECHNICAL });
    let rejected = full.after(&[&full.sealed("bob", no)]);
    let held = crate::ledger::open::HELD_MS / 1000;
    let (last, over) = (brief.grown(5 + held), brief.grown(6 + held));
    let another = |village: &Village| (village.clone(), village.request("alice", revoke("dave")));
    let of = |refused: &Village, twin: &Village| Case {
        denial: Denial::TooManyOpen,
        refused: vec![another(refused)],
        twin: another(twin),
    };
    vec![of(&full, &rejected), of(&last, &over)]
}

/// A key that comes back brings no second voice of the same person.
#[test]
fn a_person_counts_once_with_however_many_keys() {
    let (open, id) = Village::at(5).asking_for(3).asked_to(revoke("oscar"));
    let begun = open.after(&[&open.approval("bob", id, TECHNICAL)]);
    let lost = begun.with_status("bob", CredentialStatus::Cloned);
    let yes = Step::Approve(Answer { request: id, role: TECHNICAL });
    let again = lost.after(&[&lost.sealed_by_second("bob", yes.clone())]);
    let found = again.with_status("bob", CredentialStatus::Active);
    let third = found.sealed("bob", yes);
    assert_eq!(found.outcome(&third), Err(Refusal::Denied(Denial::SamePerson)));
    let two = found.after(&[&found.approval("carol", id, COMPLIANCE)]);
    assert_eq!(two.request_at(id).outcome, Outcome::Open, "bob and carol are two");
    let done = two.after(&[&two.approval("dave", id, TECHNICAL)]);
    assert_eq!(done.request_at(id).outcome, Outcome::Executed(done.tip));
}

/// A request stands as long as the key and the role that made it.
#[test]
fn a_request_falls_with_the_key_that_made_it() {
    let village = Village::at(5);
    let txo = village.sealed_by_second("alice", Step::Request(village.proposal(revoke("dave"))));
    let (open, id) = (village.after(&[&txo]), RequestId(txo.body.id()));
    let stands = open.with_status("alice", CredentialStatus::Revoked);
    assert_eq!(stands.outcome(&stands.approval("bob", id, TECHNICAL)), Ok(()));
    for fallen in [
        open.with("alice", |account| account.credentials[1].status = CredentialStatus::Revoked),
        open.with("alice", |account| account.roles = Roles::of([Role::Auditor])),
    ] {
        let told = fallen.outcome(&fallen.approval("bob", id, TECHNICAL));
        assert_eq!(told, Err(Refusal::Denied(Denial::RequesterClosed)));
    }
}

#[test]
fn a_counter_that_goes_back_suspends_the_key_and_junk_does_not() {
    let (open, id) = Village::at(5).asked();
    let counting = open.with("bob", |account| account.credentials[0].sign_count = 7);
    let with_counter = |counter: u32| {
        let mut ceremony = counting.ceremony("bob", Step::Approve(Answer { request: id, role: TECHNICAL }));
        ceremony.factors.auth_data = auth_data(RP_ID, 5, counter);
        ceremony
    };
    let counted = counting.after(&[&with_counter(8).finish()]);
    let key = &counted.draft().account(&account("bob")).unwrap().credentials[0];
    assert_eq!((key.sign_count, key.last_used), (8, counted.tip));
    assert_eq!(counted.request_at(id).voices.len(), 1);
    for counter in [7, 6, 0] {
        let cloned = counting.after(&[&with_counter(counter).finish()]);
        let bob = cloned.draft().account(&account("bob")).unwrap();
        assert_eq!((bob.credentials[0].status, bob.credentials[0].sign_count), (CredentialStatus::Cloned, 7));
        assert_eq!((bob.nonce, cloned.request_at(id).voices.len()), (1, 0), "it does not count");
    }
    // Unsigned, out of order, or for nothing: no reason to suspend anybody.
    let mut unsigned = with_counter(6).finish();
    factors(&mut unsigned).signature[0] ^= 1;
    let mut early = with_counter(6);
    early.body.nonce = 1;
    let mut pointless = counting.ceremony("bob", Step::Approve(Answer { request: id, role: COMPLIANCE }));
    pointless.factors.auth_data = auth_data(RP_ID, 5, 6);
    assert_eq!(counting.outcome(&unsigned), Err(Refusal::Denied(Denial::Assertion)));
    assert_eq!(counting.outcome(&early.finish()), Err(Refusal::Nonce { want: 0 }));
    assert_eq!(counting.outcome(&pointless.finish()), Err(Refusal::Denied(Denial::Role)));
}

#[test]
fn the_chain_remembers_two_minutes_and_a_chain_without_people_nothing() {
    let village = Village::at(200);
    let kept = village.state.entries().keys().filter(|key| key.starts_with(b"recent/")).count();
    assert_eq!(kept as u64, 2 * WINDOW_MS / 1000);
    let alone = Genesis { people: None, ..genesis() };
    let (state, place) = (alone.state().unwrap(), village.place());
    let mut draft = Draft::new(&state);
    recent::remember(&mut draft, &place);
    assert!(draft.into_changes().is_empty());
}

#[test]
fn people_suffice_without_any_one_key_and_are_not_too_many() {
    let check = |change: &dyn Fn(&mut People)| {
        let mut people = people();
        change(&mut people);
        people.check("test", BTreeSet::new())
    };
    let one_key =
        |name| move |it: &mut People| it.accounts.get_mut(&account(name)).unwrap().credentials.truncate(1);
    assert_eq!(check(&|_| {}), Ok(()));
    assert_eq!(check(&one_key("bob")), Ok(()), "dave is there");
    assert_eq!(check(&one_key("alice")), Err(PeopleFault::OneKey(account("alice"))));
    let without_alice = |it: &mut People| drop(it.accounts.remove(&account("alice")));
    assert_eq!(check(&without_alice), Err(PeopleFault::TooFew));
    let crowd = |it: &mut People| {
        let oscar = it.accounts[&account("oscar")].clone();
        let more = (0..=People::MAX_ACCOUNTS).map(|n| (account(&format!("o-{n}")), oscar.clone()));
        it.accounts.extend(more);
    };
    assert_eq!(check(&crowd), Err(PeopleFault::TooMany));
}

/// A stream of numbers from a seed (the 64-bit generator of Knuth's MMIX).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

/// A credential of any account, and what it may become.
fn some_status(dice: &mut Dice) -> Action {
    let name = ACCOUNTS[dice.below(ACCOUNTS.len())].0;
    let credential = [credential_of(name), second_of(name)][dice.below(2)];
    let statuses = [CredentialStatus::Suspended, CredentialStatus::Active, CredentialStatus::Active];
    let status = statuses[dice.below(3)];
    Action::Credential { account: account(name), credential, status }
}

/// Anything that somebody may want: sensible steps, and ones in a wrong role or for a request that is
/// closed.
fn some_step(village: &Village, requests: &[RequestId], dice: &mut Dice) -> Step {
    let role = Role::ALL[dice.below(3)];
    let request = requests.get(dice.below(requests.len() + 1)).copied();
    let answer = request.map(|request| Answer { request, role });
    match (dice.below(16), answer) {
        (0, Some(answer)) => Step::Reject(answer),
        (1..=13, Some(answer)) => Step::Approve(answer),
        (14, _) if dice.below(2) == 0 => {
            let names = ACCOUNTS[dice.below(ACCOUNTS.len())].0;
            let (account, more) = (account(names), Role::ALL[dice.below(Role::ALL.len())]);
            let roles = village.draft().account(&account).map_or(Roles::default(), |it| it.roles);
            let identity = match dice.below(2) {
                0 => Identity::Roles { account, roles: roles.with(Roles::of([more])) },
                _ => Identity::Standing { account, standing: Standing::Suspended },
            };
            Step::Request(village.proposal(Action::Identity(identity)))
        }
        (14, _) => {
            let threshold = village.draft().policy().unwrap().rule(Class::Policy).unwrap().threshold;
            let lifetime_ms = LIFETIME_MS + dice.below(9) as u64;
            Step::Request(village.proposal(Action::Policy(policy(threshold, lifetime_ms))))
        }
        _ => Step::Request(village.proposal(some_status(dice))),
    }
}

/// Lets `names` do whatever they may on a chain that asks for `threshold` approvals, and returns the
/// chain and all requests. Where keys `drift`, others suspend and reinstate them in between. Each act is
/// of a person with any of their keys, whose factors hold.
fn life(names: &[&str], (threshold, drift): (u8, bool), seed: u64) -> (Village, Vec<RequestId>) {
    let mut village = Village::at(2).asking_for(threshold);
    let (mut requests, mut dice) = (Vec::new(), Dice(seed));
    for _ in 0..80 {
        let name = names[dice.below(names.len())];
        let credential = [credential_of(name), second_of(name)][dice.below(2)];
        let step = some_step(&village, &requests, &mut dice);
        if let Some(next) = village.after_step(name, credential, step) {
            village = next;
            let opened = RequestId(village.newest_act());
            if village.state.get(&Request::state_key(opened)).is_some() {
                requests.push(opened);
            }
        }
        if drift
            && dice.below(6) == 0
            && let Action::Credential { account, credential, status } = some_status(&mut dice)
        {
            let set = |it: &mut Account| it.credential_mut(credential).unwrap().status = status;
            village = village.with(account.as_str(), set);
        }
    }
    (village, requests)
}

/// No coalition without two people of the two groups beside a requester ever changes anything.
#[test]
fn nothing_is_carried_out_below_the_threshold() {
    let coalitions: [(u8, &[&str]); 7] = [
        (2, &["alice", "alice-2", "bob", "dave", "oscar"]),
        (2, &["alice", "alice-2", "carol", "oscar"]),
        (2, &["alice", "alice-2", "bob", "bob-2"]),
        (2, &["bob", "bob-2", "carol", "dave", "oscar"]),
        (2, &["alice", "alice-2"]),
        (3, &["alice", "alice-2", "bob", "bob-2", "carol", "oscar"]),
        (3, &["alice", "alice-2", "bob", "bob-2", "dave"]),
    ];
    for ((threshold, names), seed) in coalitions.iter().flat_map(|it| (0..8).map(move |seed| (it, seed))) {
        let (village, requests) = life(names, (*threshold, false), seed);
        assert_eq!(village.draft().policy(), Some(policy(*threshold, LIFETIME_MS)), "{names:?}, seed {seed}");
        for (id, enrolled) in genesis().people.unwrap().accounts {
            let lasting = |mut account: Account| {
                account.nonce = 0;
                account.credentials.iter_mut().for_each(|it| it.last_used = Height(0));
                account
            };
            let now = village.draft().account(&id).unwrap();
            assert_eq!(lasting(now), lasting(enrolled), "{names:?}, seed {seed}");
        }
        let executed = |id: &RequestId| matches!(village.request_at(*id).outcome, Outcome::Executed(_));
        assert!(!requests.iter().any(executed), "{names:?}, seed {seed}");
    }
}

/// Whatever was carried out had voices of both groups and of as many people as were asked for, and none
/// of them is who asked: whichever keys were lost and found meanwhile.
#[test]
fn whatever_is_carried_out_had_its_approvals() {
    let everybody = ACCOUNTS.map(|(name, ..)| name);
    for threshold in [2, 3] {
        let mut carried_out = 0;
        for seed in 0..40 {
            let (village, requests) = life(&everybody, (threshold, true), seed);
            for request in requests.iter().map(|id| village.request_at(*id)) {
                let Outcome::Executed(height) = request.outcome else { continue };
                carried_out += 1;
                let people: BTreeSet<_> = request.voices.iter().map(|voice| voice.person).collect();
                let roles: BTreeSet<_> = request.voices.iter().map(|voice| voice.role).collect();
                assert!(people.len() >= usize::from(threshold), "{threshold}, seed {seed}");
                assert!(!people.contains(&request.person), "{threshold}, seed {seed}");
                assert_eq!(roles, BTreeSet::from([TECHNICAL, COMPLIANCE]), "{threshold}, seed {seed}");
                assert!(request.voices.iter().all(|voice| voice.approves && voice.height <= height));
            }
        }
        assert!(carried_out > 0, "{threshold}: {carried_out}");
    }
}

#[test]
fn what_stands_in_the_state_can_be_read_back() {
    let (open, id) = Village::at(5).asked();
    let done = open.after(&[&open.approval("bob", id, TECHNICAL)]);
    let request = done.request_at(id);
    assert_eq!(Request::from_bytes(&request.to_bytes()), Ok(request.clone()));
    let mut twice = request;
    twice.voices.push(twice.voices[0].clone());
    assert_eq!(Request::from_bytes(&twice.to_bytes()), Err(crate::codec::Malformed::Field("voices")));
    let bob = done.draft().account(&account("bob")).unwrap();
    assert_eq!(Account::from_bytes(&bob.to_bytes()), Ok(bob));
    for denial in Denial::ALL {
        let refusal = Refusal::Denied(*denial);
        assert_eq!(Refusal::from_bytes(&refusal.to_bytes()), Ok(refusal));
    }
}
