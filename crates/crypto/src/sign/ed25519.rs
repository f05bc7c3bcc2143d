//! Ed25519 (RFC 8032) under two rules, and never a third.
//!
//! - **People, keys and devices**: [`verify_strict`], which refuses small-order keys and
//!   non-canonical encodings.
//! - **Votes**: the cofactored rule of [`VoteKey`], `[8][s]B = [8]R + [8][h]A` with s canonical
//!   and A canonical, torsion-free and not the identity. Single and batch check the *same*
//!   equation, so a certificate cannot be valid in one and invalid in the other.
//!
//! dalek's own `verify_batch` leaves the cofactor out and disagrees with its single rule on about
//! half of all torsioned signatures; it is never used.

use core::fmt;

use curve25519_dalek::{
    EdwardsPoint, Scalar,
    constants::ED25519_BASEPOINT_POINT,
    edwards::CompressedEdwardsY,
    traits::{IsIdentity, VartimeMultiscalarMul},
};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha512};

use super::BadSignature;
use crate::domain;

/// An Ed25519 public key, as bytes: nothing is known of it yet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An Ed25519 signature, as bytes: `R [32] || s [32]`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A signing key in process memory, wiped when dropped.
///
/// For tests and demo validators; a production validator signs through its HSM.
pub struct SecretKey(SigningKey);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey([32 B])")
    }
}

impl SecretKey {
    /// The key of RFC 8032 section 5.1.5 for this 32-byte seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// `Ed25519.sign(key, message)`, deterministic.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

/// The strict rule, for people, keys and devices: RFC 8032 without cofactor, s canonical, A and R
/// not of small order.
///
/// # Errors
/// [`BadSignature`], also for a key that does not decode.
pub fn verify_strict(key: &PublicKey, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
    VerifyingKey::from_bytes(&key.0)
        .and_then(|key| key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(&signature.0)))
        .map_err(|_| BadSignature)
}

/// Why a public key may not vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// The bytes are no point of the curve.
    NotOnCurve,
    /// The bytes are not the one encoding of their point.
    NotCanonical,
    /// The point is the identity or has a part outside the prime-order group.
    Torsion,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOnCurve => "no point of the curve",
            Self::NotCanonical => "not the canonical encoding of its point",
            Self::Torsion => "outside the prime-order group",
        })
    }
}

/// A validator's key, decoded and found fit to vote: canonical, torsion-free, not the identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoteKey {
    bytes: [u8; 32],
    point: EdwardsPoint,
}

impl VoteKey {
    /// Decodes and checks `key`. About as dear as one signature check: done once, when a set is
    /// loaded.
    ///
    /// # Errors
    /// [`KeyError`], when the key may not vote.
    pub fn decode(key: &PublicKey) -> Result<Self, KeyError> {
        let point = CompressedEdwardsY(key.0).decompress().ok_or(KeyError::NotOnCurve)?;
        if !is_canonical(&key.0, &point) {
            return Err(KeyError::NotCanonical);
        }
        if point.is_identity() || !is_torsion_free(&point) {
            return Err(KeyError::Torsion);
        }
        Ok(Self { bytes: key.0, point })
    }

    /// The key's encoding.
    #[must_use]
    pub const fn public(&self) -> PublicKey {
        PublicKey(self.bytes)
    }

    /// `[8][s]B = [8]R + [8][h]A`, h = SHA-512(R || A || message).
    ///
    /// # Errors
    /// [`BadSignature`], when s is not canonical, R is no point, or the equation fails.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        let parts = Parts::of(self, message, signature).ok_or(BadSignature)?;
        let difference =
            EdwardsPoint::vartime_double_scalar_mul_basepoint(&parts.h, &(-self.point), &parts.s) - parts.r;
        if difference.mul_by_cofactor().is_identity() { Ok(()) } else { Err(BadSignature) }
    }
}

/// Whether `bytes`, which decode to `point`, are its one encoding: y below p = 2^255 - 19, and no
/// minus sign on x = 0. Told from the bytes, as encoding anew costs an inversion.
fn is_canonical(bytes: &[u8; 32], point: &EdwardsPoint) -> bool {
    let [first, middle @ .., last] = bytes;
    let y_below_p = *first < 0xed || middle.iter().any(|byte| *byte != 0xff) || last & 0x7f != 0x7f;
    // Only the points with x = 0 are their own negatives.
    let negative_zero = last & 0x80 != 0 && *point == -point;
    y_below_p && !negative_zero
}

/// Whether `point` is of the prime-order subgroup: `[l - 1]A = -A`. In variable time, as a key
/// that votes is public; dalek's own check costs half as much again.
fn is_torsion_free(point: &EdwardsPoint) -> bool {
    EdwardsPoint::vartime_multiscalar_mul([-Scalar::ONE], [point]) == -point
}

/// A signature taken apart: its two halves decoded and the challenge computed.
struct Parts {
    r: EdwardsPoint,
    s: Scalar,
    h: Scalar,
}

