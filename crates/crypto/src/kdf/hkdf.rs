//! HKDF-HMAC-SHA3-512: RFC 5869.

use core::fmt;

use zeroize::Zeroizing;

use super::hmac::{Hmac, LENGTH, fill};

/// The most that [`expand`] gives: 255 blocks, since the block number is one byte.
pub const MAX_OUTPUT: usize = 255 * LENGTH;

/// More output was asked for than one key expands to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HKDF gives at most {MAX_OUTPUT} bytes from one key")
    }
}

/// `prk = HMAC(salt, ikm_1 || ikm_2 || ...)`, RFC 5869 section 2.2. The parts are not framed: they
/// must be self-delimiting. No salt, an empty one and one of zeros are the same.
pub fn extract(salt: &[u8], ikm: &[&[u8]], prk: &mut [u8; LENGTH]) {
    Hmac::new(salt).mac(ikm, prk);
}

/// `okm = T(1) || T(2) || ...`, `T(i) = HMAC(prk, T(i-1) || info || i)`, cut to the length of `okm`:
/// RFC 5869 section 2.3.
///
/// # Errors
/// [`TooLong`], above 16,320 bytes; `okm` is then untouched.
pub fn expand(prk: &[u8; LENGTH], info: &[u8], okm: &mut [u8]) -> Result<(), TooLong> {
    if okm.len() > MAX_OUTPUT {
        return Err(TooLong);
    }
    let key = Hmac::new(prk);
    let mut block = Zeroizing::new([0; LENGTH]);
    let mut previous: &[u8] = &[];
    for (number, chunk) in (1..=u8::MAX).zip(okm.chunks_mut(LENGTH)) {
        key.mac(&[previous, info, &[number]], &mut block);
        fill(chunk, block.as_slice());
        previous = chunk;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ::hkdf::SimpleHkdf;
    use sha3::Sha3_512;

    use super::*;
    use crate::rng::stream::Stream;

    #[test]
    fn equals_the_hkdf_crate() {
        let mut random = Stream::new(b"hkdf");
        for length in (0..200).chain([MAX_OUTPUT - 1, MAX_OUTPUT]) {
            let (salt, ikm, info) = (random.up_to(100), random.up_to(200), random.up_to(200));
            let (mut prk, mut okm, mut expected) = ([0; LENGTH], vec![0; length], vec![0; length]);
            extract(&salt, &[&ikm], &mut prk);
            expand(&prk, &info, &mut okm).unwrap();
            let (oracle_prk, oracle) = SimpleHkdf::<Sha3_512>::extract(Some(&salt), &ikm);
            oracle.expand(&info, &mut expected).unwrap();
            assert_eq!(prk, oracle_prk.as_slice());
            assert_eq!(okm, expected, "{length} bytes");
        }
    }

    #[test]
    fn one_byte_too_many_is_an_error_and_writes_nothing() {
        let mut okm = vec![7; MAX_OUTPUT + 1];
        assert_eq!(expand(&[1; LENGTH], b"", &mut okm), Err(TooLong));
        assert!(okm.iter().all(|byte| *byte == 7));
    }

    #[test]
    fn no_salt_is_a_salt_of_zeros() {
        let prk = |salt: &[u8]| {
            let mut prk = [0; LENGTH];
            extract(salt, &[b"ikm"], &mut prk);
            prk
        };
        assert_eq!(prk(b""), prk(&[0; LENGTH]));
        assert_ne!(prk(b""), prk(b"salt"));
    }
}
