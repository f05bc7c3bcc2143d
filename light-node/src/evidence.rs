//! How does a home remember a fork? By a file for each, `evidence/fork-HEIGHT.json`, which anybody
//! can check from the anchor; every start does. Until the user leaves the fork it stays there, and
//! then beside: evidence is never deleted.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use qratum_chain::{
    document::{Evidence, ForkProof, MAX_LENGTH},
    types::{BlockId, ForkEvidence, Time},
};
use qratum_verifier::{
    Rules, Trusted,
    detect::{self, Fork},
};

use crate::{
    Place,
    place::{read, replace, sync_folder},
};

/// The most files that are read: a home that has seen more forks is not read on.
const MOST: usize = 64;

/// Keeps the evidence of a fork, durably.
pub(crate) fn keep(place: &Place, proof: &ForkProof) -> Result<(), String> {
    let folder = place.evidence();
    let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", folder.display());
    if !folder.exists() {
        fs::create_dir_all(&folder).and_then(|()| sync_folder(&folder)).map_err(|error| failed(&error))?;
    }
    let path = folder.join(format!("fork-{}.json", proof.blocks.first.header.height));
    let text = Evidence::Fork(Box::new(proof.clone())).to_json().map_err(|why| failed(&why))?;
    if text.len() > MAX_LENGTH {
        return Err(failed(&"the evidence is longer than a document may be"));
    }
    replace(&path, text.as_bytes())
}

/// What a home remembers.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    /// The lowest fork that verifies.
    pub(crate) fork: Option<(Fork, ForkProof)>,
    /// Files of forks of this chain that do not verify from this anchor.
    pub(crate) unverified: Vec<(PathBuf, ForkProof)>,
}

/// Takes every file of a fork through the verifier. The clock was asked when the fork was seen: none
/// that is set to another time since makes the home forget it.
pub(crate) fn read_all(
    place: &Place,
    (anchor, rules): (&Trusted, &Rules),
    now: Time,
) -> Result<Remembered, String> {
    let mut timeless = rules.clone();
    timeless.params.trusting_period_ms = u64::MAX;
    let mut remembered = Remembered::default();
    for path in files(&place.evidence())? {
        let Some(proof) = load(&path)? else { continue };
        if proof.blocks.first.header.chain_id != rules.chain_id {
            continue;
        }
        match detect::fork_proof(&proof, anchor, &timeless, now.max(seen(&proof))) {
            Ok(fork) => {
                let lower = |known: &(Fork, ForkProof)| known.0.height() <= fork.height();
                if !remembered.fork.as_ref().is_some_and(lower) {
                    remembered.fork = Some((fork, proof));
                }
            }
            Err(_) => remembered.unverified.push((path, proof)),
        }
    }
    Ok(remembered)
}

/// The time of its newest block: it was not seen much before.
fn seen(proof: &ForkProof) -> Time {
    let ForkEvidence { first, second } = &proof.blocks;
    let blocks = proof.path.iter().chain([first, second]);
    blocks.map(|block| block.header.time.plus(1)).max().unwrap_or(Time(0))
}

/// The files of forks that were not left yet.
fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error: &io::Error| format!("{}: {error}", folder.display());
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(&error)),
    };
    let is_fork = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("fork-") && name.ends_with(".json"))
    };
    let found = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_fork);
    let mut found: Vec<_> = found.take(MOST).collect();
    found.sort();
    Ok(found)
}

/// A fork's file; none where it holds no such thing.
fn load(path: &Path) -> Result<Option<ForkProof>, String> {
    let text = read(path, MAX_LENGTH).map_err(|error| format!("{}: {error}", path.display()))?;
    match text.map(|text| Evidence::from_json(&text)) {
        Some(Ok(Evidence::Fork(proof))) => Ok(Some(*proof)),
        _ => Ok(None),
    }
}

/// Moves the files of all forks beside: `left-ID-fork-HEIGHT.json`, by the block that is trusted
/// instead. Returns where they are now.
pub(crate) fn leave(place: &Place, to: BlockId) -> Result<Vec<PathBuf>, String> {
    let folder = place.evidence();
    let short: String = to.to_string().chars().take(16).collect();
    let mut moved = Vec::new();
    for path in files(&folder)? {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let beside = folder.join(format!("left-{short}-{name}"));
        let renamed = fs::rename(&path, &beside).and_then(|()| sync_folder(&beside));
        renamed.map_err(|error| format!("{}: {error}", path.display()))?;
        moved.push(beside);
    }
    Ok(moved)
}
