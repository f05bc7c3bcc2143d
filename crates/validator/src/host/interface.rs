//! What goes into the host and what comes out of it.

use core::fmt;
use std::sync::Arc;

use qratum_chain::types::{BlockId, Height, Time};

use crate::{
    block::Decided,
    engine::{EngineError, Entry},
    ledger::LedgerError,
    message::Message,
    snapshot::SnapshotFault,
};

/// Another validator, by the order of the peer list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Peer(pub u32);

/// A point in time, on two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The clock on the wall: for the time in headers.
    pub wall: Time,
    /// Milliseconds since the process started; never goes back. For waiting.
    pub uptime_ms: u64,
}

/// What a process finds of the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// The log of the height that was under way.
    pub log: Vec<Entry>,
    /// Below this height nothing is signed; none where nothing is known of what was signed.
    pub sign_from: Option<Height>,
}

impl Past {
    /// That this log holds all that was signed above the chain.
    #[must_use]
    pub const fn of(log: Vec<Entry>) -> Self {
        Self { log, sign_from: Some(Height(0)) }
    }
}

/// What has to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Write to the log; must be on disk before any later [`Output::Tell`].
    Log(Entry),
    /// Add to the chain and forget the log: must be on disk before anything later.
    Keep(Box<Decided>),
    /// Keep this block, which is in the chain, with its new certificate.
    Certify(Box<Decided>),
    /// Send to all peers.
    Tell(Message),
    /// Keep this snapshot in place of the one before: must be on disk before anything later. Where it
    /// is above the chain, the chain goes on from it.
    Found(Arc<Vec<u8>>),
    /// Remember that nothing below this height is signed: must be on disk before anything later.
    SignFrom(Height),
    /// Ask this peer for decided blocks from this height on.
    Ask(Peer, Height),
    /// Ask this peer for a page of its snapshot.
    AskPage {
        /// Whom.
        peer: Peer,
        /// Height of its checkpoint.
        height: u64,
        /// Where the page begins.
        offset: u32,
    },
    /// Tell the operator what another validator does, as far as there are not too many of these lines
    /// about the same one.
    Note {
        /// Name of that validator.
        about: String,
        /// The line.
        line: String,
    },
    /// Tell the operator in any case.
    Warn(String),
}

/// Why a validator cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostError {
    /// The engine refused its own log, or came to a state that must not be.
    Engine(EngineError),
    /// The ledger refused a block that was decided here.
    Ledger(LedgerError),
    /// The snapshot on disk is none.
    Snapshot(SnapshotFault),
    /// The engine decided a block that nobody proposed to it.
    UnknownBlock(BlockId),
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(why) => write!(f, "engine: {why}"),
            Self::Ledger(why) => write!(f, "ledger: {why}"),
            Self::Snapshot(why) => write!(f, "snapshot: {why}"),
            Self::UnknownBlock(id) => write!(f, "decided an unknown block: {id}"),
        }
    }
}
