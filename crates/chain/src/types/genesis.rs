//! Genesis: the parameters and the first set of a chain, all under the id of its header.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use qratum_crypto::merkle::{self, Sha3};

use super::{
    BlockId, ChainId, Header, Height, Round, SetError, SetId, Time, Validator, ValidatorSet, validators_hash,
};
use crate::{
    Hash,
    codec::Encode,
    state::{StateError, StateMap},
};

/// How many phase certificates in a row make a HotStuff block final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HotStuffRule {
    /// On the block and its child.
    TwoChain = 2,
    /// On the block, its child and its grandchild.
    ThreeChain = 3,
}

/// Which family of certificates the network produces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Precommit certificates: the network's own engine.
    Tendermint,
    /// Chained phase certificates, as `hotstuff_rs` makes them.
    HotStuff {
        /// HotStuff's own chain number, which its votes sign.
        chain: u64,
        /// How long the chain of certificates must be.
        rule: HotStuffRule,
    },
}

/// The numbers a chain lives by. Bound by the genesis state root, so the chain id names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainParams {
    /// Blocks in a set; sets change only at its end.
    pub set_length: u64,
    /// Time between blocks that proposers aim at.
    pub block_interval_ms: u64,
    /// A rotated-out key stays slashable for the later of this many sets ...
    pub unbonding_sets: u64,
    /// ... and this much header time.
    pub unbonding_ms: u64,
    /// How long a verified header may vouch for later ones.
    pub trusting_period_ms: u64,
    /// How far a header's time may be ahead of the local clock.
    pub clock_drift_ms: u64,
    /// Which certificates the network produces.
    pub engine: Engine,
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

impl Default for ChainParams {
    /// The values of a production network.
    fn default() -> Self {
        Self {
            set_length: 3600,
            block_interval_ms: 1000,
            unbonding_sets: 21,
            unbonding_ms: 21 * DAY_MS,
            trusting_period_ms: 14 * DAY_MS,
            clock_drift_ms: 10_000,
            engine: Engine::Tendermint,
        }
    }
}

impl Encode for ChainParams {
    fn encode(&self, out: &mut Vec<u8>) {
        for number in [
            self.set_length,
            self.block_interval_ms,
            self.unbonding_sets,
            self.unbonding_ms,
            self.trusting_period_ms,
            self.clock_drift_ms,
        ] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        match self.engine {
            Engine::Tendermint => out.push(1),
            Engine::HotStuff { chain, rule } => {
                out.extend_from_slice(&[2, rule as u8]);
                out.extend_from_slice(&chain.to_le_bytes());
            }
        }
    }
}

/// A member of the first set, with the name its operator goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenesisValidator {
    /// 1 to 32 of `a-z 0-9 -`.
    pub name: String,
    /// Key, power and the rest of its leaf.
    pub validator: Validator,
}

/// Everything a chain starts from. What a user trusts at first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// 1 to 32 of `a-z 0-9 -`.
    pub network: String,
    /// A demo network: drills are allowed, and screens say so.
    pub demo: bool,
    /// Time of the genesis header.
    pub time: Time,
    /// The numbers the chain lives by.
    pub params: ChainParams,
    /// The first set, in index order.
    pub validators: Vec<GenesisValidator>,
}

/// Why a genesis is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GenesisError {
    /// A name that is not 1 to 32 of `a-z 0-9 -`, or is used twice.
    Name(String),
    /// The first set breaks a rule of sets.
    Set(SetError),
    /// Sets of no blocks.
    NoSetLength,
    /// The trusting period is over two thirds of unbonding: keys that no longer answer for what
    /// they sign would still be believed.
    TrustingPeriod {
        /// In milliseconds.
        got: u64,
        /// The most that is allowed, in milliseconds.
        most: u64,
    },
    /// The first state could not be built.
    State(StateError),
}

impl fmt::Display for GenesisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "{name:?} is no unique name of 1 to 32 of a-z, 0-9 and -"),
            Self::Set(why) => why.fmt(f),
            Self::NoSetLength => f.write_str("set_length is 0"),
            Self::TrustingPeriod { got, most } => {
                write!(f, "the trusting period of {got} ms is over two thirds of unbonding ({most} ms)")
            }
            Self::State(why) => why.fmt(f),
        }
    }
}

impl Genesis {
    /// State key of the chain parameters.
    pub const PARAMS_KEY: &'static [u8] = b"params";
    /// State key of the network's name.
    pub const NETWORK_KEY: &'static [u8] = b"network";

    /// State key of a validator's name.
    #[must_use]
    pub fn name_key(validator: &Validator) -> Vec<u8> {
        [b"name/", validator.pubkey.0.as_slice()].concat()
    }

    /// The first set, checked.
    ///
    /// # Errors
    /// [`GenesisError`], for the first rule that is broken.
    pub fn validator_set(&self) -> Result<ValidatorSet, GenesisError> {
        let most = self.params.unbonding_ms / 3 * 2;
        if self.params.set_length == 0 {
            return Err(GenesisError::NoSetLength);
        }
        if self.params.trusting_period_ms > most {
            return Err(GenesisError::TrustingPeriod { got: self.params.trusting_period_ms, most });
        }
        let mut names = BTreeSet::new();
        for name in self.validators.iter().map(|v| &v.name) {
            if !is_name(name) || !names.insert(name) {
                return Err(GenesisError::Name(name.clone()));
            }
        }
        if !is_name(&self.network) {
            return Err(GenesisError::Name(self.network.clone()));
        }
        ValidatorSet::new(self.members()).map_err(GenesisError::Set)
    }

    /// The state before the first block: parameters, the network's name, the validators' names.
    ///
    /// # Errors
    /// [`GenesisError::State`].
    pub fn state(&self) -> Result<StateMap, GenesisError> {
        let mut entries = BTreeMap::from([
            (Self::PARAMS_KEY.to_vec(), Some(self.params.to_bytes())),
            (Self::NETWORK_KEY.to_vec(), Some([&[u8::from(self.demo)], self.network.as_bytes()].concat())),
        ]);
        for member in &self.validators {
            entries.insert(Self::name_key(&member.validator), Some(member.name.clone().into_bytes()));
        }
        StateMap::genesis(entries).map_err(GenesisError::State)
    }

    /// The genesis header: height 0, no chain id, no certificate.
    ///
    /// # Errors
    /// [`GenesisError::State`].
    pub fn header(&self) -> Result<Header, GenesisError> {
        let validators_hash = validators_hash(&self.members());
        let nothing = merkle::empty_root::<Sha3>();
        Ok(Header {
            chain_id: ChainId::ZERO,
            height: Height(0),
            round: Round(0),
            time: self.time,
            set_id: SetId(0),
            parent: BlockId::ZERO,
            last_certificate: Hash::ZERO,
            tx_root: nothing,
            state_root: self.state()?.root(),
            validators_hash,
            next_validators_hash: validators_hash,
            evidence_root: nothing,
            history_root: nothing,
            proposer: 0,
        })
    }

    /// `chain_id = block_id(genesis header)`.
    ///
    /// # Errors
    /// [`GenesisError::State`].
    pub fn chain_id(&self) -> Result<ChainId, GenesisError> {
        Ok(ChainId(self.header()?.id().0))
    }

    fn members(&self) -> Vec<Validator> {
        self.validators.iter().map(|member| member.validator.clone()).collect()
    }
}

/// Names are shown on screens and typed in commands: plain ASCII, no capitals.
fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
