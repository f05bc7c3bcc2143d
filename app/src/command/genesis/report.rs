//! What is in a genesis, and is every rule kept?

use std::collections::BTreeMap;

use qratum_chain::types::{Engine, Genesis, GenesisValidator};
use qratum_light_node::peer_id;
use serde::Serialize;

use crate::{hex, time};

/// A genesis and what is wrong with it, as `--json` prints it.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    schema: &'static str,
    stage: &'static str,
    network: String,
    demo: bool,
    time_ms: u64,
    set_length: u64,
    block_interval_ms: u64,
    unbonding_sets: u64,
    unbonding_ms: u64,
    trusting_period_ms: u64,
    clock_drift_ms: u64,
    engine: &'static str,
    /// Null until every rule is kept.
    chain_id: Option<String>,
    total: u128,
    validators: Vec<Member>,
    faults: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Member {
    name: String,
    /// Null, as are the fields behind it that come with an enrolment, where there is none.
    operator: Option<String>,
    jurisdiction: String,
    power: u64,
    stake: Option<u64>,
    vote_key: String,
    peer_id: Option<String>,
    operator_key: Option<String>,
}

impl Report {
    pub(super) fn of(genesis: &Genesis) -> Self {
        let faults = faults(genesis);
        let chain_id = genesis.chain_id().ok().filter(|_| faults.is_empty());
        let params = &genesis.params;
        Self {
            schema: "qratum/genesis-report/v1",
            stage: match genesis.validators.len() {
                0 => "draft",
                1 => "application",
                _ => "network",
            },
            network: genesis.network.clone(),
            demo: genesis.demo,
            time_ms: genesis.time.0,
            set_length: params.set_length,
            block_interval_ms: params.block_interval_ms,
            unbonding_sets: params.unbonding_sets,
            unbonding_ms: params.unbonding_ms,
            trusting_period_ms: params.trusting_period_ms,
            clock_drift_ms: params.clock_drift_ms,
            engine: match params.engine {
                Engine::Tendermint => "tendermint",
                Engine::HotStuff { .. } => "hotstuff",
            },
            chain_id: chain_id.map(|id| id.to_string()),
            total: genesis.validators.iter().map(|member| u128::from(member.validator.power)).sum(),
            validators: genesis.validators.iter().map(Member::of).collect(),
            faults,
        }
    }

    /// Whether every rule is kept.
    pub(super) const fn is_complete(&self) -> bool {
        self.chain_id.is_some()
    }

    /// Accepted with the id to compare, or every fault.
    pub(super) fn verdict(&self) -> String {
        let Some(chain_id) = &self.chain_id else {
            let faults = self.faults.iter().map(|fault| format!("fault     {fault}\n"));
            return faults.fold("verdict   refused\n".to_owned(), |page, fault| page + &fault);
        };
        let Self { network, total, validators, .. } = self;
        if let [only] = validators.as_slice() {
            return format!(
                "verdict   every rule is kept, but this is the application of {} alone and no network yet\n\
                 next      give it to whoever puts the genesis together with `qratum genesis add`",
                only.name
            );
        }
        let spoken = hex::groups(chain_id).replace('\n', "\n          ");
        format!(
            "verdict   every rule is kept\nnetwork   {network}, {} validators, {total} power\n\
             numbers   bound by the chain id only: no operator signed them\nchain id  {spoken}\n\
             next      read the chain id to each other; then each: qratum init --genesis FILE --chain-id ...",
            validators.len()
        )
    }

    /// Everything.
    pub(super) fn page(&self) -> String {
        let Self { network, demo, time_ms, .. } = self;
        let kind = if *demo { "  (demo)" } else { "" };
        let starts = time::format(qratum_chain::types::Time(*time_ms));
        format!(
            "network   {network}{kind}\nstarts    {starts}\n{}{}{}",
            self.numbers(),
            self.members(),
            self.verdict()
        )
    }

