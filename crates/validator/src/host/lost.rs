//! What may a validator sign that does not know what it signed before? Its disk is gone, or it starts
//! for the first time: it cannot tell which.
//!
//! It keeps greeting until peers with more than a third of the power have told that they have nothing
//! above its head. One of them is honest and was at most one height behind all that this validator
//! can have voted on: that is the height after the one that follows the head. Nothing up to there is
//! signed. Where nobody has decided anything yet, there is nothing to wait for: else no network
//! would ever begin.

use qratum_chain::types::Height;
use qratum_verifier::quorum::Tally;

use super::{Host, Moment, Output, Peer, Stage};
use crate::signer::Refusal;

/// How far above the head this validator can have voted.
const REACH: u64 = 2;

impl Host {
    /// Greeting has lasted long enough, unless too little is known to sign anything.
    pub(super) fn leave_greeting(&mut self, now: Moment, out: &mut Vec<Output>) {
        let Stage::Greeting { silent, .. } = &self.stage else { return };
        if self.lost && !silent.is_empty() && !self.told_by_a_third() {
            // An answer may have been lost.
            out.extend(silent.iter().map(|peer| Output::Ask(*peer, self.next_height())));
            let why = "it has no record of what it signed before, and peers with more than a third of the \
                       power have not told their height yet";
            self.heed(Some(Refusal(why.to_owned())), out);
            self.greet_longer(now);
            return;
        }
        if std::mem::take(&mut self.lost) {
            let head = self.ledger.tip().height;
            let from = if head == Height(0) { head } else { Height(head.0.saturating_add(REACH)).next() };
            self.engine.sign_from(from);
            out.push(Output::SignFrom(from));
        }
        self.wait(now);
    }

    /// Whether peers with more than a third of the power have told that they have nothing newer.
    fn told_by_a_third(&self) -> bool {
        let Stage::Greeting { silent, .. } = &self.stage else { return false };
        let told = (0..).map(Peer).zip(&self.peers).filter(|(peer, _)| !silent.contains(peer));
        let told: Vec<&String> = told.map(|(_, name)| name).collect();
        let set = self.ledger.set();
        let members = (0u32..).zip(set.members()).filter(|(index, _)| told.contains(&&self.member(*index)));
        let signed = members.map(|(_, member)| u128::from(member.power)).sum();
        Tally { signed, total: set.total_power() }.is_more_than_a_third()
    }
}
