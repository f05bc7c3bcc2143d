//! What is printed while a network is followed without a screen? A line for each event, shared by
//! `watch` and `demo --headless`.

use std::{collections::BTreeSet, future::pending, num::NonZeroU64, sync::Arc, time::Duration};

use qratum_light_node::{LightNode, Names, PeerView, Refusal, Snapshot, State};
use qratum_verifier::Trusted;
use tokio::{
    sync::{
        broadcast::{Receiver, error::RecvError},
        watch,
    },
    time::{sleep, timeout},
};

use super::event::{
    AccusedEvent, Event, HeadEvent, PeerEvent, RefusalEvent, SetEvent, SilentEvent, StateEvent,
};
use crate::{
    demo::{Demo, Joined},
    exit::{Exit, Failure},
    model::{head_of, silent},
    monitor::{Change, Monitor},
    output,
    signals::Signals,
};

/// When is it enough?
#[derive(Clone, Copy, Debug)]
pub(super) struct Goal {
    /// In this state.
    pub(super) until: Option<State>,
    /// After this many more heads.
    pub(super) heads: Option<u64>,
    /// After this time, whatever came.
    pub(super) within: Option<Duration>,
}

impl Goal {
    /// After this many heads, or never.
    pub(super) fn heads(heads: Option<NonZeroU64>) -> Self {
        Self { until: None, heads: heads.map(NonZeroU64::get), within: None }
    }
}

/// What was printed, and how.
pub(super) struct Lines {
    json: bool,
    goal: Goal,
    /// The state that was printed last.
    told: State,
    /// Whether a head that is old may still turn out to be one without a quorum: see [`LISTEN`].
    listening: bool,
    /// Whether there was a verified head.
    verified: bool,
    /// Which peers were printed as connected.
    connected: Vec<bool>,
    /// The refusals that were printed.
    refusals: Vec<Refusal>,
    /// Who was printed as silent.
    silent: Vec<String>,
    /// The keys whose offence was printed.
    accused: BTreeSet<String>,
    /// The last verified head.
    last: Option<Arc<Trusted>>,
    /// A head whose set differs from that of the head before, until it is told.
    change: Option<[Arc<Trusted>; 2]>,
    /// Whose alarms are told as well.
    monitor: Option<Monitor>,
}

/// How long votes are listened to before the first word on a head that is old: as long as it takes to
/// find that no more than two thirds vote, in one of the first rounds.
const LISTEN: Duration = Duration::from_secs(10);
/// How often a demo looks whether a validator is left.
const LOOK: Duration = Duration::from_secs(1);
/// Heads after which a set change is told although names of new keys are not proven yet.
const NAMELESS: u64 = 3;

/// What happens next.
enum Next {
    Signal,
    TimeUp,
    Listened,
    Head(Arc<Trusted>),
    Snapshot(Arc<Snapshot>),
    Alarm(Box<Change>),
}

impl Lines {
    /// Prints as JSON or as text, until the goal.
    pub(super) fn new(json: bool, goal: Goal) -> Self {
        Self {
            json,
            goal,
            told: State::Loading,
            listening: true,
            verified: false,
            connected: Vec::new(),
            refusals: Vec::new(),
            silent: Vec::new(),
            accused: BTreeSet::new(),
            last: None,
            change: None,
            monitor: None,
        }
    }

    /// The same, with what this monitor says.
    pub(super) fn with_alarms(self, monitor: Monitor) -> Self {
        Self { monitor: Some(monitor), ..self }
    }

    /// Prints what happens until the goal, a signal or an error.
    pub(super) async fn print(
        mut self,
        node: &LightNode,
        demo: Demo<'_>,
        signals: Signals,
    ) -> Result<Exit, Failure> {
        let snapshots = node.snapshots();
        let monitor = self.monitor.take();
        let mut sources = Sources { signals, demo, heads: node.heads(), snapshots, monitor };
        sources.snapshots.mark_changed();
        let within = self.goal.within;
        let up = async { if let Some(time) = within { sleep(time).await } else { pending().await } };
        let listened = sleep(LISTEN);
        tokio::pin!(up, listened);
        loop {
            let next = tokio::select! {
                biased;
                next = sources.next() => next?,
                () = &mut up => Next::TimeUp,
                () = &mut listened, if self.listening => Next::Listened,
            };
            let done = match next {
                Next::Signal => true,
                Next::TimeUp if !self.listened(&sources.snapshots)? => return Ok(self.out_of_time()),
                Next::TimeUp => true,
                Next::Listened => self.listened(&sources.snapshots)?,
                Next::Head(head) => self.head(&head, &sources.snapshots.borrow())?,
                Next::Snapshot(snapshot) => self.snapshot(&snapshot)?,
                Next::Alarm(change) => {
                    output::next_lines(&change.line())?;
                    false
                }
            };
            if done {
                return Ok(Exit::Done);
            }
        }
    }

