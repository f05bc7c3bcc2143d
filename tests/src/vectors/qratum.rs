//! Kind `qratum_verify`: what the verifier says to one input, and for which reason.
//!
//! `in.op` names the door: `light_block` and `sync` (a peer), `proof` (a file), `history`,
//! `state`, `txo`, `evidence`, `checkpoint`, `double_vote`, `double_proposal`, `offence` (a file), `fork`.
//! `in.genesis` is the trusted genesis document, `in.path` the light blocks (hex) that are accepted on the way, `in.at` the
//! clock in milliseconds. `reject` is the variant of [`qratum_verifier::Reject`] that must be the
//! reason; `Malformed` stands for bytes that decode to nothing.

use qratum_chain::{
    Hash,
    codec::Decode,
    document::{self, Evidence, HeaderProof},
    state::StateProof,
    types::{Checkpoint, DoubleProposal, DoubleVote, ForkEvidence, Header, LightBlock, Offence, Time, Txo},
};
use qratum_verifier::{
    Reject, Rules, SetCache, Trusted, Verdict, detect, proof,
    sync::{Sync, Then},
    verify,
};
use serde_json::Value;

use super::{Expect, Fields, Outcome, Unreadable};

/// Why something was refused: the reject's name, or a word for what is outside of the verifier.
type Refused = &'static str;

/// The reason of bytes that decode to nothing.
const MALFORMED: Refused = "Malformed";

/// What the verifier said, unless the case is unreadable.
type Answer = Result<Result<(), Refused>, Unreadable>;

pub(super) fn run(case: &Fields<'_>) -> Result<Outcome, Unreadable> {
    let expect = Expect::of(case)?;
    let input = case.fields("in")?;
    let Some(answer) = answer(&input)? else {
        return Ok(Outcome::Unsupported(format!("operation {}", input.text("op")?)));
    };
    Ok(match (expect.judge(answer.is_ok()), answer) {
        (Outcome::Passed, Err(got)) if case.has("reject") => super::same("reject", case.text("reject")?, got),
        (Outcome::Failed { expected, .. }, Err(got)) => Outcome::Failed { expected, got: got.to_owned() },
        (outcome, _) => outcome,
    })
}

/// What the verifier says; `None` for an operation that is not one of ours.
fn answer(input: &Fields<'_>) -> Result<Option<Result<(), Refused>>, Unreadable> {
    let run: fn(&Fields<'_>, World) -> Answer = match input.text("op")? {
        "light_block" => light_block,
        "proof" => header_proof,
        "history" => history,
        "state" => state,
        "txo" => txo,
        "evidence" => evidence,
        "checkpoint" => checkpoint,
        "double_vote" => double_vote,
        "double_proposal" => double_proposal,
        "offence" => offence,
        "fork" => fork,
        "sync" => sync,
        _ => return Ok(None),
    };
    match World::read(input)? {
        Ok(world) => run(input, world).map(Some),
        Err(refused) => Ok(Some(Err(refused))),
    }
}

/// Where a case starts: what is trusted after its path, by which rules, at which time.
struct World {
    trusted: Trusted,
    rules: Rules,
    sets: SetCache,
    now: Time,
}

impl World {
    fn read(input: &Fields<'_>) -> Result<Result<Self, Refused>, Unreadable> {
        let genesis = document(input.value("genesis")?);
        let Ok(genesis) = document::genesis_from_json(&genesis) else { return Ok(Err(MALFORMED)) };
        let Ok((trusted, rules)) = Trusted::genesis(&genesis) else { return Ok(Err("Genesis")) };
        let now = if input.has("at") { Time(input.number("at")?) } else { genesis.time };
        let mut world = Self { trusted, rules, sets: SetCache::default(), now };
        if input.has("path") {
            for step in input.texts("path")? {
                if let Err(refused) = world.advance(step) {
                    return Ok(Err(refused));
                }
            }
        }
        Ok(Ok(world))
    }

    /// Accepts the block of this hex text, or says why not.
    fn advance(&mut self, block: &str) -> Result<(), Refused> {
        let block: LightBlock = decode(block)?;
        match verify(&block, &self.trusted, &self.rules, &mut self.sets, self.now) {
            Verdict::Accept(accepted) => self.trusted = *accepted,
            Verdict::NotYet(_) => return Err("NotYet"),
            Verdict::Reject(reject) => return Err(reject.name()),
        }
        Ok(())
    }
}

/// A document is given as an object, or as the string of its very bytes.
fn document(value: &Value) -> Vec<u8> {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned).into_bytes()
}

fn decode<T: Decode>(text: &str) -> Result<T, Refused> {
    let bytes = hex::decode(text).map_err(|_| MALFORMED)?;
    T::from_bytes(&bytes).map_err(|_| MALFORMED)
}

