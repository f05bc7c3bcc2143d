//! What evidence does a block hold? Asked of peers, proven under the block's verified header, each piece
//! with the way to the set that it was done in.

use std::path::{Path, PathBuf};

use qratum_chain::{
    document::{Evidence, OffenceProof},
    types::Height,
};
use qratum_light_node::{Accused, BlockEvidence, Names};
use serde::Serialize;
use tokio::time::timeout;

use super::super::{
    header::{failure, with_refusals},
    network::{Asking, block_on, late, lost},
    voting::AccusedJson,
};
use crate::{
    cli::ShowArgs,
    exit::{Exit, Failure},
    file,
    home::Home,
    output, time,
};

/// The evidence in a block, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Shown {
    schema: &'static str,
    height: u64,
    block_id: String,
    time_ms: u64,
    /// Whether the anchor was too old to vouch for it.
    expired: bool,
    evidence: Vec<Piece>,
    /// Where the documents were written.
    files: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Piece {
    #[serde(flatten)]
    accused: AccusedJson,
    /// What `qratum evidence verify` accepts.
    document: Evidence,
}

/// Asks for the evidence in a block, has it verified, and prints it or writes it to files.
pub(in crate::command) fn show(home: &Home, args: &ShowArgs, json: bool) -> Result<Exit, Failure> {
    let config = home.config_without_store()?;
    let height = Height(args.height);
    let (found, names) = block_on(async {
        let asking = Asking::start(config, args.network.timeout).await?;
        let found = ask(&asking, height).await;
        let snapshots = asking.node.snapshots();
        asking.node.stop().await;
        let snapshot = snapshots.borrow();
        let found = found.map_err(|failure| with_refusals(failure, &snapshot.refusals))?;
        Ok((found, snapshot.names.clone()))
    })?;
    let mut shown = Shown::of(&found, &names);
    if let Some(path) = &args.out {
        shown.files = shown.write(path)?;
    }
    if json {
        output::json(&shown)?;
    } else {
        output::lines(&shown.page())?;
    }
    Ok(if shown.expired { Exit::Expired } else { Exit::Done })
}

async fn ask(asking: &Asking, height: Height) -> Result<BlockEvidence, Failure> {
    let synced = asking.synced().await;
    synced.map_err(|error| lost(&error))?;
    match timeout(asking.left(), asking.node.evidence(height)).await {
        Ok(found) => found.map_err(|error| failure(height, &error)),
        Err(_) => Err(late(&format!("block {height}: "))),
    }
}

impl Shown {
    fn of(found: &BlockEvidence, names: &Names) -> Self {
        let header = found.checked.header.get();
        let piece = |accused: &Accused| Piece {
            accused: AccusedJson::of(
                names.called(&accused.key),
                names.operator(&accused.key),
                &accused.proof.offence,
            ),
            document: Evidence::Offence(Box::new(OffenceProof::clone(&accused.proof))),
        };
        Self {
            schema: "qratum/evidence-block/v1",
            height: header.height.0,
            block_id: header.id().to_string(),
            time_ms: header.time.0,
            expired: found.checked.expired,
            evidence: found.offences.iter().map(piece).collect(),
            files: Vec::new(),
        }
    }

    /// Writes each document to a file of its own.
    fn write(&self, path: &Path) -> Result<Vec<String>, Failure> {
        if self.evidence.is_empty() {
            let text = format!("block {}: it holds no evidence, so nothing was written", self.height);
            return Err(Failure::new(Exit::Nothing, text));
        }
        let numbered = |number: usize| match number {
            1 => path.to_owned(),
            _ => PathBuf::from(format!("{}.{number}", path.display())),
        };
        let mut files = Vec::new();
        for (number, piece) in (1..).zip(&self.evidence) {
            let text = piece.document.to_json();
            let text = text.map_err(|error| Failure::new(Exit::Error, error.to_string()))?;
            let path = numbered(number);
            file::write_new(&path, text.as_bytes())?;
            files.push(path.display().to_string());
        }
        Ok(files)
    }

    fn page(&self) -> String {
        let verdict = if self.expired { "chains, but the anchor is expired" } else { "verified" };
        let at = time::format(qratum_chain::types::Time(self.time_ms));
        let mut page =
            format!("verdict   {verdict}\nheight    {}, {at}\nblock id  {}\n", self.height, self.block_id);
        for piece in &self.evidence {
            page.push_str(&format!("evidence  {}\n", piece.accused.line()));
        }
        if self.evidence.is_empty() {
            page.push_str("evidence  none in this block\n");
        } else if self.files.is_empty() {
            page.push_str("next      --out FILE writes what `qratum evidence verify` checks\n");
        }
        for file in &self.files {
            page.push_str(&format!("written   {file}\n"));
        }
        page
    }
}
