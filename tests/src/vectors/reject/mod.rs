//! Forges the vectors of refusals: for each [`Reject`] variant inputs that break its rule and no
//! other, each with its honest twin, the same input with the one fault mended.
//!
//! A faulty input is made as an attacker with the keys would make it: what depends on the fault is
//! computed and signed again, so that the named rule is the only thing that stands in its way.
//! Everything is deterministic; the files under `tests/vectors/reject` are what [`files`] returns.

#![expect(clippy::expect_used, reason = "a fixture of tests: it stops where a test would")]

mod chained;
mod commit;
mod evidence;
mod inputs;
mod place;
mod pq;
mod proofs;
mod sets;

use std::collections::BTreeMap;

use qratum_verifier::Reject;
use serde_json::{Value, json};

/// The vectors as they grow: cases by variant.
#[derive(Debug, Default)]
struct Book {
    cases: BTreeMap<&'static str, Vec<Value>>,
}

/// An input that must be refused, and its twin that must be accepted.
struct Pair {
    bad: Value,
    good: Value,
}

impl Book {
    /// Adds a case and its twin under `variant`.
    fn add(&mut self, variant: &'static str, name: &str, comment: &str, pair: Pair) {
        let id = format!("{}/{name}", kebab(variant));
        let cases = self.cases.entry(variant).or_default();
        cases.push(
            json!({"id": id, "in": pair.bad, "expect": "invalid", "reject": variant, "comment": comment}),
        );
        cases.push(json!({"id": format!("{id}/twin"), "in": pair.good, "expect": "valid"}));
    }
}

/// Every file: its name, and its content.
#[must_use]
pub fn files() -> BTreeMap<String, Value> {
    let mut book = Book::default();
    place::add(&mut book);
    sets::add(&mut book);
    commit::add(&mut book);
    pq::add(&mut book);
    chained::add(&mut book);
    proofs::add(&mut book);
    evidence::add(&mut book);
    book.cases
        .into_iter()
        .map(|(variant, cases)| (format!("{}.json", kebab(variant)), file(variant, &cases)))
        .collect()
}

fn file(variant: &str, cases: &[Value]) -> Value {
    json!({
        "format": super::FORMAT,
        "kind": "qratum_verify",
        "source": "cargo run -p qratum-tests --bin forge-vectors -- tests/vectors/reject",
        "licence": "MIT OR Apache-2.0",
        "notes": format!("Inputs that must be refused for Reject::{variant}, each followed by its honest twin."),
        "count": cases.len(),
        "cases": cases,
    })
}

/// `WrongChain` as `wrong-chain`.
#[must_use]
pub fn kebab(variant: &str) -> String {
    let mut out = String::new();
    for letter in variant.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// Variants that no file covers.
#[must_use]
pub fn missing(files: &BTreeMap<String, Value>) -> Vec<&'static str> {
    let covered = |name: &&'static str| files.contains_key(&format!("{}.json", kebab(name)));
    Reject::NAMES.iter().copied().filter(|name| !covered(name)).collect()
}
