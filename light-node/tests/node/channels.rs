//! Peers behind Tor and I2P, as far as a proxy of SOCKS5 goes: real libp2p through it, and deliveries past
//! those who take a transaction and keep it.

use std::sync::atomic::{AtomicBool, Ordering};

use libp2p::{PeerId, multiaddr::Protocol};
use qratum_chain::{
    Hash,
    types::{ChainId, Txo, TxoBody, TxoClass},
};
use qratum_crypto::sign::ed25519::SecretKey;
use qratum_light_node::{Channel, Delivered, Failure, Lane, Proxies, Tried, wire::Submission};

use super::*;
use crate::socks::{FakeProxy, Manner};

/// A port at which services of Tor and I2P are asked for.
const PORT: u16 = 4001;

fn onion(letter: char) -> String {
    letter.to_string().repeat(56)
}

fn b32(letter: char) -> String {
    letter.to_string().repeat(52)
}

fn id(fake: &FakePeer) -> PeerId {
    let part = fake.peer.address.iter().last().unwrap();
    let Protocol::P2p(id) = part else { panic!("{part}") };
    id
}

fn tor(fake: &FakePeer, letter: char) -> qratum_light_node::Multiaddr {
    format!("/onion3/{}:{PORT}/p2p/{}", onion(letter), id(fake)).parse().unwrap()
}

fn i2p(fake: &FakePeer, letter: char) -> qratum_light_node::Multiaddr {
    format!("/dns/{}.b32.i2p/tcp/{PORT}/p2p/{}", b32(letter), id(fake)).parse().unwrap()
}

fn proxies(tor: &FakeProxy, i2p: &FakeProxy) -> Proxies {
    Proxies { tor: Some(tor.address), i2p: Some(i2p.address) }
}

/// FEATURES: a peer of each kind is followed, each through its own proxy, which is told a name
/// and a port and nothing else; the pinned key is what is believed.
#[tokio::test]
async fn channel_tor_mock_socks_and_channel_i2p_mock() {
    let chain = grown(constant, 5);
    let mut a = FakePeer::start("a", 101, honest(&chain)).await;
    let mut b = FakePeer::start("b", 102, honest(&chain)).await;
    let onion = format!("{}.onion", onion('a'));
    let b32 = format!("{}.b32.i2p", b32('b'));
    let (of_tor, of_i2p) = (
        FakeProxy::start(&[(&onion, a.port())], Manner::Honest).await,
        FakeProxy::start(&[(&b32, b.port())], Manner::Honest).await,
    );
    (a.peer.address, b.peer.address) = (tor(&a, 'a'), i2p(&b, 'b'));
    let config = Config { proxies: proxies(&of_tor, &of_i2p), ..config(&chain, &[&a, &b], None) };
    let ports = [of_tor.address.port(), of_i2p.address.port()].into();
    assert_eq!(config.ports(), ports, "no other port is connected to");
    let node = LightNode::start(config).await.unwrap();
    let both = |snapshot: &Arc<Snapshot>| snapshot.peers.iter().all(|peer| peer.connected);
    let snapshot = until(&node, "both", |snapshot| both(snapshot) && height(snapshot) == 5).await;
    let channels: Vec<_> = snapshot.peers.iter().map(|peer| peer.channel).collect();
    assert_eq!(channels, [Some(Channel::Tor), Some(Channel::I2p)]);
    assert_eq!((of_tor.asked(), of_i2p.asked()), (vec![(onion, PORT)], vec![(b32, PORT)]));
    node.stop().await;
}

#[tokio::test]
async fn another_key_behind_a_proxy_is_not_believed() {
    let chain = grown(constant, 3);
    let liar = FakePeer::start("liar", 109, honest(&chain)).await;
    let mut pinned = FakePeer::start("a", 101, honest(&chain)).await;
    pinned.peer.address = tor(&pinned, 'a');
    let proxy = FakeProxy::start(&[(&format!("{}.onion", onion('a')), liar.port())], Manner::Honest).await;
    let proxies = Proxies { tor: Some(proxy.address), i2p: None };
    let node = LightNode::start(Config { proxies, ..config(&chain, &[&pinned], None) }).await.unwrap();
    assert_eq!(until_refused(&node, "WrongKey").await, Reason::WrongKey);
    let lane = Lane { channel: Channel::Tor, peer: 0 };
    let probed = node.probe(PATIENCE).await;
    assert!(
        probed.len() == 1 && probed[0].lane == lane && probed[0].answer == Err(Failure::WrongKey),
        "{probed:?}"
    );
    node.stop().await;
}

