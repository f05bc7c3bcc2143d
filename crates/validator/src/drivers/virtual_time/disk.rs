//! A disk that forgets what was not flushed, in the order in which the files of a validator do.

use std::sync::Arc;

use qratum_chain::{codec::Decode, types::Height};

use crate::{block::Decided, engine::Entry, host::Past, snapshot::Snapshot, store::settled};

/// The chain and the log of one node.
#[derive(Debug, Default)]
pub(super) struct Disk {
    chain: Flushed<Decided>,
    log: Flushed<Entry>,
    /// Replaced whole, so never torn.
    snapshot: Option<Arc<Vec<u8>>>,
    /// Replaced whole as well.
    sign_from: Option<Height>,
    /// The log is of a height whose block was kept since.
    log_is_over: bool,
}

/// Records, of which only the first so many are on disk for good.
#[derive(Debug)]
struct Flushed<T> {
    records: Vec<T>,
    flushed: usize,
}

impl<T> Default for Flushed<T> {
    fn default() -> Self {
        Self { records: Vec::new(), flushed: 0 }
    }
}

impl<T> Flushed<T> {
    const fn flush(&mut self) {
        self.flushed = self.records.len();
    }

    /// So many of the unflushed records made it to the disk.
    fn crash(&mut self, survive: u64) {
        let survive = usize::try_from(survive).unwrap_or(usize::MAX);
        self.records.truncate(self.flushed.saturating_add(survive));
        self.flush();
    }
}

impl Disk {
    /// The blocks that a process finds when it starts.
    pub(super) fn blocks(&self) -> Vec<Decided> {
        settled(self.chain.records.clone())
    }

    pub(super) fn found(&mut self, snapshot: Arc<Vec<u8>>) {
        self.snapshot = Some(snapshot);
    }

    /// The snapshot that it finds.
    pub(super) fn snapshot(&self) -> Option<Snapshot> {
        Snapshot::from_bytes(self.snapshot.as_ref()?).ok()
    }

    /// What it finds of what was signed.
    pub(super) fn past(&self) -> Past {
        Past { log: self.log.records.clone(), sign_from: self.sign_from }
    }

    pub(super) const fn sign_from(&mut self, height: Height) {
        self.sign_from = Some(height);
    }

    /// Height of the last block.
    pub(super) fn height(&self) -> u64 {
        self.chain.records.iter().map(|block| block.height().0).max().unwrap_or_default()
    }

    pub(super) fn write(&mut self, entry: Entry) {
        self.end_log();
        self.log.records.push(entry);
    }

    pub(super) fn keep(&mut self, decided: Decided) {
        let logged = self.log.records.iter().filter_map(Entry::height).max();
        self.log_is_over |= logged <= Some(decided.height());
        self.chain.records.push(decided);
    }

    pub(super) fn flush(&mut self) {
        self.end_log();
        self.chain.flush();
        self.log.flush();
    }

    fn end_log(&mut self) {
        if self.log_is_over {
            self.chain.flush();
            self.log = Flushed::default();
            self.log_is_over = false;
        }
    }

    /// The power goes: of what was not flushed, the first `survive` records are there all the same.
    pub(super) fn crash(&mut self, survive: u64) {
        self.chain.crash(survive);
        self.log.crash(survive);
        self.log_is_over = false;
    }
}
