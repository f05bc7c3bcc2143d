//! What happened? A ring of events, told apart by comparing what was known with what is known now.

use std::{collections::VecDeque, sync::Arc};

use qratum_chain::{
    PublicKey,
    types::{Height, SetId, Time, ValidatorSet},
};
use qratum_light_node::{Reason, Refusal, Snapshot, State};
use qratum_verifier::{Trusted, quorum::Tally};

use super::fact::Worth;

/// How many entries are kept.
pub(crate) const ENTRIES: usize = 1000;

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// As it should be.
    Info,
    /// Worth a look.
    Warn,
    /// Wrong.
    Crit,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// So many heads in a row were verified; the last one.
    Heads { first: Height, last: Height, count: u64 },
    /// The light node is in another state.
    State { state: State, height: Option<Height> },
    /// A pinned peer came or went.
    Peer { name: String, connected: bool },
    /// An answer of a peer was not used; how often in a row.
    Refusal { peer: String, reason: Reason, count: u32 },
    /// Others are silent than before; none is good news.
    Silent { keys: Vec<PublicKey>, missing: Tally, height: Height },
    /// Another set certifies from this head on.
    Set { set: SetId, height: Height, joined: Vec<PublicKey>, left: Vec<PublicKey> },
    /// A member signed twice in one place.
    Accused { key: PublicKey, height: Height },
    /// Something happened to an alarm, which tells of what was known then; what the chain says in it was
    /// worth this, and of what is known here alone there is no worth. Who has taken it on stands apart.
    Alarm { line: String, taken: String, level: Level, worth: Option<Worth> },
    /// Something beside the chain went wrong.
    Notice(String),
    /// The user did something here.
    Did(String),
}

/// An event, and when it was noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// By the local clock.
    pub(crate) at: Time,
    pub(crate) event: Event,
    /// Entries have rising numbers; one that goes on keeps its own.
    pub(crate) number: u64,
}

impl Event {
    /// How much it matters.
    pub(crate) const fn level(&self) -> Level {
        match self {
            Self::State { state, .. } => match state {
                State::Loading | State::Syncing | State::Live => Level::Info,
                State::Stale => Level::Warn,
                _ => Level::Crit,
            },
            Self::Silent { keys, .. } if !keys.is_empty() => Level::Warn,
            Self::Peer { connected: false, .. } | Self::Refusal { .. } | Self::Notice(_) => Level::Warn,
            Self::Accused { .. } => Level::Crit,
            Self::Alarm { level, .. } => *level,
            _ => Level::Info,
        }
    }
}

/// The ring.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    entries: VecDeque<Entry>,
    /// The number of the next.
    next: u64,
    /// The set of the last head.
    set: Option<(SetId, Arc<ValidatorSet>)>,
}

impl Log {
    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The entry at this place, counted from the newest.
    pub(crate) fn entry(&self, place: usize) -> Option<&Entry> {
        self.entries.len().checked_sub(place.checked_add(1)?).and_then(|at| self.entries.get(at))
    }

    /// Keeps an event, and forgets the oldest where there are too many.
    pub(super) fn push(&mut self, event: Event, at: Time) {
        if self.entries.len() >= ENTRIES {
            self.entries.pop_front();
        }
        let number = self.next;
        self.next = number.saturating_add(1);
        self.entries.push_back(Entry { at, event, number });
    }

    /// A head was verified. Heads in a row are one entry: they must not push out what is rare.
    pub(super) fn head(&mut self, head: &Trusted, now: Time) {
        let height = head.header().get().height;
        self.set(head, now);
        match self.entries.back_mut() {
            Some(Entry { at, event: Event::Heads { last, count, .. }, .. }) if *last < height => {
                (*at, *last, *count) = (now, height, count.saturating_add(1));
            }
            Some(Entry { event: Event::Heads { .. }, .. }) => {}
            _ => self.push(Event::Heads { first: height, last: height, count: 1 }, now),
        }
    }

    /// Who came and who went, where the set is another one.
    fn set(&mut self, head: &Trusted, now: Time) {
        let (set, members) = (head.header().get().set_id, head.validators());
        let before = self.set.replace((set, Arc::clone(members)));
        let Some((_, before)) = before.filter(|(_, before)| before.hash() != members.hash()) else { return };
        let height = head.header().get().height;
        let (joined, left) = (missing_in(members, &before), missing_in(&before, members));
        self.push(Event::Set { set, height, joined, left }, now);
    }

    /// Tells what is new in `after`.
    pub(super) fn learn(&mut self, before: Option<&Snapshot>, after: &Snapshot, now: Time) {
        let height = after.head.header().get().height;
        if before.is_none_or(|before| before.state != after.state) {
            let known = (!after.head.signers().is_empty()).then_some(height);
            self.push(Event::State { state: after.state, height: known }, now);
        }
        for (place, peer) in after.peers.iter().enumerate() {
            let was = before.and_then(|before| before.peers.get(place)).is_some_and(|peer| peer.connected);
            if was != peer.connected {
                self.push(Event::Peer { name: peer.name.clone(), connected: peer.connected }, now);
            }
        }
        for refusal in &after.refusals {
            if before.is_none_or(|before| !before.refusals.contains(refusal)) {
                self.refusal(refusal);
            }
        }
        let (silent, was) = (silent(after), before.map(silent).unwrap_or_default());
        if silent != was && (after.voting.known || after.voting.stuck) {
            let missing = after.voting.missing();
            self.push(Event::Silent { keys: silent, missing, height }, now);
        }
        for (key, _) in &after.voting.evidence {
            let known = before.is_some_and(|before| before.voting.evidence.iter().any(|(old, _)| old == key));
            if !known {
                self.push(Event::Accused { key: *key, height }, now);
            }
        }
    }

    /// The same refusal of the same peer again is the entry it was, counted and moved to the front.
    fn refusal(&mut self, refusal: &Refusal) {
        let same = |entry: &Entry| match &entry.event {
            Event::Refusal { peer, reason, .. } => {
                *peer == refusal.peer && reason.name() == refusal.reason.name()
            }
            _ => false,
        };
        let known = self.entries.iter().rposition(same).and_then(|place| self.entries.remove(place));
        let Refusal { peer, reason, at, count } = refusal.clone();
        self.push(Event::Refusal { peer, reason, count }, at);
        if let (Some(known), Some(entry)) = (known, self.entries.back_mut()) {
            entry.number = known.number;
        }
    }
}

fn silent(snapshot: &Snapshot) -> Vec<PublicKey> {
    snapshot.voting.members.iter().filter(|member| member.silent).map(|member| member.key).collect()
}

/// Members of `set` that are not in `other`.
fn missing_in(set: &ValidatorSet, other: &ValidatorSet) -> Vec<PublicKey> {
    let keys = set.members().iter().map(|member| member.pubkey);
    keys.filter(|key| other.index_of(key).is_none()).collect()
}
