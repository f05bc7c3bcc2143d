//! Where did two branches part? Says which peer to ask for what, takes the answers, and ends with
//! the last block of both branches and the first two that conflict.
//!
//! Halves the distance between a block that both branches share and two that conflict: one block
//! of ours and one audit path of theirs for each half, so at most 64 of each, and three blocks at
//! the end. Nothing that comes is believed here: [`crate::detect::fork_proof`] judges what is
//! found, and where a peer lied it does not verify.

use qratum_chain::{
    Hash,
    types::{BlockId, ForkEvidence, Height, LightBlock},
};

use crate::{Reject, Trusted, detect::Fork, proof, sync::Ask};

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A peer on the branch of the fork's first block.
    Ours,
    /// A peer on the branch of its second block.
    Theirs,
}

/// The search for the place where two branches part.
#[derive(Debug)]
pub struct Bisect {
    /// Where trust starts: shared, as far as anybody can know.
    anchor: Height,
    theirs: Trusted,
    /// The highest height known to be shared.
    low: Height,
    /// The lowest height known to conflict.
    high: Height,
    /// Our block half way; whether it is in their history is asked.
    probe: Option<BlockId>,
    common: Option<LightBlock>,
    first: Option<LightBlock>,
    second: Option<LightBlock>,
}

impl Bisect {
    /// Starts between `anchor` and the blocks of `fork`.
    #[must_use]
    pub fn new(anchor: &Trusted, fork: &Fork) -> Self {
        let [_, theirs] = fork.blocks();
        let anchor = anchor.header().get().height;
        Self {
            anchor,
            theirs: theirs.clone(),
            low: anchor,
            high: fork.height(),
            probe: None,
            common: None,
            first: None,
            second: None,
        }
    }

    /// What to ask whom next; none when it is done.
    #[must_use]
    pub fn ask(&self) -> Option<(Side, Ask)> {
        let size = self.theirs.header().get().height;
        if self.high > self.low.next() {
            let height = self.middle();
            return Some(match self.probe {
                None => (Side::Ours, Ask::Block(height)),
                Some(_) => (Side::Theirs, Ask::History { height, size }),
            });
        }
        let moved = self.high < size;
        match (&self.common, &self.first, &self.second) {
            (None, ..) if self.low > self.anchor => Some((Side::Ours, Ask::Block(self.low))),
            (_, None, _) if moved => Some((Side::Ours, Ask::Block(self.high))),
            (_, _, None) if moved => Some((Side::Theirs, Ask::Block(self.high))),
            _ => None,
        }
    }

    /// Takes a block that was asked for.
    ///
    /// # Errors
    /// [`Reject::NotAsked`]: it is another one, and the search is over.
    pub fn block(&mut self, block: LightBlock) -> Result<(), Reject> {
        let got = block.header.height;
        let Some((side, Ask::Block(want))) = self.ask() else {
            return Err(Reject::NotAsked { got, want: got });
        };
        if got != want {
            return Err(Reject::NotAsked { got, want });
        }
        if self.high > self.low.next() {
            self.probe = Some(block.header.id());
        } else if want == self.low {
            self.common = Some(block);
        } else if side == Side::Ours {
            self.first = Some(block);
        } else {
            self.second = Some(block);
        }
        Ok(())
    }

    /// Takes an audit path that was asked for: our block is in their history, or it is not.
    pub fn history(&mut self, audit_path: &[Hash]) {
        let Some(id) = self.probe.take() else { return };
        let middle = self.middle();
        if proof::id_in_history(id, middle, &self.theirs, audit_path).is_ok() {
            self.low = middle;
        } else {
            self.high = middle;
        }
    }

    /// The first blocks that conflict, for those of the fork; and the block below them, unless that
    /// is the anchor. Of use when nothing is asked for any more.
    #[must_use]
    pub fn found(self, blocks: ForkEvidence) -> (Option<LightBlock>, ForkEvidence) {
        match (self.first, self.second) {
            (Some(first), Some(second)) => (self.common, ForkEvidence { first, second }),
            _ => (self.common, blocks),
        }
    }

    const fn middle(&self) -> Height {
        Height(self.low.0.saturating_add(self.high.0.saturating_sub(self.low.0) / 2))
    }
}
