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
    let most = facts.params().block_interval_ms.saturating_mul(State::FRESH_INTERVALS);
    if age_ms > most { Err(Unarmed::Stale { age_ms }) } else { Ok(()) }
}
