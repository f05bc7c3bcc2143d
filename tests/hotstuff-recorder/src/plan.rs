//! Which chain is recorded: its validators by set, and the one header that may stand on a given
//! history.
//!
//! A header is a function of the headers below it and of the certificate its block stands on, so
//! that every replica rebuilds a proposed header and compares. Header time is simulated for the
//! same reason: the block interval above the parent's.

use std::collections::BTreeSet;

use anyhow::{Context, Result, anyhow, ensure};
use ed25519_dalek::VerifyingKey;
use hotstuff_rs::types::{
    data_types::Power,
    update_sets::ValidatorSetUpdates,
    validator_set::{ValidatorSet as EngineSet, ValidatorSetState},
};
use qratum_chain::{
    Hash, schedule,
    state::{Changes, StateMap},
    types::{
        ChainId, ChainParams, Engine, Genesis, GenesisValidator, Header, Height, HotStuffPhase, HotStuffRule,
        Jurisdiction, Round, SetId, Time, Validator, ValidatorSet,
    },
};
use qratum_crypto::{
    domain, hash,
    merkle::{self, Sha3},
    sign::ed25519::SecretKey,
};

/// 2026-01-01T00:00:00Z.
const GENESIS_TIME: Time = Time(1_767_225_600_000);
const SET_LENGTH: u64 = 8;
const JURISDICTIONS: [&[u8; 2]; 5] = [b"CH", b"DE", b"SG", b"JP", b"BR"];

/// A chain to record.
pub(crate) struct Plan {
    /// Name of the file it goes to.
    pub(crate) file: &'static str,
    /// HotStuff's chain number.
    pub(crate) chain: u64,
    /// What the chain starts from.
    pub(crate) genesis: Genesis,
    /// Commit at least up to this height.
    pub(crate) tip: u64,
    /// One for each replica: every key that is a validator at some time.
    pub(crate) seeds: Vec<[u8; 32]>,
    /// By set id; the last one stays.
    sets: Vec<ValidatorSet>,
}

/// A validator to be: number of its key, and its power.
type Share = (u8, u64);

impl Plan {
    /// A chain whose set never changes.
    pub(crate) fn one_set() -> Result<Self> {
        Self::new("one-set.json", 1, 15, &[&[(0, 30), (1, 25), (2, 25), (3, 20)]])
    }

    /// At the end of set 0 the key of validator 1, last in its set, makes room for that of
    /// validator 4, which sorts into the middle: others move to other indexes. The new key has
    /// more than a third of the power, so that no certificate of the new set is without it.
    pub(crate) fn key_change() -> Result<Self> {
        let (old, new) = ([(0, 30), (1, 25), (2, 25), (3, 20)], [(0, 20), (2, 20), (3, 25), (4, 35)]);
        Self::new("key-change.json", 2, 20, &[&old, &new])
    }

    fn new(file: &'static str, chain: u64, tip: u64, shares: &[&[Share]]) -> Result<Self> {
        let mut sets = Vec::new();
        for set in 0..shares.len() {
            sets.push(members(shares, set)?);
        }
        let params = ChainParams {
            set_length: SET_LENGTH,
            engine: Engine::HotStuff { chain, rule: HotStuffRule::ThreeChain },
            ..ChainParams::default()
        };
        let network = file.trim_end_matches(".json").to_owned();
        let validators = sets.first().context("a first set")?.clone();
        let genesis = Genesis { network, demo: true, time: GENESIS_TIME, params, validators, people: None };
        genesis.validator_set().map_err(|why| anyhow!("genesis: {why}"))?;
        let keys: BTreeSet<u8> = shares.iter().copied().flatten().map(|(key, _)| *key).collect();
        let sets = sets.into_iter().map(|set| {
            let members = set.into_iter().map(|member| member.validator).collect();
            ValidatorSet::new(members).map_err(|why| anyhow!("set: {why}"))
        });
        let sets = sets.collect::<Result<_>>()?;
        Ok(Self { file, chain, genesis, tip, seeds: keys.into_iter().map(seed).collect(), sets })
    }

    /// The set that certifies `height`.
    pub(crate) fn set_at(&self, height: Height) -> Result<&ValidatorSet> {
        let set = schedule::set_of(height, SET_LENGTH);
        self.sets.get(usize::try_from(set.0)?).or(self.sets.last()).context("a set")
    }

    /// The set that certifies the height above, where it is another one.
    pub(crate) fn new_set_after(&self, height: Height) -> Result<Option<&ValidatorSet>> {
        let next = self.set_at(height.next())?;
        Ok((self.set_at(height)?.hash() != next.hash()).then_some(next))
    }

    /// The set that signed `phase` for the block at `height`: the new one decides.
    pub(crate) fn signers(&self, height: Height, phase: HotStuffPhase) -> Result<&ValidatorSet> {
        self.set_at(if phase == HotStuffPhase::Decide { height.next() } else { height })
    }

