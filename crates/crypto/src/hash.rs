//! The hash suite: SHA3-256 for the chain, BLAKE3 for bulk content, SHA-256 where an outside
//! standard asks for it.

use core::fmt;

use sha2::Sha256;
use sha3::{Digest, Sha3_256};

use crate::domain::Tag;

/// A 32-byte digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// All zero: stands for "none" where a format says so, never for the hash of something.
    pub const ZERO: Self = Self([0; 32]);

    /// The digest as bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `SHA3-256(tag || part_1 || part_2 || ...)`. Parts must be self-delimiting (fixed length, or
/// canonically encoded): the hash does not frame them.
#[must_use]
pub fn tagged(tag: Tag, parts: &[&[u8]]) -> Hash {
    let mut state = Sha3_256::new_with_prefix(tag.bytes());
    parts.iter().for_each(|part| state.update(part));
    Hash(state.finalize().into())
}

/// `SHA3-256(bytes)`, FIPS 202. Untagged: for trees and published vectors.
#[must_use]
pub fn sha3_256(bytes: &[u8]) -> Hash {
    Hash(Sha3_256::digest(bytes).into())
}

/// `SHA3-512(bytes)`, FIPS 202.
#[must_use]
pub fn sha3_512(bytes: &[u8]) -> [u8; 64] {
    sha3::Sha3_512::digest(bytes).into()
}

/// `SHA-256(bytes)`, FIPS 180-4: only where an outside standard asks for it.
#[must_use]
pub fn sha2_256(bytes: &[u8]) -> Hash {
    Hash(Sha256::digest(bytes).into())
}

/// `BLAKE3.derive_key(tag, bytes)`: bulk content, one context per purpose.
#[must_use]
pub fn bulk(tag: Tag, bytes: &[u8]) -> Hash {
    Hash(blake3::derive_key(tag.name(), bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{HEADER, VOTE};

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// The empty-message values of FIPS 202 and FIPS 180-4, and BLAKE3's published derive-key
    /// vector for the empty input.
    #[test]
    fn hash_suite_kats() {
        assert_eq!(hex(&sha3_256(b"").0), "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a");
        assert!(
            hex(&sha3_512(b""))
                .starts_with("a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a6")
        );
        assert_eq!(hex(&sha2_256(b"").0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn blake3_derive_key_kat() {
        let context = "BLAKE3 2019-12-27 16:29:52 test vectors context";
        let published = "2cc39783c223154fea8dfb7c1b1660f2ac2dcbd1c1de8277b0b0dd39b7e50d7d";
        assert_eq!(hex(&blake3::derive_key(context, b"")), published);
        assert_ne!(bulk(HEADER, b"x"), bulk(VOTE, b"x"));
    }

    #[test]
    fn a_tag_changes_the_hash() {
        assert_ne!(tagged(HEADER, &[b"x"]), tagged(VOTE, &[b"x"]));
        assert_ne!(tagged(HEADER, &[b"x"]), sha3_256(b"x"));
    }
}
