//! What was signed is on disk before it is sent, and stays there until what became of it is proven. So
//! after a crash at any point the next start knows what is out; and nobody signs over it unknowingly: an
//! act with a lower nonce, carried out after one with a higher, would look like a copied key.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use qratum_chain::{
    ledger::Act,
    types::{Sender, Txo},
};
use qratum_light_node::file;

use super::paste;
use crate::{
    exit::{Exit, Failure},
    hex,
    home::Home,
};

/// The most acts that may be out.
const MOST: usize = 64;

/// The acts of a home that are out. While this lives no other process of the home signs.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
    _lock: File,
}

/// An act that was signed, and what became of it is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    /// What was signed.
    pub(crate) txo: Txo,
    /// Its payload, decoded.
    pub(crate) act: Act,
}

impl Journal {
    /// Opens the journal of a home, for this process alone.
    ///
    /// # Errors
    /// Another process of the home acts, or the folder cannot be used.
    pub(crate) fn open(home: &Home) -> Result<Self, Failure> {
        let folder = home.acts();
        let failed = |error: io::Error| Failure::io(&folder.display().to_string(), &error);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let lock = file::open(&folder.join("lock"), options).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                let text = "another process acts on this home\nNothing was signed: wait until it is done";
                Err(Failure::new(Exit::Nothing, text))
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Keeps an act. Comes before it is sent.
    ///
    /// # Errors
    /// It is not on disk: it must not be sent.
    pub(crate) fn keep(&self, txo: &Txo) -> Result<(), Failure> {
        let path = self.path(txo);
        file::replace(&path, paste::answer(txo).as_bytes())
            .map_err(|error| Failure::io(&format!("{}: nothing was sent", path.display()), &error))
    }

    /// Forgets an act: what became of it is known.
    ///
    /// # Errors
    /// From the file system.
    pub(crate) fn forget(&self, txo: &Txo) -> Result<(), Failure> {
        let path = self.path(txo);
        match fs::remove_file(&path).and_then(|()| file::sync_folder(&path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Failure::io(&path.display().to_string(), &error))
            }
            _ => Ok(()),
        }
    }

    /// The acts that are out, in the order of their nonces.
    ///
    /// # Errors
    /// A file cannot be read, or holds no act.
    pub(crate) fn out(&self) -> Result<Vec<Signed>, Failure> {
        let failed = |error: io::Error| Failure::io(&self.folder.display().to_string(), &error);
        let mut out = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_none_or(|end| end != "act") {
                continue;
            }
            if out.len() >= MOST {
                return Err(failed(io::Error::other("more acts are out than anybody signs")));
            }
            out.push(read(&path)?);
        }
        out.sort_by_key(|signed: &Signed| signed.txo.body.nonce);
        Ok(out)
    }

    fn path(&self, txo: &Txo) -> PathBuf {
        let id: String = hex::of(&txo.body.id().0).chars().take(16).collect();
        let who = match &txo.body.sender {
            Sender::Account(account) => account.to_string(),
            Sender::Key(_) => "key".to_owned(),
        };
        self.folder.join(format!("{who}-{}-{id}.act", txo.body.nonce))
    }
}

fn read(path: &Path) -> Result<Signed, Failure> {
    let failed = |why: &dyn core::fmt::Display| {
        let text = format!(
            "{}: {why}\nIt holds an act that was signed. Nothing more is signed beside it: look what it was, \
             and remove it once its heights have passed",
            path.display()
        );
        Failure::new(Exit::Error, text)
    };
    let bytes = file::read(path, paste::MOST).map_err(|why| failed(&why))?.unwrap_or_default();
    let (txo, act) = paste::of_answer(&String::from_utf8_lossy(&bytes)).map_err(|why| failed(&why))?;
    Ok(Signed { txo, act })
}