    /// What `hotstuff_rs` has to change in its set when it commits `height`; `None` where nothing
    /// changes, as even an empty change would start the phased mode.
    pub(crate) fn updates(&self, height: Height) -> Result<Option<ValidatorSetUpdates>> {
        let Some(next) = self.new_set_after(height)? else { return Ok(None) };
        let mut updates = ValidatorSetUpdates::new();
        for leaving in self.set_at(height)?.members() {
            if next.index_of(&leaving.pubkey).is_none() {
                updates.delete(engine_key(leaving)?);
            }
        }
        for member in next.members() {
            updates.insert(engine_key(member)?, Power::new(member.power));
        }
        Ok(Some(updates))
    }

    /// The state in which every replica starts.
    pub(crate) fn initial_sets(&self) -> Result<ValidatorSetState> {
        let set = engine_set(self.set_at(Height(0))?)?;
        Ok(ValidatorSetState::new(set.clone(), set, None, true))
    }

    /// The header on top of `below` (all headers from genesis on), in a block that stands on the
    /// certificate with the encoding `justify`. The genesis header on top of nothing.
    ///
    /// `last_certificate` is the tagged hash of `justify` in HotStuff's own encoding: a proposer
    /// does not yet know the certificate in our format, whose three-chain is still growing.
    pub(crate) fn header(&self, below: &[Header], justify: &[u8]) -> Result<Header> {
        let genesis = self.genesis.header().map_err(|why| anyhow!("genesis: {why}"))?;
        let Some(parent) = below.last() else { return Ok(genesis) };
        let height = parent.height.next();
        let set = self.set_at(height)?;
        let nothing = merkle::empty_root::<Sha3>();
        Ok(Header {
            chain_id: ChainId(genesis.id().0),
            height,
            round: Round(0),
            time: parent.time.plus(self.genesis.params.block_interval_ms),
            set_id: schedule::set_of(height, SET_LENGTH),
            parent: parent.id(),
            last_certificate: match height.0 {
                0 | 1 => Hash::ZERO,
                _ => hash::tagged(domain::CERTIFICATE, &[justify]),
            },
            tx_root: nothing,
            state_root: self.state_at(height)?.root(),
            validators_hash: set.hash(),
            next_validators_hash: self.set_at(height.next())?.hash(),
            evidence_root: nothing,
            history_root: merkle::root::<Sha3, _>(below.iter().map(|header| header.id().0.0)),
            proposer: schedule::proposer(set, height, Round(0)),
        })
    }

    /// The state after `height`: that of genesis, and the height under the key `height`.
    fn state_at(&self, height: Height) -> Result<StateMap> {
        let mut state = self.genesis.state().map_err(|why| anyhow!("genesis: {why}"))?;
        for height in 1..=height.0 {
            let changes = Changes::from([(b"height".to_vec(), Some(height.to_le_bytes().to_vec()))]);
            let pending = state.preview(&changes).map_err(|why| anyhow!("height {height}: {why}"))?;
            state.commit(pending);
        }
        Ok(state)
    }
}

/// Whether `hotstuff_rs` has the members of `ours` with their powers in the same order, so that
/// place i of a certificate is member i.
pub(crate) fn same_order(ours: &ValidatorSet, theirs: &EngineSet) -> bool {
    let theirs = theirs.validators_and_powers();
    ours.members()
        .iter()
        .map(|member| (member.pubkey.0, member.power))
        .eq(theirs.iter().map(|(key, power)| (key.to_bytes(), power.int())))
}

/// The members of `set`, in the order of their keys, which is that of `hotstuff_rs`.
fn members(shares: &[&[Share]], set: usize) -> Result<Vec<GenesisValidator>> {
    let mut members = Vec::new();
    for (key, power) in shares.get(set).copied().unwrap_or_default() {
        let first = shares.iter().position(|shares| shares.iter().any(|(other, _)| other == key));
        let jurisdiction =
            JURISDICTIONS.get(usize::from(*key)).and_then(|letters| Jurisdiction::new(**letters));
        members.push(GenesisValidator {
            name: format!("validator-{key}"),
            validator: Validator {
                pubkey: SecretKey::from_seed(&seed(*key)).public(),
                power: *power,
                jurisdiction: jurisdiction.context("a jurisdiction for each key")?,
                since_set: SetId(first.context("a first set")? as u64),
                pq_key_hash: Hash::ZERO,
            },
            enrolment: None,
        });
    }
    members.sort_by_key(|member| member.validator.pubkey.0);
    Ok(members)
}

/// Keys of a recording protect nothing: anyone may know them.
fn seed(key: u8) -> [u8; 32] {
    hash::sha3_256(format!("qratum hotstuff recorder, validator {key}").as_bytes()).0
}

fn engine_key(member: &Validator) -> Result<VerifyingKey> {
    Ok(VerifyingKey::from_bytes(&member.pubkey.0)?)
}

fn engine_set(set: &ValidatorSet) -> Result<EngineSet> {
    let mut theirs = EngineSet::new();
    for member in set.members() {
        theirs.put(&engine_key(member)?, Power::new(member.power));
    }
    ensure!(same_order(set, &theirs), "hotstuff_rs orders the set in another way");
    Ok(theirs)
}
