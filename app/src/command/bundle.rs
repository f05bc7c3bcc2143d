//! `qratum bundle`: what crosses an air gap, made, checked and delivered.

use std::path::{Path, PathBuf};

use qratum_chain::{
    document::{Bundle, DocumentError, HeaderProof, MAX_LENGTH},
    types::{Seal, Time, Txo},
};
use qratum_verifier::{Reject, anchor::Start, proof};
use serde::Serialize;
use tokio::time::timeout;

use super::{
    delivery::Deliveries,
    header,
    network::{Asking, block_on, late, lost},
    verdict::{Verdict, Word},
};
use crate::{
    cli::{BundleCommand, BundleExportArgs, BundleSubmitArgs, BundleVerifyArgs, VerifyArgs},
    exit::{Exit, Failure},
    file, hex,
    home::{self, Home},
    output, time,
};

/// A transaction in hex, with line breaks.
const MAX_TXO: usize = 4 * Txo::MAX_LENGTH;

/// What was written, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Written {
    schema: &'static str,
    file: String,
    height: u64,
    block_id: String,
    transactions: Vec<String>,
}

/// Makes, checks or delivers.
pub(crate) fn run(home: Option<PathBuf>, command: &BundleCommand, json: bool) -> Result<Exit, Failure> {
    match command {
        BundleCommand::Export(args) => export(&Home::resolve(home)?, args, json),
        BundleCommand::Verify(args) => verify(home, args, json),
        BundleCommand::Submit(args) => submit(&Home::resolve(home)?, args, json),
    }
}

fn export(home: &Home, args: &BundleExportArgs, json: bool) -> Result<Exit, Failure> {
    let (start, _) = home.start()?;
    let transactions = args.transactions.iter().map(|path| transaction(path)).collect::<Result<_, _>>()?;
    let head = match &args.head {
        Some(path) => carried(path)?,
        None => newest(home, args.network.timeout)?,
    };
    let bundle = Bundle { head, transactions };
    let expired = judge(&bundle, &start, time::now())
        .map_err(|why| Failure::new(Exit::Refused, format!("{why}\nNothing was written")))?;
    let text = bundle.to_json().map_err(|why| Failure::new(Exit::Usage, why.to_string()))?;
    file::write_new(&args.file, text.as_bytes())?;
    let header = &bundle.head.header;
    let written = Written {
        schema: "qratum/bundle-written/v1",
        file: args.file.display().to_string(),
        height: header.height.0,
        block_id: header.id().to_string(),
        transactions: bundle.transactions.iter().map(|txo| txo.body.id().to_string()).collect(),
    };
    if json {
        output::json(&written)?;
    } else {
        let Written { file, height, block_id, transactions, .. } = &written;
        let count = transactions.len();
        output::lines(&format!(
            "bundle    {file}\nheight    {height}\nblock id  {block_id}\ncarries   {count} transactions"
        ))?;
    }
    Ok(if expired { Exit::Expired } else { Exit::Done })
}

fn transaction(path: &Path) -> Result<Txo, Failure> {
    let content = file::read(path, MAX_TXO)?;
    Txo::from_bytes(&hex::bytes(&content).unwrap_or(content)).map_err(|why| {
        let text =
            format!("{}: {why}\nA transaction has one encoding only: get the file again", path.display());
        Failure::new(Exit::Error, text)
    })
}

/// The head that somebody brought here.
fn carried(path: &Path) -> Result<HeaderProof, Failure> {
    let text = file::read(path, MAX_LENGTH)?;
    let read = match Bundle::from_json(&text) {
        Err(DocumentError::Schema(_)) => HeaderProof::from_json(&text),
        read => read.map(|bundle| bundle.head),
    };
    read.map_err(|why| Failure::new(Exit::Refused, format!("{}: {why}", path.display())))
}

/// The newest head that peers lead to.
fn newest(home: &Home, seconds: u64) -> Result<HeaderProof, Failure> {
    let config = home.config_without_store()?;
    block_on(async {
        let asking = Asking::start(config, seconds).await?;
        let proof = match asking.synced().await {
            Err(error) => Err(lost(&error)),
            Ok(snapshot) => {
                let height = snapshot.head.header().get().height;
                match timeout(asking.left(), asking.node.header(height)).await {
                    Ok(proven) => proven.map_err(|error| header::failure(height, &error)),
                    Err(_) => Err(late(&format!("block {height}: "))),
                }
            }
        };
        asking.node.stop().await;
        Ok(proof?.proof)
    })
}

