//! Whom to ask for votes, and does the chain stand for want of them? Pure: connections and time are
//! arguments; the verifier keeps the votes.
//!
//! While the head is new, one peer in turn is asked: its votes show who takes part. While it is not,
//! all are asked, since one that withholds votes must not make others look gone; until it is told that
//! there is no quorum, and for want of whom: then there is no hurry, nor is there where nobody is
//! connected. While somebody is late, peers are asked [`BRISK`] times as
//! often, so that it is named as soon as that can be said; and so is one after the other, until anything
//! can be.
//!
//! The chain is *stuck* when votes are known at a place beyond the last one at which more than two
//! thirds of the power voted, and that has not changed for [`TIMEOUTS`] round timeouts on top of a
//! block interval, in which validators that are well do not vote either. Where nobody votes at all
//! nothing is said: then the head's age tells.

use std::{sync::Arc, time::Duration};

use qratum_chain::{
    PublicKey,
    types::{ChainParams, Height, Offence, Round, SignedProposal, SignedVote},
};
use qratum_verifier::{
    Reject, Trusted,
    ballots::{Ballots, Place},
};

use crate::{MemberVote, Voting};

/// One round may fail with its proposer, and a second to a late message; in each of them validators
/// that are well come to two thirds when its timeout ends, if only of votes for nil. A third one
/// says that the power is not there.
const TIMEOUTS: u32 = 3;
/// Peers that must have told the votes of a height before somebody is called silent at it; fewer only
/// where fewer are connected that may give votes.
const SOURCES: usize = 2;
/// How long a round waits for its proposal, and how much longer each later one: the validators'
/// own clocks.
const FIRST_ROUND: Duration = Duration::from_millis(1000);
const EACH_ROUND: Duration = Duration::from_millis(500);
/// No round waits longer.
const LONGEST_ROUND: Duration = Duration::from_secs(60);

/// How much more often peers are asked in a hurry than at each tick.
pub(crate) const BRISK: u32 = 4;

/// How many peers to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Votes are of no use now.
    Nobody,
    /// One in turn.
    One,
    /// All that are not asked already.
    All,
}

/// Votes as they are asked for and come in.
#[derive(Debug)]
pub(crate) struct Polls {
    ballots: Ballots,
    /// Peers that were asked and have not answered.
    asked: Vec<bool>,
    /// Whether a peer ever gave votes; none, until it has answered.
    gives: Vec<Option<bool>>,
    /// Peers whose word is needed before somebody is called silent.
    needed: usize,
    /// Nobody is connected: nothing can be said.
    alone: bool,
    next: usize,
    /// It can be said who is silent; somebody is late; and one peer in turn is asked.
    known: bool,
    late: bool,
    in_turn: bool,
    interval: Duration,
    /// The highest place with more than two thirds of the power, since when, and where others vote
    /// beyond it.
    reached: (Place, Duration),
    open: Option<Place>,
    /// Something was learned since this was told.
    told: Arc<Voting>,
    stale: bool,
    /// Offences that were seen before the start.
    before: Vec<(PublicKey, Offence)>,
}

impl Polls {
    pub(crate) fn new(ballots: Ballots, peers: usize, params: &ChainParams) -> Self {
        let reached = (ballots.reached(), Duration::ZERO);
        Self {
            ballots,
            asked: vec![false; peers],
            gives: vec![None; peers],
            needed: SOURCES,
            alone: true,
            next: 0,
            known: false,
            late: false,
            in_turn: false,
            interval: Duration::from_millis(params.block_interval_ms),
            reached,
            open: None,
            told: Arc::default(),
            stale: true,
            before: Vec::new(),
        }
    }

    /// Blocks are to take so long from now on.
    pub(crate) const fn keep_pace(&mut self, interval_ms: u64) {
        self.interval = Duration::from_millis(interval_ms);
    }

    /// Tells these offences as well, which were seen before the start.
    pub(crate) fn remember(&mut self, offences: Vec<(PublicKey, Offence)>) {
        self.before = offences;
    }

    /// After how much of a tick peers are to be asked again, in parts of which it has [`BRISK`].
    pub(crate) fn pause(&self) -> u32 {
        if self.alone || self.told.stuck {
            return 2 * BRISK;
        }
        if self.late || (self.in_turn && !self.known) { 1 } else { BRISK }
    }

