//! The security key of an account with the sealed panel of its biokey, as `keys/` of a home knows them.

use std::{path::Path, time::Duration};

use qratum_chain::{
    Hash,
    types::{AccountId, AuthData, BiokeySignatures, CredentialId},
};
use qratum_custody::{
    biokey::{Biokey, BiokeyError, SealedPanel},
    entropy,
    fido::{SecurityKey as _, error::KeyError, hid::Wire, key::Key},
};
use qratum_light_node::file;
use qratum_metal::secret::LockedBytes;

use super::ceremony::{KeyFault, Keys};
use crate::{
    credential::Credential,
    exit::{Exit, Failure},
    home::Home,
    time,
};

/// The longest panel.
const MOST: usize = 1 << 20;

/// A security key that is asked over its cable, and the panel that it opens.
pub(crate) struct Device {
    credential: Credential,
    panel: SealedPanel,
    biokey: Option<Biokey>,
    find: Find,
}

/// Opens the way to the key that holds the credential.
pub(crate) type Find = Box<dyn Fn(&str, &[u8]) -> Result<Wire, KeyError> + Send>;

impl core::fmt::Debug for Device {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Device({})", self.credential.on_chain())
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
        for name in Credential::names(home)? {
            let Some(known) = Credential::read(home, &name)? else { continue };
            let is_wanted = credential.is_none_or(|wanted| wanted == known.on_chain());
            if known.account == *account && is_wanted {
                let panel = panel(&Credential::path(home, &name).with_extension("panel"))?;
                return Ok(Some(Self { credential: known, panel, biokey: None, find }));
            }
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
        let wire = (self.find)(&self.credential.rp_id, &self.credential.id).map_err(fault)?;
        Key::new(wire, entropy::generator().map_err(other)?).map_err(fault)
    }
}

impl Keys for Device {
    fn credential(&self) -> CredentialId {
        self.credential.on_chain()
    }

    fn open(&mut self, pin: &LockedBytes) -> Result<Option<String>, KeyFault> {
        // The assertion that comes with the secret is checked and dropped: what it is over is of no account.
        let secret = self
            .at_hand()?
            .secret(&self.credential.ask([0; 32]), &self.credential.salt, pin)
            .map_err(fault)?;
        let biokey =
            Biokey::unlock(&self.panel, &secret, self.credential.on_chain(), time::now()).map_err(lapsed)?;
        self.biokey = Some(biokey);
        Ok(None)
    }

    fn left(&self) -> Duration {
        self.biokey.as_ref().map_or(Duration::ZERO, Biokey::left)
    }

    fn assert(&mut self, hash: &[u8; 32], pin: &LockedBytes) -> Result<(AuthData, [u8; 64]), KeyFault> {
        let made = self.at_hand()?.assert(&self.credential.ask(*hash), pin).map_err(fault)?;
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

fn panel(path: &Path) -> Result<SealedPanel, Failure> {
    let bytes = file::read(path, MOST).map_err(|why| unusable(path, &why.to_string()))?;
    let bytes = bytes.ok_or_else(|| unusable(path, "there is no biokey: `qratum biokey enrol` makes one"))?;
    SealedPanel::read(bytes).map_err(|why| unusable(path, &why.to_string()))
}

fn unusable(path: &Path, why: &str) -> Failure {
    Failure::new(Exit::Usage, format!("{}: {why}\nNothing was signed", path.display()))
}
