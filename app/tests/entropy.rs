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

/// The samples of a text in Prometheus' format: name, labels, value. Each name has help and a type before
/// its first sample, and all its samples stand together.
fn samples(text: &str) -> Vec<(String, String, f64)> {
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let (mut helped, mut typed, mut samples) = (String::new(), Vec::new(), Vec::new());
    assert!(text.ends_with('\n'), "the last line is whole");
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(is_name(name) && help.ends_with('.'), "{line}");
            helped = name.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, helped, "help comes first");
            assert!(!typed.contains(&name.to_owned()), "{name} stands twice");
            assert_eq!(kind, if name.ends_with("_total") { "counter" } else { "gauge" }, "{name}");
            typed.push(name.to_owned());
        } else {
            let (named, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = named.split_once('{').unwrap_or((named, "}"));
            assert_eq!(Some(name), typed.last().map(String::as_str), "below its type");
            let value: f64 = value.parse().unwrap();
            assert!(value.is_finite() && value >= 0.0, "{line}");
            samples.push((name.to_owned(), labels.strip_suffix('}').unwrap().to_owned(), value));
        }
    }
    samples
}

#[test]
fn metrics_are_what_prometheus_reads() {
    let file = folder("entropy-metrics").join("qratum.prom");
    fs::write(&file, "of an earlier run").unwrap();
    let command = ["metrics", "--fail", "cpu-rdrand", "--out", file.to_str().unwrap(), NO_TPM[0], NO_TPM[1]];
    let output = entropy(&command);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o644, "another user's collector reads it");
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
    let samples = samples(&fs::read_to_string(&file).unwrap());
    let value = |name: &str, labels: &str| {
        let mut found =
            samples.iter().filter(|sample| (sample.0.as_str(), sample.1.as_str()) == (name, labels));
        let value = found.next().map(|sample| sample.2);
        assert!(found.next().is_none(), "{name} {labels} stands twice");
        value
    };
    let of = |name: &str, id: &str, class: &str| {
        value(&format!("qratum_entropy_source_{name}"), &format!("source=\"{id}\",class=\"{class}\""))
    };
    assert_eq!(of("healthy", "cpu-jitter", "jitter"), Some(1.0));
    assert_eq!(of("credited_bits", "cpu-jitter", "jitter"), Some(512.0));
    assert_eq!(of("samples_total", "cpu-jitter", "jitter"), Some(1024.0 + 3.0 * 512.0));
    assert_eq!(of("healthy", "cpu-rdrand", "cpu"), Some(0.0));
    assert_eq!(of("failures_total", "cpu-rdrand", "cpu"), Some(1.0));
    assert_eq!((of("absent", "tpm", "tpm"), of("healthy", "tpm", "tpm")), (Some(1.0), Some(0.0)));
    let took = of("collection_seconds", "cpu-jitter", "jitter").unwrap();
    assert!(took > 0.0001 && took < 3.0, "{took} is in seconds");
    assert_eq!(value("qratum_entropy_pool_healthy", ""), Some(1.0));
    assert!(value("qratum_entropy_pool_bits", "") >= value("qratum_entropy_pool_needed_bits", ""));
    assert_eq!(value("qratum_entropy_drills", ""), Some(1.0));

    let refused = entropy(&["metrics", "--fail", "system-rng", NO_TPM[0], NO_TPM[1]]);
    let printed = String::from_utf8(refused.stdout).unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(printed.contains("\nqratum_entropy_pool_healthy 0\n"), "{printed}");
    assert!(!printed.contains("seed_age"), "what there is not is not told");
    assert_eq!(entropy(&["metrics", "--json"]).status.code(), Some(2));
    let nowhere = entropy(&["metrics", "--out", "/nonexistent/qratum.prom", NO_TPM[0], NO_TPM[1]]);
    assert_eq!(nowhere.status.code(), Some(1));
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
