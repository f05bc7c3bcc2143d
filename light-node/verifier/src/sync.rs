//! Follows the chain without doing any I/O: says which block to ask for next, takes the answer,
//! says what became of it.
//!
//! The newest block is tried first. Where too little trusted power signed it, the ends of sets in
//! between are tried, halving the distance: they are certified by sets that leave, so every peer
//! keeps them. At the latest the next end of a set verifies, since the trusted header names its
//! set.
//!
//! A verified block that is not directly above the head becomes the head only with the proof that
//! the head is in its history: otherwise a fork would be followed without anyone noticing.

use std::collections::VecDeque;

use qratum_chain::{
    Hash, schedule,
    types::{Height, LightBlock, SetId, Time},
};

use crate::{Reject, Rules, SetCache, Trusted, Verdict, detect::Fork, proof, verify};

/// How many verified blocks are remembered, to judge late and conflicting ones against.
const TRAIL: usize = 16;

/// What to ask a peer for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Its newest certified block.
    Tip,
    /// The block at this height.
    Block(Height),
    /// The audit path of the header at `height` in the history of the first `size` headers.
    History {
        /// Height of the head.
        height: Height,
        /// Height of the verified block that should stand above it.
        size: Height,
    },
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
    branch: Branch,
}

/// What is known of the branch that is being offered.
#[derive(Debug)]
enum Branch {
    /// Nothing speaks against it.
    Ours,
    /// This block is verified; whether the head is in its history is asked.
    Unlinked(Box<(LightBlock, Trusted)>),
    /// It does not lead back to the head, for this reason; its block at the head's height is asked.
    Other(Reject),
}

impl Sync {
    /// Starts at an anchor.
    #[must_use]
    pub fn new(anchor: Trusted, rules: Rules) -> Self {
        let (sets, trail, waiting) = (SetCache::default(), VecDeque::new(), Vec::new());
        Self { rules, sets, anchor, trail, waiting, too_far: false, branch: Branch::Ours }
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
        let head = height(self.head());
        match &self.branch {
            Branch::Unlinked(unlinked) => {
                return Ask::History { height: head, size: unlinked.0.header.height };
            }
            Branch::Other(_) => return Ask::Block(head),
            Branch::Ours => {}
        }
        match self.waiting.last() {
            None => Ask::Tip,
            Some(target) if self.too_far => Ask::Block(self.pivot(*target)),
            Some(target) => Ask::Block(*target),
        }
    }

    /// Gives up on the blocks in between, as when the peer that offered the tip is gone.
    pub fn restart(&mut self) {
        self.waiting.clear();
        self.branch = Branch::Ours;
    }

    /// Takes an answer. What verifies is true, whoever sent it and whatever was asked.
    pub fn answer(&mut self, block: LightBlock, now: Time) -> Progress {
        if block.header.height <= height(self.head()) {
            let then = self.look_back(&block, now);
            return match (core::mem::replace(&mut self.branch, Branch::Ours), then) {
                (Branch::Other(reject), Then::Current) => self.refuse(reject),
                (_, then) => Progress { advanced: None, then },
            };
        }
        match self.judge(&block, now) {
            Verdict::Accept(accepted) if self.is_linked(&accepted) => self.advance(block, *accepted),
            Verdict::Accept(accepted) => {
                self.branch = Branch::Unlinked(Box::new((block, *accepted)));
                Progress { advanced: None, then: Then::Waiting }
            }
            Verdict::NotYet(_) => Progress { advanced: None, then: self.wait(block.header.height) },
            Verdict::Reject(reject @ Reject::WrongParent { .. }) => self.suspect(reject),
            Verdict::Reject(reject) => self.refuse(reject),
        }
    }

    /// Takes an audit path that was asked for.
    pub fn link(&mut self, audit_path: &[Hash]) -> Progress {
        let Branch::Unlinked(unlinked) = core::mem::replace(&mut self.branch, Branch::Ours) else {
            return Progress { advanced: None, then: Then::Current };
        };
        let (block, accepted) = *unlinked;
        let head = self.head();
        match proof::id_in_history(head.id(), height(head), &accepted, audit_path) {
            Ok(_) => self.advance(block, accepted),
            Err(reject) => self.suspect(reject),
        }
    }

    /// Takes a block that was verified before, in rising order, at the start: no head has been
    /// shown yet that it could part from.
    pub fn replay(&mut self, block: LightBlock, now: Time) -> Progress {
        if block.header.height <= height(self.head()) {
            return Progress { advanced: None, then: self.look_back(&block, now) };
        }
        match self.judge(&block, now) {
            Verdict::Accept(accepted) => self.advance(block, *accepted),
            Verdict::NotYet(tally) => self.refuse(Reject::PathMissing { tally }),
            Verdict::Reject(reject) => self.refuse(reject),
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

    fn judge(&mut self, block: &LightBlock, now: Time) -> Verdict {
        let head = self.trail.back().unwrap_or(&self.anchor);
        verify(block, head, &self.rules, &mut self.sets, now)
    }

    /// Directly above the head its parent is the head, as a rule of its own has checked; and above
    /// the anchor no other head has been shown that it could part from.
    fn is_linked(&self, accepted: &Trusted) -> bool {
        self.trail.back().is_none_or(|head| height(accepted) == height(head).next())
    }

    /// The branch that is offered does not lead back to the head. A lie, or a fork: the block of
    /// that branch at the head's height tells.
    fn suspect(&mut self, reject: Reject) -> Progress {
        if self.trail.is_empty() {
            return self.refuse(reject);
        }
        self.waiting.clear();
        self.branch = Branch::Other(reject);
        Progress { advanced: None, then: Then::Waiting }
    }

    fn refuse(&mut self, reject: Reject) -> Progress {
        self.restart();
        Progress { advanced: None, then: Then::Refused(reject) }
    }

    fn advance(&mut self, block: LightBlock, accepted: Trusted) -> Progress {
        let head = height(&accepted);
        if self.trail.len() == TRAIL {
            self.trail.pop_front();
        }
        self.trail.push_back(accepted);
        self.waiting.retain(|waiting| *waiting > head);
        (self.too_far, self.branch) = (false, Branch::Ours);
        let then = if self.waiting.is_empty() { Then::Current } else { Then::Waiting };
        Progress { advanced: Some(block), then }
    }

    /// Judges a block at or below the head: known, older than what is remembered, or a fork. Not
    /// from the block right below: a branch that parted further down names another parent, and is
    /// a fork all the same.
    fn look_back(&mut self, block: &LightBlock, now: Time) -> Then {
        let at = block.header.height;
        let known = self.trail.iter().find(|known| height(known) == at).cloned();
        let Some(known) = known.filter(|known| known.id() != block.header.id()) else { return Then::Current };
        let below = self.trail.iter().rev().find(|below| height(below).next() < at);
        let below = below.unwrap_or(&self.anchor).clone();
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
