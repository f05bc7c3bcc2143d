//! `qratum/evidence/v1`: statements that cannot both be honest, to be checked by anyone.

use serde::{Deserialize, Serialize};

use super::{DocumentError, hex, parse};
use crate::types::{DoubleProposal, DoubleVote, ForkEvidence, Validator};

const SCHEMA: &str = "qratum/evidence/v1";

/// What is said to prove that someone broke the protocol. Untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Two votes of one member of the set that came along.
    DoubleVote(DoubleVote, Vec<Validator>),
    /// Two proposals of one member of the set that came along.
    DoubleProposal(DoubleProposal, Vec<Validator>),
    /// Two certified blocks at one height.
    Fork(Box<ForkEvidence>),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    kind: Kind,
    /// The statements, in the canonical encoding.
    bytes: String,
    /// Leaves of the set in which the statements were made; none for a fork, which has its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    validators: Vec<String>,
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
        let (kind, bytes, set) = match self {
            Self::DoubleVote(evidence, set) => (Kind::DoubleVote, hex::of(evidence), set.as_slice()),
            Self::DoubleProposal(evidence, set) => (Kind::DoubleProposal, hex::of(evidence), set.as_slice()),
            Self::Fork(evidence) => (Kind::Fork, hex::of(evidence.as_ref()), [].as_slice()),
        };
        let validators = set.iter().map(hex::of).collect();
        let document = Document { schema: SCHEMA.to_owned(), kind, bytes, validators };
        serde_json::to_string(&document).map_err(|error| DocumentError::Json(error.to_string()))
    }

    /// Reads a document.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn from_json(text: &[u8]) -> Result<Self, DocumentError> {
        let document: Document = parse(text, SCHEMA)?;
        let leaves = document.validators.iter().map(|leaf| hex::value(leaf, "validators"));
        let set = leaves.collect::<Result<Vec<Validator>, _>>()?;
        Ok(match document.kind {
            Kind::DoubleVote => Self::DoubleVote(hex::value(&document.bytes, "bytes")?, set),
            Kind::DoubleProposal => Self::DoubleProposal(hex::value(&document.bytes, "bytes")?, set),
            Kind::Fork => Self::Fork(Box::new(hex::value(&document.bytes, "bytes")?)),
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
