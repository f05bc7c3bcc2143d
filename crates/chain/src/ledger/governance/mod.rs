//! What is decided by vote of those who run the validators.
//!
//! A person's act opens a proposal; the set of that block, frozen, votes on it for some whole sets. At the
//! end of the last one the chain counts. What passed can be vetoed for some sets more, and at the end of
//! the last of these the chain carries it out by itself, so that it holds from the next set on.

mod ballot;
mod measure;
mod referendum;

use minicbor::{Decoder, Encoder, decode, encode};

use super::{Denial, Draft, Place};
use crate::{
    Hash,
    codec::{
        Encode,
        cbor::{array, expect, known},
    },
    types::{AccountId, Governance, MotionId, Parameters, PersonId, Role, Roles},
};

pub use ballot::{Ballot, Bar, Choice, Decision, Electorate, Placed, Seat, Tally};
pub use measure::{Candidate, Measure};
pub use referendum::{Agenda, Motion, Phase, Referendum};

/// The most proposals of one person that are not settled yet.
pub const MAX_OF_PERSON: usize = 2;
/// The most that are not settled in all: the end of a set looks at each.
pub const MAX_OPEN: usize = 16;
/// For how many whole sets an emergency is voted on, and can be vetoed.
const EMERGENCY_SETS: u64 = 1;

/// What a person asks for when they govern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Governing {
    /// That a proposal be voted on.
    Propose(Motion),
    /// A ballot, in place of the one they cast before.
    Vote {
        /// On which proposal.
        motion: MotionId,
        /// What it says.
        choice: Choice,
    },
    /// That what was passed be not done.
    Veto(MotionId),
}

/// Who asks, with both factors.
#[derive(Clone, Copy, Debug)]
pub struct Speaker<'a> {
    /// By which account.
    pub account: &'a AccountId,
    /// Whose that is.
    pub person: PersonId,
    /// What they may do.
    pub roles: Roles,
    /// The transaction that asks.
    pub txo: Hash,
}

/// Does what a person asks for.
///
/// # Errors
/// [`Denial`]; the draft is unchanged then.
pub(super) fn carry_out(
    draft: &mut Draft<'_>,
    place: &Place<'_>,
    speaker: Speaker<'_>,
    asked: &Governing,
) -> Result<(), Denial> {
    match asked {
        Governing::Propose(motion) => propose(draft, place, speaker, motion),
        Governing::Vote { motion, choice } => vote(draft, place, speaker, (*motion, *choice)),
        Governing::Veto(motion) => veto(draft, place, speaker, *motion),
    }
}

/// Opens a proposal that could be carried out now. Admins may, and whoever has a vote.
fn propose(
    draft: &mut Draft<'_>,
    place: &Place<'_>,
    speaker: Speaker<'_>,
    motion: &Motion,
) -> Result<(), Denial> {
    let (electorate, mut agenda) = (Electorate::of(draft, place), Agenda::read(draft));
    if !speaker.roles.holds(Role::Admin) && !electorate.seats(speaker.account) {
        return Err(Denial::Role);
    }
    if electorate.0.iter().all(|seat| seat.account.is_none()) {
        return Err(Denial::NoElectorate);
    }
    let same = |id: &&MotionId| Referendum::read(draft, **id).is_some_and(|it| it.person == speaker.person);
    if agenda.open.len() >= MAX_OPEN || agenda.open.iter().filter(same).count() >= MAX_OF_PERSON {
        return Err(Denial::TooManyProposals);
    }
    motion.measure.effect(draft, place)?;
    let Parameters { voting_sets, timelock_sets, .. } = draft.parameters(place.params);
    let windows = if motion.emergency { [EMERGENCY_SETS; 2] } else { [voting_sets, timelock_sets] };
    let id = MotionId(speaker.txo);
    let referendum = Referendum::open(motion, place, speaker, windows, agenda.newest);
    agenda.newest = Some(id);
    agenda.open.push(id);
    draft.put(Agenda::STATE_KEY.to_vec(), agenda.to_bytes());
    draft.put(Electorate::state_key(id), electorate.to_bytes());
    draft.put(Referendum::state_key(id), referendum.to_bytes());
    Ok(())
}

fn vote(
    draft: &mut Draft<'_>,
    place: &Place<'_>,
    speaker: Speaker<'_>,
    (id, choice): (MotionId, Choice),
) -> Result<(), Denial> {
    let mut referendum = Referendum::read(draft, id).ok_or(Denial::UnknownProposal)?;
    if referendum.phase != Phase::Voting {
        return Err(Denial::VotingClosed);
    }
    let electorate: Electorate = draft.read(&Electorate::state_key(id)).ok_or(Denial::UnknownProposal)?;
    if !electorate.seats(speaker.account) {
        return Err(Denial::NoVote);
    }
    let account = speaker.account.clone();
    let key = Ballot::state_key(id, &account);
    let (person, height, txo) = (speaker.person, place.height, speaker.txo);
    draft.put(key, Ballot { account, person, choice, height, txo }.to_bytes());
    (referendum.ballots, referendum.root) = Ballot::tree(&electorate.ballots(draft, id));
    draft.put(Referendum::state_key(id), referendum.to_bytes());
    Ok(())
}