impl Parts {
    fn of(key: &VoteKey, message: &[u8], signature: &Signature) -> Option<Self> {
        let (r_bytes, s_bytes) = signature.0.split_first_chunk::<32>()?;
        let s = Scalar::from_canonical_bytes(*s_bytes.first_chunk()?).into_option()?;
        let r = CompressedEdwardsY(*r_bytes).decompress()?;
        let digest =
            Sha512::new().chain_update(r_bytes).chain_update(key.bytes).chain_update(message).finalize();
        Some(Self { r, s, h: Scalar::from_bytes_mod_order_wide(&digest.into()) })
    }
}

/// Checks that every signature over the one `message` holds under the rule of
/// [`VoteKey::verify`], in one equation:
/// `[8](sum z_i R_i + sum [z_i h_i] A_i - [sum z_i s_i] B) = 0`, with 128-bit z_i drawn from a
/// hash of all inputs. A forged signature passes with probability 2^-128 at most.
///
/// # Errors
/// [`BadSignature`], when at least one does not hold; the single check says which.
pub fn verify_batch(message: &[u8], signed: &[(&VoteKey, &Signature)]) -> Result<(), BadSignature> {
    let mut coefficients = coefficients(message, signed);
    let mut scalars = Vec::with_capacity(2 * signed.len() + 1);
    let mut points = Vec::with_capacity(2 * signed.len() + 1);
    let mut base = Scalar::ZERO;
    for (key, signature) in signed {
        let parts = Parts::of(key, message, signature).ok_or(BadSignature)?;
        let mut wide = [0; 16];
        coefficients.fill(&mut wide);
        let z = Scalar::from(u128::from_le_bytes(wide));
        base -= z * parts.s;
        scalars.extend([z, z * parts.h]);
        points.extend([parts.r, key.point]);
    }
    scalars.push(base);
    points.push(ED25519_BASEPOINT_POINT);
    let sum = EdwardsPoint::vartime_multiscalar_mul(&scalars, &points);
    if sum.mul_by_cofactor().is_identity() { Ok(()) } else { Err(BadSignature) }
}

