//! Refusals for what comes as a file, and for answers that nobody asked for.

use qratum_chain::{
    Hash,
    codec::Encode,
    document::{HeaderProof, HistoryProof},
    ledger::Body,
    state::{StateMap, StateProof},
    types::{Checkpoint, DoubleVote, Genesis, Header, Offence, Time, Txo, TxoBody, TxoClass},
};
use serde_json::Value;

use super::{
    Book, Pair,
    inputs::{document, hex_of, input, proof, remade, with},
};
use crate::forge::Forge;

pub(super) fn add(book: &mut Book) {
    let small = Forge::small(8);
    not_proven(book, &small);
    history(book, &small);
    beside_a_history(book, &small);
    state(book, &small);
    transactions(book, &small);
    evidence(book, &small);
    checkpoint(book, &Forge::changing(3, 6));
    not_asked(book, &Forge::changing(12, 46));
}

fn not_proven(book: &mut Book, forge: &Forge) {
    let honest = document(forge, 5, &[]);
    for (name, path) in [("no-certificate", &[][..]), ("path-that-ends-below", &[4])] {
        let bare = HeaderProof { certificate: None, ..document(forge, 5, path) };
        let pair = Pair { bad: proof(forge, &bare), good: proof(forge, &honest) };
        book.add("NotProven", name, "a header without a certificate and without a place in a history", pair);
    }
    let genesis = |forge: &Forge| HeaderProof {
        header: forge.header(0),
        certificate: None,
        validators: forge.team(0).validators(),
        path: Vec::new(),
        history: None,
    };
    let other = genesis(&super::inputs::one_set(&[30, 25, 25, 21], 0));
    let pair = Pair { bad: proof(forge, &other), good: proof(forge, &genesis(forge)) };
    book.add("NotProven", "other-genesis", "the genesis header of another chain", pair);
}

/// `header` in the history of the head at height 8.
fn in_history(forge: &Forge, header: &Header, path: &[String]) -> Value {
    let fields = [("header", hex_of(header).into()), ("audit_path", path.into())];
    with(input(forge, "history", &[8], forge.now()), &fields)
}

fn audit_path(forge: &Forge, height: u64) -> Vec<String> {
    let path = forge.history.inclusion(height, 8).expect("below the head");
    path.iter().map(hex_of).collect()
}

fn history(book: &mut Book, forge: &Forge) {
    let path = audit_path(forge, 3);
    let honest = in_history(forge, &forge.header(3), &path);
    let mut add = |name: &str, comment: &str, header: &Header, path: &[String]| {
        let pair = Pair { bad: in_history(forge, header, path), good: honest.clone() };
        book.add("HistoryProof", name, comment, pair);
    };
    add("the-head-itself", "a head is not in its own history", &forge.header(8), &path);
    let mut forged = forge.header(3);
    forged.tx_root.0[0] ^= 1;
    add(
        "never-made",
        "a header that was never made, with the path of the one that was: O-10",
        &forged,
        &path,
    );
    let mut elsewhere = forge.header(3);
    elsewhere.height.0 = 2;
    add("another-height", "the header with another height", &elsewhere, &path);
    add("other-place", "a header with the path of its neighbour", &forge.header(2), &path);
    add("one-fewer", "without the last element", &forge.header(3), path.split_last().expect("a path").1);
    add("one-more", "the last element twice", &forge.header(3), &[path.clone(), path.clone()].concat());
    add("none", "no path", &forge.header(3), &[]);
    let mut swapped = path.clone();
    swapped.swap(0, 1);
    add("swapped", "two elements swapped", &forge.header(3), &swapped);
}

/// What a document says beside its history proof is held against the header, too.
fn beside_a_history(book: &mut Book, forge: &Forge) {
    let audit_path = forge.history.inclusion(3, 8).expect("below the head");
    let honest = HeaderProof {
        certificate: None,
        history: Some(HistoryProof { head: forge.block(8), audit_path }),
        ..document(forge, 3, &[])
    };
    let mut add = |variant, name: &str, comment: &str, bad: &HeaderProof| {
        book.add(variant, name, comment, Pair { bad: proof(forge, bad), good: proof(forge, &honest) });
    };
    let mut other = honest.clone();
    other.validators.iter_mut().take(1).for_each(|validator| validator.power += 1);
    add("WrongValidators", "beside-a-history", "a file whose set is not the proven header's", &other);
    other.validators.clear();
    add("WrongValidators", "beside-a-history-none", "a file that leaves the set out", &other);
}

