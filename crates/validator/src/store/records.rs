//! A file of checksummed records: `length u32 | checksum [8] | bytes`.

use std::io;

use qratum_chain::codec::{Decode, Encode};
use qratum_crypto::hash::sha3_256;

use super::medium::Medium;

/// No record is longer: blocks and certificates stay far below.
const MAX_RECORD: usize = 1 << 20;
const CHECKSUM: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Flushed,
    Written,
    /// A part of a record may be at the end: what is written behind it would never be read.
    Torn,
    /// A sync failed. A second one could succeed without having written anything.
    Lost,
}

/// A file of records.
#[derive(Debug)]
pub(super) struct Records<M> {
    medium: M,
    condition: Condition,
    middle: Middle,
}

/// What becomes of a file that is damaged before its end: no crash leaves it so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Middle {
    /// It is cut there, as what is lost can be had from others.
    Cut,
    /// It is refused, as nobody else knows what is lost.
    Refuse,
}

impl<M: Medium> Records<M> {
    /// Reads every whole record and cuts what is behind them.
    pub(super) fn open<T: Decode>(medium: M, middle: Middle) -> io::Result<(Self, Vec<T>)> {
        let mut records = Self { medium, condition: Condition::Torn, middle };
        let values = records.reload()?;
        Ok((records, values))
    }

    /// The same once more, for a file whose end may be torn.
    pub(super) fn reload<T: Decode>(&mut self) -> io::Result<Vec<T>> {
        if self.condition == Condition::Lost {
            return Err(io::Error::other("a sync failed before"));
        }
        let bytes = self.medium.read_all()?;
        let (values, used) = parse(&bytes);
        if self.middle == Middle::Refuse && bytes.get(used..).is_some_and(goes_on::<T>) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is damaged before its end"));
        }
        self.medium.cut(used as u64)?;
        self.sync()?;
        Ok(values)
    }

    pub(super) fn append(&mut self, value: &impl Encode) -> io::Result<()> {
        self.is_whole()?;
        let bytes = value.to_bytes();
        if bytes.len() > MAX_RECORD {
            return Err(io::Error::other("a record is too long"));
        }
        let record = record_of(&bytes);
        self.change(|medium| medium.append(&record))
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.is_whole()?;
        if self.condition == Condition::Written { self.sync() } else { Ok(()) }
    }

    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.is_whole()?;
        self.change(|medium| medium.cut(0))
    }

    /// Makes the file hold these values and nothing else, in one step. On disk afterwards.
    pub(super) fn replace<'a, T: Encode + 'a>(
        &mut self,
        values: impl Iterator<Item = &'a T>,
    ) -> io::Result<()> {
        self.is_whole()?;
        let bytes: Vec<u8> = values.flat_map(|value| record_of(&value.to_bytes())).collect();
        self.condition = Condition::Lost;
        self.medium.replace(&bytes)?;
        self.condition = Condition::Flushed;
        Ok(())
    }

    fn is_whole(&self) -> io::Result<()> {
        match self.condition {
            Condition::Flushed | Condition::Written => Ok(()),
            Condition::Torn | Condition::Lost => Err(io::Error::other("a write failed before")),
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut M) -> io::Result<()>) -> io::Result<()> {
        self.condition = Condition::Torn;
        change(&mut self.medium)?;
        self.condition = Condition::Written;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.condition = Condition::Lost;
        self.medium.sync()?;
        self.condition = Condition::Flushed;
        Ok(())
    }
}

pub(super) fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    sha3_256(bytes).0.first_chunk().copied().unwrap_or_default()
}

/// The record of these bytes, which are at most [`MAX_RECORD`].
fn record_of(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&length.to_le_bytes(), checksum(bytes).as_slice(), bytes].concat()
}

/// The values of all whole records from the start on, and how many bytes they take.
fn parse<T: Decode>(bytes: &[u8]) -> (Vec<T>, usize) {
    let (mut values, mut rest) = (Vec::new(), bytes);
    while let Some((value, behind)) = record(rest) {
        values.push(value);
        rest = behind;
    }
    (values, bytes.len().saturating_sub(rest.len()))
}

/// Whether a whole record stands somewhere behind what is none.
fn goes_on<T: Decode>(rest: &[u8]) -> bool {
    (1..rest.len()).filter_map(|at| rest.get(at..)).any(|rest| record::<T>(rest).is_some())
}

fn record<T: Decode>(bytes: &[u8]) -> Option<(T, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<CHECKSUM>()?;
    let (body, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    (checksum(body) == *sum).then_some(())?;
    Some((T::from_bytes(body).ok()?, rest))
}
