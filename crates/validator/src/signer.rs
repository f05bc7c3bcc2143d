//! Who signs for the validator? Something that is shown the whole statement, as a type, and may say
//! no: a key in memory, or a device with rules of its own.

use core::fmt;

use qratum_chain::types::{Proposal, Vote};
use qratum_crypto::sign::ed25519::{PublicKey, SecretKey, Signature};

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
