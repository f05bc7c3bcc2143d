//! ES256 (FIPS 186-5 ECDSA over P-256 with SHA-256): what security keys sign with that do not know
//! Ed25519. Verification only, as the secret never leaves the device.

use core::fmt;

use p256::ecdsa::{Signature, VerifyingKey, signature::Verifier};

use super::BadSignature;

/// A P-256 public key, as bytes: `02 or 03 || x [32]` (SEC 1 section 2.3.3, compressed). Nothing is
/// known of it yet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicKey(pub [u8; 33]);

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

impl PublicKey {
    /// Whether the bytes are a point of the curve. The compressed form is canonical: one string for
    /// each point, and none for the identity.
    #[must_use]
    pub fn is_point(&self) -> bool {
        self.point().is_some()
    }

    /// The compressed form of `(x, y)`; none where that is no point of the curve.
    #[must_use]
    pub fn of(x: &[u8; 32], y: &[u8; 32]) -> Option<Self> {
        let key = VerifyingKey::from_sec1_bytes(&[&[4], x.as_slice(), y].concat()).ok()?;
        key.to_sec1_point(true).as_bytes().try_into().ok().map(Self)
    }

    /// Only what starts with 02 or 03: the `sec1` crate also reads `05 || x`, another spelling of one of
    /// the two points with this x.
    fn point(&self) -> Option<VerifyingKey> {
        if !matches!(self.0, [2 | 3, ..]) {
            return None;
        }
        VerifyingKey::from_sec1_bytes(&self.0).ok()
    }
}

/// `r || s` over `SHA-256(message)`, with `s <= (n - 1) / 2`: of the two signatures that ECDSA has for
/// the same statement, `(r, s)` and `(r, n - s)`, the one with the lower s.
///
/// # Errors
/// [`BadSignature`], also for a key that is no point and for the other of the two.
pub fn verify_low_s(key: &PublicKey, message: &[u8], signature: &[u8; 64]) -> Result<(), BadSignature> {
    let key = key.point().ok_or(BadSignature)?;
    let signature = Signature::from_slice(signature).map_err(|_| BadSignature)?;
    if signature.normalize_s() != signature {
        return Err(BadSignature);
    }
    key.verify(message, &signature).map_err(|_| BadSignature)
}

/// `r || s` with the lower s, of a signature in DER, as security keys write it (RFC 3279 section 2.2.3).
///
/// # Errors
/// [`BadSignature`], for what is no DER of two scalars.
pub fn low_s_of_der(der: &[u8]) -> Result<[u8; 64], BadSignature> {
    let signature = Signature::from_der(der).map_err(|_| BadSignature)?;
    Ok(signature.normalize_s().to_bytes().into())
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::{SigningKey, signature::Signer};

    use super::*;

    fn signed(message: &[u8]) -> (PublicKey, Signature) {
        let secret = SigningKey::from_slice(&[7; 32]).unwrap();
        let point = secret.verifying_key().to_sec1_point(true);
        let signature: Signature = secret.sign(message);
        (PublicKey(point.as_bytes().try_into().unwrap()), signature.normalize_s())
    }

    #[test]
    fn of_the_two_signatures_of_a_statement_one_holds() {
        let (key, low) = signed(b"statement");
        let bytes = |signature: &Signature| <[u8; 64]>::from(signature.to_bytes());
        assert_eq!(verify_low_s(&key, b"statement", &bytes(&low)), Ok(()));
        let high = Signature::from_scalars(low.r().to_bytes(), (-*low.s()).to_bytes()).unwrap();
        assert!(VerifyingKey::from_sec1_bytes(&key.0).unwrap().verify(b"statement", &high).is_ok());
        assert_eq!(verify_low_s(&key, b"statement", &bytes(&high)), Err(BadSignature));
        assert_eq!(verify_low_s(&key, b"statements", &bytes(&low)), Err(BadSignature));
    }

    #[test]
    fn both_signatures_in_der_become_the_one_that_holds() {
        let (key, low) = signed(b"statement");
        let high = Signature::from_scalars(low.r().to_bytes(), (-*low.s()).to_bytes()).unwrap();
        for signature in [low, high] {
            let der = signature.to_der();
            let found = low_s_of_der(der.as_bytes()).unwrap();
            assert_eq!(verify_low_s(&key, b"statement", &found), Ok(()));
            assert_eq!(low_s_of_der(&der.as_bytes()[1..]), Err(BadSignature));
        }
    }

    #[test]
    fn a_pair_of_coordinates_is_a_key_where_it_is_a_point() {
        let (key, _) = signed(b"statement");
        let point = VerifyingKey::from_sec1_bytes(&key.0).unwrap().to_sec1_point(false);
        let (x, y) = point.as_bytes()[1..].split_at(32);
        let (x, mut y): ([u8; 32], [u8; 32]) = (x.try_into().unwrap(), y.try_into().unwrap());
        assert_eq!(PublicKey::of(&x, &y), Some(key));
        y[31] ^= 1;
        assert_eq!(PublicKey::of(&x, &y), None);
    }

    #[test]
    fn what_is_no_point_and_no_pair_of_scalars_holds_for_nothing() {
        let (key, low) = signed(b"statement");
        let bytes: [u8; 64] = low.to_bytes().into();
        // x = 2^256 - 1 is no residue modulo p, 04 starts an uncompressed point, and 05 a point whose y
        // is the smaller of the two: a second spelling of one that 02 or 03 starts.
        let starting = |tag| {
            let mut other = key.0;
            other[0] = tag;
            other
        };
        let tags = (0..=u8::MAX).filter(|tag| !matches!(tag, 2 | 3)).map(starting);
        for no_point in tags.chain([[0xff; 33], [0; 33]]) {
            assert!(!PublicKey(no_point).is_point());
            assert_eq!(verify_low_s(&PublicKey(no_point), b"statement", &bytes), Err(BadSignature));
        }
        assert!(key.is_point());
        let (mut zero_r, mut zero_s) = (bytes, bytes);
        zero_r[..32].fill(0);
        zero_s[32..].fill(0);
        for no_signature in [zero_r, zero_s, [0; 64], [0xff; 64]] {
            assert_eq!(verify_low_s(&key, b"statement", &no_signature), Err(BadSignature));
        }
    }
}
