//! HMAC-SHA3-512: RFC 2104 over FIPS 202, whose block is the sponge's rate of 72 bytes.

use core::fmt;

use sha3::{Digest, Sha3_512, digest::FixedOutputReset};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Length of a tag in bytes.
pub const LENGTH: usize = 64;
/// Length in bytes to which a key is filled up with zeros; a longer one is hashed first.
pub const BLOCK: usize = 72;

/// A tag that is not the one of key and message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadTag;

impl fmt::Display for BadTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the authentication tag does not match")
    }
}

/// A key, as the two hash states that have absorbed its pads: no key block is kept, and one key
/// serves many messages at half the permutations. Wiped when dropped.
pub struct Hmac {
    inner: Sha3_512,
    outer: Sha3_512,
}

impl fmt::Debug for Hmac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hmac([SHA3-512])")
    }
}

impl Hmac {
    /// Absorbs `K0 ^ ipad` and `K0 ^ opad`, K0 = `key || 0*`, or `SHA3-512(key) || 0*` above 72
    /// bytes. So keys that differ only in trailing zeros are one key: use a fixed length.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        let (mut inner, mut outer) = (Sha3_512::new(), Sha3_512::new());
        let mut block = Zeroizing::new([0; BLOCK]);
        if key.len() > BLOCK {
            let mut digest = Zeroizing::new([0; LENGTH]);
            inner.update(key);
            FixedOutputReset::finalize_into_reset(&mut inner, (&mut *digest).into());
            fill(block.as_mut_slice(), digest.as_slice());
        } else {
            fill(block.as_mut_slice(), key);
        }
        block.iter_mut().for_each(|byte| *byte ^= 0x36);
        inner.update(block.as_slice());
        block.iter_mut().for_each(|byte| *byte ^= 0x36 ^ 0x5c);
        outer.update(block.as_slice());
        Self { inner, outer }
    }

    /// `tag = H(K0 ^ opad || H(K0 ^ ipad || part_1 || part_2 || ...))`. The parts are not framed:
    /// they must be self-delimiting.
    pub fn mac(&self, parts: &[&[u8]], tag: &mut [u8; LENGTH]) {
        let mut inner = self.inner.clone();
        parts.iter().for_each(|part| inner.update(part));
        self.finish(&mut inner, tag);
    }

    /// `value = HMAC(key, value)`, in place.
    pub(crate) fn chain(&self, value: &mut [u8; LENGTH]) {
        let mut inner = self.inner.clone();
        inner.update(value.as_slice());
        self.finish(&mut inner, value);
    }

    fn finish(&self, inner: &mut Sha3_512, tag: &mut [u8; LENGTH]) {
        let mut outer = self.outer.clone();
        FixedOutputReset::finalize_into_reset(inner, (&mut *tag).into());
        outer.update(tag.as_slice());
        FixedOutputReset::finalize_into_reset(&mut outer, tag.into());
    }

    /// Whether `tag` is the one of these parts, in a time that does not depend on where they differ.
    ///
    /// # Errors
    /// [`BadTag`].
    pub fn verify(&self, parts: &[&[u8]], tag: &[u8; LENGTH]) -> Result<(), BadTag> {
        let mut expected = Zeroizing::new([0; LENGTH]);
        self.mac(parts, &mut expected);
        if bool::from(expected.ct_eq(tag)) { Ok(()) } else { Err(BadTag) }
    }
}

/// Writes the start of `from` over the start of `to`, as far as both go.
pub(crate) fn fill(to: &mut [u8], from: &[u8]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

#[cfg(test)]
mod tests {
    use ::hmac::{KeyInit, Mac, SimpleHmac};

    use super::*;
    use crate::rng::stream::Stream;

    fn oracle(key: &[u8], message: &[u8]) -> [u8; LENGTH] {
        let mut mac = SimpleHmac::<Sha3_512>::new_from_slice(key).unwrap();
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    /// The key lengths around the block, where padding turns into hashing, with random messages.
    #[test]
    fn equals_the_hmac_crate() {
        let mut random = Stream::new(b"hmac");
        for length in (0..=2 * BLOCK + 1).chain([1000]) {
            let (key, message) = (random.bytes(length), random.up_to(300));
            let mut tag = [0; LENGTH];
            Hmac::new(&key).mac(&[&message], &mut tag);
            assert_eq!(tag, oracle(&key, &message), "key of {length} bytes");
        }
    }

    #[test]
    fn one_key_serves_many_messages_and_parts_are_joined() {
        let key = Hmac::new(b"key");
        let (mut one, mut two) = ([0; LENGTH], [0xff; LENGTH]);
        key.mac(&[b"message"], &mut one);
        key.mac(&[b"mess", b"", b"age"], &mut two);
        assert_eq!(one, two);
        assert_eq!(one, oracle(b"key", b"message"));
    }

    #[test]
    fn a_flipped_bit_anywhere_in_the_tag_is_refused() {
        let key = Hmac::new(b"key");
        let mut tag = [0; LENGTH];
        key.mac(&[b"message"], &mut tag);
        assert_eq!(key.verify(&[b"message"], &tag), Ok(()));
        assert_eq!(key.verify(&[b"massage"], &tag), Err(BadTag));
        for bit in 0..8 * LENGTH {
            let mut bad = tag;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.verify(&[b"message"], &bad), Err(BadTag), "bit {bit}");
        }
    }

    #[test]
    fn a_key_prints_nothing() {
        assert_eq!(format!("{:?}", Hmac::new(b"key")), "Hmac([SHA3-512])");
    }

    /// The hash states are wiped by their own crate, which only does so with its `zeroize` feature:
    /// without it this does not compile.
    #[test]
    fn the_hash_states_wipe_themselves() {
        fn wipes<T: zeroize::ZeroizeOnDrop>() {}
        wipes::<Sha3_512>();
    }
}
