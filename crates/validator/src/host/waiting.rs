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
            out.push(Output::Tell(Message::Offence(Box::new(offence))));
        }
    }

    /// All that waits for a block.
    pub(super) fn offered(&self) -> Body {
        Body { transactions: self.mempool.waiting().to_vec(), evidence: self.offences.waiting().to_vec() }
    }
}
