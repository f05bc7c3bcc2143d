//! Which process runs this validator? A file that names it, gone when it ends in order. One that a
//! killed process left behind is replaced; readers look whether the process is there.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::PathBuf,
    process,
};

/// The pid file of this process.
pub(super) struct PidFile(PathBuf);

impl PidFile {
    /// Writes it, in place of one that is there: only one process holds the store of a validator.
    ///
    /// # Errors
    /// From the file system.
    pub(super) fn write(path: PathBuf) -> io::Result<Self> {
        let folder = path.parent().unwrap_or(&path);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        // One that was left behind has the mode that it was made with.
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        file.write_all(process::id().to_string().as_bytes())?;
        Ok(Self(path))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // The store is free already: the file may be that of the process that follows.
        if fs::read_to_string(&self.0).is_ok_and(|pid| pid == process::id().to_string()) {
            // A file that stays behind names a process that is no more.
            drop(fs::remove_file(&self.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scratch;

    #[test]
    fn a_file_left_behind_is_replaced_and_that_of_another_process_stays() {
        let folder = Scratch::new();
        let path = folder.0.join("run/validator-0.pid");
        let own = PidFile::write(path.clone()).unwrap();
        fs::write(&path, "1").unwrap();
        drop(own);
        assert_eq!(fs::read_to_string(&path).unwrap(), "1");
        let own = PidFile::write(path.clone()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), process::id().to_string());
        drop(own);
        assert!(!path.exists());
    }
}
