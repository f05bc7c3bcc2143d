//! What does the vote on a proposal come to? Counted again here, from the ballots and the verified set that
//! the proposal was opened under; no weight is taken from a ballot, and no sum from anybody.

use core::fmt;

use qratum_chain::{
    codec::{Decode, Encode},
    document::Statement,
    ledger::governance::{Decision, Electorate, Phase, Placed, Referendum, Tally},
    types::{AccountId, Header, MotionId, Validator},
};
use qratum_crypto::merkle::{self, ProofError, Sha3};

use crate::{Reject, Verified, proof::in_state};

/// What a count rests on. Each pair is an entry of the state, and the verified block whose state it is
/// proven in.
#[derive(Clone, Copy, Debug)]
pub struct Grounds<'a> {
    /// Which proposal.
    pub id: MotionId,
    /// The entry under [`Referendum::state_key`].
    pub referendum: (&'a Statement, &'a Verified<Header>),
    /// The entry under [`Electorate::state_key`].
    pub electorate: (&'a Statement, &'a Verified<Header>),
    /// The block in which it was opened, and the members of its set.
    pub opened: (&'a Verified<Header>, &'a [Validator]),
}

/// A proposal, and how the vote on it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The proposal.
    pub referendum: Verified<Referendum>,
    /// Its votes.
    pub votes: Votes,
}

/// How many of the ballots were counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Votes {
    /// All.
    Complete(Verified<Tally>),
    /// Not all: each that was counted is one of the proposal, and what it comes to is not known.
    Partial {
        /// The power behind those that were counted.
        so_far: Tally,
        /// How many ballots there are beside them.
        missing: u64,
    },
}

/// Why nothing was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TallyFault {
    /// The state has no such proposal.
    Unknown,
    /// An entry is not what the state has.
    State(Reject),
    /// The block is not the one in which the proposal was opened.
    Opened,
    /// The members are not the set of that block, or have another power than the vote goes by.
    Electorate,
    /// The ballots are not in ascending order of their places.
    Order,
    /// The ballot at this place is none of the proposal.
    Ballot(u64, ProofError),
    /// The ballot is of an account that has no vote.
    NoVote(AccountId),
    /// The chain has counted something else: none of its values is to be believed.
    Contradiction,
}

impl fmt::Display for TallyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("the chain has no such proposal"),
            Self::State(why) => why.fmt(f),
            Self::Opened => f.write_str("the block is not the one in which the proposal was opened"),
            Self::Electorate => f.write_str("the vote goes by another set than that of its block"),
            Self::Order => f.write_str("the ballots are not in order"),
            Self::Ballot(index, why) => write!(f, "ballot {index}: {why}"),
            Self::NoVote(account) => write!(f, "a ballot of {account}, who has no vote"),
            Self::Contradiction => f.write_str("the ballots come to something else than the chain says"),
        }
    }
}

impl std::error::Error for TallyFault {}

impl Grounds<'_> {
    /// Counts these ballots: of each operator the last one, which is all that the state keeps.
    ///
    /// # Errors
    /// [`TallyFault`], for the first rule that is broken.
    pub fn count(&self, ballots: &[Placed]) -> Result<Counted, TallyFault> {
        let referendum: Verified<Referendum> =
            entry(&Referendum::state_key(self.id), self.referendum)?.ok_or(TallyFault::Unknown)?;
        let electorate: Verified<Electorate> =
            entry(&Electorate::state_key(self.id), self.electorate)?.ok_or(TallyFault::Unknown)?;
        self.is_of_its_set(referendum.get(), electorate.get())?;
        are_its_ballots(referendum.get(), electorate.get(), ballots)?;
        let tally = electorate.get().tally(ballots.iter().map(|placed| &placed.ballot));
        let missing = referendum.get().ballots.saturating_sub(ballots.len() as u64);
        if missing != 0 {
            return Ok(Counted { referendum, votes: Votes::Partial { so_far: tally, missing } });
        }
        if !agrees(referendum.get(), tally) {
            return Err(TallyFault::Contradiction);
        }
        Ok(Counted { referendum, votes: Votes::Complete(Verified::new(tally)) })
    }

    fn is_of_its_set(&self, referendum: &Referendum, electorate: &Electorate) -> Result<(), TallyFault> {
        let (header, members) = (self.opened.0.get(), self.opened.1);
        if header.height != referendum.opened {
            return Err(TallyFault::Opened);
        }
        let is_its_set = qratum_chain::types::validators_hash(members) == header.validators_hash;
        if is_its_set && electorate.is_of(members) { Ok(()) } else { Err(TallyFault::Electorate) }
    }
}

/// The entry under `key`, with what it means; none where the state has none of this type.
///
/// # Errors
/// [`TallyFault::State`], when it is not what the state has.
pub fn entry<T: Decode>(
    key: &[u8],
    (statement, block): (&Statement, &Verified<Header>),
) -> Result<Option<Verified<T>>, TallyFault> {
    let Statement::State { key: of, value, proof } = statement else {
        return Err(TallyFault::State(Reject::StateProof));
    };
    if of != key {
        return Err(TallyFault::State(Reject::StateProof));
    }
    let value = in_state(key, value.clone(), proof, block).map_err(TallyFault::State)?;
    Ok(value.get().as_ref().and_then(|value| T::from_bytes(value).ok()).map(Verified::new))
}

fn are_its_ballots(
    referendum: &Referendum,
    electorate: &Electorate,
    ballots: &[Placed],
) -> Result<(), TallyFault> {
    if !ballots.is_sorted_by(|one, next| one.index < next.index) {
        return Err(TallyFault::Order);
    }
    ballots.iter().try_for_each(|Placed { index, ballot, audit_path }| {
        let leaf = merkle::leaf_hash::<Sha3>(&ballot.to_bytes());
        merkle::verify_inclusion::<Sha3>(leaf, *index, referendum.ballots, audit_path, referendum.root)
            .map_err(|why| TallyFault::Ballot(*index, why))?;
        let has_vote = electorate.seats(&ballot.account);
        if has_vote { Ok(()) } else { Err(TallyFault::NoVote(ballot.account.clone())) }
    })
}

/// Whether the chain came to the same, where it has counted.
fn agrees(referendum: &Referendum, tally: Tally) -> bool {
    let due = match referendum.phase {
        Phase::Voting => return referendum.tally.is_none(),
        Phase::NoQuorum => Decision::NoQuorum,
        Phase::TooFewYes => Decision::TooFewYes,
        Phase::Passed | Phase::Vetoed(_) | Phase::Executed | Phase::Lapsed(_) => Decision::Passed,
    };
    referendum.tally == Some(tally) && tally.decision(referendum.motion.bar()) == due
}

#[cfg(test)]
mod tests;
