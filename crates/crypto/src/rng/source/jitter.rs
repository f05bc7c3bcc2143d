//! CPU jitter: how long the same work takes, in the style of jitterentropy.

use core::{fmt, hint::black_box};

use sha3::{Digest, Sha3_512, digest::FixedOutputReset};
use zeroize::Zeroize;

use super::{Basis, Class, Fault, LENGTH, Source};
use crate::rng::health::{Alarm, Entropy, Health, State, Window};

/// What is claimed of one sample: a third of a bit, far below the 2.6 and 3.0 bits that NIST's
/// `ea_non_iid` gave for two million of them, since an estimate says nothing about who watches the same
/// machine.
const CLAIM: Entropy = Entropy { bits: 1, samples: 3 };

/// Usable samples for the credit of one collection, three for each bit of the output.
const SAMPLES: u32 = 3 * 8 * LENGTH as u32;

/// The most samples of one collection, those of a start-up test or two included: a timer that keeps
/// failing must not be waited for.
const MOST_SAMPLES: u32 = 4 * SAMPLES;

/// Memory that is walked over: larger than a first-level cache.
const MEMORY: usize = 1 << 20;
/// Steps of the walk between two readings.
const STEPS: usize = 64;

/// The source: walks over memory, hashes, and reads a counter.
pub struct Jitter<C> {
    counter: C,
    last: u64,
    memory: Vec<u8>,
    at: usize,
    hash: Sha3_512,
    state: [u8; LENGTH],
    health: Health,
}

impl<C> fmt::Debug for Jitter<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jitter").field("health", &self.health.state()).finish_non_exhaustive()
    }
}

impl<C> Drop for Jitter<C> {
    fn drop(&mut self) {
        self.state.zeroize();
        self.last.zeroize();
    }
}

impl<C: FnMut() -> u64 + Send> Jitter<C> {
    /// A source over a counter of time as fine as the machine has: nanoseconds, or the time-stamp
    /// counter. It may wrap around.
    #[must_use]
    pub fn new(counter: C) -> Self {
        Self {
            counter,
            last: 0,
            memory: vec![0; MEMORY],
            at: 0,
            hash: Sha3_512::new(),
            state: [0; LENGTH],
            health: Health::raw(CLAIM, Window::Wide),
        }
    }

    /// One raw sample: how far the counter went during a walk over memory and one permutation. The
    /// path depends on the samples before it, so that no cache and no predictor learns it.
    pub fn sample(&mut self) -> u64 {
        for _ in 0..STEPS {
            let step = usize::from(self.state.first().copied().unwrap_or(0));
            self.at = (self.at.wrapping_mul(1_664_525).wrapping_add(1_013_904_223 + step)) % MEMORY;
            if let Some(byte) = black_box(&mut self.memory).get_mut(self.at) {
                *byte = byte.wrapping_add(1);
            }
        }
        self.hash.update(self.state);
        self.hash.update(self.last.to_le_bytes());
        FixedOutputReset::finalize_into_reset(&mut self.hash, (&mut self.state).into());
        let now = (self.counter)();
        let delta = now.wrapping_sub(self.last);
        self.last = now;
        delta
    }

    /// Hashes raw samples until so many of them were usable; those that were not count for nothing.
    fn gather(&mut self, bytes: &mut [u8; LENGTH]) -> Result<(), Fault> {
        let mut pool = Sha3_512::new();
        let (mut usable, mut taken) = (0, 0);
        while usable < SAMPLES {
            let sample = self.sample();
            taken += 1;
            if self.health.push(sample) {
                usable += 1;
                pool.update(sample.to_le_bytes());
            } else if self.health.state() == State::Failed || taken >= MOST_SAMPLES {
                return Err(Fault::Unhealthy(self.health.alarm().unwrap_or(Alarm::Intermittent)));
            } else {
                // What came just before an alarm is no better than what raised it.
                usable = 0;
            }
        }
        FixedOutputReset::finalize_into_reset(&mut pool, bytes.into());
        Ok(())
    }
}

