//! Who may act: accounts, their keys, roles and standing. All of it is decided by people together.

use std::collections::BTreeSet;

use minicbor::{Decoder, Encoder, decode, encode};

use super::{Denial, Draft, Effect, Place};
use crate::{
    Hash,
    codec::{
        Decode, Encode,
        cbor::{array, expect, known},
        put_option,
    },
    types::{
        Account, AccountId, BiokeyKeys, Class, Credential, CredentialId, CredentialStatus, Enrolling,
        Jurisdiction, KeyUse, NewCredential, People, PersonId, Possession, Purpose, RequestId, Roles, Scope,
        Standing, Zone, who_can_act,
    },
};
use qratum_crypto::sign::ed25519::PublicKey;

/// An account that is to be enrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// Its name.
    pub account: AccountId,
    /// Whose it is: the same in each of their accounts, as whoever approves it attests.
    pub person: PersonId,
    /// What they may do, at least one.
    pub roles: Roles,
    /// Where they are at law.
    pub jurisdiction: Jurisdiction,
    /// Where they work.
    pub zone: Zone,
    /// Its first keys, 1 to [`Identity::MAX_AT_ONCE`].
    pub credentials: Vec<NewCredential>,
}

/// An action on who may act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// An account is there from now on.
    Enrol(NewAccount),
    /// An account has one more credential.
    Link {
        /// Which account.
        account: AccountId,
        /// The credential.
        credential: NewCredential,
    },
    /// An account may act, or not.
    Standing {
        /// Which account.
        account: AccountId,
        /// Whether it may.
        standing: Standing,
    },
    /// An account has these roles, and no others.
    Roles {
        /// Which account.
        account: AccountId,
        /// At least one: an account for nothing is suspended or revoked.
        roles: Roles,
    },
    /// A credential counts with another biokey, and not with the old one.
    Biokey {
        /// Of this account.
        account: AccountId,
        /// Which credential.
        credential: CredentialId,
        /// The new biokey.
        biokey: BiokeyKeys,
    },
}

/// An account as an action leaves it.
struct Change<'a> {
    account: &'a AccountId,
    after: Account,
    /// Keys that come with it.
    keys: Vec<(Purpose, Vec<u8>)>,
    /// The roles that count for more than before: whose rules the action must be guarded by.
    gained: Roles,
}

impl Identity {
    /// The most credentials that one action enrols: their proofs must fit into one transaction.
    pub const MAX_AT_ONCE: usize = 4;
    /// The longest encoding in bytes.
    pub(super) const MAX_LENGTH: usize = 128 + Self::MAX_AT_ONCE * (NewCredential::LONGEST + 3);

