//! Carries out what the state machine asks for, in its order: nothing is told before all that it
//! rests on is on disk.

use core::fmt;
use std::io;

use qratum_chain::types::Height;

use crate::{
    host::{Output, Peer},
    message::Message,
    store::{Medium, Store},
};

/// Everything that leaves by another way than the disk.
pub(super) trait Outlet {
    /// To all peers.
    fn tell(&mut self, message: &Message);
    /// To one peer.
    fn ask(&mut self, peer: Peer, from: Height);
    /// To one peer.
    fn ask_page(&mut self, peer: Peer, height: u64, offset: u32);
    /// To the file of the snapshot, in place of the one before.
    ///
    /// # Errors
    /// From the file system.
    fn found(&mut self, snapshot: &[u8]) -> io::Result<()>;
    /// To the file that says from which height on is signed.
    ///
    /// # Errors
    /// From the file system.
    fn sign_from(&mut self, height: Height) -> io::Result<()>;
    /// To an operator who wants to know each height.
    fn height(&mut self, line: fmt::Arguments<'_>);
    /// To the operator, as far as there are not too many about this validator.
    fn note(&mut self, about: &str, line: &str);
    /// To the operator in any case.
    fn warn(&mut self, line: &str);
}

/// Carries out `outputs`; all are on disk afterwards.
///
/// # Errors
/// From the store. What follows the fault is not carried out.
pub(super) fn carry_out<M: Medium>(
    outputs: Vec<Output>,
    store: &mut Store<M>,
    outlet: &mut impl Outlet,
) -> io::Result<()> {
    for output in outputs {
        match output {
            Output::Log(entry) => store.log(&entry)?,
            Output::Keep(decided) => {
                store.keep(&decided)?;
                let header = &decided.block.header;
                outlet.height(format_args!(
                    "height {} round {} time {} block {}",
                    header.height,
                    header.round,
                    header.time,
                    header.id()
                ));
            }
            Output::Certify(decided) => store.keep(&decided)?,
            Output::Tell(message) => {
                store.flush()?;
                outlet.tell(&message);
            }
            Output::Found(snapshot) => {
                store.flush()?;
                outlet.found(&snapshot)?;
            }
            Output::SignFrom(height) => {
                store.flush()?;
                outlet.sign_from(height)?;
            }
            Output::Ask(peer, from) => outlet.ask(peer, from),
            Output::AskPage { peer, height, offset } => outlet.ask_page(peer, height, offset),
            Output::Note { about, line } => outlet.note(&about, &line),
            Output::Warn(line) => outlet.warn(&line),
        }
    }
    store.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::Entry,
        testing::{Faulty, certificate, key, ledger},
    };
    use qratum_chain::types::{Certificate, Round, SignedVote};

    /// Remembers what was told.
    #[derive(Default)]
    struct Told(Vec<Message>);

    impl Outlet for Told {
        fn ask_page(&mut self, _: Peer, _: u64, _: u32) {}

        fn found(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }

        fn sign_from(&mut self, _: Height) -> io::Result<()> {
            Ok(())
        }

        fn tell(&mut self, message: &Message) {
            self.0.push(message.clone());
        }
        fn ask(&mut self, _: Peer, _: Height) {}
        fn height(&mut self, _: fmt::Arguments<'_>) {}
        fn note(&mut self, _: &str, _: &str) {}
        fn warn(&mut self, _: &str) {}
    }

    fn vote(round: u32) -> SignedVote {
        let mut vote = certificate(ledger(1).tip(), 4, &[]).vote();
        vote.round = Round(round);
        SignedVote { signature: key(0).sign(&vote.sign_bytes()), signer: 0, vote }
    }

    /// Three votes of a height, a block, and one of the next.
    fn outputs() -> Vec<Output> {
        let said = |round| [Output::Log(Entry::Vote(vote(round))), Output::Tell(Message::Vote(vote(round)))];
        let decided = ledger(1).block(Height(1)).cloned().unwrap();
        assert!(matches!(decided.certificate, Certificate::Commit(_)));
        let keep = Output::Keep(Box::new(decided));
        [0, 1, 2].into_iter().flat_map(said).chain([keep]).chain(said(9)).collect()
    }

    /// Whichever write or sync fails, and whether the disk is broken or full: each vote that left is
    /// on disk, or the block of its height is.
    #[test]
    fn no_vote_leaves_before_it_is_on_disk_whatever_fails() {
        let mut failures = 0;
        for kind in [io::ErrorKind::Other, io::ErrorKind::StorageFull] {
            for (which, operations) in (0..2).flat_map(|which| (0..12).map(move |n| (which, n))) {
                let media = [Faulty::default(), Faulty::default()];
                let [chain, log] = media.clone();
                let (mut store, _) = Store::on(chain, log).unwrap();
                media[which].fail_after(operations, kind);
                let mut told = Told::default();
                failures += u32::from(carry_out(outputs(), &mut store, &mut told).is_err());
                drop(store);
                let [chain, log] = media.map(|medium| Faulty::of(&medium.synced()));
                let kept = Store::on(chain, log).unwrap().1;
                for message in told.0 {
                    let Message::Vote(vote) = message else { unreachable!() };
                    let over = !kept.blocks.is_empty() && vote.vote.round.0 < 9;
                    assert!(over || kept.log.contains(&Entry::Vote(vote)), "{which} {operations}");
                }
            }
        }
        assert!(failures > 20, "{failures}");
    }
}
