//! The votes and proposals of one height that its set has signed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use qratum_chain::{
    schedule,
    types::{BlockId, DoubleProposal, DoubleVote, Phase, Round, SignedProposal, SignedVote, ValidatorSet},
};
use qratum_crypto::sign::ed25519::{self, PublicKey};

use crate::{Reject, Rules, detect, quorum::Tally};

/// Votes of one member that are kept for a height: those of its newest places.
pub(super) const A_MEMBER: usize = 8;
/// Proposals that are kept for a height: those of its newest rounds.
const PROPOSALS: usize = 8;

/// How far the vote in one round has come, in verified power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundVotes {
    /// Which round.
    pub round: Round,
    /// Whether its proposer was heard.
    pub proposed: bool,
    /// Power whose first vote is known, for whatever value.
    pub prevotes: Tally,
    /// Power whose second vote is known.
    pub precommits: Tally,
}

/// What is known of one height.
#[derive(Debug)]
pub(super) struct Polled {
    pub(super) set: Arc<ValidatorSet>,
    pub(super) votes: BTreeMap<u32, BTreeMap<(Round, Phase), SignedVote>>,
    proposals: BTreeMap<Round, SignedProposal>,
    /// Who told it when it had left this height behind.
    pub(super) sources: BTreeSet<usize>,
}

impl Polled {
    pub(super) const fn new(set: Arc<ValidatorSet>) -> Self {
        Self { set, votes: BTreeMap::new(), proposals: BTreeMap::new(), sources: BTreeSet::new() }
    }

    /// Keeps a vote that verifies. Returns the proof where it contradicts one that is kept.
    pub(super) fn vote(
        &mut self,
        signed: &SignedVote,
        rules: &Rules,
    ) -> Result<Option<(PublicKey, DoubleVote)>, Reject> {
        let (signer, vote) = (signed.signer, &signed.vote);
        let (member, key) = self.set.member(signer).ok_or(Reject::SignerNotInSet { signer })?;
        let own = self.votes.get(&signer);
        let place = (vote.round, vote.phase);
        let full = own.is_some_and(|own| own.len() >= A_MEMBER);
        let lowest = own.and_then(|own| own.first_key_value());
        match own.and_then(|own| own.get(&place)) {
            Some(first) if first == signed => Ok(None),
            Some(first) if first.vote.value != vote.value => {
                let double = DoubleVote { first: first.clone(), second: signed.clone() };
                detect::double_vote(&double, &self.set, rules)?;
                Ok(Some((member.pubkey, double)))
            }
            None if full && lowest.is_some_and(|(lowest, _)| place < *lowest) => Ok(None),
            // Until it is verified nothing says that this member was heard.
            _ => {
                key.verify(&vote.sign_bytes(), &signed.signature)
                    .map_err(|_| Reject::BadSignature { signer })?;
                let own = self.votes.entry(signer).or_default();
                own.entry(place).or_insert_with(|| signed.clone());
                if own.len() > A_MEMBER {
                    own.pop_first();
                }
                Ok(None)
            }
        }
    }

    /// The same for a proposal. Those of members whose turn it is not are left alone: they say
    /// nothing about the vote.
    pub(super) fn proposal(
        &mut self,
        signed: SignedProposal,
        rules: &Rules,
    ) -> Result<Option<(PublicKey, DoubleProposal)>, Reject> {
        let (signer, made) = (signed.signer, &signed.proposal);
        let (member, _) = self.set.member(signer).ok_or(Reject::SignerNotInSet { signer })?;
        match self.proposals.get(&made.round) {
            Some(first) if *first == signed => Ok(None),
            Some(first) if first.signer == signer && first.proposal.block_id != made.block_id => {
                let double = DoubleProposal { first: first.clone(), second: signed };
                detect::double_proposal(&double, &self.set, rules)?;
                Ok(Some((member.pubkey, double)))
            }
            _ => {
                ed25519::verify_strict(&member.pubkey, &made.sign_bytes(), &signed.signature)
                    .map_err(|_| Reject::BadSignature { signer })?;
                if schedule::proposer(&self.set, made.height, made.round) == signer {
                    self.proposals.entry(made.round).or_insert(signed);
                }
                if self.proposals.len() > PROPOSALS {
                    self.proposals.pop_first();
                }
                Ok(None)
            }
        }
    }

    /// A peer that has left this height behind told votes of these members, all verified. It counts as
    /// a source where they are more than two thirds: one that was away knows less, and whom it leaves
    /// out may have voted.
    pub(super) fn told(&mut self, source: usize, signers: impl Iterator<Item = u32>) {
        if Tally::of(&self.set, signers).is_quorum() {
            self.sources.insert(source);
        }
    }

    /// More than two thirds of the power was heard at this height.
    pub(super) fn is_covered(&self) -> bool {
        Tally::of(&self.set, self.votes.keys().copied()).is_quorum()
    }

    /// More than two thirds of the power precommitted to one block.
    pub(super) fn is_decided(&self) -> bool {
        let mut by_value: BTreeMap<(Round, BlockId), Vec<u32>> = BTreeMap::new();
        for (signer, own) in &self.votes {
            for vote in own.values().map(|signed| &signed.vote) {
                if let (Phase::Precommit, Some(value)) = (vote.phase, vote.value) {
                    by_value.entry((vote.round, value)).or_default().push(*signer);
                }
            }
        }
        by_value.into_values().any(|signers| Tally::of(&self.set, signers).is_quorum())
    }

    /// Who voted at each place.
    fn voters(&self) -> BTreeMap<(Round, Phase), Vec<u32>> {
        let mut voters: BTreeMap<(Round, Phase), Vec<u32>> = BTreeMap::new();
        for (signer, own) in &self.votes {
            own.keys().for_each(|place| voters.entry(*place).or_default().push(*signer));
        }
        voters
    }

    /// Places at which anybody voted.
    pub(super) fn places(&self) -> impl Iterator<Item = (Round, Phase)> {
        self.voters().into_keys()
    }

    /// Places at which more than two thirds of the power voted, for whatever values.
    pub(super) fn quorums(&self) -> impl Iterator<Item = (Round, Phase)> {
        let reached =
            |(_, signers): &(_, Vec<u32>)| Tally::of(&self.set, signers.iter().copied()).is_quorum();
        self.voters().into_iter().filter(reached).map(|(place, _)| place)
    }

    /// How far each round has come, rising.
    pub(super) fn rounds(&self) -> Vec<RoundVotes> {
        let voters = self.voters();
        let rounds = voters.keys().map(|(round, _)| *round).chain(self.proposals.keys().copied());
        let tally =
            |round, phase| Tally::of(&self.set, voters.get(&(round, phase)).into_iter().flatten().copied());
        let told = |round| RoundVotes {
            round,
            proposed: self.proposals.contains_key(&round),
            prevotes: tally(round, Phase::Prevote),
            precommits: tally(round, Phase::Precommit),
        };
        rounds.collect::<BTreeSet<_>>().into_iter().map(told).collect()
    }
}
