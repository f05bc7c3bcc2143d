//! The chained certificate of the HotStuff family, in the exact bytes of `hotstuff_rs`.
//!
//! A block is final when phase certificates of consecutive views stand on it and on its
//! descendants (three-chain, or two-chain by profile), or, for a block that changes the set, when
//! the old set signed its commit phase (phased mode). Source: Yin et al., "HotStuff: BFT Consensus
//! in the Lens of Blockchain" (2019), section 5; `hotstuff_rs` 0.4.0 for the byte layouts.

use qratum_crypto::{hash, sign::ed25519::Signature};

use super::{Header, MAX_VALIDATORS};
use crate::{
    Hash,
    codec::{Decode, Encode, Malformed, Reader, put_list},
};

/// The phase a HotStuff vote belongs to, with the discriminant it is signed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HotStuffPhase {
    /// The one phase of the pipelined mode.
    Generic = 0,
    /// First phase of the phased mode.
    Prepare = 1,
    /// Second phase.
    Precommit = 2,
    /// Third phase: the old set's last word on a set change.
    Commit = 3,
    /// Fourth phase, signed by the new set.
    Decide = 4,
}

impl Encode for HotStuffPhase {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }
}

impl Decode for HotStuffPhase {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8()? {
            0 => Ok(Self::Generic),
            1 => Ok(Self::Prepare),
            2 => Ok(Self::Precommit),
            3 => Ok(Self::Commit),
            4 => Ok(Self::Decide),
            _ => Err(Malformed::Field("HotStuff phase")),
        }
    }
}

/// Votes of one phase and view for one HotStuff block. Its encoding is the Borsh encoding that
/// `hotstuff_rs` hashes and sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseCertificate {
    /// HotStuff's own chain number.
    pub chain: u64,
    /// In which view.
    pub view: u64,
    /// HotStuff's hash of the block.
    pub block: Hash,
    /// Which phase.
    pub phase: HotStuffPhase,
    /// One place for each member of the set, in index order.
    pub signatures: Vec<Option<Signature>>,
}

impl PhaseCertificate {
    /// `chain || view || block || phase`: what every signer signed, 49 bytes. No tag of ours
    /// stands in front: the bytes are those of another protocol.
    #[must_use]
    pub fn sign_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(49);
        out.extend_from_slice(&self.chain.to_le_bytes());
        out.extend_from_slice(&self.view.to_le_bytes());
        self.block.encode(&mut out);
        self.phase.encode(&mut out);
        out
    }
}

/// One place of a phase certificate: 0, or 1 and a signature.
struct Place(Option<Signature>);

impl Encode for Place {
    fn encode(&self, out: &mut Vec<u8>) {
        crate::codec::put_option(out, self.0.as_ref(), |out, signature| signature.encode(out));
    }
}

impl Decode for Place {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.option("signature place", Signature::decode).map(Self)
    }
}

impl Encode for PhaseCertificate {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.sign_bytes());
        let places: Vec<Place> = self.signatures.iter().copied().map(Place).collect();
        put_list(out, &places);
    }
}

impl Decode for PhaseCertificate {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            chain: reader.u64()?,
            view: reader.u64()?,
            block: Hash::decode(reader)?,
            phase: HotStuffPhase::decode(reader)?,
            signatures: {
                let places: Vec<Place> = reader.list("signature places", MAX_VALIDATORS, 1)?;
                places.into_iter().map(|place| place.0).collect()
            },
        })
    }
}

/// A HotStuff block: its height, the certificate it stands on, and our header as its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainedBlock {
    /// HotStuff's height, which must be the header's.
    pub height: u64,
    /// Certificate of the block below.
    pub justify: PhaseCertificate,
    /// Our header; its block id is HotStuff's data hash.
    pub header: Header,
}

impl ChainedBlock {
    /// `SHA-256(height || justify || data_hash)`, `hotstuff_rs`'s block hash.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let mut bytes = self.height.to_le_bytes().to_vec();
        self.justify.encode(&mut bytes);
        self.header.id().encode(&mut bytes);
        hash::sha2_256(&bytes)
    }
}

impl Encode for ChainedBlock {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.height.to_le_bytes());
        self.justify.encode(out);
        self.header.encode(out);
    }
}

impl Decode for ChainedBlock {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            height: reader.u64()?,
            justify: PhaseCertificate::decode(reader)?,
            header: Header::decode(reader)?,
        })
    }
}

/// The blocks from the certified one upward, and the certificate on the last of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainedCertificate {
    /// The certified block first, then its descendants.
    pub blocks: Vec<ChainedBlock>,
    /// Certificate on the last block.
    pub tip: PhaseCertificate,
}

impl ChainedCertificate {
    /// The longest chain any rule asks for.
    const MOST_BLOCKS: usize = 3;
}

impl Encode for ChainedCertificate {
    fn encode(&self, out: &mut Vec<u8>) {
        put_list(out, &self.blocks);
        self.tip.encode(out);
    }
}

impl Decode for ChainedCertificate {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            blocks: reader.list("chained blocks", Self::MOST_BLOCKS, 8 + 53 + Header::LENGTH)?,
            tip: PhaseCertificate::decode(reader)?,
        })
    }
}
