//! What survives a restart? The steps that lead from the anchor to the newest head, as they came.
//! All of it is untrusted when it is read again: [`replay`] takes it through the verifier from the
//! anchor, and what does not chain is removed.
//!
//! On sled 0.34, an old release that is stable and small:
//! - A write is not durable until it is flushed, and the background flush comes late. Here every
//!   write is one atomic batch that is flushed before its head is announced; the background flush
//!   is off. On Linux a flush may stop at the drive's cache: after a power cut the newest steps can
//!   be missing, and are fetched anew.
//! - It panics on some damaged files. Everything runs on a blocking task, whose panic is an error
//!   of the store and not of the node.
//! - Its lock is released a little after the last handle is dropped, so opening tries for a while.
//! - Its cache takes 1 GiB unless told otherwise: it is told 8 MiB.

use std::{collections::VecDeque, io, path::Path, thread, time::Duration};

use qratum_chain::{
    codec::{Decode, Encode},
    schedule,
    types::{ChainId, Height, LightBlock, Time},
};
use qratum_verifier::{
    Blame, Rules, Trusted,
    detect::Fork,
    sync::{Sync, Then},
};

use crate::{Highest, Mark, Place, StoreState, follow::RECENT};

const CHAIN: &[u8] = b"chain";
const HEAD: &[u8] = b"head";
const STEP: &[u8] = b"step/";
/// Bytes of cache.
const CACHE: u64 = 8 << 20;
/// Attempts to take the lock, and the pause between them.
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Why a store is not opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OpenError {
    /// Another process has it.
    InUse,
    /// It was made for this chain.
    OtherChain(ChainId),
    /// It cannot be read: why.
    Failed(String),
}

/// The store of one chain. All calls block.
#[derive(Clone, Debug)]
pub(crate) struct Store(sled::Db, Highest);

impl Store {
    /// Opens or makes the store of `chain` in a home.
    pub(crate) fn open(place: &Place, chain: ChainId) -> Result<Self, OpenError> {
        let store = Self(open(&place.store())?, Highest::of(place));
        match store.0.get(CHAIN).map_err(failed)? {
            Some(bytes) => match ChainId::from_bytes(&bytes) {
                Ok(got) if got == chain => Ok(store),
                Ok(got) => Err(OpenError::OtherChain(got)),
                Err(_) => Err(OpenError::Failed("it names no chain".to_owned())),
            },
            None => {
                store.0.insert(CHAIN, chain.to_bytes()).map_err(failed)?;
                store.0.flush().map_err(failed)?;
                Ok(store)
            }
        }
    }

    /// Keeps steps for ever and replaces the head, in one durable write.
    pub(crate) fn keep(&self, steps: &[LightBlock], head: &LightBlock) -> Result<(), String> {
        let mut batch = sled::Batch::default();
        for step in steps {
            batch.insert(key(step.header.height), step.to_bytes());
        }
        batch.insert(HEAD, head.to_bytes());
        self.write(batch)?;
        let header = &head.header;
        self.1.write(&Mark { chain: header.chain_id, height: header.height, time: header.time })
    }

    /// The step at `height`, if there is one. Untrusted.
    pub(crate) fn step(&self, height: Height) -> Option<LightBlock> {
        let bytes = self.0.get(key(height)).ok()??;
        LightBlock::from_bytes(&bytes).ok()
    }

    /// The head as it was kept. Untrusted.
    pub(crate) fn head(&self) -> Option<LightBlock> {
        LightBlock::from_bytes(&self.0.get(HEAD).ok()??).ok()
    }

    /// The steps below `height`, rising; an error where one cannot be read. Untrusted.
    pub(crate) fn steps_below(&self, height: Height) -> Result<Vec<LightBlock>, String> {
        let records = self.0.range(key(Height(0))..key(height)).values();
        let read = |bytes: sled::Result<sled::IVec>| {
            let bytes = bytes.map_err(words)?;
            LightBlock::from_bytes(&bytes).map_err(|why| why.to_string())
        };
        records.map(read).collect()
    }

