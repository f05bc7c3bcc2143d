//! How much is told one by one? A flood of small things must not bury a great one.

use qratum_chain::types::Time;

use super::code::Level;
use crate::time;

/// So many at once.
const BURST: u32 = 20;
/// And one more after each of these.
const EACH_MS: u64 = 500;

/// What may still be told.
#[derive(Debug)]
pub(super) struct Limit {
    left: u32,
    /// Since when what was told comes back.
    since: Time,
    /// What was not told since the flood began.
    untold: u32,
}

impl Limit {
    pub(super) const fn new() -> Self {
        Self { left: BURST, since: Time(0), untold: 0 }
    }

    /// Whether something of this level is told. What is critical always is.
    pub(super) fn lets(&mut self, level: Level, now: Time) -> bool {
        self.refill(now);
        if level == Level::Critical {
            return true;
        }
        if self.left == 0 {
            self.untold = self.untold.saturating_add(1);
            return false;
        }
        self.left = self.left.saturating_sub(1);
        true
    }

    /// How much was not told in a flood that is on; none when it is over.
    pub(super) fn untold(&mut self, now: Time) -> Option<u32> {
        self.refill(now);
        if self.left == BURST {
            self.untold = 0;
        }
        (self.untold > 0).then_some(self.untold)
    }

    fn refill(&mut self, now: Time) {
        if now < self.since {
            self.since = now;
        }
        let more = time::since(self.since, now) / EACH_MS;
        self.left = self.left.saturating_add(u32::try_from(more).unwrap_or(BURST)).min(BURST);
        self.since = self.since.plus(more.saturating_mul(EACH_MS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_what_is_critical_passes() {
        let mut limit = Limit::new();
        let at = Time(1_000_000);
        let told = (0..50).filter(|_| limit.lets(Level::Warning, at)).count();
        assert_eq!((told, limit.untold(at)), (20, Some(30)));
        assert!(limit.lets(Level::Critical, at));
        assert!(limit.lets(Level::Info, at.plus(500)) && !limit.lets(Level::Info, at.plus(999)));
        assert_eq!(limit.untold(at.plus(9_000)), Some(31));
        assert_eq!(limit.untold(at.plus(11_000)), None, "the flood is over");
        assert!(limit.lets(Level::Info, Time(5)), "a clock that was set back");
    }
}
