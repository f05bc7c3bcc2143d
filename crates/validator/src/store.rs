//! Where does a validator keep what it must not forget? Two files of checksummed records: the
//! chain, which only grows, and the log of the height under way, which starts anew with each.
//!
//! A file whose last record is torn, as a crash leaves it, is cut there: nothing that rests on an
//! unflushed record ever left the process. A log that is damaged before its end is refused: what was
//! voted is not known then. After a failed sync nothing is written any more: what is
//! on the disk then only a new process can find out.

mod founding;
mod medium;
mod records;
mod signed;

use std::{fs::File, io, path::Path};

use qratum_chain::types::Height;

use self::records::{Middle, Records};
pub use self::{
    founding::{read_snapshot, write_snapshot},
    medium::{Medium, OnDisk, free_bytes},
    signed::{read_sign_from, write_sign_from},
};
use crate::{block::Decided, engine::Entry};

/// Its lock is that of the folder.
const LOG: &str = "log.bin";
const CHAIN: &str = "chain.bin";

/// The files of one validator.
#[derive(Debug)]
pub struct Store<M = OnDisk> {
    chain: Records<M>,
    log: Records<M>,
    /// The highest height of the log: until its block is kept, the log is what tells of the votes that
    /// were cast there.
    logged: Option<Height>,
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

/// Takes the lock of a validator's folder without reading what is in it; held until it is dropped.
///
/// # Errors
/// From the file system, also when another process holds the lock.
pub fn lock(folder: &Path) -> io::Result<File> {
    medium::open(&folder.join(LOG))
}

impl Store {
    /// Opens `chain.bin` and `log.bin` in `folder`, making them where they are missing, and locks
    /// them: two processes with one vote key would sign against each other. Where one is missing, it is
    /// noted that what was signed is not known.
    ///
    /// # Errors
    /// From the file system, also when another process holds the lock.
    pub fn open(folder: &Path) -> io::Result<(Self, Kept)> {
        let paths = [LOG, CHAIN].map(|file| folder.join(file));
        // Before they are there again.
        if !paths.iter().all(|path| path.exists()) {
            write_sign_from(folder, None)?;
        }
        let [log, chain] = paths.map(|path| OnDisk::open(&path));
        let (log, chain) = (log?, chain?);
        let opened = Self::on(chain, log)?;
        File::open(folder)?.sync_all()?;
        Ok(opened)
    }
}

impl<M: Medium> Store<M> {
    /// A store on these two media.
    ///
    /// # Errors
    /// From the file system.
    pub fn on(chain: M, log: M) -> io::Result<(Self, Kept)> {
        let (log, entries) = Records::open(log, Middle::Refuse).map_err(lost)?;
        let (chain, blocks) = Records::open(chain, Middle::Cut)?;
        let logged = highest(&entries);
        let kept = Kept { blocks: settled(blocks), log: entries };
        Ok((Self { chain, log, logged, log_is_over: false }, kept))
    }

    /// Finds again what is in the files, as a new process would: for when a write failed.
    ///
    /// # Errors
    /// From the file system, and always after a failed sync.
    pub fn reload(&mut self) -> io::Result<Kept> {
        let kept = Kept { blocks: settled(self.chain.reload()?), log: self.log.reload()? };
        (self.logged, self.log_is_over) = (highest(&kept.log), false);
        Ok(kept)
    }

    /// Adds to the log of the height under way. On disk after [`Store::flush`].
    ///
    /// # Errors
    /// From the file system.
    pub fn log(&mut self, entry: &Entry) -> io::Result<()> {
        self.end_log()?;
        self.logged = self.logged.max(entry.height());
        self.log.append(entry)
    }