fn state(book: &mut Book, forge: &Forge) {
    let map = forge.genesis.state().expect("a state");
    let present = Genesis::NETWORK_KEY;
    let case = |key: &[u8], value: Option<&[u8]>, proof: &StateProof| {
        let value = value.map_or(Value::Null, |value| hex::encode(value).into());
        let fields = [
            ("key", hex::encode(key).into()),
            ("value", value),
            ("proof", hex::encode(proof.to_bytes()).into()),
        ];
        with(input(forge, "state", &[8], forge.now()), &fields)
    };
    let proven = |map: &StateMap, key: &[u8]| map.prove(key).expect("a state that proves");
    let (value, there) = proven(&map, present);
    let (none, absent) = proven(&map, b"no such key");
    let value = value.expect("every chain has a name");
    let honest = case(present, Some(&value), &there);
    let honest_absent = case(b"no such key", none.as_deref(), &absent);
    let mut other = value.clone();
    other.iter_mut().take(1).for_each(|byte| *byte ^= 1);
    let foreign = Forge::changing(3, 0).genesis.state().expect("a state");
    let (_, params) = proven(&map, Genesis::PARAMS_KEY);
    let (_, elsewhere) = proven(&foreign, present);
    for (name, comment, bad, good) in [
        ("other-value", "another value under the key", case(present, Some(&other), &there), &honest),
        ("hidden", "a value that is there, shown as absent", case(present, None, &there), &honest),
        ("other-key", "the proof of another key", case(present, Some(&value), &params), &honest),
        (
            "other-state",
            "the proof from the state of another chain",
            case(present, Some(&value), &elsewhere),
            &honest,
        ),
        (
            "invented",
            "a value that is absent, shown as there",
            case(b"no such key", Some(b"1"), &absent),
            &honest_absent,
        ),
        (
            "absence-elsewhere",
            "absence shown with the proof of another key",
            case(b"no such key", None, &there),
            &honest_absent,
        ),
    ] {
        book.add("StateProof", name, comment, Pair { bad, good: good.clone() });
    }
}

/// Three transactions of nobody: whether they can be carried out is not the question here.
fn three(forge: &Forge) -> Body {
    let team = forge.team(1);
    let secret = &team.members.first().expect("a member").secret;
    let txo = |nonce| {
        let (chain_id, sender) = (forge.chain_id, secret.public());
        TxoBody { chain_id, sender: sender.into(), nonce, class: TxoClass::Network, payload: vec![2] }
            .sign(secret)
    };
    Body { transactions: (0..3).map(txo).collect(), evidence: Vec::new() }
}

fn transactions(book: &mut Book, forge: &Forge) {
    let body = three(forge);
    let block = remade(forge, 8, |header| header.tx_root = body.tx_root());
    let path = |index| body.audit_path(index).expect("a transaction of the body");
    let [first, second, _] = body.transactions.as_slice() else {
        return;
    };
    let case = |txo: &Txo, (index, count): (u64, u64), path: &[Hash]| {
        let path: Vec<String> = path.iter().map(hex_of).collect();
        let fields = [
            ("path", vec![hex_of(&block)].into()),
            ("txo", hex::encode(txo.to_bytes()).into()),
            ("index", index.into()),
            ("count", count.into()),
            ("audit_path", path.into()),
        ];
        with(input(forge, "txo", &[], forge.now()), &fields)
    };
    let good = case(second, (1, 3), &path(1));
    let mut add = |name: &str, comment: &str, bad: Value| {
        book.add("TxoProof", name, comment, Pair { bad, good: good.clone() });
    };
    add("another", "another transaction of the block at its place", case(first, (1, 3), &path(1)));
    add("other-place", "the transaction at the place of its neighbour", case(second, (0, 3), &path(1)));
    add("other-count", "the transaction among two", case(second, (1, 2), &path(1)));
    add("behind-the-last", "the transaction behind the last", case(second, (3, 3), &path(1)));
    add(
        "one-fewer",
        "without the last element",
        case(second, (1, 3), path(1).split_last().expect("a path").1),
    );
    add("none", "no path", case(second, (1, 3), &[]));
}

