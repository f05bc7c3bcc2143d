//! The first factor: what a security key signs, and when that counts (WebAuthn sections 6.1, 6.3.3, 7.2).

use qratum_crypto::hash::sha2_256;

use super::{AuthData, CredentialKey, client_data_hash};
use crate::Hash;

/// Why an assertion of a security key does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadAssertion {
    /// The security key signed for another party.
    RelyingParty,
    /// Nobody touched it.
    NoTouch,
    /// It did not ask who touches it.
    NoVerification,
    /// A flag that must not be set: backups, attested data or extensions.
    Flags,
    /// The key did not sign this.
    Signature,
}

/// `authData || SHA-256(clientDataJSON)`: what the security key signs.
#[must_use]
pub fn assertion_message(auth_data: &AuthData, challenge: Hash, rp_id: &str) -> Vec<u8> {
    [auth_data.0.as_slice(), &client_data_hash(challenge, rp_id)].concat()
}

impl CredentialKey {
    /// Whether somebody touched this security key and showed it who they are, for this challenge.
    ///
    /// # Errors
    /// [`BadAssertion`], for the first rule that is broken.
    pub fn asserted(
        &self,
        (auth_data, signature): (&AuthData, &[u8; 64]),
        challenge: Hash,
        rp_id: &str,
    ) -> Result<(), BadAssertion> {
        let flags = auth_data.flags();
        if auth_data.rp_id_hash() != sha2_256(rp_id.as_bytes()) {
            return Err(BadAssertion::RelyingParty);
        }
        if flags & AuthData::USER_PRESENT == 0 {
            return Err(BadAssertion::NoTouch);
        }
        if flags & AuthData::USER_VERIFIED == 0 {
            return Err(BadAssertion::NoVerification);
        }
        if flags != AuthData::USER_PRESENT | AuthData::USER_VERIFIED {
            return Err(BadAssertion::Flags);
        }
        let message = assertion_message(auth_data, challenge, rp_id);
        self.verify(&message, signature).map_err(|_| BadAssertion::Signature)
    }
}
