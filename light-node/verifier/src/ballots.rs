//! Who votes for what at the head and above? Votes as peers hand them over, of which only those are
//! kept that a member of the height's set has signed.
//!
//! Votes are no certificate and prove no block: they show who takes part, and how far the vote on
//! the next height has come. A peer can withhold them, so nobody is called silent on the word of one
//! where there are more; nobody can invent them. Heights for which no set is known are left alone: at the end of a set that
//! changes, those above the head.
//!
//! Memory is bounded by a few heights around the head and a few votes of each member in each, and so
//! is the work: of one member only so many are looked at in an answer, and the first that is refused
//! ends it.

mod polled;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use qratum_chain::{
    schedule,
    types::{
        BlockId, ChainId, Height, Offence, Phase, Round, SetId, SignedProposal, SignedVote, ValidatorSet,
    },
};
use qratum_crypto::sign::ed25519::PublicKey;

pub use self::polled::RoundVotes;
use self::polled::{A_MEMBER, Polled};
use crate::{Reject, Rules, Trusted};

/// Of so many heights before the one that it votes on a peer tells the votes too: whoever asks for the
/// first time learns at once who voted at two heights that are decided, and late votes come after the
/// block.
pub const BEFORE: u64 = 2;
/// How far below and above the head votes are kept: a peer may be ahead.
const WINDOW: u64 = 2;
/// Double votes and double proposals that are kept, the first of each member.
const EVIDENCE: usize = 32;
/// Rounds of a height that are told.
const ROUNDS: usize = 8;

/// Where a vote belongs. Places rise as the chain goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// At which height.
    pub height: Height,
    /// In which round.
    pub round: Round,
    /// Which of the two votes.
    pub phase: Phase,
}

/// A verified vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cast {
    /// Where it belongs.
    pub place: Place,
    /// For which block; none is a vote for nil.
    pub value: Option<BlockId>,
}

/// The votes at the head and above.
#[derive(Debug)]
pub struct Ballots {
    rules: Rules,
    head: Height,
    /// The set that certifies the height above the head; the head's, where that is not known.
    voters: Arc<ValidatorSet>,
    sets: BTreeMap<SetId, Arc<ValidatorSet>>,
    heights: BTreeMap<Height, Polled>,
    /// The last verified vote of each key, certificates of heads included.
    last: BTreeMap<PublicKey, Cast>,
    evidence: Vec<(PublicKey, Offence)>,
}

impl Ballots {
    /// Nothing heard yet.
    #[must_use]
    pub fn new(head: &Trusted, rules: Rules) -> Self {
        let mut ballots = Self {
            rules,
            head: Height(0),
            voters: Arc::clone(head.validators()),
            sets: BTreeMap::new(),
            heights: BTreeMap::new(),
            last: BTreeMap::new(),
            evidence: Vec::new(),
        };
        ballots.head(head);
        ballots
    }

    /// A new head was verified: its certificate holds votes too, and what lies below is forgotten.
    pub fn head(&mut self, head: &Trusted) {
        let (height, set) = (head.header().get().height, head.validators());
        let length = self.rules.params.set_length;
        let next = head.next_validators().unwrap_or(set);
        self.sets.insert(schedule::set_of(height, length), Arc::clone(set));
        if let Some(next) = head.next_validators() {
            self.sets.insert(schedule::set_of(height.next(), length), Arc::clone(next));
        }
        (self.head, self.voters) = (height, Arc::clone(next));
        let lowest = Height(height.0.saturating_sub(WINDOW));
        let first_set = schedule::set_of(lowest, length);
        self.heights = self.heights.split_off(&lowest);
        self.sets = self.sets.split_off(&first_set);
        let members: BTreeSet<PublicKey> = self.sets.values().flat_map(keys).collect();
        self.last.retain(|key, _| members.contains(key));
        let round = Round(head.round().and_then(|round| u32::try_from(round).ok()).unwrap_or(u32::MAX));
        let place = Place { height, round, phase: Phase::Precommit };
        for signer in head.signers() {
            self.cast(set, *signer, Cast { place, value: Some(head.id()) });
        }
    }

