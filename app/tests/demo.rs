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
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// `demo` makes a home; `run` writes its pid, and runs until its standard input ends.
const STAND_IN: &str = r#"#!/bin/sh
data=@DATA@
case $1 in
demo)
    mkdir -p "$3/run"
    cp "$data/genesis.json" "$data/peers.json" "$3/"
    ;;
run)
    case $5 in north) i=0 ;; east) i=1 ;; south) i=2 ;; west) i=3 ;; esac
    if [ -e "$3/fail-$5" ]; then echo "no luck" >&2; exit 7; fi
    echo $$ > "$3/run/validator-$i.pid"
    if [ -e "$3/deaf-$5" ]; then exec sleep 600; fi
    cat > /dev/null
    rm "$3/run/validator-$i.pid"
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

    fn start(&self, arguments: &[&str]) -> Child {
        Command::new(self.0.join("qratum"))
            .arg("demo")
            .args(arguments)
            .env("TMPDIR", &self.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
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

#[test]
fn every_signal_ends_it_cleanly() {
    for name in ["INT", "TERM", "HUP"] {
        let stage = Stage::new(name);
        let demo = stage.at_home();
        let pids = stage.pids(&stage.home(), 4);
        signal(&demo, name);
        let (status, text) = ended(demo);
        assert_eq!((status.code(), text.as_str()), (Some(0), ""), "{name}");
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
    told.read_line(&mut text).unwrap();
    signal(&demo, "TERM");
    assert_eq!(until(|| demo.try_wait().unwrap()).code(), Some(0));
    told.read_to_string(&mut text).unwrap();
    let log = stage.home().join("log/east.log");
    assert_eq!(text, format!("qratum: validator east ended: exit status: 7; its log is {}\n", log.display()));
    assert_eq!(fs::read_to_string(log).unwrap(), "no luck\n", "started once");
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
    let scratch = || {
        let mut files = fs::read_dir(&stage.0).unwrap().map(|file| file.unwrap().path());
        files.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("qratum-demo-"))
    };
    let demo = stage.start(&[]);
    let home = until(scratch);
    stage.pids(&home, 4);
    signal(&demo, "TERM");
    assert_eq!(ended(demo).0.code(), Some(0));
    assert_eq!(scratch(), None);
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
