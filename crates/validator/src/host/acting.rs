//! What the host makes of what the engine wants done.

use std::collections::VecDeque;

use qratum_chain::types::{Certificate, CommitCertificate};

use super::{Host, HostError, Moment, Output, Stage};
use crate::{block::Decided, engine::Event, ledger::LedgerError, message::Message, signer::Refusal};

impl Host {
    pub(super) fn carry_out(
        &mut self,
        events: Vec<Event>,
        now: Moment,
        out: &mut Vec<Output>,
    ) -> Result<(), HostError> {
        let mut queue = VecDeque::from(events);
        while let Some(event) = queue.pop_front() {
            match event {
                Event::Log(entry) if self.stage == Stage::Voting => self.log(entry, out),
                Event::Vote(vote) => {
                    self.heed(None, out);
                    out.push(Output::Tell(Message::Vote(vote)));
                }
                Event::Withheld(refusal) => self.heed(Some(refusal), out),
                Event::Polka(votes) => out.push(Output::Tell(Message::Polka(votes))),
                Event::RoundCertificate(reason, votes) => {
                    out.push(Output::Tell(Message::RoundCertificate(reason, votes)));
                }
                Event::Proposal(signed) => {
                    if let Some(block) = self.proposals.get(signed.proposal.block_id) {
                        out.push(Output::Tell(Message::Proposal(Box::new((signed, block.clone())))));
                    }
                }
                Event::Start(timer) if self.stage == Stage::Voting => {
                    self.clocks.start(timer, now.uptime_ms);
                }
                Event::Stop(timer) => {
                    self.clocks.stop(timer);
                }
                Event::StopAll => self.clocks.stop_all(),
                Event::Build(round) => {
                    let block = self.ledger.build(round, now.wall, &self.offered());
                    let block = block.map_err(|why| HostError::Ledger(LedgerError::Fault(why)))?;
                    let id = block.id();
                    self.keep_block(block, out);
                    queue.extend(self.engine.propose(round, id).map_err(HostError::Engine)?);
                }
                Event::Guilty(offence) => self.accuse(offence, out),
                Event::Decided(commit) => self.decide(commit, now, out)?,
                // Behind a decision: the height is over. And what nobody sent just now has nobody to blame.
                Event::Log(_) | Event::Start(_) | Event::Refused(_) => {}
            }
        }
        Ok(())
    }

    /// Says when the signer begins to refuse, and when it signs again.
    pub(super) fn heed(&mut self, refusal: Option<Refusal>, out: &mut Vec<Output>) {
        if self.silence != refusal {
            out.push(Output::Warn(match &refusal {
                Some(why) => format!("the signer refuses, so this validator does not vote: {why}"),
                None => "the signer signs again".to_owned(),
            }));
            self.silence = refusal;
        }
    }

    fn decide(
        &mut self,
        commit: CommitCertificate,
        now: Moment,
        out: &mut Vec<Output>,
    ) -> Result<(), HostError> {
        let block = self.proposals.take(commit.block_id).ok_or(HostError::UnknownBlock(commit.block_id))?;
        let decided = Decided { block, certificate: Certificate::Commit(commit) };
        self.ledger.accept(decided.clone()).map_err(HostError::Ledger)?;
        self.keep(decided, out);
        self.leave_height();
        self.wait(now);
        self.gather(now, out);
        Ok(())
    }
}
