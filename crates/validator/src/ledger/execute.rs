//! What do the evidence and the transactions of a block lead to, and which of those that wait fit into it?

use qratum_chain::{
    ledger::{self, Body, Draft, Place, governance, sets, slashing},
    schedule::{boundary_of, is_boundary},
    types::{Offence, Time, Upgrade},
};
use qratum_verifier::detect;

use super::{EvidenceFault, Fault, Ledger, Outcome};

/// The newest version of the rules of chains that this build knows.
const VERSION: u32 = Upgrade::FIRST;

impl Ledger {
    /// What of `offered` can be carried out in the next block.
    pub(super) fn choose(&self, place: &Place<'_>, offered: &Body) -> Body {
        let (mut draft, mut chosen, mut bytes) = (Draft::new(&self.state), Body::default(), 0usize);
        for offence in &offered.evidence {
            if chosen.evidence.len() < Body::MAX_EVIDENCE && self.punish(&mut draft, place, offence).is_ok() {
                chosen.evidence.push(offence.clone());
            }
        }
        for txo in &offered.transactions {
            let length = bytes.saturating_add(txo.to_bytes().len());
            let room = chosen.transactions.len() < Body::MAX_TRANSACTIONS && length <= Body::MAX_BYTES;
            if room && ledger::apply(&mut draft, place, txo).is_ok() {
                chosen.transactions.push(txo.clone());
                bytes = length;
            }
        }
        chosen
    }

    /// Whether the next block, coming right after the tip, could punish this.
    #[must_use]
    pub fn would_punish(&self, offence: &Offence) -> bool {
        let place = self.place(self.tip().time);
        self.punish(&mut Draft::new(&self.state), &place, offence).is_ok()
    }

    /// What the next block, with this time and body, leads to.
    pub(super) fn carry_out(&self, time: Time, body: &Body) -> Result<Outcome, Fault> {
        let (place, mut draft) = (self.place(time), Draft::new(&self.state));
        let unknown = |upgrade: &Upgrade| upgrade.in_force(place.set_id()) > VERSION;
        if let Some(upgrade) = draft.upgrade().filter(unknown) {
            return Err(Fault::Outdated(upgrade));
        }
        for (index, offence) in body.evidence.iter().enumerate() {
            self.punish(&mut draft, &place, offence).map_err(|why| Fault::Evidence(index, why))?;
        }
        for (index, txo) in body.transactions.iter().enumerate() {
            ledger::apply(&mut draft, &place, txo).map_err(|why| Fault::Transaction(index, why))?;
        }
        ledger::finish(&mut draft, &place);
        let ends = is_boundary(place.height, self.params().set_length);
        let next = if ends {
            governance::turn(&mut draft, &place);
            sets::turn(&mut draft, &place)
        } else {
            None
        };
        let state = self.state.preview(draft.into_changes()).map_err(Fault::State)?;
        Ok(Outcome { state, next })
    }

    /// Verifies evidence with the set it speaks of, and carries out what it costs.
    fn punish(
        &self,
        draft: &mut Draft<'_>,
        place: &Place<'_>,
        offence: &Offence,
    ) -> Result<(), EvidenceFault> {
        let set_id = offence.set_id();
        if set_id > place.set_id() {
            return Err(EvidenceFault::Refused(slashing::EvidenceRefusal::Future));
        }
        let set = self.numbered(set_id);
        let guilty = detect::offence(offence, set, &self.rules).map_err(EvidenceFault::Unproven)?;
        let end = self.certified(boundary_of(set_id, self.params().set_length));
        let ended = end.map(|(header, _)| header.time);
        slashing::punish(draft, place, offence, guilty.get(), ended).map_err(EvidenceFault::Refused)
    }
}
