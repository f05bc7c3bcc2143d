//! What is known of the sources, the pool and the generator at one moment. Counts only: no byte of any
//! source.

use std::time::Duration;

use qratum_crypto::rng::{
    drbg::Moment,
    monitor::Record,
    pool::Tally,
    random::{Error, Random},
    source::{Basis, Class, Fault, LENGTH, Source},
};
use qratum_metal::{pages::LockStatus, secret};

/// How all of it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The sources, in the order in which they are asked.
    pub sources: Vec<SourceReport>,
    /// The bits that the last collection is credited with; or why it gave no seed.
    pub pool: Result<Tally, String>,
    /// Whether collections gave no seed for so long that it is no chance.
    pub low: bool,
    /// The generator; none while it was never seeded.
    pub generator: Option<GeneratorReport>,
    /// How the memory of small secrets is kept; none where there is none.
    pub memory: Option<LockStatus>,
}

/// A generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeneratorReport {
    /// Draws since its seed: the reseed counter of SP 800-90A, which counts from one.
    pub requests: u32,
    /// How old its seed is.
    pub age: Duration,
}

/// A source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceReport {
    /// Its name.
    pub id: &'static str,
    /// What it has in common with others.
    pub class: Class,
    /// Why it is credited.
    pub basis: Basis,
    /// How it came out of the last collection.
    pub standing: Standing,
    /// Bits of that collection that count.
    pub credited: u32,
    /// Bits that it claims for the same bytes.
    pub claimed: u32,
    /// Samples that its health tests have seen.
    pub samples: u64,
    /// Alarms that they have raised.
    pub alarms: u64,
    /// How often it was asked.
    pub asked: u64,
    /// How often it failed.
    pub failures: u64,
    /// How long ago it failed last, and why.
    pub last_failure: Option<(Duration, Fault)>,
    /// How long the last collection took; none where it did not end.
    pub latency: Option<Duration>,
    /// Whether it ever gave bytes in this process.
    pub has_given: bool,
    /// Whether it has failed so often in a row that it is no chance, and was not good for long since.
    pub alarmed: bool,
}

/// How a source came out of its last collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its bytes are in the pool.
    Healthy,
    /// This machine has none.
    Absent,
    /// It is there, and this user may not use it.
    Denied,
    /// It gave no bytes.
    Failed,
    /// It gave none in time.
    TimedOut,
    /// What it gave did not pass its tests.
    Unhealthy,
}

impl Standing {
    fn of(record: &Record) -> Self {
        match record.history.back() {
            Some((_, fault)) if record.credit.is_none() => match fault {
                Fault::Unavailable => Self::Absent,
                Fault::Denied => Self::Denied,
                Fault::Failed | Fault::Refused(_) | Fault::Garbled => Self::Failed,
                Fault::TimedOut => Self::TimedOut,
                Fault::Unhealthy(_) => Self::Unhealthy,
            },
            _ => Self::Healthy,
        }
    }

    /// It in words, for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Absent => "absent",
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl SourceReport {
    fn of(source: &dyn Source, record: &Record, now: Moment) -> Self {
        let (health, basis) = (source.health(), source.basis());
        let newest = record.history.back();
        Self {
            id: source.id(),
            class: source.class(),
            basis,
            standing: Standing::of(record),
            credited: record.credit.unwrap_or(0),
            // A source that claims anything claims each bit that it gives.
            claimed: if basis == Basis::None { 0 } else { 8 * LENGTH as u32 },
            samples: health.samples(),
            alarms: health.alarms(),
            asked: record.asked,
            failures: record.failures,
            last_failure: newest.map(|(at, fault)| (now.elapsed.saturating_sub(*at), *fault)),
            latency: record.latency,
            has_given: record.last_collected.is_some(),
            alarmed: record.alarmed(),
        }
    }

    /// The rate of its last collection, in bytes per second.
    #[must_use]
    pub fn rate(&self) -> Option<u64> {
        let micros = u64::try_from(self.latency?.as_micros()).ok()?;
        Some(LENGTH as u64 * 1_000_000 / micros.max(1))
    }
}

impl Report {
    /// After a collection at `now`, whose outcome this is.
    #[must_use]
    pub fn of(random: &Random, outcome: &Result<(), Error>, low: bool, now: Moment) -> Self {
        let seen =
            |(source, record): (&dyn Source, Option<&Record>)| Some(SourceReport::of(source, record?, now));
        let pool = match (outcome, random.monitor().last()) {
            (Err(why), _) => Err(why.to_string()),
            (Ok(()), Some((_, Ok(tally)))) => Ok(tally),
            (Ok(()), _) => Err("nothing was collected".to_owned()),
        };
        let generator = random.drbg().map(|drbg| GeneratorReport {
            requests: drbg.requests(),
            age: now.elapsed.saturating_sub(drbg.seeded().elapsed),
        });
        let sources = random.watched().filter_map(seen).collect();
        Self { sources, pool, low, generator, memory: secret::status().ok() }
    }
}
