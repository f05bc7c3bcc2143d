//! Hand-overs in virtual time: whoever starts at genesis follows them with the verifier's own rules.

use qratum_chain::{
    codec::Decode,
    types::{CommitCertificate, Round},
};
use qratum_light_node::wire::{Request, Response};
use qratum_verifier::{Reject, SetCache, Trusted, Verdict, verify};

use super::*;
use crate::{
    drivers::virtual_time::Net,
    ledger::{LACKING, Ledger, RETAINED},
    quorum::QuorumFault,
    serve,
    snapshot::Snapshot,
    testing::{POWERS, START, certificate, genesis_of, handing_net, handover_key, handover_seed},
};

const MINUTE: u64 = 60_000;
const ALL: [u32; 4] = [0, 1, 2, 3];

/// The height that node `i` shows to light nodes.
fn tip(net: &Net, i: usize) -> u64 {
    match serve::answer(net.host(i).unwrap(), &Request::Tip) {
        Response::Block(block) => block.header.height.0,
        _ => 0,
    }
}

/// What node `i` hands out at the end of set `set`.
fn end(net: &Net, i: usize, height: u64) -> Option<Certificate> {
    match serve::answer(net.host(i).unwrap(), &Request::Block(Height(height))) {
        Response::Block(block) => Some(block.certificate),
        _ => None,
    }
}

fn signers(certificate: Option<Certificate>) -> Vec<u32> {
    match certificate {
        Some(Certificate::Handover(_, halves)) => halves.iter().map(|half| half.signer).collect(),
        _ => Vec::new(),
    }
}

/// Follows the chain of node `i` from genesis over these heights.
fn follow(net: &Net, i: usize, heights: &[u64]) -> Result<(), Reject> {
    let (mut trusted, rules) = Trusted::genesis(&genesis_of(&POWERS, true)).unwrap();
    let (mut sets, now) = (SetCache::default(), START.plus(10 * MINUTE));
    for height in heights {
        let block = match serve::answer(net.host(i).unwrap(), &Request::Block(Height(*height))) {
            Response::Block(block) => *block,
            other => panic!("{height}: {other:?}"),
        };
        match verify(&block, &trusted, &rules, &mut sets, now) {
            Verdict::Accept(accepted) => trusted = *accepted,
            Verdict::NotYet(tally) => panic!("{height}: {tally:?}"),
            Verdict::Reject(reject) => return Err(reject),
        }
    }
    Ok(())
}

#[test]
fn sets_are_handed_over_with_ml_dsa_and_the_chain_keeps_its_pace() {
    let mut net = handing_net(1, &ALL);
    assert!(net.run(2 * MINUTE, |net| net.lowest() >= 50));
    assert!((49_000..60_000).contains(&net.now_ms()), "50 heights of 1 s took {} ms", net.now_ms());
    assert!(!net.log().contains(" note ") && !net.log().contains(" warn "), "{}", net.log());
    for i in 0..4 {
        assert!(signers(end(&net, i, 20)).len() >= 3 && signers(end(&net, i, 40)).len() >= 3);
        assert_eq!(follow(&net, i, &[20, 40, 50]), Ok(()));
    }
    // The next block carries the precommits alone.
    let carried = net.host(0).unwrap().ledger().block(Height(21)).unwrap().block.last_certificate.clone();
    assert!(matches!(carried, Some(Certificate::Commit(_))));
}

#[test]
fn one_that_is_dead_stops_no_hand_over() {
    for dead in 0..4 {
        let mut net = handing_net(2, &ALL);
        net.kill(dead);
        assert!(net.run(5 * MINUTE, |net| net.lowest() >= 45), "without {dead}: {}", net.lowest());
        let other = (dead + 1) % 4;
        assert_eq!(follow(&net, other, &[20, 40, 45]), Ok(()), "without {dead}");
        assert!(!signers(end(&net, other, 20)).contains(&(dead as u32)));
    }
}

/// The chain lives without the keys; light nodes wait, are told nothing that they would refuse, and go
/// on when the keys are back.
#[test]
fn where_keys_are_missing_the_chain_goes_on_and_light_nodes_wait_below() {
    let mut net = handing_net(3, &[0, 3]);
    assert!(net.run(2 * MINUTE, |net| net.lowest() >= 45));
    assert_eq!([0, 1, 2, 3].map(|i| tip(&net, i)), [19; 4]);
    assert_eq!(end(&net, 0, 20), None);
    assert_eq!(follow(&net, 0, &[19]), Ok(()));
    let told = "warn the hand-over at height 20 has ML-DSA signatures of 50 of 100 power, not of v1, v2";
    assert_eq!(net.log().matches(told).count(), 4, "once by each");
    net.kill(1);
    net.give_handover_key(1, handover_seed(1));
    net.start(1);
    assert!(net.run(MINUTE, |net| (0..4).all(|i| tip(net, i) >= 45)), "{:?}", tip(&net, 0));
    assert_eq!(follow(&net, 2, &[20, 40, 45]), Ok(()));
    assert_eq!(signers(end(&net, 2, 20)), [0, 1, 3]);
}

