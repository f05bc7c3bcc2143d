//! Whom to follow first, and whom to ask nothing at all? A pure decision over what peers answered.
//!
//! A *ban* needs a lie that the answer itself proves: the verifier refused it and blames the peer,
//! or it was no answer to the question. A banned peer is hung up on and not dialled until the ban
//! is over. Each ban is twice as long as the one before, up to [`Ban::LONGEST`]; after that long
//! without a lie the count starts over. Bans are not kept over a restart.
//!
//! Everything else costs *demerits*: an answer that was late or broke off, a tip that its peer did
//! not lead to, whether it hung up, stood still or lacked a block. They never shut a peer out. Who
//! has more of them than another connected peer may not lead to a far tip; one goes with each turn,
//! so nobody stays back for ever.
//!
//! What only the clock refuses costs nothing, and neither does having fewer blocks than others.
//! Time is counted from the start by a clock that nobody sets, so that a wrong one bans nobody and
//! lifts no ban.

use std::time::Duration;

use qratum_verifier::Blame;

use crate::{Ban, Reason};

/// What an answer costs that was late or broke off.
const LATE: u32 = 2;
/// What the first offer costs that did not lead to its tip; each further one in a row costs twice
/// as much as the one before ...
const FALSE_OFFER: u32 = 30;
/// ... up to this many times in a row.
const MOST_OFFERS: u32 = 4;
/// The most demerits a peer can have.
const MOST_DEMERITS: u32 = FALSE_OFFER.saturating_mul(2u32.saturating_pow(MOST_OFFERS));

/// How one peer has done.
#[derive(Clone, Debug, Default)]
struct Standing {
    demerits: u32,
    /// Offers in a row that did not lead to their tip.
    false_offers: u32,
    /// Bans in a row.
    bans: u32,
    /// When the last one ends or ended, since the start.
    banned_until: Option<Duration>,
}

/// How every peer has done, in the order of the configuration.
#[derive(Debug)]
pub(crate) struct Scores(Vec<Standing>);

impl Scores {
    pub(crate) fn new(peers: usize) -> Self {
        Self(vec![Standing::default(); peers])
    }

    /// A peer's answer was refused, or did not come. Returns how long it is banned for, and how
    /// many bans in a row that makes; nothing while it is banned already.
    pub(crate) fn refused(
        &mut self,
        peer: usize,
        reason: &Reason,
        elapsed: Duration,
    ) -> Option<(Duration, u32)> {
        let standing = self.0.get_mut(peer).filter(|standing| !standing.is_banned(elapsed))?;
        match price(reason) {
            Price::Nothing => None,
            Price::Demerits(demerits) => {
                standing.add(demerits);
                None
            }
            Price::Ban => Some(standing.ban(elapsed)),
        }
    }

    /// A peer offered a tip and did not lead there.
    pub(crate) fn false_offer(&mut self, peer: usize) {
        if let Some(standing) = self.0.get_mut(peer) {
            let doubled = 2u32.saturating_pow(standing.false_offers.min(MOST_OFFERS));
            standing.add(FALSE_OFFER.saturating_mul(doubled));
            standing.false_offers = standing.false_offers.saturating_add(1);
        }
    }

    /// A peer led to a tip.
    pub(crate) fn kept_offer(&mut self, peer: usize) {
        if let Some(standing) = self.0.get_mut(peer) {
            (standing.demerits, standing.false_offers) = (0, 0);
        }
    }

    /// A peer's turn has come.
    pub(crate) fn turn(&mut self, peer: usize) {
        if let Some(standing) = self.0.get_mut(peer) {
            standing.demerits = standing.demerits.saturating_sub(1);
        }
    }

    pub(crate) fn is_banned(&self, peer: usize, elapsed: Duration) -> bool {
        self.0.get(peer).is_some_and(|standing| standing.is_banned(elapsed))
    }

    pub(crate) fn demerits(&self, peer: usize) -> u32 {
        self.0.get(peer).map_or(0, |standing| standing.demerits)
    }

    /// Whether none of the `others` has fewer demerits.
    pub(crate) fn may_lead(&self, peer: usize, others: &[usize]) -> bool {
        let own = self.demerits(peer);
        others.iter().all(|other| self.demerits(*other) >= own)
    }
}

impl Standing {
    fn is_banned(&self, elapsed: Duration) -> bool {
        self.banned_until.is_some_and(|until| elapsed < until)
    }

    fn add(&mut self, demerits: u32) {
        self.demerits = self.demerits.saturating_add(demerits).min(MOST_DEMERITS);
    }

