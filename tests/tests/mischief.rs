//! Each fault of `qratum-mischief` over real libp2p: what an honest light node makes of such a peer,
//! and honest validators of such a validator.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures::future::try_join_all;
use qratum_chain::types::{Genesis, Time};
use qratum_crypto::sign::ed25519::PublicKey;
use qratum_light_node::{Config, LightNode, Peer as Pin, Snapshot, Voting, peers_from_json};
use qratum_tests::{
    mischief::{
        fault::Fault,
        peer::{Peer, Truth},
        validator,
    },
    simulation::{genesis, network_of},
};
use qratum_validator::{
    demo,
    drivers::{
        real::{Settings, run},
        virtual_time::Net,
    },
    serve,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::timeout,
};

/// Longer than a light node waits for an answer.
const PATIENCE: Duration = Duration::from_secs(40);

/// A chain that validators made in virtual time, a few seconds ago.
struct Chain {
    genesis: Genesis,
    net: Arc<Mutex<Net>>,
}

impl Chain {
    fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        let genesis = Genesis { time: Time(now - 60_000), ..genesis() };
        let chain = Self { net: Arc::new(Mutex::new(network_of(genesis.clone(), 5))), genesis };
        chain.grow(3);
        chain
    }

    /// So many more heights. Returns the highest.
    fn grow(&self, heights: u64) -> u64 {
        let mut net = self.net.lock().unwrap();
        let to = net.height(0).0 + heights;
        assert!(net.run(20_000, |net| net.height(0).0 >= to));
        to
    }

    fn truth(&self) -> Truth {
        let net = Arc::clone(&self.net);
        Truth::Here(Box::new(move |request| serve::answer(net.lock().unwrap().host(0).unwrap(), request)))
    }

    /// A peer on loopback and how a light node pins it.
    async fn peer(&self, name: &str, seed: u8, fault: Option<Fault>) -> (Peer, Pin) {
        let address = "/ip4/127.0.0.1/tcp/0".parse().unwrap();
        let peer = Peer::start([seed; 32], address, self.truth(), fault).await.unwrap();
        let pin = Pin { name: name.to_owned(), operator: name.to_owned(), address: peer.address.clone() };
        (peer, pin)
    }

    async fn follow(&self, peers: Vec<Pin>) -> LightNode {
        let config = Config { genesis: self.genesis.clone(), anchor: None, peers, home: None, keep: false };
        LightNode::start(config).await.unwrap()
    }
}

async fn until(node: &LightNode, what: &str, done: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    let mut snapshots = node.snapshots();
    let found = timeout(PATIENCE, snapshots.wait_for(|snapshot| done(snapshot))).await;
    match found {
        Ok(snapshot) => Arc::clone(&snapshot.unwrap()),
        Err(_) => panic!("{what}: {:?}", node.snapshots().borrow().refusals),
    }
}

fn height(snapshot: &Snapshot) -> u64 {
    snapshot.head.header().get().height.0
}

/// The liar is named with this reason, and what it said moves nothing; beside an honest peer the node
/// follows that one.
async fn refused(fault: Fault, reason: &str) {
    let chain = Chain::new();
    let (_liar, liar) = chain.peer("liar", 1, Some(fault)).await;
    let node = chain.follow(vec![liar.clone()]).await;
    if fault == Fault::ForgedHistory {
        // Its blocks are true; the way from one to the next is not.
        until(&node, "first head", |snapshot| height(snapshot) == 3).await;
        chain.grow(3);
    }
    let named = |snapshot: &Snapshot| snapshot.refusals.iter().any(|it| it.reason.name() == reason);
    let snapshot = until(&node, reason, named).await;
    let believed = if matches!(fault, Fault::ForgedHistory | Fault::InventedVotes) { 3 } else { 0 };
    assert_eq!(height(&snapshot), believed, "it moved the node");
    node.stop().await;

    let (_honest, honest) = chain.peer("honest", 2, None).await;
    let node = chain.follow(vec![liar, honest]).await;
    until(&node, "the first head", |snapshot| height(snapshot) > 0).await;
    let tip = chain.grow(3);
    let snapshot = until(&node, "the tip", |snapshot| height(snapshot) == tip).await;
    let truth = chain.net.lock().unwrap().host(0).unwrap().ledger().tip().id();
    assert_eq!(snapshot.head.id(), truth);
    assert!(snapshot.refusals.iter().all(|refusal| refusal.peer == "liar"), "{:?}", snapshot.refusals);
    node.stop().await;
}

