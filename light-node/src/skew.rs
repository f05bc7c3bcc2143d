//! Is the local clock wrong, and by how much? A pure decision over what peers last answered.
//!
//! Behind: every peer that answers has a block with a time further ahead than the drift allows, and
//! no other rule refuses it. Ahead: heads keep coming at the pace of a clock, yet each is older than
//! the drift, from every peer. A chain that stood still has old heads too, but no new ones; a chain
//! that is being caught up with has new ones faster than time passes.
//!
//! At least two parties must say so, or all, where fewer are pinned: one liar or one late peer says
//! nothing about the clock. Time since the start comes from a clock that nobody sets.
//!
//! How far off is an estimate, and the least of what peers show. A clock that is ahead by more than
//! the trusting period expires the anchor, and looks like that.

use std::{collections::VecDeque, time::Duration};

use qratum_chain::types::{ChainParams, Time};
use qratum_verifier::witness::Parties;

/// Parties that must say so.
const PARTIES: usize = 2;
/// New heads that must have come at the pace of a clock.
const HEADS: usize = 3;
/// The newest of them at most this many block intervals ago ...
const RECENT_INTERVALS: u64 = 5;
/// ... or this long, where blocks are made faster than peers are asked.
const RECENT: Duration = Duration::from_secs(2);

/// What peers show about the local clock.
#[derive(Debug)]
pub(crate) struct Skew {
    drift_ms: i64,
    recent: Duration,
    /// For each peer, how far the local clock was ahead of its tip, in ms; none, when it last gave
    /// no tip that only the clock could refuse.
    tips: Vec<Option<i64>>,
    /// When the last heads came, since the start, and their times; oldest first.
    heads: VecDeque<(Duration, Time)>,
}

impl Skew {
    pub(crate) fn new(peers: usize, params: &ChainParams) -> Self {
        let drift_ms = i64::try_from(params.clock_drift_ms).unwrap_or(i64::MAX);
        let intervals = params.block_interval_ms.saturating_mul(RECENT_INTERVALS);
        let recent = Duration::from_millis(intervals).max(RECENT);
        Self { drift_ms, recent, tips: vec![None; peers], heads: VecDeque::new() }
    }

    /// A peer answered with a tip of this time that nothing but the clock could refuse.
    pub(crate) fn tip(&mut self, peer: usize, time: Time, now: Time) {
        if let Some(tip) = self.tips.get_mut(peer) {
            *tip = Some(ahead(now, time));
        }
    }

    /// A peer gave no such tip, or is gone.
    pub(crate) fn no_tip(&mut self, peer: usize) {
        if let Some(tip) = self.tips.get_mut(peer) {
            *tip = None;
        }
    }

    /// A tip with this header time became the head.
    pub(crate) fn head(&mut self, time: Time, elapsed: Duration) {
        if self.heads.len() >= HEADS {
            self.heads.pop_front();
        }
        self.heads.push_back((elapsed, time));
    }

    /// How far the local clock is ahead, in ms; negative when it is behind; none when it is fine or
    /// nobody can say.
    pub(crate) fn offset_ms(&self, parties: &Parties, elapsed: Duration) -> Option<i64> {
        let said = || self.tips.iter().enumerate().filter_map(|(peer, tip)| tip.map(|tip| (peer, tip)));
        if parties.distinct(said().map(|(peer, _)| peer)).len() < parties.count().min(PARTIES) {
            return None;
        }
        let least_ahead = said().map(|(_, tip)| tip).min()?;
        let least_behind = said().map(|(_, tip)| tip).max()?;
        // As the rule of the verifier has it, a header exactly the drift ahead is refused.
        if least_behind <= self.drift_ms.saturating_neg() {
            return Some(least_behind);
        }
        (least_ahead > self.drift_ms && self.keeps_pace(elapsed)).then_some(least_ahead)
    }

    /// Heads still come, and their times pass no faster than time does.
    fn keeps_pace(&self, elapsed: Duration) -> bool {
        let (Some((first, from)), Some((last, to))) = (self.heads.front(), self.heads.back()) else {
            return false;
        };
        let passed = i64::try_from(last.saturating_sub(*first).as_millis()).unwrap_or(i64::MAX);
        self.heads.len() == HEADS
            && elapsed.saturating_sub(*last) <= self.recent
            && ahead(*to, *from) <= passed.saturating_add(self.drift_ms)
    }
}

