//! Which clocks of the height run, and when does the next one run out?

use std::collections::BTreeMap;

use crate::engine::{Timer, TimerKind};

/// No clock is longer, in milliseconds.
const LONGEST_MS: u64 = 60_000;

/// Running clocks and the uptime at which each runs out.
#[derive(Debug, Default)]
pub(super) struct Clocks(BTreeMap<Timer, u64>);

impl Clocks {
    pub(super) fn start(&mut self, timer: Timer, uptime_ms: u64) {
        self.0.insert(timer, uptime_ms.saturating_add(length_ms(timer)));
    }

    /// `false` when it did not run.
    pub(super) fn stop(&mut self, timer: Timer) -> bool {
        self.0.remove(&timer).is_some()
    }

    pub(super) fn stop_all(&mut self) {
        self.0.clear();
    }

    /// The uptime at which the next one runs out; the end of time when none runs.
    pub(super) fn next_ms(&self) -> u64 {
        self.0.values().copied().min().unwrap_or(u64::MAX)
    }

    /// Those that have run out.
    pub(super) fn due(&self, uptime_ms: u64) -> Vec<Timer> {
        self.0.iter().filter(|(_, at)| **at <= uptime_ms).map(|(timer, _)| *timer).collect()
    }
}

/// How long a clock runs: longer with each round, so that slow rounds end in agreement.
fn length_ms(timer: Timer) -> u64 {
    let growth = u64::from(timer.round.0).saturating_mul(500);
    let first = match timer.kind {
        TimerKind::Propose => 1_000,
        TimerKind::Prevote | TimerKind::Precommit => 500,
        TimerKind::Rebroadcast => return 1_000,
    };
    growth.saturating_add(first).min(LONGEST_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use qratum_chain::types::Round;

    #[test]
    fn clocks_grow_with_the_round_up_to_a_bound() {
        let ms = |kind, round| length_ms(Timer { kind, round: Round(round) });
        assert_eq!([0, 1, 4].map(|r| ms(TimerKind::Propose, r)), [1_000, 1_500, 3_000]);
        assert_eq!([0, 1].map(|r| ms(TimerKind::Precommit, r)), [500, 1_000]);
        assert_eq!(ms(TimerKind::Propose, u32::MAX), LONGEST_MS);
        assert_eq!(ms(TimerKind::Rebroadcast, 9), 1_000);
    }

    #[test]
    fn a_clock_that_was_stopped_is_never_due() {
        let mut clocks = Clocks::default();
        let timer = |round| Timer { kind: TimerKind::Propose, round: Round(round) };
        clocks.start(timer(1), 0);
        clocks.start(timer(0), 0);
        assert_eq!((clocks.next_ms(), clocks.due(999), clocks.due(1_000)), (1_000, vec![], vec![timer(0)]));
        assert!(clocks.stop(timer(0)) && !clocks.stop(timer(0)));
        assert_eq!((clocks.due(1_499), clocks.due(1_500)), (vec![], vec![timer(1)]));
        clocks.stop_all();
        assert_eq!(clocks.next_ms(), u64::MAX);
    }
}
