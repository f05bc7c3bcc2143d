//! Whom is a transaction handed to next, by which channel, and when is it delivered? Validators by TCP,
//! then by Tor, then by I2P, until it stands in a block, or so many that it was not handed to say that it
//! waits that one of them is honest: whoever takes it and keeps it to itself ends nothing, and neither does
//! a friend of theirs who says that it waits.
//!
//! Pure: what was tried, and when, are arguments. [`crate::LightNode::deliver`] carries it out.

use core::fmt;
use std::{collections::BTreeMap, time::Duration};

use qratum_chain::ledger::registry::Refusal;
use qratum_verifier::witness::Parties;

use crate::channel::{Channel, Tries};

/// A channel to a validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lane {
    /// By which channel; the first one is tried with all, before the next is.
    pub channel: Channel,
    /// Whom, by its place among the peers.
    pub peer: usize,
}

/// Why a lane did not lead to a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It failed three times in a row: it is not tried for so long.
    Blocked(Duration),
    /// `config.toml` names no proxy that leads there.
    NoProxy,
    /// No connection; in the words of the stack.
    Unreachable(String),
    /// Somebody else's key answered.
    WrongKey,
    /// No whole answer in time.
    Silent,
    /// What came is no answer to a submission.
    OffTopic,
    /// It says that it has no room.
    Busy,
    /// It says that the transaction cannot be carried out.
    Refused(Refusal),
    /// It says that it took it, and nobody else has it.
    Unseen,
}

impl Failure {
    /// Whether the lane is to blame: an answer of its own accord is none.
    const fn is_of_the_way(&self) -> bool {
        !matches!(self, Self::Blocked(_) | Self::NoProxy | Self::Busy | Self::Refused(_))
    }

    /// Its name, as documents have it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Blocked(_) => "blocked",
            Self::NoProxy => "no-proxy",
            Self::Unreachable(_) => "unreachable",
            Self::WrongKey => "wrong-key",
            Self::Silent => "silent",
            Self::OffTopic => "off-topic",
            Self::Busy => "busy",
            Self::Refused(_) => "refused",
            Self::Unseen => "unseen",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blocked(left) => write!(f, "blocked after three failures, for {} s more", left.as_secs()),
            Self::NoProxy => f.write_str("no proxy is set in [channels] of config.toml"),
            Self::Unreachable(why) => write!(f, "no connection: {why}"),
            Self::WrongKey => f.write_str("another key than the pinned one answered"),
            Self::Silent => f.write_str("no answer in time"),
            Self::OffTopic => f.write_str("it answered something else"),
            Self::Busy => f.write_str("it has no room now"),
            Self::Refused(why) => write!(f, "it refused: {why}"),
            Self::Unseen => f.write_str("it says that it took it, but no other validator has it"),
        }
    }
}

/// One try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The lane.
    pub lane: Lane,
    /// What is known against it; nothing, where the transaction was seen behind it.
    pub failure: Option<Failure>,
}

/// What lanes have been worth so far, over many deliveries.
#[derive(Clone, Debug, Default)]
pub struct Lanes(BTreeMap<Lane, Tries>);

impl Lanes {
    /// How long a lane is still blocked, `now` after some start.
    #[must_use]
    pub fn blocked(&self, lane: Lane, now: Duration) -> Option<Duration> {
        self.0.get(&lane)?.blocked(now)
    }

    /// Notes what came of a try.
    pub fn note(&mut self, tried: &Tried, now: Duration) {
        let tries = self.0.entry(tried.lane).or_default();
        match &tried.failure {
            None => tries.succeeded(),
            Some(failure) if failure.is_of_the_way() => tries.failed(now),
            Some(_) => {}
        }
    }
}

/// A transaction on its way.
#[derive(Debug)]
pub struct Delivery {
    /// Those that are left, the next one last.
    left: Vec<Lane>,
    parties: Parties,
    takers: Vec<usize>,
    tried: Vec<Tried>,
}

