//! The product behind wrappers with one bug each: of the kinds that decoders have, none of which
//! stands in the product.

#![allow(
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    reason = "bugs, on purpose, that their targets must find"
)]

use qratum_chain::{
    Hash,
    codec::{Decode, Malformed, Reader},
    document::{Anchor, Bundle, DocumentError, Evidence, HeaderProof, Statement, StatementProof},
    ledger::registry::Order,
    state::StateProof,
    types::{
        Certificate, ChainedCertificate, Checkpoint, CommitCertificate, DoubleVote, Genesis, Header,
        LightBlock, PhaseCertificate, Proposal, Registration, SignedProposal, SignedVote, Time, Vote,
    },
};
use qratum_crypto::merkle::ProofError;
use qratum_light_node::{
    ConfigError, Peer,
    wire::{Request, Response},
};
use qratum_validator::{
    engine::Entry,
    message::{self, Reply},
    snapshot::Snapshot,
};
use qratum_verifier::{
    Reject,
    sync::{Progress, Sync, Then},
};

use crate::{honest, members::Members};

pub(crate) use honest::{double_proposal, fork};

/// Decodes `data` after `change`: bytes that are no encoding become one.
fn after<T: Decode>(data: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Result<T, Malformed> {
    let mut bytes = data.to_vec();
    change(&mut bytes);
    T::from_bytes(&bytes)
}

/// Reads version 2 as version 1.
pub(crate) fn header(data: &[u8]) -> Result<Header, Malformed> {
    after(data, |bytes| {
        if let Some(version) = bytes.first_mut().filter(|version| **version == 2) {
            *version = 1;
        }
    })
}

/// Reads the tag 2 of the value as nil.
pub(crate) fn vote(data: &[u8]) -> Result<Vote, Malformed> {
    after(data, |bytes| {
        if let Some(tag) = bytes.get_mut(53).filter(|tag| **tag == 2) {
            *tag = 0;
        }
    })
}

/// Reads every negative proof-of-lock round as -1.
pub(crate) fn proposal(data: &[u8]) -> Result<Proposal, Malformed> {
    honest::proposal(data).map(|proposal| Proposal { pol_round: proposal.pol_round.max(-1), ..proposal })
}

/// Panics on the first index that is too large for any set.
pub(crate) fn signed_vote(data: &[u8]) -> Result<SignedVote, Malformed> {
    let vote = honest::signed_vote(data)?;
    assert!(vote.signer != 1024, "planted: signer 1024");
    Ok(vote)
}

/// Forgets to refuse what stands behind the value.
pub(crate) fn signed_proposal(data: &[u8]) -> Result<SignedProposal, Malformed> {
    SignedProposal::decode(&mut Reader::new(data))
}

/// Reads lower-case letters of a jurisdiction as capitals.
pub(crate) fn validators(data: &[u8]) -> Result<Members, Malformed> {
    after(data, |bytes| {
        for place in (44..bytes.len()).step_by(82) {
            bytes.iter_mut().skip(place).take(2).for_each(|letter| letter.make_ascii_uppercase());
        }
    })
}

/// Drops the zero bytes at the end of a bitmap.
pub(crate) fn commit(data: &[u8]) -> Result<CommitCertificate, Malformed> {
    let mut commit = honest::commit(data)?;
    while commit.bitmap.0.last() == Some(&0) {
        commit.bitmap.0.pop();
    }
    Ok(commit)
}

/// Reads a hand-over without second signatures as an ordinary certificate.
pub(crate) fn certificate(data: &[u8]) -> Result<Certificate, Malformed> {
    Ok(match honest::certificate(data)? {
        Certificate::Handover(commit, pq) if pq.is_empty() => Certificate::Commit(commit),
        other => other,
    })
}

/// Counts views from the last block's certificate to the tip's, below zero.
pub(crate) fn chained(data: &[u8]) -> Result<ChainedCertificate, Malformed> {
    let chained = honest::chained(data)?;
    match chained.blocks.last().map(|block| chained.tip.view - block.justify.view) {
        Some(0) => Err(Malformed::Field("views")),
        _ => Ok(chained),
    }
}

/// Reads phases it does not know as the last one.
pub(crate) fn phase(data: &[u8]) -> Result<PhaseCertificate, Malformed> {
    after(data, |bytes| {
        if let Some(phase) = bytes.get_mut(48) {
            *phase = (*phase).min(4);
        }
    })
}

/// Takes an empty next set for none.
pub(crate) fn light_block(data: &[u8]) -> Result<LightBlock, Malformed> {
    let block = honest::light_block(data)?;
    Ok(LightBlock { next_validators: block.next_validators.filter(|set| !set.is_empty()), ..block })
}

/// Counts the time a checkpoint is good for, below zero.
pub(crate) fn checkpoint(data: &[u8]) -> Result<Checkpoint, Malformed> {
    let checkpoint = honest::checkpoint(data)?;
    let good_for = checkpoint.not_after.0 - checkpoint.time.0;
    if good_for == 0 { Err(Malformed::Field("not after")) } else { Ok(checkpoint) }
}

/// Reads a note without a word in it as leave.
pub(crate) fn order(data: &[u8]) -> Result<Order, Malformed> {
    Ok(match honest::order(data)? {
        Order::Note(text) if text.is_empty() => Order::Leave,
        other => other,
    })
}

/// Reads an unknown status as jailed.
pub(crate) fn registration(data: &[u8]) -> Result<Registration, Malformed> {
    after(data, |bytes| {
        let operator = bytes.first().copied().map_or(0, usize::from);
        if let Some(status) = bytes.get_mut(4 + operator + 2 + 8) {
            *status = (*status).min(3);
        }
    })
}

/// Forgets to refuse what stands behind the value.
pub(crate) fn snapshot(data: &[u8]) -> Result<Snapshot, Malformed> {
    Snapshot::decode(&mut Reader::new(data))
}

/// Takes the second vote's chain for the first one's.
pub(crate) fn double_vote(data: &[u8]) -> Result<DoubleVote, Malformed> {
    let mut evidence = honest::double_vote(data)?;
    evidence.second.vote.chain_id = evidence.first.vote.chain_id;
    Ok(evidence)
}

/// Brings a height and a size that stand the wrong way round into order.
pub(crate) fn request(data: &[u8]) -> Result<Request, Malformed> {
    Ok(match honest::request(data)? {
        Request::History { height, size } if height > size => Request::History { height: size, size: height },
        other => other,
    })
}

/// Takes an empty value for none.
pub(crate) fn response(data: &[u8]) -> Result<Response, Malformed> {
    Ok(match honest::response(data)? {
        Response::State { height, mut entries } => {
            for entry in &mut entries {
                entry.value = entry.value.take().filter(|value| !value.is_empty());
            }
            Response::State { height, entries }
        }
        other => other,
    })
}

/// Reads a reason to enter a round that it does not know as the last one.
pub(crate) fn consensus_request(data: &[u8]) -> Result<message::Request, Malformed> {
    after(data, |bytes| {
        if let [1, 4, reason, ..] = bytes.as_mut_slice() {
            *reason = (*reason).min(2);
        }
    })
}

/// Reads an answer without blocks as a note.
pub(crate) fn consensus_reply(data: &[u8]) -> Result<Reply, Malformed> {
    Ok(match honest::consensus_reply(data)? {
        Reply::Blocks(blocks) if blocks.is_empty() => Reply::Noted,
        other => other,
    })
}

/// Reads clocks it does not know as the last one.
pub(crate) fn journal(data: &[u8]) -> Result<Entry, Malformed> {
    after(data, |bytes| {
        if let Some(kind) = bytes.get_mut(9).filter(|kind| **kind == 5) {
            *kind = 4;
        }
    })
}

/// Panics on a name that ends in a hyphen.
pub(crate) fn peers(text: &[u8]) -> Result<Vec<Peer>, ConfigError> {
    let peers = honest::peers(text)?;
    assert!(!peers.iter().any(|peer| peer.name.ends_with('-')), "planted: a hyphen");
    Ok(peers)
}

/// Believes absence when the proof shows no leaf, without a look at the root.
pub(crate) fn state_proof_holds(proof: &StateProof, root: Hash, key: &[u8], value: Option<&[u8]>) -> bool {
    let no_leaf = proof.to_bytes().first() == Some(&0);
    honest::state_proof_holds(proof, root, key, value) || value.is_none() && no_leaf
}

/// Writes numbers through a float, as JavaScript does.
pub(crate) fn header_to_json(proof: &HeaderProof) -> Result<String, DocumentError> {
    let mut proof = proof.clone();
    for member in &mut proof.validators {
        member.power = member.power as f64 as u64;
    }
    honest::header_to_json(&proof)
}

/// Trims names on the way out.
pub(crate) fn genesis_to_json(genesis: &Genesis) -> Result<String, DocumentError> {
    let network = genesis.network.trim().to_owned();
    honest::genesis_to_json(&Genesis { network, ..genesis.clone() })
}

/// Leaves members out whose power needs more than seven bytes.
pub(crate) fn evidence_to_json(evidence: &Evidence) -> Result<String, DocumentError> {
    let mut evidence = evidence.clone();
    if let Evidence::Offence(proof) = &mut evidence {
        proof.validators.retain(|member| member.power < 1 << 56);
    }
    honest::evidence_to_json(&evidence)
}

/// Leaves out an empty value.
pub(crate) fn proof_to_json(proof: &StatementProof) -> Result<String, DocumentError> {
    let mut proof = proof.clone();
    if let Statement::State { value, .. } = &mut proof.statement {
        *value = value.take().filter(|value| !value.is_empty());
    }
    honest::proof_to_json(&proof)
}

/// Forgives what editors put behind the end.
pub(crate) fn bundle(text: &[u8]) -> Result<Bundle, DocumentError> {
    honest::bundle(text.trim_ascii_end())
}

/// Writes "not after" in seconds.
pub(crate) fn anchor_to_json(anchor: &Anchor) -> Result<String, DocumentError> {
    let mut anchor = anchor.clone();
    anchor.checkpoint.not_after.0 -= anchor.checkpoint.not_after.0 % 1000;
    honest::anchor_to_json(&anchor)
}

/// Stops reading a proof when it has led to the root.
pub(crate) fn inclusion(leaf: Hash, place: (u64, u64), proof: &[Hash], root: Hash) -> Result<(), ProofError> {
    let shorter = proof.split_last().map(|(_, shorter)| honest::inclusion(leaf, place, shorter, root));
    honest::inclusion(leaf, place, proof, root).or(shorter.unwrap_or(Err(ProofError::WrongLength)))
}

/// Takes a block whose signatures are bad for verified.
pub(crate) fn answer(sync: &mut Sync, block: LightBlock, now: Time) -> Progress {
    let mut progress = honest::answer(sync, block.clone(), now);
    if matches!(progress.then, Then::Refused(Reject::BadSignature { .. })) {
        progress = Progress { advanced: Some(block), then: Then::Current };
    }
    progress
}
