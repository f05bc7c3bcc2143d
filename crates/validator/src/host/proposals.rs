//! Which blocks were proposed at this height? Bounded: whatever a proposer signs, its round brings
//! at most [`MAX_A_ROUND`] of them.

use std::collections::{BTreeMap, BTreeSet};

use qratum_chain::types::{BlockId, Round};

use crate::block::Block;

/// How many blocks a round can bring; one with an honest proposer.
const MAX_A_ROUND: usize = 2;

/// The blocks of one height by id.
#[derive(Debug, Default)]
pub(super) struct Proposals {
    blocks: BTreeMap<BlockId, Block>,
    rounds: BTreeMap<Round, BTreeSet<BlockId>>,
}

impl Proposals {
    /// Whether this round may bring this block: it did already, or has not brought too many.
    pub(super) fn admit(&mut self, round: Round, id: BlockId) -> bool {
        let brought = self.rounds.entry(round).or_default();
        let room = brought.contains(&id) || brought.len() < MAX_A_ROUND;
        if room {
            brought.insert(id);
        }
        room
    }

    /// Whether this round brought any.
    pub(super) fn came(&self, round: Round) -> bool {
        self.rounds.contains_key(&round)
    }

    pub(super) fn insert(&mut self, block: Block) {
        self.blocks.insert(block.id(), block);
    }

    pub(super) fn get(&self, id: BlockId) -> Option<&Block> {
        self.blocks.get(&id)
    }

    pub(super) fn take(&mut self, id: BlockId) -> Option<Block> {
        self.blocks.remove(&id)
    }

    pub(super) fn clear(&mut self) {
        self.blocks.clear();
        self.rounds.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qratum_crypto::hash::Hash;

    #[test]
    fn a_round_brings_two_blocks_and_each_as_often_as_it_likes() {
        let mut proposals = Proposals::default();
        let mut admit = |round, id| proposals.admit(Round(round), BlockId(Hash([id; 32])));
        assert_eq!([admit(0, 1), admit(0, 2), admit(0, 3), admit(0, 1)], [true, true, false, true]);
        assert!(admit(1, 3), "another round, another proposer");
    }
}
