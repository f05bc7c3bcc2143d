//! How does a home come to trust another place? By a plan that is checked in full before anything
//! is changed, and that holds the store meanwhile: nothing else moves.
//!
//! Taking a newer anchor loses nothing: it is not below what was verified, and there is no fork.
//! Leaving a fork, or an anchor that is too old, is told apart and asks for more.

use core::fmt;
use std::path::PathBuf;

use qratum_chain::{
    document::Anchor,
    types::{BlockId, ChainId, Checkpoint, Endorsement, Genesis, Height, Time},
};
use qratum_verifier::{
    anchor::{self, Start},
    detect::Fork,
    endorsement::{self, Count, Operators},
};

use crate::{
    Highest, Mark, Place,
    evidence::{self, Found, KeptFork},
    file::replace,
    store::{OpenError, Replayed, Store, replay},
};

/// What a new anchor is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To start nearer to the head.
    Import,
    /// To leave a fork, or an anchor that is too old.
    Reanchor,
}

/// Who vouches for a new anchor, beside the file that holds it.
#[derive(Clone, Debug)]
pub enum Vouched {
    /// The user, who has its block id from elsewhere.
    Typed(BlockId),
    /// Operators that the profile names, by what these files say that they signed; and the user, where
    /// an id was typed all the same.
    Operators {
        /// Who may, and how many must.
        operators: Operators,
        /// Signatures, each with the checkpoint that its file is over.
        signatures: Vec<(Checkpoint, Endorsement)>,
        /// The block id that the user has from elsewhere.
        typed: Option<BlockId>,
    },
}

impl From<BlockId> for Vouched {
    fn from(typed: BlockId) -> Self {
        Self::Typed(typed)
    }
}

impl Vouched {
    /// Whether anybody who must vouches for `next`; who of the operators does.
    fn check(&self, next: &Anchor) -> Result<Option<Count>, PinError> {
        let (typed, count) = match self {
            Self::Typed(typed) => (Some(*typed), None),
            Self::Operators { operators, signatures, typed } => {
                (*typed, Some(endorsement::count(&next.checkpoint, signatures, operators)))
            }
        };
        let got = next.block.header.id();
        match (typed.filter(|typed| *typed != got), count) {
            (Some(typed), _) => Err(PinError::OtherBlock { typed, got }),
            (None, Some(count)) if !count.is_met() => Err(PinError::NotEndorsed(count)),
            (None, count) => Ok(count),
        }
    }
}

/// Why the anchor of a home stays as it is. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinError {
    /// The file pins another block than the user does.
    OtherBlock {
        /// What the user typed.
        typed: BlockId,
        /// What the file holds.
        got: BlockId,
    },
    /// Too few of the operators that the profile names vouch for it.
    NotEndorsed(Count),
    /// The verifier refuses it.
    Refused(anchor::StartError),
    /// It is below what was verified before, and there is no fork to leave.
    Below {
        /// Its height.
        got: Height,
        /// The highest height that was verified before.
        highest: Height,
    },
    /// Another block was verified at its height.
    Conflict(BlockId),
    /// The chain has forked: that is left by a command of its own.
    Forked,
    /// There is no fork, and the anchor is not too old.
    NothingToLeave,
    /// Another process works with this home.
    InUse,
    /// A file cannot be read or written; the words of the system.
    Failed(String),
}

impl fmt::Display for PinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherBlock { typed, got } => write!(f, "the file holds block {got}, not the block {typed}"),
            Self::NotEndorsed(count) => count.fmt(f),
            Self::Refused(why) => why.fmt(f),
            Self::Below { got, highest } => {
                write!(f, "it is at height {got}, below height {highest}, which was verified before")
            }
            Self::Conflict(known) => write!(f, "at its height block {known} was verified: that is a fork"),
            Self::Forked => f.write_str("the chain has forked: `qratum reanchor` is the way out"),
            Self::NothingToLeave => f.write_str(
                "no fork was seen and the anchor is not too old: `qratum anchor import` takes a newer one",
            ),
            Self::InUse => f.write_str("another qratum works with this home: stop it first"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for PinError {}

/// A change of anchor that may be carried out.
#[derive(Debug)]
pub struct Plan {
    place: Place,
    next: Anchor,
    store: Option<Store>,
    /// Where trust starts now.
    pub from: Start,
    /// Where it will start.
    pub to: Start,
    /// The highest block that was verified before.
    pub highest: Option<Height>,
    /// Where the chain forked, if that was seen.
    pub fork: Option<Height>,
    /// Which operators vouch for the new anchor, where the profile names any.
    pub endorsed: Option<Count>,
}

/// What a change of anchor did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// Where the evidence of the fork is now.
    pub evidence: Vec<PathBuf>,
    /// Kept blocks that chain to the new anchor.
    pub loaded: u32,
    /// Kept blocks that do not, and were removed.
    pub dropped: u32,
}