/// A proxy that refuses, one that is not set, one that nobody listens at, and one that never answers: each
/// is said to be what it is, and holds no other peer up.
#[tokio::test]
async fn a_proxy_that_leads_nowhere_holds_nobody_up() {
    let chain = grown(constant, 3);
    let good = FakePeer::start("good", 101, honest(&chain)).await;
    let mut hidden = FakePeer::start("hidden", 102, honest(&chain)).await;
    (hidden.peer.address, hidden.peer.fallbacks) = (tor(&hidden, 'a'), vec![i2p(&hidden, 'b')]);
    let refusing = FakeProxy::start(&[], Manner::Honest).await;
    let nobody = { FakeProxy::start(&[], Manner::Honest).await.address };
    for (proxies, tor, i2p) in [
        (Proxies::default(), "no proxy is set", "no proxy is set"),
        (
            Proxies { tor: Some(refusing.address), i2p: Some(nobody) },
            "no connection: the proxy does not lead there: Host unreachable",
            "no connection: the proxy of this machine does not answer",
        ),
    ] {
        let config = Config { proxies, ..config(&chain, &[&good, &hidden], None) };
        let node = LightNode::start(config).await.unwrap();
        let snapshot = until_height(&node, 3).await;
        assert_eq!(snapshot.peers[1].channel, None);
        let told: Vec<_> =
            node.probe(PATIENCE).await.into_iter().map(|probe| (probe.lane.channel, probe.answer)).collect();
        let words = |answer: &Result<Duration, Failure>| answer.as_ref().unwrap_err().to_string();
        assert!(told[0].0 == Channel::Tcp && told[0].1.is_ok(), "{told:?}");
        assert!(told[1].0 == Channel::Tor && words(&told[1].1).starts_with(tor), "{told:?}");
        assert!(told[2].0 == Channel::I2p && words(&told[2].1).starts_with(i2p), "{told:?}");
        node.stop().await;
    }
    let hanging = FakeProxy::start(&[], Manner::Hanging).await;
    let proxies = Proxies { tor: Some(hanging.address), i2p: None };
    let node = LightNode::start(Config { proxies, ..config(&chain, &[&good, &hidden], None) }).await.unwrap();
    until_height(&node, 3).await;
    let probed = node.probe(Duration::from_millis(300)).await;
    assert_eq!(probed[1].answer, Err(Failure::Silent));
    assert!(!hanging.asked().is_empty());
    tokio::time::timeout(PATIENCE, node.stop()).await.unwrap();
}

/// FEATURES A-052: TCP first; once it failed three times the next channel is taken.
#[tokio::test]
async fn channel_tcp_comes_first_and_tor_after_three_failures() {
    let chain = grown(constant, 3);
    let mut peer = FakePeer::start("a", 101, honest(&chain)).await;
    let proxy = FakeProxy::start(&[(&format!("{}.onion", onion('a')), peer.port())], Manner::Honest).await;
    let proxies = Proxies { tor: Some(proxy.address), i2p: None };
    peer.peer.fallbacks = vec![tor(&peer, 'a')];
    let node = LightNode::start(Config { proxies, ..config(&chain, &[&peer], None) }).await.unwrap();
    let snapshot = until_height(&node, 3).await;
    assert_eq!((snapshot.peers[0].channel, proxy.asked()), (Some(Channel::Tcp), vec![]));
    node.stop().await;

    let closed = FakePeer::start("closed", 109, honest(&chain)).await;
    let port = closed.port();
    closed.kill().await;
    peer.peer.address = format!("/ip4/127.0.0.1/tcp/{port}/p2p/{}", id(&peer)).parse().unwrap();
    let node = LightNode::start(Config { proxies, ..config(&chain, &[&peer], None) }).await.unwrap();
    let snapshot = until_height(&node, 3).await;
    assert_eq!(snapshot.peers[0].channel, Some(Channel::Tor));
    node.stop().await;
}

fn txo() -> Txo {
    let key = SecretKey::from_seed(&[9; 32]);
    let (chain_id, class) = (ChainId(Hash([7; 32])), TxoClass::Network);
    TxoBody { chain_id, sender: key.public().into(), nonce: 0, class, payload: vec![2] }.sign(&key)
}

/// Serves a chain, and says of transactions: what it answers to one that is handed to it, which it makes
/// known where it is honest, and whether it says that one waits that is known.
fn takes(chain: &Arc<Mutex<Chain>>, known: &Arc<AtomicBool>, tells: bool, submission: Submission) -> Script {
    let (mut chain, known) = (honest(chain), Arc::clone(known));
    Box::new(move |request| match request {
        Request::Submit(_) => {
            known.fetch_or(tells, Ordering::Relaxed);
            Some(Response::Submitted(submission).to_bytes())
        }
        Request::Txo(_) if known.load(Ordering::Relaxed) => Some(Response::Txo(None).to_bytes()),
        Request::Txo(_) => Some(Response::Unknown.to_bytes()),
        other => chain(other),
    })
}

/// One takes it and keeps it, one has no room; the third takes it by Tor only, and the two that took nothing
/// say that it waits.
#[tokio::test]
async fn a_transaction_goes_past_those_who_keep_it() {
    let (chain, known) = (grown(constant, 3), Arc::new(AtomicBool::new(false)));
    let keeper = FakePeer::start("keeper", 101, takes(&chain, &known, false, Submission::Accepted)).await;
    let full = FakePeer::start("full", 102, takes(&chain, &known, false, Submission::Busy)).await;
    let mut far = FakePeer::start("far", 103, takes(&chain, &known, true, Submission::Accepted)).await;
    let mut other = FakePeer::start("other", 104, takes(&chain, &known, true, Submission::Accepted)).await;
    let names = [format!("{}.onion", onion('a')), format!("{}.b32.i2p", b32('b'))];
    let proxy = FakeProxy::start(&[(&names[0], far.port()), (&names[1], other.port())], Manner::Honest).await;
    (far.peer.address, other.peer.address) = (tor(&far, 'a'), i2p(&other, 'b'));
    let config = config(&chain, &[&keeper, &full, &far, &other], None);
    let node = LightNode::start(Config { proxies: proxies(&proxy, &proxy), ..config }).await.unwrap();
    until(&node, "all", |snapshot| snapshot.peers.iter().all(|peer| peer.connected)).await;
    let report = node.deliver(&txo()).await.unwrap();
    assert!(
        matches!(&report.delivered, Some(Delivered::Waits { seen_by }) if *seen_by == [1, 3]),
        "{report:?}"
    );
    let lane = |channel, peer| Lane { channel, peer };
    let want = [
        Tried { lane: lane(Channel::Tcp, 0), failure: Some(Failure::Unseen) },
        Tried { lane: lane(Channel::Tcp, 1), failure: Some(Failure::Busy) },
        Tried { lane: lane(Channel::Tor, 2), failure: None },
    ];
    assert_eq!(report.tried, want);
    node.stop().await;
}
