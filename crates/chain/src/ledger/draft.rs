//! The state while a block is carried out: what was before it, and what it changed so far.

use std::collections::BTreeSet;

use qratum_crypto::sign::ed25519::PublicKey;

use crate::{
    codec::{Decode, Encode},
    state::{Changes, StateMap},
    types::{KeyUse, Registration},
};

/// A state with changes that are not taken over yet.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    base: &'a StateMap,
    changes: Changes,
}

impl<'a> Draft<'a> {
    /// No changes yet.
    #[must_use]
    pub const fn new(base: &'a StateMap) -> Self {
        Self { base, changes: Changes::new() }
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
            None => self.base.get(key),
        }
    }

    /// Puts `value` under `key`.
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.changes.insert(key, Some(value));
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
        let (base, changed) =
            (self.base.entries().range(prefix.clone()..), self.changes.range(prefix.clone()..));
        let of = |key: &&Vec<u8>| key.starts_with(&prefix);
        let all = base.map(|(key, _)| key).take_while(of).chain(changed.map(|(key, _)| key).take_while(of));
        let names = all.filter_map(|key| key.strip_prefix(prefix.as_slice()));
        names.filter_map(|name| String::from_utf8(name.to_vec()).ok()).collect()
    }
}
