//! Someone in the middle of the wire: reads all, changes bytes, plays a recorded session again.
//! A relay on loopback stands between the light node and a peer that tells the truth.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(missing_docs, unreachable_pub, dead_code, reason = "tests")]

#[path = "support/chain.rs"]
mod chain;
#[path = "support/peer.rs"]
mod peer;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use chain::{Chain, constant};
use libp2p::multiaddr::Protocol;
use peer::{FakePeer, honest};
use qratum_chain::{codec::Encode, types::Time};
use qratum_light_node::{Config, LightNode, Peer, State};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// Longer than any of this takes; an event ends each wait.
const PATIENCE: Duration = Duration::from_secs(15);

/// What the one in the middle does to a connection.
#[derive(Clone)]
enum Middle {
    /// Hands everything on.
    Listens,
    /// Flips one bit of the byte at this place of what the peer says, each time.
    Flips(usize),
    /// Says these bytes and hands nothing on.
    Replays(Vec<u8>),
}

#[derive(Default)]
struct Tape {
    /// What the node said, and what the peer said, over all connections.
    said: [Vec<u8>; 2],
}

/// A relay: its address stands in for the peer's.
struct Relay {
    peer: Peer,
    middle: Arc<Mutex<Middle>>,
    tape: Arc<Mutex<Tape>>,
    connections: watch::Sender<usize>,
    task: JoinHandle<()>,
}

impl Relay {
    async fn before(fake: &FakePeer, middle: Middle) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, to) = (listener.local_addr().unwrap().port(), fake.port());
        let address = fake.peer.address.iter().map(|part| match part {
            Protocol::Tcp(_) => Protocol::Tcp(port),
            other => other,
        });
        let peer = Peer { address: address.collect(), ..fake.peer.clone() };
        let (middle, tape) = (Arc::new(Mutex::new(middle)), Arc::<Mutex<Tape>>::default());
        let connections = watch::Sender::new(0);
        let shared = (Arc::clone(&middle), Arc::clone(&tape), connections.clone());
        let task = tokio::spawn(async move {
            let (middle, tape, connections) = shared;
            while let Ok((client, _)) = listener.accept().await {
                connections.send_modify(|count| *count += 1);
                let middle = middle.lock().unwrap().clone();
                tokio::spawn(relay(client, to, middle, Arc::clone(&tape)));
            }
        });
        Self { peer, middle, tape, connections, task }
    }

    fn now(&self, middle: Middle) {
        *self.middle.lock().unwrap() = middle;
    }

    fn said_by_peer(&self) -> Vec<u8> {
        self.tape.lock().unwrap().said[1].clone()
    }

    /// Waits until the node has hung up and dialled again.
    async fn tried_again(&self) {
        let mut connections = self.connections.subscribe();
        let again = connections.wait_for(|count| *count >= 2);
        tokio::time::timeout(PATIENCE, again).await.expect("the node dials again").unwrap();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn relay(client: TcpStream, to: u16, middle: Middle, tape: Arc<Mutex<Tape>>) {
    let (from_client, mut to_client) = client.into_split();
    if let Middle::Replays(session) = middle {
        // The node may hang up first.
        let _ = to_client.write_all(&session).await;
        let mut from_client = from_client;
        let _ = tokio::io::copy(&mut from_client, &mut tokio::io::sink()).await;
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else { return };
    let (from_server, to_server) = server.into_split();
    let flip = if let Middle::Flips(at) = middle { Some(at) } else { None };
    let up = pump(from_client, to_server, 0, None, Arc::clone(&tape));
    let down = pump(from_server, to_client, 1, flip, tape);
    tokio::join!(up, down);
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    side: usize,
    flip: Option<usize>,
    tape: Arc<Mutex<Tape>>,
) {
    let (mut buffer, mut seen) = ([0; 4096], 0);
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        tape.lock().unwrap().said[side].extend_from_slice(&buffer[..count]);
        if let Some(at) = flip.filter(|at| (seen..seen + count).contains(at)) {
            buffer[at - seen] ^= 1;
        }
        seen += count;
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

async fn stage(middle: Middle) -> (Arc<Mutex<Chain>>, FakePeer, Relay, LightNode) {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let now = Time(u64::try_from(since.as_millis()).unwrap());
    let mut chain = Chain::new("net", Time(now.0 - 60_000), constant);
    chain.grow_by(20);
    let chain = Arc::new(Mutex::new(chain));
    let fake = FakePeer::start("a", 101, honest(&chain)).await;
    let relay = Relay::before(&fake, middle).await;
    let genesis = chain.lock().unwrap().genesis.clone();
    let config = Config {
        genesis,
        anchor: None,
        peers: vec![relay.peer.clone()],
        proxies: Default::default(),
        home: None,
        keep: false,
    };
    let node = LightNode::start(config).await.unwrap();
    (chain, fake, relay, node)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn wire_has_no_plaintext() {
    let (chain, _fake, relay, node) = stage(Middle::Listens).await;
    node.synced(PATIENCE).await.unwrap();
    let tip = chain.lock().unwrap().tip().unwrap().clone();
    let parts = [
        tip.header.parent.0.0.to_vec(),
        tip.validators[0].pubkey.0.to_vec(),
        b"/qratum/light/1".to_vec(),
        tip.header.time.0.to_le_bytes().to_vec(),
    ];
    let answer = tip.to_bytes();
    assert!(contains(&answer, &parts[0]) && contains(&answer, &parts[1]) && contains(&answer, &parts[3]));
    let tape = relay.tape.lock().unwrap();
    for said in &tape.said {
        assert!(contains(said, b"/noise"), "the tape holds what went over the wire");
        assert!(said.len() > 200);
        for part in &parts {
            assert!(!contains(said, part), "{part:?} is readable");
        }
    }
    assert!(tape.said[1].len() > answer.len(), "the answer is on the tape, sealed");
}

#[tokio::test]
async fn mitm_modify_replay_rejected() {
    // A good session, to know how long it is and to have one to replay.
    let (_chain, _fake, relay, node) = stage(Middle::Listens).await;
    node.synced(PATIENCE).await.unwrap();
    node.stop().await;
    let session = relay.said_by_peer();

    // One bit, in the handshake or in any later frame: nothing is believed, and the node tries on.
    for at in [40, session.len() / 2, session.len() - 1] {
        let (_chain, _fake, relay, node) = stage(Middle::Flips(at)).await;
        if at + 1 < session.len() {
            relay.tried_again().await;
            let snapshot = node.snapshots().borrow().clone();
            assert_eq!(snapshot.head.header().get().height.0, 0, "byte {at}");
        }
        relay.now(Middle::Listens);
        let snapshot = node.synced(PATIENCE).await.unwrap();
        assert_eq!(snapshot.head.header().get().height.0, 20, "byte {at}");
        node.stop().await;
    }

    // The whole session again, word for word: the handshake is another one each time.
    let (_chain, _fake, relay, node) = stage(Middle::Replays(session)).await;
    relay.tried_again().await;
    let snapshot = node.snapshots().borrow().clone();
    assert_eq!(snapshot.head.header().get().height.0, 0);
    assert!(!snapshot.peers[0].connected);
    assert!(matches!(snapshot.state, State::Disconnected | State::Loading), "{:?}", snapshot.state);
    relay.now(Middle::Listens);
    assert!(node.synced(PATIENCE).await.is_ok(), "the real one is believed afterwards");
}
