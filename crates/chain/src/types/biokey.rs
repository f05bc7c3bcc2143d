//! The second factor of a person: two key pairs that sign together, so that neither a break of elliptic
//! curves nor one of lattices is enough.

use minicbor::{Decoder, Encoder, decode, encode};
use qratum_crypto::{
    domain::{self, Tag},
    hash,
    sign::{
        ed25519::{PublicKey, Signature, VoteKey, verify_strict},
        ml_dsa,
    },
};

use crate::{
    Hash,
    codec::{Decode, Encode, Malformed, Reader, cbor::array},
};

/// The public keys of a biokey, as the chain keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BiokeyKeys {
    /// The Ed25519 key.
    pub ed25519: PublicKey,
    /// `SHA3-256(tag || ML-DSA-65 key)`, with the tag of all such hashes; the key itself comes with each
    /// signature.
    pub mldsa_hash: Hash,
}

/// Which half of a biokey's word does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadBiokey {
    /// The Ed25519 key did not sign it.
    Ed25519,
    /// The ML-DSA-65 key is another one than the chain has the hash of.
    OtherMlDsa,
    /// The ML-DSA-65 key did not sign it.
    MlDsa,
}

impl BiokeyKeys {
    /// These two keys; `mldsa`: an encoded ML-DSA-65 public key.
    #[must_use]
    pub fn of(ed25519: PublicKey, mldsa: &[u8]) -> Self {
        Self { ed25519, mldsa_hash: hash::tagged(domain::PQ_KEY, &[mldsa]) }
    }

    /// Whether the Ed25519 key is one, in its one spelling and of the group.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        VoteKey::decode(&self.ed25519).is_ok()
    }

    /// Strict Ed25519 over `message`, and ML-DSA-65 over it with `tag` as the context (FIPS 204). Both
    /// must hold; the cheap one is judged first.
    ///
    /// # Errors
    /// [`BadBiokey`].
    pub fn verify(&self, tag: Tag, message: Hash, said: &BiokeySignatures) -> Result<(), BadBiokey> {
        verify_strict(&self.ed25519, &message.0, &said.ed25519).map_err(|_| BadBiokey::Ed25519)?;
        if Self::of(self.ed25519, &*said.mldsa_key) != *self {
            return Err(BadBiokey::OtherMlDsa);
        }
        ml_dsa::verify(&*said.mldsa_key, tag, &message.0, &*said.mldsa).map_err(|_| BadBiokey::MlDsa)
    }
}

impl Encode for BiokeyKeys {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.ed25519.0);
        self.mldsa_hash.encode(out);
    }
}

impl Decode for BiokeyKeys {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { ed25519: PublicKey(reader.array()?), mldsa_hash: Hash::decode(reader)? })
    }
}

/// What a biokey says: both keys over the same 32 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BiokeySignatures {
    /// By the Ed25519 key.
    pub ed25519: Signature,
    /// The ML-DSA-65 public key, of which the chain has the hash.
    pub mldsa_key: Box<[u8; ml_dsa::PUBLIC_KEY_LENGTH]>,
    /// By the ML-DSA-65 key.
    pub mldsa: Box<[u8; ml_dsa::SIGNATURE_LENGTH]>,
}

impl BiokeySignatures {
    /// Of these parts; `None` where the two of ML-DSA-65 have not the lengths of FIPS 204.
    #[must_use]
    pub fn new(ed25519: Signature, mldsa_key: Vec<u8>, mldsa: Vec<u8>) -> Option<Self> {
        Some(Self { ed25519, mldsa_key: mldsa_key.try_into().ok()?, mldsa: mldsa.try_into().ok()? })
    }

    /// The three items of CBOR that they are.
    pub(super) fn read(decoder: &mut Decoder<'_>) -> Result<Self, decode::Error> {
        Ok(Self {
            ed25519: Signature(array(decoder)?),
            mldsa_key: Box::new(array(decoder)?),
            mldsa: Box::new(array(decoder)?),
        })
    }

    pub(super) fn write<W: encode::Write>(&self, e: &mut Encoder<W>) -> Result<(), encode::Error<W::Error>> {
        e.bytes(&self.ed25519.0)?.bytes(&*self.mldsa_key)?.bytes(&*self.mldsa)?;
        Ok(())
    }

    /// None yet: holds under no key.
    #[must_use]
    pub fn missing() -> Self {
        Self {
            ed25519: Signature([0; 64]),
            mldsa_key: Box::new([0; ml_dsa::PUBLIC_KEY_LENGTH]),
            mldsa: Box::new([0; ml_dsa::SIGNATURE_LENGTH]),
        }
    }
}
