//! `keys/NAME.json` of a home: what is public of a credential, and where its biokey's secret comes from.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::PathBuf,
};

use qratum_chain::types::CredentialKey;
use qratum_custody::fido::Registered;
use serde::Serialize;

use crate::{
    cli::RegisterArgs,
    exit::{Exit, Failure},
    file, hex,
    home::Home,
};

/// The file of a credential.
#[derive(Debug, Serialize)]
pub(super) struct Known {
    schema: &'static str,
    /// For which account.
    account: String,
    /// What people call the key.
    label: String,
    /// For which party.
    rp_id: String,
    /// As the key names it, in hex.
    credential_id: String,
    /// `es256` or `ed25519`.
    algorithm: String,
    /// 33 or 32 bytes in hex.
    public_key: String,
    /// 32 bytes in hex, for the extension `hmac-secret`: what the secret of the biokey is made from.
    salt: String,
    /// Which model of key made it, in hex.
    aaguid: String,
}

fn folder(home: &Home) -> PathBuf {
    home.path().join("keys")
}

fn path(home: &Home, name: &str) -> PathBuf {
    folder(home).join(format!("{name}.json"))
}

/// The credentials that a home knows, in the order of their names.
pub(super) fn names(home: &Home) -> Result<Vec<String>, Failure> {
    let failed = |error: io::Error| Failure::io(&folder(home).display().to_string(), &error);
    let entries = match fs::read_dir(folder(home)) {
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

impl Known {
    /// What a key made for these arguments.
    pub(super) fn new(args: &RegisterArgs, rp_id: &str, made: &Registered, salt: &[u8; 32]) -> Self {
        let is_es256 = matches!(made.key, CredentialKey::Es256(_));
        Self {
            schema: "qratum/security-key/v1",
            account: args.account.clone(),
            label: args.label.clone().unwrap_or_else(|| args.name.clone()),
            rp_id: rp_id.to_owned(),
            credential_id: hex::of(&made.credential_id),
            algorithm: if is_es256 { "es256" } else { "ed25519" }.to_owned(),
            public_key: hex::of(made.key.bytes()),
            salt: hex::of(salt),
            aaguid: hex::of(&made.aaguid),
        }
    }

    /// Before a PIN is typed and the key touched, and not after it.
    pub(super) fn is_free(home: &Home, name: &str) -> Result<(), Failure> {
        if path(home, name).symlink_metadata().is_err() {
            return Ok(());
        }
        let text =
            format!("this home knows a credential {name}, and nothing is overwritten\nName another one");
        Err(Failure::new(Exit::Usage, text))
    }

    /// Writes it into the home.
    pub(super) fn keep(&self, home: &Home, name: &str) -> Result<(), Failure> {
        let folder = folder(home);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|error| Failure::io(&folder.display().to_string(), &error))?;
        let json = serde_json::to_vec_pretty(self).map_err(|error| Failure::io("JSON", &error.into()))?;
        file::write_new(&path(home, name), &json)
    }

    /// For people.
    pub(super) fn page(&self) -> String {
        format!(
            "account        {}\nparty          {}\ncredential id  {}\n{:<13}  {}\n\
             The chain does not know it yet: an administrator proposes it, and others approve.",
            self.account, self.rp_id, self.credential_id, self.algorithm, self.public_key
        )
    }
}
