//! `qratum/genesis/v1`: what a user trusts at first.

use serde::{Deserialize, Serialize};

use super::{DocumentError, header::ValidatorJson, hex, parse, people::PeopleJson};
use crate::{
    codec::Malformed,
    types::{ChainParams, Engine, Enrolment, Genesis, GenesisValidator, HotStuffRule, Proofs, Time},
};

const SCHEMA: &str = "qratum/genesis/v1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    network: String,
    demo: bool,
    time_ms: u64,
    params: ParamsJson,
    validators: Vec<MemberJson>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    people: Option<PeopleJson>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ParamsJson {
    set_length: u64,
    block_interval_ms: u64,
    unbonding_sets: u64,
    unbonding_ms: u64,
    trusting_period_ms: u64,
    clock_drift_ms: u64,
    engine: EngineJson,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "lowercase", deny_unknown_fields)]
enum EngineJson {
    Tendermint {},
    Hotstuff { chain: u64, rule: u8 },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberJson {
    name: String,
    validator: ValidatorJson,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    enrolment: Option<EnrolmentJson>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnrolmentJson {
    operator: String,
    stake: u64,
    peer_key: String,
    operator_key: String,
    proofs: ProofsJson,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofsJson {
    vote: String,
    peer: String,
    operator: String,
}

/// The document of a genesis.
///
/// # Errors
/// [`DocumentError::Json`], which only an exhausted memory can cause.
pub fn genesis_to_json(genesis: &Genesis) -> Result<String, DocumentError> {
    let params = &genesis.params;
    let document = Document {
        schema: SCHEMA.to_owned(),
        network: genesis.network.clone(),
        demo: genesis.demo,
        time_ms: genesis.time.0,
        params: ParamsJson {
            set_length: params.set_length,
            block_interval_ms: params.block_interval_ms,
            unbonding_sets: params.unbonding_sets,
            unbonding_ms: params.unbonding_ms,
            trusting_period_ms: params.trusting_period_ms,
            clock_drift_ms: params.clock_drift_ms,
            engine: match params.engine {
                Engine::Tendermint => EngineJson::Tendermint {},
                Engine::HotStuff { chain, rule } => EngineJson::Hotstuff { chain, rule: rule as u8 },
            },
        },
        validators: genesis.validators.iter().map(MemberJson::from).collect(),
        people: genesis.people.as_ref().map(PeopleJson::from),
    };
    serde_json::to_string_pretty(&document).map_err(|error| DocumentError::Json(error.to_string()))
}

/// Reads a genesis. Its rules are checked when it is made an anchor, not here.
///
/// # Errors
/// [`DocumentError`].
pub fn genesis_from_json(text: &[u8]) -> Result<Genesis, DocumentError> {
    let document: Document = parse(text, SCHEMA)?;
    let params = document.params;
    Ok(Genesis {
        network: document.network,
        demo: document.demo,
        time: Time(document.time_ms),
        params: ChainParams {
            set_length: params.set_length,
            block_interval_ms: params.block_interval_ms,
            unbonding_sets: params.unbonding_sets,
            unbonding_ms: params.unbonding_ms,
            trusting_period_ms: params.trusting_period_ms,
            clock_drift_ms: params.clock_drift_ms,
            engine: engine(&params.engine)?,
        },
        validators: document.validators.iter().map(MemberJson::read).collect::<Result<_, _>>()?,
        people: document.people.as_ref().map(PeopleJson::read).transpose()?,
    })
}

fn engine(json: &EngineJson) -> Result<Engine, DocumentError> {
    match *json {
        EngineJson::Tendermint {} => Ok(Engine::Tendermint),
        EngineJson::Hotstuff { chain, rule: 2 } => {
            Ok(Engine::HotStuff { chain, rule: HotStuffRule::TwoChain })
        }
        EngineJson::Hotstuff { chain, rule: 3 } => {
            Ok(Engine::HotStuff { chain, rule: HotStuffRule::ThreeChain })
        }
        EngineJson::Hotstuff { .. } => Err(DocumentError::Malformed("engine", Malformed::Field("rule"))),
    }
}

impl From<&GenesisValidator> for MemberJson {
    fn from(member: &GenesisValidator) -> Self {
        Self {
            name: member.name.clone(),
            validator: ValidatorJson::from(&member.validator),
            enrolment: member.enrolment.as_ref().map(EnrolmentJson::from),
        }
    }
}

impl MemberJson {
    fn read(&self) -> Result<GenesisValidator, DocumentError> {
        Ok(GenesisValidator {
            name: self.name.clone(),
            validator: self.validator.read()?,
            enrolment: self.enrolment.as_ref().map(EnrolmentJson::read).transpose()?,
        })
    }
}

impl From<&Enrolment> for EnrolmentJson {
    fn from(enrolment: &Enrolment) -> Self {
        let proofs = &enrolment.proofs;
        Self {
            operator: enrolment.operator.clone(),
            stake: enrolment.stake,
            peer_key: enrolment.peer_key.to_string(),
            operator_key: enrolment.operator_key.to_string(),
            proofs: ProofsJson {
                vote: hex::of(&proofs.vote),
                peer: hex::of(&proofs.peer),
                operator: hex::of(&proofs.operator),
            },
        }
    }
}

impl EnrolmentJson {
    fn read(&self) -> Result<Enrolment, DocumentError> {
        Ok(Enrolment {
            operator: self.operator.clone(),
            stake: self.stake,
            peer_key: hex::key(&self.peer_key, "peer_key")?,
            operator_key: hex::key(&self.operator_key, "operator_key")?,
            proofs: Proofs {
                vote: hex::signature(&self.proofs.vote, "proofs.vote")?,
                peer: hex::signature(&self.proofs.peer, "proofs.peer")?,
                operator: hex::signature(&self.proofs.operator, "proofs.operator")?,
            },
        })
    }
}
