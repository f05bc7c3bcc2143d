//! What a block carries beside its header: transactions and evidence.

use qratum_crypto::merkle::{self, Sha3, Tree};

use crate::{
    Hash,
    codec::{Decode, Encode, Malformed, Reader, put_bytes, put_list},
    types::{Offence, Txo},
};

/// The transactions and the evidence of a block, in the order in which they are carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// Under `tx_root`.
    pub transactions: Vec<Txo>,
    /// Under `evidence_root`.
    pub evidence: Vec<Offence>,
}

impl Body {
    /// The most transactions of a block.
    pub const MAX_TRANSACTIONS: usize = 256;
    /// The most bytes that its transactions have together.
    pub const MAX_BYTES: usize = 128 << 10;
    /// The most evidence of a block.
    pub const MAX_EVIDENCE: usize = 16;
    /// No transaction is shorter: its key and its signature alone are longer.
    const SHORTEST_TXO: usize = 4 + 96;

    /// The root over the canonical bytes of the transactions.
    #[must_use]
    pub fn tx_root(&self) -> Hash {
        merkle::root::<Sha3, _>(self.transactions.iter().map(Txo::to_bytes))
    }

    /// The root over the encodings of the evidence.
    #[must_use]
    pub fn evidence_root(&self) -> Hash {
        Self::root_of(&self.evidence)
    }

    /// The root that a block with this evidence has.
    #[must_use]
    pub fn root_of(evidence: &[Offence]) -> Hash {
        merkle::root::<Sha3, _>(evidence.iter().map(Encode::to_bytes))
    }

    /// The audit path of the transaction at `index` under `tx_root`; `None` when there is none.
    #[must_use]
    pub fn audit_path(&self, index: usize) -> Option<Vec<Hash>> {
        let mut tree = Tree::<Sha3>::default();
        self.transactions.iter().for_each(|txo| tree.append(merkle::leaf_hash::<Sha3>(&txo.to_bytes())));
        tree.inclusion(u64::try_from(index).ok()?, tree.size())
    }
}

/// A transaction as a byte string: how long it is stands before it.
struct Framed(Txo);

impl Decode for Framed {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Txo::from_bytes(reader.bytes("transaction", Txo::MAX_LENGTH)?).map(Self)
    }
}

impl Encode for Body {
    fn encode(&self, out: &mut Vec<u8>) {
        let count = u32::try_from(self.transactions.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&count.to_le_bytes());
        self.transactions.iter().for_each(|txo| put_bytes(out, &txo.to_bytes()));
        put_list(out, &self.evidence);
    }
}

impl Decode for Body {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let before = reader.remaining();
        let framed: Vec<Framed> = reader.list("transactions", Self::MAX_TRANSACTIONS, Self::SHORTEST_TXO)?;
        let lengths = 4usize.saturating_mul(framed.len().saturating_add(1));
        if before.saturating_sub(reader.remaining()).saturating_sub(lengths) > Self::MAX_BYTES {
            return Err(Malformed::TooLarge("transactions"));
        }
        Ok(Self {
            transactions: framed.into_iter().map(|Framed(txo)| txo).collect(),
            evidence: reader.list("evidence", Self::MAX_EVIDENCE, Offence::SHORTEST)?,
        })
    }
}
