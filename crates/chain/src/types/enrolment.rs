//! Enrolment: with which keys, stake and operator a validator comes into the registry, and the
//! proof that whoever enrols it holds each of the keys.

use core::fmt;

use qratum_crypto::{
    domain, hash,
    sign::{
        BadSignature,
        ed25519::{PublicKey, SecretKey, Signature, VoteKey, verify_strict},
    },
};

use super::{Validator, is_name};
use crate::{
    Hash,
    codec::{Decode, Encode, Malformed, Reader, put_bytes},
};

/// Stake that makes one unit of voting power, and the least that is enrolled.
pub const STAKE_UNIT: u64 = 10_000;

/// What a key is for. No key has two purposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Signs votes and proposals.
    Vote = 1,
    /// Is the network identity: the Ed25519 key of the libp2p peer id.
    Peer = 2,
    /// Signs the operator's transactions.
    Operator = 3,
    /// Is in a security key and makes the assertions of a person.
    Credential = 4,
    /// Is the second factor of a person.
    Biokey = 5,
    /// Is the ML-DSA-65 half of the second factor, known by its hash.
    BiokeyMlDsa = 6,
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vote => "vote key",
            Self::Peer => "peer key",
            Self::Operator => "operator key",
            Self::Credential => "credential",
            Self::Biokey => "biokey",
            Self::BiokeyMlDsa => "ML-DSA half of the biokey",
        })
    }
}

impl Encode for Purpose {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }
}

impl Decode for Purpose {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8()? {
            1 => Ok(Self::Vote),
            2 => Ok(Self::Peer),
            3 => Ok(Self::Operator),
            4 => Ok(Self::Credential),
            5 => Ok(Self::Biokey),
            6 => Ok(Self::BiokeyMlDsa),
            _ => Err(Malformed::Field("purpose of a key")),
        }
    }
}

impl Purpose {
    /// What `key` signs to prove that somebody holds it: `tag || purpose || scope || key`. The scope
    /// is the hash of what the key is wanted for, so that a proof cannot serve elsewhere.
    #[must_use]
    pub fn possession(self, scope: Hash, key: &PublicKey) -> Vec<u8> {
        [domain::POSSESSION.bytes(), &[self as u8], &scope.0, &key.0].concat()
    }

    /// Whether `proof` is a signature of `key` over [`Purpose::possession`], under the strict rule,
    /// and the key has the form of one that may vote: canonical, so that it has one spelling.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn proven(self, scope: Hash, key: &PublicKey, proof: &Signature) -> Result<(), BadSignature> {
        VoteKey::decode(key).map_err(|_| BadSignature)?;
        verify_strict(key, &self.possession(scope, key), proof)
    }
}

/// One proof of possession for each key, over [`Purpose::possession`] with [`Enrolment::scope`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proofs {
    /// Of the vote key.
    pub vote: Signature,
    /// Of the peer key.
    pub peer: Signature,
    /// Of the operator key.
    pub operator: Signature,
}

impl Proofs {
    /// None yet: holds under no key.
    pub const MISSING: Self = {
        let none = Signature([0; 64]);
        Self { vote: none, peer: none, operator: none }
    };

    /// Proofs by whoever holds all three keys.
    #[must_use]
    pub fn sign(scope: Hash, vote: &SecretKey, peer: &SecretKey, operator: &SecretKey) -> Self {
        let prove = |purpose: Purpose, key: &SecretKey| key.sign(&purpose.possession(scope, &key.public()));
        Self {
            vote: prove(Purpose::Vote, vote),
            peer: prove(Purpose::Peer, peer),
            operator: prove(Purpose::Operator, operator),
        }
    }
}

/// What the registry says of a validator beside its leaf in the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    /// Who runs it: 1 to 32 of `a-z 0-9 -`.
    pub operator: String,
    /// Its stake; [`STAKE_UNIT`] of it make one unit of power.
    pub stake: u64,
    /// The key of its network identity.
    pub peer_key: PublicKey,
    /// The key that signs its operator's transactions.
    pub operator_key: PublicKey,
    /// That its three keys are held.
    pub proofs: Proofs,
}

