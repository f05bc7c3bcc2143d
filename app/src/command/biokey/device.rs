//! The security key that a panel is sealed to: what the home knows of it, and the key itself.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use qratum_chain::{
    Hash,
    codec::Decode as _,
    types::{CredentialId, CredentialKey},
};
use qratum_custody::fido::{
    Ask, SecurityKey as _, Watch, error::KeyError, hid::Wire, key::Key, scan::Places,
};
use qratum_light_node::file as kept;
use qratum_metal::secret::{Locked, LockedBytes};
use serde::Deserialize;

use super::{consent::array, folder, random};
use crate::{
    exit::{Exit, Failure},
    hex,
    home::Home,
    output, passphrase,
};

/// The longest file of a credential.
const MAX_FILE: usize = 16 << 10;
/// How often a PIN is asked for in a row: three wrong ones stop a key, eight lose it.
const TRIES: u8 = 2;
/// At so many tries left it is said what the last one costs.
const FEW: u8 = 2;

/// What `keys/NAME.json` says that is needed here.
#[derive(Debug, Deserialize)]
struct Known {
    rp_id: String,
    credential_id: String,
    algorithm: String,
    public_key: String,
    salt: String,
}

/// The credential that a biokey is enrolled with.
pub(super) struct Device {
    path: Option<PathBuf>,
    rp_id: String,
    credential_id: Vec<u8>,
    key: CredentialKey,
    salt: [u8; 32],
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Device({})", self.rp_id)
    }
}

impl Device {
    /// The one that this home knows by the name, at a device file or wherever it is plugged in.
    pub(super) fn named(home: &Home, name: &str, path: Option<&Path>) -> Result<Self, Failure> {
        let file = folder(home).join(format!("{name}.json"));
        let shown = file.display().to_string();
        let bytes = kept::read(&file, MAX_FILE).map_err(|error| Failure::io(&shown, &error))?;
        let bytes = bytes.ok_or_else(|| {
            let text = format!(
                "{shown} does not exist: a biokey is enrolled with a security key that this home knows\n\
                 Register one first: `qratum key register`"
            );
            Failure::new(Exit::Usage, text)
        })?;
        let known: Option<Known> = serde_json::from_slice(&bytes).ok();
        known.and_then(|known| Self::of(known, path)).ok_or_else(|| {
            Failure::new(Exit::Refused, format!("{shown}: not a credential, or of another version"))
        })
    }

    fn of(known: Known, path: Option<&Path>) -> Option<Self> {
        let algorithm = match known.algorithm.as_str() {
            "es256" => 7,
            "ed25519" => 8,
            _ => return None,
        };
        // As the chain encodes it.
        let key = [vec![algorithm], hex::bytes(known.public_key.as_bytes())?].concat();
        let key = CredentialKey::from_bytes(&key).ok()?;
        let credential_id = hex::bytes(known.credential_id.as_bytes())?;
        let (rp_id, salt) = (known.rp_id, array(&known.salt)?);
        Some(Self { path: path.map(Path::to_owned), rp_id, credential_id, key, salt })
    }

    /// As the chain names the credential.
    pub(super) fn credential(&self) -> CredentialId {
        CredentialId::of(&self.credential_id)
    }

    /// What the key computes for the panel, once its PIN is typed and it is touched.
    pub(super) fn compute(&self) -> Result<Locked<32>, Failure> {
        let watch: Arc<dyn Watch> = Arc::new(Told);
        let wire = match &self.path {
            Some(path) => Wire::open(path, watch),
            None => Places::default().find(&self.rp_id, &self.credential_id, &watch),
        };
        let random = random().map_err(|why| Failure::new(Exit::Error, why))?;
        let mut key = wire.and_then(|wire| Key::new(wire, random)).map_err(|why| refused(&why))?;
        let mut tries = 1;
        loop {
            let pin = passphrase::ask("PIN of the security key: ")?;
            match self.ask(&mut key, &pin) {
                Err(KeyError::WrongPin { left }) if tries < TRIES && left > 0 => {
                    tries = tries.saturating_add(1);
                    output::note(&wrong(left));
                }
                asked => return asked.map_err(|why| refused(&why)),
            }
        }
    }

    fn ask(&self, key: &mut Key, pin: &LockedBytes) -> Result<Locked<32>, KeyError> {
        let Self { rp_id, credential_id, key: public, salt, .. } = self;
        // Of no act: what is signed beside the secret is dropped.
        let ask = Ask { rp_id, credential_id, key: public, client_data_hash: Hash::ZERO.0 };
        key.secret(&ask, salt, pin)
    }
}

/// What is said after a wrong PIN.
fn wrong(left: u8) -> String {
    let cost =
        if left <= FEW { ": after the last the key must be reset, which loses its credentials" } else { "" };
    let tries = if left == 1 { "try" } else { "tries" };
    format!("Wrong PIN. {left} {tries} left{cost}.")
}

fn refused(why: &KeyError) -> Failure {
    let exit = match why {
        KeyError::Absent | KeyError::Permission(_) | KeyError::Several(_) | KeyError::PinLength { .. } => {
            Exit::Usage
        }
        KeyError::Io(_) | KeyError::Memory(_) | KeyError::Random(_) => Exit::Error,
        _ => Exit::Refused,
    };
    Failure::new(exit, format!("{why}\nNothing was kept"))
}

/// Says on standard error what the key waits for.
struct Told;

impl Watch for Told {
    fn touch(&self, waiting: bool) {
        if waiting {
            output::note("Touch the key now: it opens the biokey");
        }
    }

    /// It is said after a wrong one.
    fn tries_left(&self, _: u8) {}

    /// Whoever ends the program ends it.
    fn cancelled(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_pin_is_told_with_what_is_left_of_it() {
        assert_eq!(wrong(5), "Wrong PIN. 5 tries left.");
        assert!(wrong(2).starts_with("Wrong PIN. 2 tries left: after the last the key must be reset"));
        assert!(wrong(1).starts_with("Wrong PIN. 1 try left: after the last"));
    }
}
