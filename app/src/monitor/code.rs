//! What can be wrong? The codes of alarms: words that stay, each with a page of `qratum explain`.

use core::fmt;

use qratum_light_node::State;
use serde::{Deserialize, Serialize};

/// How much an alarm matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// Good to know.
    Info,
    /// Somebody should look today.
    Warning,
    /// Somebody must look now, and say so: it stays until it is acknowledged.
    Critical,
}

impl Level {
    /// The word that lines and screens use.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// What is wrong. Where it is a state of following the chain, it has the state's own word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Code {
    /// Two certified blocks at one height.
    Forked,
    /// The newest verified block is older than the trusting period.
    Expired,
    /// Votes stay at or below two thirds of the power.
    NoQuorum,
    /// No block for long, and no votes that say why.
    Stalled,
    /// This program itself sees nothing: no connection, no answers.
    Blind,
    /// The local clock is wrong.
    Clock,
    /// A validator of ours missed too many of the last heights.
    Missed,
    /// A validator was proven to sign two things for one place.
    Accused,
    /// The store came back lower than what was verified before.
    StoreRolledBack,
    /// The sources of randomness give too little for a seed.
    EntropyLow,
    /// Every way to tell somebody fails.
    SinksFailed,
    /// No pinned peer is connected.
    Disconnected,
    /// Nobody confirms the blocks of the peer that hands them over.
    WitnessesLost,
    /// Less than a fifth of the trusting period is left.
    TrustLow,
    /// A validator casts no votes.
    Silent,
    /// A peer was proven to lie, and is asked nothing for a time.
    PeerLied,
    /// Blocks are not kept: the store cannot be used.
    StoreFailed,
    /// A source of randomness that was there gives nothing that may be used.
    EntropySource,
    /// Memory for secrets may reach a disk.
    MemoryUnlocked,
    /// One way to tell somebody fails.
    SinkFailed,
    /// Alarms are not kept: their journal is damaged or cannot be written.
    JournalFailed,
    /// More happened than was told one by one.
    Suppressed,
    /// The validators are others than before, or have other power.
    SetChanged,
}

/// How long a condition must hold before it is an alarm, and must be gone before that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hold {
    pub(super) raise_ms: u64,
    pub(super) clear_ms: u64,
}

const fn hold(raise_s: u64, clear_s: u64) -> Hold {
    Hold { raise_ms: raise_s * 1000, clear_ms: clear_s * 1000 }
}

impl Code {
    /// All, the worst first.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 23] = [
        Self::Forked,
        Self::Expired,
        Self::NoQuorum,
        Self::Stalled,
        Self::Blind,
        Self::Clock,
        Self::Missed,
        Self::Accused,
        Self::StoreRolledBack,
        Self::EntropyLow,
        Self::SinksFailed,
        Self::Disconnected,
        Self::WitnessesLost,
        Self::TrustLow,
        Self::Silent,
        Self::PeerLied,
        Self::StoreFailed,
        Self::EntropySource,
        Self::MemoryUnlocked,
        Self::SinkFailed,
        Self::JournalFailed,
        Self::Suppressed,
        Self::SetChanged,
    ];

    /// The word that lines and documents use, and that `qratum explain` takes.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Forked => State::Forked.word(),
            Self::Expired => State::Expired.word(),
            Self::NoQuorum => State::NoQuorum.word(),
            Self::Stalled => State::Stalled.word(),
            Self::Blind => "blind",
            Self::Clock => State::Clock.word(),
            Self::Missed => "missed",
            Self::Accused => "accused",
            Self::StoreRolledBack => "store-rolled-back",
            Self::EntropyLow => "entropy-low",
            Self::SinksFailed => "sinks-failed",
            Self::Disconnected => State::Disconnected.word(),
            Self::WitnessesLost => "witnesses-lost",
            Self::TrustLow => "trust-low",
            Self::Silent => "silent",
            Self::PeerLied => "peer-lied",
            Self::StoreFailed => "store-failed",
            Self::EntropySource => "entropy-source",
            Self::MemoryUnlocked => "memory-unlocked",
            Self::SinkFailed => "sink-failed",
            Self::JournalFailed => "journal-failed",
            Self::Suppressed => "suppressed",
            Self::SetChanged => "set-changed",
        }
    }

    /// How much it matters.
    pub(crate) const fn level(self) -> Level {
        match self {
            Self::Forked
            | Self::Expired
            | Self::NoQuorum
            | Self::Stalled
            | Self::Blind
            | Self::Clock
            | Self::Missed
            | Self::Accused
            | Self::StoreRolledBack
            | Self::EntropyLow
            | Self::SinksFailed => Level::Critical,
            Self::Disconnected
            | Self::WitnessesLost
            | Self::TrustLow
            | Self::Silent
            | Self::PeerLied
            | Self::StoreFailed
            | Self::EntropySource
            | Self::MemoryUnlocked
            | Self::SinkFailed
            | Self::JournalFailed => Level::Warning,
            Self::Suppressed | Self::SetChanged => Level::Info,
        }
    }

    /// Whether it is about this program or its machine, and not about what the light node sees.
    pub(super) const fn is_of_this_program(self) -> bool {
        let of_machine = matches!(self, Self::EntropyLow | Self::EntropySource | Self::MemoryUnlocked);
        of_machine
            || matches!(self, Self::SinksFailed | Self::SinkFailed | Self::JournalFailed | Self::Suppressed)
    }

    /// What the light node says only after it has lasted is raised at once; what a reconnection, a
    /// start or one late block can cause must last here. What ends must stay away for longer than it
    /// takes to come back.
    pub(super) const fn hold(self) -> Hold {
        match self {
            Self::Forked | Self::Accused | Self::StoreRolledBack => hold(0, 10),
            Self::Expired | Self::NoQuorum | Self::Stalled => hold(0, 10),
            Self::Blind => hold(60, 5),
            Self::Clock => hold(5, 30),
            Self::Missed => hold(0, 60),
            Self::Disconnected => hold(5, 10),
            Self::WitnessesLost => hold(30, 15),
            Self::TrustLow => hold(60, 60),
            Self::Silent => hold(5, 15),
            Self::PeerLied => hold(0, 30),
            Self::SinksFailed | Self::SinkFailed | Self::StoreFailed | Self::JournalFailed => hold(0, 0),
            // What is reported of them has lasted already.
            Self::EntropyLow | Self::EntropySource | Self::MemoryUnlocked => hold(0, 0),
            Self::Suppressed => hold(0, 30),
            Self::SetChanged => hold(0, 0),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn all_codes_are_listed_once_worst_first_and_read_back() {
        let words: BTreeSet<&str> = Code::ALL.map(Code::word).into();
        assert_eq!(words.len(), Code::ALL.len());
        assert!(Code::ALL.is_sorted(), "as they are declared");
        assert!(Code::ALL.map(Code::level).is_sorted_by(|one, other| one >= other));
        // The last one: a new one behind it would be missing in the list.
        assert_eq!(Code::SetChanged as usize + 1, Code::ALL.len());
        for code in Code::ALL {
            let text = serde_json::to_string(&code).unwrap();
            assert_eq!(text, format!("{:?}", code.word()));
            assert_eq!(serde_json::from_str::<Code>(&text).unwrap(), code);
        }
    }
}
