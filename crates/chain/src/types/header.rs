//! The block header: everything else on the chain is under one of its hashes.

use qratum_crypto::{domain, hash};

use super::{BlockId, ChainId, Height, Round, SetId, Time};
use crate::{
    Hash,
    codec::{Decode, Encode, Malformed, Reader},
};

/// A block header, version 1. Fixed layout, 322 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which chain; zero in the genesis header, whose id is the chain id.
    pub chain_id: ChainId,
    /// Blocks below this one.
    pub height: Height,
    /// The round in which this block was first proposed.
    pub round: Round,
    /// The proposer's clock, above the parent's.
    pub time: Time,
    /// The set that certifies this block.
    pub set_id: SetId,
    /// Id of the block below.
    pub parent: BlockId,
    /// Hash of the parent's certificate as carried in this block; zero below height 2.
    pub last_certificate: Hash,
    /// Root over the transactions.
    pub tx_root: Hash,
    /// Root of the state map after this block.
    pub state_root: Hash,
    /// Root of the set that certifies this block.
    pub validators_hash: Hash,
    /// Root of the set that certifies the next height.
    pub next_validators_hash: Hash,
    /// Root over the evidence in this block.
    pub evidence_root: Hash,
    /// Root over the ids of all headers below this one.
    pub history_root: Hash,
    /// Index of the proposer in its set.
    pub proposer: u32,
}

impl Header {
    /// The only header version there is.
    pub const VERSION: u16 = 1;
    /// Length of the encoding in bytes.
    pub const LENGTH: usize = 322;

    /// `block_id = SHA3-256(tag || bytes)`.
    #[must_use]
    pub fn id(&self) -> BlockId {
        BlockId(hash::tagged(domain::HEADER, &[&self.to_bytes()]))
    }
}

impl Encode for Header {
    fn encode(&self, out: &mut Vec<u8>) {
        out.reserve(Self::LENGTH);
        out.extend_from_slice(&Self::VERSION.to_le_bytes());
        self.chain_id.encode(out);
        self.height.encode(out);
        self.round.encode(out);
        self.time.encode(out);
        self.set_id.encode(out);
        self.parent.encode(out);
        for root in [
            &self.last_certificate,
            &self.tx_root,
            &self.state_root,
            &self.validators_hash,
            &self.next_validators_hash,
            &self.evidence_root,
            &self.history_root,
        ] {
            root.encode(out);
        }
        out.extend_from_slice(&self.proposer.to_le_bytes());
    }
}

impl Decode for Header {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        if reader.u16()? != Self::VERSION {
            return Err(Malformed::Field("header version"));
        }
        Ok(Self {
            chain_id: ChainId::decode(reader)?,
            height: Height::decode(reader)?,
            round: Round::decode(reader)?,
            time: Time::decode(reader)?,
            set_id: SetId::decode(reader)?,
            parent: BlockId::decode(reader)?,
            last_certificate: Hash::decode(reader)?,
            tx_root: Hash::decode(reader)?,
            state_root: Hash::decode(reader)?,
            validators_hash: Hash::decode(reader)?,
            next_validators_hash: Hash::decode(reader)?,
            evidence_root: Hash::decode(reader)?,
            history_root: Hash::decode(reader)?,
            proposer: reader.u32()?,
        })
    }
}
