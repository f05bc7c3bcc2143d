//! How is this machine: its sources of randomness, the generator, the memory for secrets? Measured here;
//! the chain says nothing of it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use qratum_chain::types::Time;
use qratum_custody::entropy::{Report, SourceReport, Standing};

use crate::time;

/// How many collections of a source are remembered.
const KEPT: usize = 32;

/// What was reported last, and how long collections took lately.
#[derive(Clone, Debug, Default)]
pub(crate) struct Health {
    last: Option<(Arc<Report>, Time)>,
    /// By source, in microseconds, the newest last.
    latencies: BTreeMap<&'static str, VecDeque<u64>>,
}

/// How the randomness of this machine is, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Nothing was reported yet.
    Unknown,
    /// The pool gives seeds, and no source has fallen.
    Well,
    /// The pool gives seeds without a source that was there.
    Fewer,
    /// The pool gives no seed.
    Low,
}

impl Health {
    /// Takes a report that was made now.
    pub(super) fn learn(&mut self, report: Arc<Report>, now: Time) {
        for source in &report.sources {
            let Some(latency) = source.latency.filter(|_| source.standing == Standing::Healthy) else {
                continue;
            };
            let kept = self.latencies.entry(source.id).or_default();
            if kept.len() >= KEPT {
                kept.pop_front();
            }
            kept.push_back(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
        }
        self.last = Some((report, now));
    }

    /// What was reported last.
    pub(crate) fn report(&self) -> Option<&Report> {
        self.last.as_ref().map(|(report, _)| report.as_ref())
    }

    /// A source, by its place.
    pub(crate) fn source(&self, place: usize) -> Option<&SourceReport> {
        self.report()?.sources.get(place)
    }

    /// How old something is by `now` that had this age when it was reported, in ms.
    pub(crate) fn age_ms(&self, then: Duration, now: Time) -> u64 {
        let since = self.last.as_ref().map_or(0, |(_, at)| time::since(*at, now));
        u64::try_from(then.as_millis()).unwrap_or(u64::MAX).saturating_add(since)
    }

    /// How long the last good collections of a source took, in microseconds, the newest last.
    pub(crate) fn latencies(&self, id: &str) -> Vec<u64> {
        self.latencies.get(id).map(|kept| kept.iter().copied().collect()).unwrap_or_default()
    }

    /// The names of the sources that are good.
    pub(crate) fn good(&self) -> Vec<&'static str> {
        let good = self.sources().filter(|source| source.standing == Standing::Healthy);
        good.map(|source| source.id).collect()
    }

    /// How many sources are good, and how many this machine has.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let is_there = |source: &&SourceReport| source.standing != Standing::Absent || source.has_given;
        (self.good().len(), self.sources().filter(is_there).count())
    }

    fn sources(&self) -> impl Iterator<Item = &SourceReport> {
        self.report().into_iter().flat_map(|report| &report.sources)
    }

    /// How it is.
    pub(crate) fn mood(&self) -> Mood {
        let Some(report) = self.report() else { return Mood::Unknown };
        let fell = |source: &SourceReport| match source.standing {
            Standing::Healthy => source.alarmed,
            Standing::Unhealthy => true,
            Standing::Absent | Standing::Denied | Standing::Failed | Standing::TimedOut => source.has_given,
        };
        match report.pool {
            Err(_) => Mood::Low,
            Ok(_) if report.sources.iter().any(fell) => Mood::Fewer,
            Ok(_) => Mood::Well,
        }
    }
}