    const fn out_of_time(&self) -> Exit {
        let waited = self.goal.until.is_some() || self.goal.heads.is_some();
        if waited || !self.verified { Exit::Nothing } else { Exit::Done }
    }

    fn tell(&self, event: &Event) -> Result<(), Failure> {
        if self.json {
            output::next_json(event)?
        } else {
            output::next_lines(&event.line())?
        }
        Ok(())
    }

    /// Whether that was the last head. One that was verified in this home before is no news.
    fn head(&mut self, head: &Arc<Trusted>, snapshot: &Snapshot) -> Result<bool, Failure> {
        self.verified = true;
        let last = self.last.replace(Arc::clone(head));
        if snapshot.before.is_some_and(|before| head.header().get().height <= before) {
            return Ok(false);
        }
        let names = &snapshot.names;
        self.tell(&Event::Head(HeadEvent::of(head, names)))?;
        let other = |last: &Arc<Trusted>| last.validators().hash() != head.validators().hash();
        if let Some(last) = last.filter(other) {
            self.set_changed(names)?;
            self.change = Some([last, Arc::clone(head)]);
        }
        self.goal.heads = self.goal.heads.map(|left| left.saturating_sub(1));
        Ok(self.goal.heads == Some(0))
    }

    /// Whether the state is the one that was waited for.
    fn snapshot(&mut self, snapshot: &Snapshot) -> Result<bool, Failure> {
        self.peers(&snapshot.peers)?;
        self.refusals(&snapshot.refusals)?;
        self.silent(snapshot)?;
        self.accused(snapshot)?;
        if self.change.as_ref().is_some_and(|[_, head]| is_told_now(head, snapshot)) {
            self.set_changed(&snapshot.names)?;
        }
        self.state(snapshot)?;
        Ok(self.goal.until == Some(self.told))
    }

    /// A peer that comes or goes.
    fn peers(&mut self, peers: &[PeerView]) -> Result<(), Failure> {
        self.connected.resize(peers.len(), false);
        for (peer, before) in peers.iter().zip(std::mem::take(&mut self.connected)) {
            if peer.connected != before {
                self.tell(&Event::Peer(PeerEvent::of(peer)))?;
            }
            self.connected.push(peer.connected);
        }
        Ok(())
    }

    /// A refusal that is new, or as many again as were told: a peer that never stops fills no log.
    fn refusals(&mut self, refusals: &[Refusal]) -> Result<(), Failure> {
        for refusal in refusals {
            let same = |told: &&mut Refusal| {
                (&told.peer, told.reason.name()) == (&refusal.peer, refusal.reason.name())
            };
            let told = self.refusals.iter_mut().rev().find(same);
            if told.as_ref().is_some_and(|told| is_old(told, refusal)) {
                continue;
            }
            match told {
                Some(told) => *told = refusal.clone(),
                None => self.refusals.push(refusal.clone()),
            }
            self.tell(&Event::Refusal(RefusalEvent::of(refusal)))?;
        }
        Ok(())
    }

    /// Somebody falls silent, or votes again.
    fn silent(&mut self, snapshot: &Snapshot) -> Result<(), Failure> {
        let silent = silent(&snapshot.voting, &snapshot.names);
        let says = snapshot.voting.known || snapshot.voting.stuck;
        if says && silent != self.silent {
            self.tell(&Event::Silent(SilentEvent::of(&snapshot.voting, &silent)))?;
            self.silent = silent;
        }
        Ok(())
    }

    /// Who broke the protocol, each once.
    fn accused(&mut self, snapshot: &Snapshot) -> Result<(), Failure> {
        for accused in &snapshot.accused {
            if self.accused.insert(accused.key.to_string()) {
                self.tell(&Event::Accused(AccusedEvent::of(accused, &snapshot.names)))?;
            }
        }
        Ok(())
    }

    /// The set change that waits to be told, if there is one.
    fn set_changed(&mut self, names: &Names) -> Result<(), Failure> {
        let Some([before, head]) = self.change.take() else { return Ok(()) };
        self.tell(&Event::Set(SetEvent::of(before.validators(), &head, names)))
    }

    /// What was held back while votes were listened to is told. Whether that is the state that was
    /// waited for.
    fn listened(&mut self, snapshots: &watch::Receiver<Arc<Snapshot>>) -> Result<bool, Failure> {
        self.listening = false;
        let snapshot = Arc::clone(&snapshots.borrow());
        self.snapshot(&snapshot)
    }

