//! What time is it? The only place of this crate that reads the system clock.

use std::time::{SystemTime, UNIX_EPOCH};

use qratum_chain::types::Time;

/// The clock that a node goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    offset_ms: i64,
}

impl Clock {
    /// The system clock.
    pub const SYSTEM: Self = Self { offset_ms: 0 };

    /// The system clock with this much added, to rehearse what a wrong one does. Never of use in
    /// service: a clock that is off is to be set right.
    #[must_use]
    pub const fn off_by(offset_ms: i64) -> Self {
        Self { offset_ms }
    }

    /// A system clock before 1970 reads as the epoch, and one after the year 500 million as the end
    /// of time: the verifier then refuses for time, and blames nobody.
    pub(crate) fn now(self) -> Time {
        let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        Time(u64::try_from(millis).unwrap_or(u64::MAX).saturating_add_signed(self.offset_ms))
    }
}
