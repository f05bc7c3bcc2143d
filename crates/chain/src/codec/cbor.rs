//! What the readers of deterministic CBOR (RFC 8949 section 4.2) have in common. Each reads a value,
//! encodes it again and refuses other bytes, so that a value has one byte string.

use minicbor::{Decoder, decode, encode};

use super::Malformed;

/// Encoding into a vector cannot fail: its writer has no error.
pub(crate) fn bytes_of(value: &impl encode::Encode<()>) -> Vec<u8> {
    let mut out = Vec::new();
    match minicbor::encode(value, &mut out) {
        Ok(()) => out,
        Err(_) => Vec::new(),
    }
}

/// The value that `read` finds in `bytes`, when they are exactly its encoding.
pub(crate) fn whole<T: encode::Encode<()>>(
    bytes: &[u8],
    [name, canonical]: [&'static str; 2],
    read: impl FnOnce(&mut Decoder<'_>) -> Result<T, decode::Error>,
) -> Result<T, Malformed> {
    let mut decoder = Decoder::new(bytes);
    let value = read(&mut decoder).map_err(|_| Malformed::Field(name))?;
    if decoder.position() != bytes.len() {
        return Err(Malformed::Trailing);
    }
    if bytes_of(&value) != bytes {
        return Err(Malformed::Field(canonical));
    }
    Ok(value)
}

pub(crate) fn expect(holds: bool, what: &'static str) -> Result<(), decode::Error> {
    if holds { Ok(()) } else { Err(decode::Error::message(what)) }
}

/// The key of the next field of a map.
pub(crate) fn key(decoder: &mut Decoder<'_>, number: u64) -> Result<(), decode::Error> {
    expect(decoder.u64()? == number, "keys in ascending order")
}

/// An array of `length` items.
pub(crate) fn items(decoder: &mut Decoder<'_>, length: u64) -> Result<(), decode::Error> {
    expect(decoder.array()? == Some(length), "array length")
}

/// A byte string of `N` bytes.
pub(crate) fn array<const N: usize>(decoder: &mut Decoder<'_>) -> Result<[u8; N], decode::Error> {
    decoder.bytes()?.try_into().map_err(|_| decode::Error::message("byte string length"))
}

/// A value that may not be there for what was read.
pub(crate) fn known<T>(value: Option<T>, what: &'static str) -> Result<T, decode::Error> {
    value.ok_or_else(|| decode::Error::message(what))
}
