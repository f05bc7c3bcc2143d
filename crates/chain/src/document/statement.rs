//! `qratum/proof/v1`: what a block commits to beside its header, with the proof that leads to it from
//! an anchor: an entry of the state, or a transaction.

use serde::{Deserialize, Serialize};

use super::{DocumentError, HeaderProof, header::HeaderJson, hex, parse};
use crate::{Hash, state::StateProof, types::Txo};

const SCHEMA: &str = "qratum/proof/v1";

/// What is said of a block, and what is said to prove it. Untrusted.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// After the block, the state has this value under this key, or none.
    State {
        /// The key.
        key: Vec<u8>,
        /// The value; none where it is absent.
        value: Option<Vec<u8>>,
        /// The way to the header's `state_root`.
        proof: StateProof,
    },
    /// This transaction stands in the block.
    Txo {
        /// The transaction.
        txo: Txo,
        /// Its place, from 0.
        index: u64,
        /// How many transactions the block has, as the path says.
        count: u64,
        /// The way to the header's `tx_root`.
        audit_path: Vec<Hash>,
    },
}

/// A statement with the header that it rests on. Untrusted.
#[derive(Clone, Debug, PartialEq)]
pub struct StatementProof {
    /// The header, and what is said to prove it.
    pub header: HeaderProof,
    /// What is said of its block.
    pub statement: Statement,
}

impl StatementProof {
    /// The document.
    ///
    /// # Errors
    /// [`DocumentError::Json`], which only an exhausted memory can cause.
    pub fn to_json(&self) -> Result<String, DocumentError> {
        let document = Document {
            schema: SCHEMA.to_owned(),
            statement: StatementJson::from(&self.statement),
            header: HeaderJson::from(&self.header),
        };
        serde_json::to_string(&document).map_err(|error| DocumentError::Json(error.to_string()))
    }

    /// Reads a document.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn from_json(text: &[u8]) -> Result<Self, DocumentError> {
        let document: Document = parse(text, SCHEMA)?;
        Ok(Self { header: document.header.read()?, statement: document.statement.read()? })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    statement: StatementJson,
    header: HeaderJson,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum StatementJson {
    State { key: String, value: Option<String>, proof: String },
    Txo { bytes: String, index: u64, count: u64, audit_path: Vec<String> },
}

impl From<&Statement> for StatementJson {
    fn from(statement: &Statement) -> Self {
        match statement {
            Statement::State { key, value, proof } => Self::State {
                key: ::hex::encode(key),
                value: value.as_ref().map(::hex::encode),
                proof: ::hex::encode(proof.to_bytes()),
            },
            Statement::Txo { txo, index, count, audit_path } => Self::Txo {
                bytes: ::hex::encode(txo.to_bytes()),
                index: *index,
                count: *count,
                audit_path: audit_path.iter().map(ToString::to_string).collect(),
            },
        }
    }
}

impl StatementJson {
    fn read(&self) -> Result<Statement, DocumentError> {
        let malformed = |field| move |why| DocumentError::Malformed(field, why);
        match self {
            Self::State { key, value, proof } => Ok(Statement::State {
                key: hex::bytes(key, "key")?,
                value: value.as_ref().map(|value| hex::bytes(value, "value")).transpose()?,
                proof: StateProof::from_bytes(&hex::bytes(proof, "proof")?).map_err(malformed("proof"))?,
            }),
            Self::Txo { bytes, index, count, audit_path } => {
                let audit_path = audit_path.iter().map(|node| hex::hash(node, "audit_path"));
                Ok(Statement::Txo {
                    txo: Txo::from_bytes(&hex::bytes(bytes, "bytes")?).map_err(malformed("bytes"))?,
                    index: *index,
                    count: *count,
                    audit_path: audit_path.collect::<Result<_, _>>()?,
                })
            }
        }
    }
}
