//! What is believed, and why: proof types that only this crate can make.

use std::sync::Arc;

use qratum_chain::types::{
    BlockId, ChainId, ChainParams, Checkpoint, Genesis, GenesisError, Header, LightBlock, Time, ValidatorSet,
};

use crate::{
    Reject,
    quorum::Tally,
    sets::{SetCache, Sets},
};

/// A value that was verified. There is no way to make one outside this crate, and none to read one
/// from bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value.
    pub const fn get(&self) -> &T {
        &self.0
    }
}

/// The chain that is followed and the numbers it lives by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Which chain.
    pub chain_id: ChainId,
    /// Its parameters, as its genesis binds them.
    pub params: ChainParams,
}

/// A header that is believed, with the sets it speaks of and who signed it.
#[derive(Clone, Debug)]
pub struct Trusted {
    header: Verified<Header>,
    id: BlockId,
    chain_id: ChainId,
    validators: Arc<ValidatorSet>,
    next_validators: Option<Arc<ValidatorSet>>,
    signers: Vec<u32>,
}

impl Trusted {
    /// The genesis header, trusted because the user does; and the rules of its chain.
    ///
    /// # Errors
    /// [`GenesisError`], when the genesis breaks a rule.
    pub fn genesis(genesis: &Genesis) -> Result<(Self, Rules), GenesisError> {
        let set = Arc::new(genesis.validator_set()?);
        let header = genesis.header()?;
        let chain_id = ChainId(header.id().0);
        let sets = Sets { own: Arc::clone(&set), next: Some(set) };
        let rules = Rules { chain_id, params: genesis.params.clone() };
        Ok((Self::new(header, chain_id, sets, Vec::new()), rules))
    }

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
        if checkpoint.chain_id != rules.chain_id {
            return Err(Reject::WrongChain { got: checkpoint.chain_id, want: rules.chain_id });
        }
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
        Ok(Self::new(header.clone(), rules.chain_id, resolved, Vec::new()))
    }

    pub(crate) fn new(header: Header, chain_id: ChainId, sets: Sets, signers: Vec<u32>) -> Self {
        Self {
            id: header.id(),
            header: Verified::new(header),
            chain_id,
            validators: sets.own,
            next_validators: sets.next,
            signers,
        }
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Verified<Header> {
        &self.header
    }

    /// Its block id.
    #[must_use]
    pub const fn id(&self) -> BlockId {
        self.id
    }

    /// The chain it belongs to.
    #[must_use]
    pub const fn chain_id(&self) -> ChainId {
        self.chain_id
    }

    /// The set that certified it.
    #[must_use]
    pub const fn validators(&self) -> &Arc<ValidatorSet> {
        &self.validators
    }

    /// The set that certifies the next height, where it is known.
    #[must_use]
    pub const fn next_validators(&self) -> Option<&Arc<ValidatorSet>> {
        self.next_validators.as_ref()
    }

    /// Indexes of the members whose signatures were verified; empty for an anchor.
    #[must_use]
    pub fn signers(&self) -> &[u32] {
        &self.signers
    }

    /// The power of the signers.
    #[must_use]
    pub fn tally(&self) -> Tally {
        Tally::of(&self.validators, self.signers.iter().copied())
    }
}
