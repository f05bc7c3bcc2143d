//! What a person acts with: a key pair in a security key, and the biokey that counts with it.

use core::fmt;

use qratum_crypto::sign::{
    BadSignature,
    ed25519::{self, PublicKey, Signature, VoteKey},
    es256,
};

use super::{BiokeyKeys, CredentialId, Height, MAX_NAME, RequestId, is_name, words::words};
use crate::{
    Hash,
    codec::{Decode, Encode, Malformed, Reader, put_bytes, put_option},
};

words!(
    /// Whether a credential counts.
    CredentialStatus, "status of a credential" {
        /// It does.
        Active = 1, "active";
        /// Not until it is reinstated: people decided so.
        Suspended = 2, "suspended";
        /// Not until it is reinstated: its counter went back, as that of a copied key does.
        Cloned = 3, "cloned";
        /// Never again.
        Revoked = 4, "revoked";
    }
);

/// The public key of a credential, by its COSE algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKey {
    /// ES256, -7: ECDSA over P-256 with SHA-256.
    Es256(es256::PublicKey),
    /// EdDSA over Ed25519, -8 and -19.
    Ed25519(PublicKey),
}

impl CredentialKey {
    /// The key itself, 33 or 32 bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8] {
        match self {
            Self::Es256(key) => &key.0,
            Self::Ed25519(key) => &key.0,
        }
    }

    /// Whether the bytes are a key, in its one spelling and of its group.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        match self {
            Self::Es256(key) => key.is_point(),
            Self::Ed25519(key) => VoteKey::decode(key).is_ok(),
        }
    }

    /// Low-s ES256 or strict Ed25519.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), BadSignature> {
        match self {
            Self::Es256(key) => es256::verify_low_s(key, message, signature),
            Self::Ed25519(key) => ed25519::verify_strict(key, message, &Signature(*signature)),
        }
    }
}

impl Encode for CredentialKey {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(if matches!(self, Self::Es256(_)) { 7 } else { 8 });
        out.extend_from_slice(self.bytes());
    }
}

impl Decode for CredentialKey {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8()? {
            7 => Ok(Self::Es256(es256::PublicKey(reader.array()?))),
            8 => Ok(Self::Ed25519(PublicKey(reader.array()?))),
            _ => Err(Malformed::Field("algorithm of a credential")),
        }
    }
}

/// What people say of a device when they enrol it. The chain keeps it and judges by none of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// What they call it: 1 to 32 of `a-z 0-9 -`.
    pub label: String,
    /// Which make it is, as it says; all zero where it does not say.
    pub aaguid: [u8; 16],
    /// What it was attested with; none where it was not.
    pub attestation: Option<Attestation>,
}

/// The attestation of a credential, as far as it is kept: enough to find it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// Its format in the registry of WebAuthn, as `packed`: a name.
    pub format: String,
    /// SHA-256 of the certificate that signed it.
    pub leaf: Hash,
}

impl Encode for Device {
    fn encode(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.label.as_bytes());
        out.extend_from_slice(&self.aaguid);
        put_option(out, self.attestation.as_ref(), |out, attestation| {
            put_bytes(out, attestation.format.as_bytes());
            attestation.leaf.encode(out);
        });
    }
}

impl Decode for Device {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (label, aaguid) = (name(reader, "label of a credential")?, reader.array()?);
        let attestation = reader.option("attestation", |reader| {
            Ok(Attestation { format: name(reader, "format of an attestation")?, leaf: Hash::decode(reader)? })
        })?;
        Ok(Self { label, aaguid, attestation })
    }
}

fn name(reader: &mut Reader<'_>, field: &'static str) -> Result<String, Malformed> {
    let name = String::from_utf8(reader.bytes(field, MAX_NAME)?.to_vec()).ok();
    name.filter(|name| is_name(name)).ok_or(Malformed::Field(field))
}

