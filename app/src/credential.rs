//! `keys/NAME.json` of a home: what is public of a credential, and where its biokey's secret comes from.
//! `assets/schemas/security-key.json` says what stands in it.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::PathBuf,
};

use qratum_chain::{
    codec::Decode as _,
    types::{AccountId, CredentialId, CredentialKey},
};
use qratum_custody::fido::{Ask, Registered};
use qratum_light_node::file as kept;
use serde::{Deserialize, Serialize};

use crate::{
    exit::{Exit, Failure},
    file, hex,
    home::Home,
};

const SCHEMA: &str = "qratum/security-key/v1";
/// The longest file.
const MOST: usize = 16 << 10;

/// A credential of a security key that this home knows.
#[derive(Debug)]
pub(crate) struct Credential {
    /// For which account.
    pub(crate) account: AccountId,
    /// What people call the key.
    pub(crate) label: String,
    /// For which party.
    pub(crate) rp_id: String,
    /// As the key names it.
    pub(crate) id: Vec<u8>,
    /// What its assertions verify under.
    pub(crate) key: CredentialKey,
    /// For the extension `hmac-secret`: what the secret of the biokey is made from.
    pub(crate) salt: [u8; 32],
    /// Which model of key made it.
    pub(crate) aaguid: [u8; 16],
}

/// The file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    schema: String,
    account: String,
    label: String,
    rp_id: String,
    credential_id: String,
    algorithm: String,
    public_key: String,
    salt: String,
    aaguid: String,
}

impl Document {
    /// None where a field is none of its kind.
    fn read(self) -> Option<Credential> {
        // The encoding of the chain names the algorithm by its first byte.
        let algorithm = match self.algorithm.as_str() {
            "es256" => 7,
            "ed25519" => 8,
            _ => return None,
        };
        let bytes = |text: &str| hex::bytes(text.as_bytes());
        let key = [vec![algorithm], bytes(&self.public_key)?].concat();
        (self.schema == SCHEMA).then_some(())?;
        Some(Credential {
            account: AccountId::new(&self.account)?,
            id: bytes(&self.credential_id)?,
            key: CredentialKey::from_bytes(&key).ok()?,
            salt: bytes(&self.salt)?.try_into().ok()?,
            aaguid: bytes(&self.aaguid)?.try_into().ok()?,
            label: self.label,
            rp_id: self.rp_id,
        })
    }
}

impl Credential {
    /// What a key has made.
    pub(crate) fn new(
        account: AccountId,
        (label, rp_id): (&str, &str),
        made: Registered,
        salt: [u8; 32],
    ) -> Self {
        let Registered { credential_id: id, key, aaguid, .. } = made;
        Self { account, label: label.to_owned(), rp_id: rp_id.to_owned(), id, key, salt, aaguid }
    }

    /// Where the home has the one of this name.
    pub(crate) fn path(home: &Home, name: &str) -> PathBuf {
        home.keys().join(format!("{name}.json"))
    }

    /// The names of all that the home has, in their order.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(crate) fn names(home: &Home) -> Result<Vec<String>, Failure> {
        let failed = |error: io::Error| Failure::io(&home.keys().display().to_string(), &error);
        let entries = match fs::read_dir(home.keys()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            names.extend(name.to_str().and_then(|name| name.strip_suffix(".json")).map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }

    /// The one of this name; none where the home has none.
    ///
    /// # Errors
    /// It cannot be read, or is no credential.
    pub(crate) fn read(home: &Home, name: &str) -> Result<Option<Self>, Failure> {
        let path = Self::path(home, name);
        let shown = path.display();
        let bytes = kept::read(&path, MOST).map_err(|error| Failure::io(&shown.to_string(), &error))?;
        let Some(bytes) = bytes else { return Ok(None) };
        let read = serde_json::from_slice(&bytes).ok().and_then(Document::read);
        let text = || format!("{shown}: not a credential, or of another version\nNothing was asked of a key");
        read.map(Some).ok_or_else(|| Failure::new(Exit::Refused, text()))
    }

    /// Writes it into a home under a name that is free.
    ///
    /// # Errors
    /// The name is taken, or the file cannot be written.
    pub(crate) fn keep(&self, home: &Home, name: &str) -> Result<(), Failure> {
        let folder = home.keys();
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|error| Failure::io(&folder.display().to_string(), &error))?;
        let json = serde_json::to_vec_pretty(&self.document());
        let json = json.map_err(|error| Failure::io("JSON", &error.into()))?;
        file::write_new(&Self::path(home, name), &json)
    }

    /// As its file has it.
    pub(crate) fn document(&self) -> Document {
        Document {
            schema: SCHEMA.to_owned(),
            account: self.account.to_string(),
            label: self.label.clone(),
            rp_id: self.rp_id.clone(),
            credential_id: hex::of(&self.id),
            algorithm: self.algorithm().to_owned(),
            public_key: hex::of(self.key.bytes()),
            salt: hex::of(&self.salt),
            aaguid: hex::of(&self.aaguid),
        }
    }

    /// What it signs with.
    pub(crate) const fn algorithm(&self) -> &'static str {
        match self.key {
            CredentialKey::Es256(_) => "es256",
            CredentialKey::Ed25519(_) => "ed25519",
        }
    }

    /// As the chain names it.
    pub(crate) fn on_chain(&self) -> CredentialId {
        CredentialId::of(&self.id)
    }

    /// What a key is asked, to sign for this hash of client data.
    pub(crate) fn ask(&self, client_data_hash: [u8; 32]) -> Ask<'_> {
        Ask { rp_id: &self.rp_id, credential_id: &self.id, key: &self.key, client_data_hash }
    }
}
