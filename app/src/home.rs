//! Where are the anchor and the peers? The home directory as the console and commands see it.

use std::{
    env,
    fs::{self, File},
    io,
    path::{Path, PathBuf, absolute},
};

use qratum_chain::{
    document::{Anchor, DocumentError, MAX_LENGTH, genesis_from_json},
    types::Genesis,
};
use qratum_light_node::{Config, Place, peers_from_json};
use qratum_verifier::anchor::Start;

use crate::{
    cli::VerifyArgs,
    exit::{Exit, Failure},
    file,
    settings::Settings,
};

/// The anchor's file in a home.
pub(crate) const GENESIS: &str = "genesis.json";
/// Where in a home the validators of a demo write.
pub(crate) const LOG: &str = "log";
/// The longest `peers.json`, as the light node reads it.
const MAX_PEERS_FILE: usize = 64 << 10;

/// A home directory.
#[derive(Clone, Debug)]
pub(crate) struct Home(PathBuf);

impl Home {
    /// The directory that was named, or the user's own.
    pub(crate) fn resolve(named: Option<PathBuf>) -> Result<Self, Failure> {
        let set = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        named
            .or_else(|| set("XDG_DATA_HOME").map(|data| data.join("qratum")))
            .or_else(|| set("HOME").map(|home| home.join(".local/share/qratum")))
            .map(Self)
            .ok_or_else(|| {
                Failure::new(
                    Exit::Usage,
                    "neither XDG_DATA_HOME nor HOME is set\nName a home with --home DIR",
                )
            })
    }

    /// The home at `path`.
    pub(crate) const fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The directory as a shell anywhere would take it.
    pub(crate) fn shown(&self) -> String {
        let path = absolute(&self.0).unwrap_or_else(|_| self.0.clone()).display().to_string();
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%,".contains(c);
        if path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', "'\\''")) }
    }

    /// `genesis.json`, the anchor.
    pub(crate) fn genesis_path(&self) -> PathBuf {
        self.0.join(GENESIS)
    }

    /// `peers.json`, the pinned peers.
    pub(crate) fn peers_path(&self) -> PathBuf {
        self.0.join("peers.json")
    }

    /// `log`, where the validators of a demo write.
    pub(crate) fn log(&self) -> PathBuf {
        self.0.join(LOG)
    }

    /// `run`, what only running processes need.
    pub(crate) fn run(&self) -> PathBuf {
        self.0.join("run")
    }

    /// `run/validator-<index>.pid`, written by a validator of a demo.
    pub(crate) fn pid_path(&self, index: usize) -> PathBuf {
        self.0.join("run").join(format!("validator-{index}.pid"))
    }

    /// `run/<name>.console`, which stands for the name of a console that joined a demo.
    pub(crate) fn console_path(&self, name: &str) -> PathBuf {
        self.0.join("run").join(format!("{name}.console"))
    }