    /// Takes the answer of a peer, whom a number stands for: the height it says it votes on, with votes
    /// and proposals of that height and the [`BEFORE`] it. What verifies is kept, whoever sent it, also
    /// when a later one is refused.
    ///
    /// # Errors
    /// [`Reject::WrongChain`], [`Reject::NotAsked`] for another height, [`Reject::WrongSetId`],
    /// [`Reject::SignerNotInSet`], [`Reject::BadSignature`]: nobody who votes or passes votes on
    /// honestly sends such.
    pub fn take(
        &mut self,
        (source, said): (usize, Height),
        votes: Vec<SignedVote>,
        proposals: Vec<SignedProposal>,
    ) -> Result<(), Reject> {
        let mut looked: BTreeMap<(Height, u32), usize> = BTreeMap::new();
        for signed in votes {
            let vote = &signed.vote;
            self.belongs((vote.chain_id, vote.set_id, vote.height), said)?;
            let looked = looked.entry((vote.height, signed.signer)).or_default();
            *looked = looked.saturating_add(1);
            if *looked > A_MEMBER {
                continue;
            }
            if let Some((polled, rules)) = self.polled(signed.vote.height) {
                if let Some((key, double)) = polled.vote(&signed, rules)? {
                    self.accuse(key, Offence::DoubleVote(double));
                }
                self.voted(&signed);
            }
        }
        for signed in proposals {
            let made = &signed.proposal;
            self.belongs((made.chain_id, made.set_id, made.height), said)?;
            if let Some((polled, rules)) = self.polled(signed.proposal.height)
                && let Some((key, double)) = polled.proposal(signed, rules)?
            {
                self.accuse(key, Offence::DoubleProposal(double));
            }
        }
        for passed in (1..=BEFORE).filter_map(|before| said.0.checked_sub(before).map(Height)) {
            let told = looked.keys().filter(|(height, _)| *height == passed).map(|(_, signer)| *signer);
            if let Some((polled, _)) = self.polled(passed) {
                polled.told(source, told);
            }
        }
        Ok(())
    }

    /// The set whose votes decide the next height, as far as it is known.
    #[must_use]
    pub const fn voters(&self) -> &Arc<ValidatorSet> {
        &self.voters
    }

    /// The last verified vote of a key.
    #[must_use]
    pub fn last(&self, key: &PublicKey) -> Option<Cast> {
        self.last.get(key).copied()
    }

    /// Members that were proven to break the protocol, with the proof: the first of each.
    #[must_use]
    pub fn evidence(&self) -> &[(PublicKey, Offence)] {
        &self.evidence
    }

    /// The newest height of which votes are known, and how far each round has come: the newest
    /// rounds, rising.
    #[must_use]
    pub fn progress(&self) -> Option<(Height, Vec<RoundVotes>)> {
        let (height, polled) = self.newest()?;
        let mut rounds: Vec<_> = polled.rounds().into_iter().rev().take(ROUNDS).collect();
        rounds.reverse();
        Some((*height, rounds))
    }

    /// The votes of a key at that height, rising by place.
    #[must_use]
    pub fn votes(&self, key: &PublicKey) -> Vec<Cast> {
        let Some((height, polled)) = self.newest() else { return Vec::new() };
        let own = polled.set.index_of(key).and_then(|signer| polled.votes.get(&signer));
        let cast = |((round, phase), signed): (&(Round, Phase), &SignedVote)| Cast {
            place: Place { height: *height, round: *round, phase: *phase },
            value: signed.vote.value,
        };
        own.into_iter().flatten().map(cast).collect()
    }

    /// The newest height of which votes are known.
    fn newest(&self) -> Option<(&Height, &Polled)> {
        self.heights.iter().rev().find(|(_, polled)| !polled.votes.is_empty())
    }

    /// The highest place at which more than two thirds of the power has voted, for whatever value;
    /// at least the head's own.
    #[must_use]
    pub fn reached(&self) -> Place {
        let head = Place { height: self.head, round: Round(u32::MAX), phase: Phase::Precommit };
        let places = self.heights.iter().flat_map(|(height, polled)| polled.quorums().map(at(*height)));
        places.max().map_or(head, |place| place.max(head))
    }