    /// A state that lasts is told once; live only with a head, for a young genesis looks it too.
    fn state(&mut self, snapshot: &Snapshot) -> Result<(), Failure> {
        let too_early = match snapshot.state {
            State::Live => head_of(snapshot).is_none(),
            State::Stale | State::Stalled => self.listening,
            _ => false,
        };
        if snapshot.state != self.told && !too_early {
            let is_start = matches!(snapshot.state, State::Loading | State::Syncing | State::Disconnected);
            self.listening &= is_start;
            self.told = snapshot.state;
            self.tell(&Event::State(StateEvent::of(snapshot)))?;
        }
        Ok(())
    }
}

/// Whether all members of the set that begins with `head` have their names, or that took too long.
fn is_told_now(head: &Trusted, snapshot: &Snapshot) -> bool {
    let height = |head: &Trusted| head.header().get().height.0;
    let late = height(&snapshot.head) >= height(head).saturating_add(NAMELESS);
    late || head.validators().members().iter().all(|member| snapshot.names.name(&member.pubkey).is_some())
}

/// Whether `refusal` was told as `told`: it is not newer, or not yet twice as many.
fn is_old(told: &Refusal, refusal: &Refusal) -> bool {
    refusal.at <= told.at || (refusal.count > told.count && refusal.count / 2 < told.count)
}

/// Everything that events come from.
struct Sources<'a> {
    signals: Signals,
    demo: Demo<'a>,
    heads: Receiver<Arc<Trusted>>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    monitor: Option<Monitor>,
}

impl Sources<'_> {
    async fn next(&mut self) -> Result<Next, Failure> {
        let stopped = || Failure::new(Exit::Error, "the light node has stopped");
        tokio::select! {
            biased;
            () = self.signals.recv() => Ok(Next::Signal),
            failure = lost(&mut self.demo) => Err(failure),
            change = alarm(&mut self.monitor) => change.map(|change| Next::Alarm(Box::new(change))),
            head = next_head(&mut self.heads) => head.map(Next::Head).ok_or_else(stopped),
            changed = self.snapshots.changed() => {
                changed.map_err(|_| stopped())?;
                Ok(Next::Snapshot(Arc::clone(&self.snapshots.borrow_and_update())))
            }
        }
    }
}

/// The next thing that happens to an alarm; never, where nobody looks for any.
async fn alarm(monitor: &mut Option<Monitor>) -> Result<Change, Failure> {
    match monitor {
        Some(monitor) => monitor.next().await,
        None => pending().await,
    }
}

/// Tells of each validator of the demo that ends unasked; ends when none is left, or a demo that was joined
/// has ended. Nobody tells of the end of
/// one that was started again by hand, so that is looked for.
async fn lost(demo: &mut Demo<'_>) -> Failure {
    let network = match demo {
        Demo::None => pending().await,
        Demo::Started(network) => network,
        Demo::Joined(joined) => {
            joined.over().await;
            return Failure::new(Exit::Error, Joined::OVER);
        }
    };
    while !network.is_over() {
        if let Ok(Some(ended)) = timeout(LOOK, network.next_ended()).await {
            output::complain(&ended.to_string());
        }
    }
    Failure::new(Exit::Error, "no validator is left")
}

/// The next verified head. One that reads too slowly is told, and goes on with the newest.
async fn next_head(heads: &mut Receiver<Arc<Trusted>>) -> Option<Arc<Trusted>> {
    loop {
        match heads.recv().await {
            Ok(head) => return Some(head),
            Err(RecvError::Lagged(lost)) => output::complain(&format!("{lost} heads were not printed")),
            Err(RecvError::Closed) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use qratum_chain::types::{Height, Time};
    use qratum_light_node::Reason;

    use super::*;
    use crate::screen::tests::stage::{LAST, heads, live};

    /// A head that this home has verified in an earlier run is not the one that was waited for.
    #[test]
    fn a_head_that_was_verified_before_is_not_counted() {
        let head = heads().last().unwrap();
        let told = |before| {
            let snapshot = Snapshot { before: Some(Height(before)), ..live() };
            Lines::new(true, Goal::heads(NonZeroU64::new(1))).head(head, &snapshot).unwrap()
        };
        assert_eq!([LAST - 1, LAST, LAST + 1].map(told), [true, false, false]);
    }

    #[test]
    fn a_refusal_is_told_when_it_is_new_and_at_each_doubling() {
        let refusal = |count: u32| Refusal {
            peer: "west".to_owned(),
            reason: Reason::TimedOut,
            at: Time(u64::from(count)),
            count,
        };
        let mut told = refusal(1);
        let mut counts = Vec::new();
        for count in 1..=100 {
            let seen = refusal(count);
            if !is_old(&told, &seen) {
                counts.push(count);
                told = seen;
            }
        }
        assert_eq!(counts, [2, 4, 8, 16, 32, 64]);
        let again = Refusal { at: Time(200), ..refusal(1) };
        assert!(!is_old(&told, &again), "something else came in between");
    }
}
