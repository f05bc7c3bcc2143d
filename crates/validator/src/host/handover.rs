//! How the end of a set gets the ML-DSA signatures that hand it over.
//!
//! The chain never waits for them: a block is final by its precommits, and the next height begins. Every
//! validator that took the block over signs its precommit certificate's vote a second time and tells the
//! others, again each second while signatures are missing and later more rarely, and asks one of them
//! whether it has more. More than two thirds of the power that votes is what the chain needs to go on at
//! all, and either all members have registered ML-DSA keys or none: the honest ones of every set are
//! enough, unless they lost keys. Then light nodes stay below the end of the set, the operator is told
//! whose signatures are missing, and no snapshot is taken: whoever was away for longer than blocks are
//! kept ([`LACKING`](crate::ledger::LACKING)) waits for the hand-over as well.

use core::{cmp::Ordering, mem};
use std::collections::BTreeMap;

use qratum_chain::types::{Certificate, Height, PqSignature, ValidatorSet, Vote};
use qratum_verifier::{handover::pq_signature_holds, quorum::Tally};

use super::{Host, Moment, Output, Peer};
use crate::{
    block::Decided,
    message::{Half, Message},
    quorum::QuorumFault,
    signer::HandoverKey,
};

/// So long after the last time the own signature is told again at first, in milliseconds.
const AGAIN_MS: u64 = 1_000;
/// The longest pause that this grows to.
const LONGEST_MS: u64 = 60_000;
/// After so many times the operator is told, and the pause grows.
const PATIENCE: u32 = 10;
/// So many times later the operator is told again: about an hour.
const REMINDER: u32 = 60;

/// What is gathered for the lowest end of a set that lacks signatures.
#[derive(Debug)]
pub(super) struct Handover {
    key: Option<HandoverKey>,
    /// What is signed: the precommit for that block; none where nothing is lacking.
    vote: Option<Vote>,
    halves: BTreeMap<u32, PqSignature>,
    own: Option<Half>,
    /// What each peer said last of a block that is not here yet.
    early: BTreeMap<Peer, Half>,
    /// When something is to be done about it; the end of time where nothing is lacking.
    pub(super) due_ms: u64,
    tries: u32,
}

impl Handover {
    /// Nothing gathered yet, on a chain that lacks something or not.
    pub(super) fn new(lacking: Option<Height>) -> Self {
        let due_ms = lacking.map_or(u64::MAX, |_| 0);
        Self {
            key: None,
            vote: None,
            halves: BTreeMap::new(),
            own: None,
            early: BTreeMap::new(),
            due_ms,
            tries: 0,
        }
    }
}

impl Host {
    /// Signs hand-overs with this key from now on, wherever a set names it.
    pub fn hand_over_with(&mut self, key: HandoverKey) {
        self.handover.key = Some(key);
    }

    /// Turns to what lacks signatures now: after a block or a certificate was taken over.
    pub(super) fn gather(&mut self, now: Moment, out: &mut Vec<Output>) {
        loop {
            let vote = self.lacking();
            if vote != self.handover.vote {
                self.handover.due_ms =
                    vote.as_ref().map_or(u64::MAX, |_| now.uptime_ms.saturating_add(AGAIN_MS));
                self.turn_to(vote, out);
            }
            if !self.hand_over(out) {
                return;
            }
        }
    }

    /// The vote to sign for the lowest end of a set that lacks signatures.
    fn lacking(&self) -> Option<Vote> {
        let (_, certificate) = self.ledger.certified(self.ledger.lacking()?)?;
        certificate.commit().map(|commit| commit.vote())
    }

    fn turn_to(&mut self, vote: Option<Vote>, out: &mut Vec<Output>) {
        (self.handover.tries, self.handover.own) = (0, None);
        self.handover.halves.clear();
        self.handover.vote = vote;
        let Some(vote) = self.handover.vote.clone() else { return };
        if let Some(half) = self.sign_half(&vote, out) {
            self.handover.halves.insert(half.signature.signer, half.signature.clone());
            out.push(Output::Tell(Message::Handover(Box::new(half.clone()))));
            self.handover.own = Some(half);
        }
        for (peer, half) in mem::take(&mut self.handover.early) {
            if half.height > vote.height {
                self.handover.early.insert(peer, half);
            } else if (half.height, half.round) == (vote.height, vote.round) {
                self.add(peer, half, &vote, out);
            }
        }
    }

    /// The own signature, where the set of the vote names the own key.
    fn sign_half(&self, vote: &Vote, out: &mut Vec<Output>) -> Option<Half> {
        let key = self.handover.key.as_ref()?;
        let members = self.ledger.set_at(vote.height).members();
        let own = (0u32..).zip(members).find(|(_, member)| member.pq_key_hash == key.hash());
        match key.sign(own?.0, vote) {
            Ok(signature) => Some(Half { height: vote.height, round: vote.round, signature }),
            Err(why) => {
                out.push(Output::Warn(format!("the hand-over at height {}: {why}", vote.height)));
                None
            }
        }
    }

