//! Which alarms are there? A pure state machine: what is seen and the time come in, changes go out.
//!
//! A condition must hold for the time of its [`Code`] before it is an alarm, and be gone for another
//! before that is over; what comes back within a minute is the same alarm, counted, and what comes and
//! goes must stay away for twice as long each time. What cannot be seen now neither raises nor ends anything.

use std::collections::BTreeMap;

use qratum_chain::types::Time;
use qratum_light_node::{Snapshot, State};

use super::{
    alarm::{Acknowledgement, Alarm, Change, What},
    code::{Code, Level},
    missed::Missed,
    sight::{Finding, MACHINE, Seat, Sight, Watched, quoted, set_change},
};
use crate::time;

/// What comes back within this time after its end is counted, and no new alarm.
const SAME_MS: u64 = 60_000;
/// Nothing must stay away for longer than this many times its usual time.
const LONGEST: u32 = 6;
/// Conditions that are followed at once, beside critical ones: a network of a thousand validators
/// that all fall silent fits.
const MOST: usize = 2048;
/// How long a change of the set is shown.
const SHOWN_MS: u64 = 60_000;

/// A condition: what, and about whom.
type Key = (Code, String);

/// All alarms, and what they are raised from.
#[derive(Debug)]
pub(crate) struct Alarms {
    watched: Watched,
    tracks: BTreeMap<Key, Track>,
    /// The number of the next alarm.
    next: u64,
    missed: Missed,
    /// When the head last moved, and its height.
    moved: Option<(u64, Time)>,
    /// The set that was seen last, and what about it changed when.
    set: Vec<Seat>,
    changed: Option<(Finding, Time)>,
}

/// A condition that holds, held lately, or may soon be an alarm.
#[derive(Debug, Default)]
struct Track {
    alarm: Option<Alarm>,
    /// Since when it holds without a break, where it is no alarm yet.
    holds: Option<Time>,
    /// Since when it is gone without a break, where it is still an alarm.
    gone: Option<Time>,
    /// How often it came back before it had rested.
    returns: u32,
}

impl Alarms {
    /// None yet.
    pub(crate) fn new(watched: Watched) -> Self {
        Self {
            watched,
            tracks: BTreeMap::new(),
            next: 1,
            missed: Missed::default(),
            moved: None,
            set: Vec::new(),
            changed: None,
        }
    }

    /// Goes on with the alarms of an earlier run; `next` is the number of the next one.
    pub(crate) fn resume(&mut self, alarms: impl IntoIterator<Item = Alarm>, next: u64) {
        for alarm in alarms {
            let key = (alarm.code, alarm.subject.clone());
            self.tracks.insert(key, Track { alarm: Some(alarm), ..Track::default() });
        }
        self.next = self.next.max(next);
    }

    /// Goes on with the set that an earlier run saw last: what changed since is told.
    pub(crate) fn remember(&mut self, set: Vec<Seat>) {
        self.set = set;
    }

    /// The set that was seen last; none yet, where it is empty.
    pub(crate) fn set(&self) -> &[Seat] {
        &self.set
    }

    /// Looks at what the light node knows now, at a new snapshot and at least each second.
    pub(crate) fn observe(&mut self, snapshot: &Snapshot, now: Time) -> Vec<Change> {
        self.see(&Sight::of(snapshot), now)
    }

    /// The same, for what was seen.
    fn see(&mut self, sight: &Sight, now: Time) -> Vec<Change> {
        self.missed.note(sight, &self.watched.own);
        let mut found = sight.findings(&self.watched, now);
        found.extend(self.blind(sight, now));
        found.extend(self.set_changed(sight, now));
        let (missing, between) = self.missed.findings(&self.watched);
        if sight.can_tell(Code::Missed) {
            found.extend(missing);
        }
        let is_gone = |(code, subject): &Key| {
            let near = *code == Code::Missed && between.contains(subject);
            sight.can_tell(*code) && !near
        };
        let mut changes = Vec::new();
        let mut held: Vec<Key> = Vec::new();
        for finding in found {
            held.push((finding.code, finding.subject.clone()));
            changes.extend(self.holds(finding, now));
        }
        let is_other = |key: &&Key| !key.0.is_of_this_program() && !held.contains(key);
        let others: Vec<Key> = self.tracks.keys().filter(is_other).cloned().collect();
        for key in others {
            changes.extend(if is_gone(&key) { self.is_gone(&key, now) } else { self.unseen(&key) });
        }
        self.forget(now);
        changes
    }

    /// Something outside of the chain holds, with these words, or does not.
    pub(crate) fn report(
        &mut self,
        (code, subject): (Code, &str),
        text: Option<String>,
        now: Time,
    ) -> Vec<Change> {
        let key = (code, quoted(subject));
        match text {
            Some(text) => {
                let finding = Finding::new(code, key.1, quoted(&text));
                self.holds(finding, now).into_iter().collect()
            }
            None => self.is_gone(&key, now).into_iter().collect(),
        }
    }

    /// Somebody has seen the open alarm of this number; none where there is none, or it was before.
    pub(crate) fn acknowledge(&mut self, id: u64, taken: Acknowledgement) -> Option<Change> {
        let mut open = self.tracks.values_mut().filter_map(|track| track.alarm.as_mut());
        let alarm = open.find(|alarm| alarm.id == id && alarm.is_open() && alarm.acknowledged.is_none())?;
        alarm.at_ms = taken.at_ms;
        alarm.acknowledged = Some(taken);
        Some(Change { what: What::Acknowledged, alarm: alarm.clone() })
    }

