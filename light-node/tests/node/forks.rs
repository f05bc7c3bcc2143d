//! Two branches of one chain, each certified by its validators: seen, followed down to where they
//! part, remembered by the home, and left.

use std::sync::atomic::{AtomicUsize, Ordering};

use qratum_chain::document::{Evidence, ForkProof};
use qratum_light_node::{PinError, Plan, Way};
use qratum_verifier::{
    detect,
    sync::{Ask, Sync, Then},
};

use super::*;

/// A chain that has the first `shared` blocks of `chain` and goes on for itself.
fn branch(chain: &Arc<Mutex<Chain>>, members: chain::Members, shared: u64, count: u64) -> Arc<Mutex<Chain>> {
    let chain = chain.lock().unwrap();
    let mut other = Chain::new("net", chain.genesis.time, members);
    other.grow_by(shared);
    assert_eq!(other.tip(), chain.block(shared), "the same blocks");
    let time = other.tip().unwrap().header.time;
    (1..=count).for_each(|step| drop(other.grow(time.plus(10 + step))));
    Arc::new(Mutex::new(other))
}

/// The evidence that the home keeps, checked as anybody would: from the genesis.
fn evidence(home: &Place, chain: &Chain, height: u64) -> Option<(ForkProof, detect::Fork)> {
    let text = std::fs::read(home.evidence().join(format!("fork-{height}.json"))).ok()?;
    let Evidence::Fork(proof) = Evidence::from_json(&text).unwrap() else { panic!("no fork") };
    let (anchor, rules) = Trusted::genesis(&chain.genesis).unwrap();
    let fork = detect::fork_proof(&proof, &anchor, &rules, now()).unwrap();
    Some((*proof, fork))
}

/// Follows `chain` from two peers, the second of which goes over to a branch that shares `shared`
/// blocks; waits for the evidence of where they part.
async fn forked(name: &str, members: chain::Members, shared: u64) -> (Scratch, Arc<Mutex<Chain>>, Config) {
    let scratch = Scratch::new(name);
    let chain = grown(members, 30);
    let other = branch(&chain, members, shared, 34 - shared);
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let b = FakePeer::start("b", 102, honest(&chain)).await;
    let config = config(&chain, &[&a, &b], scratch.place());
    let node = LightNode::start(config.clone()).await.unwrap();
    until_height(&node, 30).await;
    b.now(honest(&other));
    let parted = |snapshot: &Arc<Snapshot>| {
        snapshot.fork.as_ref().is_some_and(|fork| fork.height() == Height(shared + 1))
    };
    let snapshot = until(&node, "the place where the branches part", parted).await;
    assert_eq!((snapshot.state, height(&snapshot)), (State::Forked, 30));
    let fork = snapshot.fork.as_ref().unwrap();
    let want = chain.lock().unwrap().block(shared).unwrap().header.id();
    assert_eq!(fork.common().map(Trusted::id), Some(want), "the last block of both");
    assert_eq!(fork.culprits().len(), 4);
    node.stop().await;
    let (proof, fork) = evidence(&scratch.place().unwrap(), &chain.lock().unwrap(), shared + 1).unwrap();
    assert_eq!((fork.common().map(Trusted::id), Some(&proof)), (Some(want), snapshot.evidence.as_deref()));
    (scratch, chain, config)
}

/// A node that followed every block judges a branch that parted further down all the same: not its
/// parent, but the certificate makes it a fork.
#[test]
fn a_branch_that_parted_below_the_last_blocks_is_a_fork() {
    let chain = grown(constant, 30);
    let other = branch(&chain, constant, 20, 14);
    let (chain, other) = (chain.lock().unwrap(), other.lock().unwrap());
    let (anchor, rules) = Trusted::genesis(&chain.genesis).unwrap();
    let mut sync = Sync::new(anchor, rules);
    for block in &chain.blocks {
        sync.answer(block.clone(), now());
    }
    let mut progress = sync.answer(other.tip().unwrap().clone(), now());
    while matches!(progress.then, Then::Waiting) {
        progress = match sync.ask() {
            Ask::Block(height) => sync.answer(other.block(height.0).unwrap().clone(), now()),
            Ask::History { height, size } => sync.link(&other.audit_path(height.0, size.0).unwrap()),
            Ask::Tip => panic!("nothing waits"),
        };
    }
    let Then::Forked(fork) = progress.then else { panic!("{:?}", progress.then) };
    assert_eq!((fork.height(), fork.common().is_none()), (Height(30), true));
}

