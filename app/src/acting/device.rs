//! The security key of an account with the sealed panel of its biokey, as `keys/` of a home knows them.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use qratum_chain::{
    Hash,
    codec::Decode as _,
    types::{AccountId, AuthData, BiokeySignatures, CredentialId, CredentialKey},
};
use qratum_custody::{
    biokey::{Biokey, BiokeyError, SealedPanel},
    entropy::{self, Random},
    fido::{Ask, SecurityKey as _, error::KeyError, hid::Wire, key::Key},
};
use qratum_light_node::file;
use qratum_metal::secret::LockedBytes;
use serde::Deserialize;

use super::ceremony::{KeyFault, Keys};
use crate::{
    exit::{Exit, Failure},
    hex,
    home::Home,
    time,
};

const SCHEMA: &str = "qratum/security-key/v1";
/// The longest file of a credential, and of a panel.
const MOST: usize = 1 << 20;

/// What a home knows of a credential; see `assets/schemas/security-key.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    schema: String,
    account: String,
    #[serde(rename = "label")]
    _label: String,
    rp_id: String,
    credential_id: String,
    algorithm: String,
    public_key: String,
    salt: String,
    #[serde(rename = "aaguid")]
    _aaguid: String,
}

/// A security key that is asked over its cable, and the panel that it opens.
pub(crate) struct Device {
    rp_id: String,
    credential_id: Vec<u8>,
    key: CredentialKey,
    salt: [u8; 32],
    panel: SealedPanel,
    biokey: Option<Biokey>,
    find: Find,
}

/// Opens the way to the key that holds the credential.
pub(crate) type Find = Box<dyn Fn(&str, &[u8]) -> Result<Wire, KeyError> + Send>;

impl core::fmt::Debug for Device {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Device({})", hex::of(&self.credential_id))
    }
}

impl Device {
    /// The key of an account, or the one with this credential; none where the home knows none.
    ///
    /// # Errors
    /// A file of `keys/` is none, or the biokey of the key is missing.
    pub(crate) fn of(
        home: &Home,
        account: &AccountId,
        credential: Option<CredentialId>,
        find: Find,
    ) -> Result<Option<Self>, Failure> {
        for path in records(&home.keys())? {
            let (record, damaged) = (read(&path)?, || unusable(&path, "it is no file of a security key"));
            if record.account != account.as_str() {
                continue;
            }
            let credential_id = hex::bytes(record.credential_id.as_bytes()).ok_or_else(damaged)?;
            if credential.is_some_and(|wanted| wanted != CredentialId::of(&credential_id)) {
                continue;
            }
            let salt = hex::bytes(record.salt.as_bytes()).and_then(|salt| salt.try_into().ok());
            return Ok(Some(Self {
                rp_id: record.rp_id.clone(),
                credential_id,
                key: record.key().ok_or_else(damaged)?,
                salt: salt.ok_or_else(damaged)?,
                panel: panel(&path.with_extension("panel"))?,
                biokey: None,
                find,
            }));
        }
        Ok(None)
    }

    /// Whether the key is here and answers, before anybody types a PIN.
    ///
    /// # Errors
    /// The sentence of whoever asked it.
    pub(crate) fn look(&self) -> Result<(), String> {
        match self.at_hand() {
            Err(KeyFault::Other(why)) => Err(why),
            _ => Ok(()),
        }
    }

    /// The key is looked for each time: it may have been pulled out meanwhile.
    fn at_hand(&self) -> Result<Key, KeyFault> {
        let wire = (self.find)(&self.rp_id, &self.credential_id).map_err(fault)?;
        let sources = entropy::sources(Path::new(entropy::tpm::DEVICE)).map_err(other)?;
        let random = Random::start(sources, entropy::now()).map_err(other)?;
        Key::new(wire, random).map_err(fault)
    }

    fn ask(&self, client_data_hash: [u8; 32]) -> Ask<'_> {
        Ask { rp_id: &self.rp_id, credential_id: &self.credential_id, key: &self.key, client_data_hash }
    }
}

impl Record {
    /// The key in the encoding of the chain, whose first byte names the algorithm.
    fn key(&self) -> Option<CredentialKey> {
        let number = match self.algorithm.as_str() {
            "es256" => 7,
            "ed25519" => 8,
            _ => return None,
        };
        let bytes = [vec![number], hex::bytes(self.public_key.as_bytes())?].concat();
        CredentialKey::from_bytes(&bytes).ok()
    }
}

impl Keys for Device {
    fn credential(&self) -> CredentialId {
        CredentialId::of(&self.credential_id)
    }

    fn open(&mut self, pin: &LockedBytes) -> Result<Option<String>, KeyFault> {
        // The assertion that comes with the secret is checked and dropped: what it is over is of no account.
        let secret = self.at_hand()?.secret(&self.ask([0; 32]), &self.salt, pin).map_err(fault)?;
        let biokey = Biokey::unlock(&self.panel, &secret, self.credential(), time::now()).map_err(lapsed)?;
        self.biokey = Some(biokey);
        Ok(None)
    }

    fn left(&self) -> Duration {
        self.biokey.as_ref().map_or(Duration::ZERO, Biokey::left)
    }

    fn assert(&mut self, hash: &[u8; 32], pin: &LockedBytes) -> Result<(AuthData, [u8; 64]), KeyFault> {
        let made = self.at_hand()?.assert(&self.ask(*hash), pin).map_err(fault)?;
        Ok((made.auth_data, made.signature))
    }

    fn sign(&mut self, message: &Hash) -> Result<BiokeySignatures, KeyFault> {
        let biokey = self.biokey.take().ok_or(KeyFault::Lapsed)?;
        biokey.sign(&message.0).map_err(lapsed)
    }
}

fn fault(why: KeyError) -> KeyFault {
    match why {
        KeyError::WrongPin { left } => KeyFault::Pin { left: Some(left) },
        KeyError::PinLocked => KeyFault::Pin { left: Some(0) },
        why => KeyFault::Other(why.to_string()),
    }
}

fn lapsed(why: BiokeyError) -> KeyFault {
    match why {
        BiokeyError::Expired => KeyFault::Lapsed,
        why => other(why),
    }
}

fn other(why: impl core::fmt::Display) -> KeyFault {
    KeyFault::Other(format!("{why}: nothing was signed"))
}

/// The files of credentials, in the order of their names.
fn records(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: io::Error| Failure::io(&folder.display().to_string(), &error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|end| end == "json"));
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<Record, Failure> {
    let bytes = file::read(path, MOST).map_err(|why| unusable(path, &why.to_string()))?.unwrap_or_default();
    let record: Record = serde_json::from_slice(&bytes).map_err(|why| unusable(path, &why.to_string()))?;
    if record.schema == SCHEMA { Ok(record) } else { Err(unusable(path, "it is of another schema")) }
}

fn panel(path: &Path) -> Result<SealedPanel, Failure> {
    let bytes = file::read(path, MOST).map_err(|why| unusable(path, &why.to_string()))?;
    let bytes = bytes.ok_or_else(|| unusable(path, "there is no biokey: `qratum biokey enrol` makes one"))?;
    SealedPanel::read(bytes).map_err(|why| unusable(path, &why.to_string()))
}

fn unusable(path: &Path, why: &str) -> Failure {
    Failure::new(Exit::Usage, format!("{}: {why}\nNothing was signed", path.display()))
}
