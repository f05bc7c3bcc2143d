//! What a console and a security key share for as long as one ceremony takes: the PIN/UV auth protocols
//! of CTAP 2.1, sections 6.5.6 (one) and 6.5.7 (two).
//!
//! ECDH over P-256 with one key of ours for each agreement, then AES-256-CBC and HMAC-SHA-256 under what
//! comes of it. Protocol one is as the standard has it: no initialisation vector, tags cut to 16 bytes,
//! one key for both; it serves keys that know no better. Everything secret lies in locked memory or is
//! wiped where it was made.

use core::fmt;

use aes::{
    Aes256,
    cipher::{BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _},
};
use p256::{PublicKey, SecretKey, ecdh::diffie_hellman, elliptic_curve::sec1::ToSec1Point as _};
use qratum_metal::secret::{Locked, LockedBytes, Refused};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Bytes of a block, and of an initialisation vector.
pub const BLOCK: usize = 16;

/// A point of P-256, `x || y`.
pub type Point = [u8; 64];

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Section 6.5.6.
    One,
    /// Section 6.5.7.
    Two,
}

impl Protocol {
    /// The protocol of this number.
    #[must_use]
    pub const fn numbered(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            _ => None,
        }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }

    /// `HMAC-SHA-256(token, message)`, cut to 16 bytes by protocol one: what shows that a request was
    /// made by who knows the PIN.
    #[must_use]
    pub fn authorise(self, token: &LockedBytes, message: &[u8]) -> Vec<u8> {
        let mut tag = [0; 32];
        token.with(|token| hmac(token, &[message], &mut tag));
        self.cut(tag)
    }

    fn cut(self, tag: [u8; 32]) -> Vec<u8> {
        match self {
            Self::One => tag.into_iter().take(16).collect(),
            Self::Two => tag.to_vec(),
        }
    }
}

/// Why nothing is shared, or what came is nothing.
#[derive(Debug)]
pub enum PinUvError {
    /// What the key says is its point is none of the curve.
    Point,
    /// What was drawn is no scalar, which happens once in 2^32 draws: draw again.
    Scalar,
    /// What the key sent is not as long as what was asked for.
    Length,
    /// There is no memory for a secret.
    Memory(Refused),
}

impl fmt::Display for PinUvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Point => f.write_str("the key's part of the agreement is no point of its curve"),
            Self::Scalar => f.write_str("no scalar was drawn"),
            Self::Length => f.write_str("what the key sent has another length than what was asked for"),
            Self::Memory(why) => why.fmt(f),
        }
    }
}

impl From<Refused> for PinUvError {
    fn from(why: Refused) -> Self {
        Self::Memory(why)
    }
}

/// What is shared: `HMAC key [32] || AES key [32]`.
pub struct Shared {
    protocol: Protocol,
    keys: Locked<64>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shared({:?})", self.protocol)
    }
}

impl Shared {
    /// `Z = x(ours * theirs)`; one: both keys are `SHA-256(Z)`; two: `HKDF-SHA-256(salt = 0^32, Z,
    /// "CTAP2 HMAC key" or "CTAP2 AES key")`.
    ///
    /// # Returns
    /// The keys, and our point for the other side.
    ///
    /// # Errors
    /// [`PinUvError`], but not of length.
    pub fn agree(protocol: Protocol, ours: &Locked<32>, theirs: &Point) -> Result<(Self, Point), PinUvError> {
        let mut spelled = [4; 65];
        spelled.iter_mut().skip(1).zip(theirs).for_each(|(place, byte)| *place = *byte);
        let theirs = PublicKey::from_sec1_bytes(&spelled).map_err(|_| PinUvError::Point)?;
        let secret = ours.with(|ours| SecretKey::from_slice(ours)).map_err(|_| PinUvError::Scalar)?;
        let point = diffie_hellman(secret.to_nonzero_scalar(), theirs.as_affine());
        let keys = Locked::require_locked(|keys| {
            derive(protocol, point.raw_secret_bytes(), keys);
            Ok::<_, PinUvError>(())
        })?;
        let own = secret.public_key().to_sec1_point(false);
        let own = own.as_bytes().get(1..).and_then(|own| own.try_into().ok());
        Ok((Self { protocol, keys }, own.ok_or(PinUvError::Scalar)?))
    }

