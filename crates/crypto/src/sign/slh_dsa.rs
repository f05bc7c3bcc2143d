//! SLH-DSA (FIPS 205) with SHA-2 at category 3: hash-based signatures, for what is signed rarely and
//! offline, such as anchors. Nothing but the hash must hold, and nothing is quick.
//!
//! Behind [`Scheme`], since the library is a release candidate. The seed is `SK.seed || SK.prf ||
//! PK.seed`; the tag of the purpose is the context string; the deterministic variant.

use slh_dsa::{ParameterSet, Signature, SigningKey, VerifyingKey};
pub use slh_dsa::{Sha2_192f as Fast, Sha2_192s as Small};

use super::{BadSeed, BadSignature, Scheme};
use crate::domain::Tag;

/// Bytes of a hash value at category 3.
const N: usize = 24;

/// `slh_keygen_internal(SK.seed, SK.prf, PK.seed)`, FIPS 205 algorithm 18.
fn key_pair<P: ParameterSet>(seed: &[u8]) -> Result<SigningKey<P>, BadSeed> {
    let [sk_seed, sk_prf, pk_seed] = seed.as_chunks::<N>().0 else { return Err(BadSeed) };
    if seed.len() != 3 * N {
        return Err(BadSeed);
    }
    Ok(SigningKey::slh_keygen_internal(sk_seed, sk_prf, pk_seed))
}

/// `None` for a seed of another length; and for a context above 255 bytes, which no tag is.
fn signed<P: ParameterSet>(seed: &[u8], tag: Tag, message: &[u8]) -> Option<Vec<u8>> {
    let signed = key_pair::<P>(seed).ok()?.try_sign_with_context(message, tag.name().as_bytes(), None);
    signed.map(|signature| signature.to_bytes().to_vec()).ok()
}

fn verified<P: ParameterSet>(key: &[u8], tag: Tag, message: &[u8], signature: &[u8]) -> Option<()> {
    let key = VerifyingKey::<P>::try_from(key).ok()?;
    let signature = Signature::<P>::try_from(signature).ok()?;
    key.try_verify_with_context(message, tag.name().as_bytes(), &signature).ok()
}

/// Makes one parameter set of category 3 a scheme, whose signatures have so many bytes (FIPS 205, table
/// 2). No generic implementation: then each user would compile the scheme once more.
macro_rules! scheme {
    ($parameters:ty, $signature:literal) => {
        impl Scheme for $parameters {
            const NAME: &'static str = <Self as ParameterSet>::NAME;
            const SEED_LENGTH: usize = 3 * N;
            const PUBLIC_KEY_LENGTH: usize = 2 * N;
            const SIGNATURE_LENGTH: usize = $signature;

            fn public(seed: &[u8]) -> Result<Vec<u8>, BadSeed> {
                let key = key_pair::<Self>(seed)?;
                let public: &VerifyingKey<Self> = key.as_ref();
                Ok(public.to_bytes().to_vec())
            }

            fn sign(seed: &[u8], tag: Tag, message: &[u8]) -> Result<Vec<u8>, BadSeed> {
                signed::<Self>(seed, tag, message).ok_or(BadSeed)
            }

            fn verify(key: &[u8], tag: Tag, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
                verified::<Self>(key, tag, message, signature).ok_or(BadSignature)
            }
        }
    };
}

// Small signatures, seconds to sign: for anchors.
scheme!(Small, 16_224);
// Large ones, a fraction of a second to sign.
scheme!(Fast, 35_664);

#[cfg(test)]
mod tests {
    use fips205::traits::{SerDes, Signer, Verifier};

    use super::*;
    use crate::{
        domain::{ANCHOR, VOTE},
        rng::stream::Stream,
    };

    /// The other implementation has no seeds: a secret key of the standard is seed and public key.
    fn oracle_key(seed: &[u8], public: &[u8]) -> fips205::slh_dsa_sha2_192f::PrivateKey {
        let bytes = [&seed[..2 * N], public].concat().try_into().unwrap();
        fips205::slh_dsa_sha2_192f::PrivateKey::try_from_bytes(bytes).unwrap()
    }

    /// A generator that the deterministic variant never asks.
    struct Never;

    impl fips205::CryptoRng for Never {}

    impl fips205::RngCore for Never {
        fn next_u32(&mut self) -> u32 {
            unreachable!()
        }

        fn next_u64(&mut self) -> u64 {
            unreachable!()
        }

        fn fill_bytes(&mut self, _: &mut [u8]) {
            unreachable!()
        }

        fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), fips205::RngError> {
            unreachable!()
        }
    }

    #[test]
    fn equals_the_fips205_crate() {
        let seed = Stream::new(b"slh-dsa").bytes(Fast::SEED_LENGTH);
        let (key, signature) = (Fast::public(&seed).unwrap(), Fast::sign(&seed, ANCHOR, b"block").unwrap());
        let lengths = (key.len(), signature.len());
        assert_eq!(lengths, (Fast::PUBLIC_KEY_LENGTH, Fast::SIGNATURE_LENGTH));
        let oracle = oracle_key(&seed, &key);
        let context = ANCHOR.name().as_bytes();
        let theirs = oracle.try_sign_with_rng(&mut Never, b"block", context, false).unwrap();
        assert_eq!(theirs.as_slice(), signature, "deterministic signatures are equal");
        let signature = signature.try_into().unwrap();
        assert!(oracle.get_public_key().verify(b"block", &signature, context));
    }

    #[test]
    fn a_signature_holds_for_its_key_tag_and_message_only() {
        let seed = Stream::new(b"slh-dsa").bytes(Fast::SEED_LENGTH);
        let (key, signature) = (Fast::public(&seed).unwrap(), Fast::sign(&seed, ANCHOR, b"block").unwrap());
        assert_eq!(Fast::verify(&key, ANCHOR, b"block", &signature), Ok(()));
        assert_eq!(Fast::verify(&key, ANCHOR, b"clock", &signature), Err(BadSignature));
        assert_eq!(Fast::verify(&key, VOTE, b"block", &signature), Err(BadSignature));
        for at in (0..signature.len()).step_by(3_567).chain([signature.len() - 1]) {
            let mut bad = signature.clone();
            bad[at] ^= 0x10;
            assert_eq!(Fast::verify(&key, ANCHOR, b"block", &bad), Err(BadSignature), "byte {at}");
        }
        for at in 0..key.len() {
            let mut bad = key.clone();
            bad[at] ^= 1;
            assert_eq!(Fast::verify(&bad, ANCHOR, b"block", &signature), Err(BadSignature), "byte {at}");
        }
        assert_eq!(Fast::verify(&key, ANCHOR, b"block", &signature[1..]), Err(BadSignature));
        assert_eq!(Fast::verify(&key[1..], ANCHOR, b"block", &signature), Err(BadSignature));
        assert_eq!(Fast::verify(&key, ANCHOR, b"block", &[]), Err(BadSignature));
    }

    #[test]
    fn a_seed_of_another_length_is_refused() {
        for length in [0, 1, 3 * N - 1, 3 * N + 1, 4 * N] {
            assert_eq!(Fast::public(&vec![1; length]), Err(BadSeed), "{length} bytes");
        }
    }
}
