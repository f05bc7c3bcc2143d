//! A proposal on the chain: what is to be decided, by when, and what came of it.

use core::fmt;

use super::{Bar, Denial, Draft, Measure, Place, Speaker, Tally};
use crate::{
    Hash,
    codec::{Decode, Encode, Malformed, Reader, put_list, put_option},
    types::{AccountId, Height, MotionId, Parameter, PersonId, SetId},
};
use qratum_crypto::merkle::{self, Sha3};

/// What is voted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Motion {
    /// What would be done.
    pub measure: Measure,
    /// Whether it is decided in one set and carried out after one more, by [`Tally::EMERGENCY`].
    pub emergency: bool,
}

impl Motion {
    /// What it must reach. Only the pace of blocks is an ordinary matter.
    #[must_use]
    pub const fn bar(&self) -> Bar {
        match self.measure {
            _ if self.emergency => Bar::Emergency,
            Measure::Parameter { parameter: Parameter::BlockInterval, .. } => Bar::Ordinary,
            _ => Bar::Grave,
        }
    }
}

impl Encode for Motion {
    fn encode(&self, out: &mut Vec<u8>) {
        self.measure.encode(out);
        out.push(u8::from(self.emergency));
    }
}

impl Decode for Motion {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let measure = Measure::decode(reader)?;
        match reader.u8()? {
            0 => Ok(Self { measure, emergency: false }),
            1 => Ok(Self { measure, emergency: true }),
            _ => Err(Malformed::Field("emergency")),
        }
    }
}

/// How far a proposal has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Operators vote.
    Voting,
    /// It passed, and waits out its timelock.
    Passed,
    /// Too few voted.
    NoQuorum,
    /// Too few of those who voted were for it.
    TooFewYes,
    /// This account vetoed it.
    Vetoed(AccountId),
    /// It was carried out.
    Executed,
    /// It passed, and could not be carried out any more.
    Lapsed(Denial),
}

impl Phase {
    /// Its word in documents and on screens.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Voting => "voting",
            Self::Passed => "passed",
            Self::NoQuorum => "no-quorum",
            Self::TooFewYes => "rejected",
            Self::Vetoed(_) => "vetoed",
            Self::Executed => "executed",
            Self::Lapsed(_) => "lapsed",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vetoed(account) => write!(f, "vetoed by {account}"),
            Self::Lapsed(why) => write!(f, "lapsed: {why}"),
            _ => f.write_str(self.word()),
        }
    }
}

impl Encode for Phase {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Voting => out.push(1),
            Self::Passed => out.push(2),
            Self::NoQuorum => out.push(3),
            Self::TooFewYes => out.push(4),
            Self::Vetoed(account) => {
                out.push(5);
                account.encode(out);
            }
            Self::Executed => out.push(6),
            Self::Lapsed(why) => {
                out.push(7);
                why.encode(out);
            }
        }
    }
}

impl Decode for Phase {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8()? {
            1 => Ok(Self::Voting),
            2 => Ok(Self::Passed),
            3 => Ok(Self::NoQuorum),
            4 => Ok(Self::TooFewYes),
            5 => AccountId::decode(reader).map(Self::Vetoed),
            6 => Ok(Self::Executed),
            7 => Denial::decode(reader).map(Self::Lapsed),
            _ => Err(Malformed::Field("phase of a proposal")),
        }
    }
}

/// A proposal with what came of it, under [`Referendum::state_key`]. Never removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referendum {
    /// What is voted on.
    pub motion: Motion,
    /// Who opened it, by which account.
    pub proposer: AccountId,
    /// Whose that is.
    pub person: PersonId,
    /// In the block at this height: the set of that block votes.
    pub opened: Height,
    /// The last set in which it is voted on.
    pub voting_until: SetId,
    /// The last set in which it can be vetoed.
    pub locked_until: SetId,
    /// How many ballots there are.
    pub ballots: u64,
    /// The root over them.
    pub root: Hash,
    /// What they came to; none before they were counted.
    pub tally: Option<Tally>,
    /// How far it has come.
    pub phase: Phase,
    /// The height at which it came so far.
    pub at: Height,
    /// The proposal that was opened before it.
    pub previous: Option<MotionId>,
}

impl Referendum {
    /// State key: `proposal/` and the id.
    #[must_use]
    pub fn state_key(id: MotionId) -> Vec<u8> {
        [b"proposal/".as_slice(), &id.0.0].concat()
    }

    pub(super) fn open(
        motion: &Motion,
        place: &Place<'_>,
        speaker: Speaker<'_>,
        [voting, timelock]: [u64; 2],
        previous: Option<MotionId>,
    ) -> Self {
        let voting_until = SetId(place.set_id().0.saturating_add(voting));
        Self {
            motion: motion.clone(),
            proposer: speaker.account.clone(),
            person: speaker.person,
            opened: place.height,
            voting_until,
            locked_until: SetId(voting_until.0.saturating_add(timelock)),
            ballots: 0,
            root: merkle::empty_root::<Sha3>(),
            tally: None,
            phase: Phase::Voting,
            at: place.height,
            previous,
        }
    }

    pub(super) fn read(draft: &Draft<'_>, id: MotionId) -> Option<Self> {
        draft.read(&Self::state_key(id))
    }
}

impl Encode for Referendum {
    fn encode(&self, out: &mut Vec<u8>) {
        self.motion.encode(out);
        self.proposer.encode(out);
        self.person.encode(out);
        self.opened.encode(out);
        self.voting_until.encode(out);
        self.locked_until.encode(out);
        out.extend_from_slice(&self.ballots.to_le_bytes());
        self.root.encode(out);
        put_option(out, self.tally.as_ref(), |out, tally| tally.encode(out));
        self.phase.encode(out);
        self.at.encode(out);
        put_option(out, self.previous.as_ref(), |out, previous| previous.encode(out));
    }
}

impl Decode for Referendum {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            motion: Motion::decode(reader)?,
            proposer: AccountId::decode(reader)?,
            person: PersonId::decode(reader)?,
            opened: Height::decode(reader)?,
            voting_until: SetId::decode(reader)?,
            locked_until: SetId::decode(reader)?,
            ballots: reader.u64()?,
            root: Hash::decode(reader)?,
            tally: reader.option("tally", Tally::decode)?,
            phase: Phase::decode(reader)?,
            at: Height::decode(reader)?,
            previous: reader.option("previous proposal", MotionId::decode)?,
        })
    }
}

/// Which proposals there are: the newest one, from which each names the one before it, and those that are
/// not settled. Stands in the state under [`Agenda::STATE_KEY`] once there was one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agenda {
    /// The newest proposal.
    pub newest: Option<MotionId>,
    /// Those on which something is still to come, the oldest first.
    pub open: Vec<MotionId>,
}

impl Agenda {
    /// State key.
    pub const STATE_KEY: &'static [u8] = b"proposals";

    pub(super) fn read(draft: &Draft<'_>) -> Self {
        draft.read(Self::STATE_KEY).unwrap_or_default()
    }
}

impl Encode for Agenda {
    fn encode(&self, out: &mut Vec<u8>) {
        put_option(out, self.newest.as_ref(), |out, newest| newest.encode(out));
        put_list(out, &self.open);
    }
}

impl Decode for Agenda {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            newest: reader.option("newest proposal", MotionId::decode)?,
            open: reader.list("open proposals", super::MAX_OPEN, 32)?,
        })
    }
}
