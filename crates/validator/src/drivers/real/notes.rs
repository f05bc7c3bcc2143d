//! May this line be written? What others cause is told to the operator, but a liar must not fill the
//! disk with it.

use core::fmt;

/// Lines of notes in a minute.
const A_MINUTE: u32 = 30;
const MINUTE_MS: u64 = 60_000;

/// The lines of the minute that is under way.
#[derive(Debug, Default)]
pub(super) struct Notes {
    since_ms: u64,
    said: u32,
    left_out: u64,
}

/// A line that may be written, behind how many that were left out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    left_out: u64,
}

impl Notes {
    /// Whether one more line may be written at this uptime.
    pub(super) fn admit(&mut self, uptime_ms: u64) -> Option<Said> {
        if uptime_ms.saturating_sub(self.since_ms) >= MINUTE_MS {
            (self.since_ms, self.said) = (uptime_ms, 0);
        }
        if self.said >= A_MINUTE {
            self.left_out = self.left_out.saturating_add(1);
            return None;
        }
        self.said = self.said.saturating_add(1);
        Some(Said { left_out: core::mem::take(&mut self.left_out) })
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.left_out > 0 { writeln!(f, "{} notes were left out", self.left_out) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_so_many_notes_and_the_next_says_how_many_were_left_out() {
        let mut notes = Notes::default();
        let said = (0..100).filter_map(|ms| notes.admit(ms)).count();
        assert_eq!(said, 30);
        let next = notes.admit(MINUTE_MS).unwrap();
        assert_eq!(next.to_string(), "70 notes were left out\n");
        assert_eq!(notes.admit(MINUTE_MS).unwrap().to_string(), "");
    }
}