    fn write(&self, batch: sled::Batch) -> Result<(), String> {
        self.0.apply_batch(batch).map_err(words)?;
        self.0.flush().map(drop).map_err(words)
    }
}

fn open(path: &Path) -> Result<sled::Db, OpenError> {
    let config = sled::Config::new().path(path).cache_capacity(CACHE).flush_every_ms(None);
    let mut tries = 0u32;
    loop {
        match config.open() {
            Ok(db) => return Ok(db),
            Err(error) if !is_locked(&error) => return Err(failed(error)),
            Err(_) if tries >= LOCK_TRIES => return Err(OpenError::InUse),
            Err(_) => thread::sleep(LOCK_PAUSE),
        }
        tries = tries.saturating_add(1);
    }
}

/// sled has no error of its own for a lock that another process holds.
fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("could not acquire lock"))
}

fn failed(error: sled::Error) -> OpenError {
    OpenError::Failed(words(error))
}

/// What is wrong, in our words: sled's are for whoever works on sled.
fn words(error: sled::Error) -> String {
    match error {
        sled::Error::Io(error) => match error.raw_os_error() {
            Some(code) => {
                format!("its files cannot be read or written: {}", io::Error::from_raw_os_error(code))
            }
            None => format!("its files cannot be read or written: {}", error.kind()),
        },
        sled::Error::Unsupported(_) => {
            "it was written by another version, or its files are damaged".to_owned()
        }
        sled::Error::Corruption { .. }
        | sled::Error::CollectionNotFound(_)
        | sled::Error::ReportableBug(_) => "its files are damaged".to_owned(),
    }
}

fn key(height: Height) -> Vec<u8> {
    [STEP, &height.0.to_be_bytes()].concat()
}

/// Whether an accepted block is needed to come back to its set from the anchor: it ends a set, or
/// it was the way into one. `before` is the head it was accepted from.
pub(crate) fn is_step(block: &LightBlock, before: Height, set_length: u64) -> bool {
    let height = block.header.height;
    let entered = schedule::set_of(before.next(), set_length) != schedule::set_of(height, set_length);
    entered || schedule::is_boundary(height, set_length)
}

/// What became of a store's records.
#[derive(Debug)]
pub(crate) struct Replayed {
    pub(crate) sync: Sync,
    /// Two records that conflict.
    pub(crate) fork: Option<Fork>,
    /// The newest blocks as they were kept, rising: each is one side of a fork that may show later.
    pub(crate) recent: VecDeque<LightBlock>,
    /// Records that chain to the anchor.
    pub(crate) loaded: u32,
    /// Records that were removed.
    pub(crate) dropped: u32,
    /// A record was refused for time only: how far the store reaches is not known.
    pub(crate) untimely: bool,
}

/// Takes everything through the verifier, from the anchor up, and removes what does not chain.
/// Records that are refused only for time stay: nobody is to blame for a clock.
pub(crate) fn replay(store: &Store, anchor: &Trusted, rules: &Rules, now: Time) -> Result<Replayed, String> {
    let sync = Sync::new(anchor.clone(), rules.clone());
    let recent = VecDeque::new();
    let mut replayed = Replayed { sync, fork: None, recent, loaded: 0, dropped: 0, untimely: false };
    let mut bad = sled::Batch::default();
    let head = store.0.get(HEAD).map_err(words)?.map(|value| Ok((HEAD.into(), value)));
    for record in store.0.scan_prefix(STEP).chain(head) {
        let (place, value) = record.map_err(words)?;
        if !replayed.takes(&place, &value, now) {
            bad.remove(place);
        }
    }
    if replayed.dropped > 0 {
        store.write(bad)?;
    }
    Ok(replayed)
}

