//! What became of alarms, on disk: lines of JSON, each with a checksum, that are only appended.
//!
//! The process that delivers alarms writes here, and so does whoever acknowledges one: each append is
//! one line under a lock, after what others wrote was read. A line that was not finished is at the
//! end and goes; one that is damaged in between is told and skipped, as the ones behind it are still
//! true. Only the process that delivers starts the file anew when it has grown, by one rename.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use qratum_light_node::file;

use super::entry::{Entry, Found, line, lines};

const NAME: &str = "journal.jsonl";
const OLD: &str = "journal.old.jsonl";
const NEW: &str = "journal.new";
/// From this length on the file is started anew.
const LIMIT: u64 = 1 << 20;
/// No journal is longer: it is started anew long before, unless something else wrote it.
const MOST: u64 = 64 << 20;

/// An open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
    file: File,
    /// Up to here it is read, and every line was whole.
    end: u64,
    /// How long it was when it was started anew.
    least: u64,
}

impl Journal {
    /// Opens the journal in this folder, makes both where they are missing, and reads it.
    pub(crate) fn open(folder: &Path) -> io::Result<(Self, Found)> {
        DirBuilder::new().mode(0o700).recursive(true).create(folder)?;
        loop {
            let path = folder.join(NAME);
            let mut options = OpenOptions::new();
            let file = file::open(&path, options.read(true).write(true).create(true).truncate(false))?;
            file.lock()?;
            // Somebody may have put a new one in its place before the lock was there.
            let is_it = fs::metadata(&path)
                .is_ok_and(|found| found.ino() == file.metadata().map_or(0, |own| own.ino()));
            if !is_it {
                continue;
            }
            let mut journal = Self { folder: folder.to_owned(), file, end: 0, least: 0 };
            let found = journal.catch_up();
            journal.file.unlock()?;
            File::open(folder)?.sync_all()?;
            return found.map(|found| (journal, found));
        }
    }

    /// What others have written since.
    pub(crate) fn news(&mut self) -> io::Result<Found> {
        if self.file.metadata()?.len() == self.end {
            return Ok(Found::default());
        }
        self.file.lock()?;
        let found = self.catch_up();
        self.file.unlock()?;
        found
    }

    /// Writes a line; returns what others have written before. With `sync` it waits until the disk has
    /// it, without it the line may be lost in a crash: then it is written once more.
    pub(crate) fn write(&mut self, entry: &Entry, sync: bool) -> io::Result<Found> {
        let bytes = line(entry)?;
        self.file.lock()?;
        let written = self.catch_up().and_then(|found| {
            self.put(&bytes, sync)?;
            Ok(found)
        });
        self.file.unlock()?;
        written
    }

    /// Whether it is time to start anew.
    pub(crate) fn is_long(&self) -> bool {
        self.end > LIMIT.max(self.least.saturating_mul(2))
    }

    /// Starts anew with these entries. What was there stays beside it, until the next time. None, when
    /// others have written something that was not read yet: then not now.
    pub(crate) fn start_anew(&mut self, kept: &[Entry]) -> io::Result<Option<()>> {
        self.file.lock()?;
        let done = self.replace(kept);
        // The lock goes with the old file, which waits for it in other processes.
        let _ = self.file.unlock();
        let Some((file, end)) = done? else { return Ok(None) };
        (self.file, self.end, self.least) = (file, end, end);
        Ok(Some(()))
    }

    fn replace(&self, kept: &[Entry]) -> io::Result<Option<(File, u64)>> {
        if self.file.metadata()?.len() != self.end {
            return Ok(None);
        }
        let made = write_new(&self.folder, kept)?;
        keep_old(&self.folder)?;
        put_in_place(&self.folder)?;
        Ok(Some(made))
    }

    /// A line that cannot be written as a whole is not there at all.
    fn put(&mut self, bytes: &[u8], sync: bool) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.end))?;
        let put = self.file.write_all(bytes).and_then(|()| if sync { self.file.sync_data() } else { Ok(()) });
        match put {
            Ok(()) => self.end = self.end.saturating_add(u64::try_from(bytes.len()).unwrap_or(0)),
            Err(_) => self.file.set_len(self.end)?,
        }
        put
    }

    /// Reads from the known end on, and cuts off a line that its writer did not finish: under the lock
    /// that writer is gone.
    fn catch_up(&mut self) -> io::Result<Found> {
        let length = self.file.metadata()?.len();
        if length > MOST {
            return Err(io::Error::other(format!("longer than {MOST} bytes")));
        }
        self.file.seek(SeekFrom::Start(self.end))?;
        let mut text = Vec::new();
        (&self.file).take(MOST).read_to_end(&mut text)?;
        let (found, whole) = lines(&text);
        let end = self.end.saturating_add(u64::try_from(whole).unwrap_or(0));
        if end != length {
            self.file.set_len(end)?;
            self.file.sync_data()?;
        }
        self.end = end;
        Ok(found)
    }
}

// - starting anew: a crash between two of these leaves the old journal or the new one

fn write_new(folder: &Path, kept: &[Entry]) -> io::Result<(File, u64)> {
    let mut file = file::anew(&folder.join(NEW))?;
    for entry in kept {
        file.write_all(&line(entry)?)?;
    }
    file.sync_all()?;
    let end = file.stream_position()?;
    Ok((file, end))
}

fn keep_old(folder: &Path) -> io::Result<()> {
    let (link, old) = (folder.join(format!("{OLD}.new")), folder.join(OLD));
    let _ = fs::remove_file(&link);
    fs::hard_link(folder.join(NAME), &link)?;
    fs::rename(link, old)
}

fn put_in_place(folder: &Path) -> io::Result<()> {
    fs::rename(folder.join(NEW), folder.join(NAME))?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests;