    /// Which protocol it is of.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// `HMAC-SHA-256(HMAC key, message)`, cut to 16 bytes by protocol one.
    #[must_use]
    pub fn tag(&self, message: &[u8]) -> Vec<u8> {
        let mut tag = [0; 32];
        self.keys.with(|keys| hmac(halves(keys).0, &[message], &mut tag));
        self.protocol.cut(tag)
    }

    /// `encrypt(first 16 bytes of SHA-256(pin))`: what shows the key that we know its PIN.
    #[must_use]
    pub fn pin_hash(&self, iv: &[u8; BLOCK], pin: &LockedBytes) -> Vec<u8> {
        let mut hash = Zeroizing::new([0; 32]);
        pin.with(|pin| sha_256(&[pin], &mut hash));
        self.encrypt(iv, hash.first_chunk::<BLOCK>().map_or(&[], |half| half.as_slice()))
    }

    /// `[iv ||] AES-256-CBC(AES key, iv, text)` of whole blocks; protocol one has no vector. What is no
    /// whole block at the end of `text` is left out.
    #[must_use]
    pub fn encrypt(&self, iv: &[u8; BLOCK], text: &[u8]) -> Vec<u8> {
        let (mut previous, mut out) = match self.protocol {
            Protocol::One => (Zeroizing::new([0; BLOCK]), Vec::new()),
            Protocol::Two => (Zeroizing::new(*iv), iv.to_vec()),
        };
        let cipher = self.cipher();
        for block in text.as_chunks::<BLOCK>().0 {
            previous.iter_mut().zip(block).for_each(|(byte, text)| *byte ^= text);
            cipher.encrypt_block((&mut *previous).into());
            out.extend_from_slice(previous.as_slice());
        }
        out
    }

    /// The 16 or 32 bytes that the other side encrypted: a token of the PIN has either length under protocol
    /// one, and 32 bytes under protocol two; a secret of the extension `hmac-secret` has 32.
    ///
    /// # Errors
    /// [`PinUvError::Length`] for another length, [`PinUvError::Memory`].
    pub fn decrypt(&self, bytes: &[u8]) -> Result<LockedBytes, PinUvError> {
        let (iv, bytes) = match self.protocol {
            Protocol::One => (&[0; BLOCK], bytes),
            Protocol::Two => bytes.split_first_chunk::<BLOCK>().ok_or(PinUvError::Length)?,
        };
        let (blocks @ ([_] | [_, _]), []) = bytes.as_chunks::<BLOCK>() else {
            return Err(PinUvError::Length);
        };
        let cipher = self.cipher();
        LockedBytes::require_locked(bytes.len(), |text| {
            let places = text.as_chunks_mut::<BLOCK>().0;
            let before = [iv].into_iter().chain(blocks);
            for ((place, block), previous) in places.iter_mut().zip(blocks).zip(before) {
                *place = *block;
                cipher.decrypt_block((&mut *place).into());
                place.iter_mut().zip(previous).for_each(|(byte, before)| *byte ^= before);
            }
            Ok(())
        })
    }

    fn cipher(&self) -> Aes256 {
        self.keys.with(|keys| Aes256::new(halves(keys).1.into()))
    }
}

fn halves(keys: &[u8; 64]) -> (&[u8; 32], &[u8; 32]) {
    match keys.as_chunks::<32>().0 {
        [hmac, aes] => (hmac, aes),
        _ => (&[0; 32], &[0; 32]),
    }
}

fn derive(protocol: Protocol, z: &[u8], keys: &mut [u8; 64]) {
    let (hmac_key, aes_key) = keys.split_at_mut(32);
    let (Ok(hmac_key), Ok(aes_key)): (Result<&mut [u8; 32], _>, Result<&mut [u8; 32], _>) =
        (hmac_key.try_into(), aes_key.try_into())
    else {
        return;
    };
    match protocol {
        Protocol::One => {
            sha_256(&[z], hmac_key);
            *aes_key = *hmac_key;
        }
        Protocol::Two => {
            let mut prk = Zeroizing::new([0; 32]);
            hmac(&[0; 32], &[z], &mut prk);
            hmac(prk.as_slice(), &[b"CTAP2 HMAC key", &[1]], hmac_key);
            hmac(prk.as_slice(), &[b"CTAP2 AES key", &[1]], aes_key);
        }
    }
}

fn sha_256(parts: &[&[u8]], out: &mut [u8; 32]) {
    let mut state = Sha256::new();
    parts.iter().for_each(|part| state.update(part));
    state.finalize_into(out.into());
}

