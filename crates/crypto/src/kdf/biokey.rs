//! A biokey: 64 bytes from somebody's loci and from what their security key computes, and the two
//! signing seeds below it.
//!
//! The security of a biokey rests on the security key alone. Loci identify; they are in a coffee cup,
//! a database and every relative, so they count for nothing here, and without the security key nobody
//! can even test a guess of them.

use super::{
    hkdf::{self, TooLong},
    hmac::LENGTH,
};
use crate::domain::{self, Tag};

/// Bytes of a salt. Always that many: HMAC pads its key, so a shorter one and the same with zeros
/// behind it would be one salt.
pub const SALT_LENGTH: usize = 64;

/// Bytes of what a security key computes (CTAP 2.1, `hmac-secret`).
pub const SECRET_LENGTH: usize = 32;

/// What a biokey is for: the id of the credential that it counts with, and which one it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// SHA3-256 under a tag of the credential's own id.
    pub credential: [u8; 32],
    /// 0, 1, ...: rises with each new salt.
    pub version: u64,
}

impl Purpose {
    /// `tag || credential [32] || version u64`.
    fn info(&self, tag: Tag) -> Vec<u8> {
        [tag.bytes(), &self.credential, &self.version.to_le_bytes()].concat()
    }
}

/// `prk = HMAC-SHA3-512(salt, |loci| u64 || loci || |secret| u64 || secret)`: the root of a biokey. `loci`
/// is their canonical encoding, in parts.
pub fn extract(
    salt: &[u8; SALT_LENGTH],
    loci: [&[u8]; 2],
    secret: &[u8; SECRET_LENGTH],
    prk: &mut [u8; LENGTH],
) {
    let [head, records] = loci;
    let length = (head.len() as u64).saturating_add(records.len() as u64);
    let secret_length = SECRET_LENGTH as u64;
    hkdf::extract(salt, &[&length.to_le_bytes(), head, records, &secret_length.to_le_bytes(), secret], prk);
}

/// `biokey = HKDF-Expand(prk, tag(key) || purpose, 64)`.
///
/// # Errors
/// [`TooLong`], which 64 bytes are not.
pub fn expand(prk: &[u8; LENGTH], purpose: &Purpose, biokey: &mut [u8; LENGTH]) -> Result<(), TooLong> {
    hkdf::expand(prk, &purpose.info(domain::BIOKEY), biokey)
}

/// `check = HKDF-Expand(prk, tag(check) || purpose, 32)`: stands beside what is sealed, and tells before
/// use whether what was derived is what was enrolled. It says nothing about the biokey.
///
/// # Errors
/// [`TooLong`], which 32 bytes are not.
pub fn check(prk: &[u8; LENGTH], purpose: &Purpose, check: &mut [u8; 32]) -> Result<(), TooLong> {
    hkdf::expand(prk, &purpose.info(domain::BIOKEY_CHECK), check)
}

/// A signing key below a biokey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Child {
    /// RFC 8032.
    Ed25519,
    /// FIPS 204.
    MlDsa65,
}

/// `seed = HKDF-Expand(biokey, tag(child), 32)`.
///
/// # Errors
/// [`TooLong`], which 32 bytes are not.
pub fn seed(biokey: &[u8; LENGTH], child: Child, seed: &mut [u8; 32]) -> Result<(), TooLong> {
    let tag = match child {
        Child::Ed25519 => domain::BIOKEY_ED25519,
        Child::MlDsa65 => domain::BIOKEY_ML_DSA,
    };
    hkdf::expand(biokey, tag.bytes(), seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PURPOSE: Purpose = Purpose { credential: [5; 32], version: 0 };

    fn root(salt: u8, loci: [&[u8]; 2], secret: u8) -> [u8; 64] {
        let mut prk = [0; 64];
        extract(&[salt; 64], loci, &[secret; 32], &mut prk);
        prk
    }

    #[test]
    fn each_input_leads_elsewhere_and_where_the_parts_are_cut_does_not_matter() {
        let first = root(1, [b"head", b"records"], 2);
        assert_eq!(first, root(1, [b"headrec", b"ords"], 2));
        let others = [
            root(3, [b"head", b"records"], 2),
            root(1, [b"head", b"recorda"], 2),
            root(1, [b"head", b"records"], 3),
            // The frame: a byte of the secret is no byte of the loci.
            root(1, [b"head", b"records\x02"], 2),
        ];
        assert!(others.iter().all(|other| *other != first));
    }

    #[test]
    fn each_purpose_version_and_child_has_bytes_of_its_own() {
        let prk = root(1, [b"head", b"records"], 2);
        let biokey = |purpose| {
            let mut biokey = [0; 64];
            expand(&prk, &purpose, &mut biokey).unwrap();
            biokey
        };
        let own = biokey(PURPOSE);
        assert_ne!(own, biokey(Purpose { version: 1, ..PURPOSE }));
        assert_ne!(own, biokey(Purpose { credential: [6; 32], ..PURPOSE }));
        let (mut tag, mut first, mut second) = ([0; 32], [0; 32], [0; 32]);
        check(&prk, &PURPOSE, &mut tag).unwrap();
        seed(&own, Child::Ed25519, &mut first).unwrap();
        seed(&own, Child::MlDsa65, &mut second).unwrap();
        assert!(first != second && tag != own[..32] && first != own[..32]);
    }
}
