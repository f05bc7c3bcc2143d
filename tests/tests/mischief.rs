//! Each fault of `qratum-mischief` over real libp2p: what an honest light node makes of such a peer,
//! and honest validators of such a validator.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{
    io::BufRead as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use libp2p::multiaddr::Protocol;
use qratum_chain::{
    codec::{Decode, Encode},
    document::genesis_to_json,
    ledger::registry::Order,
    types::{ChainId, Genesis, Height, Registration, Time, Txo, TxoBody, TxoClass},
};
use qratum_crypto::sign::ed25519::PublicKey;
use qratum_light_node::{
    Config, FetchError, LightNode, Multiaddr, Peer as Pin, Snapshot, Voting, peers_from_json,
    wire::{Included, Request, Response, Submission},
};
use qratum_tests::{
    forge::seed_bytes,
    mischief::{
        fault::Fault,
        peer::{Peer, Truth},
        validator,
    },
    simulation::{genesis, network_of},
};
use qratum_validator::{
    client::Client,
    demo,
    drivers::{
        real::{Settings, run},
        virtual_time::Net,
    },
    home::{Home, PeerAddress, write_new},
    operate::{self, OperateError, Wish},
    serve,
    store::lock,
};
use qratum_verifier::Reject;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::{sleep, timeout},
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
        let pin = Pin {
            name: name.to_owned(),
            operator: name.to_owned(),
            address: peer.address.clone(),
            fallbacks: Vec::new(),
        };
        (peer, pin)
    }

    async fn follow(&self, peers: Vec<Pin>) -> LightNode {
        let config = Config {
            genesis: self.genesis.clone(),
            anchor: None,
            peers,
            proxies: Default::default(),
            home: None,
            keep: false,
        };
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
    let believed: &[u64] = match fault {
        Fault::ForgedHistory => &[3],
        // Its blocks are true; its votes may be asked for first.
        Fault::InventedVotes => &[0, 3],
        _ => &[0],
    };
    assert!(believed.contains(&height(&snapshot)), "it moved the node to {}", height(&snapshot));
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

/// A program of this build that this package does not contain.
fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_qratum-mischief")).with_file_name(name);
    assert!(path.is_file(), "{} is not built: run the tests of the whole workspace", path.display());
    path
}

/// Validators of a home as processes of their own, and what each says. Ended and reaped at the end.
#[derive(Default)]
struct Processes {
    children: Vec<Child>,
    said: Vec<Arc<Mutex<Vec<String>>>>,
}

impl Processes {
    fn start(&mut self, command: &mut Command) {
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (lines, said) = (Arc::<Mutex<Vec<String>>>::default(), child.stderr.take().unwrap());
        self.children.push(child);
        self.said.push(Arc::clone(&lines));
        thread::spawn(move || {
            for line in std::io::BufReader::new(said).lines().map_while(Result::ok) {
                lines.lock().unwrap().push(line);
            }
        });
    }

