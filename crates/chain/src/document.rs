//! The JSON forms in which headers, proofs and genesis leave the program: hashes and byte strings
//! in lower-case hex, a `schema` field first, no unknown fields.
//!
//! A document is as untrusted as a peer: reading one says what it claims, the verifier says
//! whether that is so.

mod anchor;
mod bounds;
mod bundle;
mod endorsement;
mod evidence;
mod genesis;
mod governance;
mod header;
mod hex;
mod people;
mod statement;

use core::fmt;

pub use anchor::Anchor;
pub use bundle::Bundle;
pub use endorsement::{Endorsements, operator_key_from_hex, operator_key_to_hex};
pub use evidence::{Evidence, ForkProof, OffenceProof};
pub use genesis::{genesis_from_json, genesis_to_json};
pub use header::{HeaderProof, HistoryProof};
pub use hex::block_id_from_hex;
pub use people::{people_from_json, people_to_json};
pub use statement::{Statement, StatementProof};

use crate::codec::Malformed;

/// The longest document that is read: 16 MiB.
pub const MAX_LENGTH: usize = 16 << 20;

/// Why a text is no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentError {
    /// Longer than [`MAX_LENGTH`].
    TooLong,
    /// More values, or a longer string, than any document has.
    TooMuch,
    /// No JSON, or not of this form; the parser's words.
    Json(String),
    /// Of another schema; the one it names.
    Schema(String),
    /// A hex string of a field is none, or has the wrong length.
    Hex(&'static str),
    /// Bytes inside a field are not the encoding of a value.
    Malformed(&'static str, Malformed),
    /// `block_id` is not the id of `bytes`.
    BlockId,
    /// Both a certificate and a place in the history: only one of them would be checked.
    TwoProofs,
    /// `id` is not the id of the transaction beside it.
    TxoId,
    /// More transactions than fit.
    Count {
        /// How many there are.
        got: usize,
        /// How many there may be.
        most: usize,
    },
    /// `digest` is not the digest of the content: it was damaged on the way.
    Digest,
    /// The content is whole, but its text is not the one that it has.
    Form,
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "longer than {MAX_LENGTH} bytes"),
            Self::TooMuch => f.write_str("it holds more values, or a longer string, than any document has"),
            Self::Json(why) => write!(f, "not a document of this form: {why}"),
            Self::Schema(got) => write!(f, "another schema: {got:?}"),
            Self::Hex(field) => write!(f, "{field} is no hex string of the right length"),
            Self::Malformed(field, why) => write!(f, "{field}: {why}"),
            Self::BlockId => f.write_str("block_id is not the id of the header bytes"),
            Self::TxoId => f.write_str("an id is not the id of its transaction"),
            Self::Count { got, most } => write!(f, "{got} transactions, and at most {most} fit"),
            Self::Digest => f.write_str("the digest is another: it was damaged on the way"),
            Self::Form => f.write_str("its text was changed: each content has one text"),
            Self::TwoProofs => f.write_str("both certificate and history are given"),
        }
    }
}

/// Parses JSON of at most [`MAX_LENGTH`] bytes whose `schema` is `schema`.
fn parse<T: serde::de::DeserializeOwned>(text: &[u8], schema: &str) -> Result<T, DocumentError> {
    /// The one field every document has.
    #[derive(serde::Deserialize)]
    struct Named {
        schema: String,
    }
    bounds::check(text)?;
    let json = |error: serde_json::Error| DocumentError::Json(error.to_string());
    let named: Named = serde_json::from_slice(text).map_err(json)?;
    if named.schema != schema {
        return Err(DocumentError::Schema(named.schema.chars().take(64).collect()));
    }
    serde_json::from_slice(text).map_err(json)
}

/// What no word of a closed list stands for.
const fn unknown(field: &'static str) -> DocumentError {
    DocumentError::Malformed(field, Malformed::Field(field))
}