fn named<T>(result: Result<T, Reject>) -> Result<(), Refused> {
    result.map(|_| ()).map_err(|reject| reject.name())
}

fn light_block(input: &Fields<'_>, mut world: World) -> Answer {
    Ok(world.advance(input.text("block")?))
}

/// A proof that chains but is expired counts as refused for `TrustExpired`.
fn header_proof(input: &Fields<'_>, world: World) -> Answer {
    let document = document(input.value("document")?);
    let Ok(document) = HeaderProof::from_json(&document) else { return Ok(Err(MALFORMED)) };
    Ok(match proof::check(&document, &world.trusted, &world.rules, world.now) {
        Ok(checked) if checked.expired => Err("TrustExpired"),
        checked => named(checked),
    })
}

fn history(input: &Fields<'_>, world: World) -> Answer {
    let (header, path) = (input.text("header")?, input.texts("audit_path")?);
    let path: Result<Vec<Hash>, Refused> = path.into_iter().map(decode).collect();
    Ok(decode::<Header>(header).and_then(|header| named(proof::in_history(&header, &world.trusted, &path?))))
}

fn state(input: &Fields<'_>, world: World) -> Answer {
    let (key, bytes) = (input.bytes("key")?, input.bytes("proof")?);
    let value = if input.has("value") { Some(input.bytes("value")?) } else { None };
    let Ok(state_proof) = StateProof::from_bytes(&bytes) else { return Ok(Err(MALFORMED)) };
    Ok(named(proof::in_state(&key, value, &state_proof, world.trusted.header())))
}

fn txo(input: &Fields<'_>, world: World) -> Answer {
    let (bytes, place) = (input.bytes("txo")?, (input.number("index")?, input.number("count")?));
    let path: Result<Vec<Hash>, Refused> = input.texts("audit_path")?.into_iter().map(decode).collect();
    let Ok(txo) = Txo::from_bytes(&bytes) else { return Ok(Err(MALFORMED)) };
    Ok(path.and_then(|path| named(proof::txo_in_block(txo, place, &path, world.trusted.header()))))
}

fn evidence(input: &Fields<'_>, world: World) -> Answer {
    let evidence: Result<Vec<Offence>, Refused> = input.texts("evidence")?.into_iter().map(decode).collect();
    Ok(evidence.and_then(|evidence| named(proof::evidence_in_block(evidence, world.trusted.header()))))
}

fn checkpoint(input: &Fields<'_>, mut world: World) -> Answer {
    let (checkpoint, block) = (input.text("checkpoint")?, input.text("block")?);
    Ok(decode::<Checkpoint>(checkpoint).and_then(|checkpoint| {
        let block = decode::<LightBlock>(block)?;
        named(Trusted::checkpoint(&checkpoint, &block, &world.rules, &mut world.sets, world.now))
    }))
}

fn double_vote(input: &Fields<'_>, world: World) -> Answer {
    Ok(decode::<DoubleVote>(input.text("evidence")?)
        .and_then(|evidence| named(detect::double_vote(&evidence, world.trusted.validators(), &world.rules))))
}

fn double_proposal(input: &Fields<'_>, world: World) -> Answer {
    Ok(decode::<DoubleProposal>(input.text("evidence")?).and_then(|evidence| {
        named(detect::double_proposal(&evidence, world.trusted.validators(), &world.rules))
    }))
}

fn offence(input: &Fields<'_>, world: World) -> Answer {
    let document = document(input.value("document")?);
    let Ok(Evidence::Offence(proof)) = Evidence::from_json(&document) else { return Ok(Err(MALFORMED)) };
    Ok(named(detect::offence_proof(&proof, &world.trusted, &world.rules, world.now)))
}

fn fork(input: &Fields<'_>, world: World) -> Answer {
    Ok(decode::<ForkEvidence>(input.text("evidence")?)
        .and_then(|evidence| named(detect::fork(&evidence, &world.trusted, &world.rules, world.now))))
}

/// All answers but the last must be taken; the last one is judged.
fn sync(input: &Fields<'_>, world: World) -> Answer {
    let mut sync = Sync::new(world.trusted, world.rules);
    let answers = input.texts("answers")?;
    let (last, before) =
        answers.split_last().ok_or_else(|| Unreadable("in.answers is an empty list".to_owned()))?;
    for answer in before {
        if let Err(refused) = answer_sync(&mut sync, answer, world.now) {
            return Err(Unreadable(format!("an answer before the last is refused: {refused}")));
        }
    }
    Ok(answer_sync(&mut sync, last, world.now))
}

fn answer_sync(sync: &mut Sync, block: &str, now: Time) -> Result<(), Refused> {
    match sync.answer(decode(block)?, now).then {
        Then::Current | Then::Waiting => Ok(()),
        Then::Refused(reject) => Err(reject.name()),
        Then::Forked(_) => Err("Forked"),
    }
}
