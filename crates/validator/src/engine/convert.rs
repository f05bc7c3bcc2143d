//! From our messages to the core's and back. What does not belong to this chain, names no member
//! or mixes votes does not convert.

use malachite_consensus::{Input, MisbehaviorEvidence, ProposedValue};
use malachite_types::{
    CommitCertificate as CoreCommit, NilOrVal, PolkaCertificate, PolkaSignature, Round as CoreRound,
    RoundCertificate, RoundCertificateType, RoundSignature, SignedMessage,
    SignedProposal as CoreSignedProposal, SignedVote as CoreSignedVote, Timeout, TimeoutKind, Validity,
    ValueOrigin,
};
use qratum_chain::types::{
    Bitmap, CommitCertificate, DoubleProposal, DoubleVote, Height, Offence, Phase, Round, SignedProposal,
    SignedVote,
};
use qratum_crypto::sign::ed25519::Signature;

use super::{
    context::{Choice, CoreHeight, CoreProposal, CoreVote, Members, Rules, Seal, kind_of},
    journal::{Entry, Judgement, Timer, TimerKind},
};
use crate::{message::RoundReason, quorum::QuorumFault};

/// The greatest round that is looked at. The core computes with rounds without a bound of its own.
const MAX_ROUND: u32 = 1 << 24;

/// Translates for one chain and one set.
#[derive(Clone, Debug)]
pub(super) struct Translator {
    pub(super) rules: Rules,
    pub(super) members: Members,
}

fn known(round: Round) -> Option<CoreRound> {
    (round.0 <= MAX_ROUND).then_some(CoreRound::new(round.0))
}

impl Translator {
    pub(super) fn vote_in(&self, signed: &SignedVote) -> Option<CoreSignedVote<Rules>> {
        let vote = &signed.vote;
        if vote.chain_id != self.rules.chain_id || vote.set_id != self.rules.set_id(vote.height) {
            return None;
        }
        let core = CoreVote {
            kind: kind_of(vote.phase),
            height: CoreHeight(vote.height),
            round: known(vote.round)?,
            value: vote.value.map_or(NilOrVal::Nil, |id| NilOrVal::Val(Choice(id))),
            address: self.members.address(signed.signer)?,
        };
        Some(SignedMessage::new(core, Seal::of(signed.signature)))
    }

    /// `None` for a withheld vote: it must not leave.
    pub(super) fn vote_out(&self, signed: &CoreSignedVote<Rules>) -> Option<SignedVote> {
        Some(SignedVote {
            vote: self.rules.vote(&signed.message)?,
            signer: self.members.index_of(&signed.message.address)?,
            signature: signed.signature.signature()?,
        })
    }

    pub(super) fn proposal_in(&self, signed: &SignedProposal) -> Option<CoreSignedProposal<Rules>> {
        let proposal = &signed.proposal;
        if proposal.chain_id != self.rules.chain_id || proposal.set_id != self.rules.set_id(proposal.height) {
            return None;
        }
        let pol_round = match u32::try_from(proposal.pol_round) {
            Ok(round) => known(Round(round))?,
            Err(_) if proposal.pol_round == -1 => CoreRound::Nil,
            Err(_) => return None,
        };
        let core = CoreProposal {
            height: CoreHeight(proposal.height),
            round: known(proposal.round)?,
            value: Choice(proposal.block_id),
            pol_round,
            address: self.members.address(signed.signer)?,
        };
        Some(SignedMessage::new(core, Seal::of(signed.signature)))
    }

    /// `None` for a withheld proposal: it must not leave.
    pub(super) fn proposal_out(&self, signed: &CoreSignedProposal<Rules>) -> Option<SignedProposal> {
        Some(SignedProposal {
            proposal: self.rules.proposal(&signed.message)?,
            signer: self.members.index_of(&signed.message.address)?,
            signature: signed.signature.signature()?,
        })
    }

    pub(super) fn polka_in(&self, votes: &[SignedVote]) -> Option<PolkaCertificate<Rules>> {
        let first = &votes.first()?.vote;
        let value = first.value?;
        if first.phase != Phase::Prevote || votes.iter().any(|signed| signed.vote != *first) {
            return None;
        }
        let signatures = votes.iter().map(|signed| {
            self.vote_in(signed).map(|core| PolkaSignature::new(core.message.address, core.signature))
        });
        Some(PolkaCertificate {
            height: CoreHeight(first.height),
            round: known(first.round)?,
            value_id: Choice(value),
            polka_signatures: signatures.collect::<Option<_>>()?,
        })
    }

    pub(super) fn polka_out(&self, polka: &PolkaCertificate<Rules>) -> Option<Vec<SignedVote>> {
        polka.votes(&self.rules).map(|core| self.vote_out(&core)).collect()
    }

    pub(super) fn round_in(
        &self,
        reason: RoundReason,
        votes: &[SignedVote],
    ) -> Option<RoundCertificate<Rules>> {
        let first = &votes.first()?.vote;
        let place = (first.height, first.round);
        if votes.iter().any(|signed| (signed.vote.height, signed.vote.round) != place) {
            return None;
        }
        let signatures = votes.iter().map(|signed| {
            let core = self.vote_in(signed)?;
            let CoreVote { kind, value, address, .. } = core.message;
            Some(RoundSignature::new(kind, value, address, core.signature))
        });
        Some(RoundCertificate {
            height: CoreHeight(first.height),
            round: known(first.round)?,
            cert_type: match reason {
                RoundReason::Skip => RoundCertificateType::Skip,
                RoundReason::Precommits => RoundCertificateType::Precommit,
            },
            round_signatures: signatures.collect::<Option<_>>()?,
        })
    }

