//! How the host takes in what others say of the height that is being voted on, and what it says of
//! those whose word does not hold, or who say nothing where it is their turn.

use core::fmt;

use qratum_chain::types::{Height, Round};

use super::{Host, HostError, Moment, Output, Peer};
use crate::{
    engine::{Event, Timer, TimerKind},
    message::Message,
    quorum::QuorumFault,
};

impl Host {
    /// A message for the height that is being voted on.
    pub(super) fn take(
        &mut self,
        peer: Peer,
        message: Message,
        now: Moment,
        out: &mut Vec<Output>,
    ) -> Result<(), HostError> {
        let said = described(&message);
        let events = match message {
            Message::Txo(_) | Message::Offence(_) | Message::Handover(_) => return Ok(()),
            Message::Vote(vote) => self.engine.vote(&vote),
            Message::Polka(votes) => self.engine.polka(&votes),
            Message::RoundCertificate(reason, votes) => self.engine.round_certificate(reason, &votes),
            Message::Proposal(proposal) => {
                let (proposal, block) = *proposal;
                match self.admits(&proposal, &block) {
                    Ok(true) => {}
                    Ok(false) => return Ok(()),
                    Err(why) => {
                        out.push(self.note_of(peer, format_args!("{said}: {why}")));
                        return Ok(());
                    }
                }
                let judgement = self.judge(&proposal, &block, now, out);
                self.keep_block(block, out);
                if judgement.is_none() {
                    self.await_proof(&proposal);
                }
                self.engine.proposal(&proposal, judgement.as_ref())
            }
        };
        match events {
            Ok(mut events) => {
                for event in events.extract_if(.., |event| matches!(event, Event::Refused(_))) {
                    if let Event::Refused(why) = event {
                        out.push(self.note_of(peer, format_args!("{said}: {}", self.in_words(why))));
                    }
                }
                self.carry_out(events, now, out)?;
            }
            // No peer's message may end this process.
            Err(why) => out.push(self.note_of(peer, format_args!("{said}: {why}"))),
        }
        self.judge_proven(now, out)
    }

    /// A note about a peer.
    pub(super) fn note_of(&self, peer: Peer, line: fmt::Arguments<'_>) -> Output {
        let about = self.called(peer);
        Output::Note { line: format!("{about}: {line}"), about }
    }

    /// What a peer sent could not be read.
    #[must_use]
    pub fn unreadable(&self, peer: Peer, why: &str) -> Output {
        self.note_of(peer, format_args!("a message was refused: {why}"))
    }

    pub(super) fn called(&self, Peer(peer): Peer) -> String {
        let name = usize::try_from(peer).ok().and_then(|peer| self.peers.get(peer));
        name.map_or_else(|| format!("peer {peer}"), Clone::clone)
    }

    /// The name of a member of the set that votes.
    pub(super) fn member(&self, index: u32) -> String {
        let next = self.next_height();
        self.ledger.name_of(self.ledger.set_id(next), index)
    }

    fn in_words(&self, why: QuorumFault) -> String {
        match why {
            QuorumFault::BadSignature(index) => {
                format!("the signature is not that of {}", self.member(index))
            }
            other => other.to_string(),
        }
    }

    /// A clock of a round ran out: says whose proposal did not come.
    pub(super) fn miss(&self, timer: Timer, out: &mut Vec<Output>) {
        let Timer { kind, round } = timer;
        let proposer = self.engine.proposer(round);
        if kind == TimerKind::Propose && !self.proposals.came(round) && self.engine.index() != Some(proposer)
        {
            let (height, about) = (self.next_height(), self.member(proposer));
            let line = format!("round {round} of height {height} had no proposal from {about}");
            out.push(Output::Note { about, line });
        }
    }

    /// A peer has nothing above our head. Whoever spoke of a height far above it is told on; of the
    /// next one it may have spoken before it had its block.
    pub(super) fn hold_to_its_word(&mut self, peer: Peer, out: &mut Vec<Output>) {
        let next = self.next_height();
        let Some(height) = self.claims.remove(&peer).filter(|height| *height > next.next()) else { return };
        if !self.awaits_page_of(peer) {
            out.push(
                self.note_of(peer, format_args!("it speaks of height {height} and has no block {next}")),
            );
        }
    }
}

/// What it is, for a note.
fn described(message: &Message) -> String {
    let place = |height: Height, round: Round| format!("{height}/{round}");
    match message {
        Message::Vote(signed) => {
            format!("vote {} as member {}", place(signed.vote.height, signed.vote.round), signed.signer)
        }
        Message::Proposal(proposal) => {
            let proposal = &proposal.0.proposal;
            format!("proposal {}", place(proposal.height, proposal.round))
        }
        Message::Polka(votes) | Message::RoundCertificate(_, votes) => {
            let first = votes.first().map(|signed| place(signed.vote.height, signed.vote.round));
            format!("votes {}", first.unwrap_or_default())
        }
        Message::Txo(_) | Message::Offence(_) | Message::Handover(_) => String::new(),
    }
}
