//! A small cache of validator sets, so that keys are decoded once for each set and not for each
//! header.

use std::{collections::VecDeque, sync::Arc};

use qratum_chain::{
    Hash,
    types::{LightBlock, Validator, ValidatorSet, validators_hash},
};

use crate::Reject;

/// The sets that a header names, resolved.
pub(crate) struct Sets {
    pub(crate) own: Arc<ValidatorSet>,
    pub(crate) next: Option<Arc<ValidatorSet>>,
}

/// How many sets are kept: the current one, the next one and a few on the way of a sync.
const KEPT: usize = 8;

/// The sets seen last, by root. Only sets whose root was computed here are in it.
#[derive(Debug, Default)]
pub struct SetCache {
    sets: VecDeque<Arc<ValidatorSet>>,
}

impl SetCache {
    /// The sets of a block, each checked against the root in its header.
    pub(crate) fn of(&mut self, block: &LightBlock) -> Result<Sets, Reject> {
        let header = &block.header;
        let own = self.load(&block.validators, header.validators_hash)?.ok_or_else(|| {
            Reject::WrongValidators { got: validators_hash(&block.validators), want: header.validators_hash }
        })?;
        if header.next_validators_hash == header.validators_hash && block.next_validators.is_none() {
            return Ok(Sets { next: Some(Arc::clone(&own)), own });
        }
        let Some(next) = &block.next_validators else { return Ok(Sets { own, next: None }) };
        let next = self.load(next, header.next_validators_hash)?.ok_or_else(|| {
            Reject::WrongNextValidators { got: validators_hash(next), want: header.next_validators_hash }
        })?;
        Ok(Sets { own, next: Some(next) })
    }

    /// The set of these members if their root is `want`. A set in the cache is compared member by
    /// member, which is cheaper than its tree.
    fn load(&mut self, members: &[Validator], want: Hash) -> Result<Option<Arc<ValidatorSet>>, Reject> {
        if let Some(known) = self.sets.iter().find(|set| set.hash() == want) {
            return Ok((known.members() == members).then(|| Arc::clone(known)));
        }
        let set = ValidatorSet::under(want, members).map_err(|why| Reject::BadSet { why })?;
        let Some(set) = set.map(Arc::new) else { return Ok(None) };
        if self.sets.len() == KEPT {
            self.sets.pop_front();
        }
        self.sets.push_back(Arc::clone(&set));
        Ok(Some(set))
    }
}
