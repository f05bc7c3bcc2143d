//! The verifier on honest chains: what must be accepted, and from how little.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test file: a panic is the verdict")]

use qratum_chain::{
    codec::{Decode, Encode},
    document::HeaderProof,
    types::{Certificate, ForkEvidence, Height, LightBlock, Round, Time},
};
use qratum_tests::forge::{Forge, Member, Team};
use qratum_verifier::{
    Reject, SetCache, Trusted, Verdict, detect,
    proof::{self, Checked},
    sync::{Ask, Sync, Then},
    verify,
};

fn anchor(forge: &Forge) -> (Trusted, qratum_verifier::Rules) {
    Trusted::genesis(&forge.genesis).unwrap()
}

fn header_proof(forge: &Forge, height: u64, path: Vec<LightBlock>) -> HeaderProof {
    let block = forge.block(height);
    HeaderProof {
        header: block.header,
        certificate: Some(block.certificate),
        validators: block.validators,
        path,
        history: None,
    }
}

#[test]
fn each_header_of_a_small_chain_is_accepted_adjacent_and_skipping() {
    let forge = Forge::small(45);
    let (mut trusted, rules) = anchor(&forge);
    let sets = &mut SetCache::default();
    for height in 1..=45 {
        let Verdict::Accept(accepted) = verify(&forge.block(height), &trusted, &rules, sets, forge.now())
        else {
            panic!("height {height}");
        };
        assert!(accepted.tally().is_quorum());
        trusted = *accepted;
    }
    let (genesis, _) = anchor(&forge);
    assert!(matches!(verify(&forge.block(45), &genesis, &rules, sets, forge.now()), Verdict::Accept(_)));
}

#[test]
fn a_header_after_three_set_changes_verifies_with_its_path_and_not_without() {
    let forge = Forge::changing(5, 18);
    let (genesis, rules) = anchor(&forge);
    let with = header_proof(&forge, 14, forge.path_to(14));
    assert_eq!(with.path.len(), 3);
    let json = with.to_json().unwrap();
    let read = HeaderProof::from_json(json.as_bytes()).unwrap();
    assert_eq!(read, with);
    let Checked { header, expired } = proof::check(&read, &genesis, &rules, forge.now()).unwrap();
    assert_eq!((header.get().height, expired), (Height(14), false));
    let without = header_proof(&forge, 14, Vec::new());
    assert_eq!(proof::check(&without, &genesis, &rules, forge.now()).unwrap_err().name(), "PathMissing");
}

#[test]
fn an_expired_anchor_still_chains_and_says_so() {
    let forge = Forge::changing(5, 18);
    let (genesis, rules) = anchor(&forge);
    let document = header_proof(&forge, 14, forge.path_to(14));
    let late = forge.now().plus(rules.params.trusting_period_ms);
    assert!(proof::check(&document, &genesis, &rules, late).unwrap().expired);
    let other = Forge::small(18);
    let foreign = header_proof(&other, 14, Vec::new());
    assert_eq!(proof::check(&foreign, &genesis, &rules, late).unwrap_err().name(), "WrongChain");
}

#[test]
fn the_anchor_itself_grows_old_and_is_not_from_the_future() {
    let forge = Forge::small(1);
    let (genesis, rules) = anchor(&forge);
    let document = HeaderProof {
        header: forge.header(0),
        certificate: None,
        validators: forge.team(0).validators(),
        path: Vec::new(),
        history: None,
    };
    let at = |time| proof::check(&document, &genesis, &rules, time);
    assert!(!at(forge.now()).unwrap().expired);
    assert!(at(forge.now().plus(rules.params.trusting_period_ms)).unwrap().expired);
    assert_eq!(at(Time(0)).unwrap_err().name(), "TimeInFuture");
}

#[test]
fn the_sync_machine_bisects_to_the_tip() {
    let forge = Forge::changing(12, 46);
    let (genesis, rules) = anchor(&forge);
    let mut sync = Sync::new(genesis, rules);
    let (mut asked, mut verified) = (Vec::new(), Vec::new());
    let mut block = forge.block(46);
    loop {
        let progress = sync.answer(block, forge.now());
        verified.extend(progress.advanced.iter().map(|block| block.header.height.0));
        assert!(matches!(progress.then, Then::Current | Then::Waiting), "{:?}", progress.then);
        block = match sync.ask() {
            Ask::Tip => break,
            Ask::Block(height) => {
                asked.push(height.0);
                forge.block(height.0)
            }
            Ask::History { height, size } => {
                let path = forge.history.inclusion(height.0, size.0).unwrap();
                verified.extend(sync.link(&path).advanced.map(|block| block.header.height.0));
                match sync.ask() {
                    Ask::Block(height) => forge.block(height.0),
                    _ => break,
                }
            }
        };
    }
    assert_eq!(sync.head().header().get().height, Height(46));
    assert!(
        asked.iter().all(|height| height % 4 == 0 || *height == 46),
        "only ends of sets and the tip: {asked:?}"
    );
    assert!(verified.len() <= 12, "{verified:?}");
}

#[test]
fn the_sync_machine_names_a_fork_and_refuses_a_lie() {
    let forge = Forge::small(10);
    let (genesis, rules) = anchor(&forge);
    let mut sync = Sync::new(genesis, rules);
    sync.answer(forge.block(9), forge.now());
    let mut other = forge.header(9);
    other.tx_root.0[0] ^= 1;
    let lie = forge.signed_by(other.clone(), &[0, 1]);
    assert!(matches!(sync.answer(lie, forge.now()).then, Then::Refused(Reject::QuorumNotReached { .. })));
    let Then::Forked(fork) = sync.answer(forge.certified(other), forge.now()).then else { panic!("no fork") };
    assert!(fork.power_of(&fork.culprits()).is_more_than_a_third());
    assert_eq!(fork.culprits().len(), 3);
    let mut same = forge.header(9);
    same.round = forge.header(9).round;
    let again = forge.signed_by(same, &[1, 2, 3]);
    assert!(
        matches!(sync.answer(again, forge.now()).then, Then::Current),
        "same block, other signers: no fork"
    );
}

