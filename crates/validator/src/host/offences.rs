//! Which offences are to come into a block? Those that were seen, here or by another validator, and
//! that the chain would still punish. Whoever proposes brings them; the guilty may leave theirs out,
//! the others do not.

use qratum_chain::{ledger::Body, types::Offence};

use crate::ledger::Ledger;

/// The most that wait: as many as a block has room for.
const MOST: usize = Body::MAX_EVIDENCE;

/// What waits for a block.
#[derive(Debug, Default)]
pub(super) struct Offences(Vec<Offence>);

impl Offences {
    /// Takes an offence in, if it is proven, would be punished and is not known. Whether it is new.
    pub(super) fn admit(&mut self, offence: &Offence, ledger: &Ledger) -> bool {
        let known = |other: &Offence| {
            other.set_id() == offence.set_id()
                && other.signer() == offence.signer()
                && other.position() == offence.position()
        };
        let new = self.0.len() < MOST && !self.0.iter().any(known) && ledger.would_punish(offence);
        if new {
            self.0.push(offence.clone());
        }
        new
    }

    /// After a block: what it punished, or made too old, waits no more.
    pub(super) fn settle(&mut self, ledger: &Ledger) {
        self.0.retain(|offence| ledger.would_punish(offence));
    }

    /// What waits, in the order in which it came.
    pub(super) fn waiting(&self) -> &[Offence] {
        &self.0
    }
}
