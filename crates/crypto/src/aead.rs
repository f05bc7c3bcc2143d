//! AES-256-GCM-SIV (RFC 8452): what is sealed on a disk.
//!
//! Chosen over AES-GCM for what lies at rest: a nonce that comes twice, as after a restored copy of a
//! machine, tells whether two messages are equal and nothing more. It commits to no key: whoever seals
//! under keys that others may choose stores a commitment beside.

use core::fmt;

use aes_gcm_siv::{
    Aes256GcmSiv, Nonce, Tag,
    aead::{AeadInOut, KeyInit},
};

/// Bytes of a key.
pub const KEY_LENGTH: usize = 32;
/// Bytes of a nonce.
pub const NONCE_LENGTH: usize = 12;
/// Bytes of a tag.
pub const TAG_LENGTH: usize = 16;

/// What was to be opened is not what was sealed under this key, nonce and associated data; or what was
/// to be sealed is longer than 2^36 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSealed;

impl fmt::Display for NotSealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not what was sealed under this key")
    }
}

/// `(c, t) = AES-256-GCM-SIV-Encrypt(key, nonce, associated, m)`, RFC 8452 section 4: `text` becomes
/// `c`, of the same length, and `t` is returned.
///
/// # Errors
/// [`NotSealed`], above 2^36 bytes of text or of associated data.
pub fn seal(
    key: &[u8; KEY_LENGTH],
    nonce: &[u8; NONCE_LENGTH],
    associated: &[u8],
    text: &mut [u8],
) -> Result<[u8; TAG_LENGTH], NotSealed> {
    let cipher = Aes256GcmSiv::new(key.into());
    let sealed = cipher.encrypt_inout_detached(&Nonce::from(*nonce), associated, text.into());
    sealed.map(Into::into).map_err(|_| NotSealed)
}

/// `m = AES-256-GCM-SIV-Decrypt(key, nonce, associated, c || t)`, RFC 8452 section 5: `text` becomes
/// `m`.
///
/// # Errors
/// [`NotSealed`]; nothing of `m` is left in `text` then.
pub fn open(
    key: &[u8; KEY_LENGTH],
    nonce: &[u8; NONCE_LENGTH],
    associated: &[u8],
    text: &mut [u8],
    tag: &[u8; TAG_LENGTH],
) -> Result<(), NotSealed> {
    let cipher = Aes256GcmSiv::new(key.into());
    let opened =
        cipher.decrypt_inout_detached(&Nonce::from(*nonce), associated, text.into(), &Tag::from(*tag));
    opened.map_err(|_| NotSealed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream::Stream;

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        core::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
    }

    /// RFC 8452, appendix C.2: the empty text, and eight bytes.
    #[test]
    fn the_vectors_of_the_rfc() {
        let (mut key, mut nonce) = ([0; 32], [0; 12]);
        (key[0], nonce[0]) = (1, 3);
        assert_eq!(seal(&key, &nonce, &[], &mut []), Ok(bytes("07f5f4169bbf55a8400cd47ea6fd400f")));
        let mut text: [u8; 8] = bytes("0100000000000000");
        let tag = seal(&key, &nonce, &[], &mut text).unwrap();
        assert_eq!(text, bytes("c2ef328e5c71c83b"));
        assert_eq!(tag, bytes("843122130f7364b761e0b97427e3df28"));
        assert_eq!(open(&key, &nonce, &[], &mut text, &tag), Ok(()));
        assert_eq!(text, bytes("0100000000000000"));
    }

    /// What was sealed, taken apart.
    #[derive(Clone)]
    struct Sealed {
        key: [u8; 32],
        nonce: [u8; 12],
        beside: Vec<u8>,
        text: Vec<u8>,
        tag: [u8; 16],
    }

    impl Sealed {
        /// What opens once this was changed.
        fn opened(&self, change: impl Fn(&mut Self)) -> Result<Vec<u8>, NotSealed> {
            let mut it = self.clone();
            change(&mut it);
            open(&it.key, &it.nonce, &it.beside, &mut it.text, &it.tag).map(|()| it.text)
        }
    }

    #[test]
    fn whatever_is_changed_opens_nothing() {
        let mut random = Stream::new(b"aead");
        for length in [0, 1, 16, 17, 200] {
            let plain = random.bytes(length);
            let (key, nonce): ([u8; 32], [u8; 12]) =
                (random.bytes(32).try_into().unwrap(), random.bytes(12).try_into().unwrap());
            let (mut text, beside) = (plain.clone(), b"beside".to_vec());
            let tag = seal(&key, &nonce, &beside, &mut text).unwrap();
            let sealed = Sealed { key, nonce, beside, text, tag };
            assert_eq!(sealed.opened(|_| {}), Ok(plain));
            assert_eq!(sealed.opened(|it| it.key[31] ^= 1), Err(NotSealed));
            assert_eq!(sealed.opened(|it| it.nonce[0] ^= 1), Err(NotSealed));
            assert_eq!(sealed.opened(|it| it.tag[7] ^= 0x80), Err(NotSealed));
            assert_eq!(sealed.opened(|it| it.beside.push(0)), Err(NotSealed));
            assert_eq!(sealed.opened(|it| it.text.push(0)), Err(NotSealed));
            for at in 0..length {
                assert_eq!(sealed.opened(|it| it.text[at] ^= 1), Err(NotSealed), "byte {at} of {length}");
            }
        }
    }

    #[test]
    fn what_does_not_open_leaves_no_text() {
        let mut text = *b"thirty-two bytes that are secret";
        let mut tag = seal(&[1; 32], &[2; 12], &[], &mut text).unwrap();
        tag[0] ^= 1;
        assert_eq!(open(&[1; 32], &[2; 12], &[], &mut text, &tag), Err(NotSealed));
        assert_ne!(&text, b"thirty-two bytes that are secret");
    }
}
