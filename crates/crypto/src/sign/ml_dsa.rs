//! ML-DSA (FIPS 204) at two strengths: 65 for what validators sign, so that the history of validator
//! sets stays sound after quantum computers, and 87 for roots and rotations.
//!
//! A tag of the table is the context string, so a signature of one purpose is refused for another.
//! The deterministic variant: nothing random is needed to sign.

use core::fmt;

use ml_dsa::{
    EncodedSignature, EncodedVerifyingKey, MlDsaParams, Signature as Decoded, SigningKey, VerifyingKey,
};
pub use ml_dsa::{MlDsa65, MlDsa87};

use super::{BadSeed, BadSignature, Scheme};
use crate::domain::Tag;

/// Length of an ML-DSA-65 public key in bytes.
pub const PUBLIC_KEY_LENGTH: usize = 1952;
/// Length of an ML-DSA-65 signature in bytes.
pub const SIGNATURE_LENGTH: usize = 3309;

/// An ML-DSA-65 signing key in process memory, its expansion kept for many signatures; wiped when
/// dropped. For validators; keys of people are [`super::SecretKey`].
pub struct SecretKey(SigningKey<MlDsa65>);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey([ML-DSA-65])")
    }
}

impl SecretKey {
    /// `ML-DSA.KeyGen_internal(seed)`, FIPS 204 algorithm 6.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_seed(seed.into()))
    }

    /// The public half, encoded.
    #[must_use]
    pub fn public(&self) -> Vec<u8> {
        encoded(&self.0)
    }

    /// `ML-DSA.Sign(key, message, tag)`, deterministic variant.
    ///
    /// # Errors
    /// [`BadSignature`], only when the tag is longer than 255 bytes.
    pub fn sign(&self, tag: Tag, message: &[u8]) -> Result<Vec<u8>, BadSignature> {
        signed(&self.0, tag, message).ok_or(BadSignature)
    }
}

fn encoded<P: MlDsaParams>(key: &SigningKey<P>) -> Vec<u8> {
    key.expanded_key().verifying_key().encode().to_vec()
}

/// `None` only when the tag is longer than 255 bytes.
fn signed<P: MlDsaParams>(key: &SigningKey<P>, tag: Tag, message: &[u8]) -> Option<Vec<u8>> {
    let signature = key.expanded_key().sign_deterministic(message, tag.name().as_bytes());
    signature.map(|signature| signature.encode().to_vec()).ok()
}

/// `ML-DSA.Verify(key, message, signature, tag)` of ML-DSA-65, FIPS 204 algorithm 3.
///
/// # Errors
/// [`BadSignature`], also for a key or signature of the wrong length or encoding.
pub fn verify(key: &[u8], tag: Tag, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
    verify_context::<MlDsa65>(key, tag.name().as_bytes(), message, signature)
}

/// The same of either strength, with the context as bytes: for published vectors.
///
/// # Errors
/// [`BadSignature`], as [`verify`].
pub fn verify_context<P: MlDsaParams>(
    key: &[u8],
    context: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), BadSignature> {
    let encoded_key = EncodedVerifyingKey::<P>::try_from(key).map_err(|_| BadSignature)?;
    let encoded = EncodedSignature::<P>::try_from(signature).map_err(|_| BadSignature)?;
    let decoded = Decoded::decode(&encoded).ok_or(BadSignature)?;
    let holds = VerifyingKey::<P>::decode(&encoded_key).verify_with_context(message, context, &decoded);
    #[cfg(feature = "pqcrypto")]
    let holds = holds && super::second::verify(key, context, message, signature);
    if holds { Ok(()) } else { Err(BadSignature) }
}

/// Makes one strength a scheme: its name, and the lengths of key and signature (FIPS 204, table 2).
macro_rules! scheme {
    ($parameters:ty, $name:literal, $key:expr, $signature:expr) => {
        impl Scheme for $parameters {
            const NAME: &'static str = $name;
            const SEED_LENGTH: usize = 32;
            const PUBLIC_KEY_LENGTH: usize = $key;
            const SIGNATURE_LENGTH: usize = $signature;

            fn public(seed: &[u8]) -> Result<Vec<u8>, BadSeed> {
                Ok(encoded(&SigningKey::<Self>::from_seed(seed.try_into().map_err(|_| BadSeed)?)))
            }

            fn sign(seed: &[u8], tag: Tag, message: &[u8]) -> Result<Vec<u8>, BadSeed> {
                let key = SigningKey::<Self>::from_seed(seed.try_into().map_err(|_| BadSeed)?);
                signed(&key, tag, message).ok_or(BadSeed)
            }

            fn verify(key: &[u8], tag: Tag, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
                verify_context::<Self>(key, tag.name().as_bytes(), message, signature)
            }
        }
    };
}

