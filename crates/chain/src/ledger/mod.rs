//! What a block does to the state: pure functions that check and apply one thing each.
//!
//! - [`Body`]: the transactions and the evidence of a block, under the two roots of its header.
//! - [`Draft`]: the state while a block is carried out.
//! - [`registry`]: what the operators of validators may order.
//! - [`slashing`]: what a proven offence costs.
//! - [`sets`]: the next validator set, at the end of a set.
//!
//! Whoever carries out a block does so in this order: evidence, transactions, the next set.

mod body;
mod draft;
pub mod registry;
pub mod sets;
pub mod slashing;

pub use body::Body;
pub use draft::Draft;

use crate::{
    schedule::set_of,
    types::{ChainId, ChainParams, Height, SetId, Time},
};

/// State key under which each block writes its height, as 8 little-endian bytes.
pub const HEIGHT_KEY: &[u8] = b"height";

/// Which block is carried out.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    /// The chain.
    pub chain_id: ChainId,
    /// The numbers it lives by.
    pub params: &'a ChainParams,
    /// Height of the block.
    pub height: Height,
    /// Time of its header.
    pub time: Time,
}

impl Place<'_> {
    /// The set the block belongs to.
    #[must_use]
    pub const fn set_id(&self) -> SetId {
        set_of(self.height, self.params.set_length)
    }

    /// The set after it.
    #[must_use]
    pub const fn next_set_id(&self) -> SetId {
        SetId(self.set_id().0.saturating_add(1))
    }
}

#[cfg(test)]
mod tests;
