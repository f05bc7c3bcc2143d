//! Sees everything that happens and says when a promise is broken.

use core::fmt::{Display, Write};
use std::collections::BTreeMap;

use qratum_chain::types::{BlockId, Height, Phase, Round, SignedVote};

use crate::block::Decided;

/// Signer, height, round and phase: a place for one vote.
type Place = (u32, Height, Round, Phase);

/// The run so far.
#[derive(Debug, Default)]
pub(super) struct Watch {
    votes: BTreeMap<Place, Option<BlockId>>,
    decided: BTreeMap<Height, BlockId>,
    /// The highest head that each node has told of.
    told: BTreeMap<usize, u64>,
    pub(super) broken: Vec<String>,
    pub(super) log: String,
}

impl Watch {
    pub(super) fn event(&mut self, now_ms: u64, node: usize, what: impl Display) {
        // Writing to a string does not fail.
        let _ = writeln!(self.log, "{now_ms} {node} {what}");
    }

    pub(super) fn breaks(&mut self, promise: String) {
        self.broken.push(promise);
    }

    /// Nobody honest votes for two values in one place.
    pub(super) fn vote(&mut self, signed: &SignedVote) {
        let vote = &signed.vote;
        let place = (signed.signer, vote.height, vote.round, vote.phase);
        if *self.votes.entry(place).or_insert(vote.value) != vote.value {
            self.breaks(format!("two votes for {place:?}"));
        }
    }

    /// No two nodes decide differently.
    pub(super) fn block(&mut self, decided: &Decided) {
        let (height, id) = (decided.height(), decided.block.id());
        if *self.decided.entry(height).or_insert(id) != id {
            self.breaks(format!("a fork at height {height}"));
        }
    }

    /// A node can tell of this head from now on.
    pub(super) fn told(&mut self, node: usize, height: u64) {
        let told = self.told.entry(node).or_default();
        *told = height.max(*told);
    }

    /// A node lost its disk: it may start from anywhere.
    pub(super) fn forgets(&mut self, node: usize) {
        self.told.remove(&node);
    }

    /// A node starts with this head.
    pub(super) fn starts(&mut self, node: usize, height: u64) {
        let told = self.told.get(&node).copied().unwrap_or_default();
        if height < told {
            self.breaks(format!("node {node} told of height {told} and starts at {height}"));
        }
    }
}
