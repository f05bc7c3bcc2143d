//! A second console on a demo that runs: a home of its own on the same network, under a name of its own.
//!
//! The demo holds a lock on its genesis for as long as it runs: whoever waits for that lock learns of its
//! end, however it ends.

use std::{
    env,
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::PathBuf,
    thread,
    time::Duration,
};

use tokio::sync::oneshot;

use crate::{
    exit::{Exit, Failure},
    file,
    home::Home,
    scratch::{self, Scratch},
};

/// Attempts to take the lock of a demo, and the pause between them.
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(10);
/// The longest file that is taken over from the demo's home.
const LONGEST: usize = 1 << 20;

/// A console that has joined a demo.
#[derive(Debug)]
pub(crate) struct Joined {
    /// Its own home, gone with it.
    pub(crate) home: Home,
    _scratch: Scratch,
    /// Held while it runs, so that no other has its name.
    _name: Name,
    /// Resolves when the demo ends; none when that was told.
    over: Option<oneshot::Receiver<()>>,
}

impl Joined {
    /// What is said when the demo ends.
    pub(crate) const OVER: &'static str = "the demo that this console joined has ended";

    /// Joins the demo on the home that was named, else the one that runs.
    pub(crate) fn join(named: Option<PathBuf>, name: &str) -> Result<Self, Failure> {
        let demo = named.map_or_else(the_one, the_named)?;
        let name = take(&demo, name)?;
        let scratch = Scratch::make()?;
        let home = Home::at(scratch.path().to_owned());
        for (from, to) in [(demo.genesis_path(), home.genesis_path()), (demo.peers_path(), home.peers_path())]
        {
            let failed = |error: io::Error| Failure::io(&to.display().to_string(), &error);
            file::create(&to, &file::read(&from, LONGEST)?).map_err(failed)?;
        }
        let over = end_of(&demo).map_err(|error| Failure::io("waiting for the demo", &error))?;
        Ok(Self { home, _scratch: scratch, _name: name, over: Some(over) })
    }

    /// Resolves once, when the demo ends.
    pub(crate) async fn over(&mut self) {
        match &mut self.over {
            // The thread that waits tells it, or is gone with it.
            Some(over) => drop(over.await),
            None => std::future::pending().await,
        }
        self.over = None;
    }
}

/// Tells that a demo runs on this home, until it is dropped. None where files have no locks. Whoever looks
/// for a demo holds the lock for a moment.
pub(super) fn announce(home: &Home) -> Option<File> {
    let genesis = File::open(home.genesis_path()).ok()?;
    for _ in 0..LOCK_TRIES {
        match genesis.try_lock() {
            Ok(()) => return Some(genesis),
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(_)) => return None,
        }
    }
    None
}

fn runs(home: &Home) -> bool {
    let locked = |genesis: File| matches!(genesis.try_lock_shared(), Err(TryLockError::WouldBlock));
    File::open(home.genesis_path()).is_ok_and(locked)
}

fn the_named(path: PathBuf) -> Result<Home, Failure> {
    let home = Home::at(path);
    if runs(&home) {
        return Ok(home);
    }
    let shown = home.shown();
    let text = format!("no demo runs on {shown}\nStart it in another terminal: qratum demo --home {shown}");
    Err(Failure::new(Exit::Usage, text))
}

/// The demo of this user that runs on a home which nobody named.
fn the_one() -> Result<Home, Failure> {
    let homes = scratch::homes(&env::temp_dir()).into_iter().map(Home::at);
    let mut running: Vec<Home> = homes.filter(runs).collect();
    match (running.pop(), running.as_slice()) {
        (Some(home), []) => Ok(home),
        (None, _) => {
            let text = "no demo runs\nStart one in another terminal with `qratum demo`, or name the home of one with --home DIR";
            Err(Failure::new(Exit::Usage, text))
        }
        (Some(last), others) => {
            let homes: Vec<String> =
                others.iter().chain([&last]).map(|home| format!("  {}", home.shown())).collect();
            let text =
                format!("several demos run; name the home of one with --home DIR:\n{}", homes.join("\n"));
            Err(Failure::new(Exit::Usage, text))
        }
    }
}

/// The file that stands for a name on a demo, locked; it goes with this.
#[derive(Debug)]
struct Name {
    path: PathBuf,
    _lock: File,
}

impl Drop for Name {
    fn drop(&mut self) {
        // Under the lock: nobody else has this name yet.
        let _ = fs::remove_file(&self.path);
    }
}

fn take(demo: &Home, name: &str) -> Result<Name, Failure> {
    let path = demo.console_path(name);
    loop {
        let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = opened.map_err(|error| Failure::io(&path.display().to_string(), &error))?;
        if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            let text = format!(
                "a console called {name} has joined the demo on {} already\nTake another name: qratum demo --as NAME",
                demo.shown()
            );
            return Err(Failure::new(Exit::Usage, text));
        }
        // Where files have no locks, names are not kept apart. A file that its last holder has just removed
        // stands for nothing.
        let own = file.metadata().map_or(0, |own| own.ino());
        if fs::metadata(&path).is_ok_and(|found| found.ino() == own) {
            return Ok(Name { path, _lock: file });
        }
    }
}

/// Resolves when the demo on this home ends. A thread of its own waits for that, and goes with the process.
fn end_of(demo: &Home) -> io::Result<oneshot::Receiver<()>> {
    let genesis = File::open(demo.genesis_path())?;
    let (tell, over) = oneshot::channel();
    thread::Builder::new().name("demo".to_owned()).spawn(move || {
        while genesis.lock_shared().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {}
        // Nobody may be listening any more.
        let _ = tell.send(());
    })?;
    Ok(over)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demo(name: &str) -> Home {
        let path = env::temp_dir().join(format!("qratum-joined-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        let home = Home::at(path);
        fs::create_dir_all(home.console_path("x").parent().unwrap()).unwrap();
        fs::write(home.genesis_path(), "{}").unwrap();
        home
    }

    #[test]
    fn a_name_is_taken_once_and_free_again_with_nothing_left_behind() {
        let home = demo("name");
        let path = home.console_path("alice");
        for _ in 0..2 {
            let first = take(&home, "alice").unwrap();
            assert!(path.exists());
            let text = take(&home, "alice").unwrap_err().text.unwrap_or_default();
            assert!(text.contains("alice has joined"), "{text}");
            assert!(path.exists(), "it is still taken");
            drop(first);
            assert!(!path.exists());
        }
        fs::remove_dir_all(home.path()).unwrap();
    }

    /// Whoever looks whether a demo runs holds its lock for a moment.
    #[test]
    fn a_demo_is_announced_although_somebody_looks_for_one() {
        let home = demo("announce");
        let looking = File::open(home.genesis_path()).unwrap();
        looking.lock_shared().unwrap();
        let looks = thread::spawn(move || {
            thread::sleep(LOCK_PAUSE * 3);
            drop(looking);
        });
        let announced = announce(&home);
        looks.join().unwrap();
        assert!(announced.is_some() && runs(&home));
        drop(announced);
        assert!(!runs(&home));
        fs::remove_dir_all(home.path()).unwrap();
    }
}