    /// Votes of ours that were withheld are left out.
    pub(super) fn round_out(&self, round: &RoundCertificate<Rules>) -> (RoundReason, Vec<SignedVote>) {
        let reason = match round.cert_type {
            RoundCertificateType::Skip => RoundReason::Skip,
            RoundCertificateType::Precommit => RoundReason::Precommits,
        };
        (reason, round.votes(&self.rules).filter_map(|core| self.vote_out(&core)).collect())
    }

    /// The precommits of a certificate as single votes, for the one tally there is.
    pub(super) fn commit_votes(&self, commit: &CoreCommit<Rules>) -> Result<Vec<SignedVote>, QuorumFault> {
        let votes = commit.commit_signatures.iter().map(|signed| {
            let vote = CoreVote {
                kind: malachite_types::VoteType::Precommit,
                height: commit.height,
                round: commit.round,
                value: NilOrVal::Val(commit.value_id),
                address: signed.address,
            };
            self.vote_out(&SignedMessage::new(vote, signed.signature))
        });
        votes.collect::<Option<_>>().ok_or(QuorumFault::MixedVotes)
    }

    pub(super) fn commit_out(&self, commit: &CoreCommit<Rules>) -> Option<CommitCertificate> {
        let mut votes = self.commit_votes(commit).ok()?;
        votes.sort_by_key(|signed| signed.signer);
        let indexes = votes.iter().map(|signed| signed.signer);
        let signatures: Vec<Signature> = votes.iter().map(|signed| signed.signature).collect();
        Some(CommitCertificate {
            chain_id: self.rules.chain_id,
            set_id: self.rules.set_id(commit.height.0),
            height: commit.height.0,
            round: Round(commit.round.as_u32()?),
            block_id: commit.value_id.0,
            bitmap: Bitmap::of(self.members.set().members().len(), indexes),
            signatures,
        })
    }

    /// What the core saw members do wrong at its height.
    pub(super) fn offences_out(&self, evidence: &MisbehaviorEvidence<Rules>) -> Vec<Offence> {
        let mut found = Vec::new();
        for address in (0..).map_while(|index| self.members.address(index)) {
            for (first, second) in evidence.votes.get(&address).into_iter().flatten() {
                let votes = self.vote_out(first).zip(self.vote_out(second));
                found.extend(votes.map(|(first, second)| Offence::DoubleVote(DoubleVote { first, second })));
            }
            for (first, second) in evidence.proposals.get(&address).into_iter().flatten() {
                let both = self.proposal_out(first).zip(self.proposal_out(second));
                found.extend(
                    both.map(|(first, second)| Offence::DoubleProposal(DoubleProposal { first, second })),
                );
            }
        }
        found
    }

    pub(super) fn judgement_in(&self, judgement: &Judgement) -> Option<Input<Rules>> {
        let value = ProposedValue {
            height: CoreHeight(judgement.height),
            round: known(judgement.round)?,
            valid_round: CoreRound::Nil,
            proposer: self.members.address(judgement.proposer)?,
            value: Choice(judgement.block_id),
            validity: Validity::from_bool(judgement.valid),
        };
        Some(Input::ProposedValue(value, ValueOrigin::Consensus))
    }

    /// The core's input of a log entry; `None` for those that are the host's alone.
    pub(super) fn entry_in(&self, entry: &Entry) -> Option<Input<Rules>> {
        match entry {
            Entry::Vote(vote) => self.vote_in(vote).map(Input::Vote),
            Entry::Proposal(proposal) => self.proposal_in(proposal).map(Input::Proposal),
            Entry::Judgement(judgement) => self.judgement_in(judgement),
            Entry::Polka(votes) => self.polka_in(votes).map(Input::PolkaCertificate),
            Entry::Timeout(_, timer) => Some(Input::TimeoutElapsed(timer_in(*timer))),
            Entry::Block(_) => None,
        }
    }

    /// The log entry of an input; `None` for inputs that need none and for withheld votes.
    pub(super) fn entry_out(&self, height: Height, input: &Input<Rules>) -> Option<Entry> {
        match input {
            Input::Vote(vote) => self.vote_out(vote).map(Entry::Vote),
            Input::Proposal(proposal) => self.proposal_out(proposal).map(Entry::Proposal),
            Input::ProposedValue(value, _) => Some(Entry::Judgement(Judgement {
                height: value.height.0,
                round: Round(value.round.as_u32()?),
                proposer: self.members.index_of(&value.proposer)?,
                block_id: value.value.0,
                valid: value.validity.is_valid(),
            })),
            Input::PolkaCertificate(polka) => self.polka_out(polka).map(Entry::Polka),
            Input::TimeoutElapsed(timeout) => timer_out(*timeout).map(|timer| Entry::Timeout(height, timer)),
            _ => None,
        }
    }
}

pub(super) const fn timer_in(timer: Timer) -> Timeout {
    let kind = match timer.kind {
        TimerKind::Propose => TimeoutKind::Propose,
        TimerKind::Prevote => TimeoutKind::Prevote,
        TimerKind::Precommit => TimeoutKind::Precommit,
        TimerKind::Rebroadcast => TimeoutKind::Rebroadcast,
    };
    Timeout::new(CoreRound::new(timer.round.0), kind)
}

/// `None` for the core's own waiting after a decision, which we never ask for.
pub(super) fn timer_out(timeout: Timeout) -> Option<Timer> {
    let kind = match timeout.kind {
        TimeoutKind::Propose => TimerKind::Propose,
        TimeoutKind::Prevote => TimerKind::Prevote,
        TimeoutKind::Precommit => TimerKind::Precommit,
        TimeoutKind::Rebroadcast => TimerKind::Rebroadcast,
        TimeoutKind::FinalizeHeight(_) => return None,
    };
    Some(Timer { kind, round: Round(timeout.round.as_u32()?) })
}
