//! Who signs for the validator? Something that is shown the whole statement, as a type, and may say
//! no: a key in memory, or a device with rules of its own.

use core::fmt;

use qratum_chain::{
    Hash,
    types::{PqSignature, Proposal, Vote},
};
use qratum_crypto::{
    domain, hash,
    sign::{
        self, BadSeed, SignError,
        ed25519::{PublicKey, SecretKey, Signature},
        ml_dsa::MlDsa65,
    },
};

/// Why a statement is not signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Signs what a validator states. The engine never asks for two different votes in one place; a
/// signer that keeps count itself refuses them once more.
pub trait Signer: Send {
    /// The key that is in the validator set.
    fn public(&self) -> PublicKey;

    /// A signature over [`Vote::sign_bytes`].
    ///
    /// # Errors
    /// [`Refusal`]; the vote is not cast then.
    fn vote(&mut self, vote: &Vote) -> Result<Signature, Refusal>;

    /// A signature over [`Proposal::sign_bytes`].
    ///
    /// # Errors
    /// [`Refusal`]; the block is not proposed then.
    fn proposal(&mut self, proposal: &Proposal) -> Result<Signature, Refusal>;
}

/// A key in memory signs all it is asked for.
impl Signer for SecretKey {
    fn public(&self) -> PublicKey {
        Self::public(self)
    }

    fn vote(&mut self, vote: &Vote) -> Result<Signature, Refusal> {
        Ok(self.sign(&vote.sign_bytes()))
    }

    fn proposal(&mut self, proposal: &Proposal) -> Result<Signature, Refusal> {
        Ok(self.sign(&proposal.sign_bytes()))
    }
}

/// The ML-DSA-65 key with which a validator signs the last block of each of its sets once more. Its
/// seed lies in locked memory.
#[derive(Debug)]
pub struct HandoverKey {
    secret: sign::SecretKey<MlDsa65>,
    public: Vec<u8>,
    hash: Hash,
}

impl HandoverKey {
    /// The key of this secret.
    ///
    /// # Errors
    /// [`BadSeed`], which no secret of this type has.
    pub fn new(secret: sign::SecretKey<MlDsa65>) -> Result<Self, BadSeed> {
        let public = secret.public()?;
        let hash = hash::tagged(domain::PQ_KEY, &[&public]);
        Ok(Self { secret, public, hash })
    }

    /// `SHA3-256(tag || public key)`: what a validator set says of it.
    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// What `see` makes of the seed: for keeping it.
    pub fn with_seed<R>(&self, see: impl FnOnce(&[u8]) -> R) -> R {
        self.secret.with_seed(see)
    }

    /// The signature of member `signer` over [`Vote::sign_bytes`], for hand-overs only.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(&self, signer: u32, vote: &Vote) -> Result<PqSignature, SignError> {
        let signature = self.secret.sign(domain::HANDOVER, &vote.sign_bytes())?;
        Ok(PqSignature { signer, key: self.public.clone(), signature })
    }
}
