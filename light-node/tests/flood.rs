//! Eight peers that send the longest frames there are, again and again, beside one that tells the
//! truth: the node keeps its memory and is synced in time. The flooders are another process, so that
//! what this one holds is the node's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(missing_docs, unreachable_pub, dead_code, reason = "tests")]

#[path = "support/chain.rs"]
mod chain;
#[path = "support/peer.rs"]
mod peer;

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use chain::{Chain, constant};
use peer::{FakePeer, Script, honest};
use qratum_chain::types::Time;
use qratum_light_node::{Config, LightNode, Peer, wire::MAX_RESPONSE};

const FLOODERS: u8 = 8;
/// The most memory, in KiB.
const MEMORY: u64 = 256 << 10;
/// Within it the node is synced, whatever floods it.
const PATIENCE: Duration = Duration::from_secs(15);
/// Eight peers are heard to the end, each a few times, on a machine that others use too.
const BANS: Duration = Duration::from_secs(60);

/// The most this process ever held, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// As long as an answer may be, and no answer: a block that never ends.
fn floods() -> Script {
    Box::new(|_| Some(vec![1; MAX_RESPONSE]))
}

/// Runs as a child of the test below: says where it listens, and ends with its standard input.
#[tokio::test]
#[ignore = "the flooders of the other test"]
async fn flooders() {
    let mut peers = Vec::new();
    for seed in 0..FLOODERS {
        let fake = FakePeer::start(&format!("flood-{seed}"), 101 + seed, floods()).await;
        println!("listens {}", fake.peer.address);
        peers.push(fake);
    }
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await.unwrap().unwrap();
}

/// The child, killed with the test.
struct Flooders(Child);

impl Flooders {
    fn start() -> (Self, Vec<Peer>) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "flooders", "--ignored", "--nocapture"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let places = lines.filter_map(|line| Some(line.split_once("listens ")?.1.to_owned()));
        let peer = |(n, place): (usize, String)| {
            let name = format!("flood-{n}");
            Peer { operator: name.clone(), name, address: place.parse().unwrap(), fallbacks: Vec::new() }
        };
        let peers = places.take(usize::from(FLOODERS)).enumerate().map(peer).collect();
        (Self(child), peers)
    }
}

impl Drop for Flooders {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn eight_peers_flood_a_node_and_it_keeps_its_memory_and_its_pace() {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let now = Time(u64::try_from(since.as_millis()).unwrap());
    let mut chain = Chain::new("net", Time(now.0 - 60_000), constant);
    chain.grow_by(50);
    let chain = Arc::new(Mutex::new(chain));
    let (_flooders, mut peers) = Flooders::start();
    let truth = FakePeer::start("honest", 120, honest(&chain)).await;
    peers.push(truth.peer.clone());
    let genesis = chain.lock().unwrap().genesis.clone();
    let config =
        Config { genesis, anchor: None, peers, proxies: Default::default(), home: None, keep: false };
    let node = LightNode::start(config).await.unwrap();
    let synced = node.synced(PATIENCE).await.unwrap();
    assert_eq!(synced.head.header().get().height.0, 50);

    let mut snapshots = node.snapshots();
    let all_banned = snapshots.wait_for(|snapshot| {
        snapshot.peers.iter().filter(|peer| peer.ban.is_some()).count() == usize::from(FLOODERS)
    });
    tokio::time::timeout(BANS, all_banned).await.expect("each flooder is banned").unwrap();
    let snapshot = node.snapshots().borrow().clone();
    let honest = snapshot.peers.iter().find(|peer| peer.name == "honest").unwrap();
    assert!(honest.connected && honest.ban.is_none());
    assert!(peak() < MEMORY, "{} KiB at the peak", peak());
}
