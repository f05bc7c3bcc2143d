//! What can a ledger start from instead of from every block? A snapshot at a chain checkpoint: the
//! certified header there, the ends of all sets that lead to it from genesis, the leaves of the
//! history and the entries of the state. All of it is checked against the header, and the header
//! against genesis, by the verifier.
//!
//! Every [`EVERY`] blocks there is a checkpoint. It has no key of its own and is no place to start
//! trusting: the trust is that of genesis.

use core::fmt;

use qratum_chain::{
    Hash,
    codec::{Decode, Encode, Malformed, Reader, put_bytes, put_list},
    schedule::{boundary_of, set_of},
    state::{Changes, StateMap},
    types::{Genesis, GenesisError, Header, LightBlock, SetId, Time},
};
use qratum_crypto::merkle::{Sha3, Tree};
use qratum_verifier::{Reject, SetCache, Trusted, Verdict, verify};

/// So many blocks lie between two checkpoints.
pub const EVERY: u64 = 100;
/// The longest snapshot in bytes.
pub const MAX_LENGTH: usize = 256 << 20;
/// The most sets, headers and entries of a snapshot; its bytes bound them first.
const MOST: usize = MAX_LENGTH / 8;
/// The longest key and value of the state.
const MAX_ENTRY: usize = 64 << 10;

/// A key of the state and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry(Vec<u8>, Vec<u8>);

/// A ledger at a checkpoint. From a peer, or from disk, it is as untrusted as any block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    path: Vec<LightBlock>,
    history: Vec<Hash>,
    state: Vec<Entry>,
}

/// Why a snapshot is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotFault {
    /// The genesis breaks a rule.
    Genesis(GenesisError),
    /// It ends at no checkpoint.
    NoCheckpoint,
    /// The end of this set is missing in its path, or something else stands there.
    Path(SetId),
    /// A block of its path does not follow from the one before.
    Refused(Reject),
    /// Its state is not the one of the header.
    State,
    /// Its history is not the one of the header.
    History,
}

impl fmt::Display for SnapshotFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Genesis(why) => why.fmt(f),
            Self::NoCheckpoint => f.write_str("it ends at no checkpoint"),
            Self::Path(set) => write!(f, "the end of set {set} is missing"),
            Self::Refused(why) => why.fmt(f),
            Self::State => f.write_str("its state is not the one of the header"),
            Self::History => f.write_str("its history is not the one of the header"),
        }
    }
}

/// A snapshot that was checked: all that a ledger is made of.
#[derive(Debug)]
pub struct Founded {
    /// The ends of all sets up to the checkpoint, which comes last.
    pub path: Vec<LightBlock>,
    /// Tree over the ids of all headers up to the checkpoint.
    pub history: Tree<Sha3>,
    /// State after the checkpoint.
    pub state: StateMap,
}

impl Snapshot {
    /// The snapshot of a ledger whose head ends `path`.
    #[must_use]
    pub fn of(path: Vec<LightBlock>, history: &Tree<Sha3>, state: &StateMap) -> Self {
        let entries = state.entries().iter();
        Self {
            path,
            history: history.leaves().to_vec(),
            state: entries.map(|(key, value)| Entry(key.clone(), value.clone())).collect(),
        }
    }

    /// The same with this path.
    #[must_use]
    pub fn along(self, path: Vec<LightBlock>) -> Self {
        Self { path, ..self }
    }

