//! Models of what the light node rests on, small enough to be checked to the end: every case
//! within bounds, not a sample of them.
//!
//! - [`quorum`]: two quorums share an honest member, the honest alone reach one.
//! - [`handover`]: no light-client step leads from the honest chain to a block that is none of it.
//!
//! Both drive the arithmetic and the predicates of the verifier itself. Both take the law they
//! check as an argument, so that a test can weaken it and see the model fail.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a model of tests: it stops where a test would"
)]

pub mod handover;
pub mod quorum;
pub mod refinement;

use qratum_verifier::quorum::Tally;

/// The thresholds and rules that are checked, each replaceable by a weaker one.
#[derive(Clone, Copy, Debug)]
pub struct Law {
    /// Enough of a set's power to certify.
    pub quorum: fn(Tally) -> bool,
    /// Enough of the trusted power to skip.
    pub third: fn(Tally) -> bool,
    /// Whether a header must be certified by the set that the trusted header names.
    pub named: bool,
    /// How much of a set's power may be at fault.
    pub faulty: fn(Tally) -> bool,
}

impl Law {
    /// The law of the verifier, against up to exactly a third at fault: more than the chain
    /// promises to bear, which is less than a third. Safety holds even there.
    pub const VERIFIER: Self = Self {
        quorum: Tally::is_quorum,
        third: Tally::is_more_than_a_third,
        named: true,
        faulty: at_most_a_third,
    };
}

fn at_most_a_third(tally: Tally) -> bool {
    3 * tally.signed <= tally.total
}
