//! Where does a validator keep what it must not forget? Two files of checksummed records: the
//! chain, which only grows, and the log of the height under way, which starts anew with each.
//!
//! A record is `length u32 | checksum [8] | bytes`. A file whose last record is torn, as a crash
//! leaves it, is cut there: nothing that rests on an unflushed record ever left the process.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use qratum_chain::codec::{Decode, Encode};
use qratum_crypto::hash::sha3_256;

use crate::{block::Decided, engine::Entry};

/// No record is longer: blocks and certificates stay far below.
const MAX_RECORD: usize = 1 << 20;
const CHECKSUM: usize = 8;

/// A file of records.
#[derive(Debug)]
struct Records {
    file: File,
    flushed: bool,
}

impl Records {
    /// Opens the file, reads every whole record and cuts what is behind them.
    fn open<T: Decode>(path: &Path) -> io::Result<(Self, Vec<T>)> {
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        file.try_lock().map_err(held)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let (values, used) = parse(&bytes);
        file.set_len(used as u64)?;
        file.seek(SeekFrom::End(0))?;
        file.sync_all()?;
        Ok((Self { file, flushed: true }, values))
    }

    fn append(&mut self, value: &impl Encode) -> io::Result<()> {
        let bytes = value.to_bytes();
        let length = u32::try_from(bytes.len()).ok().filter(|length| *length as usize <= MAX_RECORD);
        let length = length.ok_or_else(|| io::Error::other("a record is too long"))?;
        let record = [&length.to_le_bytes(), checksum(&bytes).as_slice(), &bytes].concat();
        self.flushed = false;
        self.file.write_all(&record)
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.flushed {
            self.file.sync_data()?;
            self.flushed = true;
        }
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.flushed = false;
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0)).map(drop)
    }
}

/// The system's words for it speak of an operation that would block.
fn held(why: TryLockError) -> io::Error {
    match why {
        TryLockError::WouldBlock => io::Error::new(io::ErrorKind::WouldBlock, "another process holds it"),
        TryLockError::Error(why) => why,
    }
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    sha3_256(bytes).0.first_chunk().copied().unwrap_or_default()
}

/// The values of all whole records from the start on, and how many bytes they take.
fn parse<T: Decode>(bytes: &[u8]) -> (Vec<T>, usize) {
    let (mut values, mut rest) = (Vec::new(), bytes);
    while let Some((value, behind)) = record(rest) {
        values.push(value);
        rest = behind;
    }
    (values, bytes.len() - rest.len())
}

