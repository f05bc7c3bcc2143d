//! The commands beside a demo network of real processes, all on one home.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{
    process::Output,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

#[path = "../../tests/tests/schemas/check.rs"]
#[allow(dead_code, reason = "shared with the tests of the documents")]
mod check;
mod support;

#[path = "live/alerts.rs"]
mod alerts;

use check::Schema;
use support::{Demo, json, qratum};

fn events(text: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn commands_and_a_watch_run_beside_a_demo() {
    let mut demo = Demo::start("beside");
    demo.reach(3);
    let watch = demo.spawn(&["watch", "--json", "--heads", "3"]);
    let other = demo.spawn(&["watch", "--until", "live", "--timeout", "60"]);
    let header = demo.spawn(&["header", "2", "--json", "--timeout", "30"]);
    let (status, code) = json(&demo.run(&["status", "--json", "--timeout", "30"]));
    assert_eq!((status["state"].as_str(), code), (Some("live"), 0), "{status}");
    Schema::named("status").holds(&status, "status");
    let (header, code) = json(&header.wait_with_output().unwrap());
    assert_eq!((header["schema"].as_str(), code), (Some("qratum/header/v1"), 0));

    let output = watch.wait_with_output().unwrap();
    let events = events(&output.stdout);
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
    let schema = Schema::named("event");
    events.iter().for_each(|event| assert_eq!(schema.faults(event), [], "{event}"));
    let of = |kind: &str| events.iter().filter(|event| event["event"] == kind).collect::<Vec<_>>();
    let heights: Vec<u64> = of("head").iter().map(|event| event["height"].as_u64().unwrap()).collect();
    assert!(heights.len() == 3 && heights.is_sorted(), "{heights:?}");
    assert!(of("state").iter().any(|event| event["state"] == "live"), "{events:?}");
    assert!(of("peer").iter().all(|event| event["connected"] == true) && !of("peer").is_empty());

    let output = other.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.trim_end().lines().last().unwrap().starts_with("state live, last verified height "));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_set_and_the_peers_of_a_demo_are_told() {
    let mut demo = Demo::start("members");
    demo.reach(2);
    let (set, code) = json(&demo.run(&["validators", "--json", "--timeout", "30"]));
    assert_eq!(code, 0);
    Schema::named("validators").holds(&set, "validators");
    let members: Vec<(&str, u64, u64)> = set["validators"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| {
            let number = |field: &str| member[field].as_u64().unwrap();
            (member["name"].as_str().unwrap(), number("power"), number("share"))
        })
        .collect();
    let want = [("north", 30, 3000), ("east", 25, 2500), ("south", 25, 2500), ("west", 20, 2000)];
    assert_eq!(members, want);
    let signed = set["validators"].as_array().unwrap().iter().filter(|member| member["signed"] == true);
    assert_eq!(signed.map(|member| member["power"].as_u64().unwrap()).sum::<u64>(), set["signed"]);

    let (peers, code) = json(&demo.run(&["peers", "--json", "--timeout", "30"]));
    assert_eq!(code, 0, "{peers}");
    Schema::named("peer-list").holds(&peers, "peers");
    let list = peers["peers"].as_array().unwrap();
    assert_eq!(list.len(), 4);
    assert!(list.iter().all(|peer| peer["connected"] == true), "{peers}");
    assert!(list.iter().all(|peer| peer["operator_source"] == "chain"), "enrolled in the genesis: {peers}");
    let (list, code) = json(&demo.run(&["evidence", "list", "--json", "--timeout", "30"]));
    assert_eq!((code, &list["registrations"]), (0, &4.into()), "{list}");
    Schema::named("evidence-list").holds(&list, "nobody is accused");
    let page = demo.run(&["evidence", "list", "--timeout", "30"]);
    let page = String::from_utf8(page.stdout).unwrap();
    for nothing in ["accused: no double vote", "jailed: all 4 registrations", "fork: this home has seen none"]
    {
        assert!(page.contains(&format!("none      {nothing}")), "{page}");
    }
    let page = demo.run(&["peers", "--timeout", "30"]);
    assert!(String::from_utf8(page.stdout).unwrap().starts_with("4 of 4 peers connected, "));
}

#[test]
fn what_the_state_holds_is_proven_and_can_be_checked_offline() {
    let mut demo = Demo::start("proof");
    demo.reach(2);
    let prove = |arguments: &[&str]| {
        json(&demo.run(&[["proof"].as_slice(), arguments, &["--json", "--timeout", "30"]].concat()))
    };
    let folder = support::folder("proofs");
    let judge = |name: &str, document: &Value| {
        let (file, anchor) = (folder.join(name), format!("{}/genesis.json", demo.home()));
        std::fs::write(&file, document.to_string()).unwrap();
        json(&qratum(&["verify", file.to_str().unwrap(), "--anchor", &anchor, "--json"]).output().unwrap())
    };
    let (north, code) = prove(&["validator", "north"]);
    assert_eq!(code, 0, "{north}");
    Schema::named("proof").holds(&north, "north");
    let (verdict, code) = judge("north", &north);
    assert_eq!((code, verdict["height"].as_u64().is_some()), (0, true), "{verdict}");
    assert!(verdict["text"].as_str().unwrap().contains("operator  north, CH"), "{verdict}");
    let page = demo.run(&["proof", "validator", "north", "--timeout", "30"]);
    assert!(String::from_utf8(page.stdout).unwrap().contains("\nstake     300000\nstatus    active\n"));

    let mut richer = north.clone();
    let value = north["statement"]["value"].as_str().unwrap();
    richer["statement"]["value"] = format!("{}ff", &value[..value.len() - 2]).into();
    let mut nobody = north.clone();
    nobody["statement"]["value"] = Value::Null;
    let mut other = north.clone();
    other["statement"]["key"] = prove(&["validator", "east"]).0["statement"]["key"].clone();
    for (name, lie) in [("richer", richer), ("nobody", nobody), ("other", other)] {
        let (verdict, code) = judge(name, &lie);
        assert_eq!((verdict["reason"].as_str(), code), (Some("StateProof"), 5), "{name}: {verdict}");
    }
    let (absent, code) = prove(&["state", "0x6e6f7468696e67"]);
    assert_eq!((code, &absent["statement"]["value"]), (0, &Value::Null));
    let (verdict, code) = judge("absent", &absent);
    assert!(code == 0 && verdict["text"].as_str().unwrap().ends_with("nothing under nothing"), "{verdict}");
    let unknown = demo.run(&["proof", "txo", &"00".repeat(32), "--timeout", "10"]);
    let complaint = String::from_utf8(unknown.stderr).unwrap();
    let said = "qratum: no peer has it\n\
                Validators drop old blocks behind a checkpoint; `qratum peers` shows who answers\n";
    assert_eq!((unknown.status.code(), complaint.as_str()), (Some(3), said));
}

/// The verdict and text of a check.
fn check<'a>(report: &'a Value, name: &str) -> (&'a str, &'a str) {
    let found = report["checks"].as_array().unwrap().iter().find(|check| check["check"] == name);
    let found = found.unwrap_or_else(|| panic!("no check {name}: {report}"));
    (found["verdict"].as_str().unwrap(), found["text"].as_str().unwrap())
}