    /// The lowest place beyond [`Self::reached`] at which anybody has voted: there the vote stands.
    #[must_use]
    pub fn open(&self) -> Option<Place> {
        let reached = self.reached();
        let places = self.heights.iter().flat_map(|(height, polled)| polled.places().map(at(*height)));
        places.filter(|place| *place > reached).min()
    }

    /// Members of [`Self::voters`] that seem to be gone, by index: without a vote from the last two
    /// heights on that are decided and of whose votes more than two thirds is known; so many `sources`
    /// that left the lower one behind have each told as much of it. Where the chain is `stuck`, also those that
    /// have no vote beyond [`Self::reached`], while others have.
    #[must_use]
    pub fn silent(&self, stuck: bool, sources: usize) -> Vec<u32> {
        let lower = self.second_decided(sources);
        let open = self.open().filter(|_| stuck).map(|_| self.reached());
        let is_silent = |key: &PublicKey| {
            let last = self.last(key).map(|cast| cast.place);
            let long = lower.is_some_and(|(height, polled)| {
                polled.set.index_of(key).is_some() && last.is_none_or(|place| place.height < *height)
            });
            long || open.is_some_and(|reached| last.is_none_or(|place| place <= reached))
        };
        let members = (0u32..).zip(self.voters.members());
        members.filter(|(_, member)| is_silent(&member.pubkey)).map(|(index, _)| index).collect()
    }

    /// Whether votes of two decided heights are known, of the lower one from so many `sources`: then it
    /// can be said who is silent.
    #[must_use]
    pub fn is_known(&self, sources: usize) -> bool {
        self.second_decided(sources).is_some()
    }

    /// Whether a member that is not called silent has no vote from the highest height on that is decided:
    /// it is late, or will be called so after the next.
    #[must_use]
    pub fn is_anybody_late(&self, sources: usize) -> bool {
        let Some((height, polled)) = self.decided().next() else { return false };
        let silent = self.silent(false, sources);
        let late = |(index, key): (u32, PublicKey)| {
            let votes = self.last(&key).is_some_and(|cast| cast.place.height >= *height);
            !votes && polled.set.index_of(&key).is_some() && !silent.contains(&index)
        };
        (0u32..).zip(keys(&self.voters)).any(late)
    }

    /// The second highest height that is decided and of whose votes more than two thirds is known.
    fn second_decided(&self, sources: usize) -> Option<(&Height, &Polled)> {
        self.decided().nth(1).filter(|(_, polled)| polled.sources.len() >= sources)
    }

    /// Heights that are decided and of whose votes more than two thirds is known, falling.
    fn decided(&self) -> impl Iterator<Item = (&Height, &Polled)> {
        self.heights
            .iter()
            .rev()
            .filter(|(height, polled)| polled.is_covered() && (**height <= self.head || polled.is_decided()))
    }

    fn belongs(&self, (chain, set, height): (ChainId, SetId, Height), said: Height) -> Result<(), Reject> {
        if chain != self.rules.chain_id {
            return Err(Reject::WrongChain { got: chain, want: self.rules.chain_id });
        }
        if said.0.checked_sub(height.0).is_none_or(|before| before > BEFORE) {
            return Err(Reject::NotAsked { got: height, want: said });
        }
        let want = schedule::set_of(height, self.rules.params.set_length);
        if set == want { Ok(()) } else { Err(Reject::WrongSetId { got: set, want }) }
    }

    /// Where votes of this height go; nowhere, when it is out of the window or its set not known.
    fn polled(&mut self, height: Height) -> Option<(&mut Polled, &Rules)> {
        let far = height.0.abs_diff(self.head.0) > WINDOW || height == Height(0);
        let set = self.sets.get(&schedule::set_of(height, self.rules.params.set_length)).filter(|_| !far)?;
        let polled = self.heights.entry(height).or_insert_with(|| Polled::new(Arc::clone(set)));
        Some((polled, &self.rules))
    }

    fn voted(&mut self, signed: &SignedVote) {
        let vote = &signed.vote;
        let Some(set) = self.heights.get(&vote.height).map(|polled| Arc::clone(&polled.set)) else { return };
        let place = Place { height: vote.height, round: vote.round, phase: vote.phase };
        self.cast(&set, signed.signer, Cast { place, value: vote.value });
    }

