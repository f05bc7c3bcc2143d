//! How are the findings told?

use serde::Serialize;

use crate::{
    check::{Check, Word},
    exit::Exit,
};

/// All checks, as `--json` prints them.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    schema: &'static str,
    failed: usize,
    warned: usize,
    checks: Vec<Check>,
}

impl Report {
    pub(super) fn of(checks: Vec<Check>) -> Self {
        let count = |word| checks.iter().filter(|check| check.verdict == word).count();
        Self { schema: "qratum/doctor/v1", failed: count(Word::Fail), warned: count(Word::Warn), checks }
    }

    /// An error, where a check failed.
    pub(super) const fn exit(&self) -> Exit {
        if self.failed == 0 { Exit::Done } else { Exit::Error }
    }

    pub(super) fn page(&self) -> String {
        let mut page = String::new();
        for Check { check, verdict, text, todo } in &self.checks {
            let word = match verdict {
                Word::Ok => "ok  ",
                Word::Warn => "warn",
                Word::Fail => "FAIL",
            };
            page.push_str(&format!("{word}  {check:<14} {text}\n"));
            for line in todo.iter().flat_map(|todo| todo.lines()) {
                page.push_str(&format!("{:21}-> {line}\n", ""));
            }
        }
        page + &format!("{} failed, {} warned, {} checked", self.failed, self.warned, self.checks.len())
    }
}
