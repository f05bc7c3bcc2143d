//! Where are the anchor and the peers? The home directory as the console and commands see it.

use std::{
    env,
    path::{Path, PathBuf},
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

    /// `genesis.json`, the anchor.
    pub(crate) fn genesis_path(&self) -> PathBuf {
        self.0.join("genesis.json")
    }

    /// `log`, where the validators of a demo write.
    pub(crate) fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// `run/validator-<index>.pid`, written by a validator of a demo.
    pub(crate) fn pid_path(&self, index: usize) -> PathBuf {
        self.0.join("run").join(format!("validator-{index}.pid"))
    }

    /// Anchor and peers, with the store of this home.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        let genesis_path = self.genesis_path();
        if !genesis_path.exists() {
            let text = format!(
                "no configuration: {} does not exist\n\
                 Name a home with --home DIR, or start a network to try with `qratum demo`",
                genesis_path.display()
            );
            return Err(Failure::new(Exit::Usage, text));
        }
        let path = self.0.join("peers.json");
        let peers = peers_from_json(&file::read(&path, MAX_PEERS_FILE).map_err(as_usage)?)
            .map_err(|why| Failure::new(Exit::Usage, format!("{}: {why}", path.display())))?;
        Ok(Config { genesis: genesis(&genesis_path)?, peers, store: Some(self.0.join("store")) })
    }

    /// Anchor and peers, with nothing kept: for commands beside a running console.
    pub(crate) fn config_without_store(&self) -> Result<Config, Failure> {
        Ok(Config { store: None, ..self.config()? })
    }
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
