//! What a validator with a fault says to others, in place of what an honest one would: the same
//! faults for networks in virtual time and over real sockets.

use std::collections::{BTreeSet, VecDeque};

use qratum_chain::{
    Hash,
    types::{BlockId, MAX_VALIDATORS, SignedProposal, SignedVote},
};
use qratum_crypto::sign::ed25519::{SecretKey, Signature};
use qratum_validator::{block::Block, message::Message};

use super::fault::Fault;

/// An hour, in milliseconds.
const HOUR_MS: u64 = 3_600_000;
/// How many messages a slow validator is behind.
const BEHIND: usize = 6;

/// The voice of a validator with a fault.
#[derive(Debug)]
pub struct Voice {
    fault: Fault,
    /// All that its validator can vote with.
    keys: Vec<SecretKey>,
    /// Blocks it proposed itself.
    own: BTreeSet<BlockId>,
    late: VecDeque<(usize, Message)>,
}

impl Voice {
    /// A validator that signs with one of `keys`: the one that the honest statement is signed with.
    #[must_use]
    pub fn new(fault: Fault, keys: impl IntoIterator<Item = SecretKey>) -> Self {
        let keys = keys.into_iter().collect();
        Self { fault, keys, own: BTreeSet::new(), late: VecDeque::new() }
    }

    /// A signature over `lie` with the key that made `signature` over `truth`.
    fn sign(&self, truth: &[u8], signature: Signature, lie: &[u8]) -> Signature {
        let key = self.keys.iter().find(|key| key.sign(truth) == signature);
        key.map_or(signature, |key| key.sign(lie))
    }

    /// What it says to the node of number `to` where an honest one would say `message`.
    pub fn say(&mut self, to: usize, message: &Message) -> Vec<Message> {
        let honest = message.clone();
        match self.fault {
            Fault::DoubleSign => self.other_vote(message).into_iter().chain([honest]).collect(),
            Fault::Equivocate if to % 2 == 1 => vec![self.other_story(message).unwrap_or(honest)],
            Fault::Equivocate => vec![honest],
            Fault::Censor if carries_transactions(message) => Vec::new(),
            Fault::Censor => vec![self.nil_for_others(message).unwrap_or(honest)],
            Fault::Silent => Vec::new(),
            Fault::Delay => self.postponed(to, honest),
            Fault::WithheldVotes if matches!(message, Message::Vote(_)) => Vec::new(),
            Fault::WithheldVotes => vec![honest],
            Fault::OversizedFrames => oversized(message).into_iter().chain([honest]).collect(),
            Fault::InventedVotes => invented(message).into_iter().chain([honest]).collect(),
            Fault::WrongStateRoot
            | Fault::ForgedHistory
            | Fault::FutureTime
            | Fault::PastTime
            | Fault::LyingHeight => vec![self.other_block(message).unwrap_or(honest)],
        }
    }

    fn vote(&self, signed: &SignedVote, value: Option<BlockId>) -> Message {
        let (mut signed, truth) = (signed.clone(), signed.vote.sign_bytes());
        signed.vote.value = value;
        signed.signature = self.sign(&truth, signed.signature, &signed.vote.sign_bytes());
        Message::Vote(signed)
    }

    fn proposal(&self, signed: &SignedProposal, block: Block) -> Message {
        let (mut signed, truth) = (signed.clone(), signed.proposal.sign_bytes());
        signed.proposal.block_id = block.id();
        signed.proposal.height = block.header.height;
        signed.signature = self.sign(&truth, signed.signature, &signed.proposal.sign_bytes());
        Message::Proposal(Box::new((signed, block)))
    }

    /// A vote for something else in the same place, well signed.
    fn other_vote(&self, message: &Message) -> Option<Message> {
        let Message::Vote(signed) = message else { return None };
        let other = BlockId(Hash([7; 32]));
        Some(self.vote(signed, if signed.vote.value.is_some() { None } else { Some(other) }))
    }

    fn other_story(&self, message: &Message) -> Option<Message> {
        let Message::Proposal(proposal) = message else { return self.other_vote(message) };
        let (signed, mut block) = (**proposal).clone();
        block.header.time = block.header.time.plus(1);
        Some(self.proposal(&signed, block))
    }

    fn nil_for_others(&mut self, message: &Message) -> Option<Message> {
        match message {
            Message::Proposal(proposal) => {
                self.own.insert(proposal.0.proposal.block_id);
                None
            }
            Message::Vote(signed) => {
                let others = signed.vote.value.is_some_and(|id| !self.own.contains(&id));
                others.then(|| self.vote(signed, None))
            }
            Message::Polka(_)
            | Message::RoundCertificate(..)
            | Message::Txo(_)
            | Message::Offence(_)
            | Message::Handover(_) => None,
        }
    }

    /// Some messages that come before their time are kept until later ones push them out.
    fn postponed(&mut self, to: usize, message: Message) -> Vec<Message> {
        self.late.push_back((to, message));
        let behind = self.late.iter().filter(|(other, _)| *other == to).count();
        let first = self.late.iter().position(|(other, _)| *other == to);
        let due = first.filter(|_| behind > BEHIND).and_then(|place| self.late.remove(place));
        due.into_iter().map(|(_, message)| message).collect()
    }

    /// The fault, in the header of a proposed block.
    fn other_block(&self, message: &Message) -> Option<Message> {
        let Message::Proposal(proposal) = message else { return None };
        let (signed, mut block) = (**proposal).clone();
        let header = &mut block.header;
        match self.fault {
            Fault::WrongStateRoot => header.state_root = Hash([7; 32]),
            Fault::ForgedHistory => header.history_root = Hash([7; 32]),
            Fault::FutureTime => header.time = header.time.plus(HOUR_MS),
            Fault::PastTime => header.time.0 = header.time.0.saturating_sub(HOUR_MS),
            Fault::LyingHeight => header.height.0 = header.height.0.saturating_add(1_000),
            _ => return None,
        }
        Some(self.proposal(&signed, block))
    }
}

/// A vote in the name of the first members, with a signature that is none of theirs.
fn invented(message: &Message) -> Vec<Message> {
    let Message::Vote(signed) = message else { return Vec::new() };
    let others = (0..4).filter(|signer| *signer != signed.signer);
    let vote = |signer| SignedVote { signer, signature: Signature([7; 64]), ..signed.clone() };
    others.map(|signer| Message::Vote(vote(signer))).collect()
}

fn carries_transactions(message: &Message) -> bool {
    match message {
        Message::Txo(_) => true,
        Message::Proposal(proposal) => !proposal.1.body.transactions.is_empty(),
        _ => false,
    }
}

/// A polka that is larger than any set.
fn oversized(message: &Message) -> Option<Message> {
    let Message::Vote(signed) = message else { return None };
    Some(Message::Polka(vec![signed.clone(); 4 * MAX_VALIDATORS]))
}
