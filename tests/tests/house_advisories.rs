//! Does a known advisory apply to a version in Cargo.lock? Works without a network, from a published
//! copy of the RustSec database (CC0, GHSA-derived entries CC-BY-4.0).
//!
//! A vulnerability cannot be waived. What is informational (unmaintained, unsound, notice) is waived
//! by id in `deny.toml`, which cargo-deny reads too: with a reason that says until when it was
//! judged. A waiver without an advisory, or past its date, is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{collections::BTreeMap, fs};

use semver::{Comparator, Op, Version, VersionReq};
use serde::Deserialize;
use toml::{Table, Value};

const SET: &str = "rustsec_advisories.json";

/// What stands in a waiver's reason before the month until which it was judged (`2027-06`).
const REVIEW: &str = "review by ";

#[derive(Deserialize)]
struct Database {
    /// `rustsec/advisory-db@COMMIT (YYYY-MM-DD)`.
    source: String,
    count: usize,
    advisories: Vec<Advisory>,
}

#[derive(Deserialize)]
struct Advisory {
    id: String,
    package: String,
    kind: String,
    patched: Vec<String>,
    unaffected: Vec<String>,
    title: String,
}

impl Advisory {
    fn applies_to(&self, version: &Version) -> bool {
        !self.patched.iter().chain(&self.unaffected).any(|range| in_range(range, version))
    }
}

/// Whether `version` lies in `range`. Cargo's own matching leaves pre-releases out of every range
/// that does not name them, which would report each pre-release of a mended crate.
fn in_range(range: &str, version: &Version) -> bool {
    let range = VersionReq::parse(range).unwrap_or_else(|error| panic!("range {range:?}: {error}"));
    if version.pre.is_empty() {
        return range.matches(version);
    }
    range.comparators.iter().all(|bound| above_or_below(bound, version))
}

fn above_or_below(bound: &Comparator, version: &Version) -> bool {
    let at = Version {
        major: bound.major,
        minor: bound.minor.unwrap_or(0),
        patch: bound.patch.unwrap_or(0),
        pre: bound.pre.clone(),
        build: semver::BuildMetadata::EMPTY,
    };
    match bound.op {
        Op::Greater => *version > at,
        Op::GreaterEq => *version >= at,
        Op::Less => *version < at,
        Op::LessEq => *version <= at,
        _ => bound.matches(version),
    }
}

struct Locked {
    name: String,
    version: Version,
    source: Option<String>,
}

fn locked(lock: &Table) -> Vec<Locked> {
    let text = |package: &Value, key: &str| package.get(key).and_then(Value::as_str).map(str::to_owned);
    let locked = |package: &Value| Locked {
        name: text(package, "name").unwrap(),
        version: text(package, "version").unwrap().parse().unwrap(),
        source: text(package, "source"),
    };
    lock["package"].as_array().unwrap().iter().map(locked).collect()
}

/// Advisory ids and the reasons for which they are waived.
fn waivers(deny: &Table) -> BTreeMap<&str, &str> {
    let entries = deny["advisories"]["ignore"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| (entry["id"].as_str().unwrap(), entry["reason"].as_str().unwrap_or("")))
        .collect()
}

/// Every complaint about the locked versions and the waivers.
fn complaints(lock: &[Locked], database: &Database, waivers: &BTreeMap<&str, &str>) -> Vec<String> {
    let (mut found, mut used) = (Vec::new(), Vec::new());
    for package in lock {
        let about = database.advisories.iter().filter(|advisory| advisory.package == package.name);
        for advisory in about.filter(|advisory| advisory.applies_to(&package.version)) {
            used.push(advisory.id.as_str());
            if advisory.kind == "vulnerability" || !waivers.contains_key(advisory.id.as_str()) {
                let Advisory { id, kind, title, .. } = advisory;
                found.push(format!("{} {}: {id} ({kind}): {title}", package.name, package.version));
            }
        }
    }
    let month = month_of(&database.source);
    for (id, reason) in waivers {
        if !used.contains(id) {
            found.push(format!("waiver {id} meets no locked version"));
        }
        found.extend(about_reason(id, reason, month));
    }
    found
}

/// `YYYY-MM` of the copy. Compared with its own date and not the clock's, so that a build of today
/// still passes in a year.
fn month_of(source: &str) -> &str {
    let date = source.rsplit_once('(').unwrap().1;
    &date[..7]
}