    /// `peer` told its part of a hand-over.
    pub(super) fn half(&mut self, peer: Peer, half: Half, now: Moment, out: &mut Vec<Output>) {
        let wanted = self.handover.vote.as_ref().map_or(self.next_height(), |vote| vote.height);
        match self.handover.vote.clone().filter(|vote| vote.height == half.height) {
            None if half.height >= wanted => {
                self.handover.early.insert(peer, half);
            }
            None => {}
            Some(vote) => match half.round.cmp(&vote.round) {
                Ordering::Equal => {
                    self.add(peer, half, &vote, out);
                    self.gather(now, out);
                }
                // All are to sign for the earliest round that made the block final.
                Ordering::Less => self.ask_from(peer, vote.height, now, out),
                Ordering::Greater => {}
            },
        }
    }

    fn add(&mut self, peer: Peer, half: Half, vote: &Vote, out: &mut Vec<Output>) {
        let (height, signature) = (half.height, half.signature);
        if self.handover.halves.contains_key(&signature.signer) {
            return;
        }
        match pq_signature_holds(&vote.sign_bytes(), &signature, self.ledger.set_at(height)) {
            Ok(()) => drop(self.handover.halves.insert(signature.signer, signature)),
            Err(why) => out.push(self.note_of(peer, format_args!("hand-over at height {height}: {why}"))),
        }
    }

    /// Makes the hand-over, once enough signed. Whether it did.
    fn hand_over(&mut self, out: &mut Vec<Output>) -> bool {
        let Some(vote) = &self.handover.vote else { return false };
        let height = vote.height;
        if !self.signed(self.ledger.set_at(height)).is_quorum() {
            return false;
        }
        let certificate = self.ledger.certified(height).and_then(|(_, kept)| kept.commit().cloned());
        let halves = self.handover.halves.values().cloned().collect();
        certificate.is_some_and(|commit| {
            let better = Certificate::Handover(commit, halves);
            self.certify(height, better, out).is_ok_and(|taken| taken)
        })
    }

    fn signed(&self, set: &ValidatorSet) -> Tally {
        Tally::of(set, self.handover.halves.keys().copied())
    }

    /// Whether the ledger took this certificate; then it goes to disk, with the snapshot that waited for
    /// it.
    fn certify(
        &mut self,
        height: Height,
        certificate: Certificate,
        out: &mut Vec<Output>,
    ) -> Result<bool, QuorumFault> {
        let before = self.ledger.snapshot().map(|(at, _)| *at);
        let Some(kept) = self.ledger.certify(height, certificate)? else { return Ok(false) };
        out.push(Output::Certify(Box::new(kept)));
        if let Some((_, bytes)) = self.ledger.snapshot().filter(|(at, _)| Some(*at) != before) {
            out.push(Output::Found(bytes.clone()));
        }
        Ok(true)
    }

    /// `peer` answered with blocks: among them may be the certificate that lacks here.
    pub(super) fn learn(&mut self, peer: Peer, blocks: &[Decided], out: &mut Vec<Output>) {
        for decided in blocks {
            let height = decided.height();
            if self.ledger.lacking() == Some(height)
                && let Err(why) = self.certify(height, decided.certificate.clone(), out)
            {
                out.push(self.note_of(peer, format_args!("block {height}: {why}")));
            }
        }
    }

    /// Signatures are missing still: tells the own one again, and asks one peer after the other.
    pub(super) fn urge(&mut self, now: Moment, out: &mut Vec<Output>) {
        self.gather(now, out);
        if self.handover.due_ms > now.uptime_ms {
            return;
        }
        let Some(vote) = self.handover.vote.clone() else { return };
        self.handover.due_ms = now.uptime_ms.saturating_add(pause_ms(self.handover.tries));
        self.handover.tries = self.handover.tries.saturating_add(1);
        out.extend(
            self.handover.own.iter().map(|half| Output::Tell(Message::Handover(Box::new(half.clone())))),
        );
        let peers = u32::try_from(self.peers.len()).unwrap_or(u32::MAX);
        if let Some(turn) = self.handover.tries.checked_rem(peers) {
            self.ask_from(Peer(turn), vote.height, now, out);
        }
        if self.handover.tries % REMINDER == PATIENCE {
            out.push(Output::Warn(self.missing(&vote)));
        }
    }

    /// Who could sign, and did not.
    fn missing(&self, vote: &Vote) -> String {
        let set = self.ledger.set_at(vote.height);
        let Tally { signed, total } = self.signed(set);
        let able = (0u32..).zip(set.members()).filter(|(_, member)| member.has_pq_key());
        let missing = able.map(|(index, _)| index).filter(|index| !self.handover.halves.contains_key(index));
        let names: Vec<String> = missing.map(|index| self.ledger.name_of(vote.set_id, index)).collect();
        format!(
            "the hand-over at height {} has ML-DSA signatures of {signed} of {total} power, not of {}: until \
             more than two thirds sign, light nodes stay below that height",
            vote.height,
            names.join(", ")
        )
    }
}

/// How long to wait after so many times, in milliseconds: [`AGAIN_MS`], which doubles with each beyond
/// [`PATIENCE`] up to [`LONGEST_MS`].
fn pause_ms(tries: u32) -> u64 {
    let doublings = tries.saturating_sub(PATIENCE);
    AGAIN_MS.saturating_mul(2u64.saturating_pow(doublings)).min(LONGEST_MS)
}

#[cfg(test)]
mod tests;
