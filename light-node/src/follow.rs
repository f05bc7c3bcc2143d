//! Whom to ask what next, and what an answer led to? Pure: connections and time are arguments.
//!
//! Connected peers are asked for their tip in turn, all of them, so that a peer on another branch
//! is heard. When a tip cannot be reached in one step, the peer that offered it leads a *walk*
//! through the blocks in between, and no other tip is taken until it ends. A walk that stands
//! still is given up; its leader may not lead another for [`BENCH`] turns, so that one liar cannot
//! hold up the rest. Scores that remember longer arrive with the network issue.

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

/// Turns for which the leader of a failed walk may offer, but not lead.
const BENCH: u32 = 30;
/// How many accepted blocks are kept as they came, to show both sides of a fork. As many as the
/// verifier remembers.
const RECENT: usize = 16;

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

#[derive(Clone, Debug, Default)]
struct Turn {
    /// A tip was asked for and has not come.
    asked: bool,
    /// Turns until it may lead a walk again.
    benched: u32,
}

#[derive(Debug)]
struct Walk {
    leader: usize,
    /// Ticks since a block was verified.
    idle: u32,
}

/// Following one chain with a number of peers.
#[derive(Debug)]
pub(crate) struct Follow {
    sync: Sync,
    turns: Vec<Turn>,
    next: usize,
    walk: Option<Walk>,
    /// Ticks without a verified block after which a walk is given up.
    patience: u32,
    recent: VecDeque<LightBlock>,
}

