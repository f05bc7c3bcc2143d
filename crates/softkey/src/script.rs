//! How the key behaves: when it is touched, how it counts, how it fails. Each is also a word on the
//! command line and in the lines that steer a running key.

use std::{str::FromStr, time::Duration};

/// Who touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// Somebody does, this long after the key begins to blink: `auto` or `auto:MILLISECONDS`.
    Auto(Duration),
    /// The line `touch` does: `manual`.
    Manual,
    /// Nobody does: `never`.
    Never,
}

/// What the counter of an assertion shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// Always zero: `zero`.
    Zero,
    /// Assertions with this credential: `credential`.
    Credential,
    /// Assertions of this key: `global`.
    Global,
    /// One less each time, as no honest key counts: `backwards`.
    Backwards,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: `none`.
    None,
    /// It takes commands and never answers: `silent`.
    Silent,
    /// It says only every five seconds that it waits: `slow`.
    Slow,
    /// It is gone when it should answer the command of this number, counted from one: `unplug:N`.
    Unplug(u32),
    /// Another program has it: `busy`.
    Busy,
    /// Its answers carry the number of another channel: `wrong-channel`.
    WrongChannel,
    /// It sends the first report of an answer and no other: `truncated`.
    Truncated,
    /// It refuses to verify users: `uv-blocked`.
    UvBlocked,
    /// Its answers are not CBOR: `garbled`.
    Garbled,
}

impl FromStr for Touch {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word.split_once(':') {
            Some(("auto", delay)) => number(delay).map(|delay| Self::Auto(Duration::from_millis(delay))),
            None if word == "auto" => Ok(Self::Auto(Duration::ZERO)),
            None if word == "manual" => Ok(Self::Manual),
            None if word == "never" => Ok(Self::Never),
            _ => Err(format!("no kind of touch: {word}")),
        }
    }
}

impl FromStr for Counting {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "zero" => Ok(Self::Zero),
            "credential" => Ok(Self::Credential),
            "global" => Ok(Self::Global),
            "backwards" => Ok(Self::Backwards),
            _ => Err(format!("no way of counting: {word}")),
        }
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match (word, word.split_once(':')) {
            (_, Some(("unplug", step))) => number(step).map(Self::Unplug),
            ("none", _) => Ok(Self::None),
            ("silent", _) => Ok(Self::Silent),
            ("slow", _) => Ok(Self::Slow),
            ("busy", _) => Ok(Self::Busy),
            ("wrong-channel", _) => Ok(Self::WrongChannel),
            ("truncated", _) => Ok(Self::Truncated),
            ("uv-blocked", _) => Ok(Self::UvBlocked),
            ("garbled", _) => Ok(Self::Garbled),
            _ => Err(format!("no fault: {word}")),
        }
    }
}

fn number<N: FromStr>(word: &str) -> Result<N, String> {
    word.parse().map_err(|_| format!("no number: {word}"))
}
