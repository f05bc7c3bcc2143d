//! `qratum anchor show` and `export`: what is trusted at first, and a file for others to start from.

use std::path::PathBuf;

use qratum_chain::{
    document::Anchor,
    schedule,
    types::{Height, LightBlock},
};
use qratum_light_node::{Highest, Proven};
use qratum_verifier::anchor::Start;
use serde::Serialize;
use tokio::time::timeout;

use super::{
    header,
    network::{Asking, block_on, late, lost},
};
use crate::{
    cli::ExportArgs,
    exit::{Exit, Failure},
    home::Home,
    output, time,
};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// The anchor of a home, as `--json` prints it.
#[derive(Debug, Serialize)]
struct View {
    schema: &'static str,
    /// Where it came from.
    source: &'static str,
    file: String,
    chain_id: String,
    height: u64,
    block_id: String,
    time_ms: u64,
    age_ms: u64,
    /// From this time on it vouches for nothing.
    not_after_ms: u64,
    days_left: u64,
    #[serde(skip)]
    left_ms: u64,
    expired: bool,
    /// The highest block that was verified in this home.
    highest: Option<HighestJson>,
}

#[derive(Debug, Serialize)]
struct HighestJson {
    height: u64,
    time_ms: u64,
}

/// Prints the anchor of a home.
pub(crate) fn show(home: &Home, json: bool) -> Result<Exit, Failure> {
    let (start, pinned) = home.start()?;
    let view = View::of(home, &start, pinned)?;
    if json {
        output::json(&view)?;
    } else {
        output::lines(&view.page())?;
    }
    Ok(if view.expired { Exit::Expired } else { Exit::Done })
}

impl View {
    fn of(home: &Home, start: &Start, pinned: bool) -> Result<Self, Failure> {
        let (header, now) = (start.anchor.header().get(), time::now());
        let left_ms = time::since(now, start.not_after);
        let (place, chain) = (home.place(), start.rules.chain_id);
        let highest = Highest::of(&place).read(chain).map_err(|why| Failure::new(Exit::Error, why))?;
        let (source, file): (_, PathBuf) =
            if pinned { ("checkpoint", place.anchor()) } else { ("genesis", home.genesis_path()) };
        Ok(Self {
            schema: "qratum/anchor-status/v1",
            source,
            file: file.display().to_string(),
            chain_id: chain.to_string(),
            height: header.height.0,
            block_id: start.anchor.id().to_string(),
            time_ms: header.time.0,
            age_ms: time::since(header.time, now),
            not_after_ms: start.not_after.0,
            days_left: left_ms / DAY_MS,
            left_ms,
            expired: start.is_expired(now),
            highest: highest.map(|mark| HighestJson { height: mark.height.0, time_ms: mark.time.0 }),
        })
    }

    fn page(&self) -> String {
        let left = if self.expired {
            "it vouches for nothing any more: `qratum reanchor` takes a newer one".to_owned()
        } else {
            time::age(self.left_ms)
        };
        let highest = self.highest.as_ref().map_or_else(
            || "nothing above it".to_owned(),
            |highest| format!("height {}, in this home", highest.height),
        );
        let rows = [
            ("anchor", format!("height {}", self.height)),
            ("block id", self.block_id.clone()),
            ("age", time::age(self.age_ms)),
            ("left", left),
            ("from", format!("{}, {}", self.source, self.file)),
            ("chain", self.chain_id.clone()),
            ("verified", highest),
        ];
        rows.iter().map(|(name, value)| format!("{name:<9} {value}\n")).collect()
    }
}

/// Prints a verified block as an anchor document, for somebody else to start from.
pub(crate) fn export(home: &Home, args: &ExportArgs) -> Result<Exit, Failure> {
    if args.height == Some(0) {
        let text = "block 0 is the genesis, which nobody signed: genesis.json itself is the anchor there\n\
                    Choose a height from 1, or none for the newest verified block";
        return Err(Failure::new(Exit::Usage, text));
    }
    let config = home.config_without_store()?;
    let own = config.anchor.as_ref().map(|anchor| anchor.checkpoint.height);
    let params = config.genesis.params.clone();
    let proven = block_on(async {
        let asking = Asking::start(config, args.network.timeout).await?;
        let proven = fetch(&asking, args.height.map(Height), params.set_length).await;
        asking.node.stop().await;
        proven
    })?;
    let header = proven.checked.header.get().clone();
    if proven.checked.expired {
        return Err(Failure::new(Exit::Expired, "the anchor of this home is too old to vouch for it"));
    }
    let not_after = header.time.plus(params.trusting_period_ms);
    let certificate = proven.proof.certificate.ok_or_else(|| {
        let height = header.height;
        if own == Some(height) {
            let file = home.place().anchor().display().to_string();
            let text =
                format!("block {height} is the anchor of this home: {file} is the document to hand on");
            return Failure::new(Exit::Usage, text);
        }
        let text = format!("block {height}: there is no certificate for it; choose another height");
        Failure::new(Exit::Nothing, text)
    })?;
    let (id, validators) = (header.id(), proven.proof.validators);
    let block = LightBlock { header, certificate, validators, next_validators: None };
    let anchor = Anchor::of(block, not_after);
    output::json_text(&anchor.to_json().map_err(|why| Failure::new(Exit::Error, why.to_string()))?)?;
    output::note(&format!("hand this block id over by another way than the file:\n{id}"));
    Ok(Exit::Done)
}

/// The block at `height`; without one, the newest whose next set stands in the block itself.
async fn fetch(asking: &Asking, height: Option<Height>, set_length: u64) -> Result<Proven, Failure> {
    let synced = asking.synced().await;
    let snapshot = synced.map_err(|error| lost(&error))?;
    let newest = snapshot.head.header().get().height;
    let inside = match newest {
        head if schedule::is_boundary(head, set_length) => Height(head.0.saturating_sub(1).max(1)),
        head => head,
    };
    let height = height.unwrap_or(inside);
    match timeout(asking.left(), asking.node.header(height)).await {
        Ok(fetched) => fetched.map_err(|error| header::failure(height, &error)),
        Err(_) => Err(late(&format!("block {height}: "))),
    }
}
