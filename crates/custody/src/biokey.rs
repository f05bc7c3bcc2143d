//! The biokey: the second factor of a person. 64 bytes from their loci and from what their security key
//! computes, in locked memory for at most a minute, and two signing keys below it.
//!
//! - [`Loci`]: which positions are read. [`Panel`]: somebody's, out of a file or a sealed panel.
//! - [`SealedPanel`]: a panel on a disk, which only the security key opens.
//! - [`Biokey`]: what is derived, and signs until its time is up.
//! - [`Consent`]: the word of the person whose genome it is.
//! - [`sample`]: genotypes of nobody.
//!
//! Loci count for nothing in the security of it: whoever has the genome and not the security key can do
//! nothing, and not even test a guess. No error is mended: the enrolled panel is what is used, so there
//! is no fuzzy extractor, whose helper data would tell of the genome.

mod consent;
mod locus;
mod panel;
pub mod sample;
mod sealed;
mod vcf;

use std::{error::Error, fmt, io, time::Duration};

use qratum_chain::{
    Hash,
    types::{BiokeyKeys, BiokeySignatures, CredentialId, Time},
};
use qratum_crypto::{
    domain::{BIOKEY_ACTION, BIOKEY_ENROLMENT, Tag},
    kdf::{
        biokey::{self as kdf, Child, Purpose, SALT_LENGTH},
        hkdf::TooLong,
    },
    sign::{
        Scheme as _,
        ed25519::{self, PublicKey},
        ml_dsa::MlDsa65,
    },
};
use qratum_metal::secret::{Expired, Expiring, Locked, LockedBytes, Refused};

pub use self::{
    consent::Consent,
    locus::{BadList, Base, Build, LEAST, Loci, Locus, MOST},
    panel::Panel,
    sealed::{MAX_PURPOSE, SealedPanel, Terms},
    vcf::VcfError,
};
use crate::derived::SealError;

/// How long a biokey lives.
pub const LIFE: Duration = Duration::from_secs(60);

/// Why there is no biokey, no panel or no signature. Nothing was signed.
#[derive(Debug)]
pub enum BiokeyError {
    /// Memory cannot be locked, or there is none: a biokey is never where the system could write it out.
    Memory(Refused),
    /// The system gives no timer that would end it.
    Timer(io::Error),
    /// The file gives no panel.
    Vcf(VcfError),
    /// Not 256 to 4096 sound loci in ascending order, each with a dosage.
    Panel,
    /// The purpose is empty, too long or holds signs that cannot be printed, or the time is up before it
    /// begins.
    Terms,
    /// Not a sealed panel, or of another version.
    Form,
    /// It was enrolled with another credential.
    OtherCredential,
    /// Its retention is over: it is to be destroyed.
    Over(Time),
    /// It was sealed with another security key, or for another salt of it.
    OtherKey,
    /// The security key is the right one, and the file was changed since.
    Tampered,
    /// What was derived is not what was enrolled.
    Check,
    /// No nonce or salt could be drawn.
    Seal(SealError),
    /// Its minute is over.
    Expired,
    /// The machine computed a wrong signature, which was not given out.
    Fault,
}

impl fmt::Display for BiokeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory(why) => return why.fmt(f),
            Self::Timer(why) => return write!(f, "no timer to end the biokey: {why}"),
            Self::Vcf(why) => return why.fmt(f),
            Self::Panel => "not a panel: 256 to 4096 loci in ascending order, each with a dosage of 0 to 2",
            Self::Terms => {
                "a purpose has 1 to 200 printable characters of ASCII, and retention ends after it begins"
            }
            Self::Form => "not a sealed panel, or of another version",
            Self::OtherCredential => "the panel was enrolled with another credential",
            Self::Over(until) => {
                return write!(
                    f,
                    "the retention of the panel ended at {} ms: destroy it, and enrol again with a new consent",
                    until.0
                );
            }
            Self::OtherKey => "the panel was sealed with another security key",
            Self::Tampered => "the security key is the right one, but the panel was changed since",
            Self::Check => "what was derived is not the biokey that was enrolled",
            Self::Seal(why) => return why.fmt(f),
            Self::Expired => "the minute of the biokey is over and it was wiped: unlock it again",
            Self::Fault => {
                "the new signature does not verify, which says that this machine computes wrongly; it was not \
                 given out"
            }
        })
    }
}

impl Error for BiokeyError {}

impl From<SealError> for BiokeyError {
    fn from(why: SealError) -> Self {
        match why {
            SealError::Memory(why) => Self::Memory(why),
            why => Self::Seal(why),
        }
    }
}

impl From<Expired> for BiokeyError {
    fn from(_: Expired) -> Self {
        Self::Expired
    }
}

/// Never: no length here is beyond what HKDF gives.
impl From<TooLong> for BiokeyError {
    fn from(_: TooLong) -> Self {
        Self::Seal(SealError::TooLong)
    }
}

/// The public keys of a biokey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BiokeyPublic {
    /// The Ed25519 key.
    pub ed25519: PublicKey,
    /// The ML-DSA-65 key, 1,952 bytes.
    pub ml_dsa: Vec<u8>,
}

impl BiokeyPublic {
    /// As the chain keeps them.
    #[must_use]
    pub fn keys(&self) -> BiokeyKeys {
        BiokeyKeys::of(self.ed25519, &self.ml_dsa)
    }
}

/// A biokey that was unlocked: 64 bytes on locked pages of their own, which a thread wipes when their
/// minute is over, whatever their owner does. Dropping it wipes it.
#[derive(Debug)]
pub struct Biokey {
    root: Expiring<LockedBytes>,
    public: BiokeyPublic,
}

