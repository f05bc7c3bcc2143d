//! What the engine asks the host to do.

use qratum_chain::types::{CommitCertificate, Offence, Round, SignedProposal, SignedVote};

use super::journal::{Entry, Timer};
use crate::{message::RoundReason, quorum::QuorumFault, signer::Refusal};

/// What the engine wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Write this down before anything after it leaves the process.
    Log(Entry),
    /// Send a vote to all.
    Vote(SignedVote),
    /// Send a proposal to all, with its block.
    Proposal(SignedProposal),
    /// Send a polka to all.
    Polka(Vec<SignedVote>),
    /// Send the reason to enter a round to all.
    RoundCertificate(RoundReason, Vec<SignedVote>),
    /// Wind up this clock; its length is the host's matter.
    Start(Timer),
    /// Stop this clock.
    Stop(Timer),
    /// Stop all clocks.
    StopAll,
    /// Build a block: it is our turn in this round.
    Build(Round),
    /// A statement was not signed, so it is not made.
    Withheld(Refusal),
    /// A validator said two things that exclude each other.
    Guilty(Offence),
    /// What came in does not hold.
    Refused(QuorumFault),
    /// This block is final.
    Decided(CommitCertificate),
}
