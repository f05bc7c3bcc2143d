//! `qratum txo inspect`: what does a transaction say, and did its sender say it?

use std::path::Path;

use qratum_chain::{
    codec::Decode,
    ledger::{Act, registry::Order},
    types::{Factors, Seal, Txo, TxoClass},
};
use serde::Serialize;

use crate::{
    acting::words,
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
    /// Null where a person sealed it: their keys are known to the chain only.
    signature_holds: Option<bool>,
    chain_id: String,
    sender: String,
    nonce: u64,
    class: &'static str,
    payload: String,
    /// Null where the payload is no order to the registry.
    order: Option<OrderJson>,
    /// Null where the payload is no act of a person.
    act: Option<ActJson>,
    /// Of the key that is the sender.
    signature: Option<String>,
    /// Of the person who is the sender.
    factors: Option<FactorsJson>,
    length: usize,
}

#[derive(Debug, Serialize)]
struct FactorsJson {
    credential: String,
    auth_data: String,
    signature: String,
    opened_at: BlockJson,
    biokey: BiokeyJson,
}

/// What both halves of a biokey said, and the key of the second.
#[derive(Debug, Serialize)]
struct BiokeyJson {
    ed25519: String,
    mldsa_key: String,
    mldsa: String,
}

#[derive(Debug, Serialize)]
struct BlockJson {
    height: u64,
    block_id: String,
}

impl From<&Factors> for FactorsJson {
    fn from(factors: &Factors) -> Self {
        let opened_at = factors.opened_at;
        Self {
            credential: factors.credential.to_string(),
            auth_data: hex::of(&factors.auth_data.0),
            signature: hex::of(&factors.signature),
            opened_at: BlockJson { height: opened_at.height.0, block_id: opened_at.block_id.to_string() },
            biokey: BiokeyJson {
                ed25519: hex::of(&factors.biokey.ed25519.0),
                mldsa_key: hex::of(&*factors.biokey.mldsa_key),
                mldsa: hex::of(&*factors.biokey.mldsa),
            },
        }
    }
}

#[derive(Debug, Serialize)]
struct ActJson {
    from: u64,
    until: u64,
    /// In words.
    says: String,
}

impl From<Act> for ActJson {
    fn from(act: Act) -> Self {
        Self { from: act.from.0, until: act.until.0, says: words::act(&act) }
    }
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
    Ok(match inspected.signature_holds {
        Some(true) => Exit::Done,
        Some(false) => Exit::Refused,
        None => Exit::Nothing,
    })
}

impl Inspected {
    fn of(txo: &Txo, length: usize) -> Self {
        let body = &txo.body;
        let (signature, factors) = match &txo.seal {
            Seal::Key(signature) => (Some(hex::of(&signature.0)), None),
            Seal::Factors(factors) => (None, Some(FactorsJson::from(&**factors))),
        };
        let order = Order::from_bytes(&body.payload).ok().filter(|_| body.class == TxoClass::Network);
        let act = Act::from_bytes(&body.payload).ok().filter(|_| body.class == TxoClass::Admin);
        Self {
            schema: "qratum/txo/v1",
            id: body.id().to_string(),
            signature_holds: signature.as_ref().map(|_| txo.signature_holds().is_ok()),
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
            act: act.map(ActJson::from),
            signature,
            factors,
            length,
        }
    }

    fn page(&self) -> String {
        let seal = match (&self.signature, &self.factors) {
            (Some(signature), _) if self.signature_holds == Some(true) => format!("{signature} holds"),
            (Some(signature), _) => format!("{signature} DOES NOT HOLD: the sender did not sign this"),
            (None, factors) => factors.as_ref().map(FactorsJson::line).unwrap_or_default(),
        };
        let asks = match (&self.order, &self.act) {
            (Some(order), _) => ("order", order.line()),
            (None, Some(act)) => ("act", format!("{}; in blocks {} to {}", act.says, act.from, act.until)),
            (None, None) => ("order", "none of the registry's".to_owned()),
        };
        let rows = [
            ("id", self.id.clone()),
            ("chain id", self.chain_id.clone()),
            ("sender", self.sender.clone()),
            ("nonce", self.nonce.to_string()),
            ("class", self.class.to_owned()),
            asks,
            ("payload", format!("{} bytes {}", self.payload.len() / 2, self.payload)),
            ("signature", seal),
            ("encoding", format!("canonical, {} bytes", self.length)),
        ];
        rows.iter().map(|(name, value)| format!("{name:<9} {value}\n")).collect()
    }
}

impl FactorsJson {
    fn line(&self) -> String {
        let Self { credential, opened_at, .. } = self;
        format!(
            "two factors of key {credential}, opened at block {}: not judged here, as only the chain \
            knows whose they are",
            opened_at.height
        )
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
