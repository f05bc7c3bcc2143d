//! A panel on a disk: sealed under what a security key computes, which leaves that key for no other
//! purpose and only behind its PIN and a touch.
//!
//! ```text
//! tag                       QRATUM/custody/panel/v1 and a zero byte
//! build                  1  37 or 38
//! n                      4  loci, little-endian as all numbers
//! version                8  of the biokey: 0, 1, ...
//! credential            32  hash of the id of the credential that it counts with
//! given, until           8  each: when consent was given and retention ends, in ms since 1970
//! length                 2  of the purpose
//! purpose
//! ed25519               32  public key of the biokey
//! ml-dsa                32  hash of its ML-DSA-65 public key, as the chain keeps it
//! check                 32  tells before use whether the right biokey was derived
//! salt                  64  of the derivation
//! nonce                 12
//! commitment            32  to the key that the security key leads to
//! loci                 8 n  sealed by AES-256-GCM-SIV, with all before it as associated data
//! its tag               16
//! ```

use qratum_chain::types::{BiokeyKeys, CredentialId, Time};
use qratum_crypto::{
    aead,
    domain::{PANEL, SEAL},
    kdf::biokey::SALT_LENGTH,
};
use qratum_metal::secret::{Locked, LockedBytes, Refused, ct_eq};

use super::{
    Biokey, BiokeyError, LIFE, Panel, Root,
    locus::{Build, LEAST, Locus, MOST, head},
    purpose,
};
use crate::{
    derived::{Keys, SealError},
    entropy::{Moment, Random},
};

/// The longest purpose in bytes.
pub const MAX_PURPOSE: usize = 200;

/// What a panel was enrolled for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The credential that the biokey counts with.
    pub credential: CredentialId,
    /// Rises with each enrolment: the chain takes the newest only.
    pub version: u64,
    /// When consent was given.
    pub given: Time,
    /// When the panel is to be destroyed; it unlocks nothing from then on.
    pub until: Time,
    /// What for, in the words of the consent.
    pub purpose: String,
}

impl Terms {
    /// # Errors
    /// [`BiokeyError::Terms`].
    pub(super) fn check(&self) -> Result<(), BiokeyError> {
        let printable = self.purpose.bytes().all(|b| (b' '..=b'~').contains(&b));
        let sound = printable && (1..=MAX_PURPOSE).contains(&self.purpose.len()) && self.given < self.until;
        if sound { Ok(()) } else { Err(BiokeyError::Terms) }
    }

    /// `version u64 || credential || given u64 || until u64 || length u16 || purpose`.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.version.to_le_bytes());
        out.extend_from_slice(&self.credential.0.0);
        [self.given, self.until].iter().for_each(|time| out.extend_from_slice(&time.0.to_le_bytes()));
        out.extend_from_slice(&u16::try_from(self.purpose.len()).unwrap_or(u16::MAX).to_le_bytes());
        out.extend_from_slice(self.purpose.as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let version = u64::from_le_bytes(*reader.array()?);
        let credential = CredentialId(qratum_chain::Hash(*reader.array()?));
        let (given, until) = (u64::from_le_bytes(*reader.array()?), u64::from_le_bytes(*reader.array()?));
        let length = usize::from(u16::from_le_bytes(*reader.array()?));
        let purpose = str::from_utf8(reader.bytes(length)?).ok()?.to_owned();
        let terms = Self { credential, version, given: Time(given), until: Time(until), purpose };
        terms.check().ok().map(|()| terms)
    }
}

/// A sealed panel, read and not opened: what it says of itself holds once [`Biokey::unlock`] took it.
#[derive(Clone, Debug)]
pub struct SealedPanel {
    file: Vec<u8>,
    build: Build,
    count: usize,
    terms: Terms,
    pub(super) keys: BiokeyKeys,
    pub(super) check: [u8; 32],
    pub(super) salt: [u8; SALT_LENGTH],
    nonce: [u8; aead::NONCE_LENGTH],
    commitment: [u8; 32],
}

impl SealedPanel {
    /// Enrols: draws a salt, derives the biokey and seals the panel. The biokey that comes with it is to
    /// sign the consent, and what the chain asks of a new biokey.
    ///
    /// # Errors
    /// [`BiokeyError`].
    pub fn enrol(
        panel: &Panel,
        secret: &Locked<32>,
        terms: Terms,
        (random, now): (&mut Random, Moment),
    ) -> Result<(Self, Biokey), BiokeyError> {
        let (mut salt, mut nonce) = ([0; SALT_LENGTH], [0; aead::NONCE_LENGTH]);
        random.fill(&mut salt, PANEL, now).map_err(SealError::from)?;
        random.fill(&mut nonce, PANEL, now).map_err(SealError::from)?;
        Self::seal(panel, secret, terms, (salt, nonce))
    }

