//! The two protocols under which a PIN and what it authorises travel (CTAP 2.1 section 6.5), and the
//! few primitives that all else is made of.

use aes::Aes256;
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _, block_padding::NoPadding};
use hmac::{Hmac, KeyInit as _, Mac as _};
use p256::{PublicKey, SecretKey, elliptic_curve::sec1::ToSec1Point as _};
use sha2::{Digest as _, Sha256};

use crate::cbor::{Value, map};

/// `HMAC-SHA-256(key, part_1 || part_2 || ...)`.
#[must_use]
pub fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// How what is secret travels (CTAP 2.1 sections 6.5.6 and 6.5.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// SHA-256 of the shared point, no initialisation vector, tags of 16 bytes.
    One,
    /// HKDF of the shared point, a random vector in front, tags of 32 bytes.
    Two,
}

/// What both ends share.
pub struct Shared {
    protocol: Protocol,
    hmac: [u8; 32],
    aes: [u8; 32],
}

impl Protocol {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }

    /// What both ends share, of our secret and their COSE key; none where it is no point.
    #[must_use]
    pub fn agree(self, secret: &SecretKey, theirs: &Value) -> Option<Shared> {
        let (x, y) = (theirs.get(-2)?.bytes()?, theirs.get(-3)?.bytes()?);
        let public = PublicKey::from_sec1_bytes(&[&[4], x, y].concat()).ok()?;
        let point = p256::ecdh::diffie_hellman(secret.to_nonzero_scalar(), public.as_affine());
        let z = point.raw_secret_bytes();
        let [hmac, aes] = match self {
            Self::One => [Sha256::digest(z).into(); 2],
            Self::Two => {
                let prk = hmac(&[0; 32], &[z]);
                [b"CTAP2 HMAC key".as_slice(), b"CTAP2 AES key"].map(|info| hmac(&prk, &[info, &[1]]))
            }
        };
        Some(Shared { protocol: self, hmac, aes })
    }

    /// The tag of a message.
    #[must_use]
    pub fn tag(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        let mut tag = hmac(key, &[message]).to_vec();
        tag.truncate(if self == Self::One { 16 } else { 32 });
        tag
    }
}

impl Shared {
    /// AES-256-CBC without padding; `iv` counts under protocol two only.
    #[must_use]
    pub fn encrypt(&self, iv: &[u8; 16], text: &[u8]) -> Vec<u8> {
        let (iv, mut out) = match self.protocol {
            Protocol::One => ([0; 16], Vec::new()),
            Protocol::Two => (*iv, iv.to_vec()),
        };
        let cipher = cbc::Encryptor::<Aes256>::new(&self.aes.into(), &iv.into());
        out.extend(cipher.encrypt_padded_vec::<NoPadding>(text));
        out
    }

    /// The text of what [`Shared::encrypt`] gives; none for bytes that it does not give.
    #[must_use]
    pub fn decrypt(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (iv, bytes) = match self.protocol {
            Protocol::One => ([0; 16], bytes),
            Protocol::Two => bytes.split_first_chunk().map(|(iv, rest)| (*iv, rest))?,
        };
        let cipher = cbc::Decryptor::<Aes256>::new(&self.aes.into(), &iv.into());
        cipher.decrypt_padded_vec::<NoPadding>(bytes).ok()
    }

    /// Whether `tag` is that of the message.
    #[must_use]
    pub fn verifies(&self, message: &[u8], tag: &[u8]) -> bool {
        self.protocol.tag(&self.hmac, message) == tag
    }
}

/// The first half of the SHA-256 of a PIN.
#[must_use]
pub fn hash_of(pin: &[u8]) -> [u8; 16] {
    let hash: [u8; 32] = Sha256::digest(pin).into();
    let [first @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = hash;
    first
}

/// A point of P-256 as a COSE key for the algorithm of this number.
#[must_use]
pub fn cose_ec2(public: &PublicKey, algorithm: i64) -> Value {
    let point = public.to_sec1_point(false);
    let coordinates = point.as_bytes().get(1..).unwrap_or_default();
    let (x, y) = coordinates.split_at(coordinates.len() / 2);
    map([(1, 2.into()), (3, Value::Int(algorithm)), (-1, 1.into()), (-2, x.into()), (-3, y.into())])
}
