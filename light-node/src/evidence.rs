//! How does a home remember a fork, or an offence? By a file for each, `evidence/fork-HEIGHT.json` and
//! `evidence/offence-HEIGHT-KEY.json`, which anybody can check from the anchor; every start does. Until
//! the user leaves the fork it stays there, and then beside: evidence is never deleted.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use qratum_chain::{
    document::{Evidence, ForkProof, MAX_LENGTH, OffenceProof},
    types::{BlockId, ForkEvidence, Height, LightBlock, Time},
};
use qratum_verifier::{
    Reject, Rules, Trusted,
    detect::{self, Fork},
};

use crate::{
    Accused, Place,
    file::{read, replace, sync_folder},
};

/// The most files of a kind that are read: a home that has seen more is not read on.
const MOST: usize = 64;
/// What the names of files begin with.
const FORK: &str = "fork-";
const OFFENCE: &str = "offence-";

/// Keeps the evidence of a fork, durably.
pub(crate) fn keep(place: &Place, proof: &ForkProof) -> Result<(), String> {
    let name = format!("{FORK}{}.json", proof.blocks.first.header.height);
    put(place, &name, &Evidence::Fork(Box::new(proof.clone())))
}

/// The same for what proves an offence.
pub(crate) fn keep_offence(place: &Place, accused: &Accused) -> Result<(), String> {
    let key: String = accused.key.to_string().chars().take(16).collect();
    let name = format!("{OFFENCE}{}-{key}.json", accused.proof.offence.height());
    put(place, &name, &Evidence::Offence(Box::new(OffenceProof::clone(&accused.proof))))
}

fn put(place: &Place, name: &str, evidence: &Evidence) -> Result<(), String> {
    let folder = place.evidence();
    let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", folder.display());
    if !folder.exists() {
        fs::create_dir_all(&folder).and_then(|()| sync_folder(&folder)).map_err(|error| failed(&error))?;
    }
    let text = evidence.to_json().map_err(|why| failed(&why))?;
    if text.len() > MAX_LENGTH {
        return Err(failed(&"the evidence is longer than a document may be"));
    }
    let path = folder.join(name);
    replace(&path, text.as_bytes()).map_err(|why| format!("{}: {why}", path.display()))
}

/// The offences that a home has kept, as far as they verify from where its trust starts; one that does not
/// halts nothing, and its file stays where it is. As with forks, the clock was asked when each was seen.
pub(crate) fn offences(place: &Place, (anchor, rules): (&Trusted, &Rules), now: Time) -> Vec<Accused> {
    let timeless = timeless(rules);
    let judged = |path: PathBuf| {
        let Ok(Ok(Evidence::Offence(proof))) = load(&path) else { return None };
        let key = detect::offence_proof(&proof, anchor, &timeless, now.max(newest(&proof.path))).ok()?;
        Some(Accused { key: *key.get(), proof: Arc::new(*proof) })
    };
    files(&place.evidence(), OFFENCE).unwrap_or_default().into_iter().filter_map(judged).collect()
}

/// Rules for what was seen in its time.
fn timeless(rules: &Rules) -> Rules {
    let mut timeless = rules.clone();
    timeless.params.trusting_period_ms = u64::MAX;
    timeless
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
        let timeless = timeless(rules);
        let judge = |path: PathBuf| {
            let found = match load(&path)?.and_then(of_a_fork) {
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
        files(&place.evidence(), FORK)?.into_iter().map(judge).collect()
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
                name.strip_prefix(FORK)?.strip_suffix(".json")?.parse().ok().map(Height)
            }
        }
    }
}

/// The time of its newest block: it was not seen much before.
fn seen(proof: &ForkProof) -> Time {
    let ForkEvidence { first, second } = &proof.blocks;
    newest(proof.path.iter().chain([first, second]))
}

fn newest<'a>(blocks: impl IntoIterator<Item = &'a LightBlock>) -> Time {
    blocks.into_iter().map(|block| block.header.time.plus(1)).max().unwrap_or(Time(0))
}

/// The files of a kind; those of forks that were left have other names.
fn files(folder: &Path, kind: &str) -> Result<Vec<PathBuf>, String> {
    let failed = |error: &io::Error| format!("{}: {error}", folder.display());
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(&error)),
    };
    let is_it = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(kind) && name.ends_with(".json"))
    };
    let found = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_it);
    let mut found: Vec<_> = found.take(MOST).collect();
    found.sort();
    Ok(found)
}

/// The evidence in a file, or why it holds none.
fn load(path: &Path) -> Result<Result<Evidence, String>, String> {
    let text = read(path, MAX_LENGTH).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Evidence::from_json(&text.unwrap_or_default()).map_err(|why| why.to_string()))
}

fn of_a_fork(evidence: Evidence) -> Result<ForkProof, String> {
    match evidence {
        Evidence::Fork(proof) => Ok(*proof),
        Evidence::Offence(_) => Err("no evidence of a fork".to_owned()),
    }
}

/// Moves the files of all forks beside: `left-ID-fork-HEIGHT.json`, by the block that is trusted
/// instead. Returns where they are now.
pub(crate) fn leave(place: &Place, to: BlockId) -> Result<Vec<PathBuf>, String> {
    let folder = place.evidence();
    let short: String = to.to_string().chars().take(16).collect();
    let mut moved = Vec::new();
    for path in files(&folder, FORK)? {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let beside = folder.join(format!("left-{short}-{name}"));
        let renamed = fs::rename(&path, &beside).and_then(|()| sync_folder(&beside));
        renamed.map_err(|error| format!("{}: {error}", path.display()))?;
        moved.push(beside);
    }
    Ok(moved)
}