#[test]
fn a_doctor_finds_a_demo_well_and_then_what_is_broken() {
    let mut demo = Demo::start("doctor");
    demo.reach(2);
    let doctor = |seconds: &str| json(&demo.run(&["doctor", "--json", "--timeout", seconds]));
    let (report, code) = doctor("20");
    assert_eq!((code, report["failed"].as_u64()), (0, Some(0)), "{report}");
    Schema::named("doctor").holds(&report, "well");
    for name in ["home", "anchor", "peers", "files", "evidence", "peer north", "peer west", "clock", "chain"]
    {
        assert_eq!(check(&report, name).0, "ok", "{name}: {report}");
    }
    assert_eq!(check(&report, "store"), ("ok", "in use by another process, as beside a console"));

    let home = std::path::Path::new(demo.home());
    let peers = std::fs::read_to_string(home.join("peers.json")).unwrap();
    let at = |name: &str| {
        let peers: Value = serde_json::from_str(&peers).unwrap();
        let peers = peers["peers"].as_array().unwrap().clone();
        let address = peers.iter().find(|peer| peer["name"] == name).unwrap()["address"].clone();
        address.as_str().unwrap().to_owned()
    };
    let place = |address: &str| address.split("/p2p/").next().unwrap().to_owned();
    let (north, east) = (at("north"), at("east"));
    let swapped =
        peers.replace(&north, &format!("{}/p2p/{}", place(&east), north.split("/p2p/").last().unwrap()));
    let swapped = swapped.replacen(
        &east,
        &format!("/ip4/127.0.0.1/tcp/1/p2p/{}", east.split("/p2p/").last().unwrap()),
        1,
    );
    std::fs::write(home.join("peers.json"), swapped).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    std::fs::set_permissions(home.join("peers.json"), mode).unwrap();
    let (report, code) = doctor("6");
    assert_eq!(code, 1, "{report}");
    assert_eq!(check(&report, "files"), ("fail", "others can change peers.json"));
    assert!(check(&report, "peer north").1.ends_with("(WrongKey)"), "{report}");
    assert_eq!(check(&report, "peer east"), ("warn", "cannot be reached"));
    assert_eq!(check(&report, "peer west").0, "ok");
}

