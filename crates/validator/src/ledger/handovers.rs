//! Which ends of sets lack the ML-DSA signatures that hand them over, and how they get them.
//!
//! A block is final by its precommits alone, and the chain goes on. Where its set hands over with
//! ML-DSA, a light node takes the end of the set only with those signatures: until they are here, it is
//! shown nothing from there on.

use qratum_chain::types::{Certificate, Height, MAX_HANDOVER_MEMBERS, PqSignature};
use qratum_verifier::handover::is_demanded;

use super::Ledger;
use crate::{
    block::Decided,
    message::{FULL_REPLY, MAX_REPLY},
    quorum::{self, QuorumFault},
};

const _: () = assert!(FULL_REPLY + MAX_HANDOVER_MEMBERS * PqSignature::LENGTH < MAX_REPLY);

impl Ledger {
    /// The lowest end of a set whose hand-over lacks signatures.
    #[must_use]
    pub fn lacking(&self) -> Option<Height> {
        self.lacking.first_key_value().map(|(height, _)| *height)
    }

    /// The highest block to which a light node can come.
    #[must_use]
    pub fn shown(&self) -> Height {
        self.lacking().map_or(self.tip().height, |end| Height(end.0.saturating_sub(1)))
    }

    /// Takes a better certificate for the end of a set that lacks signatures: one with them, or one of an
    /// earlier round, so that all come to sign for the same. Returns the block as it is kept from now
    /// on; `None` where the certificate is no better.
    ///
    /// # Errors
    /// [`QuorumFault`]: it is no certificate of the block. Nothing changes then.
    pub fn certify(
        &mut self,
        height: Height,
        certificate: Certificate,
    ) -> Result<Option<Decided>, QuorumFault> {
        let Some(kept) = self.lacking.get(&height).filter(|kept| self.is_better(kept, &certificate)) else {
            return Ok(None);
        };
        let better = Decided { block: kept.block.clone(), certificate };
        let (header, certificate) = (&better.block.header, &better.certificate);
        quorum::verify_kept(self.set_at(height), header, certificate, true)?;
        if certificate.commit().is_none_or(|commit| commit.round < header.round) {
            return Err(QuorumFault::OtherBlock);
        }
        self.ends.insert(height, (header.clone(), certificate.clone()));
        let place = height.0.checked_sub(self.lowest().0).and_then(|place| usize::try_from(place).ok());
        if let Some(decided) = place.and_then(|place| self.blocks.get_mut(place)) {
            decided.certificate = certificate.clone();
        }
        if self.lacks_signatures(height, certificate) {
            self.lacking.insert(height, better.clone());
        } else {
            self.lacking.remove(&height);
        }
        self.checkpoint();
        Ok(Some(better))
    }

    fn is_better(&self, kept: &Decided, certificate: &Certificate) -> bool {
        let round = |certificate: &Certificate| certificate.commit().map(|commit| commit.round);
        let earlier = round(certificate) < round(&kept.certificate);
        earlier || !self.lacks_signatures(kept.height(), certificate)
    }

    /// Whether a light node would miss signatures in this certificate for the end of a set.
    pub(super) fn lacks_signatures(&self, height: Height, certificate: &Certificate) -> bool {
        matches!(certificate, Certificate::Commit(_)) && is_demanded(self.set_at(height))
    }
}
