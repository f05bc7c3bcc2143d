//! What the host says of a proposed block.

use qratum_chain::types::{Round, SignedProposal};

use super::{Host, HostError, Moment, Output, Stage};
use crate::{block::Block, engine::Judgement, ledger::Standing};

/// How many rounds ahead a proposal is looked at; as in the engine.
const MAX_ROUNDS_AHEAD: u32 = 10;

impl Host {
    /// Whether it is a proposal of this height at all, and its round may still bring it.
    ///
    /// # Errors
    /// Why whoever sent it is to blame.
    pub(super) fn admits(&mut self, signed: &SignedProposal, block: &Block) -> Result<bool, &'static str> {
        let proposal = &signed.proposal;
        let far = |round: Round| proposal.round.0 > round.0.saturating_add(MAX_ROUNDS_AHEAD);
        if self.engine.round().is_none_or(far) {
            return Ok(false);
        }
        if i64::from(proposal.pol_round) >= i64::from(proposal.round.0) {
            return Err("it is locked in a round to come");
        }
        if block.id() != proposal.block_id {
            return Err("it names another block than it brings");
        }
        if !self.engine.is_proposers(signed) {
            return Err("it is not signed by whose turn it is");
        }
        Ok(self.proposals.admit(proposal.round, proposal.block_id))
    }

    /// Checks a proposed block in full, whatever the engine will make of it. `None` while the lock is
    /// not proven that the proposal names: it would exempt the block from the rule of time.
    pub(super) fn judge(
        &self,
        signed: &SignedProposal,
        block: &Block,
        now: Moment,
        out: &mut Vec<Output>,
    ) -> Option<Judgement> {
        let proposal = &signed.proposal;
        let standing = match u32::try_from(proposal.pol_round).map(Round) {
            Ok(locked) if self.engine.has_polka(locked, proposal.block_id) => Standing::Locked(locked),
            Ok(_) => return None,
            Err(_) => Standing::Fresh { round: proposal.round, now: now.wall },
        };
        let verdict = self.ledger.check(block, standing);
        if let Err(why) = &verdict {
            let about = self.member(signed.signer);
            let line = format!("proposal {}/{} of {about}: {why}", proposal.height, proposal.round);
            out.push(Output::Note { about, line });
        }
        Some(Judgement {
            height: proposal.height,
            round: proposal.round,
            proposer: signed.signer,
            block_id: proposal.block_id,
            valid: verdict.is_ok(),
        })
    }

    /// Judges the proposals whose lock is proven meanwhile.
    pub(super) fn judge_proven(&mut self, now: Moment, out: &mut Vec<Output>) -> Result<(), HostError> {
        for (place, signed) in self.unproven.clone() {
            let judgement =
                self.proposals.get(place.1).and_then(|block| self.judge(&signed, block, now, out));
            if let Some(judgement) = judgement.filter(|_| self.stage == Stage::Voting) {
                self.unproven.remove(&place);
                let events = self.engine.judgement(&judgement).map_err(HostError::Engine)?;
                self.carry_out(events, now, out)?;
            }
        }
        Ok(())
    }
}