    /// Adds a decided block; the log of its height is forgotten. That of a higher one is not: where
    /// the chain was damaged, blocks come again that lie below the last votes. A block that is there
    /// already gets this certificate. On disk after [`Store::flush`].
    ///
    /// # Errors
    /// From the file system.
    pub fn keep(&mut self, decided: &Decided) -> io::Result<()> {
        self.log_is_over |= self.logged <= Some(decided.height());
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

    /// Makes the chain file hold exactly `blocks`, in one step: for when what it held does not chain,
    /// or is needed no more.
    ///
    /// # Errors
    /// From the file system.
    pub fn replace_chain<'a>(&mut self, blocks: impl Iterator<Item = &'a Decided>) -> io::Result<()> {
        self.chain.replace(blocks)
    }

    /// Empties a log that is over, once the block that ended it is on disk.
    fn end_log(&mut self) -> io::Result<()> {
        if self.log_is_over {
            self.chain.flush()?;
            self.log.clear()?;
            (self.logged, self.log_is_over) = (None, false);
        }
        Ok(())
    }
}

/// The blocks of a chain file: one that was kept again has the certificate that came last.
pub(crate) fn settled(records: Vec<Decided>) -> Vec<Decided> {
    let mut blocks: Vec<Decided> = Vec::with_capacity(records.len());
    for decided in records {
        let same = blocks.iter_mut().rev().take_while(|kept| kept.height() >= decided.height());
        match same.last().filter(|kept| kept.block == decided.block) {
            Some(kept) => kept.certificate = decided.certificate,
            None => blocks.push(decided),
        }
    }
    blocks
}

/// What to do about a log that is damaged before its end: a vote in it may be lost, and whoever votes
/// again may vote otherwise.
fn lost(why: io::Error) -> io::Error {
    if why.kind() != io::ErrorKind::InvalidData {
        return why;
    }
    let todo = "remove it: then nothing is signed until the network is beyond what was voted in it";
    io::Error::new(why.kind(), format!("log.bin: {why}; {todo}"))
}

fn highest(entries: &[Entry]) -> Option<Height> {
    entries.iter().filter_map(Entry::height).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Faulty, Scratch, ledger};
    use qratum_chain::codec::Encode;
    use qratum_chain::types::Round;

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