impl<C: FnMut() -> u64 + Send> Source for Jitter<C> {
    fn id(&self) -> &'static str {
        "cpu-jitter"
    }

    fn class(&self) -> Class {
        Class::Jitter
    }

    fn basis(&self) -> Basis {
        Basis::Assessed
    }

    fn health(&self) -> &Health {
        &self.health
    }

    fn health_mut(&mut self) -> &mut Health {
        &mut self.health
    }

    fn collect(&mut self, bytes: &mut [u8; LENGTH]) -> Result<u32, Fault> {
        bytes.zeroize();
        self.gather(bytes)?;
        Ok(SAMPLES * CLAIM.bits / CLAIM.samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream::Stream;

    /// A counter that goes on by what `step` says.
    fn counter(mut step: impl FnMut() -> u64 + Send) -> impl FnMut() -> u64 + Send {
        let mut now = 0_u64;
        move || {
            now = now.wrapping_add(step());
            now
        }
    }

    fn noisy() -> impl FnMut() -> u64 + Send {
        let mut random = Stream::new(b"jitter");
        counter(move || 10_000 + random.word() % 64)
    }

    fn collect(source: &mut impl Source) -> Result<(u32, [u8; LENGTH]), Fault> {
        let mut bytes = [0xaa; LENGTH];
        let result = source.collect(&mut bytes);
        assert!(result.is_ok() || bytes == [0; LENGTH], "a fault leaves zeros");
        result.map(|credit| (credit, bytes))
    }

    #[test]
    fn three_samples_are_taken_for_each_bit_and_the_startup_test_counts_for_none() {
        let mut source = Jitter::new(noisy());
        assert_eq!(collect(&mut source).unwrap().0, 512);
        assert_eq!(source.health().samples(), 1024 + 3 * 512);
        collect(&mut source).unwrap();
        assert_eq!(source.health().samples(), 1024 + 2 * 3 * 512);
    }

    #[test]
    fn the_whole_buffer_is_filled_and_never_twice_the_same() {
        let mut source = Jitter::new(noisy());
        let (first, second) = (collect(&mut source).unwrap().1, collect(&mut source).unwrap().1);
        assert!(first.as_chunks::<8>().0.iter().all(|word| *word != [0; 8]));
        assert_ne!(first, second);
    }

    /// A timer that stands still, that ticks evenly, and that is so coarse that it does both.
    #[test]
    fn a_stuck_or_coarse_timer_is_refused() {
        for step in [0, 1000] {
            let mut source = Jitter::new(counter(move || step));
            assert_eq!(collect(&mut source), Err(Fault::Unhealthy(Alarm::Permanent)), "steps of {step}");
        }
        let mut number = 0_u64;
        let mut source = Jitter::new(counter(move || {
            number += 1;
            if number.is_multiple_of(200) { 1_000_000 } else { 0 }
        }));
        assert_eq!(collect(&mut source), Err(Fault::Unhealthy(Alarm::Permanent)));
    }

    #[test]
    fn a_timer_of_period_two_is_refused() {
        let mut odd = false;
        let mut source = Jitter::new(counter(move || {
            odd = !odd;
            if odd { 1000 } else { 1001 }
        }));
        assert_eq!(collect(&mut source), Err(Fault::Unhealthy(Alarm::Permanent)));
    }

    /// Runs of one hundred are intermittent alarms for ever: the collection ends all the same.
    #[test]
    fn a_timer_that_never_passes_its_startup_test_is_not_waited_for() {
        let mut number = 0_u64;
        let mut source = Jitter::new(counter(move || {
            number += 1;
            number / 100
        }));
        assert_eq!(collect(&mut source), Err(Fault::Unhealthy(Alarm::Intermittent)));
        assert!(source.health().samples() <= u64::from(MOST_SAMPLES));
    }

    #[test]
    fn what_came_before_an_alarm_is_not_credited() {
        let (mut random, mut number) = (Stream::new(b"jitter"), 0_u64);
        let mut source = Jitter::new(counter(move || {
            number += 1;
            if (1500..1600).contains(&number) { 10_000 } else { 10_000 + random.word() % 64 }
        }));
        assert_eq!(collect(&mut source).map(|(credit, _)| credit), Ok(512));
        // Up to the alarm, the start-up test again, and then all that is credited.
        assert!(source.health().samples() > 1500 + 1024 + u64::from(SAMPLES));
    }

    /// On this machine, with the clock that the product uses.
    #[test]
    fn a_real_clock_passes() {
        let nanoseconds = || u64::try_from(qratum_metal::process::since_boot().as_nanos()).unwrap_or(0);
        let mut source = Jitter::new(nanoseconds);
        assert_eq!(collect(&mut source).map(|(credit, _)| credit), Ok(512));
    }
}