    /// The header of its checkpoint, as it says.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        self.path.last().map(|block| &block.header)
    }

    /// Checks everything, from genesis. `now` is the clock, for what a peer sent: a chain of keys older
    /// than the trusting period is refused then. `None` for what this process wrote down itself, when
    /// it was verified already.
    ///
    /// # Errors
    /// [`SnapshotFault`].
    pub fn check(self, genesis: &Genesis, now: Option<Time>) -> Result<Founded, SnapshotFault> {
        let (mut trusted, mut rules) = Trusted::genesis(genesis).map_err(SnapshotFault::Genesis)?;
        let head = self.header().ok_or(SnapshotFault::NoCheckpoint)?.clone();
        if head.height.0 == 0 || !head.height.0.is_multiple_of(EVERY) {
            return Err(SnapshotFault::NoCheckpoint);
        }
        if now.is_none() {
            rules.params.trusting_period_ms = u64::MAX;
        }
        let (now, length, mut sets) =
            (now.unwrap_or(head.time), rules.params.set_length, SetCache::default());
        for (set, block) in (0..).map(SetId).zip(&self.path) {
            let header = &block.header;
            let last = header.id() == head.id();
            let end = boundary_of(set, length);
            if set_of(header.height, length) != set || !(last || header.height == end) {
                return Err(SnapshotFault::Path(set));
            }
            match verify(block, &trusted, &rules, &mut sets, now) {
                Verdict::Accept(accepted) => trusted = *accepted,
                Verdict::NotYet(_) => return Err(SnapshotFault::Path(set)),
                Verdict::Reject(reject) => return Err(SnapshotFault::Refused(reject)),
            }
        }
        let state: Changes = self.state.into_iter().map(|Entry(key, value)| (key, Some(value))).collect();
        let state = StateMap::genesis(state).map_err(|_| SnapshotFault::State)?;
        if state.root() != head.state_root {
            return Err(SnapshotFault::State);
        }
        let mut history = Tree::default();
        self.history.into_iter().for_each(|leaf| history.append(leaf));
        let own = qratum_crypto::merkle::leaf_hash::<Sha3>(&head.id().0.0);
        let whole =
            history.size() == head.height.0.saturating_add(1) && history.leaves().last() == Some(&own);
        if !whole || history.root_at(head.height.0) != Some(head.history_root) {
            return Err(SnapshotFault::History);
        }
        Ok(Founded { path: self.path, history, state })
    }
}

impl Encode for Entry {
    fn encode(&self, out: &mut Vec<u8>) {
        put_bytes(out, &self.0);
        put_bytes(out, &self.1);
    }
}

impl Decode for Entry {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut bytes = |name| reader.bytes(name, MAX_ENTRY).map(<[u8]>::to_vec);
        Ok(Self(bytes("state key")?, bytes("state value")?))
    }
}

impl Encode for Snapshot {
    fn encode(&self, out: &mut Vec<u8>) {
        put_list(out, &self.path);
        put_list(out, &self.history);
        put_list(out, &self.state);
    }
}

impl Decode for Snapshot {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            path: reader.list("path", MOST, Header::LENGTH)?,
            history: reader.list("history", MOST, 32)?,
            state: reader.list("state", MOST, 8)?,
        })
    }
}

/// A part of the bytes of a snapshot, as peers send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Height of the checkpoint.
    pub height: u64,
    /// How many bytes the snapshot has, at most [`MAX_LENGTH`].
    pub total: u32,
    /// Where these bytes stand.
    pub offset: u32,
    /// At most [`Page::MOST`] bytes.
    pub bytes: Vec<u8>,
}

impl Page {
    /// The most bytes of a page.
    pub const MOST: usize = 256 << 10;

    /// The page of `snapshot` at `offset`; `None` behind its end.
    #[must_use]
    pub fn of(height: u64, snapshot: &[u8], offset: u32) -> Option<Self> {
        let rest = snapshot.get(usize::try_from(offset).ok()?..).filter(|rest| !rest.is_empty())?;
        let total = u32::try_from(snapshot.len()).ok()?;
        let bytes = rest.iter().take(Self::MOST).copied().collect();
        Some(Self { height, total, offset, bytes })
    }
}

impl Encode for Page {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.height.to_le_bytes());
        out.extend_from_slice(&self.total.to_le_bytes());
        out.extend_from_slice(&self.offset.to_le_bytes());
        put_bytes(out, &self.bytes);
    }
}

