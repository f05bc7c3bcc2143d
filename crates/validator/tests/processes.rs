//! Four validators as real processes on loopback: they agree, go on without one of them, and take
//! it back.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use qratum_chain::types::{SetId, Time};
use qratum_crypto::sign::ed25519::SecretKey;
use qratum_validator::{
    demo::{Demo, Options, create},
    home::old_vote_key,
    operate::{self, OperateError, Wish},
};

/// The longest that any of these tests waits for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A home under the target directory, removed at the end.
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

/// The processes of a network and what they say. Killed and reaped at the end, also of a panic.
struct Network {
    home: PathBuf,
    children: BTreeMap<String, Child>,
    lines: Receiver<(String, u64)>,
    sender: Sender<(String, u64)>,
    heights: BTreeMap<String, u64>,
}

impl Network {
    fn of(home: &Path, demo: &Demo) -> Self {
        let (sender, lines) = channel();
        let mut network = Self {
            home: home.to_owned(),
            children: BTreeMap::new(),
            lines,
            sender,
            heights: BTreeMap::new(),
        };
        for peer in &demo.peers {
            network.start(&peer.name);
        }
        network
    }

    fn start(&mut self, name: &str) {
        self.start_with(name, &[]);
    }

    fn start_with(&mut self, name: &str, more: &[&str]) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_qratum-validator"))
            .args([
                "run",
                "--verbose",
                "--stop-on-stdin-eof",
                "--retain-blocks",
                "100",
                "--name",
                name,
                "--home",
            ])
            .arg(&self.home)
            .args(more)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (said, sender, owner) = (child.stderr.take().unwrap(), self.sender.clone(), name.to_owned());
        thread::spawn(move || {
            for line in BufReader::new(said).lines().map_while(Result::ok) {
                match line.strip_prefix("height ").and_then(|rest| rest.split(' ').next()) {
                    Some(height) => drop(sender.send((owner.clone(), height.parse().unwrap()))),
                    None => eprintln!("{owner}: {line}"),
                }
            }
        });
        self.children.insert(name.to_owned(), child);
    }

    fn kill(&mut self, name: &str) {
        let mut child = self.children.remove(name).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn height(&self, name: &str) -> u64 {
        self.heights.get(name).copied().unwrap_or(0)
    }

    /// Listens until every running process is at `height`.
    fn reach(&mut self, height: u64) {
        let started = Instant::now();
        while self.children.keys().any(|name| self.height(name) < height) {
            let left = PATIENCE.saturating_sub(started.elapsed());
            match self.lines.recv_timeout(left) {
                Ok((name, height)) => drop(self.heights.insert(name, height)),
                Err(why) => panic!("height {height} not reached: {why}; {:?}", self.heights),
            }
        }
    }

    /// So many more heights than north has now.
    fn goes_on(&mut self, heights: u64) {
        let tip = self.height("north");
        self.reach(tip + heights);
    }

    /// Listens until `done`.
    fn until(&mut self, what: &str, done: impl Fn() -> bool) {
        let started = Instant::now();
        while !done() {
            assert!(started.elapsed() < PATIENCE, "{what}: it is not");
            self.listen(Duration::from_millis(50));
        }
    }

    /// Listens for `span` and returns how many heights were decided anywhere.
    fn listen(&mut self, span: Duration) -> usize {
        let (started, mut heard) = (Instant::now(), 0);
        loop {
            match self.lines.recv_timeout(span.saturating_sub(started.elapsed())) {
                Ok((name, height)) => {
                    heard += 1;
                    self.heights.insert(name, height);
                }
                Err(RecvTimeoutError::Timeout) => return heard,
                Err(why) => panic!("{why}"),
            }
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for child in self.children.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn now() -> Time {
    Time(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64)
}

#[test]
fn four_processes_agree_go_on_without_one_and_take_it_back() {
    let scratch = Scratch::new("processes");
    let options = Options { block_interval_ms: 100, ..Options::default() };
    let demo = create(&scratch.0, now(), &options).unwrap();
    let mut network = Network::of(&scratch.0, &demo);
    network.reach(5);
    network.kill("south");
    let before = network.height("north");
    network.reach(before + 5);
    network.start("south");
    let tip = network.height("north");
    network.reach(tip + 5);

    // An orderly end removes the pid file and exits with success, for the end of stdin alone.
    let pids = || std::fs::read_dir(scratch.0.join("run")).unwrap().count();
    assert_eq!(pids(), 4);
    let mode = std::fs::metadata(scratch.0.join("run/validator-0.pid")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for (name, mut child) in std::mem::take(&mut network.children) {
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success(), "{name}");
    }
    assert_eq!(pids(), 0);
}

#[test]
fn two_of_four_stop_and_go_on_by_themselves_when_the_others_come_back() {
    let scratch = Scratch::new("two-of-four");
    let options = Options { block_interval_ms: 100, ..Options::default() };
    let demo = create(&scratch.0, now(), &options).unwrap();
    let mut network = Network::of(&scratch.0, &demo);
    network.reach(3);
    network.kill("east");
    network.kill("south");
    // What was under way may still be decided.
    network.listen(Duration::from_millis(500));
    assert_eq!(network.listen(Duration::from_secs(2)), 0, "half the power decided");
    let tip = network.height("north");
    network.start("east");
    network.start("south");
    network.reach(tip + 3);
}

#[test]
fn one_whose_disk_is_full_takes_no_part_and_the_others_go_on() {
    let scratch = Scratch::new("full");
    let options = Options { block_interval_ms: 100, ..Options::default() };
    let demo = create(&scratch.0, now(), &options).unwrap();
    let mut network = Network::of(&scratch.0, &demo);
    network.reach(3);
    network.kill("west");
    network.listen(Duration::from_millis(200));
    let stays = network.height("west");
    network.start_with("west", &["--least-free-mib", "1000000000000"]);
    let (started, tip) = (Instant::now(), network.height("north"));
    while network.height("north") < tip + 10 {
        assert!(started.elapsed() < PATIENCE, "the others do not go on");
        network.listen(Duration::from_millis(100));
    }
    assert_eq!(network.height("west"), stays);
    assert!(network.children.get_mut("west").unwrap().try_wait().unwrap().is_none(), "it ended");
}

/// Orders a new key for east over north, and returns the set from which on it votes.
fn rotate(home: &Path) -> Result<SetId, OperateError> {
    let settings = operate::Settings {
        home: home.to_owned(),
        name: "east".to_owned(),
        over: "north".to_owned(),
        patience: PATIENCE,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(operate::operate(&settings, Wish::Rotate)).map(|done| done.from_set)
}

#[test]
fn a_running_validator_takes_its_new_key_and_needs_it() {
    let scratch = Scratch::new("rotate");
    let options = Options { block_interval_ms: 100, set_length: 50, ..Options::default() };
    let demo = create(&scratch.0, now(), &options).unwrap();
    let mut network = Network::of(&scratch.0, &demo);
    network.reach(3);
    let file = |name: &str| scratch.0.join("validators/east").join(name);
    let key = |name: &str| std::fs::read(file(name)).unwrap();
    let old = key("vote.key");
    let from = rotate(&scratch.0).unwrap();
    assert!(matches!(rotate(&scratch.0), Err(OperateError::Rotating(set)) if set == from));
    assert_eq!(key("vote.key"), old, "it votes until its set ends");
    let new = key("vote-next.key");
    network.reach(from.0 * options.set_length + 2);
    // 30, 25 and 20: without the new key, 50 of 100 are no quorum.
    network.kill("south");
    network.goes_on(5);
    // It is the vote key of the home now.
    network.until("the key is settled", || !file("vote-next.key").exists());
    assert_eq!(key("vote.key"), new);
    let beside = old_vote_key(&SecretKey::from_seed(&old.as_slice().try_into().unwrap()).public());
    assert_eq!(key(&beside), old);
    // Killed before each step of that: it signs with the new key all the same, and ends it.
    for linked in [false, true] {
        network.kill("east");
        std::fs::rename(file("vote.key"), file("vote-next.key")).unwrap();
        std::fs::copy(file(&beside), file("vote.key")).unwrap();
        if !linked {
            std::fs::remove_file(file(&beside)).unwrap();
        }
        network.start("east");
        network.goes_on(5);
        network.until("the key is settled", || !file("vote-next.key").exists());
        assert_eq!((key("vote.key"), key(&beside)), (new.clone(), old.clone()));
    }
    network.start("south");
    let from = rotate(&scratch.0).unwrap();
    network.reach(from.0 * options.set_length + 2);
    network.until("the key is settled", || !file("vote-next.key").exists());
    assert_ne!(key("vote.key"), new);
    network.kill("south");
    network.goes_on(5);
}

#[test]
fn a_validator_without_a_disk_joins_from_the_snapshot_of_its_peers() {
    let scratch = Scratch::new("join");
    let options = Options { block_interval_ms: 50, ..Options::default() };
    let demo = create(&scratch.0, now(), &options).unwrap();
    let mut network = Network::of(&scratch.0, &demo);
    network.reach(205);
    network.kill("west");
    let folder = scratch.0.join("validators/west");
    for file in ["chain.bin", "log.bin", "snapshot.bin"] {
        std::fs::remove_file(folder.join(file)).unwrap();
    }
    let lost = network.height("north");
    network.start("west");
    network.goes_on(5);
    let sign_from = || std::fs::read_to_string(folder.join("sign-from")).ok()?.trim().parse::<u64>().ok();
    network.until("it is known from where on it signs", || sign_from().is_some());
    let from = sign_from().unwrap();
    assert!(from > lost + 2, "it may have voted at {lost} and signs from {from} on");
    // Until then the others must not need it: of two that wait for each other none would go on.
    network.reach(from);
    assert!(folder.join("snapshot.bin").exists(), "it came from a peer: no checkpoint was passed since");
    let chain = std::fs::metadata(folder.join("chain.bin")).unwrap().len();
    let others = std::fs::metadata(scratch.0.join("validators/north/chain.bin")).unwrap().len();
    assert!(chain < others / 4, "{chain} bytes of {others}: it did not fetch the blocks");
    // A restart drops what lies further below the snapshot than the 100 that are retained, and it votes.
    network.kill("north");
    network.start("north");
    network.kill("south");
    let tip = network.height("west");
    network.reach(tip + 5);
    let shorter = std::fs::metadata(scratch.0.join("validators/north/chain.bin")).unwrap().len();
    assert!(shorter < others * 3 / 4 && shorter > others / 3, "{shorter} bytes of {others}");
}

/// What the kernel says of the process of a validator.
fn said_of(child: &Child, file: &str, field: &str) -> String {
    let said = std::fs::read_to_string(format!("/proc/{}/{file}", child.id())).unwrap();
    said.lines().find_map(|line| line.strip_prefix(field)).unwrap().trim().to_owned()
}

/// How a validator ends that is told to stop at once: what it says, where it ended in an error.
fn refusal(home: &Path, name: &str) -> Option<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qratum-validator"));
    command.args(["run", "--stop-on-stdin-eof", "--name", name, "--home"]).arg(home).stdin(Stdio::null());
    let ended = command.output().unwrap();
    (!ended.status.success()).then(|| String::from_utf8(ended.stderr).unwrap())
}

#[test]
fn a_validator_is_hardened_and_closed_in() {
    let scratch = Scratch::new("closed");
    let demo = create(&scratch.0, now(), &Options::default()).unwrap();
    let mut network = Network::of(&scratch.0, &demo);
    network.reach(2);
    let north = &network.children["north"];
    assert_eq!(said_of(north, "status", "Seccomp:"), "2");
    assert_eq!(said_of(north, "status", "NoNewPrivs:"), "1");
    let core = said_of(north, "limits", "Max core file size");
    assert!(core.starts_with('0') && core.trim_end_matches("bytes").trim_end().ends_with('0'), "{core}");

    // The key of another, to which a link in its own folder leads: the kernel stands in the way.
    network.kill("south");
    let folder = |name: &str| scratch.0.join("validators").join(name);
    let link = folder("south").join("vote-next.key");
    std::os::unix::fs::symlink(folder("north").join("vote.key"), &link).unwrap();
    let why = refusal(&scratch.0, "south").unwrap();
    assert!(why.contains("vote-next.key") && why.contains("Permission denied"), "{why}");
    // Its twin: the same bytes where it may read them.
    std::fs::remove_file(&link).unwrap();
    std::fs::copy(folder("north").join("vote.key"), &link).unwrap();
    assert_eq!(refusal(&scratch.0, "south"), None);
}
