//! `qratum/bundle/v1`: what crosses an air gap. A head with the proof that leads to it from an anchor, and
//! transactions for the chain of that head.
//!
//! A bundle has one text: whatever byte of it changes on the way, it is none any more. The digest says so
//! first; it vouches for nothing, as anybody can make one. What vouches are the certificates of the head
//! and the seals of the transactions.

use qratum_crypto::{domain, hash::bulk};
use serde::{Deserialize, Serialize};

use super::{DocumentError, HeaderProof, header::HeaderJson, hex, parse};
use crate::{Hash, codec::put_bytes, types::Txo};

const SCHEMA: &str = "qratum/bundle/v1";
/// The most transactions of a bundle: as many as a block can have.
const MAX_TRANSACTIONS: usize = 256;

/// A head, and what is to be carried to its chain. Untrusted.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle {
    /// The newest header that whoever made the bundle knew.
    pub head: HeaderProof,
    /// In the order in which they are to be submitted; at most 256.
    pub transactions: Vec<Txo>,
}

impl Bundle {
    /// The document, on one line without an end.
    ///
    /// # Errors
    /// [`DocumentError::Count`] of too many transactions; [`DocumentError::Json`], which only an exhausted
    /// memory can cause.
    pub fn to_json(&self) -> Result<String, DocumentError> {
        let count = self.transactions.len();
        if count > MAX_TRANSACTIONS {
            return Err(DocumentError::Count { got: count, most: MAX_TRANSACTIONS });
        }
        let document = Document {
            schema: SCHEMA.to_owned(),
            digest: self.digest()?.to_string(),
            transactions: self.transactions.iter().map(TxoJson::from).collect(),
            head: HeaderJson::from(&self.head),
        };
        serde_json::to_string(&document).map_err(|error| DocumentError::Json(error.to_string()))
    }

    /// Reads a document.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn from_json(text: &[u8]) -> Result<Self, DocumentError> {
        let document: Document = parse(text, SCHEMA)?;
        let count = document.transactions.len();
        if count > MAX_TRANSACTIONS {
            return Err(DocumentError::Count { got: count, most: MAX_TRANSACTIONS });
        }
        let transactions = document.transactions.iter().map(TxoJson::read).collect::<Result<_, _>>()?;
        let bundle = Self { head: document.head.read()?, transactions };
        if hex::hash(&document.digest, "digest")? != bundle.digest()? {
            return Err(DocumentError::Digest);
        }
        if bundle.to_json()?.as_bytes() == text { Ok(bundle) } else { Err(DocumentError::Form) }
    }

    /// `BLAKE3(head || transactions)` under a context of its own, each with its length in front.
    fn digest(&self) -> Result<Hash, DocumentError> {
        let mut content = Vec::new();
        put_bytes(&mut content, self.head.to_json()?.as_bytes());
        self.transactions.iter().for_each(|txo| put_bytes(&mut content, &txo.to_bytes()));
        Ok(bulk(domain::BUNDLE, &content))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    digest: String,
    transactions: Vec<TxoJson>,
    head: HeaderJson,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TxoJson {
    id: String,
    bytes: String,
}

impl From<&Txo> for TxoJson {
    fn from(txo: &Txo) -> Self {
        Self { id: txo.body.id().to_string(), bytes: ::hex::encode(txo.to_bytes()) }
    }
}

impl TxoJson {
    fn read(&self) -> Result<Txo, DocumentError> {
        let malformed = |why| DocumentError::Malformed("transactions", why);
        let txo = Txo::from_bytes(&hex::bytes(&self.bytes, "bytes")?).map_err(malformed)?;
        if hex::hash(&self.id, "id")? == txo.body.id() { Ok(txo) } else { Err(DocumentError::TxoId) }
    }
}
