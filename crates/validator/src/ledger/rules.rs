//! Is this block the next one? Every rule, the cheap ones first.

use qratum_chain::{
    ledger::Body,
    types::{Certificate, Header, Height, Time},
};

use super::{Fault, Ledger, MAX_AHEAD_MS, MAX_DELAY_MS, Outcome, Standing};
use crate::{block::Block, quorum};

impl Ledger {
    /// Checks every field of `block`, the certificate it carries and all that is in it.
    ///
    /// # Errors
    /// [`Fault`], for the first rule that is broken.
    pub fn check(&self, block: &Block, standing: Standing) -> Result<(), Fault> {
        self.judge(block, standing).map(drop)
    }

    pub(super) fn judge(&self, block: &Block, standing: Standing) -> Result<Outcome, Fault> {
        let Block { header, last_certificate, body } = block;
        self.has_its_place(header, body)?;
        self.check_standing(header, standing)?;
        let outcome = self.carry_out(header.time, body)?;
        let expected =
            self.next_header((header.round, header.time), last_certificate.as_ref(), body, &outcome);
        first_fault([
            (header.state_root == expected.state_root, Fault::StateRoot),
            (header.next_validators_hash == expected.next_validators_hash, Fault::NextValidatorsHash),
            (header.history_root == expected.history_root, Fault::HistoryRoot),
            (header.proposer == expected.proposer, Fault::Proposer),
            (header.last_certificate == expected.last_certificate, Fault::LastCertificate),
        ])?;
        self.check_parent_certificate(last_certificate.as_ref())?;
        Ok(outcome)
    }

    /// What costs next to nothing to tell.
    fn has_its_place(&self, header: &Header, body: &Body) -> Result<(), Fault> {
        let (parent, height) = (self.tip(), self.tip().height.next());
        first_fault([
            (header.chain_id == self.chain_id(), Fault::ChainId),
            (header.height == height, Fault::Height),
            (header.parent == parent.id(), Fault::Parent),
            (header.set_id == self.set_id(height), Fault::SetId),
            (header.validators_hash == self.set().hash(), Fault::ValidatorsHash),
            (header.tx_root == body.tx_root(), Fault::TxRoot),
            (header.evidence_root == body.evidence_root(), Fault::EvidenceRoot),
        ])
    }

    fn check_standing(&self, header: &Header, standing: Standing) -> Result<(), Fault> {
        let least = self.tip().time.plus(1);
        let (round_fits, from, to) = match standing {
            Standing::Fresh { round, now } => {
                let from = least.max(Time(now.0.saturating_sub(MAX_DELAY_MS)));
                (header.round == round, from, now.plus(MAX_AHEAD_MS))
            }
            Standing::Locked(round) | Standing::Certified(round) => {
                (header.round <= round, least, Time(u64::MAX))
            }
        };
        if !round_fits {
            return Err(Fault::Round);
        }
        if (from..=to).contains(&header.time) { Ok(()) } else { Err(Fault::Time { from, to }) }
    }

    fn check_parent_certificate(&self, certificate: Option<&Certificate>) -> Result<(), Fault> {
        let parent = self.tip();
        match (parent.height, certificate) {
            (Height(0), None) => Ok(()),
            (Height(0), Some(_)) | (_, None) => Err(Fault::LastCertificate),
            (height, Some(certificate)) => quorum::verify_commit(self.set_at(height), parent, certificate)
                .map_err(Fault::ParentCertificate),
        }
    }
}

fn first_fault<const N: usize>(rules: [(bool, Fault); N]) -> Result<(), Fault> {
    rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, fault)| Err(fault))
}
