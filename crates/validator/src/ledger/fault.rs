//! Why a block, or a genesis, is not taken.

use core::fmt;

use qratum_chain::{
    ledger::{registry::Refusal, slashing::EvidenceRefusal},
    state::StateError,
    types::{GenesisError, Round, Time, Upgrade},
};
use qratum_verifier::Reject;

use crate::quorum::QuorumFault;

/// Why a block cannot be the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Of another chain.
    ChainId,
    /// Not one above the tip.
    Height,
    /// First proposed in another round than this proposal can claim.
    Round,
    /// Its time is not above the parent's, or too far from the own clock.
    Time {
        /// The least time that is accepted.
        from: Time,
        /// The greatest.
        to: Time,
    },
    /// Of another set.
    SetId,
    /// On another parent.
    Parent,
    /// `last_certificate` is not the hash of the certificate in the block.
    LastCertificate,
    /// The certificate in the block does not make the parent final.
    ParentCertificate(QuorumFault),
    /// Another root over the transactions.
    TxRoot,
    /// Another state after the block.
    StateRoot,
    /// Another set.
    ValidatorsHash,
    /// Another next set.
    NextValidatorsHash,
    /// Another root over the evidence.
    EvidenceRoot,
    /// Another history.
    HistoryRoot,
    /// From a proposer whose turn it was not.
    Proposer,
    /// A transaction that cannot be carried out, by its place in the block.
    Transaction(usize, Refusal),
    /// Evidence that proves nothing, by its place in the block.
    Evidence(usize, EvidenceFault),
    /// The chain has decided on a version of its rules that this build does not know: not the block's fault,
    /// and this process cannot go on.
    Outdated(Upgrade),
    /// The state map is damaged: not the block's fault, and this process cannot go on.
    State(StateError),
}

/// Why evidence is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvidenceFault {
    /// It proves nothing.
    Unproven(Reject),
    /// What it proves has no effect.
    Refused(EvidenceRefusal),
}

impl fmt::Display for EvidenceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unproven(why) => why.fmt(f),
            Self::Refused(why) => why.fmt(f),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ChainId => "another chain",
            Self::Height => "not the next height",
            Self::Round => "another round",
            Self::Time { from, to } => return write!(f, "time outside {from} to {to}"),
            Self::SetId => "another set",
            Self::Parent => "another parent",
            Self::LastCertificate => "last_certificate is not the hash of the certificate it carries",
            Self::ParentCertificate(why) => return write!(f, "the parent's certificate: {why}"),
            Self::TxRoot => "another transaction root",
            Self::StateRoot => "another state root",
            Self::ValidatorsHash => "another validators hash",
            Self::NextValidatorsHash => "another next validators hash",
            Self::EvidenceRoot => "another evidence root",
            Self::HistoryRoot => "another history root",
            Self::Proposer => "another proposer",
            Self::Transaction(index, why) => return write!(f, "transaction {index}: {why}"),
            Self::Evidence(index, why) => return write!(f, "evidence {index}: {why}"),
            Self::Outdated(Upgrade { version, set, .. }) => {
                return write!(
                    f,
                    "from set {set} on the chain goes by version {version} of its rules, which this build \
                     does not know: install one that does and start it again; nothing was signed"
                );
            }
            Self::State(why) => return why.fmt(f),
        })
    }
}

/// With which claim a block stands before the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Proposed for the first time, in this round: its time must fit the own clock.
    Fresh {
        /// Round of the proposal.
        round: Round,
        /// The own clock.
        now: Time,
    },
    /// Proposed again with a proof-of-lock from this round. Its time was judged back then.
    Locked(Round),
    /// Said to be final in this round.
    Certified(Round),
}

/// Why a genesis gives no ledger, or a decided block cannot be taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerError {
    /// The genesis breaks a rule.
    Genesis(GenesisError),
    /// The genesis asks for what this validator does not do: then light clients would refuse its
    /// blocks.
    Unsupported(&'static str),
    /// The block cannot be the next one.
    Fault(Fault),
    /// Its certificate does not make it final.
    Certificate(QuorumFault),
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Genesis(why) => why.fmt(f),
            Self::Unsupported(what) => write!(f, "this validator does not do {what} yet"),
            Self::Fault(why) => why.fmt(f),
            Self::Certificate(why) => why.fmt(f),
        }
    }
}
