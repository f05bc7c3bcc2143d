//! One alarm, and what became of it.

use qratum_chain::types::Time;
use qratum_widgets::SafeText;
use serde::{Deserialize, Serialize};

use super::code::{Code, Level};
use crate::time;

/// Something that is wrong, or was. Times are milliseconds since 1970, by the local clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Alarm {
    /// Its number in this home, rising.
    pub(crate) id: u64,
    pub(crate) code: Code,
    pub(crate) level: Level,
    /// Who or what it is about: the chain, this machine, a validator, a peer, a sink.
    pub(crate) subject: String,
    /// In a sentence without an end: names, numbers.
    pub(crate) text: String,
    /// When it was raised.
    pub(crate) since_ms: u64,
    /// When anything about it changed.
    pub(crate) at_ms: u64,
    /// How often it came, within a minute of its end or before it was acknowledged.
    pub(crate) count: u32,
    /// When it ended; none while it lasts.
    pub(crate) cleared_ms: Option<u64>,
    /// By whom it was taken on; none while nobody has.
    pub(crate) acknowledged: Option<Acknowledgement>,
}

/// Somebody has seen an alarm, and says why that is enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Acknowledgement {
    pub(crate) by: String,
    pub(crate) reason: String,
    pub(crate) at_ms: u64,
}

impl Acknowledgement {
    /// With what was typed made harmless: it goes to screens and logs of others.
    pub(crate) fn new(by: &str, reason: &str, at_ms: u64) -> Self {
        let by = SafeText::new(by, SafeText::NAME).to_string();
        Self { by, reason: SafeText::new(reason, SafeText::SENTENCE).to_string(), at_ms }
    }
}

impl Alarm {
    /// Whether it still asks for attention: what is critical does until somebody has acknowledged it,
    /// also when it has ended.
    pub(crate) const fn is_open(&self) -> bool {
        match self.level {
            Level::Critical => self.cleared_ms.is_none() || self.acknowledged.is_none(),
            Level::Warning | Level::Info => self.cleared_ms.is_none(),
        }
    }

    /// In one line, as it is now.
    pub(crate) fn in_list(&self) -> String {
        let what = if self.cleared_ms.is_some() { "over" } else { "on" };
        format!("{} since {}", self.line(what), time::format(Time(self.since_ms)))
    }

    /// In one line, behind what happened to it.
    fn line(&self, what: &str) -> String {
        self.parts(what).concat()
    }

    /// The same in two parts: what is wrong, and who has taken it on and why.
    fn parts(&self, what: &str) -> [String; 2] {
        let Self { id, code, level, subject, text, count, .. } = self;
        let times = if *count > 1 { format!(" x{count}") } else { String::new() };
        let by = self
            .acknowledged
            .as_ref()
            .map(|Acknowledgement { by, reason, .. }| format!(" (acknowledged by {by}: {reason})"));
        let wrong = format!("alarm {id} {what}: {} {code}{times}: {subject}: {text}", level.word());
        [wrong, by.unwrap_or_default()]
    }
}

/// What happened to an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum What {
    /// It is new.
    Raised,
    /// It is there again: the same one, counted.
    Repeated,
    /// It is over.
    Cleared,
    /// Somebody has taken it on.
    Acknowledged,
}

impl What {
    /// The word that lines and documents use.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Repeated => "repeated",
            Self::Cleared => "cleared",
            Self::Acknowledged => "acknowledged",
        }
    }
}

/// An alarm as it is after something happened to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    pub(crate) what: What,
    pub(crate) alarm: Alarm,
}

impl Change {
    /// A name of this event that no other has in this home, also if its journal is lost: since when,
    /// which alarm, which time, what.
    pub(crate) fn key(&self) -> String {
        let Alarm { id, since_ms, count, .. } = &self.alarm;
        format!("{since_ms}-{id}-{count}-{}", self.what.word())
    }

    /// In one line.
    pub(crate) fn line(&self) -> String {
        self.alarm.line(self.what.word())
    }

    /// The same in two parts: what is wrong, and who has taken it on and why.
    pub(crate) fn parts(&self) -> [String; 2] {
        self.alarm.parts(self.what.word())
    }
}
