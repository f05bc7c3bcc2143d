//! The two factors with which a person seals an act: an assertion of a security key, and a signature
//! of the biokey that rests on it.

use minicbor::{Decoder, Encoder, decode, encode};
use qratum_crypto::{
    domain,
    hash::{self, sha2_256},
};

use super::{BiokeySignatures, BlockId, BlockRef, CredentialId, Height, assertion_message};
use crate::{
    Hash,
    codec::{
        Encode,
        cbor::{array, items},
    },
};

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

/// What stands under an act in place of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factors {
    /// Which credential of the account.
    pub credential: CredentialId,
    /// What the security key signed beside the challenge.
    pub auth_data: AuthData,
    /// `r || s` of ES256, or `R || s` of Ed25519.
    pub signature: [u8; 64],
    /// The block that was there when the biokey was unlocked.
    pub opened_at: BlockRef,
    /// By the biokey, over [`Factors::biokey_message`].
    pub biokey: BiokeySignatures,
}

impl Factors {
    /// `authData || SHA-256(clientDataJSON)`: what the security key signs (WebAuthn section 6.3.3).
    #[must_use]
    pub fn assertion_message(&self, challenge: Hash, rp_id: &str) -> Vec<u8> {
        assertion_message(&self.auth_data, challenge, rp_id)
    }

    /// What the biokey signs: `SHA3-256(tag || challenge || credential || SHA3-256(authData ||
    /// signature) || opened_at)`. So neither factor can be put beside another of its kind, and it cannot
    /// have been made before that block.
    #[must_use]
    pub fn biokey_message(&self, challenge: Hash) -> Hash {
        let assertion = hash::sha3_256(&[self.auth_data.0.as_slice(), &self.signature].concat());
        let opened_at = self.opened_at.to_bytes();
        let parts: [&[u8]; 4] = [&challenge.0, &self.credential.0.0, &assertion.0, &opened_at];
        hash::tagged(domain::BIOKEY_ACTION, &parts)
    }

    pub(super) fn read(decoder: &mut Decoder<'_>) -> Result<Self, decode::Error> {
        items(decoder, 8)?;
        Ok(Self {
            credential: CredentialId(Hash(array(decoder)?)),
            auth_data: AuthData(array(decoder)?),
            signature: array(decoder)?,
            opened_at: BlockRef { height: Height(decoder.u64()?), block_id: BlockId(Hash(array(decoder)?)) },
            biokey: BiokeySignatures::read(decoder)?,
        })
    }
}

impl encode::Encode<()> for Factors {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut (),
    ) -> Result<(), encode::Error<W::Error>> {
        e.array(8)?.bytes(&self.credential.0.0)?.bytes(&self.auth_data.0)?.bytes(&self.signature)?;
        e.u64(self.opened_at.height.0)?.bytes(&self.opened_at.block_id.0.0)?;
        self.biokey.write(e)
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
