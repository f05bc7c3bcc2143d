//! What a block does to the state: pure functions that check and apply one thing each.
//!
//! - [`Body`]: the transactions and the evidence of a block, under the two roots of its header.
//! - [`Draft`]: the state while a block is carried out.
//! - [`registry`]: what the operators of validators may order.
//! - [`approval`]: what people may do, and what they must do together.
//! - [`governance`]: what the operators of validators decide by vote.
//! - [`open`]: how many requests a person may have open.
//! - [`index`]: which accounts and requests there are.
//! - [`Known`]: a state of which only some entries are proven, to try on it what a block would do.
//! - [`slashing`]: what a proven offence costs.
//! - [`sets`]: the next validator set, at the end of a set.
//!
//! Whoever carries out a block does so in this order: evidence, transactions, [`finish`], the next set.

mod act;
mod action;
pub mod approval;
mod authorized;
mod body;
mod denial;
mod draft;
pub mod governance;
mod identity;
pub mod index;
mod known;
pub mod open;
pub mod recent;
pub mod registry;
mod request;
pub mod sets;
pub mod slashing;

pub use act::{Act, Answer, Proposal, Step};
pub use action::Action;
pub use authorized::Authorized;
pub use body::Body;
pub use denial::Denial;
pub use draft::{Draft, Effect};
pub use identity::{Identity, NewAccount};
pub use known::{Known, Missed};
pub use request::{Outcome, Request, Voice};

use self::{recent::Ancestor, registry::Refusal};
use crate::{
    schedule::set_of,
    types::{ChainId, ChainParams, Height, SetId, Time, Txo, TxoClass, ValidatorSet},
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
    /// The block below it.
    pub parent: Ancestor,
    /// The set it belongs to.
    pub set: &'a ValidatorSet,
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

/// Checks who sent a transaction, without a look at its nonce and at what it asks for.
///
/// # Errors
/// [`Refusal`].
pub fn check_sender(draft: &Draft<'_>, place: &Place<'_>, txo: &Txo) -> Result<(), Refusal> {
    match txo.body.class {
        TxoClass::Admin => approval::sender(draft, place, txo).map(drop),
        _ => registry::sender(draft, place.chain_id, txo).map(drop),
    }
}

/// Checks a transaction in full and carries it out.
///
/// # Errors
/// [`Refusal`]; the draft is unchanged then.
pub fn apply(draft: &mut Draft<'_>, place: &Place<'_>, txo: &Txo) -> Result<(), Refusal> {
    match txo.body.class {
        TxoClass::Admin => approval::apply(draft, place, txo),
        _ => registry::apply(draft, place, txo),
    }
}

/// What each block writes after its transactions: its height, and its parent among the recent blocks.
pub fn finish(draft: &mut Draft<'_>, place: &Place<'_>) {
    recent::remember(draft, place);
    draft.put(HEIGHT_KEY.to_vec(), place.height.0.to_le_bytes().to_vec());
}

#[cfg(test)]
mod tests;
