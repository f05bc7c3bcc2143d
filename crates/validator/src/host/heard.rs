//! Who voted for what, lately? The signed votes and proposals of the height that is voted on and of
//! the one before, for light nodes to count themselves. Only what is well signed is in here, and of
//! each signer only so much.

use std::collections::BTreeMap;

use qratum_chain::types::{
    BlockId, Height, MAX_VALIDATORS, Phase, Round, SignedProposal, SignedVote, ValidatorSet,
};
use qratum_light_node::wire::{MAX_PROPOSALS, MAX_VOTES, Response};

use crate::{engine::Entry, quorum::verify_vote};

/// How many votes of one signer are kept for a height: four rounds of an honest one. Whoever votes
/// more pushes out none but their own.
const A_SIGNER: usize = MAX_VOTES / MAX_VALIDATORS / 2;
/// How many proposals are kept for a height: those of the newest rounds.
const PROPOSALS: usize = MAX_PROPOSALS / 2;

/// The votes of one signer: one for each value in each place.
type Votes = BTreeMap<(Round, Phase, Option<BlockId>), SignedVote>;

/// Votes and proposals of one height.
#[derive(Debug, Default)]
struct Ballots {
    votes: BTreeMap<u32, Votes>,
    proposals: BTreeMap<(Round, BlockId), SignedProposal>,
}

impl Ballots {
    fn vote(&mut self, signed: SignedVote) {
        let place = (signed.vote.round, signed.vote.phase, signed.vote.value);
        let own = self.votes.entry(signed.signer).or_default();
        own.entry(place).or_insert(signed);
        if own.len() > A_SIGNER {
            own.pop_first();
        }
    }

    fn proposal(&mut self, signed: SignedProposal) {
        let place = (signed.proposal.round, signed.proposal.block_id);
        self.proposals.entry(place).or_insert(signed);
        if self.proposals.len() > PROPOSALS {
            self.proposals.pop_first();
        }
    }

    fn has(&self, signed: &SignedVote) -> bool {
        let place = (signed.vote.round, signed.vote.phase, signed.vote.value);
        self.votes.get(&signed.signer).is_some_and(|own| own.contains_key(&place))
    }
}

/// What was heard of two heights.
#[derive(Debug)]
pub struct Heard {
    /// The height that is voted on.
    height: Height,
    set: ValidatorSet,
    ballots: Ballots,
    /// The height before with its set, if this process was there.
    before: Option<(ValidatorSet, Ballots)>,
}

impl Heard {
    /// Nothing yet, at `height`, whose votes are those of `set`.
    pub(super) fn new(height: Height, set: ValidatorSet) -> Self {
        Self { height, set, ballots: Ballots::default(), before: None }
    }

    /// Goes on to a later height.
    pub(super) fn enter(&mut self, height: Height, set: ValidatorSet) {
        let next = self.height.next() == height;
        let left = std::mem::replace(self, Self::new(height, set));
        self.before = next.then_some((left.set, left.ballots));
    }

    /// Takes what the engine wrote down at this height: it has checked every signature in it.
    pub(super) fn logged(&mut self, entry: &Entry) {
        match entry {
            Entry::Vote(signed) => self.ballots.vote(signed.clone()),
            Entry::Polka(votes) => votes.iter().for_each(|signed| self.ballots.vote(signed.clone())),
            Entry::Proposal(signed) => self.ballots.proposal(signed.clone()),
            Entry::Judgement(_) | Entry::Timeout(..) | Entry::Block(_) => {}
        }
    }

    /// Takes a vote for the height before, if it belongs there and its signature holds.
    pub(super) fn late(&mut self, signed: SignedVote) {
        let Some((set, ballots)) = &mut self.before else { return };
        let fits = signed.vote.height.next() == self.height && !ballots.has(&signed);
        if fits && verify_vote(set, signed.signer, &signed.vote, &signed.signature).is_ok() {
            ballots.vote(signed);
        }
    }

