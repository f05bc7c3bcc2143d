//! What the host says of a proposed block.

use qratum_chain::types::{Round, SignedProposal};

use super::{Host, Moment, Output};
use crate::{block::Block, engine::Judgement, ledger::Standing};

/// How many rounds ahead a proposal is looked at; as in the engine.
const MAX_ROUNDS_AHEAD: u32 = 10;

impl Host {
    /// Checks a proposed block in full, whatever the engine will make of it. `None` for what is not
    /// even a proposal of this round.
    pub(super) fn judge(
        &mut self,
        signed: &SignedProposal,
        block: Block,
        now: Moment,
        out: &mut Vec<Output>,
    ) -> Option<Judgement> {
        let proposal = &signed.proposal;
        let round = self.engine.round()?;
        let far = proposal.round.0 > round.0.saturating_add(MAX_ROUNDS_AHEAD);
        if far || block.id() != proposal.block_id || !self.engine.is_proposers(signed) {
            return None;
        }
        if !self.proposals.admit(proposal.round, proposal.block_id) {
            return None;
        }
        let standing = match u32::try_from(proposal.pol_round) {
            Ok(locked) => Standing::Locked(Round(locked)),
            Err(_) => Standing::Fresh { round: proposal.round, now: now.wall },
        };
        let verdict = self.ledger.check(&block, standing);
        if let Err(why) = &verdict {
            let place = (proposal.height, proposal.round, signed.signer);
            out.push(Output::Note(format!("proposal {}/{} of {}: {why}", place.0, place.1, place.2)));
        }
        self.keep_block(block, out);
        Some(Judgement {
            height: proposal.height,
            round: proposal.round,
            proposer: signed.signer,
            block_id: proposal.block_id,
            valid: verdict.is_ok(),
        })
    }
}
