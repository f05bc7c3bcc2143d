//! Does what the program prints with `--json` have the form that its JSON Schema gives? Verdicts
//! and a status come from the program itself; the event is pinned to the code by a test of its
//! module, and the live status was printed once on a demo network.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use qratum_light_node::State;
use serde_json::{Value, json};

#[path = "../../tests/tests/schemas/check.rs"]
#[allow(dead_code, reason = "shared with the tests of the documents")]
mod check;

use check::Schema;

const NOW: &str = "2026-11-22T00:08:06Z";

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn sample(name: &str) -> Value {
    serde_json::from_slice(&fs::read(data(name)).unwrap()).unwrap()
}

/// An empty folder of its own.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemas").join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

/// What the program prints, and its exit code.
fn printed(arguments: &[&str]) -> (Value, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_qratum")).args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"));
    (value, output.status.code().unwrap())
}

fn judged(document: &str, at: &str) -> (Value, i32) {
    let file = folder(&format!("verify-{}-{at}", document.len())).join("document.json");
    fs::write(&file, document).unwrap();
    let (file, anchor) = (file.to_str().unwrap(), data("genesis.json"));
    printed(&["verify", file, "--anchor", anchor.to_str().unwrap(), "--at", at, "--json"])
}

#[test]
fn verdicts_are_of_their_schema() {
    let schema = Schema::named("verdict");
    let honest = fs::read_to_string(data("header-3.json")).unwrap();
    let forged = honest.replace("\"round\":0", "\"round\": 1");
    for (document, at, code, word) in [
        (honest.as_str(), NOW, 0, "verified"),
        (&honest, "2027-11-22T00:08:06Z", 4, "expired"),
        (&forged, NOW, 5, "refused"),
        ("{}", NOW, 5, "malformed"),
    ] {
        let (verdict, exit) = judged(document, at);
        assert_eq!((verdict["verdict"].as_str(), exit), (Some(word), code));
        schema.holds(&verdict, word);
        for other in ["verified", "expired", "refused", "malformed", "Verified"] {
            let mut changed = verdict.clone();
            changed["verdict"] = other.into();
            // A rule that failed may have any name.
            let fits = other == word || (other == "refused" && word != "verified");
            assert_eq!(schema.faults(&changed).is_empty(), fits, "{word} as {other}");
        }
    }
}

#[test]
fn a_verdict_on_evidence_is_of_the_same_schema() {
    let file = folder("evidence").join("evidence.json");
    // Two votes that nobody signed, of a set that is not the anchor's.
    let vote = format!("02{}00{}", "00".repeat(52), "00".repeat(68));
    let leaf = format!("{}4348{}", "00".repeat(40), "00".repeat(40));
    let evidence = json!({
        "schema": "qratum/evidence/v1",
        "kind": "double-vote",
        "bytes": format!("{vote}{vote}"),
        "validators": [leaf],
    });
    assert_eq!(Schema::named("evidence").faults(&evidence), []);
    fs::write(&file, evidence.to_string()).unwrap();
    let anchor = data("genesis.json");
    let arguments = ["evidence", "verify", file.to_str().unwrap(), "--anchor", anchor.to_str().unwrap()];
    let (verdict, code) = printed(&[arguments.as_slice(), &["--json"]].concat());
    assert_eq!((verdict["verdict"].as_str(), code), (Some("refused"), 5));
    Schema::named("verdict").holds(&verdict, "evidence");
}

/// Nobody listens at the peers' addresses.
#[test]
fn a_status_of_a_network_that_is_down_is_of_its_schema() {
    let home = folder("home");
    for name in ["genesis.json", "peers.json"] {
        fs::copy(data(name), home.join(name)).unwrap();
    }
    let home = home.to_str().unwrap();
    let (status, code) = printed(&["status", "--home", home, "--timeout", "1", "--json"]);
    assert_eq!((&status["verified_height"], code), (&Value::Null, 3));
    Schema::named("status").holds(&status, "down");
    let fields = |status: &Value| Vec::from_iter(status.as_object().unwrap().keys().cloned());
    assert_eq!(fields(&status), fields(&sample("status-live.json")), "the live sample is of this version");
}

#[test]
fn a_live_status_is_of_its_schema() {
    let (schema, mut status) = (Schema::named("status"), sample("status-live.json"));
    assert_eq!(status["state"], "live");
    status["refusals"] = json!([
        {"peer": "west", "reason": "WrongChain", "text": "another chain", "at_ms": 1, "count": 2}
    ]);
    status["peers"][0]["ban"] =
        json!({"reason": "OffTopic", "text": "another question", "at_ms": 1, "until_ms": 60_001, "count": 1});
    status["accused"] =
        json!([{"validator": "east", "operator": "acme", "kind": "double-vote", "height": 8, "round": 0}]);
    schema.holds(&status, "live");
    for field in ["verified_height", "block_id", "time_ms", "age_ms", "round", "set_id", "signed", "total"] {
        let mut half = status.clone();
        half[field] = Value::Null;
        assert!(!schema.faults(&half).is_empty(), "a head without {field}");
    }
}

#[test]
fn the_states_are_those_of_the_light_node() {
    let words = json!(State::ALL.map(State::word));
    let mut listed = Vec::new();
    for (name, schema) in check::files() {
        let states = &schema["properties"]["state"]["enum"];
        if !states.is_null() {
            assert_eq!(*states, words, "{name}");
            listed.push(name);
        }
    }
    listed.sort();
    assert_eq!(listed, ["event", "heartbeat", "peer-list", "status", "validators"]);
}

