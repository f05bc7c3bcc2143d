//! What a party submits, where somebody would rather not have it in a block: networks of ten in virtual
//! time, and the decisions with which a light node delivers, carried out on them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test file: a panic is the verdict")]

use std::{collections::BTreeSet, time::Duration};

use qratum_chain::{
    Hash,
    ledger::registry::Order,
    types::{ChainParams, Genesis, Txo},
};
use qratum_crypto::sign::ed25519::SecretKey;
use qratum_light_node::{
    Channel, Delivery, Failure, Lane, Lanes, Tried,
    wire::{Request, Response, Submission},
};
use qratum_tests::{
    forge::{Forge, Team, seed_bytes},
    mischief::{fault::Fault, voice::Voice},
    simulation::order,
};
use qratum_validator::{
    drivers::virtual_time::{Dice, Net},
    serve,
};
use qratum_verifier::witness::{Parties, Source};

const MINUTE: u64 = 60_000;
const VALIDATORS: usize = 10;
/// The first three of ten, so that whoever asks in order meets them first.
const CENSORS: [usize; 3] = [0, 1, 2];
/// Whose operator is the party: none of the censors.
const PARTY: u64 = 3;
/// How long a light node looks for what was taken.
const GOSSIP: u64 = 3_000;

fn genesis() -> Genesis {
    let params = ChainParams { set_length: 100, ..ChainParams::default() };
    Forge::new(params, vec![Team::new(1, &[10; VALIDATORS])]).enrolled()
}

/// Ten validators, three blocks later.
fn network(seed: u64) -> Net {
    let seeds: Vec<[u8; 32]> = (1..).take(VALIDATORS).map(seed_bytes).collect();
    Net::new(genesis(), &seeds, Dice(seed))
}

fn started(mut net: Net) -> Net {
    assert!(net.run(5 * MINUTE, |net| lowest(net) >= 3), "{:?}", net.broken());
    net
}

/// The same, of whom three drop what is submitted, propose no block that has it, and vote for no other's.
fn censored(seed: u64) -> Net {
    let mut net = network(seed);
    for censor in CENSORS {
        let mut voice = Voice::new(Fault::Censor, [SecretKey::from_seed(&seed_bytes(1 + censor as u64))]);
        net.tamper(censor, Box::new(move |to, message| voice.say(to, message)));
    }
    started(net)
}

/// The lowest head of those that are honest in all these networks.
fn lowest(net: &Net) -> u64 {
    (CENSORS.len()..VALIDATORS).map(|i| net.height(i).0).min().unwrap()
}

/// Each validator is a party of its own.
fn parties() -> Parties {
    let keys: Vec<([u8; 1], String)> = (0..VALIDATORS as u8).map(|i| ([i], i.to_string())).collect();
    let sources = keys.iter().map(|(key, operator)| Source { operator, addresses: &[], key });
    Parties::of(&sources.collect::<Vec<_>>())
}

fn note(net: &Net, text: u8) -> Txo {
    let ledger = net.host(VALIDATORS - 1).unwrap().ledger();
    order(ledger, PARTY, |_, _| Order::Note(vec![text; 9])).unwrap()
}

/// What a validator says of it.
fn said(net: &Net, i: usize, id: Hash) -> Response {
    serve::answer(net.host(i).unwrap(), &Request::Txo(id))
}

fn is_final(net: &Net, id: Hash) -> bool {
    net.host(VALIDATORS - 1).unwrap().ledger().find(&id).is_some()
}

fn proposer(net: &Net, id: Hash) -> usize {
    net.host(VALIDATORS - 1).unwrap().ledger().find(&id).unwrap().0.block.header.proposer as usize
}

/// Delivers as a light node does: what is closed gives no connection, or takes everything and keeps it; liars
/// say that everything waits, whether it was handed to them or not.
/// The lanes that were tried, and whether it was seen.
fn deliver(
    net: &mut Net,
    txo: &Txo,
    lanes: &[Lane],
    closed: &BTreeSet<Lane>,
    liars: &[usize],
) -> (Vec<Tried>, bool) {
    let mut known = Lanes::default();
    let (id, bytes) = (txo.body.id(), txo.to_bytes());
    let mut delivery = Delivery::new(lanes.iter().copied(), parties());
    let now = |net: &Net| Duration::from_millis(net.now_ms());
    let mut there = false;
    while let Some(lane) = (!there).then(|| delivery.next(&known, now(net))).flatten() {
        let answer = match (closed.contains(&lane), lane.peer % 2) {
            (true, 0) => Err(Failure::Unreachable("closed".to_owned())),
            (true, _) => Ok(Submission::Accepted),
            (false, _) => Ok(net.submit(lane.peer, &bytes).unwrap()),
        };
        match answer {
            Ok(Submission::Accepted) => {
                delivery.taken(lane);
                let says = |net: &Net, peer: &usize| {
                    liars.contains(peer) || matches!(said(net, *peer, id), Response::Txo(_))
                };
                let elsewhere = |net: &Net| {
                    let say_so: Vec<usize> = (0..VALIDATORS).filter(|peer| says(net, peer)).collect();
                    is_final(net, id) || delivery.is_enough(&say_so)
                };
                there = net.run(GOSSIP, elsewhere);
                if !there {
                    delivery.unseen();
                }
            }
            Ok(Submission::Refused(why)) => delivery.failed(lane, Failure::Refused(why)),
            Ok(_) => delivery.failed(lane, Failure::Busy),
            Err(failure) => delivery.failed(lane, failure),
        }
        known.note(delivery.tried().last().unwrap(), now(net));
    }
    (delivery.tried().to_vec(), there)
}