    fn cast(&mut self, set: &ValidatorSet, signer: u32, cast: Cast) {
        let Some((member, _)) = set.member(signer) else { return };
        let last = self.last.entry(member.pubkey).or_insert(cast);
        if last.place < cast.place {
            *last = cast;
        }
    }

    fn accuse(&mut self, key: PublicKey, evidence: Offence) {
        let known = self.evidence.iter().any(|(accused, _)| *accused == key);
        if !known && self.evidence.len() < EVIDENCE {
            self.evidence.push((key, evidence));
        }
    }
}

const fn at(height: Height) -> impl Fn((Round, Phase)) -> Place {
    move |(round, phase)| Place { height, round, phase }
}

fn keys(set: &Arc<ValidatorSet>) -> impl Iterator<Item = PublicKey> {
    set.members().iter().map(|member| member.pubkey)
}

#[cfg(test)]
mod tests {
    use qratum_chain::{
        Hash,
        types::{
            ChainParams, DoubleProposal, DoubleVote, Genesis, GenesisValidator, Header, Jurisdiction,
            Proposal, Time, Validator, Vote,
        },
    };
    use qratum_crypto::sign::ed25519::SecretKey;

    use super::*;
    use crate::{detect, sets::Sets, trusted::Votes};

    const POWERS: [u64; 4] = [30, 25, 25, 20];
    const NOBODY: [u32; 0] = [];
    const BLOCK: BlockId = BlockId(Hash([1; 32]));
    const OTHER: BlockId = BlockId(Hash([2; 32]));

    fn key(signer: u32) -> SecretKey {
        SecretKey::from_seed(&[u8::try_from(signer).unwrap() + 1; 32])
    }

    fn validator(signer: u32) -> Validator {
        Validator {
            pubkey: key(signer).public(),
            power: POWERS[usize::try_from(signer % 4).unwrap()],
            jurisdiction: Jurisdiction::new(*b"CH").unwrap(),
            since_set: SetId(0),
            pq_key_hash: Hash::ZERO,
        }
    }

    /// Sets of 10 blocks.
    fn genesis() -> (Trusted, Rules) {
        let named = |signer| GenesisValidator {
            name: format!("v-{signer}"),
            validator: validator(signer),
            enrolment: None,
        };
        let genesis = Genesis {
            network: "net".to_owned(),
            demo: true,
            time: Time(1000),
            params: ChainParams { set_length: 10, ..ChainParams::default() },
            validators: (0..4).map(named).collect(),
            people: None,
        };
        Trusted::genesis(&genesis).unwrap()
    }

    /// A verified head of this height, certified by these signers; `next` is known from there on.
    fn head(
        height: u64,
        signers: &[u32],
        own: &Arc<ValidatorSet>,
        next: Option<Arc<ValidatorSet>>,
    ) -> Trusted {
        let (anchor, rules) = genesis();
        let header = Header { height: Height(height), ..anchor.header().get().clone() };
        let votes = Votes { signers: signers.to_vec(), round: Some(0) };
        Trusted::new(header, rules.chain_id, Sets { own: Arc::clone(own), next }, votes)
    }

    struct Bench {
        ballots: Ballots,
        rules: Rules,
        set: Arc<ValidatorSet>,
    }

    fn bench() -> Bench {
        let (anchor, rules) = genesis();
        let set = Arc::clone(anchor.validators());
        Bench { ballots: Ballots::new(&anchor, rules.clone()), rules, set }
    }

    impl Bench {
        fn vote(
            &self,
            signer: u32,
            (height, round): (u64, u32),
            phase: Phase,
            value: Option<BlockId>,
        ) -> SignedVote {
            let (chain_id, height) = (self.rules.chain_id, Height(height));
            let set_id = schedule::set_of(height, 10);
            let vote = Vote { phase, chain_id, set_id, height, round: Round(round), value };
            let signature = key(signer).sign(&vote.sign_bytes());
            SignedVote { vote, signer, signature }
        }

        /// Both votes of these members for [`BLOCK`] in round 0.
        fn agreed(&self, height: u64, signers: &[u32]) -> Vec<SignedVote> {
            let phases = [Phase::Prevote, Phase::Precommit];
            let both = |signer: &u32| phases.map(|phase| self.vote(*signer, (height, 0), phase, Some(BLOCK)));
            signers.iter().flat_map(both).collect()
        }