#[test]
fn alarms_are_of_their_schema() {
    let alarm = sample("alarm.json");
    Schema::named("alarm").holds(&alarm, "alarm");
    let home = folder("alarms");
    let (list, code) = printed(&["alarms", "list", "--home", home.to_str().unwrap(), "--json"]);
    assert_eq!((&list["alarms"], &list["damaged"], code), (&json!([]), &json!(0), 0));
    let schema = Schema::named("alarms");
    schema.holds(&list, "none");
    let mut list = list;
    let mut one = alarm;
    for field in ["schema", "event", "key", "network", "chain_id"] {
        one.as_object_mut().unwrap().remove(field);
    }
    list["alarms"] = json!([one]);
    schema.holds(&list, "one");
}

#[test]
fn an_event_is_of_its_schema() {
    let schema = Schema::named("event");
    schema.holds(&sample("event-3.json"), "head 3");
    let mut state = sample("event-state.json");
    schema.holds(&state, "state");
    state["verified_height"] = Value::Null;
    schema.holds(&state, "nothing verified");
    schema.holds(&sample("event-peer.json"), "peer");
    schema.holds(&sample("event-refusal.json"), "refusal");
    schema.holds(&sample("event-silent.json"), "silent");
    schema.holds(&sample("event-accused.json"), "accused");
    schema.holds(&sample("event-set.json"), "set");
    let names = ["3", "state", "peer", "refusal", "silent", "accused", "set"];
    let kinds = names.map(|name| sample(&format!("event-{name}.json")));
    for (one, other) in kinds.iter().flat_map(|one| kinds.iter().map(move |other| (one, other))) {
        let mut mixed = one.clone();
        for (field, value) in other.as_object().unwrap() {
            mixed.as_object_mut().unwrap().entry(field).or_insert(value.clone());
        }
        assert_eq!(schema.faults(&mixed).is_empty(), one == other, "{one} with fields of {other}");
    }
}

#[test]
fn known_offences_are_of_their_schemas() {
    let fields = |value: &Value| Vec::from_iter(value.as_object().unwrap().keys().cloned());
    let list = Schema::named("evidence-list");
    let whole = sample("evidence-list.json");
    list.holds(&whole, "all there is");
    let mut bare = whole.clone();
    bare["accused"][0]["document"] = Value::Null;
    for height in ["block_height", "offence_height"] {
        bare["jailed"][0][height] = Value::Null;
    }
    bare["forks"][0]["height"] = Value::Null;
    list.holds(&bare, "with gaps");
    Schema::named("evidence-block").holds(&sample("evidence-block.json"), "a block");
    let home = folder("evidence-list");
    for name in ["genesis.json", "peers.json"] {
        fs::copy(data(name), home.join(name)).unwrap();
    }
    let (down, code) =
        printed(&["evidence", "list", "--home", home.to_str().unwrap(), "--timeout", "1", "--json"]);
    assert_eq!((&down["verified_height"], &down["registrations"], code), (&Value::Null, &Value::Null, 3));
    list.holds(&down, "nobody answers");
    assert_eq!(fields(&down), fields(&whole), "the sample is of this version");
}

/// Whatever stops a command before it has an answer is told to whoever reads JSON too, and to people.
#[test]
fn an_error_is_of_its_schema_and_has_the_exit_code() {
    let schema = Schema::named("error");
    let (empty, home) = (folder("no-home"), folder("error"));
    for name in ["genesis.json", "peers.json"] {
        fs::copy(data(name), home.join(name)).unwrap();
    }
    let (empty, home) = (empty.to_str().unwrap(), home.to_str().unwrap());
    let (missing, id) = (format!("{empty}/none.json"), "00".repeat(32));
    let anchor = data("genesis.json");
    for (arguments, word, exit, start) in [
        (vec!["status", "--home", empty], "usage", 2, "no configuration: "),
        (vec!["reanchor", &missing, "--block-id", &id, "--home", empty], "usage", 2, "no configuration: "),
        (vec!["header", "-1"], "usage", 2, "error: invalid value"),
        (vec!["header", "3", "--home", home, "--timeout", "1"], "nothing", 3, "no verified block"),
        (vec!["verify", &missing, "--anchor", anchor.to_str().unwrap()], "error", 1, &missing),
        (vec!["anchor", "export", "--height", "0", "--home", home], "usage", 2, "block 0 is the genesis"),
    ] {
        let arguments = [arguments.as_slice(), &["--json"]].concat();
        let output = Command::new(env!("CARGO_BIN_EXE_qratum")).args(&arguments).output().unwrap();
        let error: Value = serde_json::from_slice(&output.stdout).unwrap();
        schema.holds(&error, word);
        assert_eq!((error["error"].as_str(), output.status.code()), (Some(word), Some(exit)), "{error}");
        assert_eq!(error["exit"], exit);
        assert!(error["text"].as_str().unwrap().starts_with(start), "{error}");
        let people = String::from_utf8(output.stderr).unwrap();
        assert!(people.starts_with(&format!("qratum: {start}")), "{people}");
        let mut other = error.clone();
        other["exit"] = 5.into();
        assert!(!schema.faults(&other).is_empty(), "another code");
    }
}

#[test]
fn explanations_are_of_their_schema() {
    let schema = Schema::named("explain");
    let (one, code) = printed(&["explain", "no-quorum", "--json"]);
    assert_eq!((one["codes"][0]["code"].as_str(), code), (Some("no-quorum"), 0));
    schema.holds(&one, "one code");
    let (all, code) = printed(&["explain", "--json"]);
    assert_eq!((schema.faults(&all), code), (Vec::new(), 0));
    assert!(all["codes"].as_array().unwrap().contains(&one["codes"][0]));
}
