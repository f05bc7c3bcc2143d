//! Validator sets: who may vote, and with which power.

use core::fmt;
use std::collections::BTreeMap;

use qratum_crypto::{
    merkle::{self, Sha3},
    sign::ed25519::{KeyError, PublicKey, VoteKey},
};

use super::SetId;
use crate::{
    Hash,
    codec::{Decode, Encode, Malformed, Reader},
};

/// The largest set this version reads.
pub const MAX_VALIDATORS: usize = 1024;
/// The largest set that hands over with ML-DSA: as many signatures fit into a reply among validators.
pub const MAX_HANDOVER_MEMBERS: usize = 96;

/// Two capital ASCII letters (ISO 3166-1 alpha-2, not checked against the list).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Jurisdiction([u8; 2]);

impl Jurisdiction {
    /// The jurisdiction of these two letters; `None` when they are not two capitals.
    #[must_use]
    pub fn new(letters: [u8; 2]) -> Option<Self> {
        letters.iter().all(u8::is_ascii_uppercase).then_some(Self(letters))
    }
}

impl fmt::Display for Jurisdiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl Encode for Jurisdiction {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}

impl Decode for Jurisdiction {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Self::new(reader.array()?).ok_or(Malformed::Field("jurisdiction"))
    }
}

/// One member of a set, as its leaf says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    /// Ed25519 key that votes.
    pub pubkey: PublicKey,
    /// Voting power, above zero.
    pub power: u64,
    /// Where the operator is at law.
    pub jurisdiction: Jurisdiction,
    /// First set this key was a member of.
    pub since_set: SetId,
    /// Tagged SHA3-256 of an ML-DSA-65 key; zero when none is registered.
    pub pq_key_hash: Hash,
}

impl Validator {
    /// Length of a leaf in bytes.
    pub const LENGTH: usize = 82;

    /// Whether a key is registered; nothing says that somebody holds it.
    #[must_use]
    pub fn has_pq_key(&self) -> bool {
        self.pq_key_hash != Hash::ZERO
    }
}

impl Encode for Validator {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.pubkey.0);
        out.extend_from_slice(&self.power.to_le_bytes());
        self.jurisdiction.encode(out);
        self.since_set.encode(out);
        self.pq_key_hash.encode(out);
    }
}

impl Decode for Validator {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            pubkey: PublicKey(reader.array()?),
            power: reader.u64()?,
            jurisdiction: Jurisdiction::decode(reader)?,
            since_set: SetId::decode(reader)?,
            pq_key_hash: Hash::decode(reader)?,
        })
    }
}

/// The root over the leaves of `validators`, in index order.
#[must_use]
pub fn validators_hash(validators: &[Validator]) -> Hash {
    merkle::root::<Sha3, _>(validators.iter().map(Encode::to_bytes))
}

/// Why a list of validators is no set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetError {
    /// No members.
    Empty,
    /// More members than [`MAX_VALIDATORS`].
    TooLarge,
    /// A member without power, by index.
    ZeroPower(u32),
    /// One key twice, by the second index.
    DuplicateKey(u32),
    /// A key that may not vote, by index.
    BadKey(u32, KeyError),
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the validator set is empty"),
            Self::TooLarge => write!(f, "the validator set has more than {MAX_VALIDATORS} members"),
            Self::ZeroPower(i) => write!(f, "validator {i} has no power"),
            Self::DuplicateKey(i) => write!(f, "validator {i} has the key of another one"),
            Self::BadKey(i, why) => write!(f, "validator {i} has a key that may not vote: {why}"),
        }
    }
}

/// A validator set whose members were checked: at least one, none twice, none powerless, every
/// key decoded and fit to vote. Costs about one signature check for each member to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorSet {
    members: Vec<Validator>,
    keys: Vec<VoteKey>,
    by_key: BTreeMap<PublicKey, u32>,
    total_power: u128,
    hash: Hash,
}

impl ValidatorSet {
    /// Checks `members` and decodes their keys.
    ///
    /// # Errors
    /// [`SetError`], for the first member that breaks a rule.
    pub fn new(members: Vec<Validator>) -> Result<Self, SetError> {
        let hash = validators_hash(&members);
        Self::checked(members, hash)
    }

    /// The same when `root` is the root over `members`; `None` when it is not, which is told
    /// before any key is decoded.
    ///
    /// # Errors
    /// [`SetError`], for the first member that breaks a rule.
    pub fn under(root: Hash, members: &[Validator]) -> Result<Option<Self>, SetError> {
        if validators_hash(members) != root {
            return Ok(None);
        }
        Self::checked(members.to_vec(), root).map(Some)
    }

    fn checked(members: Vec<Validator>, hash: Hash) -> Result<Self, SetError> {
        if members.is_empty() {
            return Err(SetError::Empty);
        }
        if members.len() > MAX_VALIDATORS {
            return Err(SetError::TooLarge);
        }
        let mut by_key = BTreeMap::new();
        let mut keys = Vec::with_capacity(members.len());
        for (index, member) in (0u32..).zip(&members) {
            if member.power == 0 {
                return Err(SetError::ZeroPower(index));
            }
            if by_key.insert(member.pubkey, index).is_some() {
                return Err(SetError::DuplicateKey(index));
            }
            keys.push(VoteKey::decode(&member.pubkey).map_err(|why| SetError::BadKey(index, why))?);
        }
        let total_power = members.iter().map(|m| u128::from(m.power)).sum();
        Ok(Self { members, keys, by_key, total_power, hash })
    }

    /// The members, in index order. Never empty.
    #[must_use]
    pub fn members(&self) -> &[Validator] {
        &self.members
    }

    /// The member at `index`, with its decoded key.
    #[must_use]
    pub fn member(&self, index: u32) -> Option<(&Validator, &VoteKey)> {
        let index = index as usize;
        Some((self.members.get(index)?, self.keys.get(index)?))
    }

    /// The index of the member with this key.
    #[must_use]
    pub fn index_of(&self, key: &PublicKey) -> Option<u32> {
        self.by_key.get(key).copied()
    }

    /// Sum of all powers. In u128: 1024 members of 2^64 - 1 cannot overflow it.
    #[must_use]
    pub const fn total_power(&self) -> u128 {
        self.total_power
    }

    /// `validators_hash`: the root over the leaves.
    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.hash
    }
}
