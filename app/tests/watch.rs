//! `qratum watch` where nobody answers: how it ends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{
    fs::{self, DirBuilder},
    io::{BufRead as _, BufReader},
    os::unix::fs::DirBuilderExt as _,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
};

/// The program on the home of the samples, whose peers do not exist.
fn watch(arguments: &[&str]) -> Child {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut command = Command::new(env!("CARGO_BIN_EXE_qratum"));
    command.arg("watch").args(arguments).arg("--home").arg(home);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn ended(child: Child) -> (ExitStatus, String, String) {
    let output = child.wait_with_output().unwrap();
    (output.status, String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// The sample's anchor is expired some day; nobody is connected before and after.
fn first_state(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    line
}

#[test]
fn a_state_that_comes_ends_it_and_one_that_does_not_is_told_by_the_exit_code() {
    let state = first_state(&mut watch(&["--timeout", "60"]));
    let state = state.strip_prefix("state ").unwrap().split(',').next().unwrap().to_owned();
    let (status, text, _) = ended(watch(&["--until", &state, "--timeout", "60"]));
    assert_eq!((status.code(), text), (Some(0), format!("state {state}, nothing verified yet\n")));
    for goal in [["--until", "live"].as_slice(), &["--heads", "1"], &[]] {
        let (status, _, complaint) = ended(watch(&[goal, &["--timeout", "1"]].concat()));
        assert_eq!((status.code(), complaint.as_str()), (Some(3), ""), "{goal:?}");
    }
}

#[test]
fn signals_end_it_with_success() {
    for signal in ["INT", "TERM", "HUP"] {
        let mut child = watch(&["--json"]);
        assert!(first_state(&mut child).starts_with(r#"{"schema":"qratum/event/v1","event":"state""#));
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
        let (status, _, complaint) = ended(child);
        assert_eq!((status.code(), complaint.as_str()), (Some(0), ""), "{signal}");
    }
}

#[test]
fn a_reader_that_leaves_ends_it_without_a_word() {
    let mut child = watch(&[]);
    drop(child.stdout.take());
    let (status, _, complaint) = ended(child);
    assert_eq!((status.code(), complaint.as_str()), (Some(1), ""));
}

#[test]
fn what_is_no_state_or_no_home_is_a_mistake_in_usage() {
    let (status, _, complaint) = ended(watch(&["--until", "alive"]));
    assert_eq!(status.code(), Some(2));
    assert!(complaint.contains("possible values: loading, syncing, live, "), "{complaint}");
    let empty = Path::new(env!("CARGO_TARGET_TMPDIR")).join("watch-empty");
    fs::create_dir_all(&empty).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_qratum"));
    let output = command.args(["watch", "--home"]).arg(&empty).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8(output.stderr).unwrap().lines().count(), 2);
}

/// A console for whoever hears the screen: it says that it changes nothing, and draws nothing.
#[test]
fn the_plain_console_tells_lines_and_no_escapes() {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plain");
    let _ = fs::remove_dir_all(&home);
    fs::create_dir_all(&home).unwrap();
    for name in ["genesis.json", "peers.json"] {
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name), home.join(name))
            .unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_qratum"));
    command.arg("--plain").arg("--home").arg(&home);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let state = first_state(&mut child);
    assert!(state.starts_with("state ") && !state.contains('\u{1b}'), "{state}");
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    let (status, _, note) = ended(child);
    let want = format!("Network demo, home {}. Read-only (RO): ", home.display());
    assert_eq!(status.code(), Some(0));
    assert!(note.starts_with(&want), "{note}");
}

/// Whoever reads `--plain` line by line hears the alarms as well.
#[test]
fn the_plain_console_tells_of_alarms() {
    let home = std::env::temp_dir().join(format!("qratum-plain-{}", std::process::id()));
    let _ = fs::remove_dir_all(&home);
    DirBuilder::new().mode(0o700).create(&home).unwrap();
    for name in ["genesis.json", "peers.json"] {
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name), home.join(name))
            .unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_qratum"));
    command.args(["--plain", "--home"]).arg(&home);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    // The sample's anchor is expired some day; nobody is connected before and after.
    let raised = lines.into_iter().find(|line| line.starts_with("alarm ")).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    fs::remove_dir_all(home).unwrap();
    let is_known = ["warning disconnected: this machine: ", "critical expired: chain: "];
    assert!(is_known.iter().any(|known| raised.starts_with(&format!("alarm 1 raised: {known}"))), "{raised}");
}
