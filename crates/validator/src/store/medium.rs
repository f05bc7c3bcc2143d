//! What does a store need of a file? Little enough that tests can put any fault in between.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Bytes that grow at their end.
pub trait Medium {
    /// Everything from the start on.
    ///
    /// # Errors
    /// From the file system.
    fn read_all(&mut self) -> io::Result<Vec<u8>>;

    /// Writes at the end. After an error a part may be there.
    ///
    /// # Errors
    /// From the file system.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Drops everything behind the first `length` bytes.
    ///
    /// # Errors
    /// From the file system.
    fn cut(&mut self, length: u64) -> io::Result<()>;

    /// Puts these bytes in the place of all others, on disk when it returns: a crash leaves the old
    /// ones or the new ones.
    ///
    /// # Errors
    /// From the file system; then the old ones are there, or the new ones.
    fn replace(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Puts on disk what was written. After an error nobody can know what is there.
    ///
    /// # Errors
    /// From the file system.
    fn sync(&mut self) -> io::Result<()>;
}

/// A file of the store, locked for as long as it is open.
#[derive(Debug)]
pub struct OnDisk {
    file: File,
    path: PathBuf,
}

impl OnDisk {
    /// Opens a file or makes it, readable by its owner alone, and takes its lock.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: open(path)?, path: path.to_owned() })
    }
}

impl Medium for OnDisk {
    fn read_all(&mut self) -> io::Result<Vec<u8>> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut bytes = Vec::new();
        self.file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.file.seek(SeekFrom::End(0)).map(drop)
    }

    fn replace(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file = put(&self.path, bytes)?;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Puts a file in place of the one before, in one step, and opens it. On disk afterwards.
pub(super) fn put(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let new = path.with_extension("new");
    let mut file = open(&new)?;
    // A crash may have left one.
    file.set_len(0)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(path.parent().unwrap_or(path))?.sync_all()?;
    Ok(file)
}

/// Opens a file or makes it, readable by its owner alone, and takes its lock.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    file.try_lock().map_err(held)?;
    Ok(file)
}

/// The system's words for it speak of an operation that would block.
fn held(why: TryLockError) -> io::Error {
    match why {
        TryLockError::WouldBlock => io::Error::new(io::ErrorKind::WouldBlock, "another process holds it"),
        TryLockError::Error(why) => why,
    }
}

/// How many bytes a process like this one can still write where `path` is.
///
/// # Errors
/// From the file system.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let space = rustix::fs::statvfs(path)?;
    Ok(space.f_bavail.saturating_mul(space.f_frsize))
}
