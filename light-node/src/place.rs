//! What does a home hold for the light node, and where?

use std::path::{Path, PathBuf};

use qratum_chain::document::{Anchor, MAX_LENGTH};

use crate::file::read;

/// The files of a home that a light node keeps or reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(PathBuf);

impl Place {
    /// The home at `path`.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// `anchor.json`: a later place than genesis to start from.
    #[must_use]
    pub fn anchor(&self) -> PathBuf {
        self.0.join("anchor.json")
    }

    /// What [`Place::anchor`] pins, where there is such a file.
    ///
    /// # Errors
    /// What is wrong with the file, in words.
    pub fn pinned(&self) -> Result<Option<Anchor>, String> {
        let path = self.anchor();
        let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
        let text = read(&path, MAX_LENGTH).map_err(|error| failed(&error))?;
        text.map(|text| Anchor::from_json(&text).map_err(|why| failed(&why))).transpose()
    }

    /// `store`: the blocks that lead from the anchor to the head.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.0.join("store")
    }

    /// `evidence`: the forks that were seen.
    #[must_use]
    pub fn evidence(&self) -> PathBuf {
        self.0.join("evidence")
    }

    /// `run/light.sock`: where the owner of the store answers others.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.0.join("run/light.sock")
    }

    /// `highest/mark`: how far that ever was.
    #[must_use]
    pub fn highest(&self) -> PathBuf {
        self.0.join("highest/mark")
    }

    /// The folders that whoever owns the store writes in. All else of the home it only reads.
    #[must_use]
    pub fn kept(&self) -> [PathBuf; 4] {
        [self.store(), self.evidence(), self.0.join("run"), self.0.join("highest")]
    }
}
