//! The first factor: what a security key signs, and when that counts (WebAuthn sections 6.1, 6.3.3, 7.2).

use qratum_crypto::hash::sha2_256;

use super::CredentialKey;
use crate::Hash;

/// Authenticator data without extensions (WebAuthn section 6.1):
/// `SHA-256(rp id) [32] || flags u8 || counter u32, big-endian`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthData(pub [u8; 37]);

impl AuthData {
    /// Flag: somebody touched the key.
    pub const USER_PRESENT: u8 = 0x01;
    /// Flag: the key knows who, by a PIN or a finger.
    pub const USER_VERIFIED: u8 = 0x04;

    /// Which party the key signed for.
    #[must_use]
    pub const fn rp_id_hash(&self) -> Hash {
        let [hash @ .., _, _, _, _, _] = self.0;
        Hash(hash)
    }

    /// Presence, verification, backups, attachments.
    #[must_use]
    pub const fn flags(&self) -> u8 {
        let [.., flags, _, _, _, _] = self.0;
        flags
    }

    /// How many assertions the key has made, as it counts.
    #[must_use]
    pub const fn counter(&self) -> u32 {
        let [.., a, b, c, d] = self.0;
        u32::from_be_bytes([a, b, c, d])
    }
}

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

/// The client data of an assertion, in the order of WebAuthn section 5.8.1.1. Built by whoever signs
/// and by whoever checks, so it never travels and nobody parses it.
#[must_use]
pub fn client_data(challenge: Hash, rp_id: &str) -> String {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let challenge = Base64UrlUnpadded::encode_string(&challenge.0);
    format!(
        r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"https://{rp_id}","crossOrigin":false}}"#
    )
}

/// `SHA-256(client data)`: what a security key is handed to sign for.
#[must_use]
pub fn client_data_hash(challenge: Hash, rp_id: &str) -> [u8; 32] {
    sha2_256(client_data(challenge, rp_id).as_bytes()).0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Challenge and client data of the first case of WebAuthn section 16 ("ES256 Credential with No
    /// Attestation"), W3C.
    #[test]
    fn client_data_is_that_of_the_published_assertion() {
        let challenge = hex::decode("39c0e7521417ba54d43e8dc95174f423dee9bf3cd804ff6d65c857c9abf4d408");
        let challenge = Hash(challenge.unwrap().try_into().unwrap());
        let published = r#"{"type":"webauthn.get","challenge":"OcDnUhQXulTUPo3JUXT0I97pvzzYBP9tZchXyav01Ag","origin":"https://example.org","crossOrigin":false}"#;
        assert_eq!(client_data(challenge, "example.org"), published);
    }

    #[test]
    fn authenticator_data_has_three_parts() {
        let mut bytes = [0xab; 37];
        bytes[32..].copy_from_slice(&[0x05, 0, 0, 1, 2]);
        let data = AuthData(bytes);
        assert_eq!((data.rp_id_hash(), data.flags(), data.counter()), (Hash([0xab; 32]), 5, 258));
    }
}
