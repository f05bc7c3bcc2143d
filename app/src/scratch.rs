//! The home of a demo that nobody named: made for one run, and gone with it, keys and all.

use std::{
    env,
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{exit::Failure, home, output, time};

/// `qratum-demo-PID-`, of the process that made it, and when: milliseconds and a count.
const PREFIX: &str = "qratum-demo-";

/// A folder of this run alone. Dropped, it is removed.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
    /// Locked while this process lives, so that no other takes the folder for a leftover: also not
    /// one that cannot see this process. None where folders have no locks.
    _lock: Option<File>,
    keep_logs: bool,
}

impl Scratch {
    /// Makes a fresh folder under the system's directory for temporary files, and removes there
    /// what demos that were killed have left.
    pub(crate) fn make() -> Result<Self, Failure> {
        // One run may need more than one within a millisecond.
        static MADE: AtomicU32 = AtomicU32::new(0);
        let parent = env::temp_dir();
        let (now, number) = (time::now().0, MADE.fetch_add(1, Ordering::Relaxed));
        let path = parent.join(format!("{PREFIX}{}-{now}{number:03}", process::id()));
        let failure = |error: io::Error| Failure::io(&path.display().to_string(), &error);
        // It must be new: what is removed later is what was made here.
        DirBuilder::new().mode(0o700).create(&path).map_err(failure)?;
        let lock = File::open(&path).ok().filter(|folder| folder.try_lock().is_ok());
        let scratch = Self { path, _lock: lock, keep_logs: false };
        scratch.sweep(&parent);
        Ok(scratch)
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Logs are still needed: they stay, and all else goes.
    pub(crate) const fn keep_logs(&mut self) {
        self.keep_logs = true;
    }

    fn sweep(&self, parent: &Path) {
        let Ok(own) = fs::symlink_metadata(&self.path) else { return };
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let path = entry.path();
            if path != self.path && is_leftover(&path, own.uid()) {
                let _ = fs::remove_dir_all(&path);
            }
        }
    }

    fn remove(&self) -> io::Result<()> {
        if !self.keep_logs {
            return fs::remove_dir_all(&self.path);
        }
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if !entry.file_type()?.is_dir() {
                fs::remove_file(entry.path())?;
            } else if entry.file_name() != home::LOG {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            let path = self.path.display();
            output::complain(&format!("{path} could not be removed and holds keys of the demo: {error}"));
        }
    }
}

/// The homes of demos that this user's processes have made in `parent`, whether they still run or not.
pub(crate) fn homes(parent: &Path) -> Vec<PathBuf> {
    let Ok(own) = fs::metadata("/proc/self") else { return Vec::new() };
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| made(path, own.uid()).is_some()).collect()
}

/// Whether `path` is the home of a demo of the same user whose process is gone.
fn is_leftover(path: &Path, owner: u32) -> bool {
    let Some(pid) = made(path, owner) else { return false };
    let gone = Path::new("/proc/self").exists() && !Path::new("/proc").join(pid.to_string()).exists();
    gone && File::open(path).is_ok_and(|folder| folder.try_lock().is_ok())
}

/// The process of this user that made the home of a demo at `path`.
fn made(path: &Path, owner: u32) -> Option<u32> {
    let pid = maker(path.file_name()?.to_str()?)?;
    let its = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir() && found.uid() == owner);
    (its && is_demo(&path.join(home::GENESIS))).then_some(pid)
}

/// The process that made a folder of this name.
fn maker(name: &str) -> Option<u32> {
    let (pid, made) = name.strip_prefix(PREFIX)?.split_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (digits(pid) && digits(made)).then(|| pid.parse().ok())?
}

fn is_demo(genesis: &Path) -> bool {
    fs::symlink_metadata(genesis).is_ok_and(|found| found.is_file())
        && home::genesis(genesis).is_ok_and(|genesis| genesis.demo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_demos_give_are_theirs() {
        assert_eq!(maker("qratum-demo-17-1795306067442"), Some(17));
        for name in [
            "qratum-demo-17",
            "qratum-demo-17-",
            "qratum-demo--5",
            "qratum-demo-17-5-logs",
            "qratum-demo-+7-5",
            "qratum-demo-99999999999-5",
            "my-qratum-demo-17-5",
        ] {
            assert_eq!(maker(name), None, "{name}");
        }
    }
}