/// The stream of batch coefficients: `BLAKE3.derive_key(tag, message || (A_i || R_i || s_i)*)`,
/// read as an extendable output.
fn coefficients(message: &[u8], signed: &[(&VoteKey, &Signature)]) -> blake3::OutputReader {
    let mut hasher = blake3::Hasher::new_derive_key(domain::BATCH.name());
    hasher.update(&(message.len() as u64).to_le_bytes()).update(message);
    for (key, signature) in signed {
        hasher.update(&key.bytes).update(&signature.0);
    }
    hasher.finalize_xof()
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::constants::EIGHT_TORSION;

    fn secret(i: u8) -> SecretKey {
        SecretKey::from_seed(&[i; 32])
    }

    /// A signature under an honest key whose R carries a small-order part: `R = rB + T`,
    /// `s = r + ha`. The cofactored rule accepts it, the strict one does not.
    fn torsioned(seed: u8, message: &[u8], torsion: usize) -> Signature {
        let signing = SigningKey::from_bytes(&[seed; 32]);
        let scalar = signing.to_scalar();
        let nonce = Scalar::from_bytes_mod_order([seed.wrapping_add(7); 32]);
        let r = (EdwardsPoint::mul_base(&nonce) + EIGHT_TORSION[torsion]).compress();
        let digest = Sha512::new()
            .chain_update(r.0)
            .chain_update(signing.verifying_key().to_bytes())
            .chain_update(message)
            .finalize();
        let s = nonce + Scalar::from_bytes_mod_order_wide(&digest.into()) * scalar;
        Signature([r.0, s.to_bytes()].concat().try_into().unwrap())
    }

    #[test]
    fn single_and_batch_agree_on_a_torsioned_signature_a_thousand_times() {
        let honest = secret(1);
        for i in 0..1000u32 {
            let message = i.to_le_bytes();
            let (key_a, key_b) =
                (VoteKey::decode(&honest.public()).unwrap(), VoteKey::decode(&secret(2).public()).unwrap());
            let (plain, torsion) = (honest.sign(&message), torsioned(2, &message, 1 + (i as usize % 7)));
            assert_eq!(key_b.verify(&message, &torsion), Ok(()), "single, try {i}");
            assert_eq!(
                verify_batch(&message, &[(&key_a, &plain), (&key_b, &torsion)]),
                Ok(()),
                "batch, try {i}"
            );
            assert_eq!(
                verify_strict(&key_b.public(), &message, &torsion),
                Err(BadSignature),
                "strict, try {i}"
            );
        }
    }

    #[test]
    fn a_batch_with_one_bad_signature_is_refused_wherever_it_stands() {
        let keys: Vec<VoteKey> = (0..5).map(|i| VoteKey::decode(&secret(i).public()).unwrap()).collect();
        for bad in 0..5usize {
            let signatures: Vec<Signature> = (0..5)
                .map(|i| secret(i).sign(if usize::from(i) == bad { b"other" } else { b"vote" }))
                .collect();
            let signed: Vec<_> = keys.iter().zip(&signatures).collect();
            assert_eq!(verify_batch(b"vote", &signed), Err(BadSignature));
        }
    }

    #[test]
    fn two_bad_signatures_do_not_cancel_out() {
        let keys: Vec<VoteKey> = (0..2).map(|i| VoteKey::decode(&secret(i).public()).unwrap()).collect();
        let mut signatures: Vec<Signature> = (0..2).map(|i| secret(i).sign(b"vote")).collect();
        for (signature, delta) in signatures.iter_mut().zip([Scalar::ONE, -Scalar::ONE]) {
            let s = Scalar::from_canonical_bytes(signature.0[32..].try_into().unwrap()).unwrap() + delta;
            signature.0[32..].copy_from_slice(s.as_bytes());
        }
        let signed: Vec<_> = keys.iter().zip(&signatures).collect();
        assert_eq!(verify_batch(b"vote", &signed), Err(BadSignature));
    }

    #[test]
    fn s_plus_the_group_order_is_refused() {
        let order = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10u8,
        ];
        let mut signature = secret(1).sign(b"vote");
        let mut carry = 0u16;
        for (byte, add) in signature.0[32..].iter_mut().zip(order) {
            carry += u16::from(*byte) + u16::from(add);
            *byte = carry as u8;
            carry >>= 8;
        }
        let key = VoteKey::decode(&secret(1).public()).unwrap();
        assert_eq!(key.verify(b"vote", &signature), Err(BadSignature));
        assert_eq!(verify_batch(b"vote", &[(&key, &signature)]), Err(BadSignature));
    }

    #[test]
    fn keys_outside_the_prime_order_group_may_not_vote() {
        for point in EIGHT_TORSION {
            assert_eq!(VoteKey::decode(&PublicKey(point.compress().0)), Err(KeyError::Torsion));
        }
        let honest = CompressedEdwardsY(secret(1).public().0).decompress().unwrap();
        let mixed = (honest + EIGHT_TORSION[1]).compress();
        assert_eq!(VoteKey::decode(&PublicKey(mixed.0)), Err(KeyError::Torsion));
    }

    #[test]
    fn a_key_with_a_second_encoding_may_not_vote() {
        // y = 1 + p is the identity's other encoding: p = 2^255 - 19, so 1 + p = 2^255 - 18.
        let mut bytes = [0xff; 32];
        (bytes[0], bytes[31]) = (0xee, 0x7f);
        assert_eq!(VoteKey::decode(&PublicKey(bytes)), Err(KeyError::NotCanonical));
        let mut bytes = [0; 32];
        bytes[0] = 2;
        assert_eq!(VoteKey::decode(&PublicKey(bytes)), Err(KeyError::NotOnCurve));
    }

    /// Encodings of small y, of y around p, and of random points, with both signs.
    fn encodings() -> impl Iterator<Item = [u8; 32]> {
        let small = (0..=32u8).map(|y| {
            let mut bytes = [0; 32];
            bytes[0] = y;
            bytes
        });
        let around_p = (0xe0..=0xffu8).map(|y| {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (y, 0x7f);
            bytes
        });
        let random = (0..=99u8).map(|i| Sha512::digest([i]).first_chunk::<32>().copied().unwrap());
        let both_signs = |mut bytes: [u8; 32]| {
            bytes[31] ^= 0x80;
            bytes
        };
        small.chain(around_p).chain(random).flat_map(move |bytes| [bytes, both_signs(bytes)])
    }

    #[test]
    fn canonical_is_what_encodes_back_to_the_same_bytes() {
        let (mut canonical, mut other) = (0, 0);
        for bytes in encodings() {
            let Some(point) = CompressedEdwardsY(bytes).decompress() else { continue };
            let same = point.compress().0 == bytes;
            assert_eq!(is_canonical(&bytes, &point), same, "{bytes:02x?}");
            *(if same { &mut canonical } else { &mut other }) += 1;
        }
        assert!(canonical > 50 && other > 10, "{canonical} canonical, {other} others");
    }

    #[test]
    fn torsion_free_is_what_dalek_says() {
        let mut free = 0;
        for point in encodings().filter_map(|bytes| CompressedEdwardsY(bytes).decompress()) {
            for torsion in EIGHT_TORSION {
                let mixed = point + torsion;
                assert_eq!(is_torsion_free(&mixed), mixed.is_torsion_free());
                free += u32::from(mixed.is_torsion_free());
            }
        }
        assert!(free > 50, "each coset has one");
    }

    #[test]
    fn an_empty_batch_holds_and_a_secret_key_prints_nothing() {
        assert_eq!(verify_batch(b"vote", &[]), Ok(()));
        assert_eq!(format!("{:?}", secret(9)), "SecretKey([32 B])");
    }
}
