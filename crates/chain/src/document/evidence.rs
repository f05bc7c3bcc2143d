//! `qratum/evidence/v1`: statements that cannot both be honest, to be checked by anyone.

use serde::{Deserialize, Serialize};

use super::{DocumentError, header::StepJson, hex, parse};
use crate::{
    codec::Malformed,
    types::{DoubleProposal, DoubleVote, ForkEvidence, LightBlock, Validator},
};

const SCHEMA: &str = "qratum/evidence/v1";

/// What is said to prove that someone broke the protocol. Untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Two votes of one member of the set that came along.
    DoubleVote(DoubleVote, Vec<Validator>),
    /// Two proposals of one member of the set that came along.
    DoubleProposal(DoubleProposal, Vec<Validator>),
    /// Two certified blocks at one height.
    Fork(Box<ForkProof>),
}

/// Two certified blocks at one height, and the way to them. Untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkProof {
    /// The two blocks.
    pub blocks: ForkEvidence,
    /// Hand-overs or skips that lead from the anchor to a block from which both verify; where the
    /// branches part right above it, that is the last block they share.
    pub path: Vec<LightBlock>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    kind: Kind,
    /// The statements, in the canonical encoding.
    bytes: String,
    /// Leaves of the set in which votes and proposals were made; blocks bring their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    validators: Option<Vec<String>>,
    /// The way to the blocks of a fork; left out where it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<Vec<StepJson>>,
}

impl Document {
    /// The set that votes and proposals need, and come without a path.
    fn set(&self) -> Result<Vec<Validator>, DocumentError> {
        if self.path.is_some() {
            return Err(DocumentError::Malformed("path", Malformed::Field("kind")));
        }
        let leaves = self.validators.iter().flatten().map(|leaf| hex::value(leaf, "validators"));
        leaves.collect()
    }

    /// The path of a fork, which comes without a set.
    fn path(&self) -> Result<Vec<LightBlock>, DocumentError> {
        if self.validators.is_some() {
            return Err(DocumentError::Malformed("validators", Malformed::Field("kind")));
        }
        self.path.iter().flatten().map(StepJson::read).collect()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    DoubleVote,
    DoubleProposal,
    Fork,
}

impl Evidence {
    /// The document.
    ///
    /// # Errors
    /// [`DocumentError::Json`], which only an exhausted memory can cause.
    pub fn to_json(&self) -> Result<String, DocumentError> {
        let leaves = |set: &[Validator]| Some(set.iter().map(hex::of).collect());
        let steps = |path: &[LightBlock]| path.iter().map(StepJson::from).collect();
        let (kind, bytes, validators, path) = match self {
            Self::DoubleVote(votes, set) => (Kind::DoubleVote, hex::of(votes), leaves(set), None),
            Self::DoubleProposal(proposals, set) => {
                (Kind::DoubleProposal, hex::of(proposals), leaves(set), None)
            }
            Self::Fork(fork) => {
                let path = Some(fork.path.as_slice()).filter(|path| !path.is_empty());
                (Kind::Fork, hex::of(&fork.blocks), None, path.map(steps))
            }
        };
        let document = Document { schema: SCHEMA.to_owned(), kind, bytes, validators, path };
        serde_json::to_string(&document).map_err(|error| DocumentError::Json(error.to_string()))
    }

    /// Reads a document.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn from_json(text: &[u8]) -> Result<Self, DocumentError> {
        let document: Document = parse(text, SCHEMA)?;
        Ok(match document.kind {
            Kind::DoubleVote => Self::DoubleVote(hex::value(&document.bytes, "bytes")?, document.set()?),
            Kind::DoubleProposal => {
                Self::DoubleProposal(hex::value(&document.bytes, "bytes")?, document.set()?)
            }
            Kind::Fork => {
                let blocks = hex::value(&document.bytes, "bytes")?;
                Self::Fork(Box::new(ForkProof { blocks, path: document.path()? }))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use qratum_crypto::sign::ed25519::{PublicKey, Signature};

    use super::*;
    use crate::{
        Hash,
        types::{BlockId, ChainId, Height, Jurisdiction, Phase, Round, SetId, SignedVote, Vote},
    };

    fn evidence() -> Evidence {
        let vote = |value| SignedVote {
            vote: Vote {
                phase: Phase::Precommit,
                chain_id: ChainId::ZERO,
                set_id: SetId(1),
                height: Height(2),
                round: Round(0),
                value,
            },
            signer: 0,
            signature: Signature([7; 64]),
        };
        let member = Validator {
            pubkey: PublicKey([1; 32]),
            power: 1,
            jurisdiction: Jurisdiction::new(*b"CH").unwrap(),
            since_set: SetId(0),
            pq_key_hash: Hash::ZERO,
        };
        let double = DoubleVote { first: vote(None), second: vote(Some(BlockId::ZERO)) };
        Evidence::DoubleVote(double, vec![member])
    }

    #[test]
    fn evidence_reads_back() {
        let json = evidence().to_json().unwrap();
        assert!(json.starts_with("{\"schema\":\"qratum/evidence/v1\",\"kind\":\"double-vote\""), "{json}");
        assert_eq!(Evidence::from_json(json.as_bytes()), Ok(evidence()));
    }

    #[test]
    fn a_kind_that_the_bytes_are_not_is_refused() {
        let json = evidence().to_json().unwrap().replace("double-vote", "double-proposal");
        assert!(matches!(Evidence::from_json(json.as_bytes()), Err(DocumentError::Malformed("bytes", _))));
        let json = evidence().to_json().unwrap().replace("double-vote", "triple-vote");
        assert!(matches!(Evidence::from_json(json.as_bytes()), Err(DocumentError::Json(_))));
    }
}