    /// The account it is about.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        match self {
            Self::Enrol(new) => &new.account,
            Self::Link { account, .. }
            | Self::Standing { account, .. }
            | Self::Roles { account, .. }
            | Self::Biokey { account, .. } => account,
        }
    }

    /// What of the state it rests on: standing and roles of the account, and for another biokey the
    /// status of the credential and the version of the old one.
    pub(super) fn facts(&self, draft: &Draft<'_>) -> Vec<u8> {
        let (mut facts, account) = (Vec::new(), draft.account(self.account()));
        put_option(&mut facts, account.as_ref(), |out, account| {
            account.standing.encode(out);
            account.roles.encode(out);
        });
        if let Self::Biokey { credential, .. } = self {
            let target = account.as_ref().and_then(|account| account.credential(*credential));
            put_option(&mut facts, target, |out, target: &Credential| {
                target.status.encode(out);
                out.extend_from_slice(&target.biokey_version.to_le_bytes());
            });
        }
        facts
    }

    /// What it would do now; `by`: the request that asks for it.
    ///
    /// # Errors
    /// [`Denial`], where it cannot be done.
    pub(super) fn effect(&self, draft: &Draft<'_>, by: RequestId) -> Result<Effect, Denial> {
        let Change { account, after, keys, gained } = self.change(draft, by)?;
        let policy = draft.policy().unwrap_or_default();
        if !policy.guards(Class::Access, gained) {
            return Err(Denial::Closure);
        }
        let mut entries = vec![(Account::state_key(account), after.to_bytes())];
        for (purpose, key) in keys {
            let key = KeyUse::state_key_of(&key);
            let known = draft.get(&key).is_some() || entries.iter().any(|(other, _)| *other == key);
            if known {
                return Err(Denial::KeyKnown);
            }
            entries.push((key, KeyUse { purpose, name: account.to_string() }.to_bytes()));
        }
        let mut accounts = draft.accounts();
        accounts.insert(account.clone(), after);
        if accounts.len() > People::MAX_ACCOUNTS {
            return Err(Denial::TooMany);
        }
        if policy.can_be_met(&who_can_act(&accounts)) { Ok(entries) } else { Err(Denial::TooFew) }
    }

    fn change(&self, draft: &Draft<'_>, by: RequestId) -> Result<Change<'_>, Denial> {
        let account = self.account();
        if let Self::Enrol(new) = self {
            return new.change(draft, by);
        }
        let mut after = draft.account(account).ok_or(Denial::NoTarget)?;
        if after.standing == Standing::Revoked {
            return Err(Denial::Final);
        }
        let (mut keys, mut gained) = (Vec::new(), after.roles);
        match self {
            Self::Enrol(_) => {}
            Self::Link { credential, .. } => {
                keys = new_keys(draft, credential)?;
                if after.credentials.len() >= Account::MAX_CREDENTIALS {
                    return Err(Denial::TooMany);
                }
                after.credentials.push(credential.clone().enrolled(Some(by), draft.next_height()));
            }
            Self::Standing { standing, .. } if *standing == after.standing => return Err(Denial::NoEffect),
            Self::Standing { standing, .. } => {
                after.standing = *standing;
                if *standing != Standing::Active {
                    gained = Roles::default();
                }
            }
            Self::Roles { roles, .. } if *roles == after.roles => return Err(Denial::NoEffect),
            Self::Roles { roles, .. } => {
                gained = roles.without(after.roles);
                after.roles = *roles;
            }
            Self::Biokey { credential, biokey, .. } => {
                keys = biokey_keys(biokey)?;
                replace(after.credential_mut(*credential).ok_or(Denial::NoTarget)?, *biokey)?;
            }
        }
        Ok(Change { account, after, keys, gained })
    }

    /// Whether each key that comes with it is held: `proofs` are there for these and for no others.
    ///
    /// # Errors
    /// [`Denial::Possession`].
    pub(super) fn is_held(
        &self,
        draft: &Draft<'_>,
        place: &Place<'_>,
        proofs: &[Possession],
    ) -> Result<(), Denial> {
        let (rp_id, scope) = (draft.rp_id(), Scope::Chain(place.chain_id));
        let new = self.credentials(draft);
        let held = |((credential, version), proof): (&(NewCredential, u64), &Possession)| {
            let enrolling = Enrolling { scope, account: self.account(), credential, version: *version };
            enrolling.is_held(proof, &rp_id).is_ok()
        };
        let all = new.len() == proofs.len() && new.iter().zip(proofs).all(held);
        if all { Ok(()) } else { Err(Denial::Possession) }
    }

    /// The credentials whose keys must be shown to be held, each with the version of its biokey.
    #[must_use]
    pub fn credentials(&self, draft: &Draft<'_>) -> Vec<(NewCredential, u64)> {
        match self {
            Self::Enrol(new) => new.credentials.iter().map(|credential| (credential.clone(), 0)).collect(),
            Self::Link { credential, .. } => vec![(credential.clone(), 0)],
            Self::Standing { .. } | Self::Roles { .. } => Vec::new(),
            Self::Biokey { account, credential, biokey } => {
                let account = draft.account(account);
                let old = account.as_ref().and_then(|account| account.credential(*credential));
                let with_new = |old: &Credential| {
                    let new = NewCredential { biokey: *biokey, ..old.as_enrolled() };
                    (new, old.biokey_version.saturating_add(1))
                };
                old.map(with_new).into_iter().collect()
            }
        }
    }
}