fn evidence(book: &mut Book, forge: &Forge) {
    let header = forge.header(7);
    let vote = |member, value| forge.team(7).vote(member, forge.precommit(&header, value));
    let offence = |member| {
        let (first, second) = (vote(member, Some(header.id())), vote(member, None));
        Offence::DoubleVote(DoubleVote { first, second })
    };
    let both = [offence(1), offence(2)];
    let block = remade(forge, 8, |header| header.evidence_root = Body::root_of(&both));
    let case = |evidence: &[Offence]| {
        let evidence: Vec<String> = evidence.iter().map(hex_of).collect();
        let fields = [("path", vec![hex_of(&block)].into()), ("evidence", evidence.into())];
        with(input(forge, "evidence", &[], forge.now()), &fields)
    };
    let good = case(&both);
    let [one, two] = both.clone();
    for (name, comment, evidence) in [
        ("left-out", "one of two pieces of evidence", vec![one.clone()]),
        ("none", "none of two pieces of evidence", Vec::new()),
        ("swapped", "two pieces of evidence in the other order", vec![two.clone(), one.clone()]),
        ("one-more", "one piece of evidence twice", vec![one.clone(), two.clone(), two]),
        ("another", "evidence of another member", vec![one, offence(3)]),
    ] {
        book.add("WrongEvidence", name, comment, Pair { bad: case(&evidence), good: good.clone() });
    }
}

fn checkpoint(book: &mut Book, forge: &Forge) {
    let block = forge.block(4);
    let header = &block.header;
    let honest = Checkpoint {
        chain_id: forge.chain_id,
        height: header.height,
        time: header.time,
        set_id: header.set_id,
        block_id: header.id(),
        validators_hash: header.validators_hash,
        next_validators_hash: header.next_validators_hash,
        not_after: forge.now().plus(1),
    };
    let case = |checkpoint: &Checkpoint, at: Time| {
        let fields =
            [("checkpoint", hex_of(checkpoint).into()), ("block", hex::encode(block.to_bytes()).into())];
        with(input(forge, "checkpoint", &[], at), &fields)
    };
    let good = case(&honest, forge.now());
    type Change = fn(&mut Checkpoint);
    let changes: [(&'static str, &str, Change); 7] = [
        ("WrongCheckpoint", "height", |checkpoint| checkpoint.height.0 += 1),
        ("WrongCheckpoint", "time", |checkpoint| checkpoint.time.0 -= 1),
        ("WrongCheckpoint", "set-id", |checkpoint| checkpoint.set_id.0 = 1),
        ("WrongCheckpoint", "block-id", |checkpoint| checkpoint.block_id.0.0[31] ^= 1),
        ("WrongCheckpoint", "validators", |checkpoint| checkpoint.validators_hash.0[0] ^= 1),
        ("WrongCheckpoint", "next-validators", |checkpoint| {
            checkpoint.next_validators_hash = checkpoint.validators_hash;
        }),
        ("WrongChain", "checkpoint", |checkpoint| checkpoint.chain_id.0.0[0] ^= 1),
    ];
    for (variant, name, change) in changes {
        let mut wrong = honest.clone();
        change(&mut wrong);
        let pair = Pair { bad: case(&wrong, forge.now()), good: good.clone() };
        book.add(variant, name, "one field of the checkpoint differs from the block", pair);
    }
    for (name, late) in [("to-the-millisecond", 1), ("a-day-later", 86_400_000)] {
        let pair = Pair { bad: case(&honest, forge.now().plus(late)), good: good.clone() };
        book.add("CheckpointExpired", name, "the checkpoint is no longer to be started from", pair);
    }
}

/// A tip far away waits for the end of the set half way to it, at height 24.
fn not_asked(book: &mut Book, forge: &Forge) {
    let answers = |heights: [u64; 2]| {
        let blocks: Vec<Value> = heights.iter().map(|height| hex_of(&forge.block(*height)).into()).collect();
        with(input(forge, "sync", &[], forge.now()), &[("answers", blocks.into())])
    };
    for (name, height, comment) in [
        ("the-tip-again", 46, "the block that waits already"),
        ("hardly-nearer", 45, "one below it: a peer could go on like this for ever"),
        ("one-above", 25, "one above the block that was asked for"),
    ] {
        let pair = Pair { bad: answers([46, height]), good: answers([46, 24]) };
        book.add("NotAsked", name, comment, pair);
    }
}
