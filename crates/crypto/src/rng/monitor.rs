//! What is remembered of sources: failures, and when they are worth an alarm.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use super::{
    pool::{Insufficient, Tally},
    source::Fault,
};

/// How many failures of a source are kept.
pub const KEPT: usize = 32;

/// What is known of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Bits of the last collection; none after a failure.
    pub credit: Option<u32>,
    /// When it last gave bytes.
    pub last_collected: Option<Duration>,
    /// How long the last collection took, where that was measured.
    pub latency: Option<Duration>,
    /// How often it was asked.
    pub asked: u64,
    /// How often it failed, since the start: never reset.
    pub failures: u64,
    /// The newest failures, oldest first.
    pub history: VecDeque<(Duration, Fault)>,
    alarm: Hysteresis,
}

impl Record {
    /// Whether it has failed often enough for an alarm that has not ended.
    #[must_use]
    pub const fn alarmed(&self) -> bool {
        self.alarm.raised
    }

    /// Whether the last collections speak against what it was: a few more decide.
    #[must_use]
    pub const fn is_unsettled(&self) -> bool {
        self.alarm.is_unsettled()
    }
}

/// After how many collections in a row an alarm begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// So many bad ones in a row raise it.
    pub raise: u32,
    /// So many good ones in a row end it.
    pub clear: u32,
}

/// An alarm that neither begins nor ends with a single collection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hysteresis {
    /// Whether it is raised.
    pub raised: bool,
    /// Collections in a row that speak against what it is.
    against: u32,
}

impl Hysteresis {
    /// What it is after one more collection.
    #[must_use]
    pub const fn after(self, bad: bool, thresholds: Thresholds) -> Self {
        if bad == self.raised {
            return Self { raised: self.raised, against: 0 };
        }
        let against = self.against.saturating_add(1);
        let needed = if self.raised { thresholds.clear } else { thresholds.raise };
        if against >= needed {
            Self { raised: bad, against: 0 }
        } else {
            Self { raised: self.raised, against }
        }
    }

    /// Whether the last collection spoke against what it is.
    #[must_use]
    pub const fn is_unsettled(self) -> bool {
        self.against > 0
    }
}

/// The records of all sources.
#[derive(Clone, Debug)]
pub struct Monitor {
    records: BTreeMap<&'static str, Record>,
    thresholds: Thresholds,
    last: Option<(Duration, Result<Tally, Insufficient>)>,
}

impl Monitor {
    /// A monitor that has seen nothing.
    #[must_use]
    pub const fn new(thresholds: Thresholds) -> Self {
        Self { records: BTreeMap::new(), thresholds, last: None }
    }

    /// Takes what a source gave at `now` into its record: the credited bits, or the fault.
    pub fn note(&mut self, id: &'static str, result: Result<u32, Fault>, now: Duration) {
        let record = self.records.entry(id).or_default();
        record.asked += 1;
        match result {
            Ok(credit) => (record.credit, record.last_collected) = (Some(credit), Some(now)),
            Err(fault) => {
                record.credit = None;
                record.failures += 1;
                record.history.push_back((now, fault));
                while record.history.len() > KEPT {
                    record.history.pop_front();
                }
            }
        }
        record.alarm = record.alarm.after(result.is_err(), self.thresholds);
    }

    /// Remembers how long the last collection of a source took.
    pub fn timed(&mut self, id: &'static str, latency: Option<Duration>) {
        self.records.entry(id).or_default().latency = latency;
    }

    /// Remembers what became of the collection at `now` as a whole.
    pub const fn concluded(&mut self, result: Result<Tally, Insufficient>, now: Duration) {
        self.last = Some((now, result));
    }

    /// When the last collection was, and what became of it.
    #[must_use]
    pub const fn last(&self) -> Option<(Duration, Result<Tally, Insufficient>)> {
        self.last
    }

    /// The record of one source, once it was asked.
    #[must_use]
    pub fn record(&self, id: &str) -> Option<&Record> {
        self.records.get(id)
    }

    /// The records by name.
    pub fn records(&self) -> impl Iterator<Item = (&'static str, &Record)> {
        self.records.iter().map(|(id, record)| (*id, record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THRESHOLDS: Thresholds = Thresholds { raise: 3, clear: 2 };

    fn at(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    /// Which collections raise and clear, written as one letter each: b bad, g good; then R, C or -.
    fn changes(collections: &str) -> String {
        let mut monitor = Monitor::new(THRESHOLDS);
        let note = |(second, letter): (u64, char)| {
            let result = if letter == 'b' { Err(Fault::Failed) } else { Ok(256) };
            let alarmed = |monitor: &Monitor| monitor.record("source").is_some_and(Record::alarmed);
            let before = alarmed(&monitor);
            monitor.note("source", result, at(second));
            match (before, alarmed(&monitor)) {
                (false, true) => 'R',
                (true, false) => 'C',
                _ => '-',
            }
        };
        (0..).zip(collections.chars()).map(note).collect()
    }

    #[test]
    fn an_alarm_begins_and_ends_only_after_so_many_in_a_row() {
        assert_eq!(changes("bbbbgg"), "--R--C");
        assert_eq!(changes("bbgbbgbb"), "--------", "a flapping source raises none");
        assert_eq!(changes("bbbgbgbgg"), "--R-----C", "and ends none");
        assert_eq!(changes("bbbggbbbgg"), "--R-C--R-C");
    }

    #[test]
    fn what_is_not_decided_yet_is_unsettled() {
        let mut monitor = Monitor::new(THRESHOLDS);
        let mut unsettled = |result| {
            monitor.note("source", result, at(1));
            monitor.record("source").unwrap().is_unsettled()
        };
        let (bad, good) = (Err(Fault::Failed), Ok(256));
        assert_eq!([good, bad, bad, bad, bad].map(&mut unsettled), [false, true, true, false, false]);
        assert_eq!([good, good, good].map(&mut unsettled), [true, false, false]);
    }

    #[test]
    fn failures_add_up_and_the_newest_are_kept() {
        let mut monitor = Monitor::new(THRESHOLDS);
        for second in 0..100 {
            monitor.note("source", Err(Fault::TimedOut), at(second));
        }
        monitor.note("source", Ok(256), at(100));
        let (id, record) = monitor.records().next().unwrap();
        assert_eq!((id, record.asked, record.failures, record.history.len()), ("source", 101, 100, KEPT));
        assert_eq!(record.history.front(), Some(&(at(68), Fault::TimedOut)));
        assert_eq!(record.history.back(), Some(&(at(99), Fault::TimedOut)));
        assert_eq!((record.credit, record.last_collected), (Some(256), Some(at(100))));
        assert!(record.alarmed(), "one success does not end it");
    }

    #[test]
    fn the_last_credit_goes_with_a_failure() {
        let mut monitor = Monitor::new(THRESHOLDS);
        monitor.note("source", Ok(256), at(1));
        monitor.note("source", Err(Fault::Failed), at(2));
        let (_, record) = monitor.records().next().unwrap();
        assert_eq!((record.credit, record.last_collected), (None, Some(at(1))));
    }
}
