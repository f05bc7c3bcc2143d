//! Genesis: the parameters and the first set of a chain, all under the id of its header.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use qratum_crypto::merkle::{self, Sha3};

use super::{
    BlockId, ChainId, Enrolment, EnrolmentFault, Header, Height, KeyUse, People, PeopleFault, Registration,
    Round, SetError, SetId, Time, Validator, ValidatorSet, governance::MIN_BLOCK_INTERVAL_MS, is_name,
    validators_hash,
};
use crate::{
    Hash,
    codec::{Decode, Encode, Malformed, Reader},
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

const MINUTE_MS: u64 = 60 * 1000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

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

impl ChainParams {
    /// Whether every number is one that a chain can live by. Outside these bounds a number switches
    /// off the rule that it belongs to.
    fn check(&self) -> Result<(), GenesisError> {
        let bounds = [
            ("set_length", self.set_length, 1, 1_000_000),
            ("block_interval_ms", self.block_interval_ms, MIN_BLOCK_INTERVAL_MS, HOUR_MS),
            ("unbonding_sets", self.unbonding_sets, 2, 1_000_000),
            ("unbonding_ms", self.unbonding_ms, 1, 3650 * DAY_MS),
            ("trusting_period_ms", self.trusting_period_ms, 1, 3650 * DAY_MS),
            ("clock_drift_ms", self.clock_drift_ms, 0, MINUTE_MS),
        ];
        for (name, got, least, most) in bounds {
            if got < least || got > most {
                return Err(GenesisError::Number { name, got, least, most });
            }
        }
        let (got, most) = (self.trusting_period_ms, self.unbonding_ms / 3 * 2);
        if got > most { Err(GenesisError::TrustingPeriod { got, most }) } else { Ok(()) }
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

impl Decode for ChainParams {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            set_length: reader.u64()?,
            block_interval_ms: reader.u64()?,
            unbonding_sets: reader.u64()?,
            unbonding_ms: reader.u64()?,
            trusting_period_ms: reader.u64()?,
            clock_drift_ms: reader.u64()?,
            engine: match reader.u8()? {
                1 => Engine::Tendermint,
                2 => {
                    let rule = match reader.u8()? {
                        2 => HotStuffRule::TwoChain,
                        3 => HotStuffRule::ThreeChain,
                        _ => return Err(Malformed::Field("rule")),
                    };
                    Engine::HotStuff { chain: reader.u64()?, rule }
                }
                _ => return Err(Malformed::Field("engine")),
            },
        })
    }
}

/// A member of the first set, with the name its operator goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenesisValidator {
    /// 1 to 32 of `a-z 0-9 -`.
    pub name: String,
    /// Key, power and the rest of its leaf.
    pub validator: Validator,
    /// How it came into the registry; `None` only in networks whose registry is not ours.
    pub enrolment: Option<Enrolment>,
}

impl GenesisValidator {
    /// Its entry in the registry; `None` when it is not enrolled.
    #[must_use]
    pub fn registration(&self) -> Option<Registration> {
        self.enrolment.as_ref().map(|enrolment| Registration::of(enrolment, &self.validator))
    }

    /// Its entries of the state: the registration and what its keys are for.
    fn registry(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let Some(registration) = self.registration() else { return Vec::new() };
        let used = |(purpose, key)| {
            (KeyUse::state_key(&key), KeyUse { purpose, name: self.name.clone() }.to_bytes())
        };
        let own = (Registration::state_key(&self.name), registration.to_bytes());
        registration.keys().map(used).into_iter().chain([own]).collect()
    }
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
    /// Who may act beside the operators of validators; none: nobody may, ever.
    pub people: Option<People>,
}

/// Why a genesis is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GenesisError {
    /// A name that is not 1 to 32 of `a-z 0-9 -`, or is used twice.
    Name(String),
    /// The first set breaks a rule of sets.
    Set(SetError),
    /// A number that no chain can live by.
    Number {
        /// As the document names it.
        name: &'static str,
        /// The number.
        got: u64,
        /// The least that is allowed.
        least: u64,
        /// The most that is allowed.
        most: u64,
    },
    /// The chain starts further ahead than [`Genesis::MAX_AHEAD_MS`].
    FarAhead {
        /// How far, in milliseconds.
        ahead_ms: u64,
    },
    /// The trusting period is over two thirds of unbonding: keys that no longer answer for what
    /// they sign would still be believed.
    TrustingPeriod {
        /// In milliseconds.
        got: u64,
        /// The most that is allowed, in milliseconds.
        most: u64,
    },
    /// The validator of this name is not enrolled as it must be.
    Enrolment(String, EnrolmentFault),
    /// Its people are not what a chain can start with.
    People(PeopleFault),
    /// The first state could not be built.
    State(StateError),
}

