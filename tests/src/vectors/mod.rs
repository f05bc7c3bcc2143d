//! Runs test-vector files: does what is published hold for this code, case by case?
//!
//! One format, `vectors-v1`: `{"format", "kind", "source", "licence", "notes", "count",
//! "cases": [{"id", "in", "out" | "expect", ..}]}`, byte strings in lower-case hex. A kind has one
//! function that runs one case; a kind, operation or parameter set that has none is *unsupported*,
//! never passed. A file is as untrusted as a peer: whatever is wrong with it is a line of the
//! report, and nothing in it can stop the run.

mod drbg;
pub mod ed25519;
mod fields;
mod hash;
mod kdf;
mod merkle;
mod pqc;
mod qratum;
pub mod reject;
mod tendermint;

use std::{fs, io::Read as _, panic::catch_unwind, path::Path};

pub use fields::{Fields, Unreadable};
use serde_json::Value;

/// The longest file that is read: 64 MiB.
const MAX_LENGTH: u64 = 64 << 20;

/// The format this runner knows.
pub const FORMAT: &str = "vectors-v1";

/// What became of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The code did what the case demands.
    Passed,
    /// It did not.
    Failed {
        /// What the case demands.
        expected: String,
        /// What the code did.
        got: String,
    },
    /// Nothing here runs this case; why not.
    Unsupported(String),
}

/// Runs one case. An unreadable case is a failed one.
type Run = fn(&Fields<'_>) -> Result<Outcome, Unreadable>;

/// Which function runs which kind.
const KINDS: &[(&str, Run)] = &[
    ("qratum_verify", qratum::run),
    ("merkle", merkle::run),
    ("hash", hash::run),
    ("hmac", kdf::hmac),
    ("hkdf", kdf::hkdf),
    ("slip0010", kdf::slip0010),
    ("hmac_drbg", drbg::run),
    ("ed25519_verify", ed25519::verify),
    ("ed25519_verify_policy", ed25519::policy),
    ("ed25519_sign_verify", ed25519::sign_verify),
    ("light_client_trace", tendermint::run),
    ("mldsa_verify", pqc::verify),
    ("mldsa_keygen", pqc::mldsa_keygen),
    ("slhdsa_keygen", pqc::slhdsa_keygen),
    ("mlkem_decap", pqc::mlkem_decap),
];

/// What a case demands of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It must accept.
    Valid,
    /// It must refuse.
    Invalid,
    /// Published sets leave it open: either answer passes.
    Acceptable,
}

impl Expect {
    /// The `expect` field of a case.
    ///
    /// # Errors
    /// [`Unreadable`], when it is absent or another word.
    pub fn of(case: &Fields<'_>) -> Result<Self, Unreadable> {
        match case.text("expect")? {
            "valid" => Ok(Self::Valid),
            "invalid" => Ok(Self::Invalid),
            "acceptable" => Ok(Self::Acceptable),
            other => Err(Unreadable(format!("expect is {other:?}"))),
        }
    }

    /// The outcome of a check that accepted, or refused.
    #[must_use]
    pub fn judge(self, accepted: bool) -> Outcome {
        let word = |accepted| if accepted { "valid" } else { "invalid" }.to_owned();
        match self {
            Self::Valid if !accepted => Outcome::Failed { expected: word(true), got: word(false) },
            Self::Invalid if accepted => Outcome::Failed { expected: word(false), got: word(true) },
            _ => Outcome::Passed,
        }
    }
}

/// `Passed` when both sides are equal, else what they are.
pub(crate) fn same(what: &str, expected: impl ToString, got: impl ToString) -> Outcome {
    let (expected, got) = (expected.to_string(), got.to_string());
    if expected == got {
        return Outcome::Passed;
    }
    Outcome::Failed { expected: format!("{what} {expected}"), got: format!("{what} {got}") }
}

