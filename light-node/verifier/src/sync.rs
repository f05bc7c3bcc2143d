//! Follows the chain without doing any I/O: says which block to ask for next, takes the answer,
//! says what became of it.
//!
//! The newest block is tried first. Where too little trusted power signed it, the ends of sets in
//! between are tried, halving the distance: they are certified by sets that leave, so every peer
//! keeps them. At the latest the next end of a set verifies, since the trusted header names its
//! set.

use std::collections::VecDeque;

use qratum_chain::{
    schedule,
    types::{Height, LightBlock, SetId, Time},
};

use crate::{Reject, Rules, SetCache, Trusted, Verdict, detect::Fork, verify};

/// How many verified blocks are remembered, to judge late and conflicting ones against.
const TRAIL: usize = 16;

/// What to ask a peer for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Its newest certified block.
    Tip,
    /// The block at this height.
    Block(Height),
}

/// What became of an answer.
#[derive(Debug)]
pub struct Progress {
    /// The block that is verified now, and is the new head.
    pub advanced: Option<LightBlock>,
    /// And then.
    pub then: Then,
}

/// How an answer left things.
#[derive(Debug)]
pub enum Then {
    /// All that was offered is verified, or known already.
    Current,
    /// A block waits for one in between: ask on.
    Waiting,
    /// A block was refused.
    Refused(Reject),
    /// A block conflicts with one verified before: acting stops.
    Forked(Box<Fork>),
}

/// The state of following one chain.
#[derive(Debug)]
pub struct Sync {
    rules: Rules,
    sets: SetCache,
    anchor: Trusted,
    /// The newest verified blocks, rising.
    trail: VecDeque<Trusted>,
    /// Heights of blocks that wait for one in between; the nearest last. Each halves the distance
    /// in sets, so there are at most 64. Heights, not blocks: what waits is not verified, and a
    /// peer must not fill memory with it.
    waiting: Vec<Height>,
    /// The nearest of them was judged from this very head, and needs one in between.
    too_far: bool,
}

impl Sync {
    /// Starts at an anchor.
    #[must_use]
    pub fn new(anchor: Trusted, rules: Rules) -> Self {
        let (sets, trail, waiting) = (SetCache::default(), VecDeque::new(), Vec::new());
        Self { rules, sets, anchor, trail, waiting, too_far: false }
    }

    /// The highest verified block.
    #[must_use]
    pub fn head(&self) -> &Trusted {
        self.trail.back().unwrap_or(&self.anchor)
    }

    /// The rules that are followed.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What to ask for next.
    #[must_use]
    pub fn ask(&self) -> Ask {
        match self.waiting.last() {
            None => Ask::Tip,
            Some(target) if self.too_far => Ask::Block(self.pivot(*target)),
            Some(target) => Ask::Block(*target),
        }
    }

    /// Gives up on the blocks in between, as when the peer that offered the tip is gone.
    pub fn restart(&mut self) {
        self.waiting.clear();
    }

    /// Takes an answer. What verifies is true, whoever sent it and whatever was asked.
    pub fn answer(&mut self, block: LightBlock, now: Time) -> Progress {
        let nothing = |then| Progress { advanced: None, then };
        if block.header.height <= height(self.head()) {
            return nothing(self.look_back(&block, now));
        }
        let head = self.trail.back().unwrap_or(&self.anchor);
        match verify(&block, head, &self.rules, &mut self.sets, now) {
            Verdict::Accept(accepted) => {
                self.advance(*accepted);
                let then = if self.waiting.is_empty() { Then::Current } else { Then::Waiting };
                Progress { advanced: Some(block), then }
            }
            Verdict::NotYet(_) => nothing(self.wait(block.header.height)),
            Verdict::Reject(reject) => {
                self.waiting.clear();
                nothing(Then::Refused(reject))
            }
        }
    }

    /// Why `block` would be refused if the local clock read the block's own time: what remains when
    /// the clock is set aside. `None` when only the clock speaks against it.
    pub fn refused_but_for_time(&mut self, block: &LightBlock) -> Option<Reject> {
        let at = block.header.height;
        let below = self.trail.iter().rev().find(|below| height(below) < at).unwrap_or(&self.anchor);
        // One more: a drift of zero allows no header of this very moment.
        let own = block.header.time.plus(1);
        match verify(block, below, &self.rules, &mut self.sets, own) {
            Verdict::Reject(reject) => Some(reject),
            Verdict::Accept(_) | Verdict::NotYet(_) => None,
        }
    }

    fn advance(&mut self, accepted: Trusted) {
        let head = height(&accepted);
        if self.trail.len() == TRAIL {
            self.trail.pop_front();
        }
        self.trail.push_back(accepted);
        self.waiting.retain(|waiting| *waiting > head);
        self.too_far = false;
    }

    /// Judges a block at or below the head: known, older than what is remembered, or a fork.
    fn look_back(&mut self, block: &LightBlock, now: Time) -> Then {
        let at = block.header.height;
        let known = self.trail.iter().find(|known| height(known) == at).cloned();
        let Some(known) = known.filter(|known| known.id() != block.header.id()) else { return Then::Current };
        let below = self.trail.iter().rev().find(|below| height(below) < at).unwrap_or(&self.anchor).clone();
        match verify(block, &below, &self.rules, &mut self.sets, now) {
            Verdict::Accept(other) => {
                Fork::of(&known, &other).map_or(Then::Current, |fork| Then::Forked(Box::new(fork)))
            }
            Verdict::NotYet(tally) => Then::Refused(Reject::PathMissing { tally }),
            Verdict::Reject(reject) => Then::Refused(reject),
        }
    }

    /// Notes that the block at `got` needs one in between. Where one waits already, only that one,
    /// asked for again from a new head, or one at or below the height that is asked for is noted: so
    /// the list stays short whatever a peer sends.
    fn wait(&mut self, got: Height) -> Then {
        if let Some(nearest) = self.waiting.last().copied() {
            let want = self.pivot(nearest);
            if got == nearest && !self.too_far {
                self.waiting.pop();
            } else if got > want {
                return Then::Refused(Reject::NotAsked { got, want });
            }
        }
        self.waiting.push(got);
        self.too_far = true;
        Then::Waiting
    }

    /// The end of the set half way to `target`, starting with the set that the head names.
    fn pivot(&self, target: Height) -> Height {
        let length = self.rules.params.set_length;
        let near = schedule::set_of(height(self.head()).next(), length);
        let far = schedule::set_of(target, length);
        let middle = near.0.saturating_add(far.0.saturating_sub(near.0) / 2);
        schedule::boundary_of(SetId(middle), length)
    }
}

fn height(block: &Trusted) -> Height {
    block.header().get().height
}
