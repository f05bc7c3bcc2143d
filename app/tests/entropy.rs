//! `qratum entropy` as it is used: on this machine, with outages that are drilled and a device that
//! hangs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]
#![allow(dead_code, reason = "the support is shared")]

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read as _},
    os::unix::{fs::MetadataExt as _, net::UnixListener},
    process::Output,
};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

#[path = "../../tests/tests/schemas/check.rs"]
mod check;
mod support;

use check::Schema;
use support::{folder, json, qratum};

/// No TPM, whatever this machine has.
const NO_TPM: [&str; 2] = ["--tpm", "/nonexistent/tpm"];

fn entropy(arguments: &[&str]) -> Output {
    qratum(&[["entropy"].as_slice(), arguments].concat()).output().unwrap()
}

/// The document of `command`, which is of its schema, and the exit code.
fn report(command: &[&str]) -> (Value, i32) {
    let (report, code) = json(&entropy(&[command, &["--json"]].concat()));
    Schema::named("entropy").holds(&report, &command.join(" "));
    (report, code)
}

fn text(command: &[&str]) -> (String, i32) {
    let output = entropy(command);
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
}

/// One field of every source, in their order.
fn each<'a>(report: &'a Value, field: &str) -> Vec<&'a Value> {
    report["sources"].as_array().unwrap().iter().map(|source| &source[field]).collect()
}

#[test]
fn the_state_of_every_source_and_of_the_pool_is_told() {
    let (report, code) = report(&[["status"].as_slice(), &NO_TPM].concat());
    assert_eq!((code, &report["healthy"], &report["drill"]), (0, &json!(true), &json!([])));
    assert_eq!(each(&report, "id"), ["system-rng", "cpu-rdseed", "cpu-rdrand", "cpu-jitter", "tpm"]);
    let states = each(&report, "state");
    assert_eq!((states[0], states[3], states[4]), (&json!("healthy"), &json!("healthy"), &json!("absent")));
    let jitter = &report["sources"][3];
    assert_eq!((&jitter["basis"], &jitter["credited_bits"]), (&json!("assessed"), &json!(512)));
    assert_eq!(jitter["samples"], 1024 + 3 * 512, "start-up test and collection");
    assert_eq!(report["sources"][4]["last_failure"], "not there");
    assert_eq!((&report["pool"]["kernel_bits"], &report["pool"]["refusal"]), (&json!(256), &Value::Null));
    assert_eq!((&report["generator"]["requests"], &report["known_answers"]), (&json!(0), &json!([])));
}

#[test]
fn a_drill_says_that_it_is_one_and_ends_in_an_error_only_without_a_seed() {
    let survived = [["status", "--fail", "cpu-rdrand"].as_slice(), &NO_TPM].concat();
    let (told, code) = report(&survived);
    assert_eq!((code, &told["healthy"], &told["drill"]), (0, &json!(true), &json!(["cpu-rdrand"])));
    assert_eq!(
        (&told["sources"][2]["state"], &told["sources"][2]["credited_bits"]),
        (&json!("unhealthy"), &json!(0)),
        "its own tests ruled it out"
    );
    let (page, code) = text(&survived);
    assert_eq!(code, 0);
    assert!(
        page.starts_with("!     DRILL        cpu-rdrand made to fail on purpose: no real outage\n"),
        "{page}"
    );

    for command in ["status", "selftest"] {
        let lost = [[command, "--fail", "system-rng"].as_slice(), &NO_TPM].concat();
        let (told, code) = report(&lost);
        assert_eq!((code, &told["healthy"], &told["generator"]), (1, &json!(false), &Value::Null));
        let refusal = told["pool"]["refusal"].as_str().unwrap();
        assert!(refusal.starts_with("the kernel's generator gave 0 of 256 bits"), "{refusal}");
        let (page, code) = text(&lost);
        assert_eq!(code, 1);
        assert!(page.contains("FAIL  pool         GIVES NO SEED: the kernel's"), "{page}");
        assert!(page.contains("FAIL  generator    NOT SEEDED: it draws nothing\n"), "{page}");
    }
    let unknown = entropy(&["status", "--fail", "moon"]);
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn a_self_test_holds_the_generator_to_known_answers() {
    let command = [["selftest"].as_slice(), &NO_TPM].concat();
    let (told, code) = report(&command);
    let answers = told["known_answers"].as_array().unwrap();
    assert_eq!((code, answers.len()), (0, 4));
    assert!(answers.iter().all(|answer| answer["equal"] == true));
    let (page, _) = text(&command);
    assert!(page.contains("ok    self-test    reseed: gives the known answer\n"), "{page}");
}

/// A socket at which nobody ever answers.
#[test]
fn a_device_that_hangs_costs_its_limit_and_no_more() {
    let path = env::temp_dir().join(format!("qratum-silent-{}", std::process::id()));
    let _listener = UnixListener::bind(&path).unwrap();
    let (told, code) = report(&["status", "--tpm", path.to_str().unwrap()]);
    fs::remove_file(&path).unwrap();
    let tpm = &told["sources"][4];
    assert_eq!((code, &tpm["state"], &tpm["latency_us"]), (0, &json!("timed-out"), &Value::Null));
    assert_eq!(tpm["last_failure"], "gave nothing in time");
}

#[test]
fn a_watch_prints_a_line_for_each_collection_until_told_to_stop() {
    let arguments = ["entropy", "watch", "--interval", "1", "--json", NO_TPM[0], NO_TPM[1]];
    let mut child = qratum(&arguments).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let schema = Schema::named("entropy");
    for _ in 0..2 {
        schema.holds(&serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap(), "a line");
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));

    let (two, code) = text(&[
        "watch",
        "--interval",
        "1",
        "--collections",
        "2",
        "--fail",
        "system-rng",
        NO_TPM[0],
        NO_TPM[1],
    ]);
    assert_eq!((code, two.lines().count()), (1, 2));
    assert!(two.lines().all(|line| line.contains("Z  FAIL  DRILL system-rng  GIVES NO SEED: ")), "{two}");
}

