//! Deterministic CBOR (RFC 8949 section 4.2.1), as far as acts have it: numbers, bytes, text, arrays,
//! maps, true and false, each in its shortest form and of definite length.

/// Reads one item after another; nothing is copied before its length is known to be there.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// What is wrong.
pub(crate) type Fault = &'static str;

/// The kinds of items (RFC 8949 section 3.1) that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Major {
    Unsigned = 0,
    Bytes = 2,
    Text = 3,
    Array = 4,
    Map = 5,
    Simple = 7,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) const fn length(&self) -> usize {
        self.bytes.len()
    }

    /// How many bytes were read.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    pub(crate) const fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8], Fault> {
        let end = usize::try_from(count).ok().and_then(|count| self.at.checked_add(count));
        let taken = end.and_then(|end| self.bytes.get(self.at..end)).ok_or("it ends too early")?;
        self.at = self.at.saturating_add(taken.len());
        Ok(taken)
    }

    /// The argument of the next item, which must be of this kind.
    fn head(&mut self, major: Major) -> Result<u64, Fault> {
        let first = self.take(1)?.first().copied().unwrap_or_default();
        if first >> 5 != major as u8 {
            return Err("another kind of item");
        }
        let info = first & 0x1f;
        let width = match info {
            0..=23 => return Ok(u64::from(info)),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return Err("a length that is not definite"),
        };
        let number = self.take(width)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let least = if width == 1 { 24 } else { 1 << (4 * width) };
        if number < least { Err("a longer form than it needs") } else { Ok(number) }
    }

    pub(crate) fn uint(&mut self) -> Result<u64, Fault> {
        self.head(Major::Unsigned)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.head(Major::Bytes)?;
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Fault> {
        let length = self.head(Major::Text)?;
        core::str::from_utf8(self.take(length)?).map_err(|_| "text that is not UTF-8")
    }

    pub(crate) fn bool(&mut self) -> Result<bool, Fault> {
        match self.head(Major::Simple)? {
            20 => Ok(false),
            21 => Ok(true),
            _ => Err("neither true nor false"),
        }
    }

    pub(crate) fn array(&mut self) -> Result<u64, Fault> {
        self.head(Major::Array)
    }

    pub(crate) fn map(&mut self) -> Result<u64, Fault> {
        self.head(Major::Map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Examples of RFC 8949 appendix A, and the same numbers in longer forms.
    #[test]
    fn numbers_have_one_form() {
        let read = |bytes: &[u8]| {
            let mut reader = Reader::new(bytes);
            reader.uint().map(|number| (number, reader.is_at_end()))
        };
        let good: [(&[u8], u64); 8] = [
            (&[0x00], 0),
            (&[0x17], 23),
            (&[0x18, 0x18], 24),
            (&[0x18, 0xff], 255),
            (&[0x19, 0x03, 0xe8], 1000),
            (&[0x1a, 0, 0x0f, 0x42, 0x40], 1_000_000),
            (&[0x1b, 0, 0, 0, 0xe8, 0xd4, 0xa5, 0x10, 0], 1_000_000_000_000),
            (&[0x1b, 255, 255, 255, 255, 255, 255, 255, 255], u64::MAX),
        ];
        for (bytes, number) in good {
            assert_eq!(read(bytes), Ok((number, true)));
        }
        let longer: [&[u8]; 4] = [
            &[0x18, 0x17],
            &[0x19, 0, 0xff],
            &[0x1a, 0, 0, 255, 255],
            &[0x1b, 0, 0, 0, 0, 255, 255, 255, 255],
        ];
        for bytes in longer {
            assert_eq!(read(bytes), Err("a longer form than it needs"), "{bytes:?}");
        }
        assert_eq!(read(&[0x1f]), Err("a length that is not definite"));
        assert_eq!(read(&[0x20]), Err("another kind of item"), "-1");
        assert_eq!(read(&[0x19, 3]), Err("it ends too early"));
        assert_eq!(read(&[]), Err("it ends too early"));
    }

    #[test]
    fn a_length_beyond_the_end_is_refused_before_anything_is_copied() {
        assert_eq!(
            Reader::new(&[0x5b, 255, 255, 255, 255, 255, 255, 255, 255]).bytes(),
            Err("it ends too early")
        );
        assert_eq!(Reader::new(&[0x42, 1, 2]).bytes(), Ok([1, 2].as_slice()));
        assert_eq!(Reader::new(&[0x62, 0xff, 0xff]).text(), Err("text that is not UTF-8"));
        assert_eq!(Reader::new(&[0x5f, 0x41, 0, 0xff]).bytes(), Err("a length that is not definite"));
    }
}
