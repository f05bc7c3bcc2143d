//! Does the store keep what was announced, whenever its process is killed? And is what somebody did
//! to its files ever believed?

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    thread,
    time::Duration,
};

use super::*;
use crate::{
    Clock, Config, Peer, StartError,
    chain::{Chain, disjoint},
    open::{Opened, anchored, open},
};

/// Where a child finds the home that it writes to.
const HOME: &str = "QRATUM_CRASH_HOME";
/// How often a child is killed; more by `make crash-store`.
const KILLS: &str = "QRATUM_CRASHES";

/// How often one home sees its process killed.
const ROUND: u64 = 20;

/// Time of the chain's first header.
const START: Time = Time(1000);

/// A home that is removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("qratum-crash-{}-{name}", process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn place(&self) -> Place {
        Place::new(self.0.clone())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Numbers that look random, and are the same each time.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) % bound
    }
}

fn replayed(store: &Store, chain: &Chain) -> Replayed {
    let (anchor, rules) = Trusted::genesis(&chain.genesis).unwrap();
    replay(store, &anchor, &rules, Time(10_000_000)).unwrap()
}

/// Runs in a process of its own: goes on where the store ends, and says what it kept.
#[test]
fn child() {
    let Some(home) = env::var_os(HOME) else { return };
    let mut chain = Chain::new("net", START, disjoint);
    let store = Store::open(&Place::new(home.into()), chain.id()).unwrap();
    let kept = replayed(&store, &chain).height().0;
    chain.grow_by(kept);
    let mut out = std::io::stdout().lock();
    loop {
        chain.grow_by(1);
        let block = chain.tip().unwrap();
        let before = Height(block.header.height.0 - 1);
        let steps = if is_step(block, before, 4) { vec![block.clone()] } else { Vec::new() };
        store.keep(&steps, block).unwrap();
        writeln!(out, "announced {}", block.header.height.0).unwrap();
        out.flush().unwrap();
    }
}

/// The last height that a child announced before it was killed.
fn killed_after(home: &Path, pause: Duration) -> u64 {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["store::crash::child", "--exact", "--nocapture"])
        .env(HOME, home)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let heights = lines.map_while(Result::ok).filter_map(|line| {
        let (_, height) = line.split_once("announced ")?;
        height.parse::<u64>().ok()
    });
    let mut heights = heights.peekable();
    assert!(heights.peek().is_some(), "the child keeps blocks");
    thread::sleep(pause);
    child.kill().unwrap();
    let last = heights.last().unwrap();
    child.wait().unwrap();
    last
}

/// Killed at any point, the store comes back with every block that was announced, and no alarm.
#[test]
fn no_announced_head_is_lost_when_the_process_is_killed() {
    let kills = env::var(KILLS).map_or(ROUND, |kills| kills.parse().unwrap());
    let mut draw = Draw(kills);
    for round in 0..kills.div_ceil(ROUND) {
        survives(&mut draw, round);
    }
}

/// A home that grows over [`ROUND`] kills.
fn survives(draw: &mut Draw, round: u64) {
    let scratch = Scratch::new(&format!("kills-{round}"));
    let chain = Chain::new("net", START, disjoint);
    let mut last = 0;
    for kill in 0..ROUND {
        let pause = Duration::from_micros(draw.below(60_000));
        let announced = killed_after(&scratch.0, pause);
        assert!(announced > last, "kill {kill}: it went on from {last}");
        last = announced;
        let store = Store::open(&scratch.place(), chain.id()).unwrap();
        let back = replayed(&store, &chain);
        assert!(back.height().0 >= announced, "kill {kill}: {} of {announced}", back.height());
        let state =
            back.state(Highest::of(&scratch.place()).read(chain.id()).unwrap().map(|mark| mark.height));
        assert!(matches!(state, StoreState::Kept { dropped: 0, .. }), "kill {kill}: {state:?}");
    }
}

// - what others do to the files

