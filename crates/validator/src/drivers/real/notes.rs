//! May this line be written? What another validator causes is told to the operator, but a liar must
//! not fill the disk with it, nor keep others from being told of.

use core::fmt;
use std::collections::BTreeMap;

/// Lines about one validator in a minute.
const A_MINUTE: u32 = 30;
const MINUTE_MS: u64 = 60_000;

/// The lines of late, by the validator that they are about. As many as there are validators at most.
#[derive(Debug, Default)]
pub(super) struct Notes(BTreeMap<String, Minute>);

/// The minute that is under way.
#[derive(Debug, Default)]
struct Minute {
    since_ms: u64,
    said: u32,
    left_out: u64,
}

/// A line that may be written, behind how many that were left out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said<'a> {
    about: &'a str,
    left_out: u64,
}

impl Notes {
    /// Whether one more line about this validator may be written at this uptime.
    pub(super) fn admit<'a>(&mut self, about: &'a str, uptime_ms: u64) -> Option<Said<'a>> {
        let minute = self.0.entry(about.to_owned()).or_default();
        if uptime_ms.saturating_sub(minute.since_ms) >= MINUTE_MS {
            (minute.since_ms, minute.said) = (uptime_ms, 0);
        }
        if minute.said >= A_MINUTE {
            minute.left_out = minute.left_out.saturating_add(1);
            return None;
        }
        minute.said = minute.said.saturating_add(1);
        Some(Said { about, left_out: core::mem::take(&mut minute.left_out) })
    }
}

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { about, left_out } = self;
        if *left_out > 0 { writeln!(f, "{left_out} notes about {about} were left out") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_so_many_notes_and_the_next_says_how_many_were_left_out() {
        let mut notes = Notes::default();
        let said = (0..100).filter_map(|ms| notes.admit("east", ms)).count();
        assert_eq!(said, 30);
        let next = notes.admit("east", MINUTE_MS).unwrap();
        assert_eq!(next.to_string(), "70 notes about east were left out\n");
        assert_eq!(notes.admit("east", MINUTE_MS).unwrap().to_string(), "");
    }

    #[test]
    fn a_loud_one_keeps_nobody_else_from_being_told_of() {
        let mut notes = Notes::default();
        assert_eq!((0..1_000).filter_map(|ms| notes.admit("east", ms)).count(), 30);
        assert_eq!(notes.admit("west", 1_000).unwrap().to_string(), "");
    }
}