/// What is enrolled: a key pair in a security key, and the biokey that counts with it and with no other.
///
/// There is no flag for backups: an assertion with one set is refused, so a key that leaves its device
/// cannot act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCredential {
    /// Which one.
    pub id: CredentialId,
    /// Verifies the assertions.
    pub key: CredentialKey,
    /// Verify the second factor.
    pub biokey: BiokeyKeys,
    /// What people say of the device.
    pub device: Device,
}

impl NewCredential {
    /// The longest encoding: ES256, a label and an attestation.
    pub(crate) const LONGEST: usize = 32 + 34 + 64 + (4 + MAX_NAME + 16 + 1 + 4 + MAX_NAME + 32);

    /// As it stands in its account from a block on; `by`: the request, none in a genesis.
    #[must_use]
    pub fn enrolled(self, by: Option<RequestId>, active_from: Height) -> Credential {
        let Self { id, key, biokey, device } = self;
        Credential {
            id,
            key,
            biokey,
            biokey_version: 0,
            device,
            enrolled_by: by,
            active_from,
            sign_count: 0,
            last_used: Height(0),
            status: CredentialStatus::Active,
        }
    }
}

impl Encode for NewCredential {
    fn encode(&self, out: &mut Vec<u8>) {
        self.id.encode(out);
        self.key.encode(out);
        self.biokey.encode(out);
        self.device.encode(out);
    }
}

impl Decode for NewCredential {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            id: CredentialId::decode(reader)?,
            key: CredentialKey::decode(reader)?,
            biokey: BiokeyKeys::decode(reader)?,
            device: Device::decode(reader)?,
        })
    }
}

/// A credential in its account: what was enrolled, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Which one.
    pub id: CredentialId,
    /// Verifies the assertions.
    pub key: CredentialKey,
    /// Verify the second factor.
    pub biokey: BiokeyKeys,
    /// How often the biokey was replaced: it rises with each new salt.
    pub biokey_version: u64,
    /// What people say of the device.
    pub device: Device,
    /// The request it came with; none where that was the genesis.
    pub enrolled_by: Option<RequestId>,
    /// The block it came with.
    pub active_from: Height,
    /// The counter of its last assertion; 0 where the device counts nothing.
    pub sign_count: u32,
    /// The block with the last act that it sealed; 0: none.
    pub last_used: Height,
    /// Whether it counts.
    pub status: CredentialStatus,
}

impl Credential {
    /// What was enrolled, with the biokey it has now.
    #[must_use]
    pub fn as_enrolled(&self) -> NewCredential {
        NewCredential { id: self.id, key: self.key, biokey: self.biokey, device: self.device.clone() }
    }

    /// The shortest encoding: Ed25519, a label of one letter, no attestation, of a genesis.
    pub(super) const SHORTEST: usize = 32 + 33 + 64 + 8 + (4 + 1 + 16 + 1) + 1 + 8 + 4 + 8 + 1;
}

impl Encode for Credential {
    fn encode(&self, out: &mut Vec<u8>) {
        self.id.encode(out);
        self.key.encode(out);
        self.biokey.encode(out);
        out.extend_from_slice(&self.biokey_version.to_le_bytes());
        self.device.encode(out);
        put_option(out, self.enrolled_by.as_ref(), |out, by| by.encode(out));
        self.active_from.encode(out);
        out.extend_from_slice(&self.sign_count.to_le_bytes());
        self.last_used.encode(out);
        self.status.encode(out);
    }
}

impl Decode for Credential {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            id: CredentialId::decode(reader)?,
            key: CredentialKey::decode(reader)?,
            biokey: BiokeyKeys::decode(reader)?,
            biokey_version: reader.u64()?,
            device: Device::decode(reader)?,
            enrolled_by: reader.option("enrolled by", RequestId::decode)?,
            active_from: Height::decode(reader)?,
            sign_count: reader.u32()?,
            last_used: Height::decode(reader)?,
            status: CredentialStatus::decode(reader)?,
        })
    }
}