macro_rules! refused {
    ($($name:ident: $fault:expr, $reason:expr;)*) => {
        $(#[tokio::test]
        async fn $name() {
            refused($fault, $reason).await;
        })*
    };
}

refused! {
    a_silent_peer: Fault::Silent, "TimedOut";
    a_peer_that_delays: Fault::Delay, "TimedOut";
    a_peer_with_a_wrong_state_root: Fault::WrongStateRoot, "CertificateBlock";
    a_peer_with_a_forged_history: Fault::ForgedHistory, "HistoryProof";
    a_peer_from_the_future: Fault::FutureTime, "CertificateBlock";
    a_peer_from_the_past: Fault::PastTime, "TimeNotAbove";
    a_peer_that_lies_about_its_height: Fault::LyingHeight, "WrongSetId";
    a_peer_that_invents_votes: Fault::InventedVotes, "BadSignature";
    a_peer_with_oversized_frames: Fault::OversizedFrames, "Malformed";
}

/// Nothing can be proven against a peer that tells no votes; it makes nobody look gone.
#[tokio::test]
async fn a_peer_that_withholds_votes() {
    let chain = Chain::new();
    let (_liar, liar) = chain.peer("liar", 1, Some(Fault::WithheldVotes)).await;
    let (_honest, honest) = chain.peer("honest", 2, None).await;
    let node = chain.follow(vec![liar, honest]).await;
    for _ in 0..5 {
        let tip = chain.grow(1);
        until(&node, "the tip", |snapshot| height(snapshot) == tip).await;
    }
    let snapshot = until(&node, "votes", |snapshot| snapshot.voting.known).await;
    assert!(snapshot.voting.members.iter().all(|member| !member.silent), "{:?}", snapshot.voting);
    assert_eq!(snapshot.refusals, []);
    node.stop().await;
}

/// A folder under the target directory, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Four validators over libp2p, of which one (25 of 100) has the fault: the others go on, and a light
/// node that asks all four follows them without being led astray.
async fn outvoted(fault: Fault, noticed: fn(&Voting, &PublicKey) -> bool) {
    let scratch = Scratch::new(&format!("{fault:?}"));
    let home = &scratch.0;
    let options = demo::Options { block_interval_ms: 200, ..demo::Options::default() };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let genesis = demo::create(home, Time(now), &options).unwrap().genesis;
    let honest = ["north", "south", "west"].map(|name| {
        let (home, name) = (home.clone(), name.to_owned());
        run(Settings { home, name, verbose: false, least_free: 0, retained: 1000, stop_on_stdin_eof: false })
    });
    let liar = validator::run(home, "east", fault);
    let follow = async {
        let peers = peers_from_json(&std::fs::read(home.join("peers.json")).unwrap()).unwrap();
        let config = Config { genesis: genesis.clone(), anchor: None, peers, home: None, keep: false };
        let node = LightNode::start(config).await.unwrap();
        let east = genesis.validators[1].validator.pubkey;
        until(&node, "what it does is seen", |snapshot| noticed(&snapshot.voting, &east)).await;
        let snapshot = until(&node, "eight heights", |snapshot| height(snapshot) >= 8).await;
        for (member, _) in &snapshot.voting.evidence {
            assert_eq!(*member, east, "an honest one is accused");
        }
        let blamed = snapshot.refusals.iter().find(|refusal| refusal.peer != "east");
        assert!(blamed.is_none() && snapshot.fork.is_none(), "{blamed:?}");
        node.stop().await;
    };
    tokio::select! {
        ended = try_join_all(honest) => panic!("{ended:?}"),
        ended = liar => panic!("the liar: {ended:?}"),
        () = follow => {}
    }
}