fn verify(home: Option<PathBuf>, args: &BundleVerifyArgs, json: bool) -> Result<Exit, Failure> {
    let BundleVerifyArgs { file, anchor, genesis, at } = args;
    let start = match anchor.clone() {
        Some(anchor) => {
            let (file, genesis) = (file.clone(), genesis.clone());
            home::trusted(home, &VerifyArgs { file, anchor, genesis, at: *at })?
        }
        None => Home::resolve(home)?.start()?.0,
    };
    let now = at.unwrap_or_else(time::now);
    let named = start.anchor.id().to_string();
    let verdict = match Bundle::from_json(&file::read(file, MAX_LENGTH)?) {
        Ok(bundle) => told(&bundle, &start, now),
        Err(why) => Verdict::malformed(&why, named, now.0),
    };
    verdict.print(json)
}

/// Why a bundle that is whole is not believed.
enum Objection {
    /// Its head does not chain to the anchor.
    Head(Reject),
    /// The transaction at this place, from 1, is for another chain.
    OtherChain(usize),
    /// Whoever is named as its sender did not sign it.
    Signature(usize),
}

impl std::fmt::Display for Objection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Head(reject) => reject.fmt(f),
            Self::OtherChain(place) => write!(f, "transaction {place} is for another chain than the head"),
            Self::Signature(place) => write!(f, "transaction {place} is not signed by its sender"),
        }
    }
}

/// Whether the head chains to the anchor, and the transactions are what they say. Whether the anchor was
/// too old. The seal of a person is judged by the chain, which alone knows their keys.
fn judge(bundle: &Bundle, start: &Start, now: Time) -> Result<bool, Objection> {
    let checked = proof::check(&bundle.head, &start.anchor, &start.rules, now).map_err(Objection::Head)?;
    for (place, txo) in (1..).zip(&bundle.transactions) {
        if txo.body.chain_id != start.rules.chain_id {
            return Err(Objection::OtherChain(place));
        }
        if matches!(txo.seal, Seal::Key(_)) && txo.signature_holds().is_err() {
            return Err(Objection::Signature(place));
        }
    }
    Ok(checked.expired || start.is_expired(now))
}

fn told(bundle: &Bundle, start: &Start, now: Time) -> Verdict {
    let (named, at) = (start.anchor.id().to_string(), now.0);
    let mut verdict = match judge(bundle, start, now) {
        Ok(false) => {
            let mut text = "its head chains to the anchor, inside the trusting period".to_owned();
            for txo in &bundle.transactions {
                let seal = match txo.seal {
                    Seal::Key(_) => "signed by its sender",
                    Seal::Factors(_) => "sealed by a person, which only the chain can judge",
                };
                text.push_str(&format!("\ntxo {} {seal}", txo.body.id()));
            }
            Verdict::of(Word::Verified, text, named, at)
        }
        Ok(true) => {
            let text =
                "its head chains to the anchor, but the anchor, or a step from it, was expired at that time";
            Verdict::of(Word::Expired, text.to_owned(), named, at).by("TrustExpired")
        }
        Err(Objection::Head(reject)) => Verdict::refused(&reject, named, at),
        Err(why) => {
            let reason = if matches!(why, Objection::Signature(_)) { "BadSignature" } else { "WrongChain" };
            Verdict::of(Word::Refused, why.to_string(), named, at).by(reason)
        }
    };
    let header = &bundle.head.header;
    (verdict.height, verdict.block_id) = (Some(header.height.0), Some(header.id().to_string()));
    verdict
}

fn submit(home: &Home, args: &BundleSubmitArgs, json: bool) -> Result<Exit, Failure> {
    let (start, _) = home.start()?;
    let refused = |why: &dyn std::fmt::Display| {
        let text = format!("{}: {why}\nNothing was sent", args.file.display());
        Failure::new(Exit::Refused, text)
    };
    let bundle = Bundle::from_json(&file::read(&args.file, MAX_LENGTH)?).map_err(|why| refused(&why))?;
    if judge(&bundle, &start, time::now()).map_err(|why| refused(&why))? {
        let text = "the anchor of this home is too old to judge it\nNothing was sent: `qratum reanchor` takes a newer one";
        return Err(Failure::new(Exit::Expired, text));
    }
    let deliveries =
        block_on(Deliveries::of(home.config_without_store()?, &bundle.transactions, args.timeout))?;
    deliveries.print(json)
}