/// The first outcome that is not a pass, else a pass.
pub(crate) fn all(outcomes: impl IntoIterator<Item = Outcome>) -> Outcome {
    outcomes.into_iter().find(|outcome| *outcome != Outcome::Passed).unwrap_or(Outcome::Passed)
}

/// How many cases passed, failed and were not run, and a line for each that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Cases that passed.
    pub passed: usize,
    /// Cases that failed, and files that could not be read.
    pub failed: usize,
    /// Cases that nothing here runs.
    pub unsupported: usize,
    /// One line for each failure: file, case, expected, got.
    pub failures: Vec<String>,
    /// One line for each case that was not run: file, case, why.
    pub not_run: Vec<String>,
}

impl Report {
    fn fail(&mut self, line: String) {
        self.failed += 1;
        self.failures.push(line);
    }

    fn skip(&mut self, line: String) {
        self.unsupported += 1;
        self.not_run.push(line);
    }

    fn take(&mut self, file: &str, id: &str, outcome: Outcome) {
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed { expected, got } => {
                self.fail(format!("{file}: {id}: expected {expected}, got {got}"));
            }
            Outcome::Unsupported(why) => self.skip(format!("{file}: {id}: {why}")),
        }
    }

    /// The closing line.
    #[must_use]
    pub fn summary(&self) -> String {
        format!("{} passed, {} failed, {} unsupported", self.passed, self.failed, self.unsupported)
    }
}

/// Runs `path`: a file, or each `*.json` of a folder and its folders, in order of names.
pub fn run_path(path: &Path, report: &mut Report) {
    let shown = path.display().to_string();
    if path.is_dir() {
        match entries(path) {
            Ok(entries) => entries.iter().for_each(|entry| run_path(entry, report)),
            Err(error) => report.fail(format!("{shown}: cannot be listed: {error}")),
        }
        return;
    }
    match read(path) {
        Ok(text) => run_text(&shown, &text, report),
        Err(why) => report.fail(format!("{shown}: {why}")),
    }
}

/// The folders and `*.json` files of `folder`. Links are not followed: they could lead round.
fn entries(folder: &Path) -> std::io::Result<Vec<std::path::PathBuf>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (kind, path) = (entry.file_type()?, entry.path());
        if kind.is_dir() || (kind.is_file() && path.extension().is_some_and(|end| end == "json")) {
            entries.push(path);
        }
    }
    entries.sort();
    Ok(entries)
}

fn read(path: &Path) -> Result<String, String> {
    let file = fs::File::open(path).map_err(|error| format!("cannot be read: {error}"))?;
    let mut text = String::new();
    file.take(MAX_LENGTH + 1)
        .read_to_string(&mut text)
        .map_err(|error| format!("cannot be read: {error}"))?;
    if text.len() as u64 > MAX_LENGTH { Err(format!("longer than {MAX_LENGTH} bytes")) } else { Ok(text) }
}

/// Runs the file `name` with this text.
pub fn run_text(name: &str, text: &str, report: &mut Report) {
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return report.fail(format!("{name}: no JSON: {error}")),
    };
    match value.get("format").or_else(|| value.get("schema")).and_then(Value::as_str) {
        Some(FORMAT) => {}
        Some(other) => return report.skip(format!("{name}: of another format: {other}")),
        None => return report.fail(format!("{name}: no {FORMAT} file: it names no format")),
    }
    let kind = value.get("kind").and_then(Value::as_str);
    let cases = value.get("cases").and_then(Value::as_array);
    let (Some(kind), Some(cases)) = (kind, cases) else {
        return report.fail(format!("{name}: no {FORMAT} file: kind or cases are absent"));
    };
    if value.get("count").and_then(Value::as_u64).is_some_and(|count| count != cases.len() as u64) {
        report.fail(format!("{name}: {} cases, but count says otherwise", cases.len()));
    }
    let run = KINDS.iter().find(|(known, _)| *known == kind).map(|(_, run)| *run);
    for (index, case) in cases.iter().enumerate() {
        let id = case.get("id").and_then(Value::as_str).map_or_else(|| format!("#{index}"), str::to_owned);
        report.take(name, &id, run_case(kind, run, case));
    }
}