/// `H(K ^ opad || H(K ^ ipad || parts))`, RFC 2104 with SHA-256, for keys of at most 64 bytes.
fn hmac(key: &[u8], parts: &[&[u8]], out: &mut [u8; 32]) {
    let pad = |with: u8| {
        let mut block = Zeroizing::new([with; 64]);
        block.iter_mut().zip(key).for_each(|(place, byte)| *place ^= byte);
        block
    };
    let mut inner = Zeroizing::new([0; 32]);
    let mut state = Sha256::new_with_prefix(pad(0x36).as_slice());
    parts.iter().for_each(|part| state.update(part));
    state.finalize_into((&mut *inner).into());
    sha_256(&[pad(0x5c).as_slice(), inner.as_slice()], out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(byte: u8) -> Locked<32> {
        Locked::new_with(|bytes| bytes.fill(byte)).unwrap()
    }

    fn bytes(text: &[u8]) -> LockedBytes {
        LockedBytes::new_with(text.len(), |bytes| bytes.copy_from_slice(text)).unwrap()
    }

    fn shared(protocol: Protocol) -> [Shared; 2] {
        let anybody = Shared::agree(protocol, &secret(9), &point(&secret(2))).unwrap().1;
        let (one, ours) = Shared::agree(protocol, &secret(1), &anybody).unwrap();
        [one, Shared::agree(protocol, &secret(9), &ours).unwrap().0]
    }

    fn point(secret: &Locked<32>) -> Point {
        let secret = secret.with(|bytes| SecretKey::from_slice(bytes)).unwrap();
        secret.public_key().to_sec1_point(false).as_bytes()[1..].try_into().unwrap()
    }

    /// RFC 4231, test cases 1 (its key filled up with zeros, which HMAC does itself) and 2.
    #[test]
    fn hmac_equals_the_published_values() {
        let hex = |bytes: [u8; 32]| bytes.map(|byte| format!("{byte:02x}")).concat();
        let (mut key, mut tag) = ([0; 32], [0; 32]);
        key[..20].fill(0x0b);
        hmac(&key, &[b"Hi ", b"There"], &mut tag);
        assert_eq!(hex(tag), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
        key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        hmac(&key, &[b"what do ya want for nothing?"], &mut tag);
        assert_eq!(hex(tag), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn both_ends_share_the_same_and_what_one_encrypts_the_other_reads() {
        for protocol in [Protocol::One, Protocol::Two] {
            let [one, other] = shared(protocol);
            assert!(one.keys.ct_eq(&other.keys), "{protocol:?}");
            let sent = one.encrypt(&[5; BLOCK], &[7; 32]);
            assert_eq!(sent.len(), if protocol == Protocol::One { 32 } else { 48 });
            assert!(other.decrypt(&sent).unwrap().ct_eq(&bytes(&[7; 32])));
            let short = one.encrypt(&[5; BLOCK], &[8; 16]);
            assert!(other.decrypt(&short).unwrap().ct_eq(&bytes(&[8; 16])), "a token of CTAP 2.0");
            assert_eq!(one.tag(b"message"), other.tag(b"message"));
            let long = one.encrypt(&[5; BLOCK], &[7; 48]);
            for wrong in [&sent[..0], &sent[..sent.len() - 1], &long] {
                assert!(matches!(other.decrypt(wrong), Err(PinUvError::Length)), "{}", wrong.len());
            }
        }
    }

    #[test]
    fn the_two_protocols_differ_in_keys_and_in_the_length_of_tags() {
        let [[one, _], [two, _]] = [shared(Protocol::One), shared(Protocol::Two)];
        assert!(!one.keys.ct_eq(&two.keys));
        assert_eq!([one.tag(b"m").len(), two.tag(b"m").len()], [16, 32]);
        let token = bytes(&[3; 32]);
        let [short, long] = [Protocol::One, Protocol::Two].map(|protocol| protocol.authorise(&token, b"m"));
        assert_eq!(short, long[..16]);
    }

    #[test]
    fn a_point_off_the_curve_and_a_scalar_out_of_range_are_refused() {
        let mut off = point(&secret(2));
        off[63] ^= 1;
        let refused = Shared::agree(Protocol::Two, &secret(1), &off);
        assert!(matches!(refused, Err(PinUvError::Point)));
        let refused = Shared::agree(Protocol::Two, &secret(0xff), &point(&secret(2)));
        assert!(matches!(refused, Err(PinUvError::Scalar)));
    }
}
