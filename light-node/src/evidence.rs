//! How does a home remember a fork? By a file for each, `evidence/fork-HEIGHT.json`, which anybody
//! can check from the anchor; every start does. Until the user leaves the fork it stays there, and
//! then beside: evidence is never deleted.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use qratum_chain::{
    document::{Evidence, ForkProof, MAX_LENGTH},
    types::{BlockId, ForkEvidence, Height, Time},
};
use qratum_verifier::{
    Reject, Rules, Trusted,
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

/// A file of a fork that a home has kept.
#[derive(Clone, Debug)]
pub struct KeptFork {
    /// The file.
    pub path: PathBuf,
    /// What it is worth.
    pub found: Found,
}

/// What a file of a fork is worth, from the anchor of its home.
#[derive(Clone, Debug)]
pub enum Found {
    /// It verifies.
    Verified(Box<(Fork, ForkProof)>),
    /// It does not verify by itself: it was written before its path was found, or its fork is not
    /// above this anchor, or it was changed.
    Unverified(Box<ForkProof>, Reject),
    /// It is no evidence of a fork of this chain: why not.
    Damaged(String),
}

impl KeptFork {
    /// Every file of a fork in the home that was not left yet, by name, judged from where its trust
    /// starts. The clock was asked when the fork was seen: none that is set to another time since
    /// makes the home forget it.
    ///
    /// # Errors
    /// What the system says of the folder or a file, in words.
    pub fn all(place: &Place, (anchor, rules): (&Trusted, &Rules), now: Time) -> Result<Vec<Self>, String> {
        let mut timeless = rules.clone();
        timeless.params.trusting_period_ms = u64::MAX;
        let judge = |path: PathBuf| {
            let found = match load(&path)? {
                Err(why) => Found::Damaged(why),
                Ok(proof) if proof.blocks.first.header.chain_id != rules.chain_id => {
                    Found::Damaged("of another chain".to_owned())
                }
                Ok(proof) => match detect::fork_proof(&proof, anchor, &timeless, now.max(seen(&proof))) {
                    Ok(fork) => Found::Verified(Box::new((fork, proof))),
                    Err(reject) => Found::Unverified(Box::new(proof), reject),
                },
            };
            Ok(Self { path, found })
        };
        files(&place.evidence())?.into_iter().map(judge).collect()
    }

    /// Whether its fork is not above where trust starts now, and does not verify from there: a change
    /// of the anchor has left it behind.
    #[must_use]
    pub fn is_left(&self, anchor: &Trusted) -> bool {
        let below = self.height().is_some_and(|height| height <= anchor.header().get().height);
        below && matches!(self.found, Found::Unverified(..))
    }

    /// Where the fork is: as the file says, and where it says nothing, as its name does. Verified only
    /// as far as [`Found`] says.
    #[must_use]
    pub fn height(&self) -> Option<Height> {
        match &self.found {
            Found::Verified(verified) => Some(verified.0.height()),
            Found::Unverified(proof, _) => Some(proof.blocks.first.header.height),
            Found::Damaged(_) => {
                let name = self.path.file_name()?.to_str()?;
                name.strip_prefix("fork-")?.strip_suffix(".json")?.parse().ok().map(Height)
            }
        }
    }
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

/// A fork's file, or why it holds no such thing.
fn load(path: &Path) -> Result<Result<ForkProof, String>, String> {
    let text = read(path, MAX_LENGTH).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(match Evidence::from_json(&text.unwrap_or_default()) {
        Ok(Evidence::Fork(proof)) => Ok(*proof),
        Ok(Evidence::Offence(_)) => Err("no evidence of a fork".to_owned()),
        Err(why) => Err(why.to_string()),
    })
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
