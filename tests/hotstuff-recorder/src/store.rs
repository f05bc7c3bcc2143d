//! Where a replica keeps its block tree: a map in memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use hotstuff_rs::{
    block_tree::pluggables::{KVGet, KVGetError, KVStore, WriteBatch},
    types::data_types::{CryptoHash, Data},
};

type Values = BTreeMap<Vec<u8>, Vec<u8>>;

/// A replica's store; clones share it.
#[derive(Clone, Default)]
pub(crate) struct MemoryStore(Arc<RwLock<Values>>);

/// The store as it once was.
pub(crate) struct Frozen(Values);

/// Writes to be done together: a value, or `None` to delete the key.
pub(crate) struct Batch(Vec<(Vec<u8>, Option<Vec<u8>>)>);

impl WriteBatch for Batch {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.0.push((key.to_vec(), Some(value.to_vec())));
    }

    fn delete(&mut self, key: &[u8]) {
        self.0.push((key.to_vec(), None));
    }
}

/// The data of `block`.
///
/// `hotstuff_rs` 0.4.0 exhausts its own iterator while it looks for a gap and then hands out empty
/// data; a block that is re-proposed or synchronised would come without its header.
fn block_data(store: &impl KVGet, block: &CryptoHash) -> Result<Option<Data>, KVGetError> {
    let Some(count) = store.block_data_len(block)? else { return Ok(None) };
    let data: Option<Vec<_>> = (0..count.int()).map(|index| store.block_datum(block, index)).collect();
    Ok(data.map(Data::new))
}

impl KVGet for MemoryStore {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn block_data(&self, block: &CryptoHash) -> Result<Option<Data>, KVGetError> {
        block_data(self, block)
    }
}

impl KVGet for Frozen {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.get(key).cloned()
    }

    fn block_data(&self, block: &CryptoHash) -> Result<Option<Data>, KVGetError> {
        block_data(self, block)
    }
}

impl KVStore for MemoryStore {
    type WriteBatch = Batch;
    type Snapshot<'a> = Frozen;

    fn write(&mut self, batch: Batch) {
        let mut values = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in batch.0 {
            match value {
                Some(value) => values.insert(key, value),
                None => values.remove(&key),
            };
        }
    }

    fn clear(&mut self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn snapshot(&self) -> Frozen {
        Frozen(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}
