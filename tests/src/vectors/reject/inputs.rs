//! Inputs of cases, and the few ways to make a block with one fault.

use qratum_chain::{
    codec::Encode,
    document::{HeaderProof, genesis_to_json},
    types::{
        Certificate, ChainParams, CommitCertificate, Header, LightBlock, Time, Validator, ValidatorSet,
        validators_hash,
    },
};
use serde_json::{Value, json};

use super::Pair;
use crate::forge::{Forge, Team};

/// The bytes of a value in hex.
pub(super) fn hex_of(value: &impl Encode) -> String {
    hex::encode(value.to_bytes())
}

/// The genesis document of a forged chain.
fn genesis(forge: &Forge) -> Value {
    let text = genesis_to_json(&forge.genesis).expect("a genesis is a document");
    serde_json::from_str(&text).expect("a document is JSON")
}

/// An input that starts at genesis and goes over the honest blocks at the heights `path`.
pub(super) fn input(forge: &Forge, op: &str, path: &[u64], at: Time) -> Value {
    let path: Vec<String> = path.iter().map(|height| hex_of(&forge.block(*height))).collect();
    json!({"op": op, "genesis": genesis(forge), "path": path, "at": at.0})
}

/// The same input with these fields added.
pub(super) fn with(mut input: Value, fields: &[(&str, Value)]) -> Value {
    if let Some(object) = input.as_object_mut() {
        object.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
    input
}

/// A light block from a peer, after `path`, at `at`.
pub(super) fn block_at(forge: &Forge, path: &[u64], block: &LightBlock, at: Time) -> Value {
    with(input(forge, "light_block", path, at), &[("block", hex_of(block).into())])
}

/// Two light blocks from a peer, after `path`: one to refuse, one to accept.
pub(super) fn blocks(forge: &Forge, path: &[u64], bad: &LightBlock, good: &LightBlock) -> Pair {
    let of = |block| block_at(forge, path, block, forge.now());
    Pair { bad: of(bad), good: of(good) }
}

/// A faulty block against the honest one at its height.
pub(super) fn against_honest(forge: &Forge, path: &[u64], height: u64, bad: &LightBlock) -> Pair {
    blocks(forge, path, bad, &forge.block(height))
}

/// The block at `height` with its header changed and certified again.
pub(super) fn remade(forge: &Forge, height: u64, change: impl FnOnce(&mut Header)) -> LightBlock {
    let mut header = forge.header(height);
    change(&mut header);
    forge.certified(header)
}

/// The block at `height` with its certificate changed and signed again by those in its bitmap.
pub(super) fn recertified(
    forge: &Forge,
    height: u64,
    change: impl FnOnce(&mut CommitCertificate),
) -> LightBlock {
    edited(forge, height, |commit| {
        change(commit);
        forge.team(height).sign(commit);
    })
}

/// The block at `height` with its certificate changed and not signed again.
pub(super) fn edited(forge: &Forge, height: u64, change: impl FnOnce(&mut CommitCertificate)) -> LightBlock {
    let mut block = forge.block(height);
    if let Certificate::Commit(commit) = &mut block.certificate {
        change(commit);
    }
    block
}

/// The block at `height` as another team would have made it: its set, its proposer, its votes.
pub(super) fn usurped(forge: &Forge, height: u64, team: &Team) -> LightBlock {
    let mut header = forge.header(height);
    let set = ValidatorSet::new(team.validators()).expect("a valid set");
    header.validators_hash = set.hash();
    header.next_validators_hash = set.hash();
    header.proposer = qratum_chain::schedule::proposer(&set, header.height, header.round);
    let commit = team.commit(forge.chain_id, &header, header.round, &team.least_quorum());
    let certificate = Certificate::Commit(commit);
    LightBlock { header, certificate, validators: team.validators(), next_validators: None }
}

/// The block at `height` that names `next` as the set after it, certified again.
pub(super) fn handing_over(forge: &Forge, height: u64, next: Vec<Validator>) -> LightBlock {
    let mut block = remade(forge, height, |header| header.next_validators_hash = validators_hash(&next));
    block.next_validators = Some(next);
    block
}

/// A header document from `forge`, with the honest blocks at `path` on the way.
pub(super) fn document(forge: &Forge, height: u64, path: &[u64]) -> HeaderProof {
    let block = forge.block(height);
    HeaderProof {
        header: block.header,
        certificate: Some(block.certificate),
        validators: block.validators,
        path: path.iter().map(|height| forge.block(*height)).collect(),
        history: None,
    }
}

/// A header document as a file, checked from genesis.
pub(super) fn proof(forge: &Forge, document: &HeaderProof) -> Value {
    let text = document.to_json().expect("a proof is a document");
    let document: Value = serde_json::from_str(&text).expect("a document is JSON");
    with(input(forge, "proof", &[], forge.now()), &[("document", document)])
}

/// A chain of one set with these powers, grown to `heights`.
pub(super) fn one_set(powers: &[u64], heights: u64) -> Forge {
    let params = ChainParams { set_length: 20, ..ChainParams::default() };
    Forge::new(params, vec![Team::new(1, powers)]).grown(heights)
}

/// A chain whose sets of length 4 are these teams, grown to `heights`.
pub(super) fn of_teams(teams: Vec<Team>, heights: u64) -> Forge {
    let params = ChainParams { set_length: 4, ..ChainParams::default() };
    Forge::new(params, teams).grown(heights)
}
