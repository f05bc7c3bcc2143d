//! The canonical codec: little-endian, fixed layouts, one byte string for each value.
//!
//! Every decoder is bounded: a count is checked against the bytes that are really there before
//! anything is allocated for it. Whatever decodes encodes back to the same bytes; fuzz targets hold
//! that for all but accounts, policies, requests and acts of people, which have none yet.

pub(crate) mod cbor;

use core::fmt;

/// Why bytes are not the encoding of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The bytes end before the value does.
    Truncated,
    /// Bytes are left over behind the value.
    Trailing,
    /// A field has a value that its type does not have.
    Field(&'static str),
    /// A count or length is above the bound of its field.
    TooLarge(&'static str),
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the bytes end too early"),
            Self::Trailing => f.write_str("bytes are left over at the end"),
            Self::Field(name) => write!(f, "no valid value for {name}"),
            Self::TooLarge(name) => write!(f, "{name} is larger than allowed"),
        }
    }
}

/// A value with exactly one encoding.
pub trait Encode {
    /// Appends the encoding to `out`.
    fn encode(&self, out: &mut Vec<u8>);

    /// The encoding as a new vector.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }
}

/// A value that can be read back from its one encoding.
pub trait Decode: Sized {
    /// Reads the value at the reader's place.
    ///
    /// # Errors
    /// [`Malformed`], when the bytes are not the encoding of a value.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed>;

    /// Reads the value from `bytes`, which must hold nothing else.
    ///
    /// # Errors
    /// [`Malformed`], when the bytes are not exactly the encoding of a value.
    fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let value = Self::decode(&mut reader)?;
        if reader.remaining() == 0 { Ok(value) } else { Err(Malformed::Trailing) }
    }
}

/// A place in a byte string.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes are left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// [`Malformed::Truncated`].
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// [`Malformed::Truncated`].
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// One byte.
    ///
    /// # Errors
    /// [`Malformed::Truncated`].
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(u8::from_le_bytes)
    }

    /// Two bytes, little-endian.
    ///
    /// # Errors
    /// [`Malformed::Truncated`].
    pub fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes, little-endian.
    ///
    /// # Errors
    /// [`Malformed::Truncated`].
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes, little-endian.
    ///
    /// # Errors
    /// [`Malformed::Truncated`].
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }

    /// A list: its length as u32, then the items. The length is refused above `most`, and when
    /// the bytes left could not hold that many items of at least `item_size` bytes.
    ///
    /// # Errors
    /// [`Malformed`], from the length or from an item.
    pub fn list<T: Decode>(
        &mut self,
        name: &'static str,
        most: usize,
        item_size: usize,
    ) -> Result<Vec<T>, Malformed> {
        let count = self.u32()? as usize;
        if count > most {
            return Err(Malformed::TooLarge(name));
        }
        if count.saturating_mul(item_size) > self.remaining() {
            return Err(Malformed::Truncated);
        }
        (0..count).map(|_| T::decode(self)).collect()
    }

    /// A byte string: its length as u32, then the bytes. Refused above `most`.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn bytes(&mut self, name: &'static str, most: usize) -> Result<&'a [u8], Malformed> {
        let count = self.u32()? as usize;
        if count > most {
            return Err(Malformed::TooLarge(name));
        }
        self.take(count)
    }

    /// An optional value: 0, or 1 and the value.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn option<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        match self.u8()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(Malformed::Field(name)),
        }
    }
}

/// Appends a list as [`Reader::list`] reads it.
pub fn put_list<T: Encode>(out: &mut Vec<u8>, items: &[T]) {
    put_length(out, items.len());
    items.iter().for_each(|item| item.encode(out));
}

/// Appends a byte string as [`Reader::bytes`] reads it.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Appends an optional value as [`Reader::option`] reads it.
pub fn put_option<T>(out: &mut Vec<u8>, value: Option<&T>, write: impl FnOnce(&mut Vec<u8>, &T)) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        write(out, value);
    }
}

/// Lengths above `u32::MAX` cannot occur: every list and byte string has a bound far below it.
fn put_length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq)]
    struct Word(u16);

    impl Encode for Word {
        fn encode(&self, out: &mut Vec<u8>) {
            out.extend_from_slice(&self.0.to_le_bytes());
        }
    }

    impl Decode for Word {
        fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
            reader.u16().map(Self)
        }
    }

    #[test]
    fn a_length_is_refused_before_anything_is_allocated() {
        let huge = u32::MAX.to_le_bytes();
        assert_eq!(Reader::new(&huge).list::<Word>("words", 8, 2), Err(Malformed::TooLarge("words")));
        assert_eq!(Reader::new(&huge).bytes("blob", 8), Err(Malformed::TooLarge("blob")));
        let short = 3u32.to_le_bytes();
        assert_eq!(Reader::new(&short).list::<Word>("words", 8, 2), Err(Malformed::Truncated));
    }

    #[test]
    fn nothing_may_follow_a_value() {
        assert_eq!(Word::from_bytes(&[1, 2]), Ok(Word(0x0201)));
        assert_eq!(Word::from_bytes(&[1, 2, 3]), Err(Malformed::Trailing));
        assert_eq!(Word::from_bytes(&[1]), Err(Malformed::Truncated));
    }

    #[test]
    fn an_option_has_two_forms_only() {
        let read = |bytes: &[u8]| Reader::new(bytes).option("word", Word::decode);
        assert_eq!(read(&[0]), Ok(None));
        assert_eq!(read(&[1, 5, 0]), Ok(Some(Word(5))));
        assert_eq!(read(&[2, 5, 0]), Err(Malformed::Field("word")));
    }
}