/// The silent device is being asked when it is told to stop: it says nothing more and ends.
#[test]
fn a_watch_can_be_stopped_while_a_source_hangs() {
    let path = env::temp_dir().join(format!("qratum-silent-watch-{}", std::process::id()));
    let listener = UnixListener::bind(&path).unwrap();
    let child = qratum(&["entropy", "watch", "--tpm", path.to_str().unwrap()]).spawn().unwrap();
    let _asked = listener.accept().unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let ended = child.wait_with_output().unwrap();
    fs::remove_file(&path).unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!((ended.status.code(), ended.stdout.len()), (Some(1), 0), "{said}");
    assert!(said.starts_with("qratum: interrupted before the first collection ended"), "{said}");
}

#[test]
fn samples_go_whole_into_a_new_file_or_into_a_pipe() {
    let file = folder("entropy").join("samples");
    let arguments = ["sample", "--bytes", "3000", "--out", file.to_str().unwrap()];
    let (told, code) = json(&entropy(&[arguments.as_slice(), &["--json"]].concat()));
    Schema::named("entropy-sample").holds(&told, "written");
    assert_eq!((code, &told["bytes"]), (0, &json!(3000)));
    let written = fs::read(&file).unwrap();
    assert_eq!((written.len(), fs::metadata(&file).unwrap().mode() & 0o777), (3000, 0o600));
    let most = (0..=255).map(|byte| written.iter().filter(|sample| **sample == byte).count()).max();
    assert!(most < Some(1500), "raw samples, and not the same one again and again");
    assert_eq!(entropy(&arguments).status.code(), Some(2), "nothing is overwritten");
    assert_eq!(fs::read(&file).unwrap(), written);
    let piped = entropy(&["sample", "--bytes", "3000"]);
    assert_eq!((piped.status.code(), piped.stdout.len()), (Some(0), 3000));
    assert_eq!(entropy(&["sample", "--bytes", "3000", "--json"]).status.code(), Some(2));
}

#[test]
fn raw_bytes_are_not_printed_on_a_terminal() {
    let pair = native_pty_system().openpty(PtySize::default()).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_qratum"));
    command.args(["entropy", "sample", "--bytes", "3000"]);
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut said = Vec::new();
    // A terminal whose other side is gone ends in an error.
    let _ = pair.master.try_clone_reader().unwrap().read_to_end(&mut said);
    assert_eq!(child.wait().unwrap().exit_code(), 2);
    let said = String::from_utf8(said).unwrap();
    assert!(said.starts_with("qratum: raw bytes are not printed on a terminal\r\nName a file"), "{said}");
}

#[test]
fn sampling_that_is_interrupted_leaves_no_file() {
    let file = folder("entropy-interrupted").join("samples");
    let arguments = ["entropy", "sample", "--bytes", "16777216", "--out", file.to_str().unwrap()];
    let mut child = qratum(&arguments).spawn().unwrap();
    // Its handler stands once it has said something: an earlier signal would kill it.
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut first = String::new();
    said.read_line(&mut first).unwrap();
    assert_eq!(first, "0 of 16777216 samples\n");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(rest.contains("qratum: interrupted after ") && rest.contains("; nothing was written"), "{rest}");
    assert!(!file.exists());
}
