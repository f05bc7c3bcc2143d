//! A state of which only some entries are known, as a light node has proven them: what a block would do
//! can be tried on it, and whatever the trial reads beside them is noted.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

/// Entries of one state, each proven: its value, or that there is none.
#[derive(Clone, Debug, Default)]
pub struct Known {
    entries: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    missed: RefCell<BTreeSet<Missed>>,
}

/// What was read and is not known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missed {
    /// The entry under this key.
    Entry(Vec<u8>),
    /// All entries whose key starts so. No proof says which those are.
    Under(Vec<u8>),
}

impl Known {
    /// These entries and no others.
    #[must_use]
    pub const fn new(entries: BTreeMap<Vec<u8>, Option<Vec<u8>>>) -> Self {
        Self { entries, missed: RefCell::new(BTreeSet::new()) }
    }

    /// The entries, each with its value or with none where it is proven that there is none.
    #[must_use]
    pub const fn entries(&self) -> &BTreeMap<Vec<u8>, Option<Vec<u8>>> {
        &self.entries
    }

    /// What was read since they were put together and is not among them: what came of it rests on less
    /// than it seems while this is not empty.
    #[must_use]
    pub fn missed(&self) -> BTreeSet<Missed> {
        self.missed.borrow().clone()
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        match self.entries.get(key) {
            Some(value) => value.as_deref(),
            None => {
                self.missed.borrow_mut().insert(Missed::Entry(key.to_vec()));
                None
            }
        }
    }

    /// The keys that are known to start so, which need not be all.
    pub(super) fn under(&self, prefix: &[u8]) -> impl Iterator<Item = &Vec<u8>> {
        self.missed.borrow_mut().insert(Missed::Under(prefix.to_vec()));
        let of = move |key: &&Vec<u8>| key.starts_with(prefix);
        self.entries.range(prefix.to_vec()..).map(|(key, _)| key).take_while(of)
    }
}
