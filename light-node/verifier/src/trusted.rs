//! What is believed, and why: proof types that only this crate can make.

use std::sync::Arc;

use qratum_chain::types::{BlockId, ChainId, ChainParams, Genesis, GenesisError, Header, ValidatorSet};

use crate::{quorum::Tally, sets::Sets};

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
    votes: Votes,
}

/// Whose signatures were verified, and in which round they voted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Votes {
    /// Indexes of the members.
    pub(crate) signers: Vec<u32>,
    /// The round, or HotStuff's view; none for an anchor, for which nobody's vote was checked.
    pub(crate) round: Option<u64>,
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
        Ok((Self::new(header, chain_id, sets, Votes::default()), rules))
    }

    pub(crate) fn new(header: Header, chain_id: ChainId, sets: Sets, votes: Votes) -> Self {
        Self {
            id: header.id(),
            header: Verified::new(header),
            chain_id,
            validators: sets.own,
            next_validators: sets.next,
            votes,
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
        &self.votes.signers
    }

    /// The round in which they signed, or HotStuff's view; none for an anchor.
    #[must_use]
    pub const fn round(&self) -> Option<u64> {
        self.votes.round
    }

    /// The power of the signers.
    #[must_use]
    pub fn tally(&self) -> Tally {
        Tally::of(&self.validators, self.signers().iter().copied())
    }
}