fn about_reason(id: &str, reason: &str, month: &str) -> Option<String> {
    let Some((why, until)) = reason.split_once(REVIEW) else {
        return Some(format!("waiver {id} does not say `{REVIEW}YYYY-MM`"));
    };
    if why.trim().len() < 20 {
        return Some(format!("waiver {id} gives no reason"));
    }
    (until < month)
        .then(|| format!("waiver {id} was to be reviewed by {until}, the advisories are of {month}"))
}

fn read(name: &str) -> Table {
    fs::read_to_string(qratum_tests::root().join(name)).unwrap().parse().unwrap()
}

#[test]
fn no_advisory_applies_to_a_locked_version_unless_waived() {
    let Some(text) = qratum_tests::published(SET) else { return };
    let database: Database = serde_json::from_str(&text).unwrap();
    assert_eq!(database.advisories.len(), database.count, "{SET} is cut short");
    let lock = locked(&read("Cargo.lock"));
    let deny = read("deny.toml");
    let found = complaints(&lock, &database, &waivers(&deny));
    assert!(found.is_empty(), "Cargo.lock against {}:\n  {}", database.source, found.join("\n  "));
}

#[test]
fn everything_locked_is_ours_or_from_crates_io() {
    const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";
    for package in locked(&read("Cargo.lock")) {
        match package.source {
            Some(source) => assert_eq!(source, CRATES_IO, "{} {}", package.name, package.version),
            None => assert!(package.name.starts_with("qratum"), "{} has no source", package.name),
        }
    }
}

fn made_up(kind: &str) -> Database {
    let advisory = Advisory {
        id: "RUSTSEC-2000-0001".to_owned(),
        package: "leaky".to_owned(),
        kind: kind.to_owned(),
        patched: vec!["^1.2.3".to_owned(), ">= 2.0.0-rc.2".to_owned()],
        unaffected: vec!["< 1.0.0".to_owned()],
        title: "leaks".to_owned(),
    };
    Database { source: "made/up@0 (2026-08-20)".to_owned(), count: 1, advisories: vec![advisory] }
}

fn made_up_lock(version: &str) -> Vec<Locked> {
    vec![Locked { name: "leaky".to_owned(), version: version.parse().unwrap(), source: None }]
}

const FOUND: &str = "RUSTSEC-2000-0001";
const GOOD: &str = "reached only through a path that we never call; review by 2027-01";

#[test]
fn an_affected_version_is_reported_and_its_neighbours_are_not() {
    for affected in ["1.0.0", "1.2.2", "2.0.0-rc.1"] {
        let found = complaints(&made_up_lock(affected), &made_up("vulnerability"), &BTreeMap::new());
        assert_eq!(found, [format!("leaky {affected}: {FOUND} (vulnerability): leaks")]);
    }
    for clean in ["0.9.9", "1.2.3", "1.9.0", "2.0.0-rc.2", "2.0.0", "3.0.0-alpha.1"] {
        let found = complaints(&made_up_lock(clean), &made_up("vulnerability"), &BTreeMap::new());
        assert_eq!(found, [""; 0], "{clean}");
    }
}

#[test]
fn only_what_is_informational_can_be_waived() {
    let waived = BTreeMap::from([(FOUND, GOOD)]);
    let lock = made_up_lock("1.0.0");
    assert_eq!(complaints(&lock, &made_up("unmaintained"), &waived), [""; 0]);
    assert_eq!(complaints(&lock, &made_up("unmaintained"), &BTreeMap::new()).len(), 1);
    assert_eq!(complaints(&lock, &made_up("vulnerability"), &waived).len(), 1);
}

#[test]
fn a_waiver_needs_an_advisory_a_reason_and_a_date() {
    let complain = |version: &str, reason: &str| {
        complaints(&made_up_lock(version), &made_up("unsound"), &BTreeMap::from([(FOUND, reason)]))
    };
    assert_eq!(complain("1.0.0", GOOD), [""; 0]);
    assert_eq!(complain("1.2.3", GOOD), [format!("waiver {FOUND} meets no locked version")]);
    assert_eq!(complain("1.0.0", "review by 2027-01"), [format!("waiver {FOUND} gives no reason")]);
    assert_eq!(
        complain("1.0.0", "reached only through a path that we never call"),
        [format!("waiver {FOUND} does not say `review by YYYY-MM`")]
    );
    assert_eq!(
        complain("1.0.0", "reached only through a path that we never call; review by 2026-07"),
        [format!("waiver {FOUND} was to be reviewed by 2026-07, the advisories are of 2026-08")]
    );
}
