//! Serves the core's effects: signs, checks, and notes what the host has to do.

use core::convert::Infallible;
use std::collections::{BTreeMap, btree_map::Entry as Slot};

use malachite_consensus::{ConsensusMsg, Effect, LivenessMsg, Resumable, Resume, SignedConsensusMsg};
use malachite_types::{
    CertificateError, CommitCertificate as CoreCommit, PolkaCertificate, RoundCertificate, SignedMessage,
};
use qratum_chain::types::{BlockId, Height, Phase, Round, SignedVote, Vote};
use qratum_crypto::sign::ed25519::{Signature, verify_strict};
use qratum_verifier::quorum::Tally;

use super::{
    context::{Address, CoreProposal, CoreVote, Rules, Seal},
    convert::{Translator, timer_out},
    event::Event,
    journal::Entry,
};
use crate::{
    message::RoundReason,
    quorum::{QuorumFault, tally, verify_vote},
    signer::{Refusal, Signer},
};

type Served = Result<Resume<Rules>, Infallible>;

/// The place where effects are served.
pub(super) struct Desk {
    pub(super) translator: Translator,
    /// All that can sign for this validator: the one whose key the set names does.
    signers: Vec<Box<dyn Signer>>,
    /// Own votes of this height: what was signed for a place is never signed differently.
    signed: BTreeMap<(Round, Phase), Option<BlockId>>,
    /// Below this height nothing is signed.
    pub(super) sign_from: Height,
    events: Vec<Event>,
}

impl Desk {
    pub(super) fn new(translator: Translator, signer: Box<dyn Signer>) -> Self {
        let (signed, sign_from, events) = (BTreeMap::new(), Height(0), Vec::new());
        Self { translator, signers: vec![signer], signed, sign_from, events }
    }

    pub(super) fn add_signer(&mut self, signer: Box<dyn Signer>) {
        if self.signers.iter().all(|known| known.public() != signer.public()) {
            self.signers.push(signer);
        }
    }

    /// The address of the signer whose key is in the set; `None` when there is none.
    pub(super) fn address(&self) -> Option<Address> {
        let mut addresses = self.signers.iter().map(|signer| Address(signer.public()));
        addresses.find(|address| self.translator.members.index_of(address).is_some())
    }

    fn signer(&mut self, height: Height) -> Result<&mut Box<dyn Signer>, Refusal> {
        if height < self.sign_from {
            let why = format!("what it signed below height {} is not known", self.sign_from);
            return Err(Refusal(why));
        }
        let address = self.address();
        let named = self.signers.iter_mut().find(|signer| Some(Address(signer.public())) == address);
        named.ok_or_else(|| Refusal("none of its vote keys is in the validator set".to_owned()))
    }

    /// Begins a height, with the votes of ours that its log holds.
    pub(super) fn start(&mut self, log: &[Entry]) {
        self.signed.clear();
        let ours = self.address().and_then(|address| self.translator.members.index_of(&address));
        for entry in log {
            if let Entry::Vote(signed) = entry
                && Some(signed.signer) == ours
            {
                self.remember(&signed.vote);
            }
        }
    }

