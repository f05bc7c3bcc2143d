//! The consent of the person whose genome is used: what was shown, for what, until when.

use qratum_chain::{
    Hash,
    types::{BadBiokey, BiokeyKeys, BiokeySignatures},
};
use qratum_crypto::{domain::CONSENT, hash, sign::ed25519::Signature};

use super::{Biokey, BiokeyError, Loci, Terms};

/// A consent, as the biokey signs it that it made possible: so it was given by somebody who has the
/// security key, and it can be shown to whoever asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// The account that the biokey is to act for.
    pub account: String,
    /// What for, and until when.
    pub terms: Terms,
    /// Which positions are read: [`Loci::id`].
    pub loci: Hash,
    /// SHA3-256 of the text that was shown before anything was read.
    pub shown: Hash,
}

impl Consent {
    /// The consent of this account, to what was shown.
    #[must_use]
    pub fn of(account: &str, terms: Terms, loci: &Loci, shown: &str) -> Self {
        let shown = hash::sha3_256(shown.as_bytes());
        Self { account: account.to_owned(), terms, loci: loci.id(), shown }
    }

    /// `SHA3-256(tag || length u16 || account || terms || loci || shown)`: what is signed.
    #[must_use]
    pub fn digest(&self) -> Hash {
        let length = u16::try_from(self.account.len()).unwrap_or(u16::MAX).to_le_bytes();
        let mut terms = Vec::new();
        self.terms.encode(&mut terms);
        let parts = [&length, self.account.as_bytes(), &terms, &self.loci.0, &self.shown.0];
        hash::tagged(CONSENT, &parts)
    }

    /// Signs it with the biokey that it is about.
    ///
    /// # Errors
    /// Those of [`Biokey::sign`].
    pub fn sign(&self, biokey: &Biokey) -> Result<BiokeySignatures, BiokeyError> {
        biokey.sign_as(CONSENT, &self.digest().0)
    }

    /// What a document says was signed; none where the two of ML-DSA-65 have not their lengths.
    #[must_use]
    pub fn signatures(ed25519: [u8; 64], mldsa_key: Vec<u8>, mldsa: Vec<u8>) -> Option<BiokeySignatures> {
        BiokeySignatures::new(Signature(ed25519), mldsa_key, mldsa)
    }

    /// Whether the biokey of these keys has signed it.
    ///
    /// # Errors
    /// [`BadBiokey`].
    pub fn verify(&self, keys: &BiokeyKeys, signed: &BiokeySignatures) -> Result<(), BadBiokey> {
        keys.verify(CONSENT, self.digest(), signed)
    }
}
