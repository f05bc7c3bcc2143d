//! Which transactions wait for a block? Those that can be carried out now, in the order in which they
//! came. Bounded: whoever sends more than its share, or when all is full, is told to come back.
//!
//! Not kept on disk: a transaction that is not in a block yet can be lost with the processes that
//! heard of it, and its sender asks until it is in one.

use std::collections::BTreeSet;

use qratum_chain::{
    Hash,
    ledger::{self, Draft},
    types::Txo,
};
use qratum_light_node::wire::Submission;

use crate::ledger::Ledger;

/// The most transactions that wait: as many as a block can have.
const MAX_TXOS: usize = 256;
/// The most bytes that they have together: as many as a block can have.
const MAX_BYTES: usize = 128 << 10;
/// The most transactions of one sender.
const MAX_A_SENDER: usize = 16;

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Mempool {
    waiting: Vec<Txo>,
    ids: BTreeSet<Hash>,
    bytes: usize,
}

impl Mempool {
    /// Takes a transaction in, if it could stand in the next block behind all that wait already.
    pub(super) fn admit(&mut self, txo: Txo, ledger: &Ledger) -> Submission {
        let (id, length) = (txo.body.id(), txo.to_bytes().len());
        if self.ids.contains(&id) {
            return Submission::Accepted;
        }
        let place = ledger.place(ledger.tip().time);
        let mut draft = Draft::new(ledger.state());
        // Cheap to tell, and it stops a stranger before anything else is computed.
        if let Err(why) = ledger::check_sender(&draft, &place, &txo) {
            return Submission::Refused(why);
        }
        let from_sender = self.waiting.iter().filter(|other| other.body.sender == txo.body.sender).count();
        let bytes = self.bytes.saturating_add(length);
        if self.waiting.len() >= MAX_TXOS || bytes > MAX_BYTES || from_sender >= MAX_A_SENDER {
            return Submission::Busy;
        }
        let before = self.waiting.iter().filter(|other| other.body.sender == txo.body.sender);
        for next in before.chain([&txo]) {
            if let Err(why) = ledger::apply(&mut draft, &place, next) {
                return Submission::Refused(why);
            }
        }
        self.ids.insert(id);
        self.bytes = bytes;
        self.waiting.push(txo);
        Submission::Accepted
    }

    /// After a block: what it carried out, or made impossible, waits no more.
    pub(super) fn settle(&mut self, ledger: &Ledger) {
        let place = ledger.place(ledger.tip().time);
        let mut draft = Draft::new(ledger.state());
        self.waiting.retain(|txo| ledger::apply(&mut draft, &place, txo).is_ok());
        self.ids = self.waiting.iter().map(|txo| txo.body.id()).collect();
        self.bytes = self.waiting.iter().map(|txo| txo.to_bytes().len()).sum();
    }

    /// What waits, in the order in which it came.
    pub(super) fn waiting(&self) -> &[Txo] {
        &self.waiting
    }

    pub(super) fn contains(&self, id: &Hash) -> bool {
        self.ids.contains(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ledger, order};
    use qratum_chain::{
        ledger::registry::{Order, Refusal},
        types::Seal,
    };
    use qratum_crypto::sign::ed25519::Signature;

    fn note(chain: &Ledger, operator: u32, nonce: u64, length: usize) -> Txo {
        order(chain, operator, nonce, &Order::Note(vec![7; length]))
    }

    #[test]
    fn a_sender_has_a_share_and_its_transactions_stand_in_a_row() {
        let (chain, mut mempool) = (ledger(2), Mempool::default());
        let refused = Submission::Refused(Refusal::Nonce { want: 0 });
        assert_eq!(mempool.admit(note(&chain, 1, 1, 0), &chain), refused);
        for nonce in 0..MAX_A_SENDER as u64 {
            assert_eq!(mempool.admit(note(&chain, 1, nonce, 0), &chain), Submission::Accepted);
        }
        let next = MAX_A_SENDER as u64;
        assert_eq!(mempool.admit(note(&chain, 1, next, 0), &chain), Submission::Busy);
        assert_eq!(mempool.admit(note(&chain, 1, 3, 0), &chain), Submission::Accepted, "it waits already");
        let other = Submission::Refused(Refusal::Nonce { want: 0 });
        assert_eq!(mempool.admit(note(&chain, 2, 3, 0), &chain), other, "each sender counts for itself");
        assert_eq!(mempool.admit(note(&chain, 2, 0, 0), &chain), Submission::Accepted);
        assert_eq!(mempool.waiting().len(), MAX_A_SENDER + 1);
    }

    #[test]
    fn two_for_one_nonce_do_not_both_wait() {
        let (chain, mut mempool) = (ledger(2), Mempool::default());
        assert_eq!(mempool.admit(note(&chain, 1, 0, 1), &chain), Submission::Accepted);
        let second = mempool.admit(note(&chain, 1, 0, 2), &chain);
        assert_eq!(second, Submission::Refused(Refusal::Nonce { want: 1 }));
    }

    #[test]
    fn strangers_and_forgers_are_refused_when_it_is_full_too() {
        let (chain, mut mempool) = (ledger(2), Mempool::default());
        mempool.bytes = MAX_BYTES;
        assert_eq!(mempool.admit(note(&chain, 1, 0, 0), &chain), Submission::Busy);
        let mut forged = note(&chain, 1, 0, 0);
        forged.seal = Seal::Key(Signature([7; 64]));
        assert_eq!(mempool.admit(forged, &chain), Submission::Refused(Refusal::BadSignature));
        let stranger = mempool.admit(note(&chain, 40, 0, 0), &chain);
        assert_eq!(stranger, Submission::Refused(Refusal::UnknownSender));
    }
}
