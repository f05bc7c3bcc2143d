//! Whom to ask what next, and what an answer led to? Pure: connections and time are arguments.
//!
//! Connected peers are asked for their tip in turn, all of them, so that a peer on another branch
//! is heard. When a tip cannot be reached in one step, the peer that offered it leads a *walk*
//! through the blocks in between, and no other tip is taken until it ends. A walk that stands
//! still is given up, and so is one that is brought on too slowly. Whoever led it stands behind the
//! others for a while ([`Scores`]), so that one liar cannot hold up the rest.

use std::collections::VecDeque;

use qratum_chain::{
    Hash,
    types::{ForkEvidence, Height, LightBlock, Time},
};
use qratum_verifier::{
    Blame, Reject, Trusted,
    detect::Fork,
    sync::{Ask, Progress, Sync, Then},
};

use crate::score::Scores;

/// A walk may go on for this many times the patience: then its leader is too slow, whatever it brings.
const LONGEST_WALK: u32 = 10;
/// How many accepted blocks are kept as they came, to show both sides of a fork. As many as the
/// verifier remembers.
pub(crate) const RECENT: usize = 16;

/// What to ask a peer, by its place in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) peer: usize,
    pub(crate) ask: Ask,
}

/// What a tick asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tick {
    /// Nothing: a walk is under way, or nobody is free.
    Idle,
    /// Ask this.
    Ask(Question),
    /// The walk that this peer led stood still and is over.
    GaveUp(usize),
}

/// What an answer led to.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    /// The block that is verified now, and is the head.
    pub(crate) advanced: Option<LightBlock>,
    /// Why a block was refused; for time only when no other rule refuses it.
    pub(crate) refused: Option<Reject>,
    /// A fork, and both its blocks as they came.
    pub(crate) fork: Option<(Fork, Option<ForkEvidence>)>,
    /// What to ask now.
    pub(crate) next: Option<Question>,
}

#[derive(Debug)]
struct Walk {
    leader: usize,
    /// Ticks since a block was verified.
    idle: u32,
    /// Ticks since the start.
    age: u32,
}

/// How a walk ended that did not come to its tip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Its leader did not lead there.
    Failed,
    /// The local clock does not let it go on.
    Clock,
}

/// Following one chain with a number of peers.
#[derive(Debug)]
pub(crate) struct Follow {
    sync: Sync,
    /// Peers that were asked for their tip and have not answered.
    asked: Vec<bool>,
    /// Peers that were connected at the last tick.
    connected: Vec<usize>,
    scores: Scores,
    next: usize,
    walk: Option<Walk>,
    /// Ticks without a verified block after which a walk is given up.
    patience: u32,
    recent: VecDeque<LightBlock>,
}

impl Follow {
    pub(crate) fn new(sync: Sync, peers: usize, patience: u32) -> Self {
        Self {
            sync,
            asked: vec![false; peers],
            connected: Vec::new(),
            scores: Scores::new(peers),
            next: 0,
            walk: None,
            patience,
            recent: VecDeque::new(),
        }
    }

    /// How peers have done.
    pub(crate) const fn scores(&self) -> &Scores {
        &self.scores
    }

    /// The same, to be changed.
    pub(crate) const fn scores_mut(&mut self) -> &mut Scores {
        &mut self.scores
    }

    /// The highest verified block.
    pub(crate) fn head(&self) -> &Trusted {
        self.sync.head()
    }

    /// Whether a block waits for one in between.
    pub(crate) const fn walking(&self) -> bool {
        self.walk.is_some()
    }

