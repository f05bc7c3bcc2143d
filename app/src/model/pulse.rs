//! How does the chain beat? The last heads, as they were verified here.

use std::collections::VecDeque;

use qratum_chain::types::{BlockId, Height, Time};
use qratum_verifier::{Trusted, quorum::Tally};

/// How many heads are remembered.
const HEADS: usize = 100;

/// A head, and when it was verified here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beat {
    pub(crate) height: Height,
    pub(crate) id: BlockId,
    /// By its header.
    pub(crate) time: Time,
    /// The round in which it was signed, or HotStuff's view.
    pub(crate) round: u64,
    pub(crate) tally: Tally,
    /// By the local clock.
    pub(crate) seen: Time,
}

impl Beat {
    /// From its header's time to its verification here, by the local clock, in ms.
    pub(crate) const fn lag_ms(&self) -> u64 {
        self.seen.0.saturating_sub(self.time.0)
    }
}

/// The last heads, rising.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pulse(VecDeque<Beat>);

impl Pulse {
    /// Takes a head that is above all others.
    pub(super) fn head(&mut self, head: &Trusted, seen: Time) {
        let header = head.header().get();
        if self.0.back().is_some_and(|last| last.height >= header.height) {
            return;
        }
        if self.0.len() >= HEADS {
            self.0.pop_front();
        }
        self.0.push_back(Beat {
            height: header.height,
            id: head.id(),
            time: header.time,
            round: head.round().unwrap_or(0),
            tally: head.tally(),
            seen,
        });
    }

    /// The heads, the newest first.
    pub(crate) fn beats(&self) -> impl DoubleEndedIterator<Item = &Beat> + ExactSizeIterator {
        self.0.iter().rev()
    }

    /// The head at this place, counted from the newest.
    pub(crate) fn beat(&self, place: usize) -> Option<&Beat> {
        self.0.len().checked_sub(place.checked_add(1)?).and_then(|at| self.0.get(at))
    }

    /// Rounds that came to nothing before these heads.
    pub(crate) fn rounds_lost(&self) -> u64 {
        self.0.iter().fold(0, |lost, beat| lost.saturating_add(beat.round))
    }

    /// Heights from the oldest to the newest, and the ms of header time between them; none for less
    /// than two heads.
    pub(crate) fn span(&self) -> Option<(u64, u64)> {
        let (first, last) = (self.0.front()?, self.0.back()?);
        let heights = last.height.0.saturating_sub(first.height.0);
        (heights > 0).then(|| (heights, last.time.0.saturating_sub(first.time.0)))
    }

    /// Blocks in a minute, in tenths; none where that cannot be said.
    pub(crate) fn rate_tenths(&self) -> Option<u64> {
        let (heights, millis) = self.span()?;
        heights.saturating_mul(600_000).checked_div(millis)
    }

    /// Half of the lags are at most this long, in ms.
    pub(crate) fn median_lag_ms(&self) -> Option<u64> {
        let mut lags: Vec<u64> = self.0.iter().map(Beat::lag_ms).collect();
        lags.sort_unstable();
        lags.get(lags.len() / 2).copied()
    }
}
