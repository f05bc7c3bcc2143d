//! What is shown? The one place where a [`Snapshot`] is put together and published.

use std::{sync::Arc, time::Duration};

use qratum_chain::{
    document::ForkProof,
    types::{BlockId, ChainParams, Height, Time},
};
use qratum_crypto::sign::ed25519::PublicKey;
use qratum_verifier::{Blame, Trusted, detect::Fork, witness::may_arm};
use tokio::sync::watch;

use crate::{
    Accused, Ban, Reason, Refusal, Snapshot, State, StoreState, Voting, Witnesses,
    heard::Heard,
    net::{LOCAL, Link},
    score::Scores,
    skew::Skew,
    state::{Facts, state},
};

/// The snapshot in the making.
#[derive(Debug)]
pub(crate) struct Board {
    next: Snapshot,
    changed: bool,
    /// A peer has answered a tip since one was connected.
    answered: bool,
    /// A peer was reached once, or every one was found unreachable.
    tried: bool,
    heard: Heard,
    skew: Skew,
    params: ChainParams,
    /// The newest header time that was verified in this home before.
    seen: Time,
    out: watch::Sender<Arc<Snapshot>>,
}

impl Board {
    pub(crate) fn new(first: Snapshot, heard: Heard, params: ChainParams) -> Self {
        let skew = Skew::new(first.peers.len(), &params);
        let out = watch::Sender::new(Arc::new(first.clone()));
        let (changed, answered, tried, seen) = (false, false, false, Time(0));
        Self { next: first, changed, answered, tried, heard, skew, params, seen, out }
    }

    /// Blocks are to take so long from now on.
    pub(crate) const fn keep_pace(&mut self, interval_ms: u64) {
        self.params.block_interval_ms = interval_ms;
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.out.subscribe()
    }

    pub(crate) const fn forked(&self) -> bool {
        self.next.fork.is_some()
    }