fn veto(draft: &mut Draft<'_>, place: &Place<'_>, speaker: Speaker<'_>, id: MotionId) -> Result<(), Denial> {
    let mut referendum = Referendum::read(draft, id).ok_or(Denial::UnknownProposal)?;
    if draft.get(&Governance::authority_key(speaker.account)).is_none() {
        return Err(Denial::NoAuthority);
    }
    if referendum.phase != Phase::Passed {
        return Err(Denial::NotInTimelock);
    }
    referendum.phase = Phase::Vetoed(speaker.account.clone());
    settle(draft, place, id, referendum);
    Ok(())
}

/// At the end of a set: counts what was voted on long enough, and carries out what passed and was not
/// vetoed. Called before the next set is made.
pub fn turn(draft: &mut Draft<'_>, place: &Place<'_>) {
    for id in Agenda::read(draft).open {
        let Some(mut referendum) = Referendum::read(draft, id) else { continue };
        let set = place.set_id();
        match referendum.phase {
            Phase::Voting if referendum.voting_until <= set => count(draft, place, id, referendum),
            Phase::Passed if referendum.locked_until <= set => {
                referendum.phase = match referendum.motion.measure.effect(draft, place) {
                    Ok(effect) => {
                        effect.into_iter().for_each(|(key, value)| draft.put(key, value));
                        Phase::Executed
                    }
                    Err(denial) => Phase::Lapsed(denial),
                };
                settle(draft, place, id, referendum);
            }
            _ => {}
        }
    }
}

fn count(draft: &mut Draft<'_>, place: &Place<'_>, id: MotionId, mut referendum: Referendum) {
    let electorate = draft.read(&Electorate::state_key(id)).unwrap_or(Electorate(Vec::new()));
    let tally = electorate.tally(&electorate.ballots(draft, id));
    referendum.tally = Some(tally);
    match tally.decision(referendum.motion.bar()) {
        Decision::Passed => {
            (referendum.phase, referendum.at) = (Phase::Passed, place.height);
            draft.put(Referendum::state_key(id), referendum.to_bytes());
        }
        Decision::NoQuorum => {
            referendum.phase = Phase::NoQuorum;
            settle(draft, place, id, referendum);
        }
        Decision::TooFewYes => {
            referendum.phase = Phase::TooFewYes;
            settle(draft, place, id, referendum);
        }
    }
}

/// Nothing more becomes of it.
fn settle(draft: &mut Draft<'_>, place: &Place<'_>, id: MotionId, mut referendum: Referendum) {
    referendum.at = place.height;
    let mut agenda = Agenda::read(draft);
    agenda.open.retain(|open| *open != id);
    draft.put(Agenda::STATE_KEY.to_vec(), agenda.to_bytes());
    draft.put(Referendum::state_key(id), referendum.to_bytes());
}

impl Governing {
    /// The numbers of its steps.
    pub(super) const NUMBERS: core::ops::RangeInclusive<u64> = 5..=7;

    /// Reads what stands behind the number of a step.
    pub(super) fn read(
        decoder: &mut Decoder<'_>,
        number: u64,
        length: Option<u64>,
    ) -> Result<Self, decode::Error> {
        expect(length == Some(if number == 7 { 2 } else { 3 }), "array length")?;
        let motion = |decoder: &mut Decoder<'_>| array(decoder).map(|id| MotionId(Hash(id)));
        match number {
            5 => {
                let measure = Measure::read(decoder)?;
                Ok(Self::Propose(Motion { measure, emergency: decoder.bool()? }))
            }
            6 => Ok(Self::Vote {
                motion: motion(decoder)?,
                choice: known(Choice::of(decoder.u64()?), "choice")?,
            }),
            7 => motion(decoder).map(Self::Veto),
            _ => Err(decode::Error::message("kind of step")),
        }
    }

    pub(super) fn write<W: encode::Write>(&self, e: &mut Encoder<W>) -> Result<(), encode::Error<W::Error>> {
        match self {
            Self::Propose(Motion { measure, emergency }) => {
                e.array(3)?.u64(5)?;
                encode::Encode::encode(measure, e, &mut ())?;
                e.bool(*emergency)?;
            }
            Self::Vote { motion, choice } => {
                e.array(3)?.u64(6)?.bytes(&motion.0.0)?.u64(*choice as u64)?;
            }
            Self::Veto(motion) => drop(e.array(2)?.u64(7)?.bytes(&motion.0.0)?),
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests;
