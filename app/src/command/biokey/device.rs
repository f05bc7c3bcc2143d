//! The security key that a panel is sealed to: what the home knows of it, and the key itself.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use qratum_chain::{Hash, types::CredentialId};
use qratum_custody::{
    entropy,
    fido::{SecurityKey as _, Watch, error::KeyError, hid::Wire, key::Key, scan::Places},
};
use qratum_metal::secret::{Locked, LockedBytes};

use crate::{
    credential::Credential,
    exit::{Exit, Failure},
    home::Home,
    output, passphrase,
};

/// How often a PIN is asked for in a row: three wrong ones stop a key, eight lose it.
const TRIES: u8 = 2;
/// At so many tries left it is said what the last one costs.
const FEW: u8 = 2;

/// The credential that a biokey is enrolled with.
#[derive(Debug)]
pub(super) struct Device {
    path: Option<PathBuf>,
    credential: Credential,
}

impl Device {
    /// The one that this home knows by the name, at a device file or wherever it is plugged in.
    pub(super) fn named(home: &Home, name: &str, path: Option<&Path>) -> Result<Self, Failure> {
        let credential = Credential::read(home, name)?.ok_or_else(|| {
            let text = format!(
                "{} does not exist: a biokey is enrolled with a security key that this home knows\n\
                 Register one first: `qratum key register`",
                Credential::path(home, name).display()
            );
            Failure::new(Exit::Usage, text)
        })?;
        Ok(Self { path: path.map(Path::to_owned), credential })
    }

    /// As the chain names the credential.
    pub(super) fn credential(&self) -> CredentialId {
        self.credential.on_chain()
    }

    /// What the key computes for the panel, once its PIN is typed and it is touched.
    pub(super) fn compute(&self) -> Result<Locked<32>, Failure> {
        let watch: Arc<dyn Watch> = Arc::new(Told);
        let wire = match &self.path {
            Some(path) => Wire::open(path, watch),
            None => Places::default().find(&self.credential.rp_id, &self.credential.id, &watch),
        };
        let random = entropy::generator().map_err(|why| Failure::new(Exit::Error, why.to_string()))?;
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
        // Of no act: what is signed beside the secret is dropped.
        key.secret(&self.credential.ask(Hash::ZERO.0), &self.credential.salt, pin)
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