    /// Whether it was known how the vote goes when this was last published: heads come, or it was told
    /// why not.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.next.state, State::Live | State::NoQuorum)
    }

    /// Height of the head that was published last or is about to be.
    pub(crate) fn height(&self) -> Height {
        self.next.head.header().get().height
    }

    /// A header of this time was verified in this home before: a clock that reads less is behind.
    pub(crate) const fn not_before(&mut self, seen: Time) {
        self.seen = seen;
    }

    /// How far the local clock is ahead, by what was verified before; none where that says nothing.
    fn behind_ms(&self, now: Time) -> Option<i64> {
        let is_behind = now.plus(self.params.clock_drift_ms) < self.seen;
        let behind = i64::try_from(self.seen.0.saturating_sub(now.0)).unwrap_or(i64::MAX);
        is_behind.then(|| behind.saturating_neg())
    }

    /// Takes over how the connections stand.
    pub(crate) fn links(&mut self, links: &[Link]) {
        for (peer, (view, link)) in self.next.peers.iter_mut().zip(links).enumerate() {
            self.changed |= view.channel != link.connected;
            (view.connected, view.channel) = (link.connected.is_some(), link.connected);
            if link.connected.is_none() {
                self.skew.no_tip(peer);
            }
        }
        self.tried |=
            links.iter().any(|link| link.connected.is_some()) || links.iter().all(|link| link.tried);
        self.answered &= links.iter().any(|link| link.connected.is_some());
    }

    /// A peer has answered which height its newest block has; it may have none.
    pub(crate) fn tip(&mut self, peer: usize, claimed: Option<Height>) {
        self.answered = true;
        if let Some(view) = self.next.peers.get_mut(peer).filter(|_| claimed.is_some()) {
            self.changed |= view.claimed_height != claimed;
            view.claimed_height = claimed;
        }
    }

    /// A peer handed over the block of this id and time, and only the clock could refuse it.
    pub(crate) fn handed(&mut self, peer: usize, (id, time): (BlockId, Time), now: Time) {
        self.heard.block(peer, id);
        self.skew.tip(peer, time, now);
    }

    /// A peer was asked for its tip, and gave none that is good.
    pub(crate) fn no_tip(&mut self, peer: usize) {
        self.skew.no_tip(peer);
    }

    /// Remembers a refusal that somebody answers for; the same kind from the same peer in a row is one entry.
    pub(crate) fn refuse(&mut self, peer: usize, reason: Reason, at: Time) {
        let name = self.next.peers.get(peer).map_or(LOCAL, |view| view.name.as_str());
        if matches!(&reason, Reason::Rejected(reject) if reject.blame() == Blame::Nobody) {
            return;
        }
        self.changed = true;
        let refusals = &mut self.next.refusals;
        let same = |last: &&mut Refusal| last.peer == name && last.reason.name() == reason.name();
        if let Some(last) = refusals.iter_mut().rev().find(|last| last.peer == name).filter(same) {
            (last.reason, last.at, last.count) = (reason, at, last.count.saturating_add(1));
            return;
        }
        if refusals.len() >= Snapshot::REFUSALS {
            refusals.remove(0);
        }
        refusals.push(Refusal { peer: name.to_owned(), reason, at, count: 1 });
    }

    /// A peer is banned: nothing that it said counts any more.
    pub(crate) fn ban(&mut self, peer: usize, ban: Ban) {
        self.heard.forget(peer);
        self.skew.no_tip(peer);
        if let Some(view) = self.next.peers.get_mut(peer) {
            (view.ban, view.claimed_height, self.changed) = (Some(ban), None, true);
        }
    }

    /// Takes over how peers have done by now.
    pub(crate) fn scores(&mut self, scores: &Scores, elapsed: Duration) {
        for (peer, view) in self.next.peers.iter_mut().enumerate() {
            let lifted = view.ban.is_some() && !scores.is_banned(peer, elapsed);
            let demerits = scores.demerits(peer);
            self.changed |= lifted || demerits != view.demerits;
            view.demerits = demerits;
            if lifted {
                view.ban = None;
            }
        }
    }

    /// Takes over what votes show by now.
    pub(crate) fn voting(&mut self, voting: Arc<Voting>) {
        self.changed |= self.next.voting != voting;
        self.next.voting = voting;
    }

    /// A peer led to a new head.
    pub(crate) fn head(&mut self, peer: usize, head: Arc<Trusted>, seen: Time) {
        self.heard.head(&head);
        self.heard.block(peer, head.id());
        (self.next.head, self.next.head_seen, self.changed) = (head, Some(seen), true);
    }

    /// The new head came as a tip: the chain moves on.
    pub(crate) fn moves(&mut self, elapsed: Duration) {
        self.skew.head(self.next.head.header().get().time, elapsed);
    }

    pub(crate) fn fork(&mut self, fork: Fork, evidence: Option<ForkProof>) {
        self.next.fork = Some(Arc::new(fork));
        self.next.evidence = evidence.map(Arc::new);
        self.changed = true;
    }

    /// The proven name of a key that joined later.
    pub(crate) fn name(&mut self, key: PublicKey, name: String) {
        (self.next.names, self.changed) = (self.next.names.with(key, name), true);
    }

    /// Somebody broke the protocol: what proves it first is shown.
    pub(crate) fn accuse(&mut self, accused: Accused) {
        if self.next.accused.iter().all(|known| known.key != accused.key) {
            self.next.accused.push(accused);
            self.changed = true;
        }
    }

    pub(crate) fn store(&mut self, store: StoreState) {
        (self.next.store, self.changed) = (store, true);
    }

    /// Decides the state and publishes, if anything is new. `elapsed` is the time since the start.
    pub(crate) fn publish(&mut self, walking: bool, elapsed: Duration, now: Time) {
        let offset = self.skew.offset_ms(self.heard.parties(), elapsed).or_else(|| self.behind_ms(now));
        let time = self.next.head.header().get().time;
        let state = state(&Facts {
            forked: self.forked(),
            expired: time.plus(self.params.trusting_period_ms) <= now,
            tried: self.tried,
            connected: self.next.peers.iter().any(|peer| peer.connected),
            answered: self.answered,
            clock: offset.is_some(),
            stuck: self.next.voting.stuck,
            walking,
            age_ms: now.0.saturating_sub(time.0),
            interval_ms: self.params.block_interval_ms,
        });
        let clock_offset_ms = offset.filter(|_| state == State::Clock);
        let witnesses = self.witnesses(state);
        let old = (self.next.state, self.next.clock_offset_ms, &self.next.witnesses);
        if self.changed || (state, clock_offset_ms, &witnesses) != old {
            (self.next.state, self.next.clock_offset_ms, self.changed) = (state, clock_offset_ms, false);
            self.next.witnesses = witnesses;
            self.out.send_replace(Arc::new(self.next.clone()));
        }
    }

    fn witnesses(&self, state: State) -> Witnesses {
        let witnesses = self.heard.witnesses();
        let may_arm = state == State::Live && may_arm(witnesses.operators.len());
        Witnesses { may_arm, ..witnesses }
    }
}

#[cfg(test)]
mod tests {
    use libp2p::PeerId;
    use qratum_chain::types::{Genesis, GenesisValidator, Jurisdiction, SetId, Validator};
    use qratum_crypto::{hash::Hash, sign::ed25519::SecretKey};
    use qratum_verifier::Reject;

    use super::*;
    use crate::{Channel, Names, PeerView};

