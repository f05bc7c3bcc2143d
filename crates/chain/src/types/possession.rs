//! That whoever enrols a credential holds both of its factors: nobody can be given a key that somebody
//! else has, and nobody can be enrolled with one that does not work.

use minicbor::{Decoder, Encoder, decode, encode};
use qratum_crypto::{domain, hash};

use super::{
    AccountId, AuthData, BadAssertion, BadBiokey, BiokeyKeys, BiokeySignatures, ChainId, CredentialKey,
    NewCredential,
};
use crate::{
    Hash,
    codec::{
        Encode,
        cbor::{array, items},
        put_bytes,
    },
};

/// On which chain somebody is enrolled. Before there is one it has a name only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// In the genesis of a network of this name.
    Genesis(&'a str),
    /// On a chain that runs.
    Chain(ChainId),
}

impl Encode for Scope<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Genesis(network) => {
                out.push(0);
                put_bytes(out, network.as_bytes());
            }
            Self::Chain(id) => {
                out.push(1);
                id.encode(out);
            }
        }
    }
}

/// What is enrolled, for whom and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolling<'a> {
    /// The chain.
    pub scope: Scope<'a>,
    /// The account.
    pub account: &'a AccountId,
    /// The credential.
    pub credential: &'a NewCredential,
    /// Of the biokey: 0, or how often it was replaced with this one.
    pub version: u64,
}

impl Enrolling<'_> {
    /// What the security key is asked to sign: `SHA3-256(tag || scope || account || credential ||
    /// version)`.
    #[must_use]
    pub fn challenge(&self) -> Hash {
        let mut record = self.scope.to_bytes();
        self.account.encode(&mut record);
        self.credential.encode(&mut record);
        record.extend_from_slice(&self.version.to_le_bytes());
        hash::tagged(domain::ENROLMENT_CHALLENGE, &[&record])
    }

    /// Whether `proof` is one.
    ///
    /// # Errors
    /// [`BadPossession`].
    pub fn is_held(&self, proof: &Possession, rp_id: &str) -> Result<(), BadPossession> {
        let NewCredential { key, biokey, .. } = self.credential;
        proof.check((key, biokey), self.challenge(), rp_id)
    }
}

/// A proof of possession: both factors say yes to [`Enrolling::challenge`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Possession {
    /// What the security key signed beside the challenge.
    pub auth_data: AuthData,
    /// `r || s` of ES256, or `R || s` of Ed25519.
    pub signature: [u8; 64],
    /// By the biokey, over [`Possession::biokey_message`].
    pub biokey: BiokeySignatures,
}

/// Which factor a proof does not show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadPossession {
    /// The security key.
    Assertion(BadAssertion),
    /// The biokey.
    Biokey(BadBiokey),
}

impl Possession {
    /// What the biokey signs: `SHA3-256(tag || challenge || SHA3-256(authData || signature))`, ML-DSA-65
    /// with the same tag as its context.
    #[must_use]
    pub fn biokey_message(&self, challenge: Hash) -> Hash {
        let assertion = hash::sha3_256(&[self.auth_data.0.as_slice(), &self.signature].concat());
        hash::tagged(domain::BIOKEY_ENROLMENT, &[&challenge.0, &assertion.0])
    }

    pub(crate) fn read(decoder: &mut Decoder<'_>) -> Result<Self, decode::Error> {
        items(decoder, 5)?;
        let (auth_data, signature) = (AuthData(array(decoder)?), array(decoder)?);
        Ok(Self { auth_data, signature, biokey: BiokeySignatures::read(decoder)? })
    }

    pub(crate) fn write<W: encode::Write>(&self, e: &mut Encoder<W>) -> Result<(), encode::Error<W::Error>> {
        e.array(5)?.bytes(&self.auth_data.0)?.bytes(&self.signature)?;
        self.biokey.write(e)
    }

    fn check(
        &self,
        (key, biokey): (&CredentialKey, &BiokeyKeys),
        challenge: Hash,
        rp_id: &str,
    ) -> Result<(), BadPossession> {
        let assertion = (&self.auth_data, &self.signature);
        key.asserted(assertion, challenge, rp_id).map_err(BadPossession::Assertion)?;
        let message = self.biokey_message(challenge);
        let said = biokey.verify(domain::BIOKEY_ENROLMENT, message, &self.biokey);
        said.map_err(BadPossession::Biokey)
    }
}
