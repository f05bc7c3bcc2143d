//! Networks of validators in virtual time: storms from seeds, and the scenarios that have a name.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test file: a panic is the verdict")]

use std::{collections::BTreeSet, ops::Range};

use qratum_chain::{
    ledger::registry::Order,
    types::{DoubleProposal, DoubleVote, Height, SignedProposal, SignedVote, ValidatorSet},
};
use qratum_crypto::sign::ed25519::{PublicKey, SecretKey};
use qratum_light_node::wire::{Response, Submission};
use qratum_tests::{
    forge::seed_bytes,
    mischief::{fault::Fault, voice::Voice},
    simulation::{genesis, network, order, storm},
};
use qratum_validator::drivers::virtual_time::Net;
use qratum_verifier::{
    Reject, Rules, Verified,
    detect::{double_proposal, double_vote},
};

const MINUTE: u64 = 60_000;

/// So many storms; each that breaks a promise says how to run it again.
fn storms(seeds: Range<u64>) {
    let (whole, broken): (Vec<_>, Vec<_>) = seeds.map(storm).partition(Result::is_ok);
    let broken: Vec<String> = broken.into_iter().filter_map(Result::err).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let first = genesis().validator_set().unwrap();
    let changed = |net: &Net| net.host(0).unwrap().ledger().set().hash() != first.hash();
    let changed = whole.iter().filter(|net| net.as_ref().is_ok_and(changed)).count();
    assert!(changed * 10 > whole.len(), "sets changed in {changed} of {} storms only", whole.len());
}

/// One test for each part, so that they run side by side.
macro_rules! storms {
    ($($name:ident: $seeds:expr;)*) => {
        $(#[test]
        fn $name() {
            storms($seeds);
        })*
    };
}

storms! {
    storms_0: 0..25;
    storms_1: 25..50;
    storms_2: 50..75;
    storms_3: 75..100;
    storms_4: 100..125;
    storms_5: 125..150;
    storms_6: 150..175;
    storms_7: 175..200;
}

#[test]
fn one_seed_is_one_run() {
    for seed in [3, 1_003] {
        let [first, again] = [(); 2].map(|()| storm(seed).unwrap().log().to_owned());
        assert!(first.lines().count() > 200, "{}", first.lines().count());
        assert!(first == again, "storm {seed} ran in two ways");
    }
    assert!(storm(3).unwrap().log() != storm(4).unwrap().log());
}

/// A network in which one validator has a fault.
fn with_fault(liar: usize, fault: Fault) -> Net {
    let mut net = network(40 + liar as u64);
    let mut voice = Voice::new(fault, [SecretKey::from_seed(&seed_bytes(1 + liar as u64))]);
    net.tamper(liar, Box::new(move |to, message| voice.say(to, message)));
    net
}

/// The lowest head of the others.
fn honest(net: &Net, liar: usize) -> u64 {
    (0..4).filter(|i| *i != liar).map(|i| net.height(i).0).min().unwrap()
}

fn goes_on(net: &mut Net, liar: usize, heights: u64) {
    let to = honest(net, liar) + heights;
    let done = net.run(5 * MINUTE, |net| honest(net, liar) >= to);
    assert!(done, "{liar}: at {} of {to}, {:?}", honest(net, liar), net.broken());
}

/// FEATURES A-008: whoever of the four (at most 30 of 100) tells two stories, the others agree on
/// one chain and go on.
#[test]
fn byz_one_third_minus_one_live() {
    for liar in 0..4 {
        goes_on(&mut with_fault(liar, Fault::Equivocate), liar, 20);
    }
}

#[test]
fn no_fault_of_one_validator_stops_the_others() {
    for (_, fault) in Fault::ALL {
        goes_on(&mut with_fault(1, fault), 1, 6);
    }
}

/// What honest validators say of blocks that break a rule.
#[test]
fn blocks_that_break_a_rule_are_refused_for_that_rule() {
    for (fault, reason) in [
        (Fault::WrongStateRoot, "another state root"),
        (Fault::ForgedHistory, "another history root"),
        (Fault::FutureTime, "time outside"),
        (Fault::PastTime, "time outside"),
    ] {
        let mut net = with_fault(1, fault);
        goes_on(&mut net, 1, 12);
        let notes: Vec<&str> = net.log().lines().filter(|line| line.contains(" note ")).collect();
        assert!(!notes.is_empty() && notes.iter().all(|note| note.contains(reason)), "{fault:?}: {notes:?}");
    }
}

/// What an honest node tells light nodes about the heights of late.
fn heard(net: &Net, node: usize) -> Response {
    net.host(node).unwrap().heard().answer()
}