    /// What each of them said so far.
    fn said(&self) -> Vec<Vec<String>> {
        self.said.iter().map(|lines| lines.lock().unwrap().clone()).collect()
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Who names a validator with a fault, and with which reason.
#[derive(Clone, Copy)]
enum Named {
    /// Each honest validator, in a line of its own; what stands here follows and precedes the name.
    ByValidators(&'static str, &'static str),
    /// A light node, in its view of the votes.
    ByLightNode(fn(&Voting, &PublicKey) -> bool),
}

use Named::{ByLightNode, ByValidators};

/// Every fault of a validator, over real processes: who names it, and with which reason. Silence,
/// delay and censorship are no statements that could be refused: what is told of them is that a
/// proposal, or votes, did not come in time.
///
/// | Fault | Each honest validator says | A light node shows |
/// |---|---|---|
/// | double-sign | it signed two votes at a place | evidence against it |
/// | equivocate | | evidence against it |
/// | censor | no proposal from it, while transactions wait | |
/// | silent | no proposal from it | it is silent |
/// | delay | no proposal from it in time | |
/// | wrong-state-root | its proposal: another state root | |
/// | forged-history | its proposal: another history root | |
/// | future-time, past-time | its proposal: time outside | |
/// | lying-height | it speaks of a height that it does not have | |
/// | withheld-votes | | it is silent |
/// | invented-votes | the vote is not signed by whose name it bears | |
/// | oversized-frames | its message: too large | |
fn named(fault: Fault) -> &'static [Named] {
    const ABSENT: Named = ByValidators("had no proposal from ", "");
    const REFUSED_TIME: Named = ByValidators(" of ", ": time outside");
    match fault {
        Fault::DoubleSign => &[ByValidators("", " signed two votes at "), ByLightNode(accused)],
        Fault::Equivocate => &[ByLightNode(accused)],
        Fault::Censor | Fault::Delay => &[ABSENT],
        Fault::Silent => &[ABSENT, ByLightNode(missed)],
        Fault::WrongStateRoot => &[ByValidators(" of ", ": another state root")],
        Fault::ForgedHistory => &[ByValidators(" of ", ": another history root")],
        Fault::FutureTime | Fault::PastTime => &[REFUSED_TIME],
        Fault::LyingHeight => &[ByValidators("", ": it speaks of height ")],
        Fault::WithheldVotes => &[ByLightNode(missed)],
        Fault::InventedVotes => &[ByValidators("", ": vote ")],
        Fault::OversizedFrames => &[ByValidators("", ": a message was refused: frame is larger")],
    }
}

/// Whether a line tells of `name` so.
fn tells(line: &str, name: &str, before: &str, after: &str) -> bool {
    let told = format!("{before}{name}{after}");
    if before.is_empty() { line.starts_with(&told) } else { line.contains(&told) }
}

/// Transactions that wait for a block, one after the other, for as long as this is not dropped.
async fn submit_notes(home: &Home, chain_id: ChainId) {
    let operator = home.operator_key("north").unwrap();
    let over = home.peers().unwrap().into_iter().find(|peer| peer.name == "north").unwrap();
    let mut client = Client::new(over).unwrap();
    for nonce in 0.. {
        let (sender, payload) = (operator.public(), Order::Note(vec![1]).to_bytes());
        let note = TxoBody { chain_id, sender: sender.into(), nonce, class: TxoClass::Network, payload }
            .sign(&operator);
        // Too many of them wait, or the validator has not started: again.
        let accepted = Ok(Response::Submitted(Submission::Accepted));
        while client.ask(Request::Submit(note.to_bytes())).await.map_err(drop) != accepted {
            sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Four validators as processes, of which east (25 of 100) has the fault: the others go on and name
/// it, and a light node that asks all four follows them without being led astray.
async fn outvoted(fault: Fault) {
    let scratch = Scratch::new(&format!("{fault:?}"));
    let home = &scratch.0;
    let options = demo::Options { block_interval_ms: 200, ..demo::Options::default() };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let genesis = demo::create(home, Time(now), &options).unwrap().genesis;
    let mut honest = Processes::default();
    for name in ["north", "south", "west"] {
        let mut command = Command::new(program("qratum-validator"));
        honest.start(command.args(["run", "--stop-on-stdin-eof", "--name", name, "--home"]).arg(home));
    }
    let (name, _) = *Fault::ALL.iter().find(|(_, known)| *known == fault).unwrap();
    let mut liar = Processes::default();
    let mut command = Command::new(env!("CARGO_BIN_EXE_qratum-mischief"));
    liar.start(command.args(["validator", "--name", "east", "--fault", name, "--home"]).arg(home));

    let follow = async {
        let peers = peers_from_json(&std::fs::read(home.join("peers.json")).unwrap()).unwrap();
        let config = Config {
            genesis: genesis.clone(),
            anchor: None,
            peers,
            proxies: Default::default(),
            home: None,
            keep: false,
        };
        let node = LightNode::start(config).await.unwrap();
        let east = genesis.validators[1].validator.pubkey;
        for by in named(fault) {
            match *by {
                ByLightNode(sees) => {
                    until(&node, "what it does is seen", |snapshot| sees(&snapshot.voting, &east)).await;
                }
                ByValidators(before, after) => told_by_each(&honest, before, after).await,
            }
        }
        let snapshot = until(&node, "eight heights", |snapshot| height(snapshot) >= 8).await;
        for (member, _) in &snapshot.voting.evidence {
            assert_eq!(*member, east, "an honest one is accused");
        }
        let blamed = snapshot.refusals.iter().find(|refusal| refusal.peer != "east");
        assert!(blamed.is_none() && snapshot.fork.is_none(), "{blamed:?}");
        node.stop().await;
    };
    let (paths, chain_id) = (Home::new(home), genesis.chain_id().unwrap());
    tokio::select! {
        () = submit_notes(&paths, chain_id), if fault == Fault::Censor => {}
        () = follow => {}
    }
    // Whoever starts later than others is missed for a moment; no honest one is blamed for more.
    for line in honest.said().concat() {
        let blames = |name| {
            tells(&line, name, "", ": ")
                || tells(&line, name, "", " signed two")
                || tells(&line, name, " of ", ": ")
        };
        assert!(!["north", "south", "west"].into_iter().any(blames), "{line}");
    }
}

/// Waits until each of them has told of east so.
async fn told_by_each(validators: &Processes, before: &str, after: &str) {
    let told = async {
        let tells = |lines: &Vec<String>| lines.iter().any(|line| tells(line, "east", before, after));
        while !validators.said().iter().all(tells) {
            sleep(Duration::from_millis(50)).await;
        }
    };
    let found = timeout(PATIENCE, told).await;
    assert!(found.is_ok(), "not each says {before:?} east {after:?}: {:#?}", validators.said());
}

macro_rules! outvoted {
    ($($name:ident: $fault:expr;)*) => {
        $(#[tokio::test]
        async fn $name() {
            outvoted($fault).await;
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
    a_validator_that_double_signs: Fault::DoubleSign;
    a_validator_that_equivocates: Fault::Equivocate;
    a_validator_that_censors: Fault::Censor;
    a_silent_validator: Fault::Silent;
    a_validator_that_delays: Fault::Delay;
    a_validator_with_a_wrong_state_root: Fault::WrongStateRoot;
    a_validator_with_a_forged_history: Fault::ForgedHistory;
    a_validator_from_the_future: Fault::FutureTime;
    a_validator_from_the_past: Fault::PastTime;
    a_validator_that_lies_about_its_height: Fault::LyingHeight;
    a_validator_that_withholds_votes: Fault::WithheldVotes;
    a_validator_that_invents_votes: Fault::InventedVotes;
    a_validator_with_oversized_frames: Fault::OversizedFrames;
}

/// Beside the honest one it would sign against it where nobody meant to.
#[tokio::test]
async fn a_validator_with_a_fault_does_not_start_beside_the_honest_one() {
    let scratch = Scratch::new("beside");
    demo::create(&scratch.0, Time(1), &demo::Options::default()).unwrap();
    let folder = Home::new(&scratch.0).validator("east");
    let held = lock(&folder).unwrap();
    let refused = validator::run(&scratch.0, "east", Fault::Silent).await.unwrap_err().to_string();
    assert_eq!(refused, format!("{}: another process holds it", folder.display()));
    drop(held);
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
        let pin =
            Pin { name: name(), operator: name(), address: line.parse().unwrap(), fallbacks: Vec::new() };
        let config = Config {
            genesis,
            anchor: None,
            peers: vec![pin],
            proxies: Default::default(),
            home: None,
            keep: false,
        };
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
    let help = program().arg("--help").output().unwrap();
    assert_eq!(help.status.code(), Some(0));
    assert!(String::from_utf8(help.stdout).unwrap().starts_with("usage:"));
    let refused = program().args(["peer", "--home", "/nowhere", "--fault", "kindness"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("--fault"));
}

/// A home whose only peer is a liar, and the operator of the first validator.
fn home_of(chain: &Chain, name: &str, liar: &Peer) -> Scratch {
    let scratch = Scratch::new(name);
    let home = Home::new(&scratch.0);
    let first = &chain.genesis.validators[0].name;
    std::fs::create_dir_all(home.validator(first)).unwrap();
    write_new(&home.genesis_path(), genesis_to_json(&chain.genesis).unwrap().as_bytes()).unwrap();
    write_new(&home.validator(first).join("operator.key"), &seed_bytes(1_001)).unwrap();
    let Some((address, Protocol::P2p(id))) = split(&liar.address) else { panic!() };
    let peer = PeerAddress { name: "liar".to_owned(), operator: Some("liar".to_owned()), id, address };
    home.write_peers(&[peer]).unwrap();
    scratch
}

fn split(address: &Multiaddr) -> Option<(Multiaddr, Protocol<'static>)> {
    let mut address = address.clone();
    address.pop().map(|last| (address, last.acquire()))
}

/// What an operator orders over a validator that says `lie` in place of the truth; and whether the
/// order was sent.
async fn ordered(
    name: &str,
    lie: impl Fn(&Request, Response) -> Response + Send + 'static,
) -> (OperateError, bool) {
    let chain = Chain::new();
    let sent = Arc::new(Mutex::new(None));
    let (net, heard) = (Arc::clone(&chain.net), Arc::clone(&sent));
    let truth = Truth::Here(Box::new(move |request| {
        let truth = serve::answer(net.lock().unwrap().host(0).unwrap(), request);
        let mut heard = heard.lock().unwrap();
        if let Request::Submit(txo) = request {
            *heard = Some(Txo::from_bytes(txo).unwrap());
            return Response::Submitted(Submission::Accepted);
        }
        match (request, heard.clone()) {
            (Request::Txo(_), Some(txo)) => {
                let (height, audit_path) = (Height(2), Vec::new());
                let included = Included { height, index: 0, count: 1, txo, audit_path };
                Response::Txo(Some(Box::new(included)))
            }
            _ => lie(request, truth),
        }
    }));
    let address = "/ip4/127.0.0.1/tcp/0".parse().unwrap();
    let liar = Peer::start([3; 32], address, truth, None).await.unwrap();
    let scratch = home_of(&chain, name, &liar);
    let settings = operate::Settings {
        home: scratch.0.clone(),
        name: chain.genesis.validators[0].name.clone(),
        over: "liar".to_owned(),
        patience: Duration::from_secs(1),
    };
    let refused = operate::operate(&settings, Wish::Leave).await.unwrap_err();
    let sent = sent.lock().unwrap().is_some();
    (refused, sent)
}

/// An operator who is told of another registration than the chain has signs nothing.
#[tokio::test]
async fn an_order_rests_on_a_registration_that_is_proven() {
    let (refused, sent) = ordered("registration", |request, truth| match (request, truth) {
        (Request::State(_), Response::State { height, mut entries }) => {
            let value = &mut entries[0].value;
            let mut registration = Registration::from_bytes(value.as_ref().unwrap()).unwrap();
            registration.nonce += 7;
            *value = Some(registration.to_bytes());
            Response::State { height, entries }
        }
        (_, truth) => truth,
    })
    .await;
    assert!(matches!(refused, OperateError::Unproven(FetchError::Rejected(Reject::StateProof))), "{refused}");
    assert!(!sent && refused.to_string().ends_with("Nothing was signed and nothing sent"), "{refused}");
}

/// Nor is an order done because a validator says that it stands in a block.
#[tokio::test]
async fn an_order_is_done_when_its_block_is_proven() {
    let (refused, sent) = ordered("inclusion", |_, truth| truth).await;
    let OperateError::Waiting(why) = &refused else { panic!("{refused}") };
    assert!(why.contains("refused") && sent, "{why}");
    assert!(refused.to_string().contains("may still come into a block"), "{refused}");
}
