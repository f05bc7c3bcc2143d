//! What does an act rest on? Entries of the state after one block, each proven.

use std::{collections::BTreeMap, sync::Arc};

use qratum_chain::{
    codec::Decode,
    ledger::{Known, Place, index, recent::Ancestor},
    types::{
        Account, AccountId, BlockRef, ChainId, ChainParams, Genesis, Height, Parameters, People, Time,
        ValidatorSet,
    },
};
use qratum_light_node::Entries;

/// Entries of the state after one verified block.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// The block.
    pub(crate) at: BlockRef,
    /// Time of its header.
    pub(crate) time: Time,
    chain_id: ChainId,
    set: Arc<ValidatorSet>,
    params: ChainParams,
    interval_ms: u64,
    entries: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Facts {
    /// What was proven, on the chain of this id, whose next block is of this set; none where the numbers it
    /// lives by are not among it.
    pub(crate) fn of(chain_id: ChainId, set: Arc<ValidatorSet>, proven: Entries) -> Option<Self> {
        let header = proven.checked.header.get();
        let value = |key: &[u8]| proven.entries.get(key)?.as_deref();
        let params = ChainParams::from_bytes(value(Genesis::PARAMS_KEY)?).ok()?;
        // What operators voted for holds in place of what the genesis says.
        let voted = value(Parameters::STATE_KEY).and_then(|bytes| Parameters::from_bytes(bytes).ok());
        Some(Self {
            at: BlockRef { height: header.height, block_id: header.id() },
            time: header.time,
            chain_id,
            set,
            interval_ms: voted.map_or(params.block_interval_ms, |voted| voted.block_interval_ms).max(1),
            params,
            entries: proven.entries,
        })
    }

    /// The chain.
    pub(crate) const fn chain_id(&self) -> ChainId {
        self.chain_id
    }

    /// Time between blocks that proposers aim at now, in milliseconds.
    pub(crate) const fn interval_ms(&self) -> u64 {
        self.interval_ms
    }

    /// The keys of all entries.
    pub(crate) fn keys(&self) -> Vec<Vec<u8>> {
        self.entries.keys().cloned().collect()
    }

    /// The value under a key; none where there is none, or where it was not asked for.
    pub(crate) fn value(&self, key: &[u8]) -> Option<&[u8]> {
        self.entries.get(key)?.as_deref()
    }

    /// The same, decoded.
    pub(crate) fn read<T: Decode>(&self, key: &[u8]) -> Option<T> {
        T::from_bytes(self.value(key)?).ok()
    }

    /// An account.
    pub(crate) fn account(&self, id: &AccountId) -> Option<Account> {
        self.read(&Account::state_key(id))
    }

    /// The name under which security keys know the chain.
    pub(crate) fn rp_id(&self) -> Option<String> {
        String::from_utf8(self.value(People::RP_ID_KEY)?.to_vec()).ok()
    }

    /// The state as far as it is known, to try on it what a block would do.
    pub(crate) fn known(&self) -> Known {
        Known::new(self.entries.clone())
    }

    /// The next block, at the earliest time it can have.
    pub(crate) fn next(&self) -> Place<'_> {
        Place {
            chain_id: self.chain_id,
            params: &self.params,
            height: self.at.height.next(),
            time: self.time.plus(self.interval_ms),
            parent: Ancestor { block_id: self.at.block_id, time: self.time },
            set: &self.set,
        }
    }

    /// The last height that is `millis` from here, at the pace of the chain.
    pub(crate) fn height_after(&self, millis: u64) -> Height {
        let blocks = millis.div_ceil(self.interval_ms);
        Height(self.at.height.0.saturating_add(blocks))
    }

    /// The keys under which `newer` says something else that matters. What only one of them knows is no
    /// change; nor is the order in which requests are opened, or how often others have acted.
    pub(crate) fn changed(&self, newer: &Self, own: Option<&AccountId>) -> Vec<Vec<u8>> {
        let own = own.map(Account::state_key);
        let differs = |(key, value): &(&Vec<u8>, &Option<Vec<u8>>)| {
            let Some(other) = newer.entries.get(*key) else { return false };
            let listed = *key == index::REQUESTS_KEY || key.starts_with(b"request-at/");
            let counted = own.as_ref() != Some(*key) && weigh_the_same(value.as_deref(), other.as_deref());
            other != *value && !listed && !(key.starts_with(b"account/") && counted)
        };
        self.entries.iter().filter(differs).map(|(key, _)| key.clone()).collect()
    }
}

/// Whether two states of an account differ in nothing but how often it has acted.
fn weigh_the_same(one: Option<&[u8]>, other: Option<&[u8]>) -> bool {
    let read = |bytes: Option<&[u8]>| Account::from_bytes(bytes?).ok();
    let (Some(one), Some(other)) = (read(one), read(other)) else { return false };
    let keys = |account: &Account| -> Vec<_> {
        account.credentials.iter().map(|key| (key.id, key.key, key.biokey, key.status)).collect()
    };
    let who = |account: &Account| {
        (account.person, account.roles, account.jurisdiction, account.zone, account.standing)
    };
    who(&one) == who(&other) && keys(&one) == keys(&other)
}
