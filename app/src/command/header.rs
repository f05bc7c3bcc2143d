//! `qratum header`: a verified header, with the proof that convinces others.

use std::sync::Arc;

use qratum_chain::{
    document::HeaderProof,
    types::{Certificate, Height},
};
use qratum_light_node::{Config, FetchError, Proven, Refusal, Snapshot, SyncError, kept_header};
use qratum_verifier::{anchor::Start, proof::check};
use tokio::time::timeout;

use super::network::{Asking, block_on, late, lost, start_failure, unfetched};
use crate::{
    cli::HeaderArgs,
    exit::{Exit, Failure},
    home::{self, Home},
    output, time,
};

/// A proven header, and why it comes from the store of the home where no peer gave it.
struct Found {
    proven: Proven,
    missed: Option<Failure>,
}

/// Fetches the header, has it verified, prints it. Where nobody gives it, the home may have kept it.
pub(crate) fn run(home: &Home, args: &HeaderArgs, json: bool) -> Result<Exit, Failure> {
    let config = home.config_without_store()?;
    let height = Height(args.height);
    let found = match anchor(&config, height)? {
        Some(proven) => Found { proven, missed: None },
        None => block_on(find(config, height, args.network.timeout))?,
    };
    if json {
        let text = found.proven.proof.to_json();
        output::json_text(&text.map_err(|error| Failure::new(Exit::Error, error.to_string()))?)?;
    } else {
        output::lines(&page(&found))?;
    }
    let exit = found.missed.as_ref().map_or(Exit::Done, |missed| missed.exit);
    if let Some(why) = found.missed.and_then(|missed| missed.text) {
        output::complain(&format!("{why}\nthe header is shown as this home has kept it"));
    }
    Ok(if found.proven.checked.expired { Exit::Expired } else { exit })
}

/// From peers; where nothing comes of that, from the store.
async fn find(config: Config, height: Height, seconds: u64) -> Result<Found, Failure> {
    let interval_ms = config.genesis.params.block_interval_ms;
    let asking = Asking::start(config.clone(), seconds).await?;
    let fetched = fetch(&asking, height, interval_ms).await;
    let snapshots = asking.node.snapshots();
    asking.node.stop().await;
    let missed = match fetched {
        Ok(proven) => return Ok(Found { proven, missed: None }),
        Err(failure) => with_refusals(failure, &snapshots.borrow().refusals),
    };
    if missed.exit != Exit::Nothing {
        return Err(missed);
    }
    match kept_header(&config, height).await.map_err(|error| start_failure(&error))? {
        Some(proven) => Ok(Found { proven, missed: Some(missed) }),
        None => Err(missed),
    }
}

/// The proof of the anchor, where `height` is its own: no peer knows better.
fn anchor(config: &Config, height: Height) -> Result<Option<Proven>, Failure> {
    let Start { anchor, rules, .. } = home::start(&config.genesis, config.anchor.as_ref())?;
    let header = anchor.header().get();
    if header.height != height {
        return Ok(None);
    }
    let proof = HeaderProof {
        header: header.clone(),
        certificate: None,
        validators: anchor.validators().members().to_vec(),
        path: Vec::new(),
        history: None,
    };
    let checked = check(&proof, &anchor, &rules, time::now())
        .map_err(|reject| Failure::new(Exit::Refused, format!("block {height}: {reject}")))?;
    Ok(Some(Proven { proof, checked }))
}

async fn fetch(asking: &Asking, height: Height, interval_ms: u64) -> Result<Proven, Failure> {
    let lost = |error: &SyncError| {
        let mut failure = lost(error);
        let kept = "`qratum status` shows what this home has kept";
        failure.text = failure.text.map(|text| format!("{text}\n{kept}"));
        failure
    };
    let head = asking.synced().await.map_err(|error| lost(&error))?.head.header().get().height;
    let missing = height.0.saturating_sub(head.0);
    let left_ms = u64::try_from(asking.left().as_millis()).unwrap_or(u64::MAX);
    // What the chain cannot come to in this time is not waited for.
    if missing > 0 && missing.saturating_sub(1).saturating_mul(interval_ms) < left_ms {
        let mut snapshots = asking.node.snapshots();
        let there = |snapshot: &Arc<Snapshot>| {
            snapshot.fork.is_some() || snapshot.head.header().get().height >= height
        };
        let _ = timeout(asking.left(), snapshots.wait_for(there)).await;
    }
    match timeout(asking.left(), asking.node.header(height)).await {
        Ok(fetched) => fetched.map_err(|error| failure(height, &error)),
        Err(_) => Err(late(&format!("block {height}: "))),
    }
}

/// Why there is no proof of the block at `height`.
pub(super) fn failure(height: Height, error: &FetchError) -> Failure {
    unfetched(&format!("block {height}: "), error)
}

/// The failure, with who did what, and where to read on.
pub(super) fn with_refusals(mut failure: Failure, refusals: &[Refusal]) -> Failure {
    for Refusal { peer, reason, .. } in refusals {
        let (text, name) = (failure.text.unwrap_or_default(), reason.name());
        failure.text = Some(format!("{text}\nrefused   {peer}: {reason} ({name}): `qratum explain {name}`"));
    }
    failure
}

fn page(Found { proven, missed }: &Found) -> String {
    let header = proven.checked.header.get();
    let verdict = if proven.checked.expired { "chains, but the anchor is expired" } else { "verified" };
    let old = if missed.is_some() { ", as this home has kept it: no peer led to it" } else { "" };
    let rows = [
        ("verdict", format!("{verdict}{old}")),
        ("height", header.height.to_string()),
        ("block id", header.id().to_string()),
        ("time", time::format(header.time)),
        ("round", header.round.to_string()),
        ("set", header.set_id.to_string()),
        ("chain", header.chain_id.to_string()),
        ("parent", header.parent.to_string()),
        ("transactions", header.tx_root.to_string()),
        ("state", header.state_root.to_string()),
        ("validators", header.validators_hash.to_string()),
        ("next set", header.next_validators_hash.to_string()),
        ("evidence", header.evidence_root.to_string()),
        ("history", header.history_root.to_string()),
        ("proof", proof(proven)),
    ];
    rows.iter().map(|(name, value)| format!("{name:<13} {value}\n")).collect()
}

/// What the proof is made of.
fn proof(proven: &Proven) -> String {
    let proof = &proven.proof;
    let own = match (&proof.history, proof.certificate.as_ref()) {
        (Some(history), _) => format!("in the history of block {}", history.head.header.height),
        (None, Some(Certificate::Chained(_))) => "a chained certificate".to_owned(),
        (None, Some(certificate)) => {
            let signers = certificate.commit().map_or(0, |commit| commit.signatures.len());
            format!("a certificate with {signers} signatures")
        }
        (None, None) => return "none needed: it is the anchor".to_owned(),
    };
    match proof.path.len() {
        0 => format!("{own}; certified by the anchor's own set"),
        1 => format!("{own}; 1 step from the anchor"),
        steps => format!("{own}; {steps} steps from the anchor"),
    }
}
