//! How are the findings told?

use serde::Serialize;

use crate::exit::{Exit, Failure};

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Word {
    /// As it should be, or of no account here.
    Ok,
    /// It works, and should be better.
    Warn,
    /// It does not work, or is not safe.
    Fail,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    /// What was looked at.
    pub(crate) check: String,
    pub(crate) verdict: Word,
    /// What was found.
    pub(crate) text: String,
    /// What to do; null where that is nothing.
    pub(crate) todo: Option<String>,
}

impl Check {
    /// As it should be.
    pub(crate) fn ok(check: &str, text: impl Into<String>) -> Self {
        Self { check: check.to_owned(), verdict: Word::Ok, text: text.into(), todo: None }
    }

    /// It works, and should be better.
    pub(crate) fn warn(check: &str, text: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { verdict: Word::Warn, todo: Some(todo.into()), ..Self::ok(check, text) }
    }

    /// It does not work, or is not safe.
    pub(crate) fn fail(check: &str, text: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { verdict: Word::Fail, ..Self::warn(check, text, todo) }
    }

    /// A failure of another command: its first line is what happened, the rest what to do.
    pub(super) fn of_failure(check: &str, failure: Failure) -> Self {
        let text = failure.text.unwrap_or_default();
        let (what, todo) =
            text.split_once('\n').unwrap_or((&text, "Mend the file, or name another home with --home DIR"));
        Self::fail(check, what, todo)
    }
}

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