#[tokio::test]
async fn evidence_names_the_last_shared_block_and_the_first_that_conflict() {
    forked("parting-one-set", constant, 13).await;
}

#[tokio::test]
async fn evidence_leads_from_the_anchor_over_every_set() {
    let (scratch, chain, _config) = forked("parting-sets", disjoint, 13).await;
    let (proof, _) = evidence(&scratch.place().unwrap(), &chain.lock().unwrap(), 14).unwrap();
    let steps: Vec<u64> = proof.path.iter().map(|step| step.header.height.0).collect();
    assert_eq!(steps, [4, 8, 12, 13]);
}

/// Law 7: every start on that home knows of the fork, with a store or without one, until the user
/// leaves it; and the evidence is kept.
#[tokio::test]
async fn a_fork_is_remembered_by_all_until_it_is_left() {
    let (scratch, chain, config) = forked("remembered", disjoint, 13).await;
    let home = scratch.place().unwrap();
    let hour = 60 * 60 * 1000;
    for (keep, ahead_ms) in [(true, 0), (false, 0), (true, -hour), (false, -hour), (true, 24 * 30 * hour)] {
        let config = Config { keep, ..config.clone() };
        let node = LightNode::start_by(config, Clock::off_by(ahead_ms)).await.unwrap();
        let snapshot = Arc::clone(&node.snapshots().borrow());
        let told = (snapshot.state, snapshot.fork.is_some());
        assert_eq!(told, (State::Forked, true), "keep {keep}, the clock {ahead_ms} ms ahead");
        assert_eq!(node.header(Height(3)).await.map(drop), Err(FetchError::Forked));
        node.stop().await;
    }
    let block = |height| chain.lock().unwrap().block(height).unwrap().clone();
    let plan = |block: LightBlock, way| {
        let (id, next) = (block.header.id(), Anchor::of(block, Time(u64::MAX)));
        Plan::of(&home, &config.genesis, next, (id, way), now())
    };
    assert_eq!(plan(block(30), Way::Import).map(drop), Err(PinError::Forked));
    let before = std::fs::read(home.evidence().join("fork-14.json")).unwrap();
    let leaving = plan(block(18), Way::Reanchor).unwrap();
    assert_eq!((leaving.fork, leaving.highest), (Some(Height(14)), Some(Height(30))));
    drop(leaving);
    assert!(home.pinned().unwrap().is_none(), "a plan changes nothing");
    let done = plan(block(18), Way::Reanchor).unwrap().carry_out(now()).unwrap();
    assert_eq!((done.loaded, done.dropped), (4, 4), "20, 24, 28 and the head chain; 4 to 16 are below");
    let kept: Vec<_> = done.evidence.iter().map(|path| std::fs::read(path).unwrap()).collect();
    assert!(kept.contains(&before), "beside, byte for byte");

    let config = Config { anchor: home.pinned().unwrap(), ..config };
    let node = LightNode::start(config).await.unwrap();
    let snapshot = Arc::clone(&node.snapshots().borrow());
    assert_eq!((snapshot.fork.is_some(), height(&snapshot)), (false, 30));
    assert_eq!(snapshot.store, StoreState::Kept { loaded: 4, dropped: 0 });
    node.stop().await;
}

/// Who lies about where the branches part spoils nothing: what was seen first stays, and verifies.
#[tokio::test]
async fn a_peer_that_lies_about_its_history_does_not_spoil_the_evidence() {
    let scratch = Scratch::new("lying-history");
    let chain = grown(disjoint, 30);
    let other = branch(&chain, disjoint, 13, 21);
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let b = FakePeer::start("b", 102, honest(&chain)).await;
    let node = LightNode::start(config(&chain, &[&a, &b], scratch.place())).await.unwrap();
    until_height(&node, 30).await;
    let histories = Arc::new(AtomicUsize::new(0));
    let asked = Arc::clone(&histories);
    b.now(Box::new(move |request| match request {
        Request::History { .. } => {
            asked.fetch_add(1, Ordering::Relaxed);
            Some(Response::History(vec![Hash::ZERO; 5]).to_bytes())
        }
        request => Some(truth(&other.lock().unwrap(), request).to_bytes()),
    }));
    let snapshot = until(&node, "forked", |snapshot| snapshot.state == State::Forked).await;
    assert_eq!(snapshot.fork.as_ref().unwrap().height(), Height(30));
    let asked_on = async {
        while histories.load(Ordering::Relaxed) < 5 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asked_on).await.unwrap();
    node.stop().await;
    let (_, fork) = evidence(&scratch.place().unwrap(), &chain.lock().unwrap(), 30).unwrap();
    assert_eq!((fork.height(), fork.culprits().len()), (Height(30), 4));
}

