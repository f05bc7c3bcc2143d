//! A second console on a demo that runs: a home of its own on the same network, under a name of its own.
//!
//! The demo holds a lock on its genesis for as long as it runs: whoever waits for that lock learns of its
//! end, however it ends.

use std::{
    env,
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    thread,
};

use tokio::sync::oneshot;

use crate::{
    exit::{Exit, Failure},
    file,
    home::Home,
    scratch::{self, Scratch},
};

/// The longest file that is taken over from the demo's home.
const LONGEST: usize = 1 << 20;

/// A console that has joined a demo.
#[derive(Debug)]
pub(crate) struct Joined {
    /// Its own home, gone with it.
    pub(crate) home: Home,
    _scratch: Scratch,
    /// Held while it runs, so that no other has its name.
    _name: File,
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

/// Tells that a demo runs on this home, until it is dropped. None where files have no locks.
pub(super) fn announce(home: &Home) -> Option<File> {
    File::open(home.genesis_path()).ok().filter(|genesis| genesis.try_lock().is_ok())
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

/// The file that stands for a name on a demo, locked.
fn take(demo: &Home, name: &str) -> Result<File, Failure> {
    let path = demo.console_path(name);
    let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = opened.map_err(|error| Failure::io(&path.display().to_string(), &error))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let text = format!(
                "a console called {name} has joined the demo on {} already\nTake another name: qratum demo --as NAME",
                demo.shown()
            );
            Err(Failure::new(Exit::Usage, text))
        }
        // Where files have no locks, names are not kept apart.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
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