fn lanes(channels: &[Channel]) -> Vec<Lane> {
    channels.iter().flat_map(|channel| (0..VALIDATORS).map(|peer| Lane { channel: *channel, peer })).collect()
}

/// FEATURES A-056: whoever asks a validator for an id learns whether it waits there.
#[test]
fn mempool_contains_after_submit() {
    let mut net = started(network(1));
    let txo = note(&net, 1);
    let id = txo.body.id();
    assert!((0..VALIDATORS).all(|i| said(&net, i, id) == Response::Unknown));
    assert_eq!(net.submit(4, &txo.to_bytes()), Some(Submission::Accepted));
    assert_eq!(said(&net, 4, id), Response::Txo(None));
    assert_eq!(said(&net, 5, id), Response::Unknown, "nobody has told it");
    assert!(net.run(GOSSIP, |net| (0..VALIDATORS).all(|i| matches!(said(net, i, id), Response::Txo(_)))));
    assert!(
        net.run(MINUTE, |net| (0..VALIDATORS).all(|i| matches!(said(net, i, id), Response::Txo(Some(_)))))
    );
}

/// FEATURES A-057: three of ten censor a party, and say of what one of them keeps that it waits. They end
/// nothing: one honest taker is enough, and no block of a censor has it.
#[test]
fn finalize_with_30pct_censored() {
    let mut net = censored(2);
    let lanes = lanes(&[Channel::Tcp]);
    for text in 0..8 {
        let txo = note(&net, text);
        let id = txo.body.id();
        let (tried, there) = deliver(&mut net, &txo, &lanes, &BTreeSet::new(), &CENSORS);
        let failures: Vec<_> = tried.iter().map(|tried| (tried.lane.peer, tried.failure.clone())).collect();
        let unseen = |peer| (peer, Some(Failure::Unseen));
        assert_eq!(failures, [unseen(0), unseen(1), unseen(2), (3, None)]);
        assert!(there && net.run(5 * MINUTE, |net| is_final(net, id)), "kept out: {:?}", net.broken());
        assert!(!CENSORS.contains(&proposer(&net, id)), "a censor proposed it");
    }
}

/// FEATURES A-050: what only censors were told is in no block, whatever they answered.
#[test]
fn censor_harness() {
    let mut net = censored(3);
    let txo = note(&net, 1);
    let id = txo.body.id();
    for censor in CENSORS {
        assert_eq!(net.submit(censor, &txo.to_bytes()), Some(Submission::Accepted));
        assert_eq!(said(&net, censor, id), Response::Txo(None), "it says that it waits");
    }
    let to = lowest(&net) + 12;
    assert!(net.run(10 * MINUTE, |net| lowest(net) >= to), "{:?}", net.broken());
    assert!(!is_final(&net, id));
    assert!((CENSORS.len()..VALIDATORS).all(|i| said(&net, i, id) == Response::Unknown));
}

/// FEATURES A-051: of three channels to ten validators, this share is closed. Whatever is open is found,
/// and where nothing is, that is said of each lane.
#[test]
fn delivery_at_rates_0_30_60_90() {
    let all = lanes(&Channel::ALL);
    for rate in [0, 30, 60, 90, 100] {
        let mut net = started(network(4 + rate));
        let mut dice = Dice(rate);
        for round in 0..6u8 {
            let closed: BTreeSet<Lane> = all.iter().copied().filter(|_| dice.below(100) < rate).collect();
            let first_open = all.iter().find(|lane| !closed.contains(lane)).copied();
            let txo = note(&net, round);
            let id = txo.body.id();
            let (tried, there) = deliver(&mut net, &txo, &all, &closed, &[]);
            let (last, before) = tried.split_last().unwrap();
            assert_eq!(there, first_open.is_some(), "{rate} % in round {round}: {tried:?}");
            match first_open {
                Some(open) => {
                    assert_eq!((last.lane, &last.failure), (open, &None));
                    assert!(before.iter().all(|tried| closed.contains(&tried.lane)), "tried again");
                    assert!(net.run(MINUTE, |net| is_final(net, id)));
                }
                None => {
                    assert_eq!(tried.len(), all.len());
                    assert!(tried.iter().all(|tried| tried.failure.is_some()));
                    assert!((0..VALIDATORS).all(|i| said(&net, i, id) == Response::Unknown));
                }
            }
        }
    }
}