    pub(super) fn seal(
        panel: &Panel,
        secret: &Locked<32>,
        terms: Terms,
        (salt, nonce): ([u8; SALT_LENGTH], [u8; aead::NONCE_LENGTH]),
    ) -> Result<(Self, Biokey), BiokeyError> {
        terms.check()?;
        let root = Root::new(panel, &salt, secret)?;
        let biokey = root.biokey(&purpose(&terms), LIFE)?;
        let (keys, check) = (biokey.public().keys(), root.check(&purpose(&terms))?.with(|check| *check));
        let sealing = Keys::new(secret, PANEL, &salt).map_err(SealError::from)?;
        let commitment = sealing.commitment()?;
        let (build, count) = (panel.build(), panel.len());
        let mut file = PANEL.bytes().to_vec();
        file.extend_from_slice(&head(build, count));
        terms.encode(&mut file);
        file.extend_from_slice(&keys.ed25519.0);
        for part in [keys.mldsa_hash.0.as_slice(), &check, &salt, &nonce, &commitment] {
            file.extend_from_slice(part);
        }
        let copy = |records: &[u8]| {
            LockedBytes::require_locked(records.len(), |copy| -> Result<(), Refused> {
                copy.copy_from_slice(records);
                Ok(())
            })
        };
        let mut records = panel.with(|[_, records]| copy(records))?;
        let key = sealing.key(SEAL)?;
        let tag = key.with(|key| records.with_mut(|text| aead::seal(key, &nonce, &file, text)));
        let tag = tag.map_err(|_| SealError::TooLong)?;
        records.with(|sealed| file.extend_from_slice(sealed));
        file.extend_from_slice(&tag);
        Ok((Self { file, build, count, terms, keys, check, salt, nonce, commitment }, biokey))
    }

    /// Takes a file apart, and opens nothing.
    ///
    /// # Errors
    /// [`BiokeyError::Form`].
    pub fn read(file: Vec<u8>) -> Result<Self, BiokeyError> {
        Self::parts(file).ok_or(BiokeyError::Form)
    }

    fn parts(file: Vec<u8>) -> Option<Self> {
        let mut reader = Reader(file.strip_prefix(PANEL.bytes())?);
        let [build, count @ ..] = *reader.array::<5>()?;
        let (build, count) = (Build::of(build)?, usize::try_from(u32::from_le_bytes(count)).ok()?);
        let terms = Terms::decode(&mut reader)?;
        let ed25519 = qratum_chain::PublicKey(*reader.array()?);
        let keys = BiokeyKeys { ed25519, mldsa_hash: qratum_chain::Hash(*reader.array()?) };
        let (check, salt) = (*reader.array()?, *reader.array()?);
        let (nonce, commitment) = (*reader.array()?, *reader.array()?);
        let sealed = count.checked_mul(Locus::LENGTH)?.checked_add(aead::TAG_LENGTH)?;
        let whole = (LEAST..=MOST).contains(&count) && reader.0.len() == sealed;
        whole.then_some(Self { build, count, terms, keys, check, salt, nonce, commitment, file })
    }

    /// The file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.file
    }

    /// The assembly that its loci lie in.
    #[must_use]
    pub const fn build(&self) -> Build {
        self.build
    }

    /// How many loci there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// What it was enrolled for.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The public keys of its biokey, as the chain keeps them.
    #[must_use]
    pub const fn keys(&self) -> &BiokeyKeys {
        &self.keys
    }

    /// The panel, in locked memory.
    pub(super) fn open(&self, secret: &Locked<32>) -> Result<Panel, BiokeyError> {
        let keys = Keys::new(secret, PANEL, &self.salt).map_err(SealError::from)?;
        if !ct_eq(&keys.commitment()?, &self.commitment) {
            return Err(BiokeyError::OtherKey);
        }
        let key = keys.key(SEAL)?;
        let (rest, tag) = self.file.split_last_chunk().ok_or(BiokeyError::Form)?;
        let length = self.count.saturating_mul(Locus::LENGTH);
        let (head, sealed) =
            rest.split_at_checked(rest.len().saturating_sub(length)).ok_or(BiokeyError::Form)?;
        Panel::make(self.build, self.count, |records| {
            records.copy_from_slice(sealed);
            let opened = key.with(|key| aead::open(key, &self.nonce, head, records, tag));
            opened.map_err(|_| BiokeyError::Tampered)
        })
    }
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(array)
    }

    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }
}