    /// Those that ask for attention: the worst first, and of one level the newest.
    pub(crate) fn active(&self) -> Vec<Alarm> {
        let alarms = self.tracks.values().filter_map(|track| track.alarm.as_ref());
        let mut open: Vec<Alarm> = alarms.filter(|alarm| alarm.is_open()).cloned().collect();
        open.sort_by_key(|alarm| std::cmp::Reverse((alarm.level, alarm.since_ms, alarm.id)));
        open
    }

    /// A head that does not move while a peer is still to answer is as good as no peer.
    fn blind(&mut self, sight: &Sight, now: Time) -> Option<Finding> {
        let (height, moved) = *self.moved.get_or_insert((sight.height, now));
        if sight.height != height {
            self.moved = Some((sight.height, now));
            return None;
        }
        let sees = !matches!(sight.state, State::Loading | State::Disconnected | State::Syncing);
        let text = || format!("nothing new from any peer for {}", time::age(time::since(moved, now)));
        (!sees).then(|| Finding::new(Code::Blind, MACHINE, text()))
    }

    /// While the head is caught up with, sets of long ago pass by.
    fn set_changed(&mut self, sight: &Sight, now: Time) -> Option<Finding> {
        if matches!(sight.state, State::Live | State::Stale | State::NoQuorum | State::Stalled) {
            let before = std::mem::replace(&mut self.set, sight.set.clone());
            if let Some(text) = set_change(&before, &sight.set).filter(|_| !before.is_empty()) {
                let subject = format!("set at height {}", sight.height);
                self.changed = Some((Finding::new(Code::SetChanged, subject, text), now));
            }
        }
        let shown = self.changed.as_ref().filter(|(_, at)| time::since(*at, now) < SHOWN_MS);
        shown.map(|(finding, _)| finding.clone())
    }

    fn holds(&mut self, finding: Finding, now: Time) -> Option<Change> {
        let key = (finding.code, finding.subject.clone());
        let is_full = self.tracks.len() >= MOST && finding.code.level() != Level::Critical;
        if is_full && !self.tracks.contains_key(&key) {
            return None;
        }
        let track = self.tracks.entry(key).or_default();
        track.gone = None;
        if let Some(alarm) = track.alarm.as_mut().filter(|alarm| alarm.cleared_ms.is_none()) {
            alarm.text = finding.text;
            return None;
        }
        let since = track.holds.get_or_insert(now);
        *since = (*since).min(now);
        if time::since(*since, now) < finding.code.hold().raise_ms {
            return None;
        }
        track.holds = None;
        let change = track.raise(finding, self.next, now);
        self.next = self.next.saturating_add(u64::from(change.what == What::Raised));
        Some(change)
    }

    fn is_gone(&mut self, key: &Key, now: Time) -> Option<Change> {
        let track = self.tracks.get_mut(key)?;
        track.holds = None;
        let stay = track.stays_away(key.0);
        let alarm = track.alarm.as_mut().filter(|alarm| alarm.cleared_ms.is_none())?;
        let gone = track.gone.get_or_insert(now);
        *gone = (*gone).min(now);
        if time::since(*gone, now) < stay {
            return None;
        }
        track.gone = None;
        (alarm.cleared_ms, alarm.at_ms) = (Some(now.0), now.0);
        Some(Change { what: What::Cleared, alarm: alarm.clone() })
    }

    /// It cannot be seen now: what was measured so far is worth nothing.
    fn unseen(&mut self, key: &Key) -> Option<Change> {
        let track = self.tracks.get_mut(key)?;
        (track.holds, track.gone) = (None, None);
        None
    }

    fn forget(&mut self, now: Time) {
        self.tracks.retain(|_, track| {
            let lately = |alarm: &Alarm| alarm.is_open() || track.is_restless(now);
            track.holds.is_some() || track.alarm.as_ref().is_some_and(lately)
        });
    }
}

impl Track {
    /// It is an alarm now: a new one, or the one that was there.
    fn raise(&mut self, finding: Finding, id: u64, now: Time) -> Change {
        self.returns = if self.is_restless(now) { self.returns.saturating_add(1) } else { 0 };
        let lately = self.ended_ago(now).is_some_and(|ago| ago < SAME_MS);
        // What somebody has taken on and what ended is done with: when it returns, it is another one.
        let same = |alarm: &Alarm| {
            let taken = alarm.level == Level::Critical && alarm.acknowledged.is_some();
            !taken && (lately || alarm.is_open())
        };
        if let Some(alarm) = self.alarm.as_mut().filter(|alarm| same(alarm)) {
            (alarm.cleared_ms, alarm.at_ms, alarm.text) = (None, now.0, finding.text);
            alarm.count = alarm.count.saturating_add(1);
            return Change { what: What::Repeated, alarm: alarm.clone() };
        }
        let alarm = Alarm {
            id,
            code: finding.code,
            level: finding.code.level(),
            subject: finding.subject,
            text: finding.text,
            since_ms: now.0,
            at_ms: now.0,
            count: 1,
            cleared_ms: None,
            acknowledged: None,
        };
        self.alarm = Some(alarm.clone());
        Change { what: What::Raised, alarm }
    }

    /// For how long it must be gone before it is over.
    fn stays_away(&self, code: Code) -> u64 {
        code.hold().clear_ms.saturating_mul(1 << self.returns.min(LONGEST))
    }

    /// Whether it ended so short a time ago that its return shows that it comes and goes: the longer, the
    /// more often it did.
    fn is_restless(&self, now: Time) -> bool {
        let rest = SAME_MS.saturating_mul(2 << self.returns.min(LONGEST));
        self.ended_ago(now).is_some_and(|ago| ago < rest)
    }

    /// How long ago it ended, where it has; a clock that was set has no say in whether it did.
    fn ended_ago(&self, now: Time) -> Option<u64> {
        let ended = self.alarm.as_ref()?.cleared_ms?;
        Some(now.0.abs_diff(ended))
    }
}

#[cfg(test)]
mod tests;