scheme!(MlDsa65, "ML-DSA-65", PUBLIC_KEY_LENGTH, SIGNATURE_LENGTH);
scheme!(MlDsa87, "ML-DSA-87", 2592, 4627);

#[cfg(test)]
mod tests {
    use fips204::traits::{KeyGen, SerDes, Signer, Verifier};

    use super::*;
    use crate::{
        domain::{HANDOVER, VOTE},
        rng::stream::Stream,
    };

    #[test]
    fn a_signature_holds_for_its_message_and_tag_only() {
        let secret = SecretKey::from_seed(&[3; 32]);
        let (key, signature) = (secret.public(), secret.sign(HANDOVER, b"set 7").unwrap());
        assert_eq!((key.len(), signature.len()), (PUBLIC_KEY_LENGTH, SIGNATURE_LENGTH));
        assert_eq!(verify(&key, HANDOVER, b"set 7", &signature), Ok(()));
        assert_eq!(verify(&key, HANDOVER, b"set 8", &signature), Err(BadSignature));
        assert_eq!(verify(&key, VOTE, b"set 7", &signature), Err(BadSignature));
    }

    #[test]
    fn a_flipped_bit_or_a_wrong_length_is_refused() {
        fn check<S: Scheme>() {
            let (key, signature) = (S::public(&[3; 32]).unwrap(), S::sign(&[3; 32], HANDOVER, b"7").unwrap());
            let lengths = (key.len(), signature.len());
            assert_eq!(lengths, (S::PUBLIC_KEY_LENGTH, S::SIGNATURE_LENGTH), "{}", S::NAME);
            assert_eq!(S::verify(&key, HANDOVER, b"7", &signature), Ok(()));
            for at in (0..signature.len()).step_by(331).chain([signature.len() - 1]) {
                let mut bad = signature.clone();
                bad[at] ^= 1;
                assert_eq!(S::verify(&key, HANDOVER, b"7", &bad), Err(BadSignature), "byte {at}");
            }
            for at in (0..key.len()).step_by(331) {
                let mut bad = key.clone();
                bad[at] ^= 1;
                assert_eq!(S::verify(&bad, HANDOVER, b"7", &signature), Err(BadSignature), "key byte {at}");
            }
            assert_eq!(S::verify(&key, HANDOVER, b"7", &signature[1..]), Err(BadSignature));
            assert_eq!(S::verify(&key[1..], HANDOVER, b"7", &signature), Err(BadSignature));
            assert_eq!(S::public(&[3; 31]), Err(BadSeed));
        }
        check::<MlDsa65>();
        check::<MlDsa87>();
    }

    /// Keys equal, and each accepts what the other signed.
    macro_rules! agrees {
        ($ours:ty, $theirs:ident, $random:expr) => {{
            let (seed, message, context) =
                ($random.bytes(32), $random.up_to(300), HANDOVER.name().as_bytes());
            let (key, signature) =
                (<$ours>::public(&seed).unwrap(), <$ours>::sign(&seed, HANDOVER, &message).unwrap());
            let (public, secret) =
                fips204::$theirs::KG::keygen_from_seed(&seed.as_slice().try_into().unwrap());
            assert_eq!(public.clone().into_bytes().as_slice(), key);
            assert!(public.verify(&message, &signature.as_slice().try_into().unwrap(), context));
            let theirs = secret.try_sign_with_seed(&[0; 32], &message, context).unwrap();
            assert_eq!(theirs.as_slice(), signature, "deterministic signatures are equal");
        }};
    }

    #[test]
    fn equals_the_fips204_crate() {
        let mut random = Stream::new(b"ml-dsa");
        for _ in 0..5 {
            agrees!(MlDsa65, ml_dsa_65, random);
            agrees!(MlDsa87, ml_dsa_87, random);
        }
    }
}
