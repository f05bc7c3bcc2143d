//! How often has the machine slept? Whoever copied its memory meanwhile knows what was in it.

use std::{ops::RangeInclusive, time::Duration};

/// Counts resumes, by the time that the machine has slept: it grows in sleep and only then.
#[derive(Debug)]
pub(super) struct Resumes {
    /// The closest bounds of it since the last resume.
    slept: Option<RangeInclusive<Duration>>,
    count: u64,
}

impl Resumes {
    pub(super) const fn new() -> Self {
        Self { slept: None, count: 0 }
    }

    /// How many there were, after one more reading: two whose bounds have nothing in common are not of
    /// one time slept.
    pub(super) fn after(&mut self, slept: RangeInclusive<Duration>) -> u64 {
        let common = self
            .slept
            .as_ref()
            .map(|before| *before.start().max(slept.start())..=*before.end().min(slept.end()));
        if common.as_ref().is_some_and(RangeInclusive::is_empty) {
            self.count = self.count.saturating_add(1);
        }
        self.slept = Some(common.filter(|common| !common.is_empty()).unwrap_or(slept));
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(from: u64, to: u64) -> RangeInclusive<Duration> {
        Duration::from_micros(from)..=Duration::from_micros(to)
    }

    #[test]
    fn a_time_slept_that_cannot_be_the_one_before_is_a_resume() {
        let mut resumes = Resumes::new();
        let readings = [
            (micros(100, 102), 0),
            (micros(102, 103), 0),
            // A process that was held up between its clocks knows little, and nothing speaks of sleep.
            (micros(50, 90_000), 0),
            (micros(100, 102), 0),
            // The bounds of all together: only 102 is left.
            (micros(103, 104), 1),
            (micros(103, 109), 1),
            (micros(5_000_000, 5_000_001), 2),
            // A clock that somebody set back.
            (micros(0, 1), 3),
        ];
        for (slept, count) in readings {
            assert_eq!(resumes.after(slept.clone()), count, "{slept:?}");
        }
    }
}
