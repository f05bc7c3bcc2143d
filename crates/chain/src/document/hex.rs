//! Hex strings of documents.

use qratum_crypto::sign::ed25519::{PublicKey, Signature};

use super::DocumentError;
use crate::{
    Hash,
    codec::{Decode, Encode},
    types::BlockId,
};

/// Lower-case hex of a value's encoding.
pub(super) fn of(value: &impl Encode) -> String {
    hex::encode(value.to_bytes())
}

/// The bytes of a lower-case hex string. Capitals are refused: one string for each value.
pub(super) fn bytes(text: &str, field: &'static str) -> Result<Vec<u8>, DocumentError> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(DocumentError::Hex(field));
    }
    hex::decode(text).map_err(|_| DocumentError::Hex(field))
}

/// Exactly `N` bytes.
pub(super) fn array<const N: usize>(text: &str, field: &'static str) -> Result<[u8; N], DocumentError> {
    bytes(text, field)?.try_into().map_err(|_| DocumentError::Hex(field))
}

/// A 32-byte hash.
pub(super) fn hash(text: &str, field: &'static str) -> Result<Hash, DocumentError> {
    array(text, field).map(Hash)
}

/// A block id as a user types it: 64 lower-case hex digits.
///
/// # Errors
/// [`DocumentError::Hex`].
pub fn block_id_from_hex(text: &str) -> Result<BlockId, DocumentError> {
    hash(text, "block id").map(BlockId)
}

/// A 32-byte public key.
pub(super) fn key(text: &str, field: &'static str) -> Result<PublicKey, DocumentError> {
    array(text, field).map(PublicKey)
}

/// A 64-byte signature.
pub(super) fn signature(text: &str, field: &'static str) -> Result<Signature, DocumentError> {
    array(text, field).map(Signature)
}

/// A value from the hex of its encoding.
pub(super) fn value<T: Decode>(text: &str, field: &'static str) -> Result<T, DocumentError> {
    T::from_bytes(&bytes(text, field)?).map_err(|why| DocumentError::Malformed(field, why))
}