impl Delivery {
    /// By these lanes, in their order. Peers of one party have one word.
    #[must_use]
    pub fn new(lanes: impl IntoIterator<Item = Lane>, parties: Parties) -> Self {
        let mut left: Vec<Lane> = lanes.into_iter().collect();
        left.sort_unstable_by(|a, b| b.cmp(a));
        Self { left, parties, takers: Vec::new(), tried: Vec::new() }
    }

    /// The next lane; none when there is no other, or when all whom the rest leads to have refused the
    /// transaction: another channel would not change their minds.
    pub fn next(&mut self, lanes: &Lanes, now: Duration) -> Option<Lane> {
        loop {
            if self.left.iter().all(|lane| self.has_refused(lane.peer)) {
                return None;
            }
            let lane = self.left.pop()?;
            match lanes.blocked(lane, now) {
                None => return Some(lane),
                Some(left) => self.tried.push(Tried { lane, failure: Some(Failure::Blocked(left)) }),
            }
        }
    }

    fn has_refused(&self, peer: usize) -> bool {
        let refused = |tried: &Tried| matches!(tried.failure, Some(Failure::Refused(_)));
        self.tried.iter().any(|tried| tried.lane.peer == peer && refused(tried))
    }

    /// The peer took it by this lane, as it says.
    pub fn taken(&mut self, lane: Lane) {
        self.takers.push(lane.peer);
        self.tried.push(Tried { lane, failure: None });
    }

    /// It did not.
    pub fn failed(&mut self, lane: Lane, failure: Failure) {
        self.tried.push(Tried { lane, failure: Some(failure) });
    }

    /// Nobody else had it in time.
    pub fn unseen(&mut self) {
        if let Some(last) = self.tried.last_mut() {
            last.failure = Some(Failure::Unseen);
        }
    }

    /// Whether this peer's word that the transaction waits says that others heard of it: it was handed to
    /// nobody of its party.
    #[must_use]
    pub fn is_other(&self, peer: usize) -> bool {
        let takers = self.takers.iter().copied();
        self.parties.distinct(takers.chain([peer])).last() == Some(&peer) && !self.takers.contains(&peer)
    }

    /// Whether one of those who say that it waits is honest, where fewer than a third of the parties are
    /// not: more than a third, of whom none was handed it.
    #[must_use]
    pub fn is_enough(&self, say_so: &[usize]) -> bool {
        let others = self.parties.distinct(say_so.iter().copied().filter(|peer| self.is_other(*peer)));
        others.len().saturating_mul(3) > self.parties.count()
    }

    /// All that was tried, in order.
    #[must_use]
    pub fn tried(&self) -> &[Tried] {
        &self.tried
    }
}

#[cfg(test)]
mod tests {
    use qratum_verifier::witness::Source;

    use super::*;
    use crate::channel::BLOCKED;

    const NOW: Duration = Duration::from_secs(1000);

    fn lane(channel: Channel, peer: usize) -> Lane {
        Lane { channel, peer }
    }

    /// Peers of these operators.
    fn parties(operators: &[&str]) -> Parties {
        let keys: Vec<[u8; 1]> = (0u8..).map(|key| [key]).take(operators.len()).collect();
        let sources = operators.iter().zip(&keys);
        let sources: Vec<_> =
            sources.map(|(operator, key)| Source { operator, addresses: &[], key }).collect();
        Parties::of(&sources)
    }

    fn delivery(lanes: &[Lane], operators: &[&str]) -> Delivery {
        Delivery::new(lanes.iter().copied(), parties(operators))
    }

    #[test]
    fn all_are_tried_by_one_channel_before_the_next() {
        use Channel::{I2p, Tcp, Tor};
        let given = [lane(Tor, 1), lane(I2p, 0), lane(Tcp, 2), lane(Tor, 0), lane(Tcp, 0)];
        let mut delivery = delivery(&given, &["a", "b", "c"]);
        let mut order = Vec::new();
        while let Some(lane) = delivery.next(&Lanes::default(), NOW) {
            delivery.failed(lane, Failure::Silent);
            order.push(lane);
        }
        assert_eq!(order, [lane(Tcp, 0), lane(Tcp, 2), lane(Tor, 0), lane(Tor, 1), lane(I2p, 0)]);
    }