    /// Whom to ask now. The socket of the home is not asked: it has no votes but those of peers.
    pub(crate) fn tick(&mut self, connected: &[usize], reach: Reach) -> Vec<usize> {
        let gives = |peer: &&usize| self.gives.get(**peer).is_some_and(|gives| *gives != Some(false));
        let gives = connected.iter().filter(gives).count();
        let alone = connected.iter().all(|peer| *peer >= self.asked.len());
        let needed = gives.clamp(1, SOURCES);
        self.stale |= (alone, needed) != (self.alone, self.needed);
        (self.alone, self.needed) = (alone, needed);
        self.in_turn = reach == Reach::One;
        let most = match reach {
            Reach::Nobody => 0,
            Reach::One => 1,
            Reach::All => usize::MAX,
        };
        let order = (self.next..self.asked.len()).chain(0..self.next);
        let free = |peer: &usize| connected.contains(peer) && self.asked.get(*peer) == Some(&false);
        let chosen: Vec<usize> = order.filter(free).take(most).collect();
        for peer in &chosen {
            self.set_asked(*peer, true);
            self.next = peer.saturating_add(1);
        }
        chosen
    }

    /// A peer has answered, or will not.
    pub(crate) fn answered(&mut self, peer: usize) {
        self.set_asked(peer, false);
    }

    /// Takes what a peer answered, with the height it says it votes on. `elapsed` is the time since the
    /// start, by a clock that nobody sets.
    pub(crate) fn take(
        &mut self,
        (peer, said): (usize, Height),
        (votes, proposals): (Vec<SignedVote>, Vec<SignedProposal>),
        elapsed: Duration,
    ) -> Result<(), Reject> {
        if let Some(gives) = self.gives.get_mut(peer) {
            *gives = Some(*gives == Some(true) || !votes.is_empty());
        }
        let taken = self.ballots.take((peer, said), votes, proposals);
        self.note(elapsed);
        taken
    }

    /// A new head was verified.
    pub(crate) fn head(&mut self, head: &Trusted, elapsed: Duration) {
        self.ballots.head(head);
        self.note(elapsed);
    }

    /// What is known of the vote.
    pub(crate) fn voting(&mut self, elapsed: Duration) -> Arc<Voting> {
        let stuck = self.is_stuck(elapsed);
        if self.stale || stuck != self.told.stuck {
            self.told = Arc::new(self.told_now(stuck));
            self.stale = false;
        }
        Arc::clone(&self.told)
    }

    fn is_stuck(&self, elapsed: Duration) -> bool {
        let allowed =
            |open: Place| self.interval.saturating_add(timeout(open.round).saturating_mul(TIMEOUTS));
        self.open.is_some_and(|open| elapsed.saturating_sub(self.reached.1) >= allowed(open))
    }

    fn note(&mut self, elapsed: Duration) {
        let reached = self.ballots.reached();
        if reached > self.reached.0 {
            self.reached = (reached, elapsed);
        }
        (self.open, self.stale) = (self.ballots.open(), true);
        self.known = self.ballots.is_known(self.needed);
        self.late = self.ballots.is_anybody_late(self.needed);
    }

    fn told_now(&self, stuck: bool) -> Voting {
        let silent = if self.alone { Vec::new() } else { self.ballots.silent(stuck, self.needed) };
        let member = |(index, member): (u32, &qratum_chain::types::Validator)| MemberVote {
            key: member.pubkey,
            power: member.power,
            last: self.ballots.last(&member.pubkey),
            silent: silent.contains(&index),
            votes: self.ballots.votes(&member.pubkey),
        };
        Voting {
            members: (0u32..).zip(self.ballots.voters().members()).map(member).collect(),
            known: !self.alone && self.ballots.is_known(self.needed),
            stuck,
            progress: self.ballots.progress(),
            evidence: self.evidence(),
        }
    }

    /// Of each who broke the protocol, what was seen first.
    fn evidence(&self) -> Vec<(PublicKey, Offence)> {
        let is_new = |(key, _): &&(PublicKey, Offence)| self.before.iter().all(|(known, _)| known != key);
        self.before.iter().chain(self.ballots.evidence().iter().filter(is_new)).cloned().collect()
    }

    fn set_asked(&mut self, peer: usize, asked: bool) {
        if let Some(known) = self.asked.get_mut(peer) {
            *known = asked;
        }
    }
}

fn timeout(round: Round) -> Duration {
    FIRST_ROUND.saturating_add(EACH_ROUND.saturating_mul(round.0)).min(LONGEST_ROUND)
}

#[cfg(test)]
mod tests {
    use qratum_chain::types::{Phase, SignedVote, Time};
    use qratum_verifier::sync::Sync;

    use super::*;
    use crate::chain::{Chain, constant, vote, votes};

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// A chain of four members of power 10 with blocks of 200 ms, followed up to its tip.
    struct Bench {
        chain: Chain,
        sync: Sync,
        polls: Polls,
    }

