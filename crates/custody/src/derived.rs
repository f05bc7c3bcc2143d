//! The keys of one sealed file: each for one purpose, none of which tells another or their root.

use std::{error::Error, fmt};

use qratum_crypto::{
    domain::{self, Tag},
    kdf::hkdf,
    rng::random,
};
use qratum_metal::secret::{Locked, Refused};

/// Why nothing was sealed. Nothing was written.
#[derive(Debug)]
pub enum SealError {
    /// There is no memory for a key, or it cannot be derived.
    Memory(Refused),
    /// No nonce or key could be drawn.
    Random(random::Error),
    /// A part is too long to be sealed.
    TooLong,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(why) => why.fmt(f),
            Self::Random(why) => why.fmt(f),
            Self::TooLong => f.write_str("it is too long to be sealed"),
        }
    }
}

impl Error for SealError {}

impl From<Refused> for SealError {
    fn from(why: Refused) -> Self {
        Self::Memory(why)
    }
}

impl From<random::Error> for SealError {
    fn from(why: random::Error) -> Self {
        Self::Random(why)
    }
}

/// Keys of a root in locked memory, for a file of a kind and a context.
pub(crate) struct Keys {
    prk: Locked<64>,
}

impl Keys {
    /// `prk = HKDF-Extract(tag(kind) || context, root)`.
    pub(crate) fn new(root: &Locked<32>, kind: Tag, context: &[u8]) -> Result<Self, Refused> {
        let salt = [kind.bytes(), context].concat();
        let prk = Locked::require_locked(|prk| -> Result<(), Refused> {
            root.with(|root| hkdf::extract(&salt, &[root], prk));
            Ok(())
        })?;
        Ok(Self { prk })
    }

    /// `HKDF-Expand(prk, tag(purpose))`: a key in locked memory.
    pub(crate) fn key(&self, purpose: Tag) -> Result<Locked<32>, SealError> {
        Locked::require_locked(|key| {
            let expanded = self.prk.with(|prk| hkdf::expand(prk, purpose.bytes(), key));
            expanded.map_err(|_| SealError::TooLong)
        })
    }

    /// A value that stands in the file and only this root leads to. GCM-SIV commits to no key: without it
    /// one file could open under two keys to two texts.
    pub(crate) fn commitment(&self) -> Result<[u8; 32], SealError> {
        Ok(self.key(domain::COMMITMENT)?.with(|bytes| *bytes))
    }
}
