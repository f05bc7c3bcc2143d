//! Does the time that a function takes depend on its secret? A Welch t-test in the manner of dudect
//! (Reparaz, Balasch, Verbauwhede, 2017): one class of calls has always the same secret, the other a
//! random one each, in random order; unequal means give the secret away.
//!
//! Only the secret differs: all else is the same in both classes. All inputs are made before the
//! first call. Interruptions of the machine make long calls that tell nothing, so the test is also
//! made on calls below certain percentiles; the largest |t| counts.

use std::{hint::black_box, time::Instant};

use qratum_crypto::hash::sha3_512;
use serde::Serialize;

use super::Case;

/// The fewest calls in each class.
pub const LEAST_SAMPLES: usize = 10_000;

/// From this |t| on the classes differ: by chance once in 100,000 runs.
pub const THRESHOLD: f64 = 4.5;

/// Each byte of the fixed secret.
pub const FIXED: u8 = 0x5a;

/// The parts of the calls, from the fastest, on which the test is made.
const CROPS: [f64; 5] = [0.5, 0.75, 0.9, 0.99, 1.0];

/// What the clock says of a function.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Verdict {
    /// Calls in the smaller class.
    pub samples: usize,
    /// The largest |t|, in thousandths.
    pub t_milli: u64,
    /// Whether it is at or above [`THRESHOLD`].
    pub leaks: bool,
}

/// Times of calls, in nanoseconds, by class: of the fixed secret, and of random ones.
#[derive(Clone, Debug, Default)]
pub struct Times {
    /// With the fixed secret.
    pub fixed: Vec<f64>,
    /// With random secrets.
    pub random: Vec<f64>,
}

/// Calls the case so often in each class, and judges the times.
#[must_use]
pub fn test(case: &Case, samples: usize) -> Verdict {
    let times = measure(case, samples);
    let t = largest(&times).abs();
    let samples = times.fixed.len().min(times.random.len());
    Verdict { samples, t_milli: milli(t), leaks: t >= THRESHOLD }
}

/// In thousandths, as documents have it: their numbers are integers.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "below zero and above 2^64 saturate"
)]
pub(super) fn milli(value: f64) -> u64 {
    (value * 1000.0).round() as u64
}

/// `2 * samples` calls of a random class each, and as many more as it takes until both have enough.
fn measure(case: &Case, samples: usize) -> Times {
    let mut draws = Draws::new(case.name);
    let fixed = vec![FIXED; case.length];
    let mut inputs = Vec::new();
    let mut counts = [0; 2];
    while counts.iter().any(|count| *count < samples) {
        let is_fixed = draws.coin();
        counts = if is_fixed { [counts[0] + 1, counts[1]] } else { [counts[0], counts[1] + 1] };
        let random = draws.bytes(case.length);
        inputs.push((is_fixed, if is_fixed { fixed.clone() } else { random }));
    }
    let mut times = Times::default();
    // All secrets lie in one place when they are used: where they come from must not be measured.
    let mut place = vec![0; case.length];
    for (is_fixed, input) in &inputs {
        place.copy_from_slice(input);
        let start = Instant::now();
        (case.run)(black_box(&place));
        let took = start.elapsed().as_nanos();
        #[expect(clippy::cast_precision_loss, reason = "a call takes less than 2^53 ns")]
        if *is_fixed { &mut times.fixed } else { &mut times.random }.push(took as f64);
    }
    times
}

/// The t of largest magnitude over all crops.
#[must_use]
pub fn largest(times: &Times) -> f64 {
    let mut all: Vec<f64> = times.fixed.iter().chain(&times.random).copied().collect();
    all.sort_by(f64::total_cmp);
    let below = |crop: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a length")]
        #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
        let limit = all.get(((all.len() as f64 * crop) as usize).saturating_sub(1)).copied();
        let kept = |class: &[f64]| class.iter().copied().filter(|time| Some(*time) <= limit).collect();
        let (fixed, random): (Vec<f64>, Vec<f64>) = (kept(&times.fixed), kept(&times.random));
        welch(&fixed, &random)
    };
    CROPS.map(below).into_iter().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(0.0)
}

/// `t = (mean_a - mean_b) / sqrt(var_a / n_a + var_b / n_b)`; 0 where a class has fewer than two, or
/// nothing varies.
fn welch(a: &[f64], b: &[f64]) -> f64 {
    let ((mean_a, error_a), (mean_b, error_b)) = (moments(a), moments(b));
    let error = (error_a + error_b).sqrt();
    if a.len() < 2 || b.len() < 2 || error == 0.0 { 0.0 } else { (mean_a - mean_b) / error }
}

/// The mean, and the variance of the mean.
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, variance / n)
}

/// Reproducible draws: a secret of the test is no secret.
struct Draws {
    name: &'static str,
    counter: u64,
}

impl Draws {
    const fn new(name: &'static str) -> Self {
        Self { name, counter: 0 }
    }

    fn block(&mut self) -> [u8; 64] {
        self.counter += 1;
        sha3_512(&[self.name.as_bytes(), &self.counter.to_le_bytes()].concat())
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            bytes.extend(self.block());
        }
        bytes.truncate(length);
        bytes
    }

    fn coin(&mut self) -> bool {
        self.block()[0] & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_is_that_of_the_textbook() {
        // Means 3 and 6, variances 2.5 and 10, five each: -3 / sqrt(0.5 + 2).
        let t = welch(&[1.0, 2.0, 3.0, 4.0, 5.0], &[2.0, 4.0, 6.0, 8.0, 10.0]);
        assert!((t + 3.0 / 2.5_f64.sqrt()).abs() < 1e-12, "{t}");
        assert!((welch(&[1.0, 1.0], &[1.0, 1.0])).abs() < 1e-12);
    }

    /// Noise that both classes share, and in one a nanosecond more.
    #[test]
    fn a_nanosecond_in_a_noisy_microsecond_is_found_and_none_is_not() {
        let mut draws = Draws::new("noise");
        let mut noise = || {
            let block = draws.block();
            // Mostly a bell of some 40 ns, and one call in 256 that was interrupted.
            let bell: u32 = block[..16].iter().map(|byte| u32::from(*byte)).sum();
            f64::from(1000 + bell / 8) + if block[16] == 0 { 50_000.0 } else { 0.0 }
        };
        let mut times = Times::default();
        for _ in 0..20_000 {
            times.fixed.push(noise());
            times.random.push(noise());
        }
        assert!(largest(&times).abs() < THRESHOLD, "{}", largest(&times));
        times.random.iter_mut().for_each(|time| *time += 2.0);
        assert!(largest(&times) < -THRESHOLD, "{}", largest(&times));
    }
}