    /// The next connected peer whose turn it is, unless a walk is under way.
    pub(crate) fn tick(&mut self, connected: Vec<usize>) -> Tick {
        self.connected = connected;
        if let Some(walk) = &mut self.walk {
            let leader = walk.leader;
            (walk.idle, walk.age) = (walk.idle.saturating_add(1), walk.age.saturating_add(1));
            let slow = walk.age > self.patience.saturating_mul(LONGEST_WALK);
            if !self.connected.contains(&leader) {
                self.end_walk(End::Failed);
            } else if slow || walk.idle > self.patience {
                self.end_walk(End::Failed);
                return Tick::GaveUp(leader);
            }
            return Tick::Idle;
        }
        let mut order = (self.next..self.asked.len()).chain(0..self.next);
        let free = |peer: &usize| self.connected.contains(peer) && self.asked.get(*peer) == Some(&false);
        let Some(peer) = order.find(free) else { return Tick::Idle };
        self.next = peer.saturating_add(1);
        self.set_asked(peer, true);
        self.scores.turn(peer);
        Tick::Ask(Question { peer, ask: Ask::Tip })
    }

    /// No block came. Returns the height that the leader of a walk owes.
    pub(crate) fn no_block(&mut self, question: Question) -> Option<Height> {
        match question.ask {
            Ask::Tip => self.set_asked(question.peer, false),
            Ask::Block(height) | Ask::History { height, .. } if self.leads(question.peer) => {
                self.end_walk(End::Failed);
                return Some(height);
            }
            Ask::Block(_) | Ask::History { .. } => {}
        }
        None
    }

    /// Takes a block that came as an answer. Answers that nobody waits for any more change nothing.
    pub(crate) fn block(&mut self, question: Question, block: LightBlock, now: Time) -> Judged {
        let got = block.header.height;
        match question.ask {
            Ask::Tip => {
                self.set_asked(question.peer, false);
                if self.walking() {
                    return Judged::default();
                }
            }
            Ask::Block(_) | Ask::History { .. } if !self.leads(question.peer) => return Judged::default(),
            Ask::Block(want) if want != got => {
                self.end_walk(End::Failed);
                return Judged { refused: Some(Reject::NotAsked { got, want }), ..Judged::default() };
            }
            Ask::Block(_) | Ask::History { .. } => {}
        }
        self.judge(question.peer, block, now)
    }

    /// Takes an audit path that came as an answer, if it is the one that is still waited for.
    pub(crate) fn history(&mut self, question: Question, audit_path: &[Hash]) -> Judged {
        if !self.leads(question.peer) || self.sync.ask() != question.ask {
            return Judged::default();
        }
        let progress = self.sync.link(audit_path);
        self.settle(question.peer, progress, None)
    }

    /// Compares a block that is verified already with what is remembered: a fork shows wherever
    /// its other side comes from.
    pub(crate) fn compare(&mut self, block: LightBlock, now: Time) -> Judged {
        if block.header.height > self.head().header().get().height {
            return Judged::default();
        }
        let offered = block.clone();
        match self.sync.replay(block, now).then {
            Then::Forked(fork) => Judged { fork: Some(self.both_sides(*fork, offered)), ..Judged::default() },
            _ => Judged::default(),
        }
    }

    fn judge(&mut self, peer: usize, block: LightBlock, now: Time) -> Judged {
        let below = self.is_below(Some(&block));
        // Kept where more than one question may have to be asked about it.
        let early = block.header.time > now;
        let offered = (below || early).then(|| block.clone());
        let progress = self.sync.answer(block, now);
        self.settle(peer, progress, offered)
    }

