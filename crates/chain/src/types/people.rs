//! The people a chain starts with, and the policy they live by.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use super::{
    Account, AccountId, Class, Credential, CredentialId, Enrolling, Governance, KeyUse, PersonId, Policy,
    Possession, Purpose, Roles, RuleFault, Scope,
};
use crate::codec::{Decode, Encode, Malformed, Reader, put_list};

/// Who may act on a chain from its first block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct People {
    /// The name under which security keys know this chain: 1 to [`People::MAX_RP_ID`] of `a-z 0-9 - .`.
    pub rp_id: String,
    /// Which approvals an action needs.
    pub policy: Policy,
    /// The first accounts, as they were enrolled.
    pub accounts: BTreeMap<AccountId, Account>,
    /// Who decides by vote.
    pub governance: Governance,
    /// That each of their credentials is held: [`Enrolling`] with the name of the network. No part of
    /// the state.
    pub proofs: BTreeMap<CredentialId, Possession>,
}

/// Why people cannot be what a chain starts with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeopleFault {
    /// The name for security keys is none.
    RpId,
    /// The account has no role, or no credential, or more than [`Account::MAX_CREDENTIALS`].
    Empty(AccountId),
    /// An account has an id of a credential that is used already.
    CredentialTwice(AccountId),
    /// An account has a key that is used already.
    KeyTwice(AccountId, Purpose),
    /// A key is no point of its curve in its one spelling.
    Unsound(AccountId, Purpose),
    /// A rule is none.
    Rule(Class, RuleFault),
    /// There are too few people for some class: nobody could ever act in it.
    TooFew,
    /// There would be too few without the one credential of this account, and a key can be lost.
    OneKey(AccountId),
    /// More accounts than [`People::MAX_ACCOUNTS`].
    TooMany,
    /// Governance names somebody without an account or an operator without a name, or has a window that is
    /// none.
    Governance,
    /// No proof that both factors of a credential of this account are held.
    Possession(AccountId),
    /// The account is in another jurisdiction than another one of the same person.
    Jurisdiction(AccountId),
}

impl fmt::Display for PeopleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RpId => f.write_str("rp_id is no name of 1 to 253 of a-z, 0-9, - and ."),
            Self::Empty(account) => write!(f, "account {account}: it needs a role and 1 to 8 credentials"),
            Self::CredentialTwice(account) => write!(f, "account {account}: a credential is there twice"),
            Self::KeyTwice(account, purpose) => {
                write!(f, "account {account}: the {purpose} is in use already: one key, one purpose")
            }
            Self::Unsound(account, purpose) => write!(f, "account {account}: the {purpose} is no public key"),
            Self::Rule(class, why) => write!(f, "the rule for {class}: {why}"),
            Self::TooFew => f.write_str("the policy asks for more people than there are"),
            Self::OneKey(account) => write!(
                f,
                "account {account}: without its one credential too few people are left: it needs a second \
                one, or somebody else its roles"
            ),
            Self::Governance => f.write_str(
                "governance needs windows of 2 to 100 sets, names of operators, and accounts that are there",
            ),
            Self::Possession(account) => {
                write!(f, "account {account}: no proof that a security key and its biokey are held")
            }
            Self::Jurisdiction(account) => {
                write!(f, "account {account}: the same person has one in another jurisdiction")
            }
            Self::TooMany => write!(f, "there are more than {} accounts", People::MAX_ACCOUNTS),
        }
    }
}

impl People {
    /// State key of [`People::rp_id`].
    pub const RP_ID_KEY: &'static [u8] = b"rp-id";
    /// State key of the names of all accounts, in alphabetical order.
    pub const ACCOUNTS_KEY: &'static [u8] = b"accounts";
    /// The longest time between blocks on a chain with people, in milliseconds: an act names a block
    /// that it rests on, and must come into one soon after.
    pub const MAX_BLOCK_INTERVAL_MS: u64 = super::governance::MAX_BLOCK_INTERVAL_MS;
    /// The most accounts: each of them has a voice in a request at most.
    pub const MAX_ACCOUNTS: usize = 256;
    /// The longest name for security keys: that of a host.
    pub const MAX_RP_ID: usize = 253;

