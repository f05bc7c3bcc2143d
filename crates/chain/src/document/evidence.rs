//! `qratum/evidence/v1`: statements that cannot both be honest, to be checked by anyone.

use serde::{Deserialize, Serialize, Serializer};

use super::{DocumentError, header::StepJson, hex, parse};
use crate::{
    codec::Malformed,
    types::{ForkEvidence, LightBlock, Offence, Validator},
};

const SCHEMA: &str = "qratum/evidence/v1";

/// What is said to prove that someone broke the protocol. Untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Two statements of one validator.
    Offence(Box<OffenceProof>),
    /// Two certified blocks at one height.
    Fork(Box<ForkProof>),
}

/// Two statements of one validator, its set, and the way to that. Untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffenceProof {
    /// The two statements.
    pub offence: Offence,
    /// The set in which they were made.
    pub validators: Vec<Validator>,
    /// Hand-overs or skips that lead from the anchor to a block of that set, or to the last block
    /// before it; none where the anchor is such a block.
    pub path: Vec<LightBlock>,
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
    /// The way to the set, or to the blocks of a fork; left out where it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<Vec<StepJson>>,
}

impl Document {
    /// Two statements, with their set and the way there.
    fn offence(&self, offence: Offence) -> Result<OffenceProof, DocumentError> {
        let leaves = self.validators.iter().flatten().map(|leaf| hex::value(leaf, "validators"));
        Ok(OffenceProof { offence, validators: leaves.collect::<Result<_, _>>()?, path: self.path()? })
    }

    /// A fork, whose blocks bring their own sets.
    fn fork(&self, blocks: ForkEvidence) -> Result<ForkProof, DocumentError> {
        if self.validators.is_some() {
            return Err(DocumentError::Malformed("validators", Malformed::Field("kind")));
        }
        Ok(ForkProof { blocks, path: self.path()? })
    }

    fn path(&self) -> Result<Vec<LightBlock>, DocumentError> {
        self.path.iter().flatten().map(StepJson::read).collect()
    }
}

impl From<&Evidence> for Document {
    fn from(evidence: &Evidence) -> Self {
        let (kind, bytes, validators, path) = match evidence {
            Evidence::Offence(proof) => {
                let OffenceProof { offence, validators, path } = proof.as_ref();
                let (kind, bytes) = match offence {
                    Offence::DoubleVote(votes) => (Kind::DoubleVote, hex::of(votes)),
                    Offence::DoubleProposal(proposals) => (Kind::DoubleProposal, hex::of(proposals)),
                };
                (kind, bytes, Some(validators.iter().map(hex::of).collect()), path)
            }
            Evidence::Fork(fork) => (Kind::Fork, hex::of(&fork.blocks), None, &fork.path),
        };
        let path = Some(path).filter(|path| !path.is_empty());
        let path = path.map(|path| path.iter().map(StepJson::from).collect());
        Self { schema: SCHEMA.to_owned(), kind, bytes, validators, path }
    }
}

/// The document, as a part of another one.
impl Serialize for Evidence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Document::from(self).serialize(serializer)
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
        serde_json::to_string(self).map_err(|error| DocumentError::Json(error.to_string()))
    }

    /// Reads a document.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn from_json(text: &[u8]) -> Result<Self, DocumentError> {
        let document: Document = parse(text, SCHEMA)?;
        let bytes = &document.bytes;
        let offence = match document.kind {
            Kind::DoubleVote => Offence::DoubleVote(hex::value(bytes, "bytes")?),
            Kind::DoubleProposal => Offence::DoubleProposal(hex::value(bytes, "bytes")?),
            Kind::Fork => return Ok(Self::Fork(Box::new(document.fork(hex::value(bytes, "bytes")?)?))),
        };
        document.offence(offence).map(|proof| Self::Offence(Box::new(proof)))
    }
}

#[cfg(test)]
mod tests {
    use qratum_crypto::sign::ed25519::{PublicKey, Signature};

    use super::*;
    use crate::{
        Hash,
        types::{BlockId, ChainId, DoubleVote, Height, Jurisdiction, Phase, Round, SetId, SignedVote, Vote},
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
        let offence = Offence::DoubleVote(double);
        Evidence::Offence(Box::new(OffenceProof { offence, validators: vec![member], path: Vec::new() }))
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