impl fmt::Display for GenesisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "{name:?} is no unique name of 1 to 32 of a-z, 0-9 and -"),
            Self::Set(why) => why.fmt(f),
            Self::Number { name, got, least, most } => {
                write!(f, "{name} is {got}: it must be {least} to {most}")
            }
            Self::FarAhead { ahead_ms } => {
                let (days, most) = (ahead_ms / DAY_MS, Genesis::MAX_AHEAD_MS / DAY_MS);
                write!(f, "the chain starts {days} days from now: it must start within {most}")
            }
            Self::TrustingPeriod { got, most } => {
                write!(f, "the trusting period of {got} ms is over two thirds of unbonding ({most} ms)")
            }
            Self::Enrolment(name, why) => write!(f, "validator {name}: {why}"),
            Self::People(why) => why.fmt(f),
            Self::State(why) => why.fmt(f),
        }
    }
}

impl Genesis {
    /// State key of the chain parameters.
    pub const PARAMS_KEY: &'static [u8] = b"params";
    /// State key of the network's name.
    pub const NETWORK_KEY: &'static [u8] = b"network";

    /// A chain may be agreed on this long before it starts, in milliseconds. Its trusting period
    /// counts from the start, so a start without bound would be trust without end.
    pub const MAX_AHEAD_MS: u64 = 365 * DAY_MS;

    /// Whether the chain starts in time, as seen at `now`.
    ///
    /// # Errors
    /// [`GenesisError::FarAhead`].
    pub const fn starts_in_time(&self, now: Time) -> Result<(), GenesisError> {
        let ahead_ms = self.time.0.saturating_sub(now.0);
        if ahead_ms > Self::MAX_AHEAD_MS { Err(GenesisError::FarAhead { ahead_ms }) } else { Ok(()) }
    }

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
        self.params.check()?;
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

    /// Whether every validator is enrolled with proof that its keys are held, no key is used twice, and
    /// its people are enough for its policy. Asked by whoever takes part; a light node needs the chain id
    /// only.
    ///
    /// # Errors
    /// [`GenesisError::Enrolment`] or [`GenesisError::People`], for the first fault.
    pub fn verify_enrolments(&self) -> Result<(), GenesisError> {
        let (mut used, mut pq_keys) = (BTreeSet::new(), BTreeSet::new());
        self.validators.iter().try_for_each(|member| {
            let GenesisValidator { name, validator, enrolment } = member;
            let fault = |fault| GenesisError::Enrolment(name.clone(), fault);
            let enrolment = enrolment.as_ref().ok_or_else(|| fault(EnrolmentFault::Missing))?;
            for (purpose, key, _) in enrolment.keys(validator) {
                if !used.insert(key) {
                    return Err(fault(EnrolmentFault::KeyTwice(purpose)));
                }
            }
            if validator.has_pq_key() && !pq_keys.insert(validator.pq_key_hash) {
                return Err(fault(EnrolmentFault::PqKeyTwice));
            }
            enrolment.check(&self.network, name, validator).map_err(fault)
        })?;
        let used = used.iter().map(|key| key.0.to_vec());
        self.check_people(used.chain(pq_keys.iter().map(|hash| hash.0.to_vec())).collect())
    }

    /// `used`: the keys of the validators.
    fn check_people(&self, used: BTreeSet<Vec<u8>>) -> Result<(), GenesisError> {
        let Some(people) = &self.people else { return Ok(()) };
        let (got, most) = (self.params.block_interval_ms, People::MAX_BLOCK_INTERVAL_MS);
        if got > most {
            let (name, least) = ("block_interval_ms", MIN_BLOCK_INTERVAL_MS);
            return Err(GenesisError::Number { name, got, least, most });
        }
        people.check(&self.network, used).map_err(GenesisError::People)
    }

    /// The state before the first block: parameters, the network's name, the validators' names, the
    /// registry of those that are enrolled, and the people with their policy.
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
            entries.extend(member.registry().into_iter().map(|(key, value)| (key, Some(value))));
        }
        let people = self.people.iter().flat_map(|people| people.entries(self.params.block_interval_ms));
        entries.extend(people.map(|(key, value)| (key, Some(value))));
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

#[cfg(test)]
mod tests {
    use qratum_crypto::sign::ed25519::{PublicKey, SecretKey};

    use super::*;
    use crate::types::{Class, Jurisdiction, Policy, Proofs, Purpose, RuleFault, STAKE_UNIT};

    fn secret(seed: u8) -> SecretKey {
        SecretKey::from_seed(&[seed; 32])
    }

    /// Signs what the member says now: its keys are those of `seed` and the two after it.
    fn prove(network: &str, member: &mut GenesisValidator, seed: u8) {
        let Some(enrolment) = &mut member.enrolment else { return };
        let scope = enrolment.scope(network, &member.name, &member.validator);
        enrolment.proofs = Proofs::sign(scope, &secret(seed), &secret(seed + 1), &secret(seed + 2));
    }

