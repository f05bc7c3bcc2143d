//! ML-DSA-65 (FIPS 204): the second signature of hand-overs, so that the history of validator
//! sets stays sound after quantum computers.
//!
//! A tag of the table is the context string, so a signature of one purpose is refused for another.

use core::fmt;

use ml_dsa::{
    EncodedSignature, EncodedVerifyingKey, MlDsa65, Signature as Decoded, SigningKey, VerifyingKey,
};

use super::BadSignature;
use crate::domain::Tag;

/// Length of an ML-DSA-65 public key in bytes.
pub const PUBLIC_KEY_LENGTH: usize = 1952;
/// Length of an ML-DSA-65 signature in bytes.
pub const SIGNATURE_LENGTH: usize = 3309;

/// A signing key in process memory, kept as its 32-byte seed's expansion and wiped when dropped.
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
        Self(SigningKey::from_seed(&(*seed).into()))
    }

    /// The public half, encoded.
    #[must_use]
    pub fn public(&self) -> Vec<u8> {
        self.0.expanded_key().verifying_key().encode().to_vec()
    }

    /// `ML-DSA.Sign(key, message, tag)`, deterministic variant.
    ///
    /// # Errors
    /// [`BadSignature`], only when the tag is longer than 255 bytes.
    pub fn sign(&self, tag: Tag, message: &[u8]) -> Result<Vec<u8>, BadSignature> {
        let signature = self.0.expanded_key().sign_deterministic(message, tag.name().as_bytes());
        signature.map(|s| s.encode().to_vec()).map_err(|_| BadSignature)
    }
}

/// `ML-DSA.Verify(key, message, signature, tag)`, FIPS 204 algorithm 3.
///
/// # Errors
/// [`BadSignature`], also for a key or signature of the wrong length or encoding.
pub fn verify(key: &[u8], tag: Tag, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
    verify_context(key, tag.name().as_bytes(), message, signature)
}

/// The same with the context as bytes: for published vectors.
///
/// # Errors
/// [`BadSignature`], as [`verify`].
pub fn verify_context(
    key: &[u8],
    context: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), BadSignature> {
    let key = EncodedVerifyingKey::<MlDsa65>::try_from(key).map_err(|_| BadSignature)?;
    let signature = EncodedSignature::<MlDsa65>::try_from(signature).map_err(|_| BadSignature)?;
    let signature = Decoded::decode(&signature).ok_or(BadSignature)?;
    let holds = VerifyingKey::<MlDsa65>::decode(&key).verify_with_context(message, context, &signature);
    if holds { Ok(()) } else { Err(BadSignature) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{HANDOVER, VOTE};

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
        let secret = SecretKey::from_seed(&[3; 32]);
        let (key, signature) = (secret.public(), secret.sign(HANDOVER, b"set 7").unwrap());
        for at in [0, 100, 3000, SIGNATURE_LENGTH - 1] {
            let mut bad = signature.clone();
            bad[at] ^= 1;
            assert_eq!(verify(&key, HANDOVER, b"set 7", &bad), Err(BadSignature), "byte {at}");
        }
        assert_eq!(verify(&key, HANDOVER, b"set 7", &signature[1..]), Err(BadSignature));
        assert_eq!(verify(&key[1..], HANDOVER, b"set 7", &signature), Err(BadSignature));
    }
}
