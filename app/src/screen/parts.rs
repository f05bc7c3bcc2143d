//! Small texts that more than one screen is made of.

use qratum_chain::{PublicKey, types::Time};
use qratum_verifier::quorum::Tally;

use super::page::Cell;
use crate::{
    model::{Who, Worth},
    time,
};

/// A part of some power, in tenths of a percent, rounded down.
pub(crate) fn share(part: u128, whole: u128) -> String {
    let tenths = part.saturating_mul(1000).checked_div(whole).unwrap_or(0);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// The first digits of a key or hash, enough to tell it from others on a screen.
pub(crate) fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}

/// Both ends of a hash, 96 bits of it: enough to compare it with another console's.
pub(crate) fn ends(hash: &str) -> String {
    let last = hash.len().saturating_sub(12);
    format!("{}..{}", short(hash), hash.get(last..).unwrap_or_default())
}

/// Names of validators in a sentence.
pub(crate) fn listed(who: &Who<'_>, keys: &[PublicKey], worth: Worth) -> Cell {
    let named = |(at, key): (usize, &PublicKey)| {
        let comma = (at > 0).then(|| worth.fact(", "));
        comma.into_iter().chain([worth.name(who.validator(key))])
    };
    keys.iter().enumerate().flat_map(named).collect()
}

/// The time of day, UTC.
pub(crate) fn clock(at: Time) -> String {
    time::format(at).get(11..).unwrap_or_default().to_owned()
}

/// Whether this is more than two thirds.
pub(crate) const fn enough(tally: Tally) -> &'static str {
    if tally.is_quorum() { "> 2/3" } else { "not > 2/3" }
}