    impl Bench {
        fn new() -> Self {
            let chain = Chain::new("net", Time(1000), constant);
            let (anchor, rules) = Trusted::genesis(&chain.genesis).unwrap();
            let params = rules.params.clone();
            let polls = Polls::new(Ballots::new(&anchor, rules.clone()), 3, &params);
            let mut bench = Self { chain, sync: Sync::new(anchor, rules), polls };
            bench.polls.tick(&[2], Reach::Nobody);
            bench
        }

        fn grow(&mut self, at: Duration) {
            self.chain.grow_by(1);
            self.sync.answer(self.chain.tip().unwrap().clone(), Time(1_000_000));
            self.polls.head(self.sync.head(), at);
        }

        /// Votes of these members at `height`, where the peer says it votes.
        fn heard(&mut self, height: u64, signers: &[u32], at: Duration) {
            self.take(height, votes(&self.chain, height, signers), at);
        }

        fn take(&mut self, height: u64, votes: Vec<SignedVote>, at: Duration) {
            self.polls.take((0, Height(height)), (votes, Vec::new()), at).unwrap();
        }

        fn stuck(&mut self, at: Duration) -> bool {
            self.polls.voting(at).stuck
        }

        fn silent(&mut self, at: Duration) -> Vec<usize> {
            let voting = self.polls.voting(at);
            let silent = voting.members.iter().enumerate().filter(|(_, member)| member.silent);
            silent.map(|(index, _)| index).collect()
        }
    }

    #[test]
    fn one_peer_in_turn_or_all_that_are_free() {
        let mut polls = Polls { late: true, ..Bench::new().polls };
        assert_eq!([polls.tick(&[0, 2], Reach::One), polls.tick(&[0, 2], Reach::One)], [[0], [2]]);
        assert_eq!(polls.tick(&[0, 2], Reach::One), [0; 0], "both are asked");
        polls.answered(0);
        assert_eq!(polls.tick(&[0, 1, 2], Reach::Nobody), [0; 0]);
        assert_eq!(polls.tick(&[0, 1, 2], Reach::All), [0, 1]);
        polls.answered(2);
        assert_eq!(polls.tick(&[], Reach::All), [0; 0]);
        assert_eq!(polls.tick(&[0, 1, 2], Reach::All), [2]);
    }

    #[test]
    fn peers_are_asked_more_often_at_the_start_and_while_somebody_is_late() {
        let mut bench = Bench::new();
        bench.chain.absent = vec![3];
        let asked = |bench: &mut Bench| {
            let (mut count, mut parts) = (0, 0);
            while parts < 3 * BRISK {
                let asked = bench.polls.tick(&[0], Reach::One);
                asked.iter().for_each(|peer| bench.polls.answered(*peer));
                (count, parts) = (count + asked.len(), parts + bench.polls.pause());
            }
            count
        };
        let take = |bench: &mut Bench, height: u64, signers: &[u32]| {
            let both = [height - 1, height].map(|height| votes(&bench.chain, height, signers)).concat();
            bench.take(height, both, ms(0));
        };
        (0..2).for_each(|_| bench.grow(ms(0)));
        assert_eq!(asked(&mut bench), 12, "nothing is known");
        take(&mut bench, 2, &[0, 1, 2, 3]);
        assert_eq!(asked(&mut bench), 3);
        bench.grow(ms(0));
        take(&mut bench, 3, &[0, 1, 2]);
        assert_eq!(asked(&mut bench), 12, "the fourth is late");
        bench.grow(ms(0));
        take(&mut bench, 4, &[0, 1, 2]);
        assert_eq!((bench.silent(ms(0)), asked(&mut bench)), (vec![3], 3), "it is named");
    }

    /// Half the power votes: stuck after an interval and three round timeouts, not before, and no
    /// longer once a third member votes.
    #[test]
    fn votes_that_stay_below_two_thirds_are_no_quorum_until_they_do_not() {
        let mut bench = Bench::new();
        bench.grow(ms(0));
        bench.heard(1, &[0, 1, 2, 3], ms(100));
        bench.heard(2, &[0, 1], ms(200));
        // What was reached last is height 1, at 0 ms.
        assert!(!bench.stuck(ms(3199)));
        assert_eq!(bench.silent(ms(3199)), [0; 0]);
        assert!(bench.stuck(ms(3200)));
        assert_eq!(bench.silent(ms(3200)), [2, 3]);
        let told = bench.polls.voting(ms(3200));
        assert_eq!((told.missing().signed, told.missing().total), (20, 40));
        bench.heard(2, &[2], ms(4000));
        assert!(!bench.stuck(ms(4000)) && bench.silent(ms(4000)).is_empty());
        bench.grow(ms(4100));
        assert!(!bench.stuck(ms(100_000)), "nobody votes on height 3: the head's age tells");
    }