impl Replayed {
    /// How the store came back, given the highest block that was ever kept in it.
    pub(crate) fn state(&self, highest: Option<Height>) -> StoreState {
        let found = self.height();
        match highest.filter(|highest| *highest > found && !self.untimely && self.fork.is_none()) {
            Some(highest) => StoreState::RolledBack { found, highest },
            None => StoreState::Kept { loaded: self.loaded, dropped: self.dropped },
        }
    }

    fn height(&self) -> Height {
        self.sync.head().header().get().height
    }

    /// Whether a record may stay: it chains, or only the clock stands against it.
    fn takes(&mut self, place: &[u8], record: &[u8], now: Time) -> bool {
        let block = LightBlock::from_bytes(record).ok();
        let block = block.filter(|block| place == HEAD || place == key(block.header.height));
        let Some(block) = block else { return self.drops() };
        let id = block.header.id();
        let kept = block.clone();
        let then = self.sync.replay(block, now).then;
        match then {
            Then::Current if self.sync.head().id() == id => {
                self.loaded = self.loaded.saturating_add(1);
                if self.recent.len() == RECENT {
                    self.recent.pop_front();
                }
                self.recent.push_back(kept);
            }
            Then::Refused(reject) if reject.blame() == Blame::Nobody => self.untimely = true,
            Then::Forked(fork) => self.fork = Some(*fork),
            Then::Current | Then::Waiting | Then::Refused(_) => return self.drops(),
        }
        true
    }

    const fn drops(&mut self) -> bool {
        self.dropped = self.dropped.saturating_add(1);
        false
    }
}