    /// What was noted since the last time.
    pub(super) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    pub(super) fn serve(&mut self, effect: Effect<Rules>) -> Served {
        use Effect as E;
        match effect {
            E::CancelAllTimeouts(r) => self.note(Some(Event::StopAll), r),
            E::CancelTimeout(timeout, r) => self.note(timer_out(timeout).map(Event::Stop), r),
            E::ScheduleTimeout(timeout, r) => self.note(timer_out(timeout).map(Event::Start), r),
            E::GetValue(_, round, _, r) => self.note(round.as_u32().map(|n| Event::Build(Round(n))), r),
            E::WalAppend(height, input, r) => {
                self.note(self.translator.entry_out(height.0, &input).map(Event::Log), r)
            }
            E::PublishConsensusMsg(SignedConsensusMsg::Vote(vote), r) | E::RepublishVote(vote, r) => {
                self.note(self.translator.vote_out(&vote).map(Event::Vote), r)
            }
            E::PublishConsensusMsg(SignedConsensusMsg::Proposal(proposal), r) => {
                self.note(self.translator.proposal_out(&proposal).map(Event::Proposal), r)
            }
            E::PublishLivenessMsg(message, r) => self.note(self.liveness(&message), r),
            E::RepublishRoundCertificate(certificate, r) => {
                self.note(Some(self.round_event(&certificate)), r)
            }
            E::Finalize(certificate, _, evidence, r) => {
                self.events.extend(self.translator.offences_out(&evidence).into_iter().map(Event::Guilty));
                self.note(self.translator.commit_out(&certificate).map(Event::Decided), r)
            }
            E::SignVote(vote, r) => {
                let seal = self.seal_vote(&vote);
                Ok(r.resume_with(SignedMessage::new(vote, seal)))
            }
            E::SignProposal(proposal, r) => {
                let seal = self.seal_proposal(&proposal);
                Ok(r.resume_with(SignedMessage::new(proposal, seal)))
            }
            other => Ok(self.verify(other)),
        }
    }

    fn note(&mut self, event: Option<Event>, resume: impl Resumable<Rules, Value = ()>) -> Served {
        self.events.extend(event);
        Ok(resume.resume_with(()))
    }

    fn verify(&mut self, effect: Effect<Rules>) -> Resume<Rules> {
        use Effect as E;
        match effect {
            E::VerifySignature(signed, _, r) => {
                let holds = self.holds(&signed);
                r.resume_with(self.refuse(holds).is_ok())
            }
            E::VerifyCommitCertificate(commit, _, _, r) => r.resume_with(verdict(self.commit_holds(&commit))),
            E::VerifyExtendedCommitCertificate(commit, _, _, _, r) => {
                r.resume_with(verdict(self.commit_holds(&commit.trim_vote_extensions())))
            }
            E::VerifyPolkaCertificate(polka, _, _, r) => {
                let holds = self.polka_holds(&polka);
                r.resume_with(verdict(self.refuse(holds)))
            }
            E::VerifyRoundCertificate(round, _, _, r) => {
                let holds = self.round_holds(&round);
                r.resume_with(verdict(self.refuse(holds)))
            }
            // There are no extensions: a vote has no place for one.
            E::ExtendVote(_, _, _, _, r) => r.resume_with(None),
            E::VerifyVoteExtension(_, _, _, _, _, _, r) => r.resume_with(Ok(())),
            // The host takes over certified blocks itself and never feeds them to the core; blocks
            // travel with their proposals; a decision is acted on when it is final.
            E::CertVerifiedSyncValue(_, _, r)
            | E::CertRejectedSyncValue(_, _, _, r)
            | E::RestreamProposal(_, _, _, _, _, r)
            | E::Decide(_, _, r)
            | E::StartRound(_, _, _, _, r) => r.resume_with(()),
            // Served before.
            _ => Resume::Continue,
        }
    }

    /// Notes that `vote` is ours. `false` when something else was signed in its place.
    fn remember(&mut self, vote: &Vote) -> bool {
        match self.signed.entry((vote.round, vote.phase)) {
            Slot::Vacant(slot) => {
                slot.insert(vote.value);
                true
            }
            Slot::Occupied(slot) => *slot.get() == vote.value,
        }
    }

    fn seal_vote(&mut self, vote: &CoreVote) -> Seal {
        match self.translator.rules.vote(vote) {
            Some(vote) if self.remember(&vote) => {
                let answer = self.signer(vote.height).and_then(|signer| signer.vote(&vote));
                self.seal(answer)
            }
            _ => Seal::WITHHELD,
        }
    }

    fn seal_proposal(&mut self, proposal: &CoreProposal) -> Seal {
        let Some(proposal) = self.translator.rules.proposal(proposal) else { return Seal::WITHHELD };
        let answer = self.signer(proposal.height).and_then(|signer| signer.proposal(&proposal));
        self.seal(answer)
    }