    /// All of it, the height before first.
    #[must_use]
    pub fn answer(&self) -> Response {
        let heights = || self.before.iter().map(|(_, ballots)| ballots).chain([&self.ballots]);
        let votes = heights().flat_map(|ballots| ballots.votes.values().flat_map(BTreeMap::values));
        let proposals = heights().flat_map(|ballots| ballots.proposals.values());
        Response::Votes {
            height: self.height,
            votes: votes.cloned().collect(),
            proposals: proposals.cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{certificate, key, ledger};
    use qratum_chain::{
        Hash,
        codec::{Decode, Encode},
        types::Vote,
    };

    /// A vote of member `by` at height 3, in this round, for block number `value`.
    fn vote(by: u32, round: u32, value: u8) -> SignedVote {
        let value = (value > 0).then_some(BlockId(Hash([value; 32])));
        let vote = Vote {
            height: Height(3),
            round: Round(round),
            value,
            ..certificate(ledger(2).tip(), 4, &[]).vote()
        };
        SignedVote { signature: key(by).sign(&vote.sign_bytes()), signer: by, vote }
    }

    fn votes(heard: &Heard) -> Vec<SignedVote> {
        let Response::Votes { votes, .. } = heard.answer() else { panic!() };
        votes
    }

    fn at_three() -> Heard {
        Heard::new(Height(3), ledger(2).set().clone())
    }

    #[test]
    fn both_votes_of_a_double_voter_are_kept_and_a_flood_pushes_out_none_but_its_own() {
        let mut heard = at_three();
        let (first, second, honest) = (vote(0, 0, 1), vote(0, 0, 2), vote(1, 0, 1));
        for signed in [&first, &second, &honest, &first] {
            heard.logged(&Entry::Vote(signed.clone()));
        }
        assert_eq!(votes(&heard), [first, second, honest.clone()]);
        for round in 0..100 {
            heard.logged(&Entry::Vote(vote(0, round, 1)));
        }
        let rounds: Vec<_> =
            votes(&heard).iter().map(|signed| (signed.signer, signed.vote.round.0)).collect();
        assert_eq!(
            rounds,
            [92, 93, 94, 95, 96, 97, 98, 99]
                .map(|round| (0, round))
                .into_iter()
                .chain([(1, 0)])
                .collect::<Vec<_>>()
        );
        assert_eq!(votes(&heard).last(), Some(&honest));
    }

    #[test]
    fn late_precommits_of_the_height_before_count_if_their_signature_holds() {
        let set = ledger(2).set().clone();
        let mut heard = at_three();
        heard.late(vote(0, 0, 1));
        assert_eq!(votes(&heard), [], "nothing is late at the height itself");
        heard.logged(&Entry::Vote(vote(0, 0, 1)));
        heard.enter(Height(4), set.clone());
        let late = vote(1, 0, 1);
        let forged = SignedVote { signer: 3, ..vote(2, 0, 1) };
        let stranger = SignedVote { signer: 4, ..vote(2, 0, 1) };
        for signed in [&late, &forged, &stranger] {
            heard.late(signed.clone());
        }
        assert_eq!(votes(&heard), [vote(0, 0, 1), late]);
        heard.enter(Height(5), set.clone());
        assert_eq!(votes(&heard), [], "two heights back is over");
        heard.enter(Height(9), set);
        heard.late(vote(1, 0, 1));
        assert_eq!(votes(&heard), [], "heights that were jumped over have no ballots");
    }

    #[test]
    fn the_fullest_answer_can_be_read_and_fits_its_frame() {
        use qratum_light_node::wire::MAX_RESPONSE;
        let height = Height(3);
        let full = |votes, proposals| Response::Votes { height, votes, proposals };
        let signed = vote(0, 0, 1);
        let bytes = full(vec![signed.clone(); MAX_VOTES], Vec::new()).to_bytes();
        assert!(bytes.len() < MAX_RESPONSE, "{}", bytes.len());
        assert!(Response::from_bytes(&bytes).is_ok());
        assert!(Response::from_bytes(&full(vec![signed; MAX_VOTES + 1], Vec::new()).to_bytes()).is_err());
    }
}