impl Biokey {
    /// Opens a sealed panel with what the security key computes, derives the biokey and drops the panel.
    /// `credential` is the one that is to act, `now` what the clock says: only retention depends on it.
    ///
    /// # Errors
    /// [`BiokeyError`], for the first thing that is wrong.
    pub fn unlock(
        panel: &SealedPanel,
        secret: &Locked<32>,
        credential: CredentialId,
        now: Time,
    ) -> Result<Self, BiokeyError> {
        let terms = panel.terms();
        if terms.credential != credential {
            return Err(BiokeyError::OtherCredential);
        }
        if terms.until <= now {
            return Err(BiokeyError::Over(terms.until));
        }
        let root = Root::new(&panel.open(secret)?, &panel.salt, secret)?;
        let purpose = purpose(terms);
        if !root.check(&purpose)?.ct_eq(&Locked::new_with(|to| to.copy_from_slice(&panel.check))?) {
            return Err(BiokeyError::Check);
        }
        let biokey = root.biokey(&purpose, LIFE)?;
        if biokey.public.keys() == panel.keys { Ok(biokey) } else { Err(BiokeyError::Check) }
    }

    /// The public keys.
    #[must_use]
    pub const fn public(&self) -> &BiokeyPublic {
        &self.public
    }

    /// Signs the message of an act ([`Factors::biokey_message`](qratum_chain::types::Factors)) with both
    /// keys, and verifies both before they leave.
    ///
    /// # Errors
    /// [`BiokeyError::Expired`], [`BiokeyError::Fault`], [`BiokeyError::Memory`].
    pub fn sign(&self, message: &[u8; 32]) -> Result<BiokeySignatures, BiokeyError> {
        self.sign_as(BIOKEY_ACTION, message)
    }

    /// Signs that it is held, for an enrolment
    /// ([`Possession::biokey_message`](qratum_chain::types::Possession::biokey_message)).
    ///
    /// # Errors
    /// Those of [`Biokey::sign`].
    pub fn possess(&self, message: &[u8; 32]) -> Result<BiokeySignatures, BiokeyError> {
        self.sign_as(BIOKEY_ENROLMENT, message)
    }

    /// `message` is a hash under `tag`.
    fn sign_as(&self, tag: Tag, message: &[u8; 32]) -> Result<BiokeySignatures, BiokeyError> {
        let ed25519 = self.child(Child::Ed25519, |seed| ed25519::SecretKey::from_seed(seed).sign(message))?;
        let ml_dsa = self.child(Child::MlDsa65, |seed| MlDsa65::sign(seed, tag, message))?;
        let ml_dsa = ml_dsa.map_err(|_| BiokeyError::Fault)?;
        let signed = BiokeySignatures::new(ed25519, self.public.ml_dsa.clone(), ml_dsa);
        let signed = signed.ok_or(BiokeyError::Fault)?;
        let holds = self.public.keys().verify(tag, Hash(*message), &signed);
        holds.map(|()| signed).map_err(|_| BiokeyError::Fault)
    }

    /// How long it lives; zero when it is over.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.root.remaining()
    }

    /// Ends it now: for a screen that locks.
    pub fn wipe(&self) {
        self.root.wipe();
    }

    /// What `see` makes of a child's seed, which is wiped behind it.
    fn child<R>(&self, child: Child, see: impl FnOnce(&[u8; 32]) -> R) -> Result<R, BiokeyError> {
        let seed = self.root.with(|root| root.with(|root| seed(root, child)))??;
        Ok(seed.with(see))
    }
}

fn seed(root: &[u8], child: Child) -> Result<Locked<32>, BiokeyError> {
    let root = root.first_chunk().ok_or(BiokeyError::Check)?;
    Locked::require_locked(|seed| Ok(kdf::seed(root, child, seed)?))
}

const fn purpose(terms: &Terms) -> Purpose {
    Purpose { credential: terms.credential.0.0, version: terms.version }
}

/// What a biokey is expanded from.
struct Root(Locked<64>);

impl Root {
    fn new(panel: &Panel, salt: &[u8; SALT_LENGTH], secret: &Locked<32>) -> Result<Self, BiokeyError> {
        let root = Locked::require_locked(|prk| -> Result<(), Refused> {
            panel.with(|loci| secret.with(|secret| kdf::extract(salt, loci, secret, prk)));
            Ok(())
        });
        Ok(Self(root?))
    }

    fn check(&self, purpose: &Purpose) -> Result<Locked<32>, BiokeyError> {
        Locked::require_locked(|check| Ok(self.0.with(|prk| kdf::check(prk, purpose, check))?))
    }

    fn biokey(&self, purpose: &Purpose, life: Duration) -> Result<Biokey, BiokeyError> {
        let root = LockedBytes::require_locked(64, |root| -> Result<(), BiokeyError> {
            let root = root.first_chunk_mut().ok_or(BiokeyError::Check)?;
            Ok(self.0.with(|prk| kdf::expand(prk, purpose, root))?)
        })?;
        let ed25519 = root.with(|root| seed(root, Child::Ed25519))?;
        let ed25519 = ed25519.with(|seed| ed25519::SecretKey::from_seed(seed).public());
        let ml_dsa = root.with(|root| seed(root, Child::MlDsa65))?;
        let ml_dsa = ml_dsa.with(|seed| MlDsa65::public(seed)).map_err(|_| BiokeyError::Check)?;
        let root = Expiring::new(root, life).map_err(BiokeyError::Timer)?;
        Ok(Biokey { root, public: BiokeyPublic { ed25519, ml_dsa } })
    }
}

#[cfg(test)]
mod tests;
