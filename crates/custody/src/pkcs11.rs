//! Tokens as PKCS#11 modules show them (OASIS PKCS #11 v3.0). The only place that names `cryptoki`.
//!
//! A module is a library of a vendor in this very process: it may print, crash and hang. So this is
//! called in the process that [`crate::token::helper`] starts for it, and nowhere else.

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::Error as Call,
    session::Session,
    slot::Slot,
};

use crate::token::{Choice, Error, Identity, Token};

impl From<Call> for Error {
    fn from(error: Call) -> Self {
        match error {
            Call::LibraryLoading(_) | Call::MissingSymbol(_) => Self::Module(error.to_string()),
            Call::Pkcs11(code, call) => Self::Refused(format!("{call} with {code:?}")),
            other => Self::Refused(other.to_string()),
        }
    }
}

/// A token with a session at it, in which nobody is logged in.
struct Shown {
    identity: Identity,
    session: Session,
}

/// Loads the module and opens the one token that is meant.
///
/// # Errors
/// [`Error`].
pub fn open(choice: &Choice) -> Result<impl Token + use<>, Error> {
    let module = Pkcs11::new(&choice.module)?;
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
    let mut found = Vec::new();
    for slot in module.get_slots_with_initialized_token()? {
        found.extend(identity(&module, slot, choice)?.map(|identity| (slot, identity)));
    }
    match (found.len(), found.pop()) {
        (1, Some((slot, identity))) => Ok(Shown { identity, session: module.open_ro_session(slot)? }),
        (0, _) => Err(Error::Absent),
        (several, _) => Err(Error::Several(several)),
    }
}

/// What the token in a slot says of itself, where it is the one that is meant.
fn identity(module: &Pkcs11, slot: Slot, choice: &Choice) -> Result<Option<Identity>, Error> {
    let token = module.get_token_info(slot)?;
    let is = |wanted: &Option<String>, said: &str| wanted.as_deref().is_none_or(|wanted| wanted == said);
    if !is(&choice.serial, token.serial_number()) || !is(&choice.label, token.label()) {
        return Ok(None);
    }
    let (manufacturer, model) = (token.manufacturer_id().to_owned(), token.model().to_owned());
    let hardware = module.get_slot_info(slot)?.hardware_slot();
    Ok(Some(Identity { manufacturer, model, hardware }))
}

impl Token for Shown {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    /// `C_GenerateRandom`, section 5.20.
    fn random(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        Ok(self.session.generate_random_slice(bytes)?)
    }
}
