//! A light node against real connections to peers that are honest, lying, broken or gone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(missing_docs, unreachable_pub, dead_code, reason = "tests")]

#[path = "node/beside.rs"]
mod beside;
#[path = "support/chain.rs"]
mod chain;
#[path = "node/channels.rs"]
mod channels;
#[path = "node/forks.rs"]
mod forks;
#[path = "node/lies.rs"]
mod lies;
#[path = "support/peer.rs"]
mod peer;
#[path = "node/rounds.rs"]
mod rounds;
#[path = "support/socks.rs"]
mod socks;
#[path = "node/votes.rs"]
mod votes;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use chain::{Chain, bad_signature, constant, disjoint, height_and_id};
use peer::{FakePeer, Script, honest, truth};
use qratum_chain::{
    Hash,
    codec::Encode,
    document::{Anchor, HeaderProof},
    schedule,
    types::{ChainParams, Genesis, Height, LightBlock, Time},
};
use qratum_light_node::{
    Clock, Config, FetchError, LightNode, Mark, Place, Reason, Snapshot, StartError, State, StoreState,
    wire::{Request, Response, StateKey},
};
use qratum_verifier::{
    Reject, Trusted,
    anchor::{self, Start},
    proof,
};

/// Longer than any of this takes; an event ends each wait.
const PATIENCE: Duration = Duration::from_secs(15);

fn now() -> Time {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Time(u64::try_from(since.as_millis()).unwrap())
}

/// A chain that starts a minute ago and has `count` blocks.
fn grown(members: chain::Members, count: u64) -> Arc<Mutex<Chain>> {
    let mut chain = Chain::new("net", Time(now().0 - 60_000), members);
    chain.grow_by(count);
    Arc::new(Mutex::new(chain))
}

/// Keeps what it verifies, where there is a home.
fn config(chain: &Arc<Mutex<Chain>>, peers: &[&FakePeer], home: Option<Place>) -> Config {
    let genesis = chain.lock().unwrap().genesis.clone();
    let (peers, keep) = (peers.iter().map(|fake| fake.peer.clone()).collect(), home.is_some());
    Config { genesis, anchor: None, peers, proxies: Default::default(), home, keep }
}

async fn until(node: &LightNode, what: &str, done: impl FnMut(&Arc<Snapshot>) -> bool) -> Arc<Snapshot> {
    let mut snapshots = node.snapshots();
    let found = tokio::time::timeout(PATIENCE, snapshots.wait_for(done)).await;
    match found {
        Ok(snapshot) => Arc::clone(&snapshot.unwrap()),
        Err(_) => {
            let last = Arc::clone(&node.snapshots().borrow());
            let Snapshot { state, head, peers, refusals, .. } = &*last;
            panic!(
                "never: {what}; at the end {state} at {}: {peers:?}, {refusals:?}",
                head.header().get().height
            )
        }
    }
}

fn height(snapshot: &Snapshot) -> u64 {
    snapshot.head.header().get().height.0
}

async fn until_height(node: &LightNode, at_least: u64) -> Arc<Snapshot> {
    until(node, &format!("height {at_least}"), |snapshot| height(snapshot) >= at_least).await
}

async fn until_refused(node: &LightNode, name: &str) -> Reason {
    let seen = |snapshot: &Arc<Snapshot>| {
        snapshot.refusals.iter().map(|refusal| refusal.reason.clone()).find(|reason| reason.name() == name)
    };
    seen(&until(node, name, |snapshot| seen(snapshot).is_some()).await).unwrap()
}

