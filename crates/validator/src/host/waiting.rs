//! How the host takes in what is to come into a block: transactions and offences.

use qratum_chain::{
    Hash,
    ledger::{Body, registry::Refusal},
    types::{Offence, Txo},
};
use qratum_light_node::wire::Submission;

use super::{Host, Output};
use crate::message::Message;

impl Host {
    /// Someone asks for a transaction, given as its canonical bytes, to be put into a block. What
    /// comes of it, and what has to be done.
    pub fn submit(&mut self, txo: &[u8]) -> (Submission, Vec<Output>) {
        let mut out = Vec::new();
        let submission = match Txo::from_bytes(txo) {
            Ok(txo) => self.admit(txo, &mut out),
            Err(_) => Submission::Refused(Refusal::Malformed),
        };
        (submission, out)
    }

    /// Whether the transaction of this id waits for a block.
    #[must_use]
    pub fn waits(&self, id: &Hash) -> bool {
        self.mempool.contains(id)
    }

    /// Whoever hears of a transaction first tells all others.
    pub(super) fn admit(&mut self, txo: Txo, out: &mut Vec<Output>) -> Submission {
        let id = txo.body.id();
        if self.ledger.find(&id).is_some() || self.mempool.contains(&id) {
            return Submission::Accepted;
        }
        let submission = self.mempool.admit(txo.clone(), &self.ledger);
        if submission == Submission::Accepted {
            out.push(Output::Tell(Message::Txo(Box::new(txo))));
        }
        submission
    }

    /// Whoever learns of an offence first tells all others.
    pub(super) fn accuse(&mut self, offence: Offence, out: &mut Vec<Output>) {
        if self.offences.admit(&offence, &self.ledger) {
            let about = self.ledger.name_of(offence.set_id(), offence.signer());
            let line = format!("{about} signed {}: the proof waits for a block", contradiction(&offence));
            out.push(Output::Note { about, line });
            out.push(Output::Tell(Message::Offence(Box::new(offence))));
        }
    }

    /// All that waits for a block.
    pub(super) fn offered(&self) -> Body {
        Body { transactions: self.mempool.waiting().to_vec(), evidence: self.offences.waiting().to_vec() }
    }
}

/// What somebody signed twice.
fn contradiction(offence: &Offence) -> String {
    let (what, height, round) = match offence {
        Offence::DoubleVote(votes) => ("votes", votes.first.vote.height, votes.first.vote.round),
        Offence::DoubleProposal(both) => ("proposals", both.first.proposal.height, both.first.proposal.round),
    };
    format!("two {what} at {height}/{round}")
}