#[test]
fn a_false_part_counts_nothing_and_its_sender_is_named() {
    let mut net = handing_net(4, &ALL);
    net.tamper(
        2,
        Box::new(|_, message| {
            let mut said = message.clone();
            if let Message::Handover(half) = &mut said {
                half.signature.signature[100] ^= 1;
            }
            vec![said]
        }),
    );
    assert!(net.run(2 * MINUTE, |net| net.lowest() >= 25));
    assert!(net.log().contains("v2: hand-over at height 20: "), "{}", net.log());
    for i in [0, 1, 3] {
        assert_eq!(signers(end(&net, i, 20)), [0, 1, 3]);
        assert_eq!(follow(&net, i, &[20, 25]), Ok(()));
    }
}

/// Whoever was cut off while the set was handed over gets the hand-over with the blocks.
#[test]
fn a_validator_that_was_away_gets_the_hand_over_from_the_others() {
    let mut net = handing_net(5, &ALL);
    assert!(net.run(MINUTE, |net| net.lowest() >= 15));
    net.cut_off([3]);
    assert!(net.run(MINUTE, |net| net.height(0).0 >= 30));
    net.heal();
    assert!(net.run(MINUTE, |net| net.lowest() >= 32));
    assert!(!signers(end(&net, 3, 20)).contains(&3));
    assert_eq!(follow(&net, 3, &[20, 32]), Ok(()));
}

/// A crash between any two outputs around the end of a set.
#[test]
fn a_crash_at_any_point_of_a_hand_over_loses_nothing() {
    for outputs in (1..24).step_by(2) {
        let mut net = handing_net(6, &ALL);
        assert!(net.run(MINUTE, |net| net.lowest() >= 19));
        net.kill_after(1, outputs);
        assert!(net.run(MINUTE, |net| net.height(0).0 >= 22), "{outputs}");
        net.start_all();
        assert!(net.run(MINUTE, |net| net.lowest() >= 24 && (0..4).all(|i| tip(net, i) >= 24)), "{outputs}");
        assert_eq!(net.broken(), [""; 0], "{outputs}");
        assert_eq!(follow(&net, 1, &[20, 24]), Ok(()), "{outputs}");
        net.kill(1);
        net.start(1);
        assert!(signers(end(&net, 1, 20)).len() >= 3, "{outputs}: on disk");
    }
}

/// Every checkpoint is the end of a set here: its snapshot waits for the hand-over.
#[test]
fn a_snapshot_is_taken_once_its_last_set_was_handed_over() {
    let mut net = handing_net(7, &ALL);
    assert!(net.run(3 * MINUTE, |net| net.lowest() >= 102));
    let (height, bytes) = net.host(0).unwrap().ledger().snapshot().unwrap();
    assert_eq!(*height, Height(100));
    let snapshot = Snapshot::from_bytes(bytes).unwrap();
    assert!(snapshot.check(&genesis_of(&POWERS, true), Some(START.plus(3 * MINUTE))).is_ok());

    let mut net = handing_net(7, &[0, 3]);
    assert!(net.run(3 * MINUTE, |net| net.lowest() >= 102));
    assert_eq!(net.host(0).unwrap().ledger().snapshot(), None, "nobody could verify it");
}

/// A chain of twenty blocks whose last was decided in round 1, and the certificate of that one.
fn ended() -> (Ledger, CommitCertificate) {
    long(20, RETAINED)
}

/// A chain of so many blocks whose twentieth was decided in round 1, of which so many are retained, and
/// the certificate of that one.
fn long(heights: u64, retained: u64) -> (Ledger, CommitCertificate) {
    let mut ledger = Ledger::new(&genesis_of(&POWERS, true)).unwrap().retaining(retained);
    for height in 1..=heights {
        let time = START.plus(height * 1000);
        let block = ledger.build(Round(0), time, &Default::default()).unwrap();
        let mut commit = certificate(&block.header, 4, &[0, 1, 2]);
        if height == 20 {
            commit = in_round(&commit, 1);
        }
        ledger.accept(Decided { block, certificate: Certificate::Commit(commit) }).unwrap();
    }
    let commit = ledger.certified(Height(20)).and_then(|(_, it)| it.commit().cloned()).unwrap();
    (ledger, commit)
}

