//! What is a value worth? The chain says nothing here by itself: each value of it is proven under a
//! block, or somebody's claim.

use core::fmt;

use qratum_chain::types::Height;
use qratum_themes::Mark;

/// What a value of the chain is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worth {
    /// Proven under the block at this height, which is the network's newest, or as new as it claims.
    Verified(Height),
    /// Proven under the block at this height, the newest that is known here and not the network's.
    Stale(Height),
    /// Somebody says so.
    Unverified,
}

impl Worth {
    /// Its mark.
    pub(crate) const fn mark(self) -> Mark {
        match self {
            Self::Verified(_) => Mark::Verified,
            Self::Stale(_) => Mark::Stale,
            Self::Unverified => Mark::Unverified,
        }
    }

    /// A value that is worth this.
    pub(crate) fn of(self, value: impl fmt::Display) -> Fact {
        Fact { value: value.to_string(), worth: self }
    }
}

/// A value of the chain. There is no way to draw one without its worth: it is drawn with mark and
/// word, unless the heading above it says the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    /// In words or digits; it may come from outside.
    pub(crate) value: String,
    /// What it is worth.
    pub(crate) worth: Worth,
}
