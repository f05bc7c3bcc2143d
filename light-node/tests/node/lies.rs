//! What lies cost: the peer that tells one is named and asked nothing more; the others go on.

use std::sync::atomic::{AtomicUsize, Ordering};

use qratum_chain::state::StateMap;
use qratum_light_node::{
    Ban,
    wire::{Entry, MAX_KEYS, MAX_RESPONSE},
};

use super::*;

/// Answers everything with these bytes.
fn always(answer: Vec<u8>) -> Script {
    Box::new(move |_| Some(answer.clone()))
}

/// The named peer as the snapshot has it.
fn banned(snapshot: &Snapshot, name: &str) -> Option<Ban> {
    snapshot.peers.iter().find(|peer| peer.name == name).unwrap().ban.clone()
}

async fn until_banned(node: &LightNode, name: &str) -> Arc<Snapshot> {
    until(node, &format!("{name} is banned"), |snapshot| banned(snapshot, name).is_some()).await
}

/// Each lie is refused for its own reason, moves nothing and bans whoever told it; the honest twin
/// of the same block from the same peer is accepted by a node that was not lied to.
#[tokio::test]
async fn a_lie_is_refused_with_its_reason_and_moves_nothing() {
    let chain = grown(constant, 1);
    let mut foreign = Chain::new("other", chain.lock().unwrap().genesis.time, constant);
    foreign.grow_by(1);
    let block = chain.lock().unwrap().tip().unwrap().clone();
    let lies: Vec<(&str, Script)> = vec![
        ("BadSignature", tip(bad_signature(block.clone()))),
        ("WrongChain", tip(foreign.tip().unwrap().clone())),
        ("OffTopic", always(Response::History(vec![Hash::ZERO]).to_bytes())),
        ("Malformed", always(b"garbage".to_vec())),
        ("Malformed", always(vec![0; MAX_RESPONSE + 1])),
    ];
    let liar = FakePeer::start("liar", 101, always(Response::Unknown.to_bytes())).await;
    for (reason, script) in lies {
        liar.now(script);
        let node = LightNode::start(config(&chain, &[&liar], None)).await.unwrap();
        let snapshot = until_banned(&node, "liar").await;
        let ban = banned(&snapshot, "liar").unwrap();
        assert_eq!((ban.reason.name(), ban.count, height(&snapshot)), (reason, 1, 0));
        assert_eq!(u128::from(ban.until.0 - ban.at.0), Ban::FIRST.as_millis());
        let refusals: Vec<_> = snapshot.refusals.iter().map(|it| (&*it.peer, it.reason.name())).collect();
        assert_eq!(refusals, [("liar", reason)]);
        until(&node, "hung up", |snapshot| snapshot.state == State::Disconnected).await;
        node.stop().await;
    }
    liar.now(tip(block.clone()));
    let node = LightNode::start(config(&chain, &[&liar], None)).await.unwrap();
    assert_eq!(until_height(&node, 1).await.head.id(), block.header.id());
    node.stop().await;
}

/// Stopped in the middle of an answer, late or without blocks: no lie, whatever else it costs.
#[tokio::test]
async fn what_is_no_lie_bans_nobody() {
    let chain = grown(constant, 1);
    let peer = FakePeer::start("a", 101, Box::new(|_| None)).await;
    let node = LightNode::start(config(&chain, &[&peer], None)).await.unwrap();
    until_refused(&node, "Cut").await;
    let snapshot = until(&node, "demerits", |snapshot| snapshot.peers[0].demerits > 0).await;
    assert!(snapshot.peers[0].ban.is_none() && snapshot.peers[0].connected);
    peer.now(always(Response::Unknown.to_bytes()));
    until(&node, "made good", |snapshot| snapshot.peers[0].demerits == 0).await;
    peer.now(honest(&chain));
    assert!(banned(&*until_height(&node, 1).await, "a").is_none());
    node.stop().await;
}

/// FEATURES B-028: one of four lies about the newest block; it is named, and the rest agree.
#[tokio::test]
async fn one_lying_peer_flagged() {
    let chain = grown(constant, 1);
    let making = growing(&chain);
    let forged = bad_signature(chain.lock().unwrap().tip().unwrap().clone());
    let liar = FakePeer::start("liar", 101, tip(forged)).await;
    let a = FakePeer::start("a", 102, honest(&chain)).await;
    let b = FakePeer::start("b", 103, honest(&chain)).await;
    let c = FakePeer::start("c", 104, honest(&chain)).await;
    let node = LightNode::start(config(&chain, &[&liar, &a, &b, &c], None)).await.unwrap();
    let lie = banned(&*until_banned(&node, "liar").await, "liar").unwrap();
    assert_eq!(lie.reason, Reason::Rejected(Reject::BadSignature { signer: 0 }));
    let armed = until(&node, "may arm", |snapshot| snapshot.witnesses.may_arm).await;
    assert!(!armed.witnesses.operators.contains(&"liar".to_owned()), "{:?}", armed.witnesses);
    for name in ["a", "b", "c"] {
        assert_eq!(banned(&armed, name), None, "{name}");
    }
    assert!(armed.refusals.iter().all(|refusal| refusal.peer == "liar"));
    node.stop().await;
    making.abort();
}

