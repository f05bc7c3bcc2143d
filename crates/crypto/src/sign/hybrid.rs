//! Two signatures that hold only together: Ed25519 and a post-quantum scheme.
//!
//! Both sign `SHA3-512(tag(hybrid) || length(name) || name || Ed25519 key || other key || message)` for
//! the same purpose; the name is that of the other scheme, and so says how long its key is. So neither
//! half can be taken out and used for the message alone, and none can be paired with another key's.

use core::marker::PhantomData;

use sha3::{Digest, Sha3_512};

use super::{
    BadSeed, BadSignature, Scheme,
    ed25519::{self, PublicKey, Signature},
    ml_dsa, slh_dsa,
};
use crate::domain::{self, Tag};

/// Ed25519 and ML-DSA-65.
pub type WithMlDsa65 = Hybrid<ml_dsa::MlDsa65>;
/// Ed25519 and ML-DSA-87: roots and rotations.
pub type WithMlDsa87 = Hybrid<ml_dsa::MlDsa87>;
/// Ed25519 and SLH-DSA: anchors, which are signed offline.
pub type WithSlhDsa = Hybrid<slh_dsa::Small>;

/// A scheme that Ed25519 is joined with.
pub trait Partner: Scheme {
    /// What the two are called together: neither half goes by that name.
    const JOINT: &'static str;
}

impl Partner for ml_dsa::MlDsa65 {
    const JOINT: &'static str = "Ed25519+ML-DSA-65";
}

impl Partner for ml_dsa::MlDsa87 {
    const JOINT: &'static str = "Ed25519+ML-DSA-87";
}

impl Partner for slh_dsa::Small {
    const JOINT: &'static str = "Ed25519+SLH-DSA-SHA2-192s";
}

/// Ed25519 and `S`. Keys, seeds and signatures are those of Ed25519, then those of `S`.
#[derive(Debug)]
pub struct Hybrid<S>(PhantomData<S>);

/// What both halves sign.
fn bound<S: Scheme>(classical: &PublicKey, other: &[u8], message: &[u8]) -> [u8; 64] {
    let state = Sha3_512::new_with_prefix(domain::HYBRID.bytes());
    let state = state.chain_update((S::NAME.len() as u64).to_le_bytes()).chain_update(S::NAME);
    state.chain_update(classical.0).chain_update(other).chain_update(message).finalize().into()
}

/// What Ed25519, which has no context, signs for a purpose.
fn tagged(tag: Tag, bound: &[u8; 64]) -> Vec<u8> {
    [tag.bytes(), bound].concat()
}

impl<S: Partner> Hybrid<S> {
    /// Whether the half of Ed25519 holds, and whether the other one does: to say which is wrong. Both are
    /// always checked, so that the time says nothing about it.
    ///
    /// # Errors
    /// [`BadSignature`], for a key or signature that is too short to have two halves.
    pub fn halves(key: &[u8], tag: Tag, message: &[u8], signature: &[u8]) -> Result<[bool; 2], BadSignature> {
        let (classical, other) = key.split_first_chunk().ok_or(BadSignature)?;
        let (first, second) = signature.split_first_chunk().ok_or(BadSignature)?;
        let classical = PublicKey(*classical);
        let bound = bound::<S>(&classical, other, message);
        let classical = ed25519::verify_strict(&classical, &tagged(tag, &bound), &Signature(*first));
        Ok([classical.is_ok(), S::verify(other, tag, &bound, second).is_ok()])
    }
}

impl<S: Partner> Scheme for Hybrid<S> {
    const NAME: &'static str = S::JOINT;
    const SEED_LENGTH: usize = 32 + S::SEED_LENGTH;
    const PUBLIC_KEY_LENGTH: usize = 32 + S::PUBLIC_KEY_LENGTH;
    const SIGNATURE_LENGTH: usize = 64 + S::SIGNATURE_LENGTH;

    fn public(seed: &[u8]) -> Result<Vec<u8>, BadSeed> {
        let (classical, other) = seed.split_first_chunk().ok_or(BadSeed)?;
        let classical = ed25519::SecretKey::from_seed(classical).public();
        Ok([classical.0.as_slice(), &S::public(other)?].concat())
    }

    fn sign(seed: &[u8], tag: Tag, message: &[u8]) -> Result<Vec<u8>, BadSeed> {
        let (classical, other) = seed.split_first_chunk().ok_or(BadSeed)?;
        let classical = ed25519::SecretKey::from_seed(classical);
        let bound = bound::<S>(&classical.public(), &S::public(other)?, message);
        let signature = classical.sign(&tagged(tag, &bound));
        Ok([signature.0.as_slice(), &S::sign(other, tag, &bound)?].concat())
    }

