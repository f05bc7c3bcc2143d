//! The registry: what the chain keeps of each validator, as entries of the state.

use core::fmt;

use qratum_crypto::sign::ed25519::PublicKey;

use super::{Enrolment, Height, Jurisdiction, MAX_NAME, Purpose, SetId, Time, Validator, is_name, power_of};
use crate::{
    Hash,
    codec::{Decode, Encode, Malformed, Reader, put_bytes},
};

/// Whether a validator is to be in the next set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is.
    Active = 1,
    /// It asked to leave.
    Leaving = 2,
    /// It was found guilty.
    Jailed = 3,
    /// The others voted it out.
    Removed = 4,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Leaving => "leaving",
            Self::Jailed => "jailed",
            Self::Removed => "removed",
        })
    }
}

impl Encode for Status {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }
}

impl Decode for Status {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8()? {
            1 => Ok(Self::Active),
            2 => Ok(Self::Leaving),
            3 => Ok(Self::Jailed),
            4 => Ok(Self::Removed),
            _ => Err(Malformed::Field("status")),
        }
    }
}

/// A validator in the registry. Stands in the state under [`Registration::state_key`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Who runs it.
    pub operator: String,
    /// Where the operator is at law.
    pub jurisdiction: Jurisdiction,
    /// Its stake, in the units of [`STAKE_UNIT`](super::STAKE_UNIT).
    pub stake: u64,
    /// Whether it is to be in the next set.
    pub status: Status,
    /// Signs its votes.
    pub vote_key: PublicKey,
    /// Its network identity.
    pub peer_key: PublicKey,
    /// Signs its operator's transactions.
    pub operator_key: PublicKey,
    /// The first set in which its vote key votes.
    pub since_set: SetId,
    /// Tagged hash of an ML-DSA-65 key; zero when none is registered.
    pub pq_key_hash: Hash,
    /// How many transactions its operator has made.
    pub nonce: u64,
}

impl Registration {
    /// What the registry says of a validator that was just enrolled.
    #[must_use]
    pub fn of(enrolment: &Enrolment, validator: &Validator) -> Self {
        Self {
            operator: enrolment.operator.clone(),
            jurisdiction: validator.jurisdiction,
            stake: enrolment.stake,
            status: Status::Active,
            vote_key: validator.pubkey,
            peer_key: enrolment.peer_key,
            operator_key: enrolment.operator_key,
            since_set: validator.since_set,
            pq_key_hash: validator.pq_key_hash,
            nonce: 0,
        }
    }

    /// State key of the validator of this name: `validator/` and the name.
    #[must_use]
    pub fn state_key(name: &str) -> Vec<u8> {
        [b"validator/", name.as_bytes()].concat()
    }

    /// Its three keys with their purposes.
    #[must_use]
    pub const fn keys(&self) -> [(Purpose, PublicKey); 3] {
        [
            (Purpose::Vote, self.vote_key),
            (Purpose::Peer, self.peer_key),
            (Purpose::Operator, self.operator_key),
        ]
    }

    /// Its leaf in a set.
    #[must_use]
    pub const fn validator(&self) -> Validator {
        Validator {
            pubkey: self.vote_key,
            power: power_of(self.stake),
            jurisdiction: self.jurisdiction,
            since_set: self.since_set,
            pq_key_hash: self.pq_key_hash,
        }
    }
}

impl Encode for Registration {
    fn encode(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.operator.as_bytes());
        self.jurisdiction.encode(out);
        out.extend_from_slice(&self.stake.to_le_bytes());
        self.status.encode(out);
        for key in [&self.vote_key, &self.peer_key, &self.operator_key] {
            out.extend_from_slice(&key.0);
        }
        self.since_set.encode(out);
        self.pq_key_hash.encode(out);
        out.extend_from_slice(&self.nonce.to_le_bytes());
    }
}

impl Decode for Registration {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            operator: name(reader, "operator")?,
            jurisdiction: Jurisdiction::decode(reader)?,
            stake: reader.u64()?,
            status: Status::decode(reader)?,
            vote_key: PublicKey(reader.array()?),
            peer_key: PublicKey(reader.array()?),
            operator_key: PublicKey(reader.array()?),
            since_set: SetId::decode(reader)?,
            pq_key_hash: Hash::decode(reader)?,
            nonce: reader.u64()?,
        })
    }
}

/// For what a key was registered, and for whom: under [`KeyUse::state_key`], for ever, so that no key
/// comes twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// What the key is for.
    pub purpose: Purpose,
    /// Name of the validator, or of the account.
    pub name: String,
}

impl KeyUse {
    /// State key of a public key: `key/` and its 32 bytes.
    #[must_use]
    pub fn state_key(key: &PublicKey) -> Vec<u8> {
        Self::state_key_of(&key.0)
    }

    /// The same of a key of any kind: `key/` and its bytes.
    #[must_use]
    pub fn state_key_of(key: &[u8]) -> Vec<u8> {
        [b"key/", key].concat()
    }
}

impl Encode for KeyUse {
    fn encode(&self, out: &mut Vec<u8>) {
        self.purpose.encode(out);
        put_bytes(out, self.name.as_bytes());
    }
}

impl Decode for KeyUse {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { purpose: Purpose::decode(reader)?, name: name(reader, "name")? })
    }
}

/// That a vote key votes no more: under [`Retired::state_key`]. Its holder answers for what it signed
/// until unbonding has passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retired {
    /// Name of the validator it was of.
    pub name: String,
    /// The last set it was a member of.
    pub last_set: SetId,
    /// Time of the last header of that set.
    pub time: Time,
}

impl Retired {
    /// State key: `retired/` and the vote key.
    #[must_use]
    pub fn state_key(vote_key: &PublicKey) -> Vec<u8> {
        [b"retired/".as_slice(), &vote_key.0].concat()
    }
}

impl Encode for Retired {
    fn encode(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.name.as_bytes());
        self.last_set.encode(out);
        self.time.encode(out);
    }
}

impl Decode for Retired {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            name: name(reader, "name")?,
            last_set: SetId::decode(reader)?,
            time: Time::decode(reader)?,
        })
    }
}

/// Where a validator was last found guilty: under [`Jailed::state_key`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jailed {
    /// The block with the evidence.
    pub block: Height,
    /// Height of what it did.
    pub offence: Height,
}

impl Jailed {
    /// State key: `jailed/` and the name of the validator.
    #[must_use]
    pub fn state_key(name: &str) -> Vec<u8> {
        [b"jailed/", name.as_bytes()].concat()
    }
}

impl Encode for Jailed {
    fn encode(&self, out: &mut Vec<u8>) {
        self.block.encode(out);
        self.offence.encode(out);
    }
}

impl Decode for Jailed {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { block: Height::decode(reader)?, offence: Height::decode(reader)? })
    }
}

fn name(reader: &mut Reader<'_>, field: &'static str) -> Result<String, Malformed> {
    let bytes = reader.bytes(field, MAX_NAME)?;
    match core::str::from_utf8(bytes) {
        Ok(name) if is_name(name) => Ok(name.to_owned()),
        _ => Err(Malformed::Field(field)),
    }
}
