//! `qratum/anchor-signatures/v1`: who vouches for a checkpoint.

use serde::{Deserialize, Serialize};

use super::{DocumentError, hex, parse};
use crate::types::{Checkpoint, Endorsement, MAX_OPERATORS, OperatorKey};

const SCHEMA: &str = "qratum/anchor-signatures/v1";

/// A checkpoint and the signatures of operators over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endorsements {
    /// What is signed.
    pub checkpoint: Checkpoint,
    /// Who signed it, as the document says.
    pub signatures: Vec<Endorsement>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    /// The checkpoint, in the canonical encoding.
    checkpoint: String,
    signatures: Vec<SignatureJson>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureJson {
    key: String,
    signature: String,
}

impl Endorsements {
    /// The document.
    ///
    /// # Errors
    /// [`DocumentError::Json`], which only an exhausted memory can cause.
    pub fn to_json(&self) -> Result<String, DocumentError> {
        let signatures = self.signatures.iter().map(|signed| SignatureJson {
            key: ::hex::encode(signed.key.bytes()),
            signature: ::hex::encode(&signed.signature),
        });
        let (schema, checkpoint) = (SCHEMA.to_owned(), hex::of(&self.checkpoint));
        let document = Document { schema, checkpoint, signatures: signatures.collect() };
        serde_json::to_string(&document).map_err(|error| DocumentError::Json(error.to_string()))
    }

    /// Reads a document. Whether a signature holds, and has its length, is for the verifier to say.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn from_json(text: &[u8]) -> Result<Self, DocumentError> {
        let document: Document = parse(text, SCHEMA)?;
        let checkpoint = hex::value(&document.checkpoint, "checkpoint")?;
        if document.signatures.len() > MAX_OPERATORS {
            return Err(DocumentError::TooMuch);
        }
        let signatures = document.signatures.iter().map(|signed| {
            let signature = hex::bytes(&signed.signature, "signature")?;
            Ok(Endorsement { key: operator_key_from_hex(&signed.key)?, signature })
        });
        Ok(Self { checkpoint, signatures: signatures.collect::<Result<_, _>>()? })
    }
}

/// Reads an operator's public key: 160 lower-case hex digits.
///
/// # Errors
/// [`DocumentError::Hex`].
pub fn operator_key_from_hex(text: &str) -> Result<OperatorKey, DocumentError> {
    OperatorKey::new(&hex::array(text, "key")?).ok_or(DocumentError::Hex("key"))
}

/// An operator's public key as hex digits.
#[must_use]
pub fn operator_key_to_hex(key: &OperatorKey) -> String {
    ::hex::encode(key.bytes())
}
