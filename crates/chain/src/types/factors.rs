//! The two factors with which a person seals an act: an assertion of a security key, and a signature
//! of the biokey that rests on it.

use minicbor::{Decoder, Encoder, decode, encode};
use qratum_crypto::{domain, hash};

use super::{AuthData, BiokeySignatures, BlockId, BlockRef, CredentialId, Height, assertion_message};
use crate::{
    Hash,
    codec::{
        Encode,
        cbor::{array, items},
    },
};

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