impl Plan {
    /// Checks a change of anchor, for which somebody must vouch.
    ///
    /// # Errors
    /// [`PinError`].
    pub fn of(
        place: &Place,
        genesis: &Genesis,
        next: Anchor,
        (vouched, way): (impl Into<Vouched>, Way),
        now: Time,
    ) -> Result<Self, PinError> {
        let endorsed = vouched.into().check(&next)?;
        let to = anchor::check(&next, genesis, now).map_err(PinError::Refused)?;
        let pinned = place.pinned().map_err(PinError::Failed)?;
        let from = Start::of(genesis, pinned.as_ref()).map_err(PinError::Refused)?;
        let chain = to.rules.chain_id;
        let mark = Highest::of(place).read(chain).map_err(PinError::Failed)?;
        let store = open(place, chain)?;
        let plan = Self {
            place: place.clone(),
            next,
            store,
            from,
            to,
            highest: mark.map(|it| it.height),
            fork: None,
            endorsed,
        };
        plan.compared(way, now)
    }

    /// Compares with what the store leads to, however old that is.
    fn compared(mut self, way: Way, now: Time) -> Result<Self, PinError> {
        let next = self.to.anchor.header().get().height;
        let mut known = self.from.anchor.clone();
        if let Some(store) = &self.store {
            let mut timeless = self.from.rules.clone();
            timeless.params.trusting_period_ms = u64::MAX;
            let replayed = replay(store, &self.from.anchor, &timeless, now).map_err(PinError::Failed)?;
            self.fork = replayed.fork.as_ref().map(Fork::height);
            known = replayed.sync.head().clone();
        }
        self.fork = self.remembered(now)?.or(self.fork);
        let head = known.header().get().height;
        let highest = self.highest.map_or(head, |highest| highest.max(head));
        self.highest = Some(highest);
        match (way, self.fork) {
            (Way::Import, Some(_)) => return Err(PinError::Forked),
            (Way::Reanchor, Some(_)) => return Ok(self),
            (Way::Reanchor, None) if !self.from.is_expired(now) => return Err(PinError::NothingToLeave),
            _ => {}
        }
        if next < highest {
            return Err(PinError::Below { got: next, highest });
        }
        if head == next && known.id() != self.to.anchor.id() {
            return Err(PinError::Conflict(known.id()));
        }
        Ok(self)
    }

    /// Where the evidence of the home says that the chain forked. Evidence that does not verify from
    /// this anchor, or not any more, or is damaged, is not passed over: it is moved beside with the rest.
    fn remembered(&self, now: Time) -> Result<Option<Height>, PinError> {
        let trust = (&self.from.anchor, &self.from.rules);
        let mut kept = KeptFork::all(&self.place, trust, now).map_err(PinError::Failed)?;
        // Those that verify first.
        kept.sort_by_key(|fork| (!matches!(fork.found, Found::Verified(_)), fork.height()));
        Ok(kept.first().map(|fork| fork.height().unwrap_or(Height(0))))
    }

    /// Replaces the anchor, durably; then moves the evidence of a fork beside and removes what does
    /// not chain. A crash in between leaves the new anchor: the next start removes the rest, and a
    /// fork whose evidence was not moved yet can be left again.
    ///
    /// # Errors
    /// [`PinError::Failed`]; before the anchor is replaced, nothing has changed.
    pub fn carry_out(self, now: Time) -> Result<Pinned, PinError> {
        let text = self.next.to_json().map_err(|error| PinError::Failed(error.to_string()))?;
        let anchor = self.place.anchor();
        replace(&anchor, text.as_bytes())
            .map_err(|why| PinError::Failed(format!("{}: {why}", anchor.display())))?;
        let evidence = match self.fork {
            Some(_) => evidence::leave(&self.place, self.to.anchor.id()).map_err(PinError::Failed)?,
            None => Vec::new(),
        };
        let header = self.to.anchor.header().get();
        let mark = Mark { chain: header.chain_id, height: header.height, time: header.time };
        Highest::of(&self.place).write(&mark).map_err(PinError::Failed)?;
        let Some(store) = &self.store else { return Ok(Pinned { evidence, loaded: 0, dropped: 0 }) };
        let replayed = replay(store, &self.to.anchor, &self.to.rules, now);
        let Replayed { loaded, dropped, .. } = replayed.map_err(PinError::Failed)?;
        Ok(Pinned { evidence, loaded, dropped })
    }
}

/// The store of a home that has one.
fn open(place: &Place, chain: ChainId) -> Result<Option<Store>, PinError> {
    if !place.store().exists() {
        return Ok(None);
    }
    Store::open(place, chain).map(Some).map_err(|error| match error {
        OpenError::InUse => PinError::InUse,
        OpenError::OtherChain(got) => PinError::Failed(format!("the store is of chain {got}")),
        OpenError::Failed(why) => PinError::Failed(why),
    })
}
