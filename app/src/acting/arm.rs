//! May somebody act now? Only on what is fresh, and what others saw too.

use core::fmt;

use qratum_chain::types::{Height, Time};
use qratum_light_node::{FetchError, Snapshot, State};
use qratum_verifier::witness::NEEDED;

use super::{facts::Facts, words};
use crate::time;

/// Why nobody may act now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unarmed {
    /// Two certified blocks for one height.
    Forked,
    /// The anchor vouches for nothing any more.
    Expired,
    /// The local clock is wrong, about so many milliseconds.
    Clock(Option<i64>),
    /// The head is not fresh, for this reason.
    NotLive(State),
    /// So many operators beside the primary's saw the newest block; [`NEEDED`] must.
    Witnesses(usize),
    /// Not enough operators named the block at this height, or one above it, so far.
    Unseen(Height),
    /// The facts are older than three block intervals.
    Stale {
        /// So old.
        age_ms: u64,
    },
    /// These facts are not as they were.
    Changed(Vec<Vec<u8>>),
    /// The facts could not be proven.
    Unproven(FetchError),
}

impl fmt::Display for Unarmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forked => f.write_str("the chain has forked: nobody acts until a new anchor is set"),
            Self::Expired => f.write_str("the anchor is too old to vouch for anything"),
            Self::Clock(Some(offset)) => {
                write!(f, "the clock of this machine is wrong, {}", time::offset(*offset))
            }
            Self::Clock(None) => f.write_str("the clock of this machine is wrong"),
            Self::NotLive(state) => {
                write!(f, "the newest verified block is not fresh: the light node is {state}")
            }
            Self::Witnesses(have) => {
                write!(f, "{have} other operators name the same newest block, and {NEEDED} must")
            }
            Self::Unseen(height) => {
                write!(f, "too few other operators have named block {height}, on which it rests, so far")
            }
            Self::Stale { age_ms } => {
                write!(f, "what it rests on was proven {} ago, which is too long", time::age(*age_ms))
            }
            Self::Changed(keys) => {
                let what: Vec<String> = keys.iter().map(|key| words::key(key)).collect();
                write!(f, "what it rests on has changed meanwhile: {}", what.join(", "))
            }
            Self::Unproven(why) => write!(f, "what it rests on could not be proven: {why}"),
        }
    }
}

/// Whether what the node knows now is good enough to act on.
///
/// # Errors
/// [`Unarmed`]. Waiting may help where it is [`Unarmed::NotLive`] or [`Unarmed::Witnesses`].
pub(crate) fn armed(snapshot: &Snapshot) -> Result<(), Unarmed> {
    match snapshot.state {
        _ if snapshot.fork.is_some() => Err(Unarmed::Forked),
        State::Forked => Err(Unarmed::Forked),
        State::Expired => Err(Unarmed::Expired),
        State::Clock => Err(Unarmed::Clock(snapshot.clock_offset_ms)),
        State::Live if snapshot.witnesses.may_arm => Ok(()),
        State::Live => Err(Unarmed::Witnesses(snapshot.witnesses.operators.len())),
        state => Err(Unarmed::NotLive(state)),
    }
}

/// Whether these facts may be acted on now: enough others saw their block, and they are fresh.
///
/// # Errors
/// [`Unarmed`].
pub(crate) fn may_rest_on(facts: &Facts, snapshot: &Snapshot, now: Time) -> Result<(), Unarmed> {
    armed(snapshot)?;
    if snapshot.witnesses.height < facts.at.height {
        return Err(Unarmed::Unseen(facts.at.height));
    }
    let age_ms = time::since(facts.time, now);
    let most = facts.interval_ms().saturating_mul(State::FRESH_INTERVALS);
    if age_ms > most { Err(Unarmed::Stale { age_ms }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use qratum_chain::{codec::Encode as _, types::Genesis};
    use qratum_light_node::{Entries, Witnesses};
    use qratum_verifier::proof::Checked;

    use super::*;
    use crate::screen::tests::stage::{LAST, genesis, heads, in_state, live, time_of};

    /// Proven by the newest block of the stage.
    fn facts() -> Facts {
        let head = heads().last().unwrap();
        let params = (Genesis::PARAMS_KEY.to_vec(), Some(genesis().params.to_bytes()));
        let checked = Checked { header: head.header().clone(), expired: false };
        let proven = Entries { checked, entries: BTreeMap::from([params]) };
        Facts::of(genesis().chain_id().unwrap(), head.validators().clone(), proven).unwrap()
    }

    fn verdict(snapshot: &Snapshot, age_ms: u64) -> Result<(), Unarmed> {
        may_rest_on(&facts(), snapshot, time_of(LAST).plus(age_ms))
    }

    #[test]
    fn what_is_fresh_and_seen_by_two_others_may_be_acted_on() {
        assert_eq!(verdict(&live(), 0), Ok(()));
        assert_eq!(verdict(&live(), 3000), Ok(()));
        assert_eq!(verdict(&live(), 3001), Err(Unarmed::Stale { age_ms: 3001 }));
    }

    #[test]
    fn one_witness_is_too_few_and_those_of_an_older_block_are_none() {
        let witnessed = |witnesses| Snapshot { witnesses, ..live() };
        let one = Witnesses { operators: vec!["geysir".to_owned()], may_arm: false, ..live().witnesses };
        assert_eq!(verdict(&witnessed(one), 0), Err(Unarmed::Witnesses(1)));
        let older = Witnesses { height: Height(LAST - 1), ..live().witnesses };
        assert_eq!(verdict(&witnessed(older), 0), Err(Unarmed::Unseen(Height(LAST))));
    }

    #[test]
    fn no_state_but_a_live_one_is_acted_on_and_each_says_why() {
        let others = State::ALL.into_iter().filter(|state| *state != State::Live);
        let said: BTreeSet<String> =
            others.clone().map(|state| verdict(&in_state(state), 0).unwrap_err().to_string()).collect();
        assert_eq!(said.len(), others.count(), "{said:?}");
        assert_eq!(verdict(&in_state(State::Forked), 0), Err(Unarmed::Forked));
        assert_eq!(verdict(&in_state(State::Clock), 0), Err(Unarmed::Clock(Some(-3_600_000))));
    }
}