/// Starts as a node does, as far as nobody is asked.
fn opened(place: &Place, chain: &Chain) -> Result<Opened, StartError> {
    let id = libp2p::identity::Keypair::ed25519_from_bytes([1; 32]).unwrap().public().to_peer_id();
    let address = format!("/ip4/127.0.0.1/tcp/1/p2p/{id}").parse().unwrap();
    let peers = vec![Peer { name: "a".to_owned(), operator: "a".to_owned(), address, fallbacks: Vec::new() }];
    let home = Some(place.clone());
    let config = Config {
        genesis: chain.genesis.clone(),
        anchor: None,
        peers,
        proxies: Default::default(),
        home,
        keep: true,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (anchor, rules) = anchored(&config, Clock::SYSTEM).unwrap();
    runtime.block_on(open(&config, &anchor, &rules, Clock::SYSTEM))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> =
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    found.sort();
    found
}

/// A chain that began a minute ago, and its store up to `height`.
fn written(scratch: &Scratch, chain: &Chain, height: u64) {
    let store = Store::open(&scratch.place(), chain.id()).unwrap();
    for block in chain.blocks.iter().filter(|block| block.header.height.0 <= height) {
        let before = Height(block.header.height.0 - 1);
        let steps = if is_step(block, before, 4) { vec![block.clone()] } else { Vec::new() };
        store.keep(&steps, block).unwrap();
    }
}

fn chain() -> Chain {
    let start = Clock::SYSTEM.now().0 - 60_000;
    let mut chain = Chain::new("net", Time(start), disjoint);
    chain.grow_by(30);
    chain
}

/// Cut short or flipped anywhere: what comes back is a part of the truth, with an alarm when it is a
/// smaller part; or nothing, said so.
#[test]
fn damaged_files_cost_blocks_and_never_the_truth() {
    let (scratch, chain) = (Scratch::new("damage"), chain());
    written(&scratch, &chain, 30);
    let (mut whole, mut less, mut none) = (0, 0, 0);
    for case in 0..60 {
        let mut draw = Draw(case);
        let damaged = Scratch::new(&format!("damage-{case}"));
        copy(&scratch.0, &damaged.0);
        let files = files(&damaged.place().store());
        let file = &files[usize::try_from(draw.below(files.len() as u64)).unwrap()];
        let mut bytes = fs::read(file).unwrap();
        let length = bytes.len() as u64;
        let place = usize::try_from(draw.below(length.max(1))).unwrap();
        if case % 2 == 0 {
            bytes.truncate(place);
        } else if let Some(byte) = bytes.get_mut(place) {
            *byte ^= 1 << draw.below(8);
        }
        fs::write(file, bytes).unwrap();
        let opened = opened(&damaged.place(), &chain).unwrap();
        let head = opened.sync.head();
        let height = head.header().get().height;
        let truth = chain.block(height.0).map(|block| block.header.id());
        assert!(height.0 == 0 || truth == Some(head.id()), "case {case}");
        match opened.state {
            StoreState::Kept { .. } if height.0 == 30 => whole += 1,
            StoreState::RolledBack { found, highest } => {
                assert_eq!((found, highest), (height, Height(30)), "case {case}");
                less += 1;
            }
            StoreState::Failed(_) => none += 1,
            state => panic!("case {case}: {state:?} at {height}"),
        }
    }
    assert!(whole > 0 && less + none > 0, "{whole} whole, {less} less, {none} none");
}

/// Law 8: the highest block that was verified is known outside the store.
#[test]
fn an_older_copy_that_is_put_back_is_an_alarm() {
    let (scratch, old, chain) = (Scratch::new("older"), Scratch::new("older-copy"), chain());
    written(&scratch, &chain, 12);
    copy(&scratch.place().store(), &old.place().store());
    written(&scratch, &chain, 30);
    fs::remove_dir_all(scratch.place().store()).unwrap();
    copy(&old.place().store(), &scratch.place().store());
    let opened = opened(&scratch.place(), &chain).unwrap();
    let alarm = StoreState::RolledBack { found: Height(12), highest: Height(30) };
    assert_eq!(opened.state, alarm);
}

#[test]
fn the_store_of_another_chain_is_refused_and_left_alone() {
    let (scratch, chain) = (Scratch::new("foreign"), chain());
    written(&scratch, &chain, 30);
    let other = Chain::new("other", START, disjoint);
    let refused = opened(&scratch.place(), &other).map(drop);
    assert_eq!(refused, Err(StartError::StoreOfAnotherChain { got: chain.id(), want: other.id() }));
    assert_eq!(opened(&scratch.place(), &chain).unwrap().sync.head().header().get().height, Height(30));
}