    fn seal(&mut self, answer: Result<Signature, Refusal>) -> Seal {
        answer.map_or_else(
            |refusal| {
                self.events.push(Event::Withheld(refusal));
                Seal::WITHHELD
            },
            Seal::of,
        )
    }

    fn liveness(&self, message: &LivenessMsg<Rules>) -> Option<Event> {
        match message {
            LivenessMsg::Vote(vote) => self.translator.vote_out(vote).map(Event::Vote),
            LivenessMsg::PolkaCertificate(polka) => self.translator.polka_out(polka).map(Event::Polka),
            LivenessMsg::SkipRoundCertificate(round) => Some(self.round_event(round)),
        }
    }

    fn round_event(&self, certificate: &RoundCertificate<Rules>) -> Event {
        let (reason, votes) = self.translator.round_out(certificate);
        Event::RoundCertificate(reason, votes)
    }

    /// Notes why something does not hold. One with too few votes may be honest: those of a signer that
    /// refuses are left out.
    fn refuse(&mut self, verdict: Result<(), QuorumFault>) -> Result<(), QuorumFault> {
        let fault = verdict.err().filter(|fault| !matches!(fault, QuorumFault::NotEnough(_)));
        self.events.extend(fault.map(Event::Refused));
        verdict
    }

    fn holds(&self, signed: &SignedMessage<Rules, ConsensusMsg<Rules>>) -> Result<(), QuorumFault> {
        let set = self.translator.members.set();
        match &signed.message {
            ConsensusMsg::Vote(vote) => {
                let vote = self.translator.vote_out(&SignedMessage::new(vote.clone(), signed.signature));
                let SignedVote { vote, signer, signature } = vote.ok_or(QuorumFault::OtherBlock)?;
                verify_vote(set, signer, &vote, &signature).map(drop)
            }
            ConsensusMsg::Proposal(proposal) => {
                let key = proposal.address.0;
                let index = self.translator.members.index_of(&proposal.address).unwrap_or(u32::MAX);
                let bytes = self.translator.rules.proposal(proposal).map(|p| p.sign_bytes());
                let signed = bytes.zip(signed.signature.signature()).ok_or(QuorumFault::OtherBlock)?;
                verify_strict(&key, &signed.0, &signed.1).map_err(|_| QuorumFault::BadSignature(index))
            }
        }
    }

    pub(super) fn commit_holds(&self, commit: &CoreCommit<Rules>) -> Result<(), QuorumFault> {
        self.weigh(&self.translator.commit_votes(commit)?, Tally::is_quorum)
    }

    fn polka_holds(&self, polka: &PolkaCertificate<Rules>) -> Result<(), QuorumFault> {
        self.weigh(&self.translator.polka_out(polka).ok_or(QuorumFault::MixedVotes)?, Tally::is_quorum)
    }

    fn round_holds(&self, certificate: &RoundCertificate<Rules>) -> Result<(), QuorumFault> {
        let (reason, votes) = self.translator.round_out(certificate);
        match reason {
            RoundReason::Skip => self.weigh(&votes, Tally::is_more_than_a_third),
            RoundReason::Precommits if votes.iter().all(|v| v.vote.phase == Phase::Precommit) => {
                self.weigh(&votes, Tally::is_quorum)
            }
            RoundReason::Precommits => Err(QuorumFault::MixedVotes),
        }
    }

    fn weigh(&self, votes: &[SignedVote], enough: fn(Tally) -> bool) -> Result<(), QuorumFault> {
        let set = self.translator.members.set();
        let tally = Tally { signed: tally(set, votes)?, total: set.total_power() };
        if enough(tally) { Ok(()) } else { Err(QuorumFault::NotEnough(tally)) }
    }
}

/// Our reason in the core's words, which only ever reach its log.
#[expect(clippy::result_large_err, reason = "the core's type")]
fn verdict(result: Result<(), QuorumFault>) -> Result<(), CertificateError<Rules>> {
    result.map_err(|fault| {
        let reason: Box<dyn std::error::Error + Send + Sync> = fault.to_string().into();
        CertificateError::VerificationError(Some(reason.into()))
    })
}
