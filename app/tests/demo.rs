//! Does `qratum demo` start, watch and stop its processes as it promises? With a stand-in for the
//! validator program, which keeps the promises of the real one and agrees on nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// `demo` makes a home; `run` writes its pid, and runs until its standard input ends; so does `liar`, which
/// says an address.
const STAND_IN: &str = r#"#!/bin/sh
data=@DATA@
case $1 in
demo)
    mkdir -p "$3/run"
    cp "$data/genesis.json" "$data/peers.json" "$3/"
    ;;
run)
    case $5 in north) i=0 ;; east) i=1 ;; south) i=2 ;; west) i=3 ;; esac
    if [ -e "$3/fail-$5" ] || [ -e "$3/../fail-$5" ]; then echo "no luck" >&2; exit 7; fi
    echo $$ > "$3/run/validator-$i.pid"
    if [ -e "$3/deaf-$5" ]; then exec sleep 600; fi
    cat > /dev/null
    rm "$3/run/validator-$i.pid"
    ;;
liar)
    echo "/ip4/127.0.0.1/tcp/9/p2p/12D3KooW9tHTtS3inCZiYykw4u5G4frbjVFqhkmJX12gSNCVeH3e"
    cat > /dev/null
    ;;
esac
"#;

/// A folder with the program, its stand-in and a home.
struct Stage(PathBuf);

impl Stage {
    fn new(name: &str) -> Self {
        let stage = Self::bare(name);
        let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
        let script = stage.0.join("qratum-validator");
        fs::write(&script, STAND_IN.replace("@DATA@", &format!("'{data}'"))).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        stage
    }

    /// Without the validator program.
    fn bare(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("demo").join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        // A copy: the program looks for the validator beside itself.
        fs::copy(env!("CARGO_BIN_EXE_qratum"), path.join("qratum")).unwrap();
        Self(path)
    }

