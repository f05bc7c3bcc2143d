//! The state while a block is carried out: what was before it, and what it changed so far.

use std::collections::{BTreeMap, BTreeSet};

use qratum_crypto::sign::ed25519::PublicKey;

use super::{Known, index};
use crate::{
    codec::{Decode, Encode},
    state::{Changes, StateMap},
    types::{
        Account, AccountId, ChainParams, Genesis, Governance, Height, KeyUse, Parameters, People, Policy,
        Registration, RequestId, Upgrade,
    },
};

/// Entries of the state that an action writes.
pub type Effect = Vec<(Vec<u8>, Vec<u8>)>;

/// A state with changes that are not taken over yet. Only the ledger makes changes, so an action comes
/// into the state by [`Authorized`](super::Authorized) alone.
///
/// ```compile_fail,E0624
/// # use qratum_chain::ledger::Draft;
/// fn alone(draft: &mut Draft<'_>) {
///     draft.put(b"policy".to_vec(), Vec::new());
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    base: Base<'a>,
    changes: Changes,
}

/// What was there before.
#[derive(Clone, Copy, Debug)]
enum Base<'a> {
    /// All of it, as a validator has it.
    Whole(&'a StateMap),
    /// Some of it, as a light node does.
    Part(&'a Known),
}

impl<'a> Draft<'a> {
    /// No changes yet.
    #[must_use]
    pub const fn new(base: &'a StateMap) -> Self {
        Self { base: Base::Whole(base), changes: Changes::new() }
    }

    /// No changes yet, on entries that were proven. [`Known::missed`] says what else was read.
    #[must_use]
    pub const fn over(known: &'a Known) -> Self {
        Self { base: Base::Part(known), changes: Changes::new() }
    }

    /// What was changed.
    #[must_use]
    pub fn into_changes(self) -> Changes {
        self.changes
    }

    /// The value under `key`.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        match self.changes.get(key) {
            Some(changed) => changed.as_deref(),
            None => match self.base {
                Base::Whole(state) => state.get(key),
                Base::Part(known) => known.get(key),
            },
        }
    }

    /// Puts `value` under `key`, and lists the key where lists are kept.
    pub(super) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        let listed = index::with(&|key| self.get(key).map(<[u8]>::to_vec), &key);
        self.changes.extend(listed);
        self.changes.insert(key, Some(value));
    }

    /// Removes what is under `key`.
    pub(super) fn remove(&mut self, key: Vec<u8>) {
        self.changes.insert(key, None);
    }

    /// The value under `key`, decoded; none where there is none of this type.
    pub(super) fn read<T: Decode>(&self, key: &[u8]) -> Option<T> {
        T::from_bytes(self.get(key)?).ok()
    }

    /// All entries whose key starts with `prefix`, in the order of their keys.
    pub(super) fn under(&self, prefix: &[u8]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
        let of = |key: &&Vec<u8>| key.starts_with(prefix);
        let changed = self.changes.range(prefix.to_vec()..).map(|(key, _)| key).take_while(of);
        let mut keys: BTreeSet<&Vec<u8>> = changed.collect();
        match self.base {
            Base::Whole(state) => {
                keys.extend(state.entries().range(prefix.to_vec()..).map(|(key, _)| key).take_while(of));
            }
            Base::Part(known) => keys.extend(known.under(prefix)),
        }
        keys.into_iter().filter_map(|key| Some((key.clone(), self.get(key)?.to_vec())))
    }

    /// The account of this name.
    #[must_use]
    pub fn account(&self, id: &AccountId) -> Option<Account> {
        self.read(&Account::state_key(id))
    }

    /// Height of the block that is carried out.
    pub(super) fn next_height(&self) -> Height {
        let last = self.get(super::HEIGHT_KEY).and_then(|bytes| bytes.try_into().ok());
        Height(last.map_or(0, u64::from_le_bytes)).next()
    }

    /// All accounts.
    #[must_use]
    pub fn accounts(&self) -> BTreeMap<AccountId, Account> {
        let named = |id: AccountId| self.account(&id).map(|account| (id, account));
        self.account_names().into_iter().filter_map(named).collect()
    }

    /// The names of all accounts there ever were, in alphabetical order.
    #[must_use]
    pub fn account_names(&self) -> Vec<AccountId> {
        index::accounts(&|key| self.get(key).map(<[u8]>::to_vec))
    }

    /// How many requests were opened so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        index::requests(&|key| self.get(key).map(<[u8]>::to_vec))
    }

    /// The id of request `number`, from 0 in the order of their opening.
    #[must_use]
    pub fn request_at(&self, number: u64) -> Option<RequestId> {
        self.read(&index::request_key(number))
    }

    /// The policy that holds; none on a chain without people.
    #[must_use]
    pub fn policy(&self) -> Option<Policy> {
        self.read(Policy::STATE_KEY)
    }

    /// How often the policy was changed.
    #[must_use]
    pub fn policy_version(&self) -> u64 {
        let bytes = self.get(Policy::VERSION_KEY).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u64::from_le_bytes)
    }

    /// The name under which security keys know this chain; empty on a chain without people.
    #[must_use]
    pub fn rp_id(&self) -> String {
        let name = self.get(People::RP_ID_KEY).unwrap_or_default();
        String::from_utf8(name.to_vec()).unwrap_or_default()
    }

    /// The numbers that a vote may change; on a chain without people those of its genesis, and the usual
    /// windows.
    #[must_use]
    pub fn parameters(&self, genesis: &ChainParams) -> Parameters {
        let Governance { voting_sets, timelock_sets, .. } = Governance::default();
        let first = Parameters { block_interval_ms: genesis.block_interval_ms, voting_sets, timelock_sets };
        self.read(Parameters::STATE_KEY).unwrap_or(first)
    }

    /// The newest upgrade that was decided on.
    #[must_use]
    pub fn upgrade(&self) -> Option<Upgrade> {
        self.read(Upgrade::STATE_KEY)
    }

    /// The network's name.
    #[must_use]
    pub(super) fn network(&self) -> String {
        let entry = self.get(Genesis::NETWORK_KEY).and_then(|entry| entry.get(1..)).unwrap_or_default();
        String::from_utf8(entry.to_vec()).unwrap_or_default()
    }

    /// The registration of the validator of this name.
    #[must_use]
    pub fn registration(&self, name: &str) -> Option<Registration> {
        Registration::from_bytes(self.get(&Registration::state_key(name))?).ok()
    }

    /// What this key was registered for.
    #[must_use]
    pub fn key_use(&self, key: &PublicKey) -> Option<KeyUse> {
        KeyUse::from_bytes(self.get(&KeyUse::state_key(key))?).ok()
    }

    pub(super) fn register(&mut self, name: &str, registration: &Registration) {
        self.put(Registration::state_key(name), registration.to_bytes());
    }

    /// Names of all registered validators, in alphabetical order.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        let prefix = Registration::state_key("");
        let names = self.under(&prefix).filter_map(|(key, _)| Some(key.strip_prefix(&*prefix)?.to_vec()));
        names.filter_map(|name| String::from_utf8(name).ok()).collect()
    }
}