/// What is wrong with an enrolment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrolmentFault {
    /// There is none.
    Missing,
    /// The operator's name is not 1 to 32 of `a-z 0-9 -`.
    Operator,
    /// The stake is below [`STAKE_UNIT`].
    LeastStake(u64),
    /// The power is not `stake / STAKE_UNIT`.
    Power {
        /// What the set says.
        power: u64,
        /// What the stake makes.
        staked: u64,
    },
    /// The key of this purpose is used already, here or by another validator.
    KeyTwice(Purpose),
    /// The ML-DSA key is that of another validator, whose signatures would count twice.
    PqKeyTwice,
    /// The key of this purpose did not sign what it must, or is not fit to.
    Possession(Purpose),
}

impl fmt::Display for EnrolmentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no enrolment"),
            Self::Operator => f.write_str("the operator is no name of 1 to 32 of a-z, 0-9 and -"),
            Self::LeastStake(stake) => write!(f, "a stake of {stake} is below the least, {STAKE_UNIT}"),
            Self::Power { power, staked } => write!(f, "a power of {power}, but stake for {staked}"),
            Self::KeyTwice(purpose) => write!(f, "the {purpose} is in use already: one key, one purpose"),
            Self::PqKeyTwice => f.write_str("the ML-DSA key is in use already: one key, one validator"),
            Self::Possession(purpose) => write!(f, "no proof that the {purpose} is held"),
        }
    }
}

impl Enrolment {
    /// The three keys, each with its purpose and proof.
    #[must_use]
    pub fn keys(&self, validator: &Validator) -> [(Purpose, PublicKey, Signature); 3] {
        [
            (Purpose::Vote, validator.pubkey, self.proofs.vote),
            (Purpose::Peer, self.peer_key, self.proofs.peer),
            (Purpose::Operator, self.operator_key, self.proofs.operator),
        ]
    }

    /// What the proofs are good for: this validator, of this name, in a network of this name, with
    /// all that is said of it. `SHA3-256(tag || network || name || operator || jurisdiction || stake
    /// || vote key || peer key || operator key || pq_key_hash)`, names behind their lengths.
    #[must_use]
    pub fn scope(&self, network: &str, name: &str, validator: &Validator) -> Hash {
        let mut record = Vec::new();
        for text in [network, name, &self.operator] {
            put_bytes(&mut record, text.as_bytes());
        }
        validator.jurisdiction.encode(&mut record);
        record.extend_from_slice(&self.stake.to_le_bytes());
        for key in [&validator.pubkey, &self.peer_key, &self.operator_key] {
            record.extend_from_slice(&key.0);
        }
        validator.pq_key_hash.encode(&mut record);
        hash::tagged(domain::ENROLMENT, &[&record])
    }

    /// Checks everything but whether the keys are used elsewhere: cheap rules first.
    ///
    /// # Errors
    /// [`EnrolmentFault`], for the first rule that is broken.
    pub fn check(&self, network: &str, name: &str, validator: &Validator) -> Result<(), EnrolmentFault> {
        if !is_name(&self.operator) {
            return Err(EnrolmentFault::Operator);
        }
        if self.stake < STAKE_UNIT {
            return Err(EnrolmentFault::LeastStake(self.stake));
        }
        let (power, staked) = (validator.power, power_of(self.stake));
        if power != staked {
            return Err(EnrolmentFault::Power { power, staked });
        }
        let scope = self.scope(network, name, validator);
        self.keys(validator).into_iter().try_for_each(|(purpose, key, proof)| {
            purpose.proven(scope, &key, &proof).map_err(|_| EnrolmentFault::Possession(purpose))
        })
    }
}

/// The voting power that this much stake makes.
#[must_use]
pub const fn power_of(stake: u64) -> u64 {
    match stake.checked_div(STAKE_UNIT) {
        Some(power) => power,
        None => 0,
    }
}
