//! Where does trust start? At a genesis, or at a later block that a checkpoint pins.

use core::fmt;

use qratum_chain::{
    document::Anchor,
    types::{Checkpoint, Genesis, GenesisError, LightBlock, Time},
};

use crate::{Reject, Rules, SetCache, Trusted, predicates, trusted::Votes, verifier};

/// What is trusted at first, and until when.
#[derive(Clone, Debug)]
pub struct Start {
    /// The block: trusted because the user does.
    pub anchor: Trusted,
    /// The rules of its chain.
    pub rules: Rules,
    /// From this time on it vouches for nothing: the trusting period is over, or the checkpoint
    /// says so.
    pub not_after: Time,
}

/// Why an anchor is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartError {
    /// The genesis breaks a rule.
    Genesis(GenesisError),
    /// The pinned block does not fit the genesis or its checkpoint.
    Anchor(Reject),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Genesis(why) => write!(f, "genesis: {why}"),
            Self::Anchor(why) => write!(f, "anchor: {why}"),
        }
    }
}

impl Start {
    /// Starts at the genesis, or at the block that `anchor` pins in the chain of that genesis. How
    /// old it is plays no part here: see [`Start::is_expired`].
    ///
    /// # Errors
    /// [`StartError`].
    pub fn of(genesis: &Genesis, anchor: Option<&Anchor>) -> Result<Self, StartError> {
        let (first, rules) = Trusted::genesis(genesis).map_err(StartError::Genesis)?;
        let trusting = |from: &Trusted| from.header().get().time.plus(rules.params.trusting_period_ms);
        let Some(Anchor { checkpoint, block }) = anchor else {
            return Ok(Self { not_after: trusting(&first), anchor: first, rules });
        };
        let sets = &mut SetCache::default();
        let pinned = Trusted::pinned(checkpoint, block, &rules, sets).map_err(StartError::Anchor)?;
        let not_after = trusting(&pinned).min(checkpoint.not_after);
        Ok(Self { not_after, anchor: pinned, rules })
    }

    /// Whether the anchor is too old to vouch for anything at `now`.
    #[must_use]
    pub fn is_expired(&self, now: Time) -> bool {
        self.not_after <= now
    }
}

impl Trusted {
    /// The block that a checkpoint pins, trusted because the user does, while it is fit to start
    /// from.
    ///
    /// # Errors
    /// [`Reject`], when `block` is not that block or the checkpoint is too old.
    pub fn checkpoint(
        checkpoint: &Checkpoint,
        block: &LightBlock,
        rules: &Rules,
        sets: &mut SetCache,
        now: Time,
    ) -> Result<Self, Reject> {
        let trusted = Self::pinned(checkpoint, block, rules, sets)?;
        predicates::checkpoint_is_fit(checkpoint, now)?;
        Ok(trusted)
    }

    /// The same, however old the checkpoint is.
    ///
    /// # Errors
    /// [`Reject`], when `block` is not the block that the checkpoint pins.
    pub fn pinned(
        checkpoint: &Checkpoint,
        block: &LightBlock,
        rules: &Rules,
        sets: &mut SetCache,
    ) -> Result<Self, Reject> {
        let header = &block.header;
        predicates::is_of_this_chain(header.chain_id, checkpoint.chain_id, rules)?;
        predicates::set_id_matches_height(header, &rules.params)?;
        if *checkpoint != Checkpoint::of(header, checkpoint.not_after) {
            return Err(Reject::WrongCheckpoint);
        }
        let resolved = sets.of(block)?;
        Ok(Self::new(header.clone(), rules.chain_id, resolved, Votes::default()))
    }
}

/// Checks an anchor that comes as a file before it is taken: it pins its block, is fit to start
/// from at `now`, within the trusting period, and the block's own set made it final.
///
/// # Errors
/// [`Reject`], or [`StartError::Genesis`].
pub fn check(anchor: &Anchor, genesis: &Genesis, now: Time) -> Result<Start, StartError> {
    let start = Start::of(genesis, Some(anchor))?;
    let (header, params) = (&anchor.block.header, &start.rules.params);
    predicates::checkpoint_is_fit(&anchor.checkpoint, now)
        .and_then(|()| predicates::is_within_trusting_period(header, params, now))
        .and_then(|()| predicates::is_not_from_the_future(header, params, now))
        .and_then(|()| verifier::certified_by_own_set(&anchor.block, &start.rules))
        .map_err(StartError::Anchor)?;
    Ok(start)
}
