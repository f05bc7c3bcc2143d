//! Where are the anchor and the peers? The home directory as the console and commands see it.

use std::{
    env,
    fs::{self, File},
    io,
    path::{Path, PathBuf, absolute},
};

use qratum_chain::{
    document::{MAX_LENGTH, genesis_from_json},
    types::Genesis,
};
use qratum_light_node::{Config, peers_from_json};
use qratum_verifier::{Rules, Trusted};

use crate::{
    exit::{Exit, Failure},
    file,
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

    /// `log`, where the validators of a demo write.
    pub(crate) fn log(&self) -> PathBuf {
        self.0.join(LOG)
    }

    /// `run/validator-<index>.pid`, written by a validator of a demo.
    pub(crate) fn pid_path(&self, index: usize) -> PathBuf {
        self.0.join("run").join(format!("validator-{index}.pid"))
    }

    /// Anchor and peers, with the store of this home.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        let genesis_path = self.genesis_path();
        if !self.has_genesis()? {
            let text = format!(
                "no configuration: {} does not exist\n\
                 Name a home with --home DIR, or start a network to try with `qratum demo`",
                genesis_path.display()
            );
            return Err(Failure::new(Exit::Usage, text));
        }
        let genesis = genesis(&genesis_path)?;
        let path = self.0.join("peers.json");
        let peers = peers_from_json(&file::read(&path, MAX_PEERS_FILE).map_err(as_usage)?)
            .map_err(|why| Failure::new(Exit::Usage, format!("{}: {why}", path.display())))?;
        Ok(Config { genesis, peers, store: Some(self.0.join("store")) })
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
        Ok(Config { store: None, ..self.config()? })
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
    genesis_from_json(&text).map_err(|why| Failure::new(Exit::Usage, format!("{}: {why}", path.display())))
}

/// Reads a genesis file and makes it the anchor.
pub(crate) fn anchor(path: &Path) -> Result<(Trusted, Rules), Failure> {
    Trusted::genesis(&genesis(path)?)
        .map_err(|why| Failure::new(Exit::Usage, format!("{}: {why}", path.display())))
}

/// A file of the configuration that cannot be read is a mistake in the configuration.
fn as_usage(failure: Failure) -> Failure {
    Failure { exit: Exit::Usage, ..failure }
}
