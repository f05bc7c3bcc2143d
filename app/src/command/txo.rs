//! `qratum txo inspect`: what does a transaction say, and did its sender say it?

use std::path::Path;

use qratum_chain::{
    codec::Decode,
    ledger::registry::Order,
    types::{Txo, TxoClass},
};
use serde::Serialize;

use crate::{
    exit::{Exit, Failure},
    file, hex, output,
};

/// A file in hex, with line breaks.
const MAX_FILE: usize = 4 * Txo::MAX_LENGTH;

/// A transaction with every field decoded, as `--json` prints it. It is what the file says: whether
/// a chain has it is another question.
#[derive(Debug, Serialize)]
struct Inspected {
    schema: &'static str,
    id: String,
    signature_holds: bool,
    chain_id: String,
    sender: String,
    nonce: u64,
    class: &'static str,
    payload: String,
    /// Null where the payload is no order to the registry.
    order: Option<OrderJson>,
    signature: String,
    length: usize,
}

#[derive(Debug, Serialize)]
struct OrderJson {
    kind: &'static str,
    /// Of a rotation.
    vote_key: Option<String>,
    /// Of a note, where it is UTF-8.
    text: Option<String>,
}

/// Decodes a file and judges its signature.
pub(crate) fn inspect(path: &Path, json: bool) -> Result<Exit, Failure> {
    let content = file::read(path, MAX_FILE)?;
    let refused = |why: &str| {
        let text =
            format!("{}: {why}\nA transaction has one encoding only: get the file again", path.display());
        Failure::new(Exit::Error, text)
    };
    let bytes = hex::bytes(&content).unwrap_or(content);
    let txo = Txo::from_bytes(&bytes).map_err(|why| refused(&why.to_string()))?;
    let inspected = Inspected::of(&txo, bytes.len());
    if json {
        output::json(&inspected)?;
    } else {
        output::lines(&inspected.page())?;
    }
    Ok(if inspected.signature_holds { Exit::Done } else { Exit::Refused })
}

impl Inspected {
    fn of(txo: &Txo, length: usize) -> Self {
        let body = &txo.body;
        let order = Order::from_bytes(&body.payload).ok().filter(|_| body.class == TxoClass::Network);
        Self {
            schema: "qratum/txo/v1",
            id: body.id().to_string(),
            signature_holds: txo.signature_holds().is_ok(),
            chain_id: body.chain_id.to_string(),
            sender: body.sender.to_string(),
            nonce: body.nonce,
            class: match body.class {
                TxoClass::Genomic => "genomic",
                TxoClass::Network => "network",
                TxoClass::Compliance => "compliance",
                TxoClass::Admin => "admin",
            },
            payload: hex::of(&body.payload),
            order: order.map(OrderJson::from),
            signature: hex::of(&txo.signature.0),
            length,
        }
    }

    fn page(&self) -> String {
        let holds =
            if self.signature_holds { "holds" } else { "DOES NOT HOLD: the sender did not sign this" };
        let order = self.order.as_ref().map_or_else(|| "none of the registry's".to_owned(), OrderJson::line);
        let rows = [
            ("id", self.id.clone()),
            ("chain id", self.chain_id.clone()),
            ("sender", self.sender.clone()),
            ("nonce", self.nonce.to_string()),
            ("class", self.class.to_owned()),
            ("order", order),
            ("payload", format!("{} bytes {}", self.payload.len() / 2, self.payload)),
            ("signature", format!("{} {holds}", self.signature)),
            ("encoding", format!("canonical, {} bytes", self.length)),
        ];
        rows.iter().map(|(name, value)| format!("{name:<9} {value}\n")).collect()
    }
}

impl From<Order> for OrderJson {
    fn from(order: Order) -> Self {
        let none = |kind| Self { kind, vote_key: None, text: None };
        match order {
            Order::Rotate { vote_key, .. } => Self { vote_key: Some(vote_key.to_string()), ..none("rotate") },
            Order::Leave => none("leave"),
            Order::Note(text) => {
                let text = String::from_utf8(text).ok().filter(|text| !text.is_empty());
                Self { text, ..none("note") }
            }
        }
    }
}

impl OrderJson {
    fn line(&self) -> String {
        match (&self.vote_key, &self.text) {
            (Some(key), _) => format!("rotate to vote key {key}"),
            // As Rust spells it: a line break in it must not make lines that look like ours.
            (None, Some(text)) => format!("note {text:?}"),
            (None, None) => self.kind.to_owned(),
        }
    }
}