    /// Anchor and peers, with the store of this home.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        let genesis = self.genesis()?;
        let path = self.peers_path();
        let mend = |why: &str| {
            let text = format!("{why}\nMend it, or get it again from the network's operators");
            Failure::new(Exit::Usage, text)
        };
        let text =
            file::read(&path, MAX_PEERS_FILE).map_err(|why| mend(why.text.as_deref().unwrap_or_default()))?;
        let peers = peers_from_json(&text).map_err(|why| mend(&format!("{}: {why}", path.display())))?;
        let proxies = self.settings()?.channels.proxies();
        Ok(Config { genesis, anchor: self.pinned()?, peers, proxies, home: Some(self.place()), keep: true })
    }

    /// What `config.toml` sets.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        Settings::read(&self.0.join("config.toml"))
    }

    /// `alerts`, where what became of alarms is kept.
    pub(crate) fn alerts(&self) -> PathBuf {
        self.0.join("alerts")
    }

    /// `acts`, where what was signed is kept until it is known what became of it.
    pub(crate) fn acts(&self) -> PathBuf {
        self.0.join("acts")
    }

    /// `keys`, what this home knows of security keys.
    pub(crate) fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// `exports`, where a console puts what it is asked to write.
    pub(crate) fn exports(&self) -> PathBuf {
        self.0.join("exports")
    }

    /// The files that the light node keeps or reads.
    pub(crate) fn place(&self) -> Place {
        Place::new(self.0.clone())
    }

    /// Where trust starts, and whether a checkpoint says so.
    pub(crate) fn start(&self) -> Result<(Start, bool), Failure> {
        let (genesis, anchor) = (self.genesis()?, self.pinned()?);
        let start = Start::of(&genesis, anchor.as_ref()).map_err(|why| {
            let file = if anchor.is_some() { self.place().anchor() } else { self.genesis_path() };
            let text = format!(
                "{}: {why}\nGet it again from the network's operators, for this chain",
                file.display()
            );
            Failure::new(Exit::Usage, text)
        })?;
        Ok((start, anchor.is_some()))
    }

    /// The genesis; where there is none, what to do.
    pub(crate) fn genesis(&self) -> Result<Genesis, Failure> {
        let path = self.genesis_path();
        if self.has_genesis()? {
            return genesis(&path);
        }
        let text = format!(
            "no configuration: {} does not exist\n\
             Name a home with --home DIR, make one with `qratum init`, or try `qratum demo`",
            path.display()
        );
        Err(Failure::new(Exit::Usage, text))
    }

    fn pinned(&self) -> Result<Option<Anchor>, Failure> {
        self.place().pinned().map_err(|why| Failure::new(Exit::Usage, why))
    }

    /// Whether there is a `genesis.json`; an error where that cannot be said or it cannot be read.
    pub(crate) fn has_genesis(&self) -> Result<bool, Failure> {
        let missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        match fs::metadata(&self.0) {
            Ok(found) if !found.is_dir() => {
                return Err(unusable(&self.0, "it is a file, and a home is a directory"));
            }
            Ok(_) => {}
            Err(error) if missing(&error) => return Ok(false),
            Err(error) => return Err(unusable(&self.0, &error.to_string())),
        }
        let path = self.genesis_path();
        match File::open(&path) {
            Ok(_) => Ok(true),
            Err(error) if missing(&error) => Ok(false),
            Err(error) => Err(unusable(&path, &error.to_string())),
        }
    }

    /// Anchor and peers, with nothing kept: for commands beside a running console.
    pub(crate) fn config_without_store(&self) -> Result<Config, Failure> {
        Ok(Config { keep: false, ..self.config()? })
    }
}

fn unusable(path: &Path, why: &str) -> Failure {
    let text = format!(
        "{}: {why}\nName a home with --home DIR that this user can read, or make this one readable",
        path.display()
    );
    Failure::new(Exit::Usage, text)
}

/// Reads a genesis file.
pub(crate) fn genesis(path: &Path) -> Result<Genesis, Failure> {
    let text = file::read(path, MAX_LENGTH).map_err(as_usage)?;
    genesis_from_json(&text).map_err(|why| {
        let text = format!("{}: {why}\nGet it again from the network's operators", path.display());
        Failure::new(Exit::Usage, text)
    })
}

/// What `--anchor` names: a genesis, or an anchor document in the chain of a genesis, which is that
/// of `--genesis` or of the home.
pub(crate) fn trusted(home: Option<PathBuf>, args: &VerifyArgs) -> Result<Start, Failure> {
    let wrong =
        |why: &dyn std::fmt::Display| Failure::new(Exit::Usage, format!("{}: {why}", args.anchor.display()));
    let text = file::read(&args.anchor, MAX_LENGTH).map_err(as_usage)?;
    let anchor = match Anchor::from_json(&text) {
        Ok(anchor) => anchor,
        Err(DocumentError::Schema(_)) => {
            let genesis = genesis_from_json(&text).map_err(|why| wrong(&why))?;
            return Start::of(&genesis, None).map_err(|why| wrong(&why));
        }
        Err(why) => return Err(wrong(&why)),
    };
    let path = match &args.genesis {
        Some(path) => path.clone(),
        None => Home::resolve(home)?.genesis_path(),
    };
    Start::of(&genesis(&path)?, Some(&anchor)).map_err(|why| wrong(&why))
}

/// Where trust starts in the chain of `genesis`.
pub(crate) fn start(genesis: &Genesis, anchor: Option<&Anchor>) -> Result<Start, Failure> {
    Start::of(genesis, anchor).map_err(|why| Failure::new(Exit::Usage, why.to_string()))
}

/// A file of the configuration that cannot be read is a mistake in the configuration.
fn as_usage(failure: Failure) -> Failure {
    Failure { exit: Exit::Usage, ..failure }
}
