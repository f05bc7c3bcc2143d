//! Security tokens: what is asked of one, whoever made it.
//!
//! [`Token`] is the door; [`crate::pkcs11`] makes tokens of what a vendor's module shows, and [`helper`]
//! keeps such a module in a process of its own, where it may print, crash and hang.

pub mod helper;

use std::{error, fmt, path::PathBuf};

/// Which token is meant: the module that shows it, and what it is told apart by. Where a slot has which
/// number changes with each start of some modules, so nothing goes by that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The vendor's library.
    pub module: PathBuf,
    /// The token's serial number, where it matters.
    pub serial: Option<String>,
    /// The token's label, where it matters.
    pub label: Option<String>,
}

/// What a token says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Who made it.
    pub manufacturer: String,
    /// Which model it is.
    pub model: String,
    /// Whether its slot is one of hardware.
    pub hardware: bool,
}

/// Tokens that are programs on this machine, whatever their slots say: of their manufacturer or model
/// one of these is a part.
const PROGRAMS: [&str; 5] = ["softhsm", "kryoptic", "craton", "mozilla", "nss"];

impl Identity {
    /// Whether it is a device of its own, and no program on this machine: whose randomness is this
    /// machine's, and whose keys whoever rules the machine can copy.
    #[must_use]
    pub fn is_device(&self) -> bool {
        let [manufacturer, model] = [&self.manufacturer, &self.model].map(|name| name.to_ascii_lowercase());
        self.hardware && !PROGRAMS.iter().any(|name| manufacturer.contains(name) || model.contains(name))
    }
}

/// Why a token did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The module cannot be loaded, or is no module: why.
    Module(String),
    /// The module shows no token of the choice.
    Absent,
    /// It shows so many, and only one can be meant.
    Several(usize),
    /// The module refused: which call, and with what.
    Refused(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(why) => write!(f, "its module cannot be loaded: {why}"),
            Self::Absent => f.write_str("no token of this serial number and label is there"),
            Self::Several(count) => write!(f, "{count} tokens have this serial number and label"),
            Self::Refused(what) => write!(f, "its module refused: {what}"),
        }
    }
}

impl error::Error for Error {}

/// A token that is there. Nobody is logged in at it.
pub trait Token {
    /// What it says of itself.
    fn identity(&self) -> &Identity;

    /// Fills all of `bytes` from its generator.
    ///
    /// # Errors
    /// [`Error`]; the token must then be opened anew.
    fn random(&mut self, bytes: &mut [u8]) -> Result<(), Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_no_device_whatever_its_slot_says() {
        let identity = |manufacturer: &str, model: &str, hardware| Identity {
            manufacturer: manufacturer.to_owned(),
            model: model.to_owned(),
            hardware,
        };
        assert!(identity("Yubico (www.yubico.com)", "YubiHSM", true).is_device());
        assert!(!identity("Yubico (www.yubico.com)", "YubiHSM", false).is_device());
        for (manufacturer, model) in [
            ("SoftHSM project", "SoftHSM v2"),
            ("Kryoptic Project", "v1"),
            ("Mozilla Foundation", "NSS 3"),
            ("Craton", "craton-hsm"),
        ] {
            assert!(!identity(manufacturer, model, true).is_device(), "{manufacturer}");
        }
    }
}
