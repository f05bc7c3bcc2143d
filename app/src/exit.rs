//! How did it end? The exit codes of all commands, in one place.

use std::io;

/// Exit codes. `qratum --help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; for `status`, `header`, `verify`, `evidence`: verified.
    Done = 0,
    /// An error of the machine: a file cannot be read or written, a program is missing.
    Error = 1,
    /// Wrong usage or configuration: home, genesis, peers, anchor.
    Usage = 2,
    /// Nothing could be verified: no peer, or not in time.
    Nothing = 3,
    /// It chains to the anchor, but the anchor was too old at that time; or is now.
    Expired = 4,
    /// Judged and refused, or no document at all; the reason is printed. Also: the chain has forked.
    Refused = 5,
}

impl Exit {
    /// The word for it in documents.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Error => "error",
            Self::Usage => "usage",
            Self::Nothing => "nothing",
            Self::Expired => "expired",
            Self::Refused => "refused",
        }
    }
}

/// The list that `--help` ends with.
pub(crate) const CODES: &str = "\
Exit codes:
  0  done; status, header, verify, evidence: verified
  1  error: a file cannot be read or written, a program is missing; doctor: a check failed;
     watch, demo: nobody reads the lines any more
  2  wrong usage or configuration: home, genesis, peers, anchor
  3  nothing verified: no peer, or not in time
  4  it chains to the anchor, but the anchor was expired at that time; status: the chain is expired
  5  refused, malformed too; the reason is printed; status: the chain has forked";

/// A command that did not do what it should.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// What to say on standard error; none where nobody listens any more.
    pub(crate) text: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, text: Some(text.into()) }
    }

    /// An error of the machine, with what was tried.
    pub(crate) fn io(what: &str, error: &io::Error) -> Self {
        Self::new(Exit::Error, format!("{what}: {error}"))
    }
}

impl From<io::Error> for Failure {
    /// An error of writing to standard output. A reader that left, as `head` does, is no mistake.
    fn from(error: io::Error) -> Self {
        let gone = error.kind() == io::ErrorKind::BrokenPipe;
        Self { exit: Exit::Error, text: (!gone).then(|| format!("standard output: {error}")) }
    }
}