/// A directory of its own that is removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("qratum-node-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn place(&self) -> Option<Place> {
        Some(Place::new(self.0.clone()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Answers with one block, whatever the chain; only votes it has none.
fn tip(block: LightBlock) -> Script {
    let answer = Response::Block(Box::new(block)).to_bytes();
    Box::new(move |request| match request {
        Request::Votes => Some(Response::Unknown.to_bytes()),
        _ => Some(answer.clone()),
    })
}

#[tokio::test]
async fn follows_two_peers_across_sets_that_share_nobody() {
    let chain = grown(disjoint, 30);
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let b = FakePeer::start("b", 102, honest(&chain)).await;
    let node = LightNode::start(config(&chain, &[&a, &b], None)).await.unwrap();
    let mut heads = node.heads();
    let snapshot = node.synced(PATIENCE).await.unwrap();
    assert_eq!((height(&snapshot), snapshot.state), (30, State::Stalled), "nothing new for a minute");

    chain.lock().unwrap().grow(now());
    let live = until(&node, "live", |snapshot| snapshot.state == State::Live).await;
    let want = height_and_id(chain.lock().unwrap().tip().unwrap());
    assert_eq!((live.head.header().get().height, live.head.id()), want);
    let heard = until(&node, "both heard", |snapshot| {
        snapshot.peers.iter().all(|peer| peer.connected && peer.claimed_height == Some(Height(31)))
    })
    .await;
    assert_eq!(heard.refusals, []);
    assert_eq!(heard.store, StoreState::None);
    let key = heard.head.validators().members()[0].pubkey;
    assert_eq!(heard.names.name(&key), None, "a key of a later set has no name in genesis");
    let mut seen = Vec::new();
    while let Ok(head) = heads.try_recv() {
        seen.push(head.header().get().height.0);
    }
    assert!(seen.is_sorted() && seen.ends_with(&[30, 31]), "{seen:?}");
    node.stop().await;
}

#[tokio::test]
async fn another_key_at_a_pinned_address_is_not_believed() {
    let chain = grown(constant, 3);
    let fake = FakePeer::start("a", 101, honest(&chain)).await;
    let pinned = FakePeer::start("b", 102, honest(&chain)).await;
    let id = pinned.peer.address.iter().last().unwrap().acquire();
    let mut config = config(&chain, &[&fake], None);
    config.peers[0].address.pop();
    config.peers[0].address.push(id);
    let node = LightNode::start(config).await.unwrap();
    until_refused(&node, "WrongKey").await;
    let snapshot = until(&node, "disconnected", |snapshot| snapshot.state == State::Disconnected).await;
    assert_eq!(height(&snapshot), 0);
    node.stop().await;
}

/// Adds a block to the chain every 200 ms, by the true time.
fn growing(chain: &Arc<Mutex<Chain>>) -> tokio::task::JoinHandle<()> {
    let chain = Arc::clone(chain);
    tokio::spawn(async move {
        let mut blocks = tokio::time::interval(Duration::from_millis(200));
        loop {
            blocks.tick().await;
            chain.lock().unwrap().grow(now());
        }
    })
}

/// Blocks of 200 ms stop coming, and come again: late at first, then too late, then the newest.
#[tokio::test]
async fn a_chain_that_stops_is_stale_then_stalled_and_goes_on_by_itself() {
    let chain = grown(constant, 1);
    let making = growing(&chain);
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let node = LightNode::start(config(&chain, &[&a], None)).await.unwrap();
    until(&node, "live", |snapshot| snapshot.state == State::Live).await;
    making.abort();
    for state in [State::Stale, State::Stalled] {
        let told = until(&node, state.word(), |snapshot| snapshot.state == state).await;
        assert!(!told.witnesses.may_arm && told.refusals.is_empty(), "{told:?}");
    }
    let making = growing(&chain);
    until(&node, "live again", |snapshot| snapshot.state == State::Live).await;
    node.stop().await;
    making.abort();
}

/// A node whose clock is `offset_ms` off, and three honest peers of a chain that moves on.
async fn off_by(offset_ms: i64, check: impl AsyncFnOnce(&LightNode)) {
    let chain = grown(constant, 1);
    let making = growing(&chain);
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let b = FakePeer::start("b", 102, honest(&chain)).await;
    let c = FakePeer::start("c", 103, honest(&chain)).await;
    let config = config(&chain, &[&a, &b, &c], None);
    let node = LightNode::start_by(config, Clock::off_by(offset_ms)).await.unwrap();
    check(&node).await;
    node.stop().await;
    making.abort();
}

const HOUR: i64 = 3_600_000;

/// Law 10: honest peers are no liars because the clock here is wrong.
fn costs_nobody_anything(snapshot: &Snapshot) {
    for peer in &snapshot.peers {
        assert_eq!((&peer.ban, peer.demerits, peer.connected), (&None, 0, true), "{peer:?}");
    }
}

#[tokio::test]
async fn a_clock_that_is_behind_is_a_state_and_no_peers_fault() {
    off_by(-HOUR, async |node| {
        let snapshot = until(node, "clock", |snapshot| snapshot.state == State::Clock).await;
        let offset = snapshot.clock_offset_ms.unwrap();
        assert!((-HOUR..-HOUR + 5000).contains(&offset), "{offset}");
        assert_eq!((height(&snapshot), &snapshot.refusals), (0, &Vec::new()));
        costs_nobody_anything(&snapshot);
        assert!(!snapshot.witnesses.may_arm);
        assert_eq!(node.synced(PATIENCE).await.unwrap_err().state, State::Clock);
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_is_ahead_is_a_state_and_no_peers_fault() {
    off_by(HOUR, async |node| {
        let snapshot = until(node, "clock", |snapshot| snapshot.state == State::Clock).await;
        let offset = snapshot.clock_offset_ms.unwrap();
        assert!((HOUR..HOUR + 5000).contains(&offset), "{offset}");
        assert!(height(&snapshot) > 1);
        let agreed = until(node, "agreed", |snapshot| snapshot.witnesses.operators.len() == 2).await;
        assert_eq!((agreed.state, &agreed.refusals), (State::Clock, &Vec::new()));
        costs_nobody_anything(&agreed);
        assert!(!agreed.witnesses.may_arm, "a wrong clock stops acting");
        assert!(node.synced(PATIENCE).await.is_ok(), "heads are verified all the same");
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_is_right_is_live_and_two_others_agree() {
    off_by(0, async |node| {
        let mut states = Vec::new();
        let armed = until(node, "may arm", |snapshot| {
            states.push(snapshot.state);
            snapshot.witnesses.may_arm && height(snapshot) > 10
        })
        .await;
        assert_eq!((armed.state, armed.clock_offset_ms), (State::Live, None));
        assert_eq!(armed.witnesses.operators.len(), 2, "all but the primary's");
        assert!(armed.head.header().get().height.0 - armed.witnesses.height.0 < 8);
        assert!(!states.contains(&State::Clock), "{states:?}");
    })
    .await;
}

/// Three peers, but two operators: one beside the primary's, whichever that is.
#[tokio::test]
async fn peers_of_one_operator_are_one_witness() {
    let chain = grown(constant, 1);
    chain.lock().unwrap().grow(now());
    let mut a = FakePeer::start("a", 101, honest(&chain)).await;
    let mut b = FakePeer::start("b", 102, honest(&chain)).await;
    let c = FakePeer::start("c", 103, honest(&chain)).await;
    (a.peer.operator, b.peer.operator) = ("one".to_owned(), "one".to_owned());
    let node = LightNode::start(config(&chain, &[&a, &b, &c], None)).await.unwrap();
    let heard = until(&node, "all heard", |snapshot| {
        !snapshot.witnesses.operators.is_empty()
            && snapshot.peers.iter().all(|peer| peer.claimed_height == Some(Height(2)))
    })
    .await;
    assert_eq!((heard.witnesses.height, heard.witnesses.operators.len()), (Height(2), 1));
    assert!(!heard.witnesses.may_arm);
    node.stop().await;
}

#[tokio::test]
async fn dead_peers_are_dialled_again() {
    let chain = grown(constant, 1);
    chain.lock().unwrap().grow(now());
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let port = a.port();
    let node = LightNode::start(config(&chain, &[&a], None)).await.unwrap();
    until(&node, "live", |snapshot| snapshot.state == State::Live).await;
    a.kill().await;
    let alone = until(&node, "disconnected", |snapshot| snapshot.state == State::Disconnected).await;
    assert_eq!(height(&alone), 2, "what was verified stays");
    chain.lock().unwrap().grow(now());
    let _again = FakePeer::start_at("a", 101, port, honest(&chain)).await;
    until_height(&node, 3).await;
    chain.lock().unwrap().grow(now());
    until(&node, "live again", |snapshot| snapshot.state == State::Live && height(snapshot) == 4).await;
    node.stop().await;
}

#[tokio::test]
async fn a_restart_begins_at_the_anchor_and_comes_back_to_the_head() {
    let scratch = Scratch::new("restart");
    let chain = grown(disjoint, 30);
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let config = config(&chain, &[&a], scratch.place());
    let node = LightNode::start(config.clone()).await.unwrap();
    assert_eq!(until_height(&node, 30).await.store, StoreState::Kept { loaded: 0, dropped: 0 });

    let second = LightNode::start(config.clone()).await.unwrap();
    assert_eq!(second.snapshots().borrow().store, StoreState::InUse, "it runs without a store");
    until_height(&second, 30).await;
    second.stop().await;

    node.stop().await;
    a.kill().await;
    let node = LightNode::start(config.clone()).await.unwrap();
    let snapshot = Arc::clone(&node.snapshots().borrow());
    assert_eq!(snapshot.store, StoreState::Kept { loaded: 8, dropped: 0 }, "7 ends of sets and the head");
    assert_eq!(snapshot.head.id(), chain.lock().unwrap().tip().unwrap().header.id());
    assert_eq!(snapshot.head_seen, None, "seen by an earlier start");
    node.stop().await;

    let mut other = config.clone();
    other.genesis.network = "other".to_owned();
    let want = other.genesis.chain_id().unwrap();
    let refused = LightNode::start(other).await.map(drop);
    let got = chain.lock().unwrap().id();
    assert_eq!(refused, Err(StartError::StoreOfAnotherChain { got, want }));
}

/// Law 8: the highest verified height is kept outside the store, and lower is an alarm; once.
#[tokio::test]
async fn a_store_that_comes_back_lower_is_an_alarm() {
    let scratch = Scratch::new("rolled-back");
    let chain = grown(disjoint, 30);
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let config = config(&chain, &[&a], scratch.place());
    let node = LightNode::start(config.clone()).await.unwrap();
    until_height(&node, 30).await;
    node.stop().await;
    std::fs::remove_dir_all(scratch.0.join("store")).unwrap();

    let node = LightNode::start(config.clone()).await.unwrap();
    let lower = StoreState::RolledBack { found: Height(0), highest: Height(30) };
    assert_eq!(node.snapshots().borrow().store, lower);
    assert_eq!(until_height(&node, 30).await.store, lower, "and what is missing is fetched anew");
    node.stop().await;

    let node = LightNode::start(config).await.unwrap();
    let again = node.snapshots().borrow().store.clone();
    assert_eq!(again, StoreState::Kept { loaded: 8, dropped: 0 });
    node.stop().await;
}

/// What is below the anchor is proven by the history of the head; the store is replayed from there.
#[tokio::test]
async fn a_pinned_block_is_where_everything_starts() {
    let scratch = Scratch::new("pinned");
    let chain = grown(disjoint, 30);
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let mut config = config(&chain, &[&a], scratch.place());
    let pinned = chain.lock().unwrap().block(18).unwrap().clone();
    config.anchor = Some(Anchor::of(pinned.clone(), Time(u64::MAX)));
    let node = LightNode::start(config.clone()).await.unwrap();
    let first = Arc::clone(&node.snapshots().borrow());
    assert_eq!((first.head.id(), first.state), (pinned.header.id(), State::Loading));
    until_height(&node, 30).await;
    let start = Start::of(&config.genesis, config.anchor.as_ref()).unwrap();
    for (wanted, steps) in [(18, 0), (19, 0), (30, 3), (17, 3), (4, 3)] {
        let proven = node.header(Height(wanted)).await.unwrap();
        assert_eq!(proven.proof.history.is_some(), wanted < 18, "{wanted}");
        assert_eq!(proven.proof.path.len(), steps, "{wanted}");
        let again = proof::check(&proven.proof, &start.anchor, &start.rules, now()).unwrap();
        assert_eq!((again.header.get().height, again.expired), (Height(wanted), false));
    }
    node.stop().await;

    let node = LightNode::start(config.clone()).await.unwrap();
    assert_eq!(node.snapshots().borrow().store, StoreState::Kept { loaded: 4, dropped: 0 });
    node.stop().await;
    config.anchor = Some(Anchor::of(chain.lock().unwrap().block(24).unwrap().clone(), Time(u64::MAX)));
    let node = LightNode::start(config).await.unwrap();
    let snapshot = Arc::clone(&node.snapshots().borrow());
    assert_eq!(snapshot.store, StoreState::Kept { loaded: 3, dropped: 1 }, "20 is below, 24 is the anchor");
    assert_eq!(height(&snapshot), 30);
    node.stop().await;
}

/// An anchor that is too old, by the trusting period or by its own word, vouches for nothing.
#[tokio::test]
async fn an_anchor_that_is_too_old_is_expired_and_leads_nowhere() {
    let chain = grown(constant, 9);
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let mut config = config(&chain, &[&a], None);
    let pinned = chain.lock().unwrap().block(5).unwrap().clone();
    config.anchor = Some(Anchor::of(pinned.clone(), now()));
    let node = LightNode::start(config.clone()).await.unwrap();
    assert_eq!(node.synced(PATIENCE).await.unwrap_err().state, State::Expired);
    until(&node, "heard", |snapshot| snapshot.peers[0].claimed_height == Some(Height(9))).await;
    assert_eq!((height(&node.snapshots().borrow()), node.snapshots().borrow().refusals.len()), (5, 0));
    node.stop().await;

    config.anchor = Some(Anchor::of(pinned, Time(u64::MAX)));
    let late = config.genesis.params.trusting_period_ms;
    let node =
        LightNode::start_by(config.clone(), Clock::off_by(i64::try_from(late).unwrap())).await.unwrap();
    assert_eq!(node.synced(PATIENCE).await.unwrap_err().state, State::Expired);
    node.stop().await;

    let mut foreign = Chain::new("other", Time(now().0 - 60_000), constant);
    foreign.grow_by(1);
    config.anchor = Some(Anchor::of(foreign.tip().unwrap().clone(), Time(u64::MAX)));
    let refused = LightNode::start(config).await.map(drop);
    let Err(StartError::Anchor(anchor::StartError::Anchor(reject))) = refused else { panic!("{refused:?}") };
    assert_eq!(reject.name(), "WrongChain");
}

/// Law 8 for every start: a command that keeps nothing knows too how far this home had come, and a
/// clock that was set back does not make it forget how late it was.
#[tokio::test]
async fn less_than_before_is_never_taken_for_the_newest() {
    let scratch = Scratch::new("before");
    let chain = grown(constant, 30);
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let config = config(&chain, &[&a], scratch.place());
    let node = LightNode::start(config.clone()).await.unwrap();
    until_height(&node, 30).await;
    node.stop().await;

    let guest = Config { keep: false, ..config.clone() };
    a.now(tip(chain.lock().unwrap().block(20).unwrap().clone()));
    let node = LightNode::start(guest.clone()).await.unwrap();
    let old = until_height(&node, 20).await;
    assert_eq!((old.before, height(&old)), (Some(Height(30)), 20));
    let waited = node.synced(Duration::from_millis(300)).await.unwrap_err();
    assert_eq!(waited.state, State::Stalled, "the peers show less");
    a.now(honest(&chain));
    assert_eq!(height(&node.synced(PATIENCE).await.unwrap()), 30);
    node.stop().await;

    let node = LightNode::start_by(guest.clone(), Clock::off_by(-HOUR)).await.unwrap();
    let early = until(&node, "clock", |snapshot| snapshot.state == State::Clock).await;
    let offset = early.clock_offset_ms.unwrap();
    assert!((-HOUR..-HOUR + 70_000).contains(&offset), "by what was verified before: {offset}");
    node.stop().await;

    // An anchor that had grown too old when the newest block was made is too old for a clock that
    // was set back, too.
    let short = Genesis {
        params: ChainParams { trusting_period_ms: 50_000, ..config.genesis.params.clone() },
        ..config.genesis.clone()
    };
    let genesis_time = short.time.0;
    let mark = Mark { chain: short.chain_id().unwrap(), height: Height(30), time: now() };
    std::fs::write(scratch.place().unwrap().highest(), mark.to_bytes()).unwrap();
    let back = Clock::off_by(i64::try_from(genesis_time).unwrap() + 1000 - i64::try_from(now().0).unwrap());
    let node = LightNode::start_by(Config { genesis: short, ..guest.clone() }, back).await.unwrap();
    until(&node, "expired", |snapshot| snapshot.state == State::Expired).await;
    node.stop().await;

    std::fs::write(scratch.place().unwrap().highest(), [0; 47]).unwrap();
    let node = LightNode::start(guest).await.unwrap();
    assert!(matches!(node.snapshots().borrow().store, StoreState::Failed(_)), "a damaged mark is said");
    node.stop().await;
}

#[tokio::test]
async fn a_store_that_is_no_store_is_done_without() {
    let scratch = Scratch::new("broken");
    std::fs::write(scratch.0.join("store"), b"a file, not a directory").unwrap();
    let chain = grown(constant, 3);
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let node = LightNode::start(config(&chain, &[&a], scratch.place())).await.unwrap();
    let snapshot = until_height(&node, 3).await;
    assert!(matches!(snapshot.store, StoreState::Failed(_)), "{:?}", snapshot.store);
    node.stop().await;
}

#[tokio::test]
async fn a_fork_freezes_the_head_and_survives_a_restart() {
    let scratch = Scratch::new("fork");
    let chain = grown(constant, 6);
    let rival = chain.lock().unwrap().next(now(), Hash([7; 32]));
    let honest_tip = chain.lock().unwrap().grow(now());
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let config = config(&chain, &[&a], scratch.place());
    let node = LightNode::start(config.clone()).await.unwrap();
    until_height(&node, 7).await;
    a.now(tip(rival.clone()));
    let snapshot = until(&node, "forked", |snapshot| snapshot.state == State::Forked).await;
    assert_eq!(snapshot.head.id(), honest_tip.header.id());
    let fork = snapshot.fork.as_ref().unwrap();
    assert_eq!(fork.culprits().len(), 4);
    assert!(fork.power_of(&fork.culprits()).is_more_than_a_third());
    let evidence = snapshot.evidence.as_ref().unwrap();
    assert_eq!((&evidence.blocks.first, &evidence.blocks.second), (&honest_tip, &rival));
    assert_eq!(node.header(Height(3)).await.map(drop), Err(FetchError::Forked));
    chain.lock().unwrap().grow(now());
    a.now(honest(&chain));
    node.stop().await;

    let node = LightNode::start(config).await.unwrap();
    let snapshot = Arc::clone(&node.snapshots().borrow());
    assert!(snapshot.fork.is_some() && snapshot.evidence.is_some());
    assert_eq!(node.synced(PATIENCE).await.unwrap_err().state, State::Forked);
    assert_eq!(height(&node.snapshots().borrow()), 7, "the head stays frozen");
    node.stop().await;
}

/// The end of a set, which the store keeps, has a rival that shows only after a restart.
#[tokio::test]
async fn a_fork_below_a_restart_leaves_its_evidence() {
    let scratch = Scratch::new("late-fork");
    let chain = grown(constant, 7);
    let rival = chain.lock().unwrap().next(now(), Hash([7; 32]));
    let end = chain.lock().unwrap().grow(now());
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let config = config(&chain, &[&a], scratch.place());
    let node = LightNode::start(config.clone()).await.unwrap();
    until_height(&node, 8).await;
    chain.lock().unwrap().grow(now());
    until_height(&node, 9).await;
    node.stop().await;
    a.now(tip(rival.clone()));
    let node = LightNode::start(config).await.unwrap();
    let snapshot = until(&node, "forked", |snapshot| snapshot.state == State::Forked).await;
    let evidence = snapshot.evidence.as_ref().expect("both sides were kept");
    assert_eq!((&evidence.blocks.first, &evidence.blocks.second), (&end, &rival));
    node.stop().await;
}

/// A rival that never comes as a tip, only as the answer to a question for its height, is seen too.
#[tokio::test]
async fn a_fork_shows_when_a_header_is_fetched() {
    let chain = grown(constant, 6);
    let rival = chain.lock().unwrap().next(now(), Hash([7; 32]));
    chain.lock().unwrap().grow(now());
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let node = LightNode::start(config(&chain, &[&a], None)).await.unwrap();
    until_height(&node, 7).await;
    let truly = Arc::clone(&chain);
    a.now(Box::new(move |request| match request {
        Request::Block(Height(7)) => Some(Response::Block(Box::new(rival.clone())).to_bytes()),
        request => Some(truth(&truly.lock().unwrap(), request).to_bytes()),
    }));
    assert_eq!(node.header(Height(7)).await.map(drop), Err(FetchError::Forked));
    assert_eq!(node.snapshots().borrow().state, State::Forked);
    node.stop().await;
}

/// So is a certified block of another branch far below the head, which nothing remembers: it does
/// not stand in the head's history.
#[tokio::test]
async fn a_header_of_another_branch_is_no_answer() {
    let chain = grown(constant, 4);
    let rival = chain.lock().unwrap().next(now(), Hash([7; 32]));
    chain.lock().unwrap().grow_by(30);
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let node = LightNode::start(config(&chain, &[&a], None)).await.unwrap();
    until_height(&node, 34).await;
    let truly = Arc::clone(&chain);
    a.now(Box::new(move |request| match request {
        Request::Block(Height(5)) => Some(Response::Block(Box::new(rival.clone())).to_bytes()),
        request => Some(truth(&truly.lock().unwrap(), request).to_bytes()),
    }));
    let Err(FetchError::Rejected(reject)) = node.header(Height(5)).await else { panic!("not refused") };
    assert_eq!(reject.name(), "HistoryProof");
    node.stop().await;
    let node = LightNode::start(config(&chain, &[&a], None)).await.unwrap();
    until_height(&node, 34).await;
    assert_eq!(node.header(Height(6)).await.map(|proven| proven.proof.header.height), Ok(Height(6)));
    node.stop().await;
}

#[tokio::test]
async fn a_peer_has_two_questions_to_answer_at_a_time() {
    let chain = grown(constant, 20);
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let node = LightNode::start(config(&chain, &[&a], None)).await.unwrap();
    until_height(&node, 20).await;
    a.slow();
    let wanted = (1..=12).map(|height| node.header(Height(height)));
    let all = futures::future::join_all(wanted).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(a.most_open(), 2);
    node.stop().await;
}

/// Checks a document as somebody else would: from its JSON and the genesis.
fn check(chain: &Chain, proof: &HeaderProof) -> proof::Checked {
    let read = HeaderProof::from_json(proof.to_json().unwrap().as_bytes()).unwrap();
    assert_eq!(&read, proof);
    let (anchor, rules) = Trusted::genesis(&chain.genesis).unwrap();
    proof::check(&read, &anchor, &rules, now()).unwrap()
}

#[tokio::test]
async fn headers_come_with_a_proof_from_the_anchor() {
    let scratch = Scratch::new("headers");
    let chain = grown(disjoint, 30);
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let node = LightNode::start(config(&chain, &[&a], scratch.place())).await.unwrap();
    until_height(&node, 30).await;
    for wanted in [0, 1, 4, 5, 8, 17, 30] {
        let proven = node.header(Height(wanted)).await.unwrap();
        let chain = chain.lock().unwrap();
        assert_eq!(check(&chain, &proven.proof), proven.checked);
        assert!(!proven.checked.expired);
        let HeaderProof { header, certificate, path, .. } = &proven.proof;
        assert_eq!(header.height, Height(wanted));
        assert_eq!(certificate.is_some(), wanted > 0);
        let ends: Vec<u64> = path.iter().map(|step| step.header.height.0).collect();
        let set = schedule::set_of(Height(wanted), 4).0;
        assert_eq!(ends, (1..=set).map(|set| set * 4).collect::<Vec<_>>(), "each set names the next");
    }
    assert_eq!(node.header(Height(31)).await.map(drop), Err(FetchError::NotYet { head: Height(30) }));
    node.stop().await;
}

#[tokio::test]
async fn a_set_that_never_changed_needs_no_path() {
    let chain = grown(constant, 30);
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let node = LightNode::start(config(&chain, &[&a], None)).await.unwrap();
    until_height(&node, 30).await;
    let proven = node.header(Height(29)).await.unwrap();
    check(&chain.lock().unwrap(), &proven.proof);
    assert_eq!(proven.proof.path, []);
    node.stop().await;
}

/// Without a good certificate for its height, a header is proven by its place under the head; and
/// a header that is not there is not.
#[tokio::test]
async fn history_proves_what_has_no_certificate() {
    let chain = grown(disjoint, 30);
    let mut spoilt = chain.lock().unwrap().block(17).unwrap().clone();
    spoilt = bad_signature(spoilt);
    let mut forged = spoilt.clone();
    forged.header.tx_root = Hash([9; 32]);
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let b = FakePeer::start("b", 102, honest(&chain)).await;
    let config = config(&chain, &[&a, &b], None);
    let connected =
        |snapshot: &Arc<Snapshot>| height(snapshot) == 30 && snapshot.peers.iter().all(|peer| peer.connected);
    let node = LightNode::start(config.clone()).await.unwrap();
    until(&node, "both connected", connected).await;
    let instead = |block: LightBlock| -> Script {
        let chain = Arc::clone(&chain);
        Box::new(move |request| match request {
            Request::Block(Height(17)) => Some(Response::Block(Box::new(block.clone())).to_bytes()),
            request => Some(truth(&chain.lock().unwrap(), request).to_bytes()),
        })
    };
    a.now(instead(spoilt.clone()));
    let proven = node.header(Height(17)).await.unwrap();
    check(&chain.lock().unwrap(), &proven.proof);
    assert_eq!(proven.proof.header, spoilt.header);
    assert!(proven.proof.certificate.is_none() && proven.proof.history.is_some());
    assert!(matches!(until_refused(&node, "BadSignature").await, Reason::Rejected(_)));
    node.stop().await;

    a.now(instead(forged.clone()));
    b.now(instead(forged));
    let node = LightNode::start(config).await.unwrap();
    until(&node, "both connected", connected).await;
    let refused = node.header(Height(17)).await.map(drop);
    assert!(matches!(refused, Err(FetchError::Rejected(Reject::CertificateBlock { .. }))), "{refused:?}");
    node.stop().await;
}
