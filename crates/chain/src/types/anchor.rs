//! The anchor checkpoint: a later place than genesis from which to start trusting.

use super::{BlockId, ChainId, Header, Height, SetId, Time};
use crate::{
    Hash,
    codec::{Decode, Encode, Malformed, Reader},
};

/// What a user pins, out of band, to start at a later height than genesis. Operators vouch for it by
/// signing [`Checkpoint::sign_bytes`]; where a profile names none, the user does, by its block id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which chain.
    pub chain_id: ChainId,
    /// Height of the pinned block.
    pub height: Height,
    /// Its time.
    pub time: Time,
    /// Its set.
    pub set_id: SetId,
    /// Its id.
    pub block_id: BlockId,
    /// Root of its set.
    pub validators_hash: Hash,
    /// Root of the set after it.
    pub next_validators_hash: Hash,
    /// After this time the checkpoint is not to be started from.
    pub not_after: Time,
}

impl Checkpoint {
    /// The checkpoint that pins the block of `header`.
    #[must_use]
    pub fn of(header: &Header, not_after: Time) -> Self {
        Self {
            chain_id: header.chain_id,
            height: header.height,
            time: header.time,
            set_id: header.set_id,
            block_id: header.id(),
            validators_hash: header.validators_hash,
            next_validators_hash: header.next_validators_hash,
            not_after,
        }
    }
}

impl Encode for Checkpoint {
    fn encode(&self, out: &mut Vec<u8>) {
        self.chain_id.encode(out);
        self.height.encode(out);
        self.time.encode(out);
        self.set_id.encode(out);
        self.block_id.encode(out);
        self.validators_hash.encode(out);
        self.next_validators_hash.encode(out);
        self.not_after.encode(out);
    }
}

impl Decode for Checkpoint {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            chain_id: ChainId::decode(reader)?,
            height: Height::decode(reader)?,
            time: Time::decode(reader)?,
            set_id: SetId::decode(reader)?,
            block_id: BlockId::decode(reader)?,
            validators_hash: Hash::decode(reader)?,
            next_validators_hash: Hash::decode(reader)?,
            not_after: Time::decode(reader)?,
        })
    }
}