    fn board() -> Board {
        let validator = Validator {
            pubkey: SecretKey::from_seed(&[1; 32]).public(),
            power: 1,
            jurisdiction: Jurisdiction::new(*b"CH").unwrap(),
            since_set: SetId(0),
            pq_key_hash: Hash::ZERO,
        };
        let genesis = Genesis {
            network: "net".to_owned(),
            demo: true,
            time: Time(1000),
            params: ChainParams::default(),
            validators: vec![GenesisValidator { name: "v-0".to_owned(), validator, enrolment: None }],
            people: None,
        };
        let (anchor, rules) = Trusted::genesis(&genesis).unwrap();
        let view = |name: &str| PeerView {
            channel: None,
            name: name.to_owned(),
            id: PeerId::random(),
            operator: name.to_owned(),
            bound: false,
            connected: false,
            claimed_height: None,
            demerits: 0,
            ban: None,
        };
        let first = Snapshot {
            state: State::Loading,
            head: Arc::new(anchor),
            head_seen: None,
            witnesses: Witnesses::default(),
            voting: Arc::default(),
            before: None,
            clock_offset_ms: None,
            peers: vec![view("a"), view("b")],
            refusals: Vec::new(),
            fork: None,
            evidence: None,
            accused: Vec::new(),
            names: Names::of(&genesis),
            store: StoreState::None,
        };
        let heard = Heard::new(&[], &first.head);
        Board::new(first, heard, rules.params)
    }

    #[test]
    fn refusals_are_bounded_and_the_same_again_is_counted() {
        let mut board = board();
        for at in 0..100 {
            board.refuse(0, Reason::TimedOut, Time(at));
            board.refuse(1, Reason::OffTopic, Time(at));
        }
        let counts = |board: &Board| board.next.refusals.iter().map(|r| r.count).collect::<Vec<_>>();
        assert_eq!(counts(&board), [100, 100], "peers that take turns do not push each other out");
        assert_eq!(board.next.refusals[0].at, Time(99));
        for at in 0..100 {
            board.refuse(0, if at % 2 == 0 { Reason::Cut } else { Reason::OffTopic }, Time(at));
        }
        assert_eq!(board.next.refusals.len(), Snapshot::REFUSALS);
    }

    #[test]
    fn a_refusal_for_time_blames_nobody() {
        let mut board = board();
        let (got, at) = (Time(2), Time(1));
        board.refuse(0, Reason::Rejected(Reject::TimeInFuture { got, most: at }), at);
        board.refuse(0, Reason::Rejected(Reject::TrustExpired { at, now: got }), at);
        assert_eq!(board.next.refusals, []);
        board.refuse(0, Reason::Rejected(Reject::TimeNotAbove { got: at, trusted: at }), at);
        assert_eq!(board.next.refusals.len(), 1);
    }

    #[test]
    fn losing_every_peer_takes_back_that_they_answered() {
        let mut board = board();
        let up = Link { connected: Some(Channel::Tcp), tried: true, wrong_key: false };
        let states = board.watch();
        let state = |board: &mut Board| {
            board.publish(false, Duration::ZERO, Time(1500));
            states.borrow().state
        };
        assert_eq!(state(&mut board), State::Loading);
        board.links(&[up, Link::default()]);
        assert_eq!(state(&mut board), State::Syncing);
        board.tip(0, Some(Height(7)));
        assert_eq!(state(&mut board), State::Live);
        board.links(&[Link::default(); 2]);
        assert_eq!(state(&mut board), State::Disconnected);
        board.links(&[up, Link::default()]);
        assert_eq!(state(&mut board), State::Syncing);
    }

    #[test]
    fn a_ban_is_shown_until_it_is_over() {
        let (mut board, mut scores) = (board(), Scores::new(2));
        board.tip(1, Some(Height(7)));
        let (length, count) = scores.refused(1, &Reason::OffTopic, Duration::ZERO).unwrap();
        let ban = Ban { reason: Reason::OffTopic, at: Time(5), until: Time(60_005), count };
        board.ban(1, ban.clone());
        board.scores(&scores, Duration::ZERO);
        assert_eq!(board.next.peers[0].ban, None);
        assert_eq!((&board.next.peers[1].ban, board.next.peers[1].claimed_height), (&Some(ban), None));
        board.changed = false;
        board.scores(&scores, length);
        assert_eq!((&board.next.peers[1].ban, board.changed), (&None, true));
    }

    #[test]
    fn an_old_head_is_expired_whatever_peers_say() {
        let mut board = board();
        board.publish(false, Duration::ZERO, Time(1000 + board.params.trusting_period_ms - 1));
        assert_ne!(board.next.state, State::Expired);
        board.publish(false, Duration::ZERO, Time(1000 + board.params.trusting_period_ms));
        assert_eq!(board.next.state, State::Expired);
    }
}