    #[test]
    fn a_taker_and_its_party_do_not_vouch_for_themselves() {
        let mut delivery = delivery(&[lane(Channel::Tcp, 0), lane(Channel::Tcp, 2)], &["a", "a", "b", "c"]);
        let taken = delivery.next(&Lanes::default(), NOW).unwrap();
        delivery.taken(taken);
        assert_eq!([0, 1, 2, 3].map(|peer| delivery.is_other(peer)), [false, false, true, true]);
        delivery.unseen();
        let taken = delivery.next(&Lanes::default(), NOW).unwrap();
        delivery.taken(taken);
        assert_eq!([0, 1, 2, 3].map(|peer| delivery.is_other(peer)), [false, false, false, true]);
        assert_eq!(delivery.tried()[0].failure, Some(Failure::Unseen));
    }

    #[test]
    fn a_way_that_failed_three_times_is_passed_over_and_said_to_be() {
        let mut lanes = Lanes::default();
        let bad = lane(Channel::Tcp, 0);
        for failure in [Failure::Silent, Failure::Unseen, Failure::Busy, Failure::WrongKey] {
            assert_eq!(lanes.blocked(bad, NOW), None, "{failure:?}");
            lanes.note(&Tried { lane: bad, failure: Some(failure) }, NOW);
        }
        let mut delivery = delivery(&[bad, lane(Channel::Tor, 0)], &["a"]);
        assert_eq!(delivery.next(&lanes, NOW), Some(lane(Channel::Tor, 0)));
        assert_eq!(delivery.tried(), [Tried { lane: bad, failure: Some(Failure::Blocked(BLOCKED)) }]);
        assert_eq!(lanes.blocked(bad, NOW + BLOCKED), None);
    }

    /// Two of four may be a taker and a liar; of a party there is one voice.
    #[test]
    fn more_than_a_third_of_the_parties_must_say_that_it_waits() {
        let mut delivery = delivery(&[lane(Channel::Tcp, 0)], &["a", "b", "c", "c", "d"]);
        let taken = delivery.next(&Lanes::default(), NOW).unwrap();
        delivery.taken(taken);
        for (say_so, enough) in [
            (&[][..], false),
            (&[1], false),
            (&[0, 1], false),
            (&[2, 3], false),
            (&[1, 2], true),
            (&[3, 4], true),
        ] {
            assert_eq!(delivery.is_enough(say_so), enough, "{say_so:?}");
        }
        let three = Delivery::new([lane(Channel::Tcp, 0)], parties(&["a", "b", "c"]));
        assert_eq!([&[1][..], &[1, 2]].map(|say_so| three.is_enough(say_so)), [false, true], "just a third");
    }

    #[test]
    fn one_who_refuses_does_not_speak_for_those_behind_another_channel() {
        let mut delivery = delivery(&[lane(Channel::Tcp, 0), lane(Channel::Tor, 1)], &["a", "b"]);
        let next = delivery.next(&Lanes::default(), NOW).unwrap();
        delivery.failed(next, Failure::Refused(Refusal::Class));
        assert_eq!(delivery.next(&Lanes::default(), NOW), Some(lane(Channel::Tor, 1)));
    }

    #[test]
    fn what_all_refuse_is_not_carried_further_and_what_one_takes_is() {
        let all =
            [lane(Channel::Tcp, 0), lane(Channel::Tcp, 1), lane(Channel::Tor, 0), lane(Channel::Tor, 1)];
        let refused = || Failure::Refused(Refusal::Class);
        for (second, goes_on) in [(refused(), false), (Failure::Silent, true)] {
            let mut delivery = delivery(&all, &["a", "b"]);
            for failure in [refused(), second] {
                let next = delivery.next(&Lanes::default(), NOW).unwrap();
                delivery.failed(next, failure);
            }
            assert_eq!(delivery.next(&Lanes::default(), NOW).is_some(), goes_on);
        }
    }
}