    fn member(name: &str, seed: u8) -> GenesisValidator {
        let mut member = GenesisValidator {
            name: name.to_owned(),
            validator: Validator {
                pubkey: secret(seed).public(),
                power: 30,
                jurisdiction: Jurisdiction::new(*b"CH").unwrap(),
                since_set: SetId(0),
                pq_key_hash: Hash::ZERO,
            },
            enrolment: Some(Enrolment {
                operator: "acme".to_owned(),
                stake: 30 * STAKE_UNIT + 9_999,
                peer_key: secret(seed + 1).public(),
                operator_key: secret(seed + 2).public(),
                proofs: Proofs::MISSING,
            }),
        };
        prove("test", &mut member, seed);
        member
    }

    fn genesis() -> Genesis {
        Genesis {
            network: "test".to_owned(),
            demo: true,
            time: Time(1_800_000_000_000),
            params: ChainParams::default(),
            validators: vec![member("north", 1), member("east", 11)],
            people: None,
        }
    }

    /// What is found when the second of two members is changed like this and, so told, signs again.
    fn found(change: impl Fn(&mut GenesisValidator), signs: bool) -> Option<EnrolmentFault> {
        let mut genesis = genesis();
        let east = &mut genesis.validators[1];
        change(east);
        if signs {
            prove("test", east, 11);
        }
        match genesis.verify_enrolments() {
            Ok(()) => None,
            Err(GenesisError::Enrolment(name, fault)) if name == "east" => Some(fault),
            Err(other) => panic!("{other}"),
        }
    }

    fn of(change: impl Fn(&mut Enrolment)) -> impl Fn(&mut GenesisValidator) {
        move |member| member.enrolment.as_mut().into_iter().for_each(&change)
    }

    #[test]
    fn each_fault_of_an_enrolment_has_its_name() {
        assert_eq!(found(|_| {}, true), None);
        assert_eq!(found(|m| m.enrolment = None, true), Some(EnrolmentFault::Missing));
        let operator = of(|e| e.operator = "Acme".to_owned());
        assert_eq!(found(operator, true), Some(EnrolmentFault::Operator));
        assert_eq!(found(of(|e| e.stake = 9_999), true), Some(EnrolmentFault::LeastStake(9_999)));
        let power = EnrolmentFault::Power { power: 30, staked: 31 };
        assert_eq!(found(of(|e| e.stake = 31 * STAKE_UNIT), true), Some(power));
        let twice = |purpose| Some(EnrolmentFault::KeyTwice(purpose));
        assert_eq!(found(of(|e| e.peer_key = secret(1).public()), true), twice(Purpose::Peer));
        assert_eq!(found(of(|e| e.operator_key = secret(12).public()), true), twice(Purpose::Operator));
        assert_eq!(found(|m| m.validator.pubkey = secret(3).public(), true), twice(Purpose::Vote));
    }

    #[test]
    fn an_ml_dsa_key_is_of_one_validator() {
        let mut genesis = genesis();
        for (member, seed) in genesis.validators.iter_mut().zip([1, 11]) {
            member.validator.pq_key_hash = Hash([5; 32]);
            prove("test", member, seed);
        }
        let twice = GenesisError::Enrolment("east".to_owned(), EnrolmentFault::PqKeyTwice);
        assert_eq!(genesis.verify_enrolments(), Err(twice));
    }

    #[test]
    fn every_key_must_sign_all_that_is_enrolled_and_for_its_purpose() {
        let unproven = |purpose| Some(EnrolmentFault::Possession(purpose));
        let changes: [fn(&mut GenesisValidator); 4] = [
            |member| member.validator.jurisdiction = Jurisdiction::new(*b"DE").unwrap(),
            |member| member.validator.pq_key_hash = Hash([1; 32]),
            |member| member.enrolment.as_mut().unwrap().operator.push('x'),
            |member| member.enrolment.as_mut().unwrap().stake -= 1,
        ];
        for change in changes {
            assert_eq!(found(change, false), unproven(Purpose::Vote));
            assert_eq!(found(change, true), None);
        }
        assert_eq!(found(of(|e| e.proofs.vote.0[0] ^= 1), false), unproven(Purpose::Vote));
        assert_eq!(found(of(|e| e.proofs.peer = e.proofs.operator), false), unproven(Purpose::Peer));
        assert_eq!(found(of(|e| e.proofs.operator.0[63] ^= 1), false), unproven(Purpose::Operator));
        let other_purpose = |member: &mut GenesisValidator| {
            let enrolment = member.enrolment.as_mut().unwrap();
            let scope = enrolment.scope("test", &member.name, &member.validator);
            let key = secret(12);
            enrolment.proofs.peer = key.sign(&Purpose::Operator.possession(scope, &key.public()));
        };
        assert_eq!(found(other_purpose, false), unproven(Purpose::Peer));
        let identity = of(|e| {
            e.operator_key = PublicKey([[1].as_slice(), &[0; 31]].concat().try_into().unwrap());
        });
        assert_eq!(found(identity, true), unproven(Purpose::Operator));
        let other = Genesis { network: "other".to_owned(), ..genesis() };
        let north = GenesisError::Enrolment("north".to_owned(), EnrolmentFault::Possession(Purpose::Vote));
        assert_eq!(other.verify_enrolments(), Err(north));
    }

