//! Evidence: statements that cannot both be honest. Two votes or proposals of one validator are
//! checkable alone, with nothing but its key; a fork needs a trusted block below it.

use super::{Height, LightBlock, Round, SetId, SignedProposal, SignedVote};
use crate::codec::{Decode, Encode, Malformed, Reader};

/// Two votes of one validator for one chain, set, height, round and phase, for different values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoubleVote {
    /// One of them.
    pub first: SignedVote,
    /// The other.
    pub second: SignedVote,
}

impl Encode for DoubleVote {
    fn encode(&self, out: &mut Vec<u8>) {
        self.first.encode(out);
        self.second.encode(out);
    }
}

impl Decode for DoubleVote {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { first: SignedVote::decode(reader)?, second: SignedVote::decode(reader)? })
    }
}

/// Two proposals of one validator for one chain, set, height and round, for different blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoubleProposal {
    /// One of them.
    pub first: SignedProposal,
    /// The other.
    pub second: SignedProposal,
}

impl Encode for DoubleProposal {
    fn encode(&self, out: &mut Vec<u8>) {
        self.first.encode(out);
        self.second.encode(out);
    }
}

impl Decode for DoubleProposal {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { first: SignedProposal::decode(reader)?, second: SignedProposal::decode(reader)? })
    }
}

/// What one validator did wrong, as it stands in a block: checkable with the set it was done in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offence {
    /// It voted twice.
    DoubleVote(DoubleVote),
    /// It proposed twice.
    DoubleProposal(DoubleProposal),
}

impl Offence {
    /// The shortest encoding: two votes, one of them for nil.
    pub const SHORTEST: usize = 1 + 2 * (1 + 32 + 8 + 8 + 4 + 1 + 4 + 64);

    /// The set it was done in.
    #[must_use]
    pub const fn set_id(&self) -> SetId {
        match self {
            Self::DoubleVote(votes) => votes.first.vote.set_id,
            Self::DoubleProposal(proposals) => proposals.first.proposal.set_id,
        }
    }

    /// Who did it: index in the set.
    #[must_use]
    pub const fn signer(&self) -> u32 {
        match self {
            Self::DoubleVote(votes) => votes.first.signer,
            Self::DoubleProposal(proposals) => proposals.first.signer,
        }
    }

    /// What it is called: `double-vote` or `double-proposal`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::DoubleVote(_) => "double-vote",
            Self::DoubleProposal(_) => "double-proposal",
        }
    }

    /// Height at which it was done.
    #[must_use]
    pub const fn height(&self) -> Height {
        match self {
            Self::DoubleVote(votes) => votes.first.vote.height,
            Self::DoubleProposal(proposals) => proposals.first.proposal.height,
        }
    }

    /// Round in which it was done.
    #[must_use]
    pub const fn round(&self) -> Round {
        match self {
            Self::DoubleVote(votes) => votes.first.vote.round,
            Self::DoubleProposal(proposals) => proposals.first.proposal.round,
        }
    }

    /// Where it was done: height, round, and 0 for a proposal or the phase of the vote. Other
    /// evidence of the same place proves nothing new.
    #[must_use]
    pub fn position(&self) -> [u8; 13] {
        let kind = match self {
            Self::DoubleVote(votes) => votes.first.vote.phase as u8,
            Self::DoubleProposal(_) => 0,
        };
        let mut position = [kind; 13];
        let bytes = self.height().0.to_le_bytes().into_iter().chain(self.round().0.to_le_bytes());
        position.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
        position
    }
}

impl Encode for Offence {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::DoubleVote(votes) => {
                out.push(1);
                votes.encode(out);
            }
            Self::DoubleProposal(proposals) => {
                out.push(2);
                proposals.encode(out);
            }
        }
    }
}

impl Decode for Offence {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8()? {
            1 => DoubleVote::decode(reader).map(Self::DoubleVote),
            2 => DoubleProposal::decode(reader).map(Self::DoubleProposal),
            _ => Err(Malformed::Field("kind of offence")),
        }
    }
}

/// Two certified blocks for one height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkEvidence {
    /// One of them.
    pub first: LightBlock,
    /// The other.
    pub second: LightBlock,
}

impl Encode for ForkEvidence {
    fn encode(&self, out: &mut Vec<u8>) {
        self.first.encode(out);
        self.second.encode(out);
    }
}

impl Decode for ForkEvidence {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { first: LightBlock::decode(reader)?, second: LightBlock::decode(reader)? })
    }
}
