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
    /// Blocks that are verified now, rising; the last is the new head.
    pub advanced: Vec<LightBlock>,
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
    /// Blocks that wait for one in between; the nearest last. Each halves the distance in sets,
    /// so there are at most 64.
    waiting: Vec<LightBlock>,
}

impl Sync {
    /// Starts at an anchor.
    #[must_use]
    pub fn new(anchor: Trusted, rules: Rules) -> Self {
        Self { rules, sets: SetCache::default(), anchor, trail: VecDeque::new(), waiting: Vec::new() }
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
        self.waiting.last().map_or(Ask::Tip, |target| Ask::Block(self.pivot(target)))
    }

    /// Gives up on the blocks in between, as when the peer that offered the tip is gone.
    pub fn restart(&mut self) {
        self.waiting.clear();
    }

    /// Takes an answer. What verifies is true, whoever sent it and whatever was asked.
    pub fn answer(&mut self, block: LightBlock, now: Time) -> Progress {
        let mut advanced = Vec::new();
        let mut next = Some(block);
        while let Some(block) = next.take() {
            if block.header.height <= height(self.head()) {
                return Progress { advanced, then: self.look_back(&block, now) };
            }
            let head = self.trail.back().unwrap_or(&self.anchor);
            match verify(&block, head, &self.rules, &mut self.sets, now) {
                Verdict::Accept(accepted) => {
                    self.advance(*accepted);
                    advanced.push(block);
                    next = self.waiting.pop();
                }
                Verdict::NotYet(_) => return Progress { advanced, then: self.wait(block) },
                Verdict::Reject(reject) => {
                    self.waiting.clear();
                    return Progress { advanced, then: Then::Refused(reject) };
                }
            }
        }
        Progress { advanced, then: Then::Current }
    }

    fn advance(&mut self, accepted: Trusted) {
        let head = height(&accepted);
        if self.trail.len() == TRAIL {
            self.trail.pop_front();
        }
        self.trail.push_back(accepted);
        self.waiting.retain(|waiting| waiting.header.height > head);
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

    /// Keeps `block` until the head has come near. Where one waits already, only a block at or below
    /// the height that is asked for is kept: each halves the distance in sets, so the list stays
    /// short whatever a peer sends.
    fn wait(&mut self, block: LightBlock) -> Then {
        if let Some(want) = self.waiting.last().map(|nearest| self.pivot(nearest)) {
            let got = block.header.height;
            if got > want {
                return Then::Refused(Reject::NotAsked { got, want });
            }
        }
        self.waiting.push(block);
        Then::Waiting
    }

    /// The end of the set half way to `target`, starting with the set that the head names.
    fn pivot(&self, target: &LightBlock) -> Height {
        let length = self.rules.params.set_length;
        let near = schedule::set_of(height(self.head()).next(), length);
        let far = schedule::set_of(target.header.height, length);
        let middle = near.0.saturating_add(far.0.saturating_sub(near.0) / 2);
        schedule::boundary_of(SetId(middle), length)
    }
}

fn height(block: &Trusted) -> Height {
    block.header().get().height
}
