//! What a chain starts with so that it can decide by vote: who speaks for the validators of an operator,
//! who may veto, and the numbers that a vote may change.

use core::{fmt, ops::RangeInclusive};
use std::collections::{BTreeMap, BTreeSet};

use super::{AccountId, SetId, is_name, words::words};
use crate::codec::{Decode, Encode, Malformed, Reader};

/// The shortest time between blocks, in milliseconds.
pub(super) const MIN_BLOCK_INTERVAL_MS: u64 = 10;
/// The longest, on a chain with people.
pub(super) const MAX_BLOCK_INTERVAL_MS: u64 = 10_000;

words!(
    /// A number of the chain that a vote may change. Only such as no light node needs to judge a header
    /// or a certificate: lengths of sets, unbonding, trusting period and clock drift are what its genesis
    /// says, for ever. Each stands in the state, where a light node has it proven.
    Parameter, "parameter" {
        /// Time between blocks that proposers aim at, in milliseconds.
        BlockInterval = 1, "block_interval_ms";
        /// For how many whole sets a proposal is voted on.
        VotingSets = 2, "voting_sets";
        /// For how many sets what was passed can be vetoed before it is carried out.
        TimelockSets = 3, "timelock_sets";
    }
);

impl Parameter {
    /// The values it may have.
    #[must_use]
    pub const fn bounds(self) -> RangeInclusive<u64> {
        match self {
            Self::BlockInterval => MIN_BLOCK_INTERVAL_MS..=MAX_BLOCK_INTERVAL_MS,
            // Above what an emergency has, which needs more votes; and not for ever.
            Self::VotingSets | Self::TimelockSets => 2..=100,
        }
    }
}

/// The numbers of [`Parameter`] that hold now. Stands in the state of a chain with people under
/// [`Parameters::STATE_KEY`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// [`Parameter::BlockInterval`].
    pub block_interval_ms: u64,
    /// [`Parameter::VotingSets`].
    pub voting_sets: u64,
    /// [`Parameter::TimelockSets`].
    pub timelock_sets: u64,
}

impl Parameters {
    /// State key.
    pub const STATE_KEY: &'static [u8] = b"parameters";

    /// The value of one of them.
    #[must_use]
    pub const fn get(&self, parameter: Parameter) -> u64 {
        match parameter {
            Parameter::BlockInterval => self.block_interval_ms,
            Parameter::VotingSets => self.voting_sets,
            Parameter::TimelockSets => self.timelock_sets,
        }
    }

    /// The same with another value of one of them.
    #[must_use]
    pub const fn with(mut self, parameter: Parameter, value: u64) -> Self {
        match parameter {
            Parameter::BlockInterval => self.block_interval_ms = value,
            Parameter::VotingSets => self.voting_sets = value,
            Parameter::TimelockSets => self.timelock_sets = value,
        }
        self
    }
}

impl Encode for Parameters {
    fn encode(&self, out: &mut Vec<u8>) {
        Parameter::ALL.iter().for_each(|it| out.extend_from_slice(&self.get(*it).to_le_bytes()));
    }
}

impl Decode for Parameters {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            block_interval_ms: reader.u64()?,
            voting_sets: reader.u64()?,
            timelock_sets: reader.u64()?,
        })
    }
}

/// Who decides by vote on a chain from its first block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Governance {
    /// [`Parameter::VotingSets`] at first.
    pub voting_sets: u64,
    /// [`Parameter::TimelockSets`] at first.
    pub timelock_sets: u64,
    /// Which account votes with the power of an operator's validators, by the name of the operator.
    pub operators: BTreeMap<String, AccountId>,
    /// The accounts that may veto.
    pub authorities: BTreeSet<AccountId>,
}

impl Default for Governance {
    /// The windows of a production network, and nobody who votes.
    fn default() -> Self {
        Self { voting_sets: 10, timelock_sets: 5, operators: BTreeMap::new(), authorities: BTreeSet::new() }
    }
}

impl Governance {
    /// State key of the account that votes for an operator: `operator/` and the operator's name.
    #[must_use]
    pub fn operator_key(operator: &str) -> Vec<u8> {
        [b"operator/", operator.as_bytes()].concat()
    }

    /// State key of the mark of an account that may veto: `authority/` and its name.
    #[must_use]
    pub fn authority_key(account: &AccountId) -> Vec<u8> {
        [b"authority/", account.as_str().as_bytes()].concat()
    }

    /// Whether a chain with accounts of these names can start with it: both windows are within their bounds
    /// and whoever is named has an account.
    pub(super) fn is_sound(&self, is_account: impl Fn(&AccountId) -> bool) -> bool {
        Parameter::VotingSets.bounds().contains(&self.voting_sets)
            && Parameter::TimelockSets.bounds().contains(&self.timelock_sets)
            && self.operators.keys().all(|name| is_name(name))
            && self.operators.values().chain(&self.authorities).all(is_account)
    }

    /// Its entries of the first state.
    pub(super) fn entries(&self, block_interval_ms: u64) -> Vec<(Vec<u8>, Vec<u8>)> {
        let Self { voting_sets, timelock_sets, .. } = *self;
        let parameters = Parameters { block_interval_ms, voting_sets, timelock_sets };
        let operators =
            self.operators.iter().map(|(name, account)| (Self::operator_key(name), account.to_bytes()));
        let authorities = self.authorities.iter().map(|account| (Self::authority_key(account), vec![1]));
        let numbers = (Parameters::STATE_KEY.to_vec(), parameters.to_bytes());
        operators.chain(authorities).chain([numbers]).collect()
    }
}

/// The version of the rules that holds, or will hold from a set on. Stands in the state under
/// [`Upgrade::STATE_KEY`] once there was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// The version.
    pub version: u32,
    /// The first set it holds for.
    pub set: SetId,
    /// The version that holds before.
    pub before: u32,
}

impl Default for Upgrade {
    /// As if that of a genesis had been decided on.
    fn default() -> Self {
        Self { version: Self::FIRST, set: SetId(0), before: Self::FIRST }
    }
}

impl Upgrade {
    /// State key.
    pub const STATE_KEY: &'static [u8] = b"upgrade";
    /// The version of a genesis.
    pub const FIRST: u32 = 1;

    /// The version that holds in this set.
    #[must_use]
    pub const fn in_force(&self, set: SetId) -> u32 {
        if set.0 >= self.set.0 { self.version } else { self.before }
    }
}

impl Encode for Upgrade {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.version.to_le_bytes());
        self.set.encode(out);
        out.extend_from_slice(&self.before.to_le_bytes());
    }
}

impl Decode for Upgrade {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { version: reader.u32()?, set: SetId::decode(reader)?, before: reader.u32()? })
    }
}