    /// What follows from how the chain's machine took an answer. `offered` is the block as it
    /// came, where it may be needed again.
    fn settle(&mut self, peer: usize, progress: Progress, offered: Option<LightBlock>) -> Judged {
        let Progress { advanced, then } = progress;
        if let Some(block) = &advanced {
            self.remember(block.clone());
        }
        let mut judged = Judged { advanced, ..Judged::default() };
        match then {
            Then::Current => {
                if let Some(walk) = self.walk.take() {
                    self.scores.kept_offer(walk.leader);
                }
            }
            Then::Waiting => judged.next = self.walk_on(peer),
            Then::Refused(reject) => {
                let reject = self.but_for_time(reject, offered.as_ref());
                if matches!(reject, Reject::TrustExpired { .. }) && self.is_below(offered.as_ref()) {
                    // Another block than the one that is known, of keys that no longer count: an honest
                    // peer has none, and nobody can be held to account for it.
                    self.scores.false_offer(peer);
                }
                self.end_walk(if reject.blame() == Blame::Peer { End::Failed } else { End::Clock });
                judged.refused = Some(reject);
            }
            Then::Forked(fork) => {
                judged.fork = offered.map(|offered| self.both_sides(*fork, offered));
            }
        }
        judged
    }

    /// The reason that remains when the clock's is set aside: a liar does not hide behind it.
    fn but_for_time(&mut self, reject: Reject, block: Option<&LightBlock>) -> Reject {
        match (&reject, block) {
            (Reject::TimeInFuture { .. }, Some(block)) => {
                self.sync.refused_but_for_time(block).unwrap_or(reject)
            }
            _ => reject,
        }
    }

    fn walk_on(&mut self, peer: usize) -> Option<Question> {
        if self.walk.is_none() {
            if !self.scores.may_lead(peer, &self.connected) {
                self.sync.restart();
                return None;
            }
            self.walk = Some(Walk { leader: peer, idle: 0, age: 0 });
        }
        Some(Question { peer, ask: self.sync.ask() })
    }

    fn end_walk(&mut self, end: End) {
        if let Some(walk) = self.walk.take().filter(|_| end == End::Failed) {
            self.scores.false_offer(walk.leader);
        }
        self.sync.restart();
    }

    fn is_below(&self, block: Option<&LightBlock>) -> bool {
        block.is_some_and(|block| block.header.height <= self.head().header().get().height)
    }

    fn leads(&self, peer: usize) -> bool {
        self.walk.as_ref().is_some_and(|walk| walk.leader == peer)
    }

    fn set_asked(&mut self, peer: usize, asked: bool) {
        if let Some(known) = self.asked.get_mut(peer) {
            *known = asked;
        }
    }