        fn take(&mut self, said: u64, votes: Vec<SignedVote>) -> Result<(), Reject> {
            self.ballots.take((0, Height(said)), votes, Vec::new())
        }

        fn move_to(&mut self, height: u64, signers: &[u32]) {
            self.ballots.head(&head(height, signers, &self.set, Some(Arc::clone(&self.set))));
        }

        fn place(height: u64, round: u32, phase: Phase) -> Place {
            Place { height: Height(height), round: Round(round), phase }
        }
    }

    #[test]
    fn each_lie_is_refused_for_its_own_reason_and_its_honest_twin_is_counted() {
        let mut bench = bench();
        let good = bench.vote(1, (1, 0), Phase::Prevote, Some(BLOCK));
        let resigned = |change: fn(&mut Vote)| {
            let mut vote = good.vote.clone();
            change(&mut vote);
            let signature = key(1).sign(&vote.sign_bytes());
            SignedVote { vote, signer: 1, signature }
        };
        let mut bad = good.clone();
        bad.signature.0[3] ^= 1;
        let chain = ChainId(Hash([9; 32]));
        let lies = [
            (bad, Reject::BadSignature { signer: 1 }),
            (SignedVote { signer: 2, ..good.clone() }, Reject::BadSignature { signer: 2 }),
            (SignedVote { signer: 4, ..good.clone() }, Reject::SignerNotInSet { signer: 4 }),
            (
                resigned(|vote| vote.chain_id = ChainId(Hash([9; 32]))),
                Reject::WrongChain { got: chain, want: bench.rules.chain_id },
            ),
            (resigned(|vote| vote.set_id = SetId(1)), Reject::WrongSetId { got: SetId(1), want: SetId(0) }),
            (resigned(|vote| vote.height = Height(3)), Reject::NotAsked { got: Height(3), want: Height(1) }),
            (resigned(|vote| vote.height = Height(2)), Reject::NotAsked { got: Height(2), want: Height(1) }),
            (resigned(|vote| vote.height = Height(9)), Reject::NotAsked { got: Height(9), want: Height(1) }),
        ];
        for (lie, reason) in lies {
            assert_eq!(bench.take(1, vec![lie]), Err(reason));
            assert_eq!(bench.ballots.last(&key(1).public()), None);
            assert_eq!(bench.ballots.progress(), None, "nobody was heard at any height");
        }
        assert_eq!(bench.take(1, vec![good]), Ok(()));
        let cast = Cast { place: Bench::place(1, 0, Phase::Prevote), value: Some(BLOCK) };
        assert_eq!(bench.ballots.last(&key(1).public()), Some(cast));
    }

    #[test]
    fn what_came_before_a_lie_is_kept_and_what_came_after_is_not() {
        let mut bench = bench();
        let mut lie = bench.vote(1, (1, 0), Phase::Prevote, None);
        lie.signature.0[0] ^= 1;
        let [before, after] = [0, 2].map(|signer| bench.vote(signer, (1, 0), Phase::Prevote, None));
        assert_eq!(bench.take(1, vec![before, lie, after]), Err(Reject::BadSignature { signer: 1 }));
        let known = [0, 1, 2].map(|signer| bench.ballots.last(&key(signer).public()).is_some());
        assert_eq!(known, [true, false, false]);
    }

    #[test]
    fn power_is_told_for_each_round_of_the_newest_height() {
        let mut bench = bench();
        let mut votes = bench.agreed(1, &[0, 1, 2, 3]);
        votes.extend([0, 1].map(|signer| bench.vote(signer, (2, 0), Phase::Prevote, Some(BLOCK))));
        votes.push(bench.vote(2, (2, 0), Phase::Prevote, Some(OTHER)));
        votes.push(bench.vote(0, (2, 0), Phase::Precommit, None));
        votes.push(bench.vote(3, (2, 1), Phase::Prevote, None));
        assert_eq!(bench.take(2, votes), Ok(()));
        let (height, rounds) = bench.ballots.progress().unwrap();
        let told = |it: &RoundVotes| (it.round.0, it.prevotes.signed, it.precommits.signed);
        assert_eq!(height, Height(2));
        assert_eq!(rounds.iter().map(told).collect::<Vec<_>>(), [(0, 80, 30), (1, 20, 0)]);
        let cast = |round, phase, value| Cast { place: Bench::place(2, round, phase), value };
        let own = |signer: u32| bench.ballots.votes(&key(signer).public());
        assert_eq!(own(0), [cast(0, Phase::Prevote, Some(BLOCK)), cast(0, Phase::Precommit, None)]);
        assert_eq!(own(3), [cast(1, Phase::Prevote, None)]);
        assert_eq!(bench.ballots.votes(&key(7).public()), [], "no member");
        assert_eq!(bench.ballots.reached(), Bench::place(2, 0, Phase::Prevote));
        assert_eq!(bench.ballots.open(), Some(Bench::place(2, 0, Phase::Precommit)));
    }