    fn verify(key: &[u8], tag: Tag, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        match Self::halves(key, tag, message, signature)? {
            [true, true] => Ok(()),
            _ => Err(BadSignature),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{ANCHOR, HANDOVER},
        rng::stream::Stream,
        sign::SecretKey,
    };

    type Tested = WithMlDsa65;

    fn key(name: &'static [u8]) -> SecretKey<Tested> {
        SecretKey::from_seed(|seed| seed.copy_from_slice(&Stream::new(name).bytes(seed.len()))).unwrap()
    }

    #[test]
    fn hybrid_both_needed() {
        let secret = key(b"one");
        let (public, signature) = (secret.public().unwrap(), secret.sign(ANCHOR, b"block").unwrap());
        assert_eq!(public.len(), Tested::PUBLIC_KEY_LENGTH);
        assert_eq!(signature.len(), Tested::SIGNATURE_LENGTH);
        assert_eq!(Tested::verify(&public, ANCHOR, b"block", &signature), Ok(()));
        let other = secret.sign(ANCHOR, b"clock").unwrap();
        let first_of_other = [&other[..64], &signature[64..]].concat();
        let second_of_other = [&signature[..64], &other[64..]].concat();
        for bad in [&first_of_other, &second_of_other, &other] {
            assert_eq!(Tested::verify(&public, ANCHOR, b"block", bad), Err(BadSignature));
        }
        for at in [0, 31, 32, 63, 64, 100, signature.len() - 1] {
            let mut bad = signature.clone();
            bad[at] ^= 1;
            assert_eq!(Tested::verify(&public, ANCHOR, b"block", &bad), Err(BadSignature), "byte {at}");
        }
        assert_eq!(Tested::verify(&public, HANDOVER, b"block", &signature), Err(BadSignature));
        for length in [0, 32, 63, 64, signature.len() - 1] {
            let cut = &signature[..length];
            assert_eq!(Tested::verify(&public, ANCHOR, b"block", cut), Err(BadSignature), "{length} bytes");
        }
    }

    /// A half is no signature of its own, of the message or of what was bound under another key.
    #[test]
    fn a_half_serves_nowhere_else() {
        let (one, two) = (key(b"one"), key(b"two"));
        let signature = one.sign(ANCHOR, b"block").unwrap();
        let (one, two) = (one.public().unwrap(), two.public().unwrap());
        let classical = PublicKey(*one.first_chunk().unwrap());
        let half = Signature(*signature.first_chunk().unwrap());
        let alone = [ANCHOR.bytes(), b"block"].concat();
        assert_eq!(ed25519::verify_strict(&classical, &alone, &half), Err(BadSignature));
        assert_eq!(
            ml_dsa::MlDsa65::verify(&one[32..], ANCHOR, b"block", &signature[64..]),
            Err(BadSignature)
        );
        let half_beside = |other: &[u8]| {
            let bound = bound::<ml_dsa::MlDsa65>(&classical, other, b"block");
            ed25519::verify_strict(&classical, &tagged(ANCHOR, &bound), &half)
        };
        assert_eq!((half_beside(&one[32..]), half_beside(&two[32..])), (Ok(()), Err(BadSignature)));
        let mixed = [&one[..32], &two[32..]].concat();
        assert_eq!(Tested::verify(&mixed, ANCHOR, b"block", &signature), Err(BadSignature));
    }

    #[test]
    fn a_key_prints_its_scheme_and_nothing_else() {
        assert_eq!(format!("{:?}", key(b"one")), "SecretKey([Ed25519+ML-DSA-65])");
    }

    #[test]
    fn no_two_schemes_have_one_name() {
        let names = [
            ml_dsa::MlDsa65::NAME,
            ml_dsa::MlDsa87::NAME,
            slh_dsa::Small::NAME,
            slh_dsa::Fast::NAME,
            WithMlDsa65::NAME,
            WithMlDsa87::NAME,
            WithSlhDsa::NAME,
        ];
        assert_eq!(names.iter().collect::<std::collections::BTreeSet<_>>().len(), names.len(), "{names:?}");
        assert_eq!(WithSlhDsa::NAME, ["Ed25519", slh_dsa::Small::NAME].join("+"));
    }
}
