//! Who voted for what, lately? The signed votes and proposals of the height that is voted on and of
//! the two before, for light nodes to count themselves. Only what is well signed is in here, and of
//! each signer only so much.

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
};

use qratum_chain::{
    schedule,
    types::{BlockId, ChainId, Height, Phase, Round, SignedProposal, SignedVote, ValidatorSet},
};
use qratum_light_node::wire::{MAX_OF_HEIGHT, MAX_OF_MEMBER, Response};
use qratum_verifier::ballots::BEFORE;

use crate::{engine::Entry, ledger::Ledger, quorum::verify_vote};

/// The votes of one signer, one for each value in each place: four rounds of an honest one. Whoever
/// votes more pushes out none but their own.
type Votes = BTreeMap<(Round, Phase, Option<BlockId>), SignedVote>;

/// Votes and proposals of one height, whose members are `set`.
#[derive(Debug)]
struct Ballots {
    height: Height,
    set: ValidatorSet,
    votes: BTreeMap<u32, Votes>,
    /// Those of the newest rounds.
    proposals: BTreeMap<(Round, BlockId), SignedProposal>,
}

impl Ballots {
    const fn new(height: Height, set: ValidatorSet) -> Self {
        Self { height, set, votes: BTreeMap::new(), proposals: BTreeMap::new() }
    }

    fn vote(&mut self, signed: SignedVote) {
        let place = (signed.vote.round, signed.vote.phase, signed.vote.value);
        let own = self.votes.entry(signed.signer).or_default();
        own.entry(place).or_insert(signed);
        if own.len() > MAX_OF_MEMBER {
            own.pop_first();
        }
    }

    fn proposal(&mut self, signed: SignedProposal) {
        let place = (signed.proposal.round, signed.proposal.block_id);
        self.proposals.entry(place).or_insert(signed);
        if self.proposals.len() > MAX_OF_HEIGHT {
            self.proposals.pop_first();
        }
    }

    fn has(&self, signed: &SignedVote) -> bool {
        let place = (signed.vote.round, signed.vote.phase, signed.vote.value);
        self.votes.get(&signed.signer).is_some_and(|own| own.contains_key(&place))
    }
}

/// What was heard of the last heights.
#[derive(Debug)]
pub struct Heard {
    chain_id: ChainId,
    set_length: u64,
    /// Of the height that is voted on.
    now: Ballots,
    /// Of those before at which this process was there, rising.
    before: VecDeque<Ballots>,
}

impl Heard {
    /// Nothing yet, at the height above the tip.
    pub(super) fn new(ledger: &Ledger) -> Self {
        Self {
            chain_id: ledger.chain_id(),
            set_length: ledger.params().set_length,
            now: Ballots::new(ledger.tip().height.next(), ledger.set().clone()),
            before: VecDeque::new(),
        }
    }

    /// Goes on to a later height.
    pub(super) fn enter(&mut self, height: Height, set: ValidatorSet) {
        self.before.push_back(mem::replace(&mut self.now, Ballots::new(height, set)));
        self.before.retain(|ballots| height.0.saturating_sub(ballots.height.0) <= BEFORE);
    }

    /// Takes what the engine wrote down at this height: it has checked every signature in it.
    pub(super) fn logged(&mut self, entry: &Entry) {
        match entry {
            Entry::Vote(signed) => self.now.vote(signed.clone()),
            Entry::Polka(votes) => votes.iter().for_each(|signed| self.now.vote(signed.clone())),
            Entry::Proposal(signed) => self.now.proposal(signed.clone()),
            Entry::Judgement(_) | Entry::Timeout(..) | Entry::Block(_) => {}
        }
    }

    /// Takes a vote for a height before, if it belongs there and its signature holds: light nodes hold
    /// whoever passes on another to be a liar.
    pub(super) fn late(&mut self, signed: SignedVote) {
        let vote = &signed.vote;
        let at = |ballots: &&mut Ballots| ballots.height == vote.height;
        let Some(ballots) = self.before.iter_mut().find(at) else { return };
        let set_id = schedule::set_of(vote.height, self.set_length);
        let belongs = (vote.chain_id, vote.set_id) == (self.chain_id, set_id) && !ballots.has(&signed);
        if belongs && verify_vote(&ballots.set, signed.signer, vote, &signed.signature).is_ok() {
            ballots.vote(signed);
        }
    }

    /// All of it, the lowest height first.
    #[must_use]
    pub fn answer(&self) -> Response {
        let heights = || self.before.iter().chain([&self.now]);
        let votes = heights().flat_map(|ballots| ballots.votes.values().flat_map(BTreeMap::values));
        let proposals = heights().flat_map(|ballots| ballots.proposals.values());
        Response::Votes {
            height: self.now.height,
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
        types::{Proposal, SetId, Vote},
    };
    use qratum_light_node::wire::{MAX_PROPOSALS, MAX_VOTES};

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
        Heard::new(&ledger(2))
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
    fn late_precommits_of_the_heights_before_count_if_their_signature_holds() {
        let set = ledger(2).set().clone();
        let mut heard = at_three();
        heard.late(vote(0, 0, 1));
        assert_eq!(votes(&heard), [], "nothing is late at the height itself");
        heard.logged(&Entry::Vote(vote(0, 0, 1)));
        heard.enter(Height(4), set.clone());
        let late = vote(1, 0, 1);
        let forged = SignedVote { signer: 3, ..vote(2, 0, 1) };
        let stranger = SignedVote { signer: 4, ..vote(2, 0, 1) };
        let signed = |vote: Vote| SignedVote { signature: key(2).sign(&vote.sign_bytes()), signer: 2, vote };
        let elsewhere = signed(Vote { chain_id: ChainId(Hash([9; 32])), ..vote(2, 0, 1).vote });
        let other_set = signed(Vote { set_id: SetId(7), ..vote(2, 0, 1).vote });
        for signed in [&late, &forged, &stranger, &elsewhere, &other_set] {
            heard.late(signed.clone());
        }
        assert_eq!(votes(&heard), [vote(0, 0, 1), late]);
        heard.enter(Height(5), set.clone());
        heard.late(vote(2, 0, 1));
        assert_eq!(votes(&heard), [vote(0, 0, 1), vote(1, 0, 1), vote(2, 0, 1)], "two heights back");
        heard.enter(Height(6), set.clone());
        assert_eq!(votes(&heard), [], "three heights back is over");
        let mut heard = at_three();
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
        let made = Proposal {
            chain_id: signed.vote.chain_id,
            set_id: SetId(0),
            height,
            round: Round(0),
            pol_round: -1,
            block_id: BlockId(Hash([1; 32])),
        };
        let made = SignedProposal { proposal: made, signer: 0, signature: signed.signature };
        let bytes = full(vec![signed.clone(); MAX_VOTES], vec![made; MAX_PROPOSALS]).to_bytes();
        assert!(bytes.len() < MAX_RESPONSE, "{}", bytes.len());
        assert!(Response::from_bytes(&bytes).is_ok());
        assert!(Response::from_bytes(&full(vec![signed; MAX_VOTES + 1], Vec::new()).to_bytes()).is_err());
    }
}
