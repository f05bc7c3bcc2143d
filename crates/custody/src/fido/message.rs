//! The commands of CTAP 2.1 section 6 that a ceremony needs, and their answers. Maps are written in
//! CTAP's canonical order (section 8): integers, then texts, the shorter first.

use core::convert::Infallible;

use minicbor::{Decoder, Encoder, data::Type, decode, encode};
use qratum_chain::types::CredentialKey;
use qratum_crypto::{
    kex::pin_uv::{Point, Protocol},
    sign::{ed25519, es256},
};

use super::{About, Algorithm, Ask, NewCredential};

const MAKE_CREDENTIAL: u8 = 0x01;
const GET_ASSERTION: u8 = 0x02;
const GET_INFO: u8 = 0x04;
const CLIENT_PIN: u8 = 0x06;

/// Subcommands of [`CLIENT_PIN`].
const GET_RETRIES: u8 = 1;
const GET_KEY_AGREEMENT: u8 = 2;
const SET_PIN: u8 = 3;
const CHANGE_PIN: u8 = 4;
const GET_TOKEN: u8 = 5;
const GET_TOKEN_WITH_PERMISSIONS: u8 = 9;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Permission {
    MakeCredential = 1,
    GetAssertion = 2,
}

impl Algorithm {
    const fn number(self) -> i8 {
        match self {
            Self::EdDsa => -8,
            Self::Es256 => -7,
        }
    }
}

type Written = Result<(), encode::Error<Infallible>>;
type Writer = Encoder<Vec<u8>>;

/// A command with its map. A vector takes every byte, so that writing does not fail.
fn command(number: u8, write: impl FnOnce(&mut Writer) -> Written) -> Vec<u8> {
    let mut encoder = Encoder::new(vec![number]);
    let _ = write(&mut encoder);
    encoder.into_writer()
}

pub(super) fn get_info() -> Vec<u8> {
    vec![GET_INFO]
}

pub(super) fn get_retries(protocol: Protocol) -> Vec<u8> {
    command(CLIENT_PIN, |e| e.map(2)?.u8(1)?.u8(protocol.number())?.u8(2)?.u8(GET_RETRIES)?.ok())
}

pub(super) fn get_key_agreement(protocol: Protocol) -> Vec<u8> {
    command(CLIENT_PIN, |e| e.map(2)?.u8(1)?.u8(protocol.number())?.u8(2)?.u8(GET_KEY_AGREEMENT)?.ok())
}

/// Asks for a token, for one permission and party where the key knows these.
pub(super) fn get_token(
    protocol: Protocol,
    ours: &Point,
    pin_hash: &[u8],
    scope: Option<(Permission, &str)>,
) -> Vec<u8> {
    command(CLIENT_PIN, |e| {
        e.map(if scope.is_some() { 6 } else { 4 })?.u8(1)?.u8(protocol.number())?;
        e.u8(2)?.u8(if scope.is_some() { GET_TOKEN_WITH_PERMISSIONS } else { GET_TOKEN })?;
        cose_point(e.u8(3)?, ours)?;
        e.u8(6)?.bytes(pin_hash)?;
        if let Some((permission, rp_id)) = scope {
            e.u8(9)?.u8(permission as u8)?.u8(10)?.str(rp_id)?;
        }
        Ok(())
    })
}

/// Sets a PIN, or changes the one whose hash is given.
///
/// # Arguments
/// `tag` is over the new PIN and the hash, both encrypted.
pub(super) fn put_pin(
    protocol: Protocol,
    ours: &Point,
    (new_pin, old_hash): (&[u8], Option<&[u8]>),
    tag: &[u8],
) -> Vec<u8> {
    command(CLIENT_PIN, |e| {
        e.map(if old_hash.is_some() { 6 } else { 5 })?.u8(1)?.u8(protocol.number())?;
        e.u8(2)?.u8(if old_hash.is_some() { CHANGE_PIN } else { SET_PIN })?;
        cose_point(e.u8(3)?, ours)?;
        e.u8(4)?.bytes(tag)?.u8(5)?.bytes(new_pin)?;
        if let Some(hash) = old_hash {
            e.u8(6)?.bytes(hash)?;
        }
        Ok(())
    })
}

/// `{1: EC2, 3: ECDH-ES + HKDF-256, -1: P-256, -2: x, -3: y}`.
fn cose_point(e: &mut Writer, point: &Point) -> Written {
    let (x, y) = point.split_at(32);
    e.map(5)?.u8(1)?.u8(2)?.u8(3)?.i8(-25)?.i8(-1)?.u8(1)?.i8(-2)?.bytes(x)?.i8(-3)?.bytes(y)?.ok()
}

