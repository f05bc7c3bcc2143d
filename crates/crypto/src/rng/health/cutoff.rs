//! From which count on a stream is no longer believed: SP 800-90B, sections 4.4.1 and 4.4.2.

use core::iter::successors;

/// A claim of min-entropy, as a ratio, so that a third of a bit is exact: `bits` in each `samples`
/// samples. Neither may be zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entropy {
    /// Bits, numerator.
    pub bits: u32,
    /// Samples, denominator.
    pub samples: u32,
}

impl Entropy {
    /// The largest probability of one value of a sample that this claim allows: `p = 2^-H`.
    fn probability(self) -> f64 {
        (-f64::from(self.bits) / f64::from(self.samples)).exp2()
    }
}

/// How many samples one window of the adaptive proportion test holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Samples that are one of two values: 1024.
    Binary,
    /// Samples of more values: 512.
    Wide,
}

impl Window {
    /// The number of samples.
    #[must_use]
    pub const fn samples(self) -> u32 {
        match self {
            Self::Binary => 1024,
            Self::Wide => 512,
        }
    }
}

/// The counts at which the two tests raise an alarm, each wrongly with a probability of `2^-alpha`
/// for a source that is as good as claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cutoffs {
    /// So many equal samples in a row.
    pub repetition: u32,
    /// So many samples of one window equal to its first.
    pub proportion: u32,
}

impl Cutoffs {
    /// The cutoffs for a claim of `entropy`.
    #[must_use]
    pub fn new(entropy: Entropy, window: Window, alpha: u32) -> Self {
        Self {
            repetition: repetition(entropy, alpha),
            proportion: proportion(entropy.probability(), window.samples(), alpha),
        }
    }
}

/// `C = 1 + ceil(alpha / H)`, in integers.
fn repetition(entropy: Entropy, alpha: u32) -> u32 {
    1 + (alpha * entropy.samples).div_ceil(entropy.bits)
}

/// `C = 1 + min { c : P(X > c) <= 2^-alpha }`, X ~ Binomial(window, p), and at least 2, as the first
/// sample of a window always equals itself.
///
/// The tail is summed from its small end, and never taken as one minus the rest: all terms are
/// positive, so each step of the recurrence costs a few units in the last place and the sum is right
/// to 12 digits. Terms are relative to the largest, so that none that counts underflows.
fn proportion(p: f64, window: u32, alpha: u32) -> u32 {
    let weights = binomial(p, window);
    let limit = weights.iter().sum::<f64>() * (-f64::from(alpha)).exp2();
    let mut tail = 0.0;
    let rare = weights.iter().rev().take_while(|weight| {
        tail += **weight;
        tail <= limit
    });
    // So many of the counts 0..=window are too rare, from the top; the cutoff is the least of them.
    let rare = u32::try_from(rare.count()).unwrap_or(u32::MAX);
    (window + 1).saturating_sub(rare).max(2)
}

/// `P(X = k)` for k in `0..=n`, X ~ Binomial(n, p), all divided by the largest.
fn binomial(p: f64, n: u32) -> Vec<f64> {
    let odds = p / (1.0 - p);
    // The whole part of a number between 0 and n + 1.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and n")]
    let mode = ((f64::from(n + 1) * p) as u32).min(n);
    let down = successors(Some((mode, 1.0)), |(k, weight)| {
        (*k > 0).then(|| (k - 1, weight * f64::from(*k) / f64::from(n - k + 1) / odds))
    });
    let up = successors(Some((mode, 1.0)), |(k, weight)| {
        (*k < n).then(|| (k + 1, weight * f64::from(n - k) / f64::from(k + 1) * odds))
    });
    let mut weights: Vec<f64> = down.skip(1).map(|(_, weight)| weight).collect();
    weights.reverse();
    weights.extend(up.map(|(_, weight)| weight));
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn entropy(bits: u32, samples: u32) -> Entropy {
        Entropy { bits, samples }
    }

    /// Repetitions, of a wide window, of a binary window.
    type Row = (Entropy, [u32; 4], [u32; 4], [u32; 4]);

    /// Computed with decimals of 120 digits, at alpha 20, 30, 40 and 60.
    const TABLE: [Row; 7] = [
        (entropy(1, 3), [61, 91, 121, 181], [449, 458, 466, 479], [873, 888, 900, 919]),
        (entropy(1, 2), [41, 61, 81, 121], [410, 422, 432, 447], [793, 810, 824, 847]),
        (entropy(1, 1), [21, 31, 41, 61], [311, 325, 336, 355], [589, 609, 625, 652]),
        (entropy(2, 1), [11, 16, 21, 31], [177, 190, 201, 220], [325, 343, 358, 384]),
        (entropy(4, 1), [6, 9, 11, 16], [62, 71, 78, 91], [105, 116, 126, 143]),
        (entropy(15, 2), [4, 5, 7, 9], [15, 19, 22, 28], [21, 26, 30, 38]),
        (entropy(8, 1), [4, 5, 6, 9], [13, 16, 19, 25], [18, 22, 26, 33]),
    ];

    #[test]
    fn cutoffs_are_those_of_the_exact_table() {
        for (entropy, repetitions, wide, binary) in TABLE {
            for (i, alpha) in [20, 30, 40, 60].into_iter().enumerate() {
                let (of_wide, of_binary) = (
                    Cutoffs::new(entropy, Window::Wide, alpha),
                    Cutoffs::new(entropy, Window::Binary, alpha),
                );
                let got = (of_wide.repetition, of_wide.proportion, of_binary.proportion);
                assert_eq!(got, (repetitions[i], wide[i], binary[i]), "{entropy:?} at 2^-{alpha}");
            }
        }
    }

    #[test]
    fn weights_are_the_binomial_distribution() {
        // P(X = k) for n = 4 and p = 1/4 is C(4, k) 3^(4-k) / 256: 81, 108, 54, 12, 1.
        let weights = binomial(0.25, 4);
        let expected = [81.0, 108.0, 54.0, 12.0, 1.0].map(|count: f64| count / 108.0);
        assert_eq!(weights.len(), expected.len());
        for (weight, expected) in weights.iter().zip(expected) {
            assert!((weight - expected).abs() < 1e-15, "{weights:?}");
        }
    }

    /// Where one value of 2^64 comes twice in a window, that alone is an alarm, and never the first.
    #[test]
    fn a_cutoff_is_never_below_two() {
        let cutoffs = Cutoffs::new(entropy(64, 1), Window::Wide, 30);
        assert_eq!(cutoffs, Cutoffs { repetition: 2, proportion: 2 });
    }
}
