//! Evidence: statements that cannot both be honest. Two votes or proposals of one validator are
//! checkable alone, with nothing but its key; a fork needs a trusted block below it.

use super::{LightBlock, SignedProposal, SignedVote};
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