/// The same signers in another round.
fn in_round(commit: &CommitCertificate, round: u32) -> CommitCertificate {
    let mut commit = CommitCertificate { round: Round(round), ..commit.clone() };
    let bytes = commit.vote().sign_bytes();
    commit.signatures = [0, 1, 2].map(|i| crate::testing::key(i).sign(&bytes)).to_vec();
    commit
}

fn handed(commit: &CommitCertificate, signers: &[u32]) -> Certificate {
    let half = |i: &u32| handover_key(handover_seed(*i)).sign(*i, &commit.vote()).unwrap();
    Certificate::Handover(commit.clone(), signers.iter().map(half).collect())
}

#[test]
fn a_ledger_takes_only_a_better_certificate_for_the_end_of_a_set() {
    let (mut ledger, commit) = ended();
    let mut certify = |certificate| ledger.certify(Height(20), certificate).map(|kept| kept.is_some());
    assert_eq!(certify(Certificate::Commit(in_round(&commit, 2))), Ok(false), "a later round");
    let mut forged = in_round(&commit, 0);
    forged.signatures[1].0[0] ^= 1;
    assert_eq!(certify(Certificate::Commit(forged)), Err(QuorumFault::BadSignature(1)));
    assert_eq!(certify(handed(&commit, &[0, 1])), Err(QuorumFault::Handover("PqQuorumNotReached")));
    assert_eq!(certify(handed(&commit, &[1, 0, 2])), Err(QuorumFault::Handover("PqOrder")));
    let Certificate::Handover(_, mut halves) = handed(&commit, &[0, 1, 2]) else { unreachable!() };
    halves[2].signature[9] ^= 1;
    let false_half = Certificate::Handover(commit.clone(), halves.clone());
    assert_eq!(certify(false_half), Err(QuorumFault::Handover("PqSignature")));
    halves[2] = handover_key(handover_seed(3)).sign(2, &commit.vote()).unwrap();
    assert_eq!(certify(Certificate::Handover(commit.clone(), halves)), Err(QuorumFault::Handover("PqKey")));
    assert_eq!(certify(Certificate::Commit(in_round(&commit, 0))), Ok(true), "an earlier round");
    assert_eq!(ledger.shown(), Height(19));
    let whole = handed(&in_round(&commit, 0), &[0, 1, 2]);
    assert_eq!(ledger.certify(Height(20), whole.clone()).map(|kept| kept.is_some()), Ok(true));
    assert_eq!((ledger.shown(), ledger.lacking()), (Height(20), None));
    assert_eq!(ledger.certify(Height(20), whole.clone()), Ok(None), "it has one");
    assert_eq!(ledger.certify(Height(19), whole), Ok(None), "no end of a set");
}

/// Keys that are lost for good must not cost all memory; and where they come back, all is handed over.
#[test]
fn blocks_far_below_the_tip_go_even_while_a_hand_over_lacks() {
    let (ledger, _) = long(80, 5);
    assert_eq!((ledger.lowest(), ledger.lacking()), (Height(80 - 5 * LACKING + 1), Some(Height(20))));
    let (mut ledger, commit) = long(105, 5);
    assert_eq!((ledger.lowest(), ledger.snapshot()), (Height(105 - 5 * LACKING + 1), None));
    assert_eq!(ledger.block(Height(20)), None);
    let whole = handed(&commit, &[0, 1, 2]);
    let kept = ledger.certify(Height(20), whole.clone()).unwrap().unwrap();
    assert_eq!((kept.height(), kept.certificate), (Height(20), whole), "to go to disk as a block");
    for end in [40, 60, 80, 100] {
        let (_, plain) = ledger.certified(Height(end)).unwrap();
        let whole = handed(plain.commit().unwrap(), &[0, 1, 2]);
        assert!(ledger.certify(Height(end), whole).unwrap().is_some(), "{end}");
    }
    let (at, bytes) = ledger.snapshot().unwrap();
    assert_eq!((*at, ledger.shown()), (Height(100), Height(105)));
    let snapshot = Snapshot::from_bytes(bytes).unwrap();
    assert!(snapshot.check(&genesis_of(&POWERS, true), Some(START.plus(3 * MINUTE))).is_ok());
}

/// Each second at first, then ever more rarely, and once a minute for as long as it lasts.
#[test]
fn what_is_long_missing_is_asked_for_more_rarely() {
    let seconds = |tries| pause_ms(tries) / 1_000;
    assert_eq!([0, 1, PATIENCE].map(seconds), [1; 3]);
    let later = [1, 2, 3, 4, 5, 6, 7].map(|more| seconds(PATIENCE + more));
    assert_eq!(later, [2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(seconds(u32::MAX), 60);
}