#[cfg(test)]
mod crash;
#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf, process};

    use super::*;
    use crate::chain::{Chain, bad_signature, constant, disjoint};

    #[test]
    fn a_store_that_cannot_be_opened_says_so_in_our_words() {
        let folder = std::env::temp_dir().join(format!("qratum-words-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("store"), "no folder").unwrap();
        let chain = Chain::new("net", Time(1000), constant);
        let why = Store::open(&Place::new(folder.clone()), chain.id()).unwrap_err();
        fs::remove_dir_all(&folder).unwrap();
        let OpenError::Failed(why) = why else { panic!("{why:?}") };
        assert!(why.starts_with("its files cannot be read or written: "), "{why}");
        let damaged = words(sled::Error::Corruption { at: None, bt: () });
        assert_eq!(damaged, "its files are damaged");
    }

    const NOW: Time = Time(1_000_000);

    /// A store of its own that is removed at the end.
    struct Scratch(PathBuf, Store);

    impl Scratch {
        fn new(name: &str, chain: &Chain) -> Self {
            let path = std::env::temp_dir().join(format!("qratum-store-{}-{name}", process::id()));
            let _ = fs::remove_dir_all(&path);
            let store = Store::open(&Place::new(path.clone()), chain.id()).unwrap();
            Self(path, store)
        }

        fn replay(&self, chain: &Chain) -> Replayed {
            let (anchor, rules) = Trusted::genesis(&chain.genesis).unwrap();
            replay(&self.1, &anchor, &rules, NOW).unwrap()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn grown(count: u64) -> Chain {
        let mut chain = Chain::new("net", Time(1000), disjoint);
        chain.grow_by(count);
        chain
    }

    fn ends(chain: &Chain) -> Vec<LightBlock> {
        chain.blocks.iter().filter(|block| block.header.height.0 % 4 == 0).cloned().collect()
    }

    fn outcome(replayed: &Replayed) -> (u64, u32, u32) {
        (replayed.height().0, replayed.loaded, replayed.dropped)
    }

    #[test]
    fn what_chains_is_believed_again() {
        let chain = grown(30);
        let scratch = Scratch::new("chains", &chain);
        scratch.1.keep(&ends(&chain), chain.tip().unwrap()).unwrap();
        assert_eq!(outcome(&scratch.replay(&chain)), (30, 8, 0));
    }

    /// An attacker who owns the disk, but no key of the chain, writes a store that agrees with
    /// itself: not one block of it is believed, and none is left.
    #[test]
    fn a_store_with_a_set_of_its_own_is_refused() {
        let chain = grown(30);
        let mut own = Chain::new("net", Time(1000), |set| disjoint(set + 30));
        own.grow_by(30);
        let mut blocks = own.blocks.clone();
        for block in &mut blocks {
            block.header.chain_id = chain.id();
            let seeds = disjoint(block.header.set_id.0 + 30);
            block.certificate = crate::chain::certify(&block.header, &seeds, &[]);
        }
        let scratch = Scratch::new("own-set", &chain);
        let steps: Vec<_> = blocks.iter().filter(|block| block.header.height.0 % 4 == 0).cloned().collect();
        scratch.1.keep(&steps, blocks.last().unwrap()).unwrap();
        assert_eq!(outcome(&scratch.replay(&chain)), (0, 0, 8));
        assert_eq!(outcome(&scratch.replay(&chain)), (0, 0, 0), "what was refused is gone");
    }

    #[test]
    fn one_bad_record_costs_what_hangs_on_it() {
        let chain = grown(30);
        let scratch = Scratch::new("one-bad", &chain);
        let mut steps = ends(&chain);
        steps[3] = bad_signature(steps[3].clone());
        scratch.1.keep(&steps, chain.tip().unwrap()).unwrap();
        scratch.1.0.insert(key(Height(2)), b"garbage").unwrap();
        scratch.1.0.insert(key(Height(3)), chain.block(1).unwrap().to_bytes()).unwrap();
        assert_eq!(outcome(&scratch.replay(&chain)), (12, 3, 2 + 4 + 1));
    }

    /// The verifier does not judge a block far below what it remembers; it is not kept unjudged.
    #[test]
    fn a_head_below_the_steps_that_was_not_verified_is_removed() {
        let chain = grown(30);
        let scratch = Scratch::new("low-head", &chain);
        scratch.1.keep(&ends(&chain), &bad_signature(chain.block(2).unwrap().clone())).unwrap();
        assert_eq!(outcome(&scratch.replay(&chain)), (28, 7, 1));
    }

    #[test]
    fn a_wrong_clock_removes_nothing() {
        let chain = grown(8);
        let scratch = Scratch::new("clock", &chain);
        scratch.1.keep(&ends(&chain), chain.tip().unwrap()).unwrap();
        let (anchor, rules) = Trusted::genesis(&chain.genesis).unwrap();
        let late = Time(1000).plus(rules.params.trusting_period_ms);
        let replayed = replay(&scratch.1, &anchor, &rules, late).unwrap();
        assert_eq!(outcome(&replayed), (0, 0, 0));
        assert_eq!(outcome(&scratch.replay(&chain)), (8, 3, 0));
    }

    #[test]
    fn a_store_is_of_one_chain_and_has_one_owner() {
        let chain = grown(1);
        let scratch = Scratch::new("owner", &chain);
        assert_eq!(Store::open(&Place::new(scratch.0.clone()), chain.id()).map(drop), Err(OpenError::InUse));
        let Scratch(path, store) = &scratch;
        let other = Chain::new("other", Time(1000), constant).id();
        store.0.insert(CHAIN, other.to_bytes()).unwrap();
        store.0.flush().unwrap();
        let (from, copy) = (Place::new(path.clone()), Place::new(path.join("copy")));
        fs::create_dir_all(copy.store()).unwrap();
        for file in ["db", "conf"] {
            fs::copy(from.store().join(file), copy.store().join(file)).unwrap();
        }
        let refused = Store::open(&copy, chain.id()).map(drop);
        assert_eq!(refused, Err(OpenError::OtherChain(other)));
    }

    #[test]
    fn steps_are_ends_of_sets_and_ways_into_one() {
        let chain = grown(12);
        let step = |height: u64, before: u64| is_step(chain.block(height).unwrap(), Height(before), 4);
        assert!(step(4, 3) && step(8, 4) && step(4, 0));
        assert!(!step(5, 4) && !step(6, 5) && !step(3, 0));
        assert!(step(6, 3), "a skip into set 1");
    }
}
