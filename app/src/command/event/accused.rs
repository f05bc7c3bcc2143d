//! Somebody broke the protocol: who, where, and the document that convinces others.

use qratum_chain::document::{Evidence, OffenceProof};
use qratum_light_node::{Accused, Names};
use serde::Serialize;

use super::{super::voting::AccusedJson, SCHEMA};
use crate::time;

/// The holder of a key signed two statements that exclude each other, as `--json` prints it.
#[derive(Debug, Serialize)]
pub(in crate::command) struct AccusedEvent {
    schema: &'static str,
    event: &'static str,
    #[serde(flatten)]
    accused: AccusedJson,
    /// What `qratum evidence verify` accepts.
    evidence: Evidence,
    at_ms: u64,
}

impl AccusedEvent {
    pub(in crate::command) fn of(accused: &Accused, names: &Names) -> Self {
        let Accused { key, proof } = accused;
        Self {
            schema: SCHEMA,
            event: "accused",
            accused: AccusedJson::of(names.called(key), names.operator(key), &proof.offence),
            evidence: Evidence::Offence(Box::new(OffenceProof::clone(proof))),
            at_ms: time::now().0,
        }
    }

    pub(super) fn line(&self) -> String {
        format!("accused {}: `--json` has the evidence", self.accused.line())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use qratum_chain::{
        Hash,
        types::{
            BlockId, ChainParams, DoubleVote, Enrolment, Genesis, GenesisValidator, Height, Jurisdiction,
            Offence, Phase, Proofs, Round, STAKE_UNIT, SetId, SignedVote, Time, Validator, Vote,
        },
    };
    use qratum_crypto::sign::ed25519::SecretKey;
    use qratum_verifier::{Trusted, detect};

    use super::*;

    /// A network of one, with keys that everybody knows.
    fn genesis() -> Genesis {
        let key = |seed| SecretKey::from_seed(&[seed; 32]).public();
        let validator = Validator {
            pubkey: key(1),
            power: 30,
            jurisdiction: Jurisdiction::new(*b"CH").unwrap(),
            since_set: SetId(0),
            pq_key_hash: Hash::ZERO,
        };
        let enrolment = Enrolment {
            operator: "acme".to_owned(),
            stake: 30 * STAKE_UNIT,
            peer_key: key(2),
            operator_key: key(3),
            proofs: Proofs::MISSING,
        };
        Genesis {
            network: "net".to_owned(),
            demo: true,
            time: Time(1000),
            params: ChainParams::default(),
            validators: vec![GenesisValidator {
                name: "east".to_owned(),
                validator,
                enrolment: Some(enrolment),
            }],
            people: None,
        }
    }

    #[test]
    fn the_accused_is_printed_as_in_the_sample() {
        let genesis = genesis();
        let (anchor, rules) = Trusted::genesis(&genesis).unwrap();
        let signed = |value| {
            let vote = Vote {
                phase: Phase::Prevote,
                chain_id: rules.chain_id,
                set_id: SetId(0),
                height: Height(8),
                round: Round(0),
                value,
            };
            let signature = SecretKey::from_seed(&[1; 32]).sign(&vote.sign_bytes());
            SignedVote { vote, signer: 0, signature }
        };
        let votes = DoubleVote { first: signed(None), second: signed(Some(BlockId(Hash([7; 32])))) };
        let validators = anchor.validators().members().to_vec();
        let proof = OffenceProof { offence: Offence::DoubleVote(votes), validators, path: Vec::new() };
        let guilty = detect::offence_proof(&proof, &anchor, &rules, genesis.time).unwrap();
        let accused = Accused { key: *guilty.get(), proof: Arc::new(proof) };
        let event = AccusedEvent::of(&accused, &Names::of(&genesis));
        let event = AccusedEvent { at_ms: 1_795_306_067_490, ..event };
        let line = "accused east: double-vote at height 8, round 0: `--json` has the evidence";
        assert_eq!(event.line(), line);
        let sample = include_str!("../../../tests/data/event-accused.json");
        assert_eq!(serde_json::to_string(&event).unwrap(), sample.trim_end());
    }
}
