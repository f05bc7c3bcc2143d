//! When the blocks of the stage are.

use qratum_chain::types::Time;

/// The first head, and the last.
pub(crate) const FIRST: u64 = 90_200;
pub(crate) const LAST: u64 = 90_212;
/// When the chain began.
pub(crate) const START: Time = Time(1_795_306_000_000);

/// Time of the header at a height: the chain began late and makes a block a second.
pub(crate) fn time_of(height: u64) -> Time {
    START.plus((height - FIRST + 1) * 1000)
}