/// A panic of the code under test is a failed case, and the run goes on.
fn run_case(kind: &str, run: Option<Run>, case: &Value) -> Outcome {
    let Some(run) = run else { return Outcome::Unsupported(format!("kind {kind}")) };
    let failed = |expected: &str, got| Outcome::Failed { expected: expected.to_owned(), got };
    match catch_unwind(|| Fields::of(case, "case").and_then(|case| run(&case))) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(Unreadable(why))) => failed("a case that can be read", why),
        Err(_) => failed("an answer", "a panic".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(text: &str) -> Report {
        let mut report = Report::default();
        run_text("f.json", text, &mut report);
        report
    }

    #[test]
    fn a_malformed_file_is_a_failure_and_never_a_panic() {
        let deep = "[".repeat(100_000);
        let wrong = [
            "",
            "{",
            "[]",
            "null",
            "{\"format\":7}",
            "{\"format\":\"vectors-v1\"}",
            "{\"format\":\"vectors-v1\",\"kind\":\"merkle\"}",
            "{\"format\":\"vectors-v1\",\"kind\":\"merkle\",\"cases\":{}}",
            "{\"format\":\"vectors-v1\",\"kind\":\"merkle\",\"cases\":[],\"count\":1}",
            deep.as_str(),
        ];
        for text in wrong {
            let report = report(text);
            assert_eq!((report.passed, report.failed, report.unsupported), (0, 1, 0), "{report:?}");
        }
    }

    #[test]
    fn a_malformed_case_of_any_kind_fails_by_name() {
        let cases = [
            "7",
            "null",
            "{}",
            "{\"in\":7,\"expect\":\"invalid\"}",
            "{\"in\":{},\"expect\":\"invalid\",\"op\":\"inclusion\"}",
            "{\"in\":{\"op\":\"light_block\"},\"expect\":\"invalid\"}",
        ];
        for (kind, _) in KINDS {
            for case in cases {
                let text = format!(
                    "{{\"format\":\"vectors-v1\",\"kind\":\"{kind}\",\"cases\":[{case}],\"count\":1}}"
                );
                let report = report(&text);
                assert_eq!((report.passed, report.failed + report.unsupported), (0, 1), "{kind} {case}");
            }
        }
    }

    #[test]
    fn a_panic_under_test_is_a_failed_case() {
        let outcome = run_case("k", Some(|_| panic!("on purpose")), &serde_json::json!({}));
        assert_eq!(outcome, Outcome::Failed { expected: "an answer".into(), got: "a panic".into() });
    }

    #[test]
    fn other_formats_and_unknown_kinds_are_unsupported_and_never_passed() {
        assert_eq!(
            report("{\"format\":\"rustsec-compact-v1\"}").summary(),
            "0 passed, 0 failed, 1 unsupported"
        );
        let unknown = "{\"format\":\"vectors-v1\",\"kind\":\"frost\",\"cases\":[{\"id\":\"a\"},{}]}";
        let report = report(unknown);
        assert_eq!(report.summary(), "0 passed, 0 failed, 2 unsupported");
        assert_eq!(report.not_run, ["f.json: a: kind frost", "f.json: #1: kind frost"]);
    }

    #[test]
    fn a_wrong_expectation_is_a_failure_that_names_both_sides() {
        let case = "{\"id\":\"sha3-512-x\",\"in\":{\"msg\":\"\"},\"out\":{\"md\":\"00\"}}";
        let text = format!("{{\"format\":\"vectors-v1\",\"kind\":\"hash\",\"cases\":[{case}]}}");
        let report = report(&text);
        assert_eq!((report.passed, report.failed), (0, 1));
        assert!(report.failures[0].starts_with("f.json: sha3-512-x: expected digest 00, got digest a69f73"));
    }
}
