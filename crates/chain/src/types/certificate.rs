//! Certificates: the votes that make a block final.

use qratum_crypto::{
    domain, hash,
    sign::{ed25519::Signature, ml_dsa},
};

use super::{BlockId, ChainId, ChainedCertificate, Height, MAX_VALIDATORS, Phase, Round, SetId, Vote};
use crate::{
    Hash,
    codec::{Decode, Encode, Malformed, Reader, put_bytes, put_list},
};

/// Which members of a set signed: one bit for each index, lowest bit first.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Bitmap(pub Vec<u8>);

impl Bitmap {
    /// The bitmap over `members` indexes with exactly `indexes` set; indexes outside are ignored.
    #[must_use]
    pub fn of(members: usize, indexes: impl IntoIterator<Item = u32>) -> Self {
        let mut bytes = vec![0; Self::length(members)];
        for index in indexes {
            if let Some(byte) = bytes.get_mut(index as usize / 8).filter(|_| (index as usize) < members) {
                *byte |= 1 << (index % 8);
            }
        }
        Self(bytes)
    }

    /// How many bytes a bitmap over `members` indexes has.
    #[must_use]
    pub const fn length(members: usize) -> usize {
        members.div_ceil(8)
    }

    /// The set indexes, ascending: each appears once, whatever a peer sends.
    pub fn indexes(&self) -> impl Iterator<Item = u32> + '_ {
        (0u32..).zip(&self.0).flat_map(|(byte_index, byte)| {
            (0..8).filter(move |bit| byte >> bit & 1 == 1).map(move |bit| byte_index * 8 + bit)
        })
    }
}

/// The precommits of more than two thirds of a set's power for one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitCertificate {
    /// Which chain.
    pub chain_id: ChainId,
    /// The set that signed.
    pub set_id: SetId,
    /// Height of the block.
    pub height: Height,
    /// Round in which it was committed.
    pub round: Round,
    /// The block.
    pub block_id: BlockId,
    /// Who signed.
    pub bitmap: Bitmap,
    /// One signature for each set bit, in index order.
    pub signatures: Vec<Signature>,
}

impl CommitCertificate {
    /// The vote that every signer of this certificate signed.
    #[must_use]
    pub const fn vote(&self) -> Vote {
        Vote {
            phase: Phase::Precommit,
            chain_id: self.chain_id,
            set_id: self.set_id,
            height: self.height,
            round: self.round,
            value: Some(self.block_id),
        }
    }
}

impl Encode for CommitCertificate {
    fn encode(&self, out: &mut Vec<u8>) {
        self.chain_id.encode(out);
        self.set_id.encode(out);
        self.height.encode(out);
        self.round.encode(out);
        self.block_id.encode(out);
        put_bytes(out, &self.bitmap.0);
        put_list(out, &self.signatures);
    }
}

impl Decode for CommitCertificate {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            chain_id: ChainId::decode(reader)?,
            set_id: SetId::decode(reader)?,
            height: Height::decode(reader)?,
            round: Round::decode(reader)?,
            block_id: BlockId::decode(reader)?,
            bitmap: Bitmap(reader.bytes("bitmap", Bitmap::length(MAX_VALIDATORS))?.to_vec()),
            signatures: reader.list("signatures", MAX_VALIDATORS, 64)?,
        })
    }
}

/// One member's ML-DSA-65 signature over the same vote, with the key that the set names by hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PqSignature {
    /// Index of the signer in its set.
    pub signer: u32,
    /// The ML-DSA-65 public key.
    pub key: Vec<u8>,
    /// The signature, with the hand-over tag as context.
    pub signature: Vec<u8>,
}

impl PqSignature {
    /// Length of an encoding in bytes.
    pub const LENGTH: usize = 4 + ml_dsa::PUBLIC_KEY_LENGTH + ml_dsa::SIGNATURE_LENGTH;
}

impl Encode for PqSignature {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.signer.to_le_bytes());
        out.extend_from_slice(&self.key);
        out.extend_from_slice(&self.signature);
    }
}

impl Decode for PqSignature {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            signer: reader.u32()?,
            key: reader.take(ml_dsa::PUBLIC_KEY_LENGTH)?.to_vec(),
            signature: reader.take(ml_dsa::SIGNATURE_LENGTH)?.to_vec(),
        })
    }
}

/// What makes a block final, by the network's profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// Precommits of the Tendermint family.
    Commit(CommitCertificate),
    /// The same at the end of a set, with the ML-DSA signatures of members that registered a key.
    Handover(CommitCertificate, Vec<PqSignature>),
    /// A chain of phase certificates of the HotStuff family.
    Chained(ChainedCertificate),
}

impl Certificate {
    /// `SHA3-256(tag || bytes)`, as the next header carries it.
    #[must_use]
    pub fn hash(&self) -> Hash {
        hash::tagged(domain::CERTIFICATE, &[&self.to_bytes()])
    }

    /// The same without the second signatures of a hand-over: what the next block carries.
    #[must_use]
    pub fn plain(&self) -> Self {
        match self {
            Self::Commit(commit) | Self::Handover(commit, _) => Self::Commit(commit.clone()),
            Self::Chained(chained) => Self::Chained(chained.clone()),
        }
    }

    /// The Tendermint-family part, if it is of that family.
    #[must_use]
    pub const fn commit(&self) -> Option<&CommitCertificate> {
        match self {
            Self::Commit(commit) | Self::Handover(commit, _) => Some(commit),
            Self::Chained(_) => None,
        }
    }
}

impl Encode for Certificate {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Commit(commit) => {
                out.push(1);
                commit.encode(out);
            }
            Self::Handover(commit, signatures) => {
                out.push(2);
                commit.encode(out);
                put_list(out, signatures);
            }
            Self::Chained(chained) => {
                out.push(3);
                chained.encode(out);
            }
        }
    }
}

impl Decode for Certificate {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8()? {
            1 => CommitCertificate::decode(reader).map(Self::Commit),
            2 => Ok(Self::Handover(
                CommitCertificate::decode(reader)?,
                reader.list("ML-DSA signatures", MAX_VALIDATORS, PqSignature::LENGTH)?,
            )),
            3 => ChainedCertificate::decode(reader).map(Self::Chained),
            _ => Err(Malformed::Field("certificate kind")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bitmap_names_each_index_once_in_order() {
        let bitmap = Bitmap::of(10, [9, 0, 3, 3, 10, 4_000_000]);
        assert_eq!(bitmap.0, [0b1001, 0b10]);
        assert_eq!(bitmap.indexes().collect::<Vec<_>>(), [0, 3, 9]);
    }
}
