//! Bytes that are no CBOR: values one after another, numbers with the lowest byte first.

use crate::cbor::Fault;

/// Reads one value after another.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    length: usize,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { length: bytes.len(), rest: bytes }
    }

    pub(crate) const fn length(&self) -> usize {
        self.length
    }

    /// How many bytes were read.
    pub(crate) const fn at(&self) -> usize {
        self.length.saturating_sub(self.rest.len())
    }

    pub(crate) const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn take(&mut self, count: u64) -> Result<&'a [u8], Fault> {
        let count = usize::try_from(count).map_err(|_| "it ends too early")?;
        let (taken, rest) = self.rest.split_at_checked(count).ok_or("it ends too early")?;
        self.rest = rest;
        Ok(taken)
    }

    /// A number of so many bytes, at most 8.
    pub(crate) fn uint(&mut self, width: u64) -> Result<u64, Fault> {
        if !(1..=8).contains(&width) {
            return Err("a number that is wider than eight bytes");
        }
        Ok(self.take(width)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Bytes behind their length.
    pub(crate) fn framed(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.uint(4)?;
        self.take(length)
    }

    /// A count of items, of which each has a byte at least.
    pub(crate) fn count(&mut self) -> Result<u64, Fault> {
        let count = self.uint(4)?;
        let room = u64::try_from(self.rest.len()).unwrap_or(u64::MAX);
        if count > room { Err("more items than bytes") } else { Ok(count) }
    }
}