    fn home(&self) -> PathBuf {
        self.0.join("home")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.0.join("qratum"));
        command
            .arg("demo")
            .args(arguments)
            .env("TMPDIR", &self.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    /// The homes that nobody named, by name.
    fn scratch(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(&self.0).unwrap().map(|file| file.unwrap().path());
        let ours = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("qratum-demo-");
        let mut found: Vec<_> = files.filter(ours).collect();
        found.sort();
        found
    }

    fn at_home(&self) -> Child {
        self.start(&["--headless", "--home", self.home().to_str().unwrap()])
    }

    /// The pids of the validators that run, once there are `count`.
    fn pids(&self, home: &Path, count: usize) -> Vec<u32> {
        let read = || -> Vec<u32> {
            let files = fs::read_dir(home.join("run")).into_iter().flatten();
            let text = files.filter_map(|file| fs::read_to_string(file.ok()?.path()).ok());
            text.filter_map(|text| text.trim().parse().ok()).collect()
        };
        until(|| Some(read()).filter(|pids| pids.len() == count))
    }
}

fn until<T>(mut ready: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(Instant::now() < deadline, "it did not happen in time");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
}

fn runs(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

fn ended(mut child: Child) -> (ExitStatus, String) {
    let status = until(|| child.try_wait().unwrap());
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    (status, text)
}

/// What it says first.
fn greeting(home: &Path) -> String {
    let home = home.display();
    format!("home {home}\nin another terminal: qratum --home {home} status\n")
}

#[test]
fn every_signal_ends_it_cleanly() {
    for name in ["INT", "TERM", "HUP"] {
        let stage = Stage::new(name);
        let demo = stage.at_home();
        let pids = stage.pids(&stage.home(), 4);
        signal(&demo, name);
        let (status, text) = ended(demo);
        assert_eq!((status.code(), text), (Some(0), greeting(&stage.home())), "{name}");
        assert!(pids.iter().all(|pid| !runs(*pid)), "{name}: a validator outlives the demo");
        assert_eq!(fs::read_dir(stage.home().join("run")).unwrap().count(), 0, "{name}: pid files");
    }
}

#[test]
fn a_validator_that_does_not_listen_is_killed_and_its_pid_file_removed() {
    let stage = Stage::new("deaf");
    fs::create_dir(stage.home()).unwrap();
    fs::write(stage.home().join("deaf-south"), "").unwrap();
    let demo = stage.at_home();
    let pids = stage.pids(&stage.home(), 4);
    signal(&demo, "TERM");
    assert_eq!(ended(demo).0.code(), Some(0));
    assert!(pids.iter().all(|pid| !runs(*pid)));
    assert_eq!(fs::read_dir(stage.home().join("run")).unwrap().count(), 0);
}

#[test]
fn validators_do_not_survive_a_killed_demo() {
    let stage = Stage::new("killed");
    let demo = stage.at_home();
    let pids = stage.pids(&stage.home(), 4);
    signal(&demo, "KILL");
    assert_eq!(ended(demo).0.code(), None);
    until(|| pids.iter().all(|pid| !runs(*pid)).then_some(()));
}

/// The program is on a terminal of its own, made by `script`; with `script` the terminal goes. One
/// validator only ends when the program sees to it.
#[test]
fn a_terminal_that_goes_away_ends_it_cleanly() {
    let stage = Stage::new("hang-up");
    let home = stage.home();
    fs::create_dir(&home).unwrap();
    fs::write(home.join("deaf-west"), "").unwrap();
    let console = format!("{} demo --home {}", stage.0.join("qratum").display(), home.display());
    let mut terminal = Command::new("script")
        .args(["-qec", &console, "/dev/null"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let pids = stage.pids(&home, 4);
    signal(&terminal, "KILL");
    terminal.wait().unwrap();
    until(|| pids.iter().all(|pid| !runs(*pid)).then_some(()));
    until(|| fs::read_dir(home.join("run")).unwrap().next().is_none().then_some(()));
}

#[test]
fn a_lost_validator_is_told_and_not_started_again() {
    let stage = Stage::new("lost");
    fs::create_dir(stage.home()).unwrap();
    fs::write(stage.home().join("fail-east"), "").unwrap();
    let mut demo = stage.at_home();
    let mut told = BufReader::new(demo.stderr.take().unwrap());
    let mut text = String::new();
    while text.lines().count() < 3 {
        told.read_line(&mut text).unwrap();
    }
    signal(&demo, "TERM");
    assert_eq!(until(|| demo.try_wait().unwrap()).code(), Some(0));
    told.read_to_string(&mut text).unwrap();
    let log = stage.home().join("log/east.log");
    let told = format!("qratum: validator east ended: exit status: 7; its log is {}\n", log.display());
    assert_eq!(text, greeting(&stage.home()) + &told);
    assert_eq!(fs::read_to_string(&log).unwrap(), "no luck\n", "started once");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&log), mode(log.parent().unwrap())), (0o600, 0o700));
}

/// A demo whose validators were killed one after the other, each once the one before had been started again
/// by hand; the last end was told. With those that were started again.
fn outlived(stage: &Stage) -> (Child, BufReader<ChildStderr>, Vec<Child>) {
    let (home, mut demo) = (stage.home(), stage.at_home());
    let pids = stage.pids(&home, 4);
    let mut told = BufReader::new(demo.stderr.take().unwrap());
    let mut restored = Vec::new();
    for (index, name) in ["north", "east", "south", "west"].into_iter().enumerate() {
        let file = home.join(format!("run/validator-{index}.pid"));
        let pid = fs::read_to_string(&file).unwrap();
        assert!(pids.contains(&pid.trim().parse().unwrap()), "{name}: {pid}");
        assert!(Command::new("kill").args(["-9", pid.trim()]).status().unwrap().success());
        let mut line = String::new();
        while !line.contains(&format!("validator {name} ended: signal: 9")) {
            line.clear();
            assert_ne!(told.read_line(&mut line).unwrap(), 0, "the demo has ended");
        }
        let mut again = Command::new(stage.0.join("qratum-validator"));
        again.args(["run", "--home", home.to_str().unwrap(), "--name", name]);
        restored.push(again.stdin(Stdio::piped()).spawn().unwrap());
        until(|| fs::read_to_string(&file).ok().filter(|now| !now.trim().is_empty() && *now != pid));
    }
    (demo, told, restored)
}

#[test]
fn it_goes_on_while_validators_run_that_were_started_again_by_hand() {
    let stage = Stage::new("outlived");
    let (mut demo, _told, restored) = outlived(&stage);
    signal(&demo, "TERM");
    // It would have ended by itself, with another code, before it could hear of this.
    assert_eq!(until(|| demo.try_wait().unwrap()).code(), Some(0));
    end(restored);
}

#[test]
fn it_ends_with_the_last_validator_whoever_started_that() {
    let stage = Stage::new("outlived-none");
    let (mut demo, mut told, restored) = outlived(&stage);
    end(restored);
    assert_eq!(until(|| demo.try_wait().unwrap()).code(), Some(1));
    let mut text = String::new();
    told.read_to_string(&mut text).unwrap();
    assert!(text.contains("no validator is left"), "{text}");
}

/// What `demo --as` says and its exit code, where it ends by itself.
fn join(stage: &Stage, arguments: &[&str]) -> (Option<i32>, String) {
    let (status, text) = ended(stage.start(&[&["--headless", "--as"], arguments].concat()));
    (status.code(), text)
}

#[test]
fn a_demo_that_does_not_run_cannot_be_joined() {
    let stage = Stage::new("join-none");
    let (code, text) = join(&stage, &["alice"]);
    assert_eq!(code, Some(2));
    assert!(
        text.starts_with("qratum: no demo runs\nStart one in another terminal with `qratum demo`"),
        "{text}"
    );
    let home = stage.home();
    signal_once_up(&stage, &[]);
    let (code, text) = join(&stage, &["alice", "--home", home.to_str().unwrap()]);
    assert_eq!(code, Some(2), "its home is still there");
    assert!(text.starts_with(&format!("qratum: no demo runs on {}\n", home.display())), "{text}");
}

#[test]
fn of_several_demos_the_one_to_join_must_be_named() {
    let stage = Stage::new("join-several");
    let demos = [0, 1].map(|_| stage.start(&["--headless"]));
    let homes = until(|| Some(stage.scratch()).filter(|homes| homes.len() == 2));
    homes.iter().for_each(|home| drop(stage.pids(home, 4)));
    let (code, text) = join(&stage, &["alice"]);
    assert_eq!(code, Some(2));
    assert!(text.starts_with("qratum: several demos run; name the home of one with --home DIR:\n"), "{text}");
    assert!(homes.iter().all(|home| text.contains(home.to_str().unwrap())), "{text}");
    for demo in demos {
        signal(&demo, "TERM");
        assert_eq!(ended(demo).0.code(), Some(0));
    }
}

/// One name is taken once, another is free; whoever joined has a home of its own and hears of the end.
#[test]
fn who_joined_has_a_name_and_a_home_of_its_own_and_ends_with_the_demo() {
    let stage = Stage::new("join");
    let demo = stage.start(&["--headless"]);
    let first = until(|| stage.scratch().into_iter().next());
    stage.pids(&first, 4);
    let joined = ["alice", "bob"].map(|name| {
        let mut joined = stage.start(&["--headless", "--as", name]);
        let mut told = BufReader::new(joined.stderr.take().unwrap());
        let mut line = String::new();
        told.read_line(&mut line).unwrap();
        let home = PathBuf::from(line.trim().strip_prefix("home ").expect(&line));
        assert!(
            home != first
                && fs::read(home.join("genesis.json")).unwrap()
                    == fs::read(first.join("genesis.json")).unwrap()
        );
        (joined, told, home)
    });
    let (code, text) = join(&stage, &["alice"]);
    assert_eq!(code, Some(2));
    let want = format!("qratum: a console called alice has joined the demo on {} already\n", first.display());
    assert!(text.starts_with(&want), "{text}");
    signal(&demo, "KILL");
    ended(demo);
    for (mut joined, mut told, home) in joined {
        assert_eq!(until(|| joined.try_wait().unwrap()).code(), Some(1));
        let mut text = String::new();
        told.read_to_string(&mut text).unwrap();
        assert!(text.ends_with("qratum: the demo that this console joined has ended\n"), "{text}");
        assert!(!home.exists(), "its home is left");
    }
}

/// Closes their standard input, and waits for them.
fn end(children: Vec<Child>) {
    for mut child in children {
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}

#[test]
fn a_second_demo_on_one_home_is_refused() {
    let stage = Stage::new("second");
    let demo = stage.at_home();
    stage.pids(&stage.home(), 4);
    let (status, text) = ended(stage.at_home());
    assert_eq!(status.code(), Some(1));
    assert!(text.contains("a demo already runs on "), "{text}");
    signal(&demo, "TERM");
    assert_eq!(ended(demo).0.code(), Some(0));
}

#[test]
fn a_home_that_nobody_named_is_made_and_removed() {
    let stage = Stage::new("scratch");
    let demo = stage.start(&[]);
    let home = until(|| stage.scratch().pop());
    stage.pids(&home, 4);
    signal(&demo, "TERM");
    assert_eq!(ended(demo).0.code(), Some(0));
    assert_eq!(stage.scratch(), [] as [PathBuf; 0]);
}

#[test]
fn a_home_that_nobody_named_goes_with_every_end() {
    let stage = Stage::new("scratch-errors");
    let nothing: [PathBuf; 0] = [];
    // Nobody reads: the first line of state cannot be written.
    let mut demo = stage.start(&["--headless"]);
    drop(demo.stdout.take());
    let (status, text) = ended(demo);
    assert_eq!(status.code(), Some(1));
    assert!(!text.contains("qratum: "), "a reader that left is no mistake: {text}");
    assert_eq!(stage.scratch(), nothing, "a closed pipe");
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut demo = stage.command(&["--headless"]);
    let (status, text) = ended(demo.stdout(full).spawn().unwrap());
    assert_eq!(status.code(), Some(1));
    assert!(text.contains("qratum: standard output: No space left on device"), "{text}");
    assert_eq!(stage.scratch(), nothing, "a full device");
    fs::remove_file(stage.0.join("qratum-validator")).unwrap();
    let mut demo = stage.command(&["--headless"]);
    assert_eq!(ended(demo.env("PATH", &stage.0).spawn().unwrap()).0.code(), Some(1));
    assert_eq!(stage.scratch(), nothing, "no validator program");
}

#[test]
fn only_the_log_of_a_lost_validator_is_left_of_a_home_that_nobody_named() {
    let stage = Stage::new("scratch-lost");
    fs::write(stage.0.join("fail-east"), "").unwrap();
    let mut demo = stage.start(&["--headless"]);
    let mut told = BufReader::new(demo.stderr.take().unwrap());
    let mut text = String::new();
    while text.lines().count() < 3 {
        told.read_line(&mut text).unwrap();
    }
    signal(&demo, "TERM");
    assert_eq!(until(|| demo.try_wait().unwrap()).code(), Some(0));
    let home = stage.scratch().pop().unwrap();
    let left: Vec<_> = fs::read_dir(&home).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["log"]);
}

#[test]
fn a_later_demo_removes_what_a_killed_one_left_and_nothing_else() {
    let stage = Stage::new("scratch-killed");
    let demo = stage.start(&["--headless"]);
    let killed = until(|| stage.scratch().pop());
    let pids = stage.pids(&killed, 4);
    signal(&demo, "KILL");
    ended(demo);
    until(|| pids.iter().all(|pid| !runs(*pid)).then_some(()));
    assert!(killed.join("genesis.json").exists(), "nobody could clean up");
    let genesis = fs::read_to_string(killed.join("genesis.json")).unwrap();
    let pid = killed.file_name().unwrap().to_str().unwrap().split('-').nth(2).unwrap().to_owned();
    let other = |name: String, genesis: Option<&str>| {
        let path = stage.0.join(name);
        fs::create_dir(&path).unwrap();
        if let Some(genesis) = genesis {
            fs::write(path.join("genesis.json"), genesis).unwrap();
        }
        path
    };
    let real = genesis.replacen("\"demo\":true", "\"demo\":false", 1).replacen(
        "\"demo\": true",
        "\"demo\": false",
        1,
    );
    assert_ne!(real, genesis);
    let mut kept = vec![
        other(format!("qratum-demo-{pid}-1"), None),
        other(format!("qratum-demo-{pid}-2"), Some(&real)),
        other(format!("qratum-demo-{}-3", std::process::id()), Some(&genesis)),
        other(format!("qratum-demo-{pid}-4-mine"), Some(&genesis)),
    ];
    let held = other(format!("qratum-demo-{pid}-5"), Some(&genesis));
    let lock = fs::File::open(&held).unwrap();
    lock.try_lock().unwrap();
    kept.push(held);
    let demo = stage.start(&["--headless"]);
    let own = until(|| stage.scratch().into_iter().find(|path| *path != killed && !kept.contains(path)));
    stage.pids(&own, 4);
    signal(&demo, "TERM");
    assert_eq!(ended(demo).0.code(), Some(0));
    kept.sort();
    assert_eq!(stage.scratch(), kept);
}

#[test]
fn another_count_than_the_home_has_is_told() {
    let stage = Stage::new("count");
    let home = stage.home();
    signal_once_up(&stage, &[]);
    let text = signal_once_up(&stage, &["--validators", "7"]);
    let note = "qratum: the home exists and keeps its 4 validators; --validators 7 is for a new one\n";
    assert_eq!(text, greeting(&home) + note);
    assert_eq!(signal_once_up(&stage, &["--validators", "4"]), greeting(&home));
}

/// Starts a demo on the stage's home, ends it, and gives what it said.
fn signal_once_up(stage: &Stage, more: &[&str]) -> String {
    let home = stage.home();
    let demo = stage.start(&[["--headless", "--home", home.to_str().unwrap()].as_slice(), more].concat());
    stage.pids(&home, 4);
    signal(&demo, "TERM");
    let (status, text) = ended(demo);
    assert_eq!(status.code(), Some(0));
    text
}

#[test]
fn without_the_validator_program_it_says_so() {
    let stage = Stage::bare("bare");
    let output = Command::new(stage.0.join("qratum"))
        .args(["demo", "--headless"])
        .env("PATH", &stage.0)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.starts_with("qratum: qratum-validator is neither beside this program nor on the PATH\n"),
        "{text}"
    );
}