/// What shows that the PIN was right: the tag of the hash of the client data, and its protocol.
pub(super) type Proof<'a> = (&'a [u8], Protocol);

/// `salt` under the agreement, as the extension `hmac-secret` takes it (section 12.5).
pub(super) struct Salt<'a> {
    pub(super) protocol: Protocol,
    pub(super) ours: &'a Point,
    pub(super) encrypted: &'a [u8],
    pub(super) tag: &'a [u8],
}

pub(super) fn get_assertion(ask: &Ask<'_>, salt: Option<&Salt<'_>>, (tag, protocol): Proof<'_>) -> Vec<u8> {
    command(GET_ASSERTION, |e| {
        e.map(if salt.is_some() { 6 } else { 5 })?;
        e.u8(1)?.str(ask.rp_id)?.u8(2)?.bytes(&ask.client_data_hash)?;
        credentials(e.u8(3)?, &[ask.credential_id])?;
        if let Some(salt) = salt {
            e.u8(4)?.map(1)?.str("hmac-secret")?;
            // Protocol one is what a key takes for granted that knows no other.
            e.map(if salt.protocol == Protocol::One { 3 } else { 4 })?;
            cose_point(e.u8(1)?, salt.ours)?;
            e.u8(2)?.bytes(salt.encrypted)?.u8(3)?.bytes(salt.tag)?;
            if salt.protocol != Protocol::One {
                e.u8(4)?.u8(salt.protocol.number())?;
            }
        }
        e.u8(6)?.bytes(tag)?.u8(7)?.u8(protocol.number())?.ok()
    })
}

/// Asks whether the key holds the credential, without a touch: what it signs here shows no presence.
pub(super) fn preflight(rp_id: &str, credential_id: &[u8]) -> Vec<u8> {
    command(GET_ASSERTION, |e| {
        e.map(4)?.u8(1)?.str(rp_id)?.u8(2)?.bytes(&[0; 32])?;
        credentials(e.u8(3)?, &[credential_id])?;
        e.u8(5)?.map(1)?.str("up")?.bool(false)?.ok()
    })
}

pub(super) fn make_credential(new: &NewCredential<'_>, (tag, protocol): Proof<'_>) -> Vec<u8> {
    command(MAKE_CREDENTIAL, |e| {
        e.map(if new.exclude.is_empty() { 7 } else { 8 })?.u8(1)?.bytes(&new.client_data_hash)?;
        e.u8(2)?.map(2)?.str("id")?.str(new.rp_id)?.str("name")?.str(new.rp_id)?;
        e.u8(3)?.map(3)?.str("id")?.bytes(new.user_id)?.str("name")?.str(new.user_name)?;
        e.str("displayName")?.str(new.user_name)?;
        e.u8(4)?.array(new.algorithms.len() as u64)?;
        for algorithm in new.algorithms {
            e.map(2)?.str("alg")?.i8(algorithm.number())?.str("type")?.str("public-key")?;
        }
        if !new.exclude.is_empty() {
            credentials(e.u8(5)?, new.exclude)?;
        }
        e.u8(6)?.map(1)?.str("hmac-secret")?.bool(true)?;
        e.u8(8)?.bytes(tag)?.u8(9)?.u8(protocol.number())?.ok()
    })
}

fn credentials(e: &mut Writer, ids: &[&[u8]]) -> Written {
    e.array(ids.len() as u64)?;
    for id in ids {
        e.map(2)?.str("id")?.bytes(id)?.str("type")?.str("public-key")?;
    }
    Ok(())
}

/// Calls `field` for each pair of a map whose key is an integer, to read its value.
fn fields<'b>(
    bytes: &'b [u8],
    mut field: impl FnMut(i64, &mut Decoder<'b>) -> Result<(), decode::Error>,
) -> Result<usize, decode::Error> {
    let mut decoder = Decoder::new(bytes);
    let length = decoder.map()?.ok_or_else(|| decode::Error::message("a map of a known length"))?;
    for _ in 0..length {
        let key = decoder.i64()?;
        field(key, &mut decoder)?;
    }
    Ok(decoder.position())
}