    #[test]
    fn two_votes_for_one_place_are_evidence_against_their_signer() {
        let mut bench = bench();
        let first = bench.vote(2, (1, 0), Phase::Prevote, Some(BLOCK));
        let second = bench.vote(2, (1, 0), Phase::Prevote, None);
        assert_eq!(bench.take(1, vec![first.clone(), first.clone()]), Ok(()));
        assert_eq!(bench.ballots.evidence(), []);
        let mut forged = second.clone();
        forged.signature.0[0] ^= 1;
        assert_eq!(bench.take(1, vec![forged]), Err(Reject::BadSignature { signer: 2 }));
        assert_eq!(bench.take(1, vec![second.clone()]), Ok(()));
        let double = DoubleVote { first, second };
        assert_eq!(bench.ballots.evidence(), [(key(2).public(), Offence::DoubleVote(double.clone()))]);
        assert!(detect::double_vote(&double, &bench.set, &bench.rules).is_ok());
    }

    #[test]
    fn two_proposals_of_one_round_are_evidence_too_and_others_turns_say_nothing() {
        let mut bench = bench();
        let (height, round) = (Height(1), Round(0));
        let drawn = schedule::proposer(&bench.set, height, round);
        let made = |signer: u32, block_id| {
            let (chain_id, set_id) = (bench.rules.chain_id, SetId(0));
            let proposal = Proposal { chain_id, set_id, height, round, pol_round: -1, block_id };
            let signature = key(signer).sign(&proposal.sign_bytes());
            SignedProposal { proposal, signer, signature }
        };
        let (first, second, stranger) =
            (made(drawn, BLOCK), made(drawn, OTHER), made((drawn + 1) % 4, OTHER));
        let mut forged = second.clone();
        forged.signature.0[0] ^= 1;
        let mut take =
            |made: &SignedProposal| bench.ballots.take((0, height), Vec::new(), vec![made.clone()]);
        assert_eq!([take(&stranger), take(&first), take(&first)], [Ok(()), Ok(()), Ok(())]);
        assert_eq!(take(&forged), Err(Reject::BadSignature { signer: drawn }));
        assert_eq!(take(&second), Ok(()));
        let double = Offence::DoubleProposal(DoubleProposal { first, second });
        assert_eq!(bench.ballots.evidence(), [(key(drawn).public(), double)]);
    }

    /// One member that votes without end pushes out none but its own votes, and moves nothing.
    #[test]
    fn memory_is_bounded_whatever_a_member_signs() {
        let mut bench = bench();
        assert_eq!(bench.take(1, bench.agreed(1, &[0, 1, 2])), Ok(()));
        let many = (1..200).map(|round| bench.vote(3, (1, round), Phase::Prevote, None)).collect();
        assert_eq!(bench.take(1, many), Ok(()));
        let old = (1..100).map(|round| bench.vote(3, (1, round), Phase::Prevote, None)).collect();
        assert_eq!(bench.take(1, old), Ok(()));
        let kept: Vec<usize> = bench.ballots.heights[&Height(1)].votes.values().map(BTreeMap::len).collect();
        assert_eq!(kept, [2, 2, 2, A_MEMBER]);
        assert_eq!(bench.ballots.reached(), Bench::place(1, 0, Phase::Precommit));
        assert!(bench.ballots.progress().unwrap().1.len() <= ROUNDS);
        for height in 1..50 {
            let said = height + 1;
            bench.take(said, bench.agreed(height, &[0, 1, 2, 3])).unwrap();
            bench.take(said, bench.agreed(said, &[0, 1])).unwrap();
            bench.move_to(height, &[0, 1, 2]);
            assert!(bench.ballots.heights.len() <= 5 && bench.ballots.last.len() == 4);
        }
    }