impl NewAccount {
    fn change(&self, draft: &Draft<'_>, by: RequestId) -> Result<Change<'_>, Denial> {
        if draft.account(&self.account).is_some() {
            return Err(Denial::AccountTaken);
        }
        let others = draft.accounts();
        let mut same = others.values().filter(|other| other.person == self.person);
        if same.any(|other| other.jurisdiction != self.jurisdiction) {
            return Err(Denial::Jurisdiction);
        }
        let (mut ids, mut keys) = (BTreeSet::new(), Vec::new());
        for credential in &self.credentials {
            if !ids.insert(credential.id) {
                return Err(Denial::KeyKnown);
            }
            keys.extend(new_keys(draft, credential)?);
        }
        let height = draft.next_height();
        let enrolled = self.credentials.iter().map(|new| new.clone().enrolled(Some(by), height));
        let after = Account {
            person: self.person,
            roles: self.roles,
            jurisdiction: self.jurisdiction,
            zone: self.zone,
            standing: Standing::Active,
            nonce: 0,
            credentials: enrolled.collect(),
        };
        Ok(Change { account: &self.account, after, keys, gained: self.roles })
    }
}

/// The keys of a credential that nobody has yet.
fn new_keys(draft: &Draft<'_>, new: &NewCredential) -> Result<Vec<(Purpose, Vec<u8>)>, Denial> {
    if !new.key.is_sound() {
        return Err(Denial::Unsound);
    }
    if draft.accounts().values().any(|account| account.credential(new.id).is_some()) {
        return Err(Denial::KeyKnown);
    }
    let mut keys = biokey_keys(&new.biokey)?;
    keys.push((Purpose::Credential, new.key.bytes().to_vec()));
    Ok(keys)
}

fn biokey_keys(biokey: &BiokeyKeys) -> Result<Vec<(Purpose, Vec<u8>)>, Denial> {
    let PublicKey(ed25519) = biokey.ed25519;
    let keys = [(Purpose::Biokey, ed25519.to_vec()), (Purpose::BiokeyMlDsa, biokey.mldsa_hash.0.to_vec())];
    if biokey.is_sound() { Ok(keys.to_vec()) } else { Err(Denial::Unsound) }
}

fn replace(credential: &mut Credential, biokey: BiokeyKeys) -> Result<(), Denial> {
    if credential.status == CredentialStatus::Revoked {
        return Err(Denial::Final);
    }
    credential.biokey = biokey;
    credential.biokey_version = credential.biokey_version.saturating_add(1);
    Ok(())
}

impl Identity {
    /// Reads the action of this number, in an array of this length.
    pub(super) fn read(
        decoder: &mut Decoder<'_>,
        number: u64,
        length: Option<u64>,
    ) -> Result<Self, decode::Error> {
        let items = match number {
            3 => 7,
            4..=6 => 3,
            7 => 5,
            _ => return Err(decode::Error::message("kind of action")),
        };
        expect(length == Some(items), "array length")?;
        let account = known(AccountId::new(decoder.str()?), "account")?;
        Ok(match number {
            3 => Self::Enrol(NewAccount::read(decoder, account)?),
            4 => Self::Link { account, credential: credential(decoder)? },
            5 => Self::Standing { account, standing: known(Standing::of(decoder.u64()?), "standing")? },
            6 => Self::Roles { account, roles: roles(decoder)? },
            _ => Self::Biokey {
                account,
                credential: CredentialId(Hash(array(decoder)?)),
                biokey: BiokeyKeys { ed25519: PublicKey(array(decoder)?), mldsa_hash: Hash(array(decoder)?) },
            },
        })
    }

    pub(super) fn write<W: encode::Write>(&self, e: &mut Encoder<W>) -> Result<(), encode::Error<W::Error>> {
        let account = self.account().as_str();
        match self {
            Self::Enrol(new) => {
                e.array(7)?.u64(3)?.str(account)?.bytes(&new.person.0.0)?;
                e.bytes(&new.roles.to_bytes())?.bytes(&new.jurisdiction.to_bytes())?;
                e.u64(u64::from(new.zone.number()))?.array(new.credentials.len() as u64)?;
                for credential in &new.credentials {
                    e.bytes(&credential.to_bytes())?;
                }
            }
            Self::Link { credential, .. } => {
                e.array(3)?.u64(4)?.str(account)?.bytes(&credential.to_bytes())?;
            }
            Self::Standing { standing, .. } => {
                e.array(3)?.u64(5)?.str(account)?.u64(*standing as u64)?;
            }
            Self::Roles { roles, .. } => {
                e.array(3)?.u64(6)?.str(account)?.bytes(&roles.to_bytes())?;
            }
            Self::Biokey { credential, biokey, .. } => {
                e.array(5)?.u64(7)?.str(account)?.bytes(&credential.0.0)?;
                e.bytes(&biokey.ed25519.0)?.bytes(&biokey.mldsa_hash.0)?;
            }
        }
        Ok(())
    }
}

impl NewAccount {
    fn read(decoder: &mut Decoder<'_>, account: AccountId) -> Result<Self, decode::Error> {
        let person = PersonId(Hash(array(decoder)?));
        let roles = roles(decoder)?;
        let jurisdiction = known(Jurisdiction::from_bytes(decoder.bytes()?).ok(), "jurisdiction")?;
        let zone = known(u8::try_from(decoder.u64()?).ok().and_then(Zone::new), "zone")?;
        let count = known(decoder.array()?, "array length")?;
        expect((1..=Identity::MAX_AT_ONCE as u64).contains(&count), "1 to 4 credentials")?;
        let credentials = (0..count).map(|_| credential(decoder)).collect::<Result<_, _>>()?;
        Ok(Self { account, person, roles, jurisdiction, zone, credentials })
    }
}

fn credential(decoder: &mut Decoder<'_>) -> Result<NewCredential, decode::Error> {
    known(NewCredential::from_bytes(decoder.bytes()?).ok(), "credential")
}

/// At least one: whoever has none can do nothing, and that is what a standing says.
fn roles(decoder: &mut Decoder<'_>) -> Result<Roles, decode::Error> {
    let roles = Roles::from_bytes(decoder.bytes()?).ok().filter(|roles| *roles != Roles::default());
    known(roles, "roles")
}

/// Proofs of possession, as an act carries them.
pub(super) fn read_proofs(decoder: &mut Decoder<'_>) -> Result<Vec<Possession>, decode::Error> {
    let count = known(decoder.array()?, "array length")?;
    expect(count <= Identity::MAX_AT_ONCE as u64, "at most 4 proofs")?;
    (0..count).map(|_| Possession::read(decoder)).collect()
}