macro_rules! outvoted {
    ($($name:ident: $fault:expr, $noticed:expr;)*) => {
        $(#[tokio::test]
        async fn $name() {
            outvoted($fault, $noticed).await;
        })*
    };
}

/// Evidence names it.
fn accused(voting: &Voting, east: &PublicKey) -> bool {
    voting.evidence.iter().any(|(member, _)| member == east)
}

/// It is known to be silent, and nobody else is.
fn missed(voting: &Voting, east: &PublicKey) -> bool {
    let silent = voting.members.iter().filter(|member| member.silent);
    voting.known && silent.map(|member| member.key).eq([*east])
}

outvoted! {
    a_validator_that_double_signs: Fault::DoubleSign, accused;
    a_validator_that_equivocates: Fault::Equivocate, accused;
    a_validator_that_censors: Fault::Censor, |_, _| true;
    a_silent_validator: Fault::Silent, missed;
    a_validator_that_delays: Fault::Delay, |_, _| true;
    a_validator_with_a_wrong_state_root: Fault::WrongStateRoot, |_, _| true;
    a_validator_with_a_forged_history: Fault::ForgedHistory, |_, _| true;
    a_validator_from_the_future: Fault::FutureTime, |_, _| true;
    a_validator_from_the_past: Fault::PastTime, |_, _| true;
    a_validator_that_lies_about_its_height: Fault::LyingHeight, |_, _| true;
    a_validator_that_withholds_votes: Fault::WithheldVotes, missed;
    a_validator_that_invents_votes: Fault::InventedVotes, |_, _| true;
    a_validator_with_oversized_frames: Fault::OversizedFrames, |_, _| true;
}

/// The program between a light node and a validator of a home that runs.
#[tokio::test]
async fn the_program_passes_questions_on_and_lies_about_the_answers() {
    let scratch = Scratch::new("program");
    let home = &scratch.0;
    let options = demo::Options { validators: 1, block_interval_ms: 200, ..demo::Options::default() };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let genesis = demo::create(home, Time(now), &options).unwrap().genesis;
    let (folder, name) = (home.clone(), "north".to_owned());
    let settings = Settings {
        home: folder,
        name,
        verbose: false,
        least_free: 0,
        retained: 1000,
        stop_on_stdin_eof: false,
    };
    let mut program = tokio::process::Command::new(env!("CARGO_BIN_EXE_qratum-mischief"))
        .args(["peer", "--fault", "wrong-state-root", "--home"])
        .arg(home)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let said = program.stdout.take().unwrap();
    let follow = async {
        let line = BufReader::new(said).lines().next_line().await.unwrap().unwrap();
        let name = || "liar".to_owned();
        let pin = Pin { name: name(), operator: name(), address: line.parse().unwrap() };
        let config = Config { genesis, anchor: None, peers: vec![pin], home: None, keep: false };
        let node = LightNode::start(config).await.unwrap();
        let named =
            |snapshot: &Snapshot| snapshot.refusals.iter().any(|it| it.reason.name() == "CertificateBlock");
        assert_eq!(height(&*until(&node, "CertificateBlock", named).await), 0);
        node.stop().await;
    };
    tokio::select! {
        ended = run(settings) => panic!("{ended:?}"),
        () = follow => {}
    }
}

#[test]
fn the_program_names_its_faults_and_refuses_others() {
    let program = || std::process::Command::new(env!("CARGO_BIN_EXE_qratum-mischief"));
    let list = String::from_utf8(program().arg("list").output().unwrap().stdout).unwrap();
    let names: Vec<&str> = list.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, Fault::ALL.map(|(name, _)| name));
    let refused = program().args(["peer", "--home", "/nowhere", "--fault", "kindness"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("--fault"));
}
