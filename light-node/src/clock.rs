//! What time is it? The only place of this crate that reads the system clock.

use std::time::{SystemTime, UNIX_EPOCH};

use qratum_chain::types::Time;

/// The system clock. A clock before 1970 reads as the epoch, and one after the year 500 million as
/// the end of time: the verifier then refuses for time, and blames nobody.
pub(crate) fn now() -> Time {
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    Time(u64::try_from(millis).unwrap_or(u64::MAX))
}