impl Decode for Page {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            height: reader.u64()?,
            total: reader.u32()?,
            offset: reader.u32()?,
            bytes: reader.bytes("page", Self::MOST)?.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{POWERS, START, genesis, ledger};
    use qratum_chain::types::Height;

    const NOW: Option<Time> = Some(START.plus(101_000));

    fn honest() -> Snapshot {
        Snapshot::from_bytes(&ledger(100).snapshot().unwrap().1).unwrap()
    }

    fn fault(change: impl FnOnce(&mut Snapshot)) -> SnapshotFault {
        let mut snapshot = honest();
        change(&mut snapshot);
        snapshot.check(&genesis(&POWERS), NOW).unwrap_err()
    }

    #[test]
    fn an_honest_snapshot_is_what_the_ledger_was() {
        let chain = ledger(100);
        let founded = honest().check(&genesis(&POWERS), NOW).unwrap();
        assert_eq!(founded.state.root(), chain.state().root());
        assert_eq!(founded.history.leaves(), chain.history().leaves());
        let heights: Vec<u64> = founded.path.iter().map(|block| block.header.height.0).collect();
        assert_eq!(heights, [20, 40, 60, 80, 100]);
    }

    #[test]
    fn each_part_is_held_against_the_header_and_the_header_against_genesis() {
        assert_eq!(fault(|s| s.path.clear()), SnapshotFault::NoCheckpoint);
        assert_eq!(fault(|s| drop(s.path.pop())), SnapshotFault::NoCheckpoint, "it ends at 80");
        assert_eq!(fault(|s| drop(s.path.remove(1))), SnapshotFault::Path(SetId(1)));
        assert_eq!(fault(|s| s.path.swap(0, 1)), SnapshotFault::Path(SetId(0)));
        assert_eq!(fault(|s| drop(s.state.pop())), SnapshotFault::State);
        assert_eq!(fault(|s| s.state[0].1.push(0)), SnapshotFault::State);
        assert_eq!(fault(|s| s.history[7].0[0] ^= 1), SnapshotFault::History);
        assert_eq!(fault(|s| s.history.truncate(100)), SnapshotFault::History);
        assert_eq!(fault(|s| s.history[100].0[0] ^= 1), SnapshotFault::History, "the head's own leaf");
        let reject = |fault: SnapshotFault| match fault {
            SnapshotFault::Refused(reject) => reject.name(),
            other => panic!("{other}"),
        };
        let forged = fault(|s| s.path[4].header.state_root = Hash::ZERO);
        assert_eq!(reject(forged), "CertificateBlock");
        let other = honest().check(&genesis(&[30, 25, 25, 21]), NOW).unwrap_err();
        assert_eq!(reject(other), "WrongChain");
    }

    #[test]
    fn keys_that_answer_no_more_make_no_snapshot_of_a_peer() {
        let late = START.plus(15 * 24 * 60 * 60 * 1000);
        let refused = honest().check(&genesis(&POWERS), Some(late)).unwrap_err();
        assert!(matches!(refused, SnapshotFault::Refused(Reject::TrustExpired { .. })), "{refused}");
        assert!(honest().check(&genesis(&POWERS), None).is_ok(), "what was verified before stays so");
    }

    #[test]
    fn pages_make_the_snapshot_again() {
        let whole: Vec<u8> = (0..Page::MOST + 9).map(|byte| byte as u8).collect();
        let (mut bytes, mut pages) = (Vec::new(), 0);
        while let Some(page) = Page::of(100, &whole, bytes.len() as u32) {
            assert_eq!(Page::from_bytes(&page.to_bytes()), Ok(page.clone()));
            bytes.extend_from_slice(&page.bytes);
            pages += 1;
        }
        assert_eq!((bytes, pages), (whole, 2));
        let checkpoint = ledger(150).snapshot().unwrap().0;
        assert_eq!(checkpoint, Height(100));
    }
}