    /// Keeps a verified block as it came; also one that the store kept.
    pub(crate) fn remember(&mut self, block: LightBlock) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(block);
        if let Some(walk) = &mut self.walk {
            walk.idle = 0;
        }
    }

    /// The first side as it came or was kept, with the second.
    fn both_sides(&self, fork: Fork, second: LightBlock) -> (Fork, Option<ForkEvidence>) {
        let [known, _] = fork.blocks();
        let first = self.recent.iter().find(|block| block.header.id() == known.id()).cloned();
        (fork, first.map(|first| ForkEvidence { first, second }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{Chain, bad_signature, constant, disjoint};

    const NOW: Time = Time(1_000_000);

    fn follow(chain: &Chain, peers: usize) -> Follow {
        let (anchor, rules) = Trusted::genesis(&chain.genesis).unwrap();
        Follow::new(Sync::new(anchor, rules), peers, 3)
    }

    fn grown(members: crate::chain::Members, count: u64) -> Chain {
        let mut chain = Chain::new("net", Time(1000), members);
        chain.grow_by(count);
        chain
    }

    const fn tip(peer: usize) -> Question {
        Question { peer, ask: Ask::Tip }
    }

    /// The next question, when this one is answered truly.
    fn led(follow: &mut Follow, chain: &Chain, question: Question) -> Option<Question> {
        match question.ask {
            Ask::Block(want) => follow.block(question, chain.block(want.0).unwrap().clone(), NOW).next,
            Ask::History { height, size } => {
                follow.history(question, &chain.audit_path(height.0, size.0).unwrap()).next
            }
            Ask::Tip => panic!("a walk asks for no tip"),
        }
    }

    fn height(follow: &Follow) -> u64 {
        follow.head().header().get().height.0
    }

    #[test]
    fn every_connected_peer_has_its_turn_and_one_question_at_a_time() {
        let mut follow = follow(&grown(constant, 1), 4);
        let mut asked = |connected: &[usize]| match follow.tick(connected.to_vec()) {
            Tick::Ask(question) => Some(question.peer),
            _ => None,
        };
        assert_eq!([asked(&[0, 2, 3]), asked(&[0, 2, 3])], [Some(0), Some(2)]);
        assert_eq!([asked(&[0, 1, 2, 3]), asked(&[0, 1, 2, 3])], [Some(3), Some(1)]);
        assert_eq!(asked(&[0, 1, 2, 3]), None, "all are asked");
        assert_eq!(follow.no_block(tip(2)), None);
        assert_eq!(follow.tick(vec![0, 1, 2, 3]), Tick::Ask(tip(2)));
        assert_eq!(follow.tick(vec![]), Tick::Idle);
    }

    #[test]
    fn a_walk_asks_its_leader_until_the_tip_is_verified() {
        let chain = grown(disjoint, 30);
        let mut follow = follow(&chain, 2);
        let mut next = follow.block(tip(0), chain.tip().unwrap().clone(), NOW).next;
        let mut steps = 0;
        while let Some(question) = next {
            assert!(follow.walking());
            assert_eq!(question.peer, 0);
            steps += u32::from(matches!(question.ask, Ask::Block(_)));
            next = led(&mut follow, &chain, question);
        }
        assert_eq!((height(&follow), follow.walking()), (30, false));
        assert!(steps <= 18, "{steps} blocks for 7 sets");
    }

    #[test]
    fn during_a_walk_no_other_tip_is_asked_for_or_taken() {
        let chain = grown(disjoint, 30);
        let mut follow = follow(&chain, 2);
        assert_eq!(follow.tick(vec![0, 1]), Tick::Ask(tip(0)));
        assert_eq!(follow.tick(vec![0, 1]), Tick::Ask(tip(1)));
        let first = follow.block(tip(0), chain.tip().unwrap().clone(), NOW).next.unwrap();
        let late = follow.block(tip(1), chain.block(1).unwrap().clone(), NOW);
        assert!(late.advanced.is_none() && late.refused.is_none() && late.next.is_none());
        assert_eq!(follow.tick(vec![0, 1]), Tick::Idle);
        let stranger = Question { peer: 1, ..first };
        let from_stranger = follow.block(stranger, chain.block(4).unwrap().clone(), NOW);
        assert_eq!(from_stranger.advanced, None);
        assert_eq!(height(&follow), 0);
    }

    #[test]
    fn another_block_than_asked_for_ends_the_walk_and_is_refused() {
        let chain = grown(disjoint, 30);
        let mut follow = follow(&chain, 1);
        let question = follow.block(tip(0), chain.tip().unwrap().clone(), NOW).next.unwrap();
        let Ask::Block(want) = question.ask else { panic!("{question:?}") };
        let judged = follow.block(question, chain.block(3).unwrap().clone(), NOW);
        assert_eq!(judged.refused, Some(Reject::NotAsked { got: Height(3), want }));
        assert_eq!((height(&follow), follow.walking()), (0, false));
    }

    #[test]
    fn a_walk_that_stands_still_is_given_up_and_its_leader_sits_out() {
        let chain = grown(disjoint, 30);
        let mut follow = follow(&chain, 2);
        let far = chain.tip().unwrap();
        assert!(follow.block(tip(0), far.clone(), NOW).next.is_some());
        for _ in 0..3 {
            assert_eq!(follow.tick(vec![0, 1]), Tick::Idle);
        }
        assert_eq!(follow.tick(vec![0, 1]), Tick::GaveUp(0));
        assert!(follow.block(tip(0), far.clone(), NOW).next.is_none(), "it stands behind");
        assert!(follow.block(tip(1), far.clone(), NOW).next.is_some(), "the other leads");
    }

    /// Whatever way the leader leaves: gone from the list, or its answer lost with the connection.
    #[test]
    fn who_hangs_up_on_a_walk_stands_behind_the_others_and_may_lead_when_alone() {
        let chain = grown(disjoint, 30);
        let mut follow = follow(&chain, 2);
        let far = chain.tip().unwrap();
        assert!(follow.block(tip(0), far.clone(), NOW).next.is_some());
        assert_eq!(follow.tick(vec![1]), Tick::Idle);
        assert!(!follow.walking());
        follow.tick(vec![0, 1]);
        assert!(follow.block(tip(0), far.clone(), NOW).next.is_none(), "another has done better");
        follow.tick(vec![0]);
        let question = follow.block(tip(0), far.clone(), NOW).next.unwrap();
        let Ask::Block(want) = question.ask else { panic!("{question:?}") };
        assert_eq!(follow.no_block(question), Some(want));
        assert!(follow.block(tip(0), far.clone(), NOW).next.is_some(), "it is alone");
    }

    /// SECURITY: one peer that offers far heights and never leads there costs one walk, not every
    /// other one. What it does in the middle is the same to the others.
    #[test]
    fn a_liar_costs_one_walk() {
        let chain = grown(disjoint, 30);
        let far = chain.tip().unwrap().clone();
        for hangs_up in [true, false] {
            let mut follow = follow(&chain, 2);
            let (mut ticks, mut lost) = (0, 0);
            while height(&follow) < 30 {
                ticks += 1;
                assert!(ticks < 100, "hangs up: {hangs_up}");
                let Tick::Ask(question) = follow.tick(vec![0, 1]) else { continue };
                let mut next = follow.block(question, far.clone(), NOW).next;
                if question.peer == 0 && next.is_some() {
                    lost += 1;
                    if hangs_up {
                        follow.tick(vec![1]);
                    }
                    continue;
                }
                while let Some(question) = next {
                    next = led(&mut follow, &chain, question);
                }
            }
            assert_eq!(lost, 1, "hangs up: {hangs_up}, {ticks} ticks");
        }
    }

    /// Each answer just in time, and never another peer's turn: that ends too.
    #[test]
    fn a_leader_that_is_too_slow_is_replaced() {
        let chain = grown(disjoint, 220);
        let mut follow = Follow { patience: 7, ..follow(&chain, 2) };
        follow.tick(vec![0, 1]);
        let mut question = follow.block(tip(0), chain.tip().unwrap().clone(), NOW).next.unwrap();
        while follow.tick(vec![0, 1]) == Tick::Idle {
            question = led(&mut follow, &chain, question).unwrap();
        }
        assert!(!follow.walking() && height(&follow) > 0, "what it brought is kept");
        assert!(!follow.scores.may_lead(0, &[0, 1]));
    }

    /// Law 7: what keys have signed that were retired before the trusting period is refused and costs
    /// its peer, without a halt. While they can be held to account it is a fork, with evidence against
    /// more than a third.
    #[test]
    fn a_fork_of_retired_keys_is_no_halt_and_one_of_live_keys_is() {
        const DAY: u64 = 24 * 3_600_000;
        let mut chain = Chain::new("net", Time(1000), disjoint);
        chain.grow_by(3);
        let rival = chain.next(Time(5000), Hash([7; 32]));
        chain.grow_by(1);
        (5..=8).for_each(|height| drop(chain.grow(Time(10 * DAY + height))));
        (9..=12).for_each(|height| drop(chain.grow(Time(20 * DAY + height))));
        let followed = |to: &[(u64, u64)]| {
            let mut follow = follow(&chain, 1);
            for (height, now) in to {
                let now = Time(*now);
                let next = follow.block(tip(0), chain.block(*height).unwrap().clone(), now).next;
                if let Some(question @ Question { ask: Ask::History { height, size }, .. }) = next {
                    follow.history(question, &chain.audit_path(height.0, size.0).unwrap());
                }
            }
            follow
        };
        let mut live = followed(&[(4, DAY), (8, 11 * DAY)]);
        assert_eq!(height(&live), 8);
        let (fork, evidence) = live.block(tip(0), rival.clone(), Time(13 * DAY)).fork.unwrap();
        assert!(fork.power_of(&fork.culprits()).is_more_than_a_third());
        assert_eq!(evidence.unwrap().second, rival);

        let mut late = followed(&[(4, DAY), (8, 11 * DAY), (12, 21 * DAY)]);
        assert_eq!(height(&late), 12);
        let judged = late.block(tip(0), rival, Time(21 * DAY));
        assert_eq!(judged.refused.map(|reject| reject.name()), Some("TrustExpired"));
        assert!(judged.fork.is_none() && height(&late) == 12);
        assert!(late.scores.demerits(0) > 0);
    }

    #[test]
    fn a_bad_block_is_refused_and_its_honest_twin_is_not() {
        let chain = grown(constant, 2);
        let mut follow = follow(&chain, 1);
        let block = chain.tip().unwrap();
        let judged = follow.block(tip(0), bad_signature(block.clone()), NOW);
        assert_eq!(judged.refused, Some(Reject::BadSignature { signer: 0 }));
        assert_eq!(height(&follow), 0);
        assert_eq!(follow.block(tip(0), block.clone(), NOW).advanced.as_ref(), Some(block));
    }

    /// Also in the middle of a walk, when the clock is set back: nobody sits out for it.
    #[test]
    fn a_refusal_for_time_benches_nobody() {
        let mut chain = Chain::new("net", Time(500_000), disjoint);
        chain.grow_by(30);
        let mut follow = follow(&chain, 1);
        let far = chain.tip().unwrap();
        let question = follow.block(tip(0), far.clone(), NOW).next.unwrap();
        let Ask::Block(want) = question.ask else { panic!("{question:?}") };
        let drift = follow.sync.rules().params.clock_drift_ms;
        let header = chain.block(want.0).unwrap().header.clone();
        let early = Time(header.time.0.saturating_sub(drift));
        let judged = follow.block(question, chain.block(want.0).unwrap().clone(), early);
        let most = early.plus(drift);
        assert_eq!(judged.refused, Some(Reject::TimeInFuture { got: header.time, most }));
        assert!(!follow.walking());
        assert!(follow.block(tip(0), far.clone(), NOW).next.is_some(), "it may lead again");
    }

    #[test]
    fn a_lie_does_not_hide_behind_the_clock() {
        let mut chain = Chain::new("net", Time(500_000), constant);
        chain.grow_by(2);
        let mut follow = follow(&chain, 1);
        let block = chain.tip().unwrap();
        let judged = follow.block(tip(0), bad_signature(block.clone()), Time(0));
        assert_eq!(judged.refused, Some(Reject::BadSignature { signer: 0 }));
        let judged = follow.block(tip(0), block.clone(), Time(0));
        assert!(matches!(judged.refused, Some(Reject::TimeInFuture { .. })), "{:?}", judged.refused);
        assert_eq!(height(&follow), 0);
    }

    #[test]
    fn both_sides_of_a_fork_are_kept_wherever_the_second_comes_from() {
        let mut chain = grown(constant, 5);
        let rival = chain.next(Time(5000), Hash([7; 32]));
        let block = chain.grow(Time(4000));
        let mut follow = follow(&chain, 1);
        follow.block(tip(0), block.clone(), NOW);
        assert!(follow.compare(block.clone(), NOW).fork.is_none());
        let (_, evidence) = follow.compare(rival.clone(), NOW).fork.unwrap();
        assert_eq!(evidence, Some(ForkEvidence { first: block, second: rival }));
        assert_eq!(height(&follow), 6);
    }
}
