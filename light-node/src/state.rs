//! Which state is the node in? A pure decision over a few facts, so that every word on screen has
//! one reason.

use core::fmt;

/// The state of following the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Started; no peer has been reached or found unreachable yet.
    Loading,
    /// On the way to the newest block.
    Syncing,
    /// The newest verified block is fresh: at most [`State::FRESH_INTERVALS`] block intervals old.
    Live,
    /// The newest verified block is older than that.
    Stale,
    /// It is older than [`State::STALLED_INTERVALS`] block intervals, although peers answer.
    Stalled,
    /// Validators vote, but for some rounds' time no more than two thirds of the power.
    NoQuorum,
    /// No pinned peer is connected.
    Disconnected,
    /// The newest verified block is older than the trusting period: a new anchor is needed.
    Expired,
    /// The local clock is wrong: honest peers look late or early, and are not. A clock that is ahead
    /// by more than the trusting period shows as [`State::Expired`].
    Clock,
    /// Two certified blocks for one height were seen: the head is frozen.
    Forked,
}

impl State {
    /// Up to this many block intervals of age, by header time, a head is fresh.
    pub const FRESH_INTERVALS: u64 = 3;
    /// Beyond this many the chain itself has stopped, for all who answer.
    pub const STALLED_INTERVALS: u64 = 20;

    /// All states, in the order in which they are listed.
    pub const ALL: [Self; 10] = [
        Self::Loading,
        Self::Syncing,
        Self::Live,
        Self::Stale,
        Self::Stalled,
        Self::NoQuorum,
        Self::Disconnected,
        Self::Expired,
        Self::Clock,
        Self::Forked,
    ];

    /// The word that documents and screens use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Syncing => "syncing",
            Self::Live => "live",
            Self::Stale => "stale",
            Self::Stalled => "stalled",
            Self::NoQuorum => "no-quorum",
            Self::Disconnected => "disconnected",
            Self::Expired => "expired",
            Self::Clock => "clock",
            Self::Forked => "forked",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What the state is decided from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// A fork was seen.
    pub(crate) forked: bool,
    /// The head is older than the trusting period.
    pub(crate) expired: bool,
    /// A peer was reached once, or every one was found unreachable.
    pub(crate) tried: bool,
    /// At least one peer is connected.
    pub(crate) connected: bool,
    /// Since then a peer has said what its newest block is.
    pub(crate) answered: bool,
    /// The local clock is wrong.
    pub(crate) clock: bool,
    /// Votes are known, and they stand below two thirds of the power.
    pub(crate) stuck: bool,
    /// A block waits for one in between.
    pub(crate) walking: bool,
    /// Now less the head's header time; zero when that is in the future.
    pub(crate) age_ms: u64,
    /// The chain's block interval.
    pub(crate) interval_ms: u64,
}

/// Decides the state. What stops the user from acting comes first, then what keeps the node from
/// knowing, then how old the knowledge is. A peer's claims move nothing here: a fresh head is live
/// even while a peer says there is a newer one.
pub(crate) const fn state(facts: &Facts) -> State {
    let fresh = facts.age_ms <= facts.interval_ms.saturating_mul(State::FRESH_INTERVALS);
    let stalled = facts.age_ms > facts.interval_ms.saturating_mul(State::STALLED_INTERVALS);
    if facts.forked {
        State::Forked
    } else if facts.expired {
        State::Expired
    } else if !facts.connected && facts.tried {
        State::Disconnected
    } else if !facts.connected {
        State::Loading
    } else if facts.clock {
        State::Clock
    } else if !facts.answered {
        State::Syncing
    } else if facts.stuck {
        State::NoQuorum
    } else if fresh {
        State::Live
    } else if facts.walking {
        State::Syncing
    } else if stalled {
        State::Stalled
    } else {
        State::Stale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A node that follows a chain of 1 s blocks and whose head is 1 s old.
    const LIVE: Facts = Facts {
        forked: false,
        expired: false,
        tried: true,
        connected: true,
        answered: true,
        clock: false,
        stuck: false,
        walking: false,
        age_ms: 1000,
        interval_ms: 1000,
    };

    #[test]
    fn age_decides_when_peers_answer() {
        let at = |age_ms| state(&Facts { age_ms, ..LIVE });
        assert_eq!([at(0), at(3000)], [State::Live; 2]);
        assert_eq!([at(3001), at(20_000)], [State::Stale; 2]);
        assert_eq!([at(20_001), at(u64::MAX)], [State::Stalled; 2]);
    }

    #[test]
    fn a_walk_is_syncing_only_while_the_head_is_not_fresh() {
        assert_eq!(state(&Facts { walking: true, ..LIVE }), State::Live);
        assert_eq!(state(&Facts { walking: true, age_ms: 99_000, ..LIVE }), State::Syncing);
    }

    #[test]
    fn a_vote_that_stands_says_more_than_the_age_of_the_head() {
        for age_ms in [0, 3001, u64::MAX] {
            let stuck = Facts { stuck: true, age_ms, ..LIVE };
            assert_eq!(state(&stuck), State::NoQuorum);
            assert_eq!(state(&Facts { walking: true, ..stuck }), State::NoQuorum);
            assert_eq!(state(&Facts { clock: true, ..stuck }), State::Clock);
            assert_eq!(state(&Facts { answered: false, ..stuck }), State::Syncing);
            assert_eq!(state(&Facts { connected: false, ..stuck }), State::Disconnected);
        }
    }

    #[test]
    fn without_peers_nothing_is_live() {
        let alone = Facts { connected: false, answered: false, ..LIVE };
        assert_eq!(state(&alone), State::Disconnected);
        assert_eq!(state(&Facts { tried: false, ..alone }), State::Loading);
        assert_eq!(state(&Facts { answered: false, ..LIVE }), State::Syncing);
    }

    #[test]
    fn a_wrong_clock_hides_how_old_the_head_is_and_nothing_worse() {
        let clock = Facts { clock: true, ..LIVE };
        for facts in [clock, Facts { age_ms: u64::MAX, ..clock }, Facts { walking: true, ..clock }] {
            assert_eq!(state(&facts), State::Clock);
        }
        assert_eq!(state(&Facts { connected: false, ..clock }), State::Disconnected);
        assert_eq!(state(&Facts { expired: true, ..clock }), State::Expired);
    }

    #[test]
    fn what_stops_acting_comes_first() {
        let worst = Facts { forked: true, expired: true, connected: false, ..LIVE };
        assert_eq!(state(&worst), State::Forked);
        assert_eq!(state(&Facts { forked: false, ..worst }), State::Expired);
    }

    #[test]
    fn an_interval_of_any_size_does_not_overflow() {
        assert_eq!(state(&Facts { interval_ms: u64::MAX, age_ms: u64::MAX, ..LIVE }), State::Live);
        assert_eq!(state(&Facts { interval_ms: 0, ..LIVE }), State::Stalled);
    }
}
