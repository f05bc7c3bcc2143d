//! What does a home hold for the light node, and where? And how is one of its files replaced?

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use qratum_chain::document::{Anchor, MAX_LENGTH};

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

/// The bytes of a file, one more than `most` at the longest; none where there is no file.
pub(crate) fn read(path: &Path, most: usize) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Replaces a file as a whole, durably: after a crash it holds the old bytes or the new ones. Only its
/// owner can read it.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let next = PathBuf::from(name);
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&next)?;
        // One that a crash left behind has the mode that it was made with.
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&next, path)?;
        sync_folder(path)
    };
    write().map_err(|error| format!("{}: {error}", path.display()))
}

/// Makes what became of a name in its folder durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_is_its_owners_alone() {
        let folder = std::env::temp_dir().join(format!("qratum-replace-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("store.highest");
        fs::write(&path, "old").unwrap();
        fs::write(folder.join("store.highest.new"), "left by a crash, and longer").unwrap();
        replace(&path, b"new").unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!((fs::read(&path).unwrap(), mode), (b"new".to_vec(), 0o600));
        fs::remove_dir_all(&folder).unwrap();
    }
}