    fn ban(&mut self, elapsed: Duration) -> (Duration, u32) {
        let forgiven = |until: Duration| elapsed.saturating_sub(until) >= Ban::LONGEST;
        if self.banned_until.is_some_and(forgiven) {
            self.bans = 0;
        }
        let doubled = 2u32.saturating_pow(self.bans);
        let length = Ban::FIRST.saturating_mul(doubled).min(Ban::LONGEST);
        self.bans = self.bans.saturating_add(1);
        self.banned_until = Some(elapsed.saturating_add(length));
        (length, self.bans)
    }
}

enum Price {
    Nothing,
    Demerits(u32),
    Ban,
}

fn price(reason: &Reason) -> Price {
    match reason {
        Reason::Rejected(reject) => match reject.blame() {
            Blame::Peer => Price::Ban,
            Blame::Nobody => Price::Nothing,
        },
        Reason::Malformed(_) | Reason::OffTopic => Price::Ban,
        Reason::TimedOut | Reason::Cut | Reason::NoProtocol => Price::Demerits(LATE),
        // An offer that was not kept is paid for where the walk ends, whatever ended it. And who
        // answers with another key is not the pinned peer, which may just be away.
        Reason::Missing(_) | Reason::NoProgress | Reason::WrongKey => Price::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use qratum_chain::types::{Height, Time};
    use qratum_verifier::Reject;

    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn lie() -> Reason {
        Reason::Rejected(Reject::BadSignature { signer: 0 })
    }

    #[test]
    fn only_what_proves_a_lie_bans() {
        let (got, now) = (Time(2), Time(1));
        let clock = [
            Reason::Rejected(Reject::TimeInFuture { got, most: now }),
            Reason::Rejected(Reject::TrustExpired { at: now, now: got }),
            Reason::Rejected(Reject::CheckpointExpired { at: now, now: got }),
        ];
        let late = [Reason::TimedOut, Reason::Cut, Reason::NoProtocol];
        let other = [Reason::Missing(Height(9)), Reason::NoProgress, Reason::WrongKey];
        let mut scores = Scores::new(1);
        for reason in clock.iter().chain(&other) {
            assert_eq!(scores.refused(0, reason, at(0)), None, "{reason:?}");
            assert_eq!(scores.demerits(0), 0, "{reason:?}");
        }
        for (times, reason) in (1..).zip(&late) {
            assert_eq!(scores.refused(0, reason, at(0)), None, "{reason:?}");
            assert_eq!(scores.demerits(0), times * LATE, "{reason:?}");
        }
        for reason in [lie(), Reason::Malformed("garbage".to_owned()), Reason::OffTopic] {
            let mut scores = Scores::new(2);
            assert_eq!(scores.refused(1, &reason, at(0)), Some((Ban::FIRST, 1)), "{reason:?}");
            assert!(scores.is_banned(1, at(0)) && !scores.is_banned(0, at(0)));
        }
    }

    #[test]
    fn bans_grow_to_a_bound_and_end_by_themselves() {
        let (mut scores, mut now, mut lengths) = (Scores::new(1), at(5), Vec::new());
        for count in 1..=9 {
            let (length, counted) = scores.refused(0, &lie(), now).unwrap();
            assert_eq!(counted, count);
            lengths.push(length.as_secs());
            assert!(scores.is_banned(0, now + length - Duration::from_millis(1)));
            assert_eq!(scores.refused(0, &lie(), now), None, "once is enough");
            now += length;
            assert!(!scores.is_banned(0, now));
        }
        assert_eq!(lengths, [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
        now += Ban::LONGEST - at(1);
        assert_eq!(scores.refused(0, &lie(), now), Some((Ban::LONGEST, 10)));
        now += Ban::LONGEST + Ban::LONGEST;
        assert_eq!(scores.refused(0, &lie(), now), Some((Ban::FIRST, 1)), "long enough without one");
    }

    #[test]
    fn offers_that_are_not_kept_cost_more_each_time_and_one_that_is_makes_good() {
        let mut scores = Scores::new(2);
        let mut costs = Vec::new();
        for _ in 0..7 {
            scores.false_offer(0);
            costs.push(scores.demerits(0));
            (0..=MOST_DEMERITS).for_each(|_| scores.turn(0));
            assert_eq!(scores.demerits(0), 0, "nobody stays back for ever");
        }
        assert_eq!(costs, [30, 60, 120, 240, 480, 480, 480]);
        scores.false_offer(0);
        scores.false_offer(0);
        assert_eq!(scores.demerits(0), MOST_DEMERITS);
        scores.kept_offer(0);
        scores.false_offer(0);
        assert_eq!(scores.demerits(0), FALSE_OFFER);
        assert!(!scores.may_lead(0, &[0, 1]) && scores.may_lead(1, &[0, 1]));
        assert!(scores.may_lead(0, &[0]), "with nobody else there");
    }
}