    /// The chain was damaged and is fetched anew: the last votes stay known until their block is kept.
    #[test]
    fn blocks_below_the_log_do_not_end_it() {
        let folder = Scratch::new();
        let kept = after(&folder, |store| {
            store.log(&timeout(3)).unwrap();
            store.keep(&block(1)).unwrap();
        });
        assert_eq!(kept.log, [timeout(3)]);
        let kept = after(&folder, |store| {
            store.keep(&block(2)).unwrap();
            store.flush().unwrap();
        });
        assert_eq!((kept.blocks.len(), kept.log), (2, vec![timeout(3)]));
        let kept = after(&folder, |store| {
            store.keep(&block(3)).unwrap();
            store.flush().unwrap();
        });
        assert_eq!(kept.log, []);
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

    /// Whatever part of the last records is on disk: those before it are found, what follows is cut,
    /// and the log goes on behind them.
    #[test]
    fn torn_at_any_byte_a_log_keeps_its_whole_records() {
        let entries: Vec<Entry> = [2, 3, 4].map(timeout).into();
        let (chain, log) = (Faulty::default(), Faulty::default());
        let (mut store, _) = Store::on(chain, log.clone()).unwrap();
        let mut ends = vec![0];
        for entry in &entries {
            store.log(entry).unwrap();
            ends.push(log.bytes().len());
        }
        let bytes = log.bytes();
        for length in 0..=bytes.len() {
            let whole = ends.iter().filter(|end| **end <= length).count() - 1;
            let torn = Faulty::of(&bytes[..length]);
            let (mut store, kept) = Store::on(Faulty::default(), torn.clone()).unwrap();
            assert_eq!(kept.log, entries[..whole], "{length} bytes");
            store.log(&timeout(9)).unwrap();
            store.flush().unwrap();
            let again = Store::on(Faulty::default(), torn).unwrap().1.log;
            assert_eq!(again, [&entries[..whole], &[timeout(9)]].concat(), "{length} bytes");
        }
    }

    /// SECURITY: a vote that was cast must not be forgotten because of a bad byte before it.
    #[test]
    fn a_log_that_is_damaged_before_its_end_is_refused() {
        let log = Faulty::default();
        let (mut store, _) = Store::on(Faulty::default(), log.clone()).unwrap();
        let mut ends = vec![0];
        for height in [2, 3, 4] {
            store.log(&timeout(height)).unwrap();
            ends.push(log.bytes().len());
        }
        let opened = |at: usize| {
            let mut bytes = log.bytes();
            bytes[at] ^= 1;
            let damaged = Faulty::of(&bytes);
            let opened = Store::on(Faulty::default(), damaged.clone()).map(|(_, kept)| kept.log.len());
            (opened.map_err(|why| why.kind()), damaged.bytes() == bytes)
        };
        for at in 0..ends[2] {
            assert_eq!(opened(at), (Err(io::ErrorKind::InvalidData), true), "byte {at}");
        }
        assert_eq!(opened(ends[2]), (Ok(2), false), "the last record may be torn");
    }

    #[test]
    fn after_a_failed_sync_nothing_is_written_any_more() {
        let (chain, log) = (Faulty::default(), Faulty::default());
        let (mut store, _) = Store::on(chain, log.clone()).unwrap();
        store.log(&timeout(2)).unwrap();
        log.fail_after(0, io::ErrorKind::Other);
        assert!(store.flush().is_err());
        // The medium is well again; what it lost meanwhile it does not say.
        assert!(store.flush().is_err() && store.log(&timeout(3)).is_err() && store.reload().is_err());
    }

    #[test]
    fn after_a_full_disk_the_store_finds_what_was_whole_and_goes_on() {
        let (chain, log) = (Faulty::default(), Faulty::default());
        let (mut store, _) = Store::on(chain, log.clone()).unwrap();
        store.log(&timeout(2)).unwrap();
        log.fail_after(0, io::ErrorKind::StorageFull);
        assert_eq!(store.log(&timeout(3)).unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert!(store.log(&timeout(3)).is_err(), "a record behind a torn one would never be read");
        assert_eq!(store.reload().unwrap().log, [timeout(2)]);
        store.log(&timeout(4)).unwrap();
        store.flush().unwrap();
        assert_eq!(Store::on(Faulty::default(), log).unwrap().1.log, [timeout(2), timeout(4)]);
    }

    #[test]
    fn there_is_room_where_tests_run() {
        let folder = Scratch::new();
        assert!(free_bytes(&folder.0).unwrap() > 0);
        assert!(free_bytes(&folder.0.join("absent")).is_err());
    }

    /// Also over the half-written file of a crash before; and its lock goes with it.
    #[test]
    fn a_chain_is_replaced_in_one_step() {
        let folder = Scratch::new();
        std::fs::write(folder.0.join("chain.new"), [7; 9]).unwrap();
        let (mut store, _) = Store::open(&folder.0).unwrap();
        (1..=3).for_each(|height| store.keep(&block(height)).unwrap());
        store.flush().unwrap();
        store.replace_chain([block(1), block(2)].iter()).unwrap();
        store.keep(&block(3)).unwrap();
        store.flush().unwrap();
        assert!(OnDisk::open(&folder.0.join("chain.bin")).is_err(), "it is not locked");
        assert!(!folder.0.join("chain.new").exists());
        drop(store);
        assert_eq!(Store::open(&folder.0).unwrap().1.blocks, [block(1), block(2), block(3)]);
    }

    #[test]
    fn where_a_chain_cannot_be_replaced_it_stays() {
        let chain = Faulty::default();
        let (mut store, _) = Store::on(chain.clone(), Faulty::default()).unwrap();
        (1..=2).for_each(|height| store.keep(&block(height)).unwrap());
        store.flush().unwrap();
        chain.fail_after(0, io::ErrorKind::Other);
        assert!(store.replace_chain([block(1)].iter()).is_err());
        assert!(store.keep(&block(3)).is_err(), "nobody knows what is there");
        let kept = Store::on(Faulty::of(&chain.synced()), Faulty::default()).unwrap().1;
        assert_eq!(kept.blocks, [block(1), block(2)]);
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