#[test]
fn a_doctor_without_a_home_looks_at_the_machine() {
    let home = support::folder("no-home").join("missing");
    let output = qratum(&["doctor", "--json", "--home", home.to_str().unwrap()]).output().unwrap();
    let (report, code) = json(&output);
    assert_eq!((code, check(&report, "home").0), (1, "fail"));
    assert_eq!(check(&report, "configuration").0, "fail");
    assert_eq!(check(&report, "terminal").0, "ok");
    Schema::named("doctor").holds(&report, "no home");
    let page = qratum(&["doctor", "--home", home.to_str().unwrap()]).output().unwrap();
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(page.starts_with("FAIL  home "), "{page}");
    assert!(
        page.contains("-> Make a home with `qratum init`, or start a network to try with `qratum demo`\n")
    );
}

/// Power 30, 25, 25, 20. One is killed: heads go on, and whoever watches or asks is told its name.
/// A second is killed: there is no quorum, and both are named. Both come back: it goes on by itself.
#[test]
fn a_validator_that_is_killed_is_named_and_so_is_the_lack_of_a_quorum() {
    let mut demo = Demo::start("killed");
    let state = |word: &'static str| move |event: &Value| event["state"] == word;
    let silent = |names: Value| move |event: &Value| event["silent"] == names;
    demo.reach(3);
    demo.kill(3);
    let killed = Instant::now();
    let named = demo.until(silent(json!(["west"])));
    println!("west is named {} ms after it was killed", killed.elapsed().as_millis());
    assert_eq!((&named["missing"], &named["total"]), (&json!(20), &json!(100)));
    assert!(killed.elapsed() < Duration::from_secs(15));
    let (status, code) = json(&demo.run(&["status", "--json", "--timeout", "30"]));
    assert_eq!((code, &status["state"]), (0, &json!("live")), "heads go on: {status}");
    assert_eq!((&status["silent"], &status["missing"]), (&json!(["west"]), &json!(20)), "{status}");
    Schema::named("status").holds(&status, "west is gone");

    demo.kill(0);
    let killed = Instant::now();
    demo.until(state("no-quorum"));
    println!("no-quorum {} ms after north was killed too", killed.elapsed().as_millis());
    let (status, code) = json(&demo.run(&["status", "--json", "--timeout", "30"]));
    assert_eq!((code, &status["state"]), (0, &json!("no-quorum")), "{status}");
    assert_eq!((&status["silent"], &status["missing"]), (&json!(["north", "west"]), &json!(50)), "{status}");
    let (set, code) = json(&demo.run(&["validators", "--json", "--timeout", "30"]));
    assert_eq!((code, &set["state"]), (0, &json!("no-quorum")), "{set}");
    let silent: Vec<&Value> =
        set["validators"].as_array().unwrap().iter().map(|one| &one["silent"]).collect();
    assert_eq!(silent, [true, false, false, true], "{set}");
    Schema::named("validators").holds(&set, "two are gone");
    let page = demo.run(&["status", "--timeout", "30"]);
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(page.contains("\nsilent    north, west: 50 power is missing\n"), "{page}");
    let watch = demo.run(&["watch", "--json", "--until", "no-quorum", "--timeout", "30"]);
    assert_eq!((settled(&watch), watch.status.code()), (vec!["no-quorum".to_owned()], Some(0)));

    let restored = ["north", "west"].map(|name| demo.restore(name));
    let back = Instant::now();
    let (mut live, mut all) = (false, false);
    demo.until(|event| {
        live |= event["state"] == "live";
        all |= event["silent"] == json!([]);
        live && all
    });
    println!("live, and all vote, {} ms after both came back", back.elapsed().as_millis());
    drop(restored);
}

/// The states that a watch printed, but those of its start.
fn settled(watch: &Output) -> Vec<String> {
    let events = events(&watch.stdout).into_iter();
    let states = events.filter_map(|event| Some(event["state"].as_str()?.to_owned()));
    states.filter(|state| !["syncing", "disconnected"].contains(&state.as_str())).collect()
}