pub(super) fn read_info(bytes: &[u8]) -> Result<About, decode::Error> {
    let mut info = About::default();
    fields(bytes, |key, d| match key {
        1 => d.array_iter::<&str>()?.try_for_each(|version| {
            info.versions.push(version?.to_owned());
            Ok(())
        }),
        2 => d.array_iter::<&str>()?.try_for_each(|extension| {
            info.has_secret |= extension? == "hmac-secret";
            Ok(())
        }),
        3 => {
            info.aaguid = d.bytes()?.try_into().ok();
            Ok(())
        }
        4 => d.map_iter::<&str, bool>()?.try_for_each(|option| {
            match option? {
                ("clientPin", is_set) => info.has_pin = Some(is_set),
                ("pinUvAuthToken", has) => info.has_permissions = has,
                _ => {}
            }
            Ok(())
        }),
        6 => d.array_iter::<u64>()?.try_for_each(|protocol| {
            info.protocols.push(protocol?);
            Ok(())
        }),
        13 => {
            info.least_pin = Some(d.u8()?);
            Ok(())
        }
        _ => d.skip(),
    })?;
    Ok(info)
}

pub(super) fn read_retries(bytes: &[u8]) -> Result<Option<u8>, decode::Error> {
    let mut tries = None;
    fields(bytes, |key, d| {
        if key == 3 {
            tries = Some(d.u8()?);
            return Ok(());
        }
        d.skip()
    })?;
    Ok(tries)
}

pub(super) fn read_key_agreement(bytes: &[u8]) -> Result<Point, decode::Error> {
    let mut point = None;
    fields(bytes, |key, d| {
        if key == 1 {
            point = Cose::read(d)?.coordinates();
            return Ok(());
        }
        d.skip()
    })?;
    let (x, y) = point.ok_or_else(|| decode::Error::message("a point"))?;
    let mut joined = [0; 64];
    joined.iter_mut().zip(x.iter().chain(&y)).for_each(|(place, byte)| *place = *byte);
    Ok(joined)
}

/// The bytes under the number `wanted` of a map: the token of a PIN.
pub(super) fn read_bytes(bytes: &[u8], wanted: i64) -> Result<&[u8], decode::Error> {
    let mut found = None;
    fields(bytes, |key, d| {
        if key == wanted {
            found = Some(d.bytes()?);
            return Ok(());
        }
        d.skip()
    })?;
    found.ok_or_else(|| decode::Error::message("bytes"))
}

/// A public key as COSE writes it (RFC 9053 section 7.1), as far as credentials have one.
#[derive(Default)]
struct Cose {
    algorithm: Option<i64>,
    curve: Option<i64>,
    x: Option<[u8; 32]>,
    y: Option<[u8; 32]>,
}

impl Cose {
    fn read(d: &mut Decoder<'_>) -> Result<Self, decode::Error> {
        let array = |d: &mut Decoder<'_>| Ok::<_, decode::Error>(d.bytes()?.try_into().ok());
        let length = d.map()?.ok_or_else(|| decode::Error::message("a map of a known length"))?;
        let mut found = Self::default();
        for _ in 0..length {
            match (d.i64()?, d.datatype()?) {
                (3, _) => found.algorithm = Some(d.i64()?),
                (-1, Type::Bytes) => return Err(decode::Error::message("a curve")),
                (-1, _) => found.curve = Some(d.i64()?),
                (-2, Type::Bytes) => found.x = array(d)?,
                (-3, Type::Bytes) => found.y = array(d)?,
                _ => d.skip()?,
            }
        }
        Ok(found)
    }

    fn coordinates(&self) -> Option<([u8; 32], [u8; 32])> {
        self.x.zip(self.y)
    }

    /// ES256 on P-256, or EdDSA on Ed25519.
    fn credential(&self) -> Option<CredentialKey> {
        let key = match (self.algorithm?, self.curve?) {
            (-7, 1) => CredentialKey::Es256(es256::PublicKey::of(&self.x?, &self.y?)?),
            (-8 | -19, 6) => CredentialKey::Ed25519(ed25519::PublicKey(self.x?)),
            _ => return None,
        };
        key.is_sound().then_some(key)
    }
}

/// The key of a credential from the bytes behind its id; what follows (extensions) is left.
pub(super) fn read_credential_key(bytes: &[u8]) -> Option<CredentialKey> {
    Cose::read(&mut Decoder::new(bytes)).ok()?.credential()
}

/// What the extension `hmac-secret` answers, of the bytes behind the head of an assertion.
pub(super) fn read_secret(bytes: &[u8]) -> Result<&[u8], decode::Error> {
    let mut decoder = Decoder::new(bytes);
    let mut pairs = decoder.map_iter::<&str, &minicbor::bytes::ByteSlice>()?;
    let found = pairs.find_map(|pair| match pair {
        Ok(("hmac-secret", secret)) => Some(Ok(&**secret)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    });
    found.unwrap_or_else(|| Err(decode::Error::message("hmac-secret")))
}
