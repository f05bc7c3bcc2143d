//! What operators sign to vouch for a checkpoint.

use super::Checkpoint;
use crate::codec::Encode as _;
use qratum_crypto::domain;

/// The most operators a profile names.
pub const MAX_OPERATORS: usize = 64;

/// An operator's public key: both halves of a hybrid key. Nothing is known of it yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OperatorKey {
    /// Ed25519.
    pub ed25519: [u8; 32],
    /// SLH-DSA-SHA2-192s.
    pub slh_dsa: [u8; 48],
}

impl OperatorKey {
    /// Length of its bytes.
    pub const LENGTH: usize = 80;

    /// The key of these bytes: Ed25519, then SLH-DSA.
    #[must_use]
    pub fn new(bytes: &[u8; Self::LENGTH]) -> Option<Self> {
        let (ed25519, slh_dsa) = bytes.split_first_chunk()?;
        Some(Self { ed25519: *ed25519, slh_dsa: slh_dsa.try_into().ok()? })
    }

    /// Ed25519, then SLH-DSA.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        [self.ed25519.as_slice(), &self.slh_dsa].concat()
    }

    /// Whether a half of it is that of another key: then one secret could serve both.
    #[must_use]
    pub fn shares_half_with(&self, other: &Self) -> bool {
        self.ed25519 == other.ed25519 || self.slh_dsa == other.slh_dsa
    }
}

/// An operator's signature over [`Checkpoint::sign_bytes`]. From a file it is as untrusted as the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endorsement {
    /// Whose it is said to be.
    pub key: OperatorKey,
    /// Both halves: Ed25519, then SLH-DSA.
    pub signature: Vec<u8>,
}

impl Endorsement {
    /// Length of a whole signature: 64 bytes of Ed25519 and 16,224 of SLH-DSA-SHA2-192s.
    pub const LENGTH: usize = 64 + 16_224;
}

impl Checkpoint {
    /// `tag || chain_id || height || time || set_id || block_id || validators_hash ||
    /// next_validators_hash || not_after`: what operators sign.
    #[must_use]
    pub fn sign_bytes(&self) -> Vec<u8> {
        [domain::ANCHOR.bytes(), &self.to_bytes()].concat()
    }
}
