//! What was looked at on this machine, and what it came to.

use serde::Serialize;

use crate::exit::Failure;

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
    pub(crate) fn of_failure(check: &str, failure: Failure) -> Self {
        let text = failure.text.unwrap_or_default();
        let (what, todo) =
            text.split_once('\n').unwrap_or((&text, "Mend the file, or name another home with --home DIR"));
        Self::fail(check, what, todo)
    }
}