/// While a program works with a home its anchor stays; and a change that was cut short, when the
/// anchor was replaced and nothing else, is finished by the same command.
#[tokio::test]
async fn an_anchor_is_changed_by_one_alone_and_finished_after_a_crash() {
    let (scratch, chain, config) = forked("cut-short", disjoint, 13).await;
    let home = scratch.place().unwrap();
    let block = chain.lock().unwrap().block(18).unwrap().clone();
    let id = block.header.id();
    let plan = || {
        let next = Anchor::of(block.clone(), Time(u64::MAX));
        Plan::of(&home, &config.genesis, next, (id, Way::Reanchor), now())
    };
    let node = LightNode::start(config.clone()).await.unwrap();
    assert_eq!(plan().map(drop), Err(PinError::InUse));
    node.stop().await;
    std::fs::write(home.anchor(), Anchor::of(block.clone(), Time(u64::MAX)).to_json().unwrap()).unwrap();
    let done = plan().unwrap().carry_out(now()).unwrap();
    assert!(!done.evidence.is_empty() && done.evidence.iter().all(|path| path.exists()));
    assert_eq!(plan().map(drop), Err(PinError::NothingToLeave));
}

/// Evidence that does not verify is not believed, and nothing is followed over it: it was a fork when it
/// was kept. Once the file is whole again the fork is known again, and it can be left without that.
#[tokio::test]
async fn a_home_whose_evidence_is_damaged_follows_nothing_until_that_is_mended_or_left() {
    let (scratch, chain, config) = forked("damaged", constant, 13).await;
    let home = scratch.place().unwrap();
    let (whole, _) = evidence(&home, &chain.lock().unwrap(), 14).unwrap();
    let files: Vec<_> = std::fs::read_dir(home.evidence()).unwrap().map(|it| it.unwrap().path()).collect();
    files.into_iter().for_each(|path| std::fs::remove_file(path).unwrap());
    let file = home.evidence().join("fork-14.json");
    let text = |proof: ForkProof| Evidence::Fork(Box::new(proof)).to_json().unwrap();
    let mut unsigned = whole.clone();
    unsigned.blocks.second = bad_signature(unsigned.blocks.second);
    let mut foreign = whole.clone();
    foreign.blocks.first.header.chain_id = qratum_chain::types::ChainId::ZERO;
    for (damage, why) in [
        (text(unsigned), "signature"),
        (text(foreign), "of another chain"),
        ("{\"schema\":".to_owned(), "not a document of this form"),
        (String::new(), "not a document of this form"),
    ] {
        std::fs::write(&file, &damage).unwrap();
        for keep in [true, false] {
            let refused = LightNode::start(Config { keep, ..config.clone() }).await.unwrap_err().to_string();
            let told = format!("{}: ", file.display());
            assert!(refused.starts_with(&told) && refused.contains(why), "{why}: {refused}");
            assert!(refused.contains("from a copy") && refused.contains("qratum reanchor"), "{refused}");
        }
    }
    std::fs::write(&file, text(whole)).unwrap();
    let node = LightNode::start(config.clone()).await.unwrap();
    assert_eq!(node.snapshots().borrow().fork.as_ref().map(|fork| fork.height()), Some(Height(14)));
    node.stop().await;

    std::fs::write(&file, "garbage").unwrap();
    let block = chain.lock().unwrap().block(18).unwrap().clone();
    let plan = |way| {
        let next = Anchor::of(block.clone(), Time(u64::MAX));
        Plan::of(&home, &config.genesis, next, (block.header.id(), way), now())
    };
    assert_eq!(plan(Way::Import).map(drop), Err(PinError::Forked));
    let leaving = plan(Way::Reanchor).unwrap();
    assert_eq!(leaving.fork, Some(Height(14)), "by the name of the file");
    let done = leaving.carry_out(now()).unwrap();
    assert_eq!(done.evidence.iter().map(std::fs::read).collect::<Result<Vec<_>, _>>().unwrap(), [b"garbage"]);
    let node = LightNode::start(Config { anchor: home.pinned().unwrap(), ..config }).await.unwrap();
    assert!(node.snapshots().borrow().fork.is_none());
    node.stop().await;
}