    #[test]
    fn heights_out_of_reach_are_left_alone() {
        let mut bench = bench();
        bench.move_to(8, &[0, 1, 2]);
        // Not even their signatures are looked at.
        let mut forged = bench.vote(0, (11, 0), Phase::Prevote, None);
        forged.signature.0[0] ^= 1;
        for (said, vote) in [(11, forged), (6, bench.vote(0, (5, 0), Phase::Prevote, None))] {
            assert_eq!(bench.take(said, vec![vote]), Ok(()));
        }
        assert_eq!(bench.ballots.progress(), None);
    }

    /// At the end of a set that changes, votes above it can be judged once the next set is known.
    #[test]
    fn a_set_that_is_not_known_judges_no_vote() {
        let mut bench = bench();
        bench.ballots.head(&head(10, &[0, 1, 2], &bench.set, None));
        // Members of the next set, by their index in it.
        let by_index = |bench: &Bench| -> Vec<_> {
            let votes = (4..8).map(|signer| bench.vote(signer, (11, 0), Phase::Prevote, None));
            votes.map(|signed| SignedVote { signer: signed.signer - 4, ..signed }).collect()
        };
        assert_eq!(bench.take(11, by_index(&bench)), Ok(()));
        assert_eq!(bench.ballots.progress(), None);
        let next = Arc::new(ValidatorSet::new((4..8).map(validator).collect()).unwrap());
        bench.ballots.head(&head(10, &[0, 1, 2], &bench.set, Some(Arc::clone(&next))));
        assert_eq!(bench.take(11, by_index(&bench)), Ok(()));
        assert!(bench.ballots.last(&key(4).public()).is_some());
        assert_eq!(
            bench.take(10, vec![bench.vote(4, (10, 0), Phase::Prevote, None)]).unwrap_err().name(),
            "SignerNotInSet"
        );
        bench.ballots.head(&head(11, &[0, 1, 2], &next, Some(Arc::clone(&next))));
        assert_eq!(bench.ballots.silent(false, 0), NOBODY, "who has just joined had no vote before");
    }

    #[test]
    fn who_did_not_vote_at_two_decided_heights_is_silent_until_it_does() {
        let mut bench = bench();
        for height in 1..=3 {
            bench.take(height, bench.agreed(height, &[0, 1, 2, 3])).unwrap();
            bench.move_to(height, &[0, 1, 2]);
        }
        assert!(!bench.ballots.is_anybody_late(0));
        bench.take(4, bench.agreed(4, &[0, 1, 2])).unwrap();
        assert_eq!(bench.ballots.silent(false, 0), NOBODY, "one height");
        assert!(bench.ballots.is_anybody_late(0));
        bench.take(5, bench.agreed(5, &[0, 1])).unwrap();
        assert_eq!(bench.ballots.silent(false, 0), NOBODY, "height 5 is not decided");
        bench.take(5, bench.agreed(5, &[2])).unwrap();
        assert_eq!(bench.ballots.silent(false, 0), [3]);
        assert!(!bench.ballots.is_anybody_late(0), "it is named");
        bench.move_to(5, &[0, 1, 2]);
        assert_eq!(bench.ballots.silent(false, 0), [3]);
        bench.take(6, vec![bench.vote(3, (6, 0), Phase::Prevote, None)]).unwrap();
        assert_eq!(bench.ballots.silent(false, 0), NOBODY);
    }

    /// A certificate needs no more than two thirds: whom it leaves out may have voted all the same.
    #[test]
    fn certificates_alone_name_nobody_and_excuse_who_signed() {
        let mut bench = bench();
        (1..=6).for_each(|height| bench.move_to(height, &[0, 1, 2]));
        assert_eq!(bench.ballots.silent(false, 0), NOBODY);
        for height in [7, 8] {
            // One peer withholds what 3 voted; the certificate has it.
            bench.take(height, bench.agreed(height, &[0, 1, 2])).unwrap();
            bench.move_to(height, &[0, 1, 3]);
        }
        assert_eq!(bench.ballots.silent(false, 0), NOBODY);
    }