/// FEATURES B-030: whoever is banned is asked nothing more, and neither is its word of before kept:
/// the witness that it was is none.
#[tokio::test]
async fn bad_peer_banned() {
    let chain = grown(constant, 1);
    chain.lock().unwrap().grow(now());
    let asked = Arc::new(AtomicUsize::new(0));
    let (count, truly) = (Arc::clone(&asked), Arc::clone(&chain));
    let turncoat = FakePeer::start(
        "turncoat",
        101,
        Box::new(move |request| {
            count.fetch_add(1, Ordering::SeqCst);
            Some(truth(&truly.lock().unwrap(), request).to_bytes())
        }),
    )
    .await;
    let a = FakePeer::start("a", 102, honest(&chain)).await;
    let b = FakePeer::start("b", 103, honest(&chain)).await;
    let node = LightNode::start(config(&chain, &[&turncoat, &a, &b], None)).await.unwrap();
    until(&node, "may arm", |snapshot| snapshot.witnesses.may_arm).await;

    let count = Arc::clone(&asked);
    turncoat.now(Box::new(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        Some(b"garbage".to_vec())
    }));
    let snapshot = until_banned(&node, "turncoat").await;
    assert_eq!((snapshot.witnesses.operators.len(), snapshot.witnesses.may_arm), (1, false));
    let before = asked.load(Ordering::SeqCst);
    chain.lock().unwrap().grow(now());
    until_height(&node, 3).await;
    node.header(Height(1)).await.unwrap();
    assert!(!node.snapshots().borrow().peers[0].connected);
    assert_eq!(asked.load(Ordering::SeqCst), before);
    node.stop().await;
}

/// A tip that no block leads to costs its peer the lead, and the others nothing.
#[tokio::test]
async fn a_liar_beside_an_honest_peer_holds_nothing_up() {
    let chain = grown(disjoint, 10);
    let far = far_and_forged(&chain);
    let liar = FakePeer::start(
        "liar",
        101,
        Box::new(move |request| {
            Some(match request {
                Request::Tip => Response::Block(Box::new(far.clone())).to_bytes(),
                _ => Response::Unknown.to_bytes(),
            })
        }),
    )
    .await;
    let good = FakePeer::start("good", 102, honest(&chain)).await;
    let node = LightNode::start(config(&chain, &[&liar, &good], None)).await.unwrap();
    let refused = until_refused(&node, "Missing").await;
    assert!(matches!(refused, Reason::Missing(Height(1..400))), "{refused:?}");
    let snapshot = until_height(&node, 10).await;
    assert_eq!(snapshot.head.id(), chain.lock().unwrap().tip().unwrap().header.id());
    let liar = snapshot.peers.iter().find(|peer| peer.name == "liar").unwrap();
    assert!(liar.ban.is_none() && liar.demerits > 20, "that is no lie to prove, but it costs: {liar:?}");
    node.stop().await;
}

/// A peer that offers far heights, and breaks off when it is asked for the way there, costs a start
/// one walk, however often it offers.
#[tokio::test]
async fn breaking_off_does_not_slow_a_start() {
    let chain = grown(disjoint, 40);
    let far = far_and_forged(&chain);
    let led = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&led);
    let liar = FakePeer::start(
        "liar",
        101,
        Box::new(move |request| match request {
            Request::Tip => Some(Response::Block(Box::new(far.clone())).to_bytes()),
            Request::Votes | Request::State(_) => Some(Response::Unknown.to_bytes()),
            _ => {
                count.fetch_add(1, Ordering::SeqCst);
                None
            }
        }),
    )
    .await;
    let good = FakePeer::start("good", 102, honest(&chain)).await;
    let node = LightNode::start(config(&chain, &[&liar, &good], None)).await.unwrap();
    until_height(&node, 40).await;
    for height in 41..=45 {
        chain.lock().unwrap().grow(now());
        until_height(&node, height).await;
    }
    assert!(led.load(Ordering::SeqCst) <= 1);
    node.stop().await;
}

/// A tip far above, which sets of its own certify.
fn far_and_forged(chain: &Arc<Mutex<Chain>>) -> LightBlock {
    let mut own = Chain::new("net", chain.lock().unwrap().genesis.time, |set| {
        disjoint(if set == 0 { 0 } else { set + 20 })
    });
    own.grow_by(400);
    own.tip().unwrap().clone()
}

/// What is proven of an old state was true once, and a key that counted in it may be revoked by now. The
/// twin: ten blocks below the head it is judged, by its proof.
#[tokio::test]
async fn a_state_far_below_the_head_is_not_taken_and_many_keys_are_one_question() {
    let chain = grown(constant, 20);
    let (at, asked) = (Arc::new(AtomicUsize::new(9)), Arc::new(AtomicUsize::new(0)));
    let (height, count, known) = (Arc::clone(&at), Arc::clone(&asked), Arc::clone(&chain));
    let script = Box::new(move |request: &Request| {
        let Request::State(keys) = request else {
            return Some(truth(&known.lock().unwrap(), request).to_bytes());
        };
        count.fetch_add(1, Ordering::SeqCst);
        let state = StateMap::genesis([(b"other".to_vec(), Some(vec![1]))].into()).unwrap();
        let (value, proof) = state.prove(b"other").unwrap();
        let entries = vec![Entry { value, proof }; keys.len()];
        let height = Height(height.load(Ordering::SeqCst) as u64);
        Some(Response::State { height, entries }.to_bytes())
    });
    let peer = FakePeer::start("a", 101, script).await;
    let node = LightNode::start(config(&chain, &[&peer], None)).await.unwrap();
    until_height(&node, 20).await;
    assert_eq!(node.state(b"key").await.unwrap_err(), FetchError::Behind);
    assert_eq!(asked.swap(0, Ordering::SeqCst), 1);
    let keys: Vec<Vec<u8>> = (0..MAX_KEYS as u8 + 1).map(|key| vec![key]).collect();
    assert_eq!(node.entries(&keys).await.unwrap_err(), FetchError::Behind);
    assert_eq!(asked.swap(0, Ordering::SeqCst), 2);
    at.store(10, Ordering::SeqCst);
    assert_eq!(node.state(b"key").await.unwrap_err(), FetchError::Rejected(Reject::StateProof));
    node.stop().await;
}
