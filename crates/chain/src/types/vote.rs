//! Votes and proposals: the bytes a validator, or its HSM, signs.

use qratum_crypto::{domain, sign::ed25519::Signature};

use super::{BlockId, ChainId, Height, Round, SetId};
use crate::codec::{Decode, Encode, Malformed, Reader, put_option};

/// Which of the two votes of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The first vote: "I would accept this".
    Prevote = 1,
    /// The second vote: "commit this". A certificate holds these.
    Precommit = 2,
}

impl Encode for Phase {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }
}

impl Decode for Phase {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8()? {
            1 => Ok(Self::Prevote),
            2 => Ok(Self::Precommit),
            _ => Err(Malformed::Field("vote phase")),
        }
    }
}

/// A vote for a block, or for none (nil). The same bytes for every signer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Which of the two votes.
    pub phase: Phase,
    /// Which chain.
    pub chain_id: ChainId,
    /// The set the signer votes in.
    pub set_id: SetId,
    /// At which height.
    pub height: Height,
    /// In which round.
    pub round: Round,
    /// For which block; `None` is a vote for nil.
    pub value: Option<BlockId>,
}

impl Vote {
    /// `tag || phase || chain_id || set_id || height || round || value`.
    #[must_use]
    pub fn sign_bytes(&self) -> Vec<u8> {
        let mut out = domain::VOTE.bytes().to_vec();
        self.encode(&mut out);
        out
    }
}

impl Encode for Vote {
    fn encode(&self, out: &mut Vec<u8>) {
        self.phase.encode(out);
        self.chain_id.encode(out);
        self.set_id.encode(out);
        self.height.encode(out);
        self.round.encode(out);
        put_option(out, self.value.as_ref(), |out, id| id.encode(out));
    }
}

impl Decode for Vote {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            phase: Phase::decode(reader)?,
            chain_id: ChainId::decode(reader)?,
            set_id: SetId::decode(reader)?,
            height: Height::decode(reader)?,
            round: Round::decode(reader)?,
            value: reader.option("vote value", BlockId::decode)?,
        })
    }
}

/// A proposer's signed statement: this block, at this height and round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Which chain.
    pub chain_id: ChainId,
    /// The set the proposer belongs to.
    pub set_id: SetId,
    /// At which height.
    pub height: Height,
    /// In which round.
    pub round: Round,
    /// The round of the proof-of-lock that this re-proposal rests on; -1 for a fresh one.
    pub pol_round: i32,
    /// Which block.
    pub block_id: BlockId,
}

impl Proposal {
    /// `tag || chain_id || set_id || height || round || pol_round || block_id`.
    #[must_use]
    pub fn sign_bytes(&self) -> Vec<u8> {
        let mut out = domain::PROPOSAL.bytes().to_vec();
        self.encode(&mut out);
        out
    }
}

impl Encode for Proposal {
    fn encode(&self, out: &mut Vec<u8>) {
        self.chain_id.encode(out);
        self.set_id.encode(out);
        self.height.encode(out);
        self.round.encode(out);
        out.extend_from_slice(&self.pol_round.to_le_bytes());
        self.block_id.encode(out);
    }
}

impl Decode for Proposal {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            chain_id: ChainId::decode(reader)?,
            set_id: SetId::decode(reader)?,
            height: Height::decode(reader)?,
            round: Round::decode(reader)?,
            pol_round: reader.array().map(i32::from_le_bytes)?,
            block_id: BlockId::decode(reader)?,
        })
    }
}

/// A vote with its signer, by index in the set, and the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedVote {
    /// What was voted.
    pub vote: Vote,
    /// Who voted: index in the set `vote.set_id`.
    pub signer: u32,
    /// Over [`Vote::sign_bytes`].
    pub signature: Signature,
}

impl Encode for SignedVote {
    fn encode(&self, out: &mut Vec<u8>) {
        self.vote.encode(out);
        out.extend_from_slice(&self.signer.to_le_bytes());
        self.signature.encode(out);
    }
}

impl Decode for SignedVote {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { vote: Vote::decode(reader)?, signer: reader.u32()?, signature: Signature::decode(reader)? })
    }
}

/// A proposal with its signer, by index in the set, and the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedProposal {
    /// What was proposed.
    pub proposal: Proposal,
    /// Who proposed: index in the set `proposal.set_id`.
    pub signer: u32,
    /// Over [`Proposal::sign_bytes`].
    pub signature: Signature,
}

impl Encode for SignedProposal {
    fn encode(&self, out: &mut Vec<u8>) {
        self.proposal.encode(out);
        out.extend_from_slice(&self.signer.to_le_bytes());
        self.signature.encode(out);
    }
}

impl Decode for SignedProposal {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            proposal: Proposal::decode(reader)?,
            signer: reader.u32()?,
            signature: Signature::decode(reader)?,
        })
    }
}

impl Encode for Signature {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}

impl Decode for Signature {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.array().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes an HSM is asked to sign have one fixed length for each kind of value.
    #[test]
    fn sign_bytes_have_the_layout_of_the_format() {
        let mut vote = Vote {
            phase: Phase::Precommit,
            chain_id: ChainId::ZERO,
            set_id: SetId(1),
            height: Height(2),
            round: Round(3),
            value: Some(BlockId::ZERO),
        };
        let tag = domain::VOTE.bytes().len();
        let bytes = vote.sign_bytes();
        assert_eq!(bytes.len(), tag + 1 + 32 + 8 + 8 + 4 + 1 + 32);
        assert_eq!((bytes[tag], bytes[tag + 33], bytes[tag + 41], bytes[tag + 49]), (2, 1, 2, 3));
        vote.value = None;
        assert_eq!(vote.sign_bytes().len(), tag + 1 + 32 + 8 + 8 + 4 + 1);
    }
}