fn record<T: Decode>(bytes: &[u8]) -> Option<(T, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<CHECKSUM>()?;
    let (body, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    (checksum(body) == *sum).then_some(())?;
    Some((T::from_bytes(body).ok()?, rest))
}

/// The files of one validator.
#[derive(Debug)]
pub struct Store {
    chain: Records,
    log: Records,
    /// The log is of a height whose block was kept since.
    log_is_over: bool,
}

/// What the files held.
#[derive(Debug, Default)]
pub struct Kept {
    /// Decided blocks, in height order. To be checked again like any peer's.
    pub blocks: Vec<Decided>,
    /// The log of the height that was under way.
    pub log: Vec<Entry>,
}

impl Store {
    /// Opens `chain.bin` and `log.bin` in `folder`, making them where they are missing, and locks
    /// them: two processes with one vote key would sign against each other.
    ///
    /// # Errors
    /// From the file system, also when another process holds the lock.
    pub fn open(folder: &Path) -> io::Result<(Self, Kept)> {
        let (log, entries) = Records::open(&folder.join("log.bin"))?;
        let (chain, blocks) = Records::open(&folder.join("chain.bin"))?;
        File::open(folder)?.sync_all()?;
        Ok((Self { chain, log, log_is_over: false }, Kept { blocks, log: entries }))
    }

    /// Adds to the log of the height under way. On disk after [`Store::flush`].
    ///
    /// # Errors
    /// From the file system.
    pub fn log(&mut self, entry: &Entry) -> io::Result<()> {
        self.end_log()?;
        self.log.append(entry)
    }

    /// Adds a decided block; the log of its height is forgotten. On disk after [`Store::flush`].
    ///
    /// # Errors
    /// From the file system.
    pub fn keep(&mut self, decided: &Decided) -> io::Result<()> {
        self.log_is_over = true;
        self.chain.append(decided)
    }

    /// Puts everything on disk, blocks first.
    ///
    /// # Errors
    /// From the file system. What was not flushed must not be acted on.
    pub fn flush(&mut self) -> io::Result<()> {
        self.end_log()?;
        self.chain.flush()?;
        self.log.flush()
    }

    /// Makes the chain file hold exactly `blocks`: for when what it held does not chain.
    ///
    /// # Errors
    /// From the file system.
    pub fn replace_chain<'a>(&mut self, blocks: impl Iterator<Item = &'a Decided>) -> io::Result<()> {
        self.chain.clear()?;
        for block in blocks {
            self.chain.append(block)?;
        }
        self.chain.flush()
    }

    /// Empties a log that is over, once the block that ended it is on disk.
    fn end_log(&mut self) -> io::Result<()> {
        if self.log_is_over {
            self.chain.flush()?;
            self.log.clear()?;
            self.log_is_over = false;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Scratch, ledger};
    use qratum_chain::types::{Height, Round};

    fn block(height: u64) -> Decided {
        ledger(height).block(Height(height)).unwrap().clone()
    }

    fn timeout(height: u64) -> Entry {
        use crate::engine::{Timer, TimerKind};
        Entry::Timeout(Height(height), Timer { kind: TimerKind::Prevote, round: Round(2) })
    }

    /// Opens, does, drops; then what a new process finds.
    fn after(folder: &Scratch, work: impl FnOnce(&mut Store)) -> Kept {
        let (mut store, _) = Store::open(&folder.0).unwrap();
        work(&mut store);
        drop(store);
        Store::open(&folder.0).unwrap().1
    }

    #[test]
    fn what_was_written_is_found_again() {
        let folder = Scratch::new();
        let kept = after(&folder, |store| {
            store.keep(&block(1)).unwrap();
            store.log(&timeout(2)).unwrap();
            store.flush().unwrap();
        });
        assert_eq!((kept.blocks, kept.log), (vec![block(1)], vec![timeout(2)]));
    }

    #[test]
    fn a_kept_block_ends_the_log() {
        let folder = Scratch::new();
        let kept = after(&folder, |store| {
            store.log(&timeout(1)).unwrap();
            store.keep(&block(1)).unwrap();
            store.log(&timeout(2)).unwrap();
            store.keep(&block(2)).unwrap();
            store.flush().unwrap();
        });
        assert_eq!((kept.blocks, kept.log), (vec![block(1), block(2)], Vec::new()));
    }

    #[test]
    fn a_torn_or_spoiled_record_is_cut_and_written_over() {
        let folder = Scratch::new();
        after(&folder, |store| (1..=3).for_each(|height| store.keep(&block(height)).unwrap()));
        let path = folder.0.join("chain.bin");
        let whole = std::fs::read(&path).unwrap();
        let third = whole.len() - block(3).to_bytes().len();
        let mut spoiled = whole.clone();
        spoiled[third + 40] ^= 1;
        for bytes in [&whole[..whole.len() - 1], &whole[..third - 5], &spoiled] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(after(&folder, |_| {}).blocks, [block(1), block(2)]);
            assert_eq!(after(&folder, |store| store.keep(&block(3)).unwrap()).blocks.len(), 3);
            assert_eq!(std::fs::read(&path).unwrap(), whole);
        }
    }

    #[test]
    fn two_processes_cannot_hold_one_store() {
        let folder = Scratch::new();
        let held = Store::open(&folder.0).unwrap();
        assert_eq!(Store::open(&folder.0).unwrap_err().to_string(), "another process holds it");
        drop(held);
        assert!(Store::open(&folder.0).is_ok());
    }
}