    /// The numbers the chain lives by.
    pub(super) fn numbers(&self) -> String {
        let Self { set_length, block_interval_ms, unbonding_sets, clock_drift_ms, engine, .. } = self;
        format!(
            "sets      {set_length} blocks, one each {block_interval_ms} ms\n\
             unbonding {} and {unbonding_sets} sets, trusted for {}\n\
             clocks    {clock_drift_ms} ms ahead at most\nengine    {engine}\n",
            time::age(self.unbonding_ms),
            time::age(self.trusting_period_ms),
        )
    }

    /// The validators.
    pub(super) fn members(&self) -> String {
        self.validators.iter().map(|member| member.text(self.total)).collect()
    }
}

impl Member {
    fn of(member: &GenesisValidator) -> Self {
        let (leaf, enrolment) = (&member.validator, member.enrolment.as_ref());
        Self {
            name: member.name.clone(),
            operator: enrolment.map(|enrolment| enrolment.operator.clone()),
            jurisdiction: leaf.jurisdiction.to_string(),
            power: leaf.power,
            stake: enrolment.map(|enrolment| enrolment.stake),
            vote_key: leaf.pubkey.to_string(),
            peer_id: enrolment.and_then(|enrolment| peer_id(&enrolment.peer_key)).map(|id| id.to_string()),
            operator_key: enrolment.map(|enrolment| enrolment.operator_key.to_string()),
        }
    }

    fn text(&self, total: u128) -> String {
        let Self { name, jurisdiction, power, vote_key, .. } = self;
        let none = || "-".to_owned();
        let operator = self.operator.clone().unwrap_or_else(none);
        let stake = self.stake.map_or_else(none, |stake| stake.to_string());
        let peer = self.peer_id.clone().unwrap_or_else(none);
        let account = self.operator_key.clone().unwrap_or_else(none);
        format!(
            "validator {name} of {operator}, {jurisdiction}: stake {stake}, power {power} of {total}\n\
             \x20 vote key     {vote_key}\n  peer id      {peer}\n  operator key {account}\n"
        )
    }
}

/// Every rule that is broken, in words: those of the whole, then each validator's own, then keys
/// that two of them share.
pub(super) fn faults(genesis: &Genesis) -> Vec<String> {
    let mut found: Vec<String> = genesis.validator_set().err().iter().map(ToString::to_string).collect();
    found.extend(genesis.starts_in_time(time::now()).err().iter().map(ToString::to_string));
    if genesis.params.engine != Engine::Tendermint {
        found.push("qratum-validator does not make certificates of this kind".to_owned());
    }
    let mut alone = Genesis {
        validators: Vec::new(),
        network: genesis.network.clone(),
        params: genesis.params.clone(),
        people: None,
        ..*genesis
    };
    for member in &genesis.validators {
        alone.validators = vec![member.clone()];
        found.extend(alone.verify_enrolments().err().iter().map(ToString::to_string));
    }
    found.extend(shared(&genesis.validators));
    if found.is_empty() {
        found.extend(genesis.verify_enrolments().err().iter().map(ToString::to_string));
    }
    found
}

/// One key, one purpose: also across validators.
fn shared(members: &[GenesisValidator]) -> Vec<String> {
    let (mut known, mut pq_known) = (BTreeMap::new(), BTreeMap::new());
    let mut found = Vec::new();
    for member in members {
        let pq_key = Some(member.validator.pq_key_hash).filter(|_| member.validator.has_pq_key());
        if let Some(other) = pq_key.and_then(|key| pq_known.insert(key, &member.name)) {
            found.push(format!("validator {}: its ML-DSA key is that of {other}", member.name));
        }
        let keys = member.enrolment.iter().flat_map(|enrolment| enrolment.keys(&member.validator));
        for (purpose, key, _) in keys {
            let (name, use_of) = (&member.name, purpose);
            match known.insert(key, (name, use_of)) {
                Some((other, first)) if other != name => {
                    found.push(format!("validator {name}: its {use_of} is the {first} of {other}"));
                }
                _ => {}
            }
        }
    }
    found
}