#[test]
fn a_height_that_is_about_to_come_is_waited_for_and_a_far_one_is_not() {
    let mut demo = Demo::start("coming");
    demo.reach(2);
    let (status, _) = json(&demo.run(&["status", "--json", "--timeout", "30"]));
    let next = (status["verified_height"].as_u64().unwrap() + 2).to_string();
    let (header, code) = json(&demo.run(&["header", &next, "--json", "--timeout", "30"]));
    assert_eq!((code, header["certificate"]["height"].as_u64()), (0, next.parse().ok()), "{header}");
    let asked = Instant::now();
    let far = demo.run(&["header", "99999", "--timeout", "60"]);
    let text = String::from_utf8(far.stderr).unwrap();
    assert_eq!(far.status.code(), Some(3), "{text}");
    assert!(text.contains("\nTry again when the chain has come to it"), "{text}");
    assert!(asked.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_home_whose_network_is_down_shows_what_it_has_kept_and_that_its_store_was_lost() {
    let mut demo = Demo::start("kept");
    demo.reach(3);
    let home = demo.home().to_owned();
    drop(demo);
    let run = |arguments: &[&str]| {
        qratum(&[arguments, &["--home", &home, "--timeout", "2"]].concat()).output().unwrap()
    };
    let (status, code) = json(&run(&["status", "--json"]));
    assert_eq!(
        (code, &status["verified_from"], &status["store"]),
        (3, &json!("home"), &json!("kept")),
        "{status}"
    );
    assert!(status["verified_height"].as_u64().unwrap() >= 3, "{status}");
    Schema::named("status").holds(&status, "kept");
    let page = String::from_utf8(run(&["status"]).stdout).unwrap();
    assert!(page.contains("old, as this home has kept it: no peer led to a block\n"), "{page}");
    assert!(page.ends_with("next      `qratum doctor` looks for the cause\n"), "{page}");
    let (set, code) = json(&run(&["validators", "--json"]));
    assert_eq!(
        (code, &set["verified_from"], &set["height"]),
        (3, &json!("home"), &status["verified_height"])
    );
    Schema::named("validators").holds(&set, "kept");
    let page = String::from_utf8(run(&["validators"]).stdout).unwrap();
    assert!(page.contains("\nold: as this home has kept it"), "{page}");
    a_kept_header_is_shown_and_said_to_be_old(&home, status["verified_height"].as_u64().unwrap());

    std::fs::remove_dir_all(std::path::Path::new(&home).join("store")).unwrap();
    std::fs::create_dir(std::path::Path::new(&home).join("store")).unwrap();
    let (status, code) = json(&run(&["status", "--json"]));
    assert_eq!((code, &status["store"], &status["verified_from"]), (3, &json!("rolled-back"), &Value::Null));
    assert!(status["store_fault"].as_str().unwrap().starts_with("it leads to height 0, and "), "{status}");
    Schema::named("status").holds(&status, "lost");
    let page = String::from_utf8(run(&["status"]).stdout).unwrap();
    assert!(page.contains("verified before: `qratum explain rolled-back`\n"), "{page}");
}

/// The head is in the store; the block below it, which ends no set, is not.
fn a_kept_header_is_shown_and_said_to_be_old(home: &str, height: u64) {
    let run = |height: u64, more: &[&str]| {
        let height = height.to_string();
        let arguments = [&["header", &height, "--home", home, "--timeout", "2"], more].concat();
        qratum(&arguments).output().unwrap()
    };
    let output = run(height, &["--json"]);
    let (header, code) = json(&output);
    assert_eq!((code, header["certificate"]["height"].as_u64()), (3, Some(height)), "{header}");
    Schema::named("header").holds(&header, "kept");
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.ends_with("\nthe header is shown as this home has kept it\n"), "{complaint}");
    let file = std::path::Path::new(home).join("kept.json");
    std::fs::write(&file, output.stdout).unwrap();
    let anchor = format!("{home}/genesis.json");
    let (verdict, code) =
        json(&qratum(&["verify", file.to_str().unwrap(), "--anchor", &anchor, "--json"]).output().unwrap());
    assert_eq!((code, &verdict["verdict"]), (0, &json!("verified")), "{verdict}");
    let page = String::from_utf8(run(height, &[]).stdout).unwrap();
    assert!(
        page.starts_with("verdict       verified, as this home has kept it: no peer led to it\n"),
        "{page}"
    );
    let output = run(height - 1, &[]);
    assert_eq!((output.status.code(), output.stdout), (Some(3), Vec::new()));
}

/// Nobody listens at the peers' addresses of the samples.
#[test]
fn a_network_that_is_down_has_peers_and_no_set() {
    let home = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    let run = |arguments: &[&str]| {
        qratum(&[arguments, &["--home", home, "--timeout", "1"]].concat()).output().unwrap()
    };
    let (peers, code) = json(&run(&["peers", "--json"]));
    assert_eq!((code, peers["peers"][0]["operator"].as_str()), (3, Some("north")));
    Schema::named("peer-list").holds(&peers, "down");
    let output = run(&["validators", "--json"]);
    let (error, code) = json(&output);
    assert_eq!((&error["error"], code), (&"nothing".into(), 3));
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(
        complaint.starts_with("qratum: no verified block from a peer: the light node is "),
        "{complaint}"
    );
    assert!(complaint.ends_with("\n`qratum doctor` looks for the cause\n"), "{complaint}");
}