    /// Whether a chain of a network of this name can start with them. `used`: the keys of its validators.
    ///
    /// # Errors
    /// [`PeopleFault`], for the first rule that is broken.
    pub fn check(&self, network: &str, mut used: BTreeSet<Vec<u8>>) -> Result<(), PeopleFault> {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
        if !(1..=Self::MAX_RP_ID).contains(&self.rp_id.len()) || !self.rp_id.bytes().all(fits) {
            return Err(PeopleFault::RpId);
        }
        if self.accounts.len() > Self::MAX_ACCOUNTS {
            return Err(PeopleFault::TooMany);
        }
        let (mut ids, mut places) = (BTreeSet::new(), BTreeMap::new());
        for (id, account) in &self.accounts {
            let count = account.credentials.len();
            if account.roles == Roles::default() || !(1..=Account::MAX_CREDENTIALS).contains(&count) {
                return Err(PeopleFault::Empty(id.clone()));
            }
            if !account.credentials.iter().all(|credential| ids.insert(credential.id)) {
                return Err(PeopleFault::CredentialTwice(id.clone()));
            }
            if *places.entry(account.person).or_insert(account.jurisdiction) != account.jurisdiction {
                return Err(PeopleFault::Jurisdiction(id.clone()));
            }
            for (purpose, key, sound) in keys(account) {
                if !sound {
                    return Err(PeopleFault::Unsound(id.clone(), purpose));
                }
                if !used.insert(key) {
                    return Err(PeopleFault::KeyTwice(id.clone(), purpose));
                }
            }
        }
        if !self.governance.is_sound(|id| self.accounts.contains_key(id)) {
            return Err(PeopleFault::Governance);
        }
        self.policy.check().map_err(|(class, fault)| PeopleFault::Rule(class, fault))?;
        self.check_numbers()?;
        self.check_proofs(Scope::Genesis(network))
    }

    fn check_proofs(&self, scope: Scope<'_>) -> Result<(), PeopleFault> {
        for (id, account) in &self.accounts {
            for credential in account.credentials.iter().map(Credential::as_enrolled) {
                let enrolling = Enrolling { scope, account: id, credential: &credential, version: 0 };
                let held = |proof: &Possession| enrolling.is_held(proof, &self.rp_id).is_ok();
                if !self.proofs.get(&credential.id).is_some_and(held) {
                    return Err(PeopleFault::Possession(id.clone()));
                }
            }
        }
        Ok(())
    }

    /// Whether they are enough, with all keys and without any one of them: the chain suspends a key whose
    /// counter goes back, and does not ask who is left then.
    fn check_numbers(&self) -> Result<(), PeopleFault> {
        let are_enough =
            |accounts: &BTreeMap<AccountId, Account>| self.policy.can_be_met(&who_can_act(accounts));
        if !are_enough(&self.accounts) {
            return Err(PeopleFault::TooFew);
        }
        let with_one_key = self.accounts.iter().filter(|(_, account)| account.credentials.len() == 1);
        for (id, _) in with_one_key {
            let mut others = self.accounts.clone();
            others.remove(id);
            if !are_enough(&others) {
                return Err(PeopleFault::OneKey(id.clone()));
            }
        }
        Ok(())
    }

    /// Their entries of the first state.
    pub(super) fn entries(&self, block_interval_ms: u64) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut entries = self.governance.entries(block_interval_ms);
        entries.push((Self::RP_ID_KEY.to_vec(), self.rp_id.clone().into_bytes()));
        entries.push((Policy::STATE_KEY.to_vec(), self.policy.to_bytes()));
        entries.push((
            Self::ACCOUNTS_KEY.to_vec(),
            Accounts(self.accounts.keys().cloned().collect()).to_bytes(),
        ));
        for (id, account) in &self.accounts {
            entries.push((Account::state_key(id), account.to_bytes()));
            let used = |purpose| KeyUse { purpose, name: id.to_string() }.to_bytes();
            entries
                .extend(keys(account).map(|(purpose, key, _)| (KeyUse::state_key_of(&key), used(purpose))));
        }
        entries
    }
}

/// The keys of an account, what they are for, and whether they are keys.
fn keys(account: &Account) -> impl Iterator<Item = (Purpose, Vec<u8>, bool)> {
    account.credentials.iter().flat_map(|Credential { key, biokey, .. }| {
        [
            (Purpose::Credential, key.bytes().to_vec(), key.is_sound()),
            (Purpose::Biokey, biokey.ed25519.0.to_vec(), biokey.is_sound()),
            (Purpose::BiokeyMlDsa, biokey.mldsa_hash.0.to_vec(), true),
        ]
    })
}

/// Names of accounts in alphabetical order. Stands in the state under [`People::ACCOUNTS_KEY`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts(pub Vec<AccountId>);

impl Encode for Accounts {
    fn encode(&self, out: &mut Vec<u8>) {
        put_list(out, &self.0);
    }
}

impl Decode for Accounts {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.list("accounts", People::MAX_ACCOUNTS, 5).map(Self)
    }
}

/// Each person who can act, with the roles of all accounts they can act with.
#[must_use]
pub(crate) fn who_can_act(accounts: &BTreeMap<AccountId, Account>) -> BTreeMap<PersonId, Roles> {
    let mut people = BTreeMap::<PersonId, Roles>::new();
    for account in accounts.values().filter(|account| account.can_act()) {
        let roles = people.entry(account.person).or_default();
        *roles = roles.with(account.roles);
    }
    people
}
