//! Reproducible bytes for tests: SHA3-512 in counter mode over a name. Never compiled into the
//! product.

use sha3::{Digest, Sha3_512};

/// Bytes that look random and are the same at every run.
pub(crate) struct Stream {
    name: &'static [u8],
    counter: u64,
}

impl Stream {
    pub(crate) const fn new(name: &'static [u8]) -> Self {
        Self { name, counter: 0 }
    }

    fn block(&mut self) -> [u8; 64] {
        self.counter += 1;
        Sha3_512::new().chain_update(self.name).chain_update(self.counter.to_le_bytes()).finalize().into()
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            bytes.extend(self.block());
        }
        bytes.truncate(length);
        bytes
    }

    pub(crate) fn word(&mut self) -> u64 {
        u64::from_le_bytes(*self.block().first_chunk().unwrap())
    }

    /// Bytes of a random length below `limit`.
    pub(crate) fn up_to(&mut self, limit: u64) -> Vec<u8> {
        let length = self.word() % limit;
        self.bytes(usize::try_from(length).unwrap())
    }
}