/// `a` less `b`, in ms.
fn ahead(a: Time, b: Time) -> i64 {
    i64::try_from(i128::from(a.0).saturating_sub(i128::from(b.0))).unwrap_or(if a > b {
        i64::MAX
    } else {
        i64::MIN
    })
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use qratum_verifier::witness::{Address, Source};

    use super::*;

    const HOUR: i64 = 3_600_000;
    /// The true time at the start.
    const START: u64 = 1_800_000_000_000;

    /// Peers of these operators.
    fn parties(operators: &[&str]) -> Parties {
        let at = |key| [Address::Socket(SocketAddr::from((Ipv4Addr::new(10, 0, 0, key), 1)))];
        let keys: Vec<_> = (1u8..).zip(operators).map(|(key, _)| ([key], at(key))).collect();
        let sources = operators.iter().zip(&keys);
        let sources = sources.map(|(operator, (key, addresses))| Source { operator, addresses, key });
        Parties::of(&sources.collect::<Vec<_>>())
    }

    /// 1 s blocks and a drift of 10 s.
    fn skew(peers: usize) -> Skew {
        Skew::new(peers, &ChainParams::default())
    }

    /// Six blocks, made every `pace` ms and taken every second, from peers in turn, with a local
    /// clock that is `offset` off.
    fn followed(skew: &mut Skew, peers: usize, offset: i64, pace: u64) -> Duration {
        let mut elapsed = Duration::ZERO;
        for block in 1..=6u64 {
            elapsed = Duration::from_secs(block);
            let made = Time(START + block * pace);
            skew.tip(
                block as usize % peers,
                made,
                Time((START + block * 1000).saturating_add_signed(offset)),
            );
            skew.head(made, elapsed);
        }
        elapsed
    }

    #[test]
    fn a_clock_that_is_right_says_nothing() {
        let two = parties(&["a", "b"]);
        for offset in [0, 9_000, -9_000] {
            let mut skew = skew(2);
            let elapsed = followed(&mut skew, 2, offset, 1000);
            assert_eq!(skew.offset_ms(&two, elapsed), None, "{offset}");
        }
    }

    #[test]
    fn a_clock_ahead_shows_while_heads_keep_coming() {
        let mut skew = skew(2);
        let elapsed = followed(&mut skew, 2, HOUR, 1000);
        let two = parties(&["a", "b"]);
        assert_eq!(skew.offset_ms(&two, elapsed), Some(HOUR));
        assert_eq!(skew.offset_ms(&two, elapsed + Duration::from_millis(5000)), Some(HOUR));
        assert_eq!(skew.offset_ms(&two, elapsed + Duration::from_millis(5001)), None, "none comes any more");
    }

    #[test]
    fn catching_up_is_not_a_wrong_clock() {
        let mut skew = skew(2);
        let elapsed = followed(&mut skew, 2, 4 * HOUR, 60_000);
        assert_eq!(skew.offset_ms(&parties(&["a", "b"]), elapsed), None);
    }

    #[test]
    fn two_heads_are_too_few() {
        let mut skew = skew(1);
        for second in 1..=3 {
            assert_eq!(skew.offset_ms(&parties(&["a"]), Duration::from_secs(second)), None);
            let made = Time(START + second * 1000);
            skew.tip(0, made, made.plus(60_000));
            skew.head(made, Duration::from_secs(second));
        }
        assert_eq!(skew.offset_ms(&parties(&["a"]), Duration::from_secs(3)), Some(60_000));
    }

    #[test]
    fn a_clock_behind_shows_from_the_drift_on_and_by_the_least() {
        let (now, two) = (Time(START), parties(&["a", "b"]));
        let said = |first: u64, second: u64| {
            let mut skew = skew(2);
            skew.tip(0, now.plus(first), now);
            skew.tip(1, now.plus(second), now);
            skew.offset_ms(&two, Duration::ZERO)
        };
        assert_eq!(said(10_000, 10_000), Some(-10_000));
        assert_eq!(said(9_999, 10_000), None);
        assert_eq!(said(3_600_000, 7_200_000), Some(-HOUR));
    }

    #[test]
    fn one_party_of_several_says_nothing_and_a_single_one_does() {
        let (now, late) = (Time(START), Time(START + 60_000));
        let mut skew = skew(3);
        skew.tip(0, late, now);
        skew.tip(1, late, now);
        let offset = |skew: &Skew, operators: &[&str]| skew.offset_ms(&parties(operators), Duration::ZERO);
        assert_eq!(offset(&skew, &["a", "a", "b"]), None);
        assert_eq!(offset(&skew, &["a", "a", "a"]), Some(-60_000));
        assert_eq!(offset(&skew, &["a", "b", "c"]), Some(-60_000));
        skew.tip(2, now, now);
        assert_eq!(offset(&skew, &["a", "b", "c"]), None, "one peer's block is fine");
        skew.no_tip(2);
        skew.no_tip(1);
        assert_eq!(offset(&skew, &["a", "b", "c"]), None);
    }

    #[test]
    fn times_of_any_size_do_not_overflow() {
        let mut skew = skew(1);
        skew.tip(0, Time(u64::MAX), Time(0));
        assert_eq!(skew.offset_ms(&parties(&["a"]), Duration::ZERO), Some(i64::MIN));
        for second in 0..3 {
            skew.head(Time(0), Duration::from_secs(second));
        }
        skew.tip(0, Time(0), Time(u64::MAX));
        assert_eq!(skew.offset_ms(&parties(&["a"]), Duration::from_secs(2)), Some(i64::MAX));
    }
}