impl Follow {
    pub(crate) fn new(sync: Sync, peers: usize, patience: u32) -> Self {
        let turns = vec![Turn::default(); peers];
        Self { sync, turns, next: 0, walk: None, patience, recent: VecDeque::new() }
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
    pub(crate) fn tick(&mut self, connected: &[usize]) -> Tick {
        if let Some(walk) = &mut self.walk {
            let leader = walk.leader;
            walk.idle = walk.idle.saturating_add(1);
            if !connected.contains(&leader) {
                self.end_walk(false);
            } else if walk.idle > self.patience {
                self.end_walk(true);
                return Tick::GaveUp(leader);
            }
            return Tick::Idle;
        }
        let order = (self.next..self.turns.len()).chain(0..self.next);
        let free = |peer: &usize| self.turns.get(*peer).is_some_and(|turn| !turn.asked);
        let Some(peer) = order.filter(|peer| connected.contains(peer)).find(free) else { return Tick::Idle };
        self.next = peer.saturating_add(1);
        if let Some(turn) = self.turns.get_mut(peer) {
            turn.asked = true;
            turn.benched = turn.benched.saturating_sub(1);
        }
        Tick::Ask(Question { peer, ask: Ask::Tip })
    }

    /// No block came, by the peer's fault or not. Returns the height that the leader of a walk
    /// owes.
    pub(crate) fn no_block(&mut self, question: Question, fault: bool) -> Option<Height> {
        match question.ask {
            Ask::Tip => self.tip_came(question.peer),
            Ask::Block(height) | Ask::History { height, .. } if self.leads(question.peer) => {
                self.end_walk(fault);
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
                self.tip_came(question.peer);
                if self.walking() {
                    return Judged::default();
                }
            }
            Ask::Block(_) | Ask::History { .. } if !self.leads(question.peer) => return Judged::default(),
            Ask::Block(want) if want != got => {
                self.end_walk(true);
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
        let below = block.header.height <= self.head().header().get().height;
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
            Then::Current => self.walk = None,
            Then::Waiting => judged.next = self.walk_on(peer),
            Then::Refused(reject) => {
                let reject = self.but_for_time(reject, offered.as_ref());
                self.end_walk(reject.blame() == Blame::Peer);
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
            if self.turns.get(peer).is_none_or(|turn| turn.benched > 0) {
                self.sync.restart();
                return None;
            }
            self.walk = Some(Walk { leader: peer, idle: 0 });
        }
        Some(Question { peer, ask: self.sync.ask() })
    }

    fn end_walk(&mut self, fault: bool) {
        if let Some(walk) = self.walk.take().filter(|_| fault)
            && let Some(turn) = self.turns.get_mut(walk.leader)
        {
            turn.benched = BENCH;
        }
        self.sync.restart();
    }

    fn leads(&self, peer: usize) -> bool {
        self.walk.as_ref().is_some_and(|walk| walk.leader == peer)
    }

    fn tip_came(&mut self, peer: usize) {
        if let Some(turn) = self.turns.get_mut(peer) {
            turn.asked = false;
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

    fn height(follow: &Follow) -> u64 {
        follow.head().header().get().height.0
    }

    #[test]
    fn every_connected_peer_has_its_turn_and_one_question_at_a_time() {
        let mut follow = follow(&grown(constant, 1), 4);
        let mut asked = |connected: &[usize]| match follow.tick(connected) {
            Tick::Ask(question) => Some(question.peer),
            _ => None,
        };
        assert_eq!([asked(&[0, 2, 3]), asked(&[0, 2, 3])], [Some(0), Some(2)]);
        assert_eq!([asked(&[0, 1, 2, 3]), asked(&[0, 1, 2, 3])], [Some(3), Some(1)]);
        assert_eq!(asked(&[0, 1, 2, 3]), None, "all are asked");
        assert_eq!(follow.no_block(tip(2), false), None);
        assert_eq!(follow.tick(&[0, 1, 2, 3]), Tick::Ask(tip(2)));
        assert_eq!(follow.tick(&[]), Tick::Idle);
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
            next = match question.ask {
                Ask::Block(want) => {
                    steps += 1;
                    follow.block(question, chain.block(want.0).unwrap().clone(), NOW).next
                }
                Ask::History { height, size } => {
                    let path = chain.audit_path(height.0, size.0).unwrap();
                    follow.history(question, &path).next
                }
                Ask::Tip => panic!("a walk asks for no tip"),
            };
        }
        assert_eq!((height(&follow), follow.walking()), (30, false));
        assert!(steps <= 18, "{steps} blocks for 7 sets");
    }

    #[test]
    fn during_a_walk_no_other_tip_is_asked_for_or_taken() {
        let chain = grown(disjoint, 30);
        let mut follow = follow(&chain, 2);
        assert_eq!(follow.tick(&[0, 1]), Tick::Ask(tip(0)));
        assert_eq!(follow.tick(&[0, 1]), Tick::Ask(tip(1)));
        let first = follow.block(tip(0), chain.tip().unwrap().clone(), NOW).next.unwrap();
        let late = follow.block(tip(1), chain.block(1).unwrap().clone(), NOW);
        assert!(late.advanced.is_none() && late.refused.is_none() && late.next.is_none());
        assert_eq!(follow.tick(&[0, 1]), Tick::Idle);
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
            assert_eq!(follow.tick(&[0, 1]), Tick::Idle);
        }
        assert_eq!(follow.tick(&[0, 1]), Tick::GaveUp(0));
        assert!(follow.block(tip(0), far.clone(), NOW).next.is_none(), "on the bench");
        assert!(follow.block(tip(1), far.clone(), NOW).next.is_some(), "the other leads");
    }

    #[test]
    fn a_leader_that_is_gone_is_not_to_blame() {
        let chain = grown(disjoint, 30);
        let mut follow = follow(&chain, 2);
        let far = chain.tip().unwrap();
        assert!(follow.block(tip(0), far.clone(), NOW).next.is_some());
        assert_eq!(follow.tick(&[1]), Tick::Idle);
        assert!(!follow.walking());
        let question = follow.block(tip(0), far.clone(), NOW).next.unwrap();
        let Ask::Block(want) = question.ask else { panic!("{question:?}") };
        assert_eq!(follow.no_block(question, false), Some(want));
        assert!(follow.block(tip(0), far.clone(), NOW).next.is_some(), "it may lead again");
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
