//! The commands beside a demo network of real processes, all on one home.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use serde_json::Value;

#[path = "../../tests/tests/schemas/check.rs"]
#[allow(dead_code, reason = "shared with the tests of the documents")]
mod check;
mod support;

use check::Schema;
use support::{Demo, json};

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
