//! What the engine must find again after a crash: everything of the current height that its next
//! vote rests on, and its own votes.

use qratum_chain::{
    codec::{Decode, Encode, Malformed, Reader, put_list},
    types::{BlockId, Height, MAX_VALIDATORS, Round, SignedProposal, SignedVote},
};

use crate::block::Block;

/// Which clock of a round ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimerKind {
    /// No proposal came.
    Propose = 1,
    /// Two thirds prevoted, for no one value.
    Prevote = 2,
    /// Two thirds precommitted, for no one value.
    Precommit = 3,
    /// Time to send the own votes of this round again.
    Rebroadcast = 4,
}

/// A clock of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timer {
    /// Which.
    pub kind: TimerKind,
    /// Of which round.
    pub round: Round,
}

impl Encode for Timer {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.kind as u8);
        self.round.encode(out);
    }
}

impl Decode for Timer {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let kind = match reader.u8()? {
            1 => TimerKind::Propose,
            2 => TimerKind::Prevote,
            3 => TimerKind::Precommit,
            4 => TimerKind::Rebroadcast,
            _ => return Err(Malformed::Field("timer")),
        };
        Ok(Self { kind, round: Round::decode(reader)? })
    }
}

/// The host's judgement on a block that was proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// At which height.
    pub height: Height,
    /// In which round it was proposed.
    pub round: Round,
    /// Who proposed it, by index in the set.
    pub proposer: u32,
    /// Which block.
    pub block_id: BlockId,
    /// Whether the ledger accepts it.
    pub valid: bool,
}

impl Encode for Judgement {
    fn encode(&self, out: &mut Vec<u8>) {
        self.height.encode(out);
        self.round.encode(out);
        out.extend_from_slice(&self.proposer.to_le_bytes());
        self.block_id.encode(out);
        out.push(u8::from(self.valid));
    }
}

impl Decode for Judgement {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            height: Height::decode(reader)?,
            round: Round::decode(reader)?,
            proposer: reader.u32()?,
            block_id: BlockId::decode(reader)?,
            valid: match reader.u8()? {
                0 => false,
                1 => true,
                _ => return Err(Malformed::Field("validity")),
            },
        })
    }
}

/// One line of the write-ahead log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A vote, our own or another's.
    Vote(SignedVote),
    /// A proposal, our own or another's.
    Proposal(SignedProposal),
    /// What the host said of a proposed block.
    Judgement(Judgement),
    /// Prevotes that make a polka.
    Polka(Vec<SignedVote>),
    /// A clock that ran out.
    Timeout(Height, Timer),
    /// A block that a proposal or a judgement names.
    Block(Box<Block>),
}

impl Entry {
    /// The height it belongs to; `None` for a polka without votes.
    #[must_use]
    pub fn height(&self) -> Option<Height> {
        match self {
            Self::Vote(signed) => Some(signed.vote.height),
            Self::Proposal(signed) => Some(signed.proposal.height),
            Self::Judgement(judgement) => Some(judgement.height),
            Self::Polka(votes) => votes.first().map(|signed| signed.vote.height),
            Self::Timeout(height, _) => Some(*height),
            Self::Block(block) => Some(block.header.height),
        }
    }
}

impl Encode for Entry {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Vote(vote) => {
                out.push(1);
                vote.encode(out);
            }
            Self::Proposal(proposal) => {
                out.push(2);
                proposal.encode(out);
            }
            Self::Judgement(judgement) => {
                out.push(3);
                judgement.encode(out);
            }
            Self::Polka(votes) => {
                out.push(4);
                put_list(out, votes);
            }
            Self::Timeout(height, timer) => {
                out.push(5);
                height.encode(out);
                timer.encode(out);
            }
            Self::Block(block) => {
                out.push(6);
                block.encode(out);
            }
        }
    }
}

impl Decode for Entry {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8()? {
            1 => SignedVote::decode(reader).map(Self::Vote),
            2 => SignedProposal::decode(reader).map(Self::Proposal),
            3 => Judgement::decode(reader).map(Self::Judgement),
            4 => reader.list("votes", MAX_VALIDATORS, 1).map(Self::Polka),
            5 => Ok(Self::Timeout(Height::decode(reader)?, Timer::decode(reader)?)),
            6 => Block::decode(reader).map(|block| Self::Block(Box::new(block))),
            _ => Err(Malformed::Field("log entry")),
        }
    }
}