/// Two branches part at height 10, both certified. Whatever heights a peer of the other branch
/// picks, the head never moves there, and the fork is named as soon as it shows its block at the
/// head's height.
#[test]
fn the_head_never_switches_branch() {
    let trunk = Forge::small(9);
    let tip = |forge: &Forge, height: u64| forge.block(height);
    let ours = Forge::small(18);
    let mut parted = trunk.next_header();
    parted.tx_root.0[0] ^= 1;
    let theirs = trunk.with(parted).grown(18);
    for offered in [11, 12, 17] {
        let (genesis, rules) = anchor(&ours);
        let mut sync = Sync::new(genesis, rules);
        sync.answer(tip(&ours, 9), ours.now());
        sync.answer(tip(&ours, 10), ours.now());
        let head = sync.head().id();
        let progress = sync.answer(tip(&theirs, offered), ours.now());
        assert!(matches!(progress.then, Then::Waiting), "{offered}: {:?}", progress.then);
        if let Ask::History { height, size } = sync.ask() {
            let path = theirs.history.inclusion(height.0, size.0).unwrap();
            assert!(matches!(sync.link(&path).then, Then::Waiting), "{offered}");
        }
        assert_eq!((sync.head().id(), sync.ask()), (head, Ask::Block(Height(10))), "{offered}");
        let Then::Forked(fork) = sync.answer(tip(&theirs, 10), ours.now()).then else { panic!("{offered}") };
        assert!(fork.power_of(&fork.culprits()).is_more_than_a_third());
    }
}

/// The same question answered from our own branch: then only the audit path was a lie.
#[test]
fn a_bad_audit_path_from_our_own_branch_is_refused() {
    let forge = Forge::small(12);
    let (genesis, rules) = anchor(&forge);
    let mut sync = Sync::new(genesis, rules);
    sync.answer(forge.block(5), forge.now());
    sync.answer(forge.block(9), forge.now());
    let mut path = forge.history.inclusion(5, 9).unwrap();
    path[0].0[0] ^= 1;
    assert!(matches!(sync.link(&path).then, Then::Waiting));
    assert_eq!(sync.ask(), Ask::Block(Height(5)));
    let Then::Refused(reject) = sync.answer(forge.block(5), forge.now()).then else { panic!("not refused") };
    assert_eq!((reject.name(), sync.head().header().get().height), ("HistoryProof", Height(5)));
}

#[test]
fn hand_overs_carry_ml_dsa_where_keys_are_registered() {
    let team = |first: u64| Team {
        members: (first..first + 4).map(|seed| Member::new(seed, 10).with_pq(seed)).collect(),
    };
    let params = qratum_chain::types::ChainParams { set_length: 4, ..Default::default() };
    let forge = Forge::new(params, vec![team(1), team(2)]).grown(6);
    let (genesis, rules) = anchor(&forge);
    let sets = &mut SetCache::default();
    let block = forge.block(4);
    assert_eq!(LightBlock::from_bytes(&block.to_bytes()).unwrap(), block);
    let Verdict::Accept(boundary) = verify(&block, &genesis, &rules, sets, forge.now()) else {
        panic!("hand-over")
    };
    assert!(matches!(verify(&forge.block(6), &boundary, &rules, sets, forge.now()), Verdict::Accept(_)));
}

#[test]
fn a_fork_across_rounds_proves_nobody_guilty() {
    let forge = Forge::small(10);
    let (genesis, rules) = anchor(&forge);
    let mut other = forge.header(9);
    other.tx_root.0[0] ^= 1;
    let fork_at = |round: u32| {
        let mut second = forge.certified(other.clone());
        let Certificate::Commit(commit) = &mut second.certificate else { panic!("a commit certificate") };
        commit.round = Round(round);
        forge.team(9).sign(commit);
        let evidence = ForkEvidence { first: forge.block(9), second };
        detect::fork(&evidence, &genesis, &rules, forge.now()).unwrap()
    };
    assert_eq!(fork_at(0).culprits(), fork_at(0).signers_of_both());
    assert_eq!((fork_at(1).culprits(), fork_at(1).signers_of_both().len()), (Vec::new(), 3));
}

#[test]
fn a_set_that_hands_over_with_ml_dsa_is_never_skipped() {
    let member = |seed| Member::new(seed, 10).with_pq(seed);
    let team = |first: u64| Team { members: (first..first + 4).map(member).collect() };
    let params = qratum_chain::types::ChainParams { set_length: 4, ..Default::default() };
    let forge = Forge::new(params, vec![team(1), team(2), team(3)]).grown(10);
    let (genesis, rules) = anchor(&forge);
    let sets = &mut SetCache::default();
    let verdict = verify(&forge.block(6), &genesis, &rules, sets, forge.now());
    assert!(matches!(verdict, Verdict::NotYet(tally) if tally.signed == 0), "{verdict:?}");
    let Verdict::Accept(boundary) = verify(&forge.block(4), &genesis, &rules, sets, forge.now()) else {
        panic!("hand-over")
    };
    assert!(matches!(verify(&forge.block(6), &boundary, &rules, sets, forge.now()), Verdict::Accept(_)));
}