    #[test]
    fn the_state_holds_the_registry_of_whoever_is_enrolled() {
        let mut genesis = genesis();
        let state = genesis.state().unwrap();
        let value = |key: &[u8]| state.prove(key).unwrap().0;
        let north = value(b"validator/north").unwrap();
        assert_eq!(Registration::from_bytes(&north).ok(), genesis.validators[0].registration());
        for (seed, purpose) in [(11, Purpose::Vote), (12, Purpose::Peer), (13, Purpose::Operator)] {
            let entry = value(&KeyUse::state_key(&secret(seed).public())).unwrap();
            let east = KeyUse { purpose, name: "east".to_owned() };
            assert_eq!(KeyUse::from_bytes(&entry), Ok(east));
        }
        let enrolled = genesis.chain_id().unwrap();
        genesis.validators.iter_mut().for_each(|member| member.enrolment = None);
        assert_eq!(genesis.state().unwrap().prove(b"validator/north").unwrap().0, None);
        assert_ne!(genesis.chain_id().unwrap(), enrolled);
    }

    #[test]
    fn a_number_that_switches_a_rule_off_is_none() {
        let refused = |change: fn(&mut ChainParams)| {
            let mut genesis = genesis();
            change(&mut genesis.params);
            match genesis.validator_set() {
                Err(GenesisError::Number { name, .. }) => name,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(refused(|p| p.set_length = 0), "set_length");
        assert_eq!(refused(|p| p.set_length = u64::MAX), "set_length");
        assert_eq!(refused(|p| p.block_interval_ms = 9), "block_interval_ms");
        assert_eq!(refused(|p| p.block_interval_ms = HOUR_MS + 1), "block_interval_ms");
        assert_eq!(refused(|p| p.unbonding_sets = 1), "unbonding_sets");
        assert_eq!(refused(|p| p.unbonding_sets = u64::MAX), "unbonding_sets");
        assert_eq!(refused(|p| p.unbonding_ms = u64::MAX), "unbonding_ms");
        assert_eq!(refused(|p| p.trusting_period_ms = 0), "trusting_period_ms");
        assert_eq!(refused(|p| p.clock_drift_ms = MINUTE_MS + 1), "clock_drift_ms");
        let mut edge = genesis();
        edge.params = ChainParams {
            set_length: 1,
            block_interval_ms: 10,
            unbonding_sets: 2,
            unbonding_ms: 3,
            trusting_period_ms: 2,
            clock_drift_ms: MINUTE_MS,
            engine: Engine::Tendermint,
        };
        assert!(edge.validator_set().is_ok());
        edge.params.trusting_period_ms = 3;
        assert_eq!(edge.validator_set(), Err(GenesisError::TrustingPeriod { got: 3, most: 2 }));
    }

    #[test]
    fn people_need_blocks_that_come_soon_and_rules() {
        let (rp_id, policy) = ("test.qratum.invalid".to_owned(), Policy::default());
        let (accounts, proofs, governance) = Default::default();
        let people = People { rp_id, policy, accounts, proofs, governance };
        let mut genesis = Genesis { people: Some(people), ..genesis() };
        let most = People::MAX_BLOCK_INTERVAL_MS;
        genesis.params.block_interval_ms = most;
        let missing = PeopleFault::Rule(Class::Access, RuleFault::Missing);
        assert_eq!(genesis.check_people(BTreeSet::new()), Err(GenesisError::People(missing)));
        genesis.params.block_interval_ms = most + 1;
        let slow = GenesisError::Number { name: "block_interval_ms", got: most + 1, least: 10, most };
        assert_eq!(genesis.check_people(BTreeSet::new()), Err(slow));
        assert_eq!(Genesis { people: None, ..genesis }.check_people(BTreeSet::new()), Ok(()));
    }

    #[test]
    fn a_chain_starts_within_a_year() {
        let genesis = genesis();
        let now = Time(genesis.time.0 - Genesis::MAX_AHEAD_MS);
        assert_eq!(genesis.starts_in_time(now), Ok(()));
        let ahead_ms = Genesis::MAX_AHEAD_MS + 1;
        assert_eq!(genesis.starts_in_time(Time(now.0 - 1)), Err(GenesisError::FarAhead { ahead_ms }));
    }
}