    #[test]
    fn what_one_peer_withholds_another_gives() {
        let mut bench = bench();
        for height in [1, 2] {
            bench.take(height, bench.agreed(height, &[0, 1, 2])).unwrap();
        }
        assert_eq!(bench.ballots.silent(false, 0), [3]);
        bench.take(2, bench.agreed(2, &[0, 1, 2, 3])).unwrap();
        assert_eq!(bench.ballots.silent(false, 0), NOBODY);
    }

    /// What a peer says of these heights; then whether anything is known, and who is silent.
    fn said(
        bench: &mut Bench,
        (source, said): (usize, u64),
        heights: &[u64],
        signers: &[u32],
    ) -> (bool, Vec<u32>) {
        let votes = heights.iter().flat_map(|height| bench.agreed(*height, signers)).collect();
        bench.ballots.take((source, Height(said)), votes, Vec::new()).unwrap();
        (bench.ballots.is_known(2), bench.ballots.silent(false, 2))
    }

    /// One that withholds is not believed alone, and a peer at a height has not told all of it yet.
    #[test]
    fn nobody_is_silent_on_the_word_of_fewer_than_asked_for() {
        let mut bench = bench();
        for (source, height) in [(0, 1), (1, 1), (0, 2), (0, 2)] {
            assert_eq!(said(&mut bench, (source, height), &[1, height], &[0, 1, 2]), (false, vec![]));
        }
        assert_eq!(said(&mut bench, (1, 2), &[1, 2], &[0, 1, 2]), (true, vec![3]));
    }

    /// Whoever starts at a head has the votes of two decided heights from the first answers.
    #[test]
    fn who_is_silent_is_known_from_the_first_answers() {
        let mut bench = bench();
        bench.move_to(5, &[0, 1, 2]);
        assert_eq!(said(&mut bench, (0, 6), &[4, 5], &[0, 1, 2]), (false, vec![]));
        assert_eq!(said(&mut bench, (1, 6), &[4, 5], &[0, 1, 2]), (true, vec![3]));
        // A late vote for the lower one is enough to be there.
        assert_eq!(said(&mut bench, (1, 6), &[4], &[3]), (true, vec![]));
        let three_back = bench.agreed(3, &[0]);
        assert_eq!(bench.take(6, three_back), Err(Reject::NotAsked { got: Height(3), want: Height(6) }));
    }

    /// One that was away at a height has no vote of it, or a few: whom it leaves out may have voted.
    #[test]
    fn a_peer_that_knows_no_two_thirds_of_a_height_is_no_source_for_it() {
        let mut bench = bench();
        bench.move_to(5, &[0, 1, 2]);
        assert_eq!(said(&mut bench, (0, 6), &[4, 5], &[0, 1, 2]), (false, vec![]), "3 is withheld");
        assert_eq!(said(&mut bench, (1, 6), &[6], &[0, 1]), (false, vec![]));
        assert_eq!(said(&mut bench, (1, 6), &[4, 5], &[0, 1]), (false, vec![]));
        assert_eq!(said(&mut bench, (1, 6), &[4], &[0, 1, 2]), (true, vec![3]), "the lower one counts");
    }

    #[test]
    fn where_the_chain_is_stuck_who_did_not_go_on_is_silent() {
        let mut bench = bench();
        bench.take(1, bench.agreed(1, &[0, 1, 2, 3])).unwrap();
        bench.move_to(1, &[0, 1, 2]);
        assert_eq!((bench.ballots.open(), bench.ballots.silent(true, 0)), (None, vec![]), "nobody voted");
        // All prevote, then two are gone: the others precommit nil.
        bench.take(2, [0, 1, 2, 3].map(|it| bench.vote(it, (2, 0), Phase::Prevote, None)).to_vec()).unwrap();
        bench.take(2, [0, 3].map(|it| bench.vote(it, (2, 0), Phase::Precommit, None)).to_vec()).unwrap();
        assert_eq!(bench.ballots.open(), Some(Bench::place(2, 0, Phase::Precommit)));
        assert_eq!(bench.ballots.silent(false, 0), NOBODY);
        assert_eq!(bench.ballots.silent(true, 0), [1, 2]);
    }
}