    /// Whoever withholds a vote makes nobody silent alone, unless it is all there is.
    #[test]
    fn nobody_is_silent_on_the_word_of_one_while_another_gives_votes() {
        let mut bench = Bench::new();
        bench.chain.absent = vec![3];
        (1..=4).for_each(|height| bench.grow(ms(height * 200)));
        let told = |bench: &mut Bench, peer: usize, said: u64, signers: &[u32]| {
            let all = [said - 1, said].map(|height| votes(&bench.chain, height, signers)).concat();
            bench.polls.take((peer, Height(said)), (all, Vec::new()), ms(900)).unwrap();
        };
        let silent = |bench: &mut Bench, connected: &[usize]| {
            bench.polls.tick(connected, Reach::Nobody);
            (bench.polls.voting(ms(900)).known, bench.silent(ms(900)))
        };
        told(&mut bench, 2, 2, &[]);
        told(&mut bench, 0, 4, &[0, 1, 2]);
        assert_eq!(silent(&mut bench, &[0, 1]), (false, vec![]));
        assert_eq!(silent(&mut bench, &[0, 2]), (true, vec![3]), "2 never gave any");
        assert_eq!(silent(&mut bench, &[0, 3]), (true, vec![3]), "behind the peers: the home's socket");
        for connected in [&[][..], &[3]] {
            assert_eq!(silent(&mut bench, connected), (false, vec![]), "nobody is left to say it");
        }
        told(&mut bench, 1, 4, &[0, 1, 2]);
        assert_eq!(silent(&mut bench, &[0, 1]), (true, vec![3]));
    }

    /// Two thirds for nil in one round after the other: the power is there, whatever is wrong.
    #[test]
    fn rounds_that_go_on_are_no_lack_of_power() {
        let mut bench = Bench::new();
        bench.grow(ms(0));
        for round in 0..10 {
            let at = ms(1000 + u64::from(round) * 2000);
            for phase in [Phase::Prevote, Phase::Precommit] {
                let votes = [0, 1, 2].map(|signer| {
                    let seed = constant(0)[signer as usize];
                    vote((signer, seed), (2, round, phase), None, &bench.chain)
                });
                bench.take(2, votes.to_vec(), at);
            }
            assert!(!bench.stuck(at + ms(1999)), "round {round}");
        }
    }

    /// Where it is told why nothing goes on there is no hurry, however late somebody is.
    #[test]
    fn peers_are_asked_less_where_there_is_nobody_or_no_quorum() {
        let mut bench = Bench::new();
        bench.polls.tick(&[0], Reach::One);
        assert_eq!(bench.polls.pause(), 1, "nothing is known yet");
        bench.polls.tick(&[], Reach::One);
        assert_eq!(bench.polls.pause(), 2 * BRISK, "nobody is connected");
        bench.polls.tick(&[0], Reach::One);
        bench.grow(ms(0));
        bench.heard(1, &[0, 1, 2, 3], ms(100));
        bench.heard(2, &[0, 1], ms(200));
        assert_eq!(bench.polls.pause(), 1);
        assert!(bench.stuck(ms(3200)));
        assert_eq!(bench.polls.pause(), 2 * BRISK, "it is told that there is no quorum");
        bench.heard(2, &[2], ms(4000));
        assert!(!bench.stuck(ms(4000)));
        assert_ne!(bench.polls.pause(), 2 * BRISK);
    }

    /// Later rounds wait longer, and a member that votes far ahead makes nobody wait for it.
    #[test]
    fn the_timeout_is_that_of_the_round_in_which_the_vote_stands() {
        let mut bench = Bench::new();
        bench.grow(ms(0));
        let at = |signer: u32, round| {
            vote((signer, constant(0)[signer as usize]), (2, round, Phase::Prevote), None, &bench.chain)
        };
        let (standing, ahead) = (vec![at(0, 4), at(1, 4)], vec![at(3, 900)]);
        bench.take(2, standing, ms(10));
        bench.take(2, ahead, ms(10));
        assert!(!bench.stuck(ms(200 + 3 * 3000 - 1)));
        assert!(bench.stuck(ms(200 + 3 * 3000)));
        assert_eq!(timeout(Round(u32::MAX)), LONGEST_ROUND);
    }
}
