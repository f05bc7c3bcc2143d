//! What does a store need of a file? Little enough that tests can put any fault in between.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
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

    /// Puts on disk what was written. After an error nobody can know what is there.
    ///
    /// # Errors
    /// From the file system.
    fn sync(&mut self) -> io::Result<()>;
}

impl Medium for File {
    fn read_all(&mut self) -> io::Result<Vec<u8>> {
        self.seek(SeekFrom::Start(0))?;
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)?;
        self.seek(SeekFrom::End(0)).map(drop)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
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
