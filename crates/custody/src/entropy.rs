//! The sources of randomness of this machine, each on a thread of its own and with a time limit, so
//! that one that hangs is a failed source and not a program that hangs.
//!
//! What a source is worth, and what becomes of all of them together, `qratum_crypto::rng` decides:
//! `Random::start(sources(path)?, now())` is a generator over them.

mod drill;
mod report;
mod resume;
mod timed;
pub mod tpm;
mod watch;

use std::{
    io,
    path::Path,
    process,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use qratum_crypto::rng::source;
pub use qratum_crypto::rng::{
    drbg::{MAX_AGE, Moment, self_test},
    health::Alarm,
    pool::{Insufficient, MIN_TOTAL, Tally},
    random::{Error, Random},
    source::{Basis, Class, Fault, Jitter, LENGTH, Source},
};
use qratum_metal::process::{since_boot, slept};

use self::resume::Resumes;
pub use self::{
    drill::Drills,
    report::{GeneratorReport, Report, SourceReport, Standing},
    timed::Timed,
    watch::Watch,
};
use crate::token::helper::Helper;
pub use crate::token::helper::ID as TOKEN;

/// The names of [`sources`], in their order.
pub const IDS: [&str; 5] = ["system-rng", "cpu-rdseed", "cpu-rdrand", "cpu-jitter", tpm::ID];

/// How long one collection may take. The slowest start-up tests, of a hardware TPM and of jitter on a
/// loaded machine, take some tenths of it.
const LIMIT: Duration = Duration::from_secs(3);

/// The sources: the kernel, the two of the CPU, jitter, and the TPM at `tpm` ([`tpm::DEVICE`], or the
/// socket of a software TPM). What this machine lacks stands there too, and says so when asked.
///
/// # Errors
/// The system gives no thread.
pub fn sources(tpm: &Path) -> io::Result<Vec<Box<dyn Source>>> {
    let mut all = source::local(nanoseconds());
    all.push(Box::new(tpm::source(tpm)));
    let timed = |source| Timed::new(source, LIMIT).map(|timed| Box::new(timed) as Box<dyn Source>);
    all.into_iter().map(timed).collect()
}

/// A generator that is fed by all [`sources`] of this machine.
///
/// # Errors
/// The system gives no thread, or too few sources are well for a seed.
pub fn generator() -> io::Result<Random> {
    Random::start(sources(Path::new(tpm::DEVICE))?, now()).map_err(io::Error::other)
}

/// The generator of a token as one more of the [`sources`].
///
/// # Errors
/// The system gives no thread.
pub fn token(helper: Helper) -> io::Result<Box<dyn Source>> {
    Ok(Box::new(Timed::new(Box::new(helper.source()), LIMIT)?))
}

/// Jitter of this machine to take raw samples from. It is no part of any pool.
#[must_use]
pub fn jitter() -> Jitter<impl FnMut() -> u64 + Send> {
    Jitter::new(nanoseconds())
}

/// The moment that a generator is asked at: resumes are counted from the first call of the process on.
#[must_use]
pub fn now() -> Moment {
    static RESUMES: Mutex<Resumes> = Mutex::new(Resumes::new());
    let resumes = RESUMES.lock().unwrap_or_else(PoisonError::into_inner).after(slept());
    Moment { elapsed: since_boot(), process: process::id(), resumes }
}

/// The clock that jitter reads.
fn nanoseconds() -> impl FnMut() -> u64 + Send + 'static {
    let start = Instant::now();
    move || u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use qratum_crypto::domain;

    use super::*;

    fn nowhere() -> Vec<Box<dyn Source>> {
        sources(Path::new("/nonexistent/tpm")).unwrap()
    }

    #[test]
    fn the_names_are_those_of_the_sources() {
        assert_eq!(nowhere().iter().map(|source| source.id()).collect::<Vec<_>>(), IDS);
    }

    /// On this machine: its kernel and its jitter are enough, with or without the rest.
    #[test]
    fn this_machine_seeds_a_generator() {
        let random = Random::start(nowhere(), now()).unwrap();
        let faults: Vec<_> = random
            .watched()
            .map(|(source, record)| (source.id(), record.unwrap().history.back().map(|(_, fault)| *fault)))
            .collect();
        assert_eq!((faults[0], faults[3]), (("system-rng", None), ("cpu-jitter", None)));
        assert_eq!(faults[4], ("tpm", Some(Fault::Unavailable)));
        assert!(random.watched().all(|(_, record)| record.unwrap().latency.is_some()));
    }

    /// Five seconds asleep, which no age of a seed would tell.
    #[test]
    fn a_generator_takes_a_fresh_seed_after_a_resume() {
        let mut resumes = Resumes::new();
        let mut at = |elapsed, slept| {
            let [elapsed, slept] = [elapsed, slept].map(Duration::from_secs);
            Moment { elapsed, process: 7, resumes: resumes.after(slept..=slept) }
        };
        let (start, awake, woken) = (at(100, 30), at(105, 30), at(111, 35));
        let mut random = Random::start(nowhere(), start).unwrap();
        let mut seeded_at = |moment| {
            random.fill(&mut [0; 32], domain::POSSESSION, moment).unwrap();
            random.drbg().unwrap().seeded()
        };
        assert_eq!([awake, woken].map(&mut seeded_at), [start, woken]);
    }

    /// What `--fail` shows: which outages the pool survives.
    #[test]
    fn a_drill_fails_one_source_and_the_pool_judges_as_ever() {
        let without = |id| {
            let drills = Drills::default();
            drills.begin(id);
            Random::start(nowhere().into_iter().map(|source| drills.under(source)).collect(), now())
        };
        assert!(without("cpu-rdrand").is_ok());
        let refused = without("system-rng");
        assert!(matches!(refused, Err(Error::Insufficient(Insufficient::Kernel(0)))), "{refused:?}");
    }
}