/// FEATURES A-031: both votes of a validator that signs two for one place are told to light nodes,
/// and prove its guilt.
#[test]
fn byz_double_sign() {
    let mut net = with_fault(1, Fault::DoubleSign);
    goes_on(&mut net, 1, 3);
    let Response::Votes { votes, .. } = heard(&net, 2) else { unreachable!() };
    let place =
        |signed: &SignedVote| (signed.signer, signed.vote.height, signed.vote.round, signed.vote.phase);
    let (first, second) = pair(&votes, |a, b| place(a) == place(b)).unwrap();
    let evidence = DoubleVote { first, second };
    assert_eq!(guilty(&net, evidence.first.vote.height, |set, rules| double_vote(&evidence, set, rules)), 1);
    // It is in a block soon, and the guilty has no seat in the set that follows.
    goes_on(&mut net, 1, 9);
    let ledger = net.host(2).unwrap().ledger();
    assert_eq!(ledger.set().index_of(&genesis().validators[1].validator.pubkey), None);
    assert_eq!(ledger.set().members().len(), 3);
}

/// Which validator of genesis the verifier finds guilty, under the set of that height.
fn guilty(
    net: &Net,
    height: Height,
    judge: impl Fn(&ValidatorSet, &Rules) -> Result<Verified<PublicKey>, Reject>,
) -> usize {
    let ledger = net.host(2).unwrap().ledger();
    let rules = Rules { chain_id: ledger.chain_id(), params: ledger.params().clone() };
    let found = judge(ledger.set_at(height), &rules).unwrap();
    genesis().validators.iter().position(|member| member.validator.pubkey == *found.get()).unwrap()
}

/// Two of them that `fit`.
fn pair<T: Clone>(all: &[T], fit: impl Fn(&T, &T) -> bool) -> Option<(T, T)> {
    let behind = |(at, first): (usize, &T)| {
        let second = all[at + 1..].iter().find(|second| fit(first, second))?;
        Some((first.clone(), second.clone()))
    };
    all.iter().enumerate().find_map(behind)
}

/// FEATURES A-032: two proposals for one place, each told to a part of the others, prove guilt as
/// soon as somebody asks two of them.
#[test]
fn byz_equivocation() {
    let mut net = with_fault(1, Fault::Equivocate);
    let mut told = Vec::new();
    let mut found = None;
    for _ in 0..30 {
        goes_on(&mut net, 1, 1);
        for node in [0, 3] {
            let Response::Votes { proposals, .. } = heard(&net, node) else { unreachable!() };
            told.extend(proposals);
        }
        let place = |signed: &SignedProposal| (signed.proposal.height, signed.proposal.round, signed.signer);
        found = pair(&told, |a, b| place(a) == place(b) && a.proposal.block_id != b.proposal.block_id);
        if found.is_some() {
            break;
        }
    }
    let (first, second) = found.unwrap();
    let evidence = DoubleProposal { first, second };
    let height = evidence.first.proposal.height;
    assert_eq!(guilty(&net, height, |set, rules| double_proposal(&evidence, set, rules)), 1);
}

/// FEATURES A-033: a validator that votes for no block but its own and proposes none with a transaction
/// keeps nobody's block out, and no transaction either: the next proposer takes it.
#[test]
fn byz_censor_rerouted() {
    let mut net = with_fault(0, Fault::Censor);
    let mut proposers = BTreeSet::new();
    for nonce in 0..12u8 {
        let ledger = net.host(2).unwrap().ledger();
        let txo = order(ledger, 2, |_, _| Order::Note(vec![nonce; 9])).unwrap();
        let before = ledger.tip().height.0;
        assert_eq!(net.submit(2, &txo.to_bytes()), Some(Submission::Accepted));
        let id = txo.body.id();
        let there = net.run(MINUTE, |net| net.host(1).unwrap().ledger().find(&id).is_some());
        assert!(there, "kept out since {before}: {:?}", net.broken());
        let (decided, _) = net.host(1).unwrap().ledger().find(&id).unwrap();
        proposers.insert(decided.block.header.proposer);
        goes_on(&mut net, 0, 1);
    }
    assert_eq!(proposers, BTreeSet::from([1, 2, 3]));
}

/// FEATURES A-034: the greater part of the power goes on, the lesser stands still, and catches up.
#[test]
fn partition_minor_halts_major_lives() {
    let mut net = network(7);
    assert!(net.run(MINUTE, |net| net.lowest() >= 3));
    net.cut_off([3]);
    net.run(1_000, |_| false);
    let stopped = net.height(3);
    assert!(net.run(2 * MINUTE, |net| (0..3).all(|i| net.height(i).0 >= stopped.0 + 10)));
    assert_eq!(net.height(3), stopped, "20 of 100 decided");
    net.heal();
    let tip = net.height(0).0;
    assert!(net.run(2 * MINUTE, |net| net.lowest() >= tip + 3), "at {}", net.lowest());

    // 55 and 45 of 100: neither part decides.
    net.cut_off([0, 1]);
    net.run(1_000, |_| false);
    let stopped: Vec<Height> = (0..4).map(|i| net.height(i)).collect();
    net.run(5 * MINUTE, |_| false);
    assert_eq!((0..4).map(|i| net.height(i)).collect::<Vec<_>>(), stopped);
    net.heal();
    let tip = stopped.iter().map(|height| height.0).max().unwrap();
    assert!(net.run(5 * MINUTE, |net| net.lowest() >= tip + 3), "at {}, {:?}", net.lowest(), net.broken());
}
