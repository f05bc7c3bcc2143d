//! Starting to trust at a later block than genesis.

use qratum_chain::types::{Checkpoint, LightBlock, Time};

use crate::{Reject, Rules, SetCache, Trusted, predicates, trusted::Votes};

impl Trusted {
    /// The block that a checkpoint pins, trusted because the user does.
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
        let header = &block.header;
        predicates::is_of_this_chain(header.chain_id, checkpoint.chain_id, rules)?;
        predicates::set_id_matches_height(header, &rules.params)?;
        if checkpoint.not_after <= now {
            return Err(Reject::CheckpointExpired { at: checkpoint.not_after, now });
        }
        let pinned = header.id() == checkpoint.block_id
            && header.height == checkpoint.height
            && header.time == checkpoint.time
            && header.set_id == checkpoint.set_id
            && header.validators_hash == checkpoint.validators_hash
            && header.next_validators_hash == checkpoint.next_validators_hash;
        if !pinned {
            return Err(Reject::WrongCheckpoint);
        }
        let resolved = sets.of(block)?;
        Ok(Self::new(header.clone(), rules.chain_id, resolved, Votes::default()))
    }
}
