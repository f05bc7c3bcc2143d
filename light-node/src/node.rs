//! What can be asked of a light node? Start, watch, fetch a proven header, stop.

use core::fmt;
use std::{sync::Arc, time::Duration};

use qratum_chain::{
    Hash,
    types::{Height, MotionId, Time, Txo},
};
use qratum_verifier::{Trusted, ballots::Ballots, tally::Counted};
use tokio::{
    sync::{broadcast, mpsc, oneshot, watch},
    task::JoinHandle,
    time::{Instant, timeout},
};

use crate::{
    Accused, Clock, Config, Names, PeerView, Place, Snapshot, State, Witnesses,
    board::Board,
    config::{bind, pinned},
    deliver::{Courier, Probe, Report},
    desk::{self, Desk},
    driver::Driver,
    entries::{Entries, Received},
    exhibit::{self, BlockEvidence},
    fetch::{Fetch, FetchError, Proven},
    follow::Follow,
    heard::Heard,
    namer,
    net::{Link, Local, Net},
    open::{Opened, StartError, anchored, open},
    pace,
    polls::Polls,
    proposals::Proposals,
    prove::Prover,
    statement::{Outcome, ProvenStatement},
};

/// Heads that a slow receiver may be behind.
const HEADS: usize = 256;
/// Commands from the handle that may wait.
const COMMANDS: usize = 16;
/// Half a block interval, within these bounds: how often a peer is asked for its tip.
const SHORTEST_TICK: Duration = Duration::from_millis(10);
const LONGEST_TICK: Duration = Duration::from_millis(500);
/// How long a walk to a tip may go on without a verified block. More than one answer may take.
const WALK_PATIENCE: Duration = Duration::from_secs(6);

/// Why [`LightNode::synced`] gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncError {
    /// The state when it did.
    pub state: State,
}

impl fmt::Display for SyncError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no verified block from a peer: the light node is {}", self.state)
    }
}

impl std::error::Error for SyncError {}

/// A running light node. Dropping it stops it as well, without waiting.
#[derive(Debug)]
pub struct LightNode {
    fetch: Fetch,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    heads: broadcast::Sender<Arc<Trusted>>,
    courier: Courier,
    tasks: Vec<JoinHandle<()>>,
    /// Dropped with the node: whoever asks on its behalf stops.
    alive: oneshot::Sender<()>,
}

impl LightNode {
    /// Starts a node on the current tokio runtime, which must have its clock and I/O enabled.
    ///
    /// The store is replayed first: what is in it is believed as far as it chains to the genesis.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::start_by(config, Clock::SYSTEM).await
    }

    /// The same, by another clock than the system's.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start_by(config: Config, clock: Clock) -> Result<Self, StartError> {
        let peers = bind(pinned(&config.peers).map_err(StartError::Peers)?, &config.genesis);
        let (anchor, rules) = anchored(&config, clock)?;
        let opened = open(&config, &anchor, &rules, clock).await?;
        let first = first(&opened, peers.iter().map(PeerView::of).collect(), Names::of(&config.genesis));
        let heard = Heard::new(&peers, &first.head);
        let local = config.home.as_ref().filter(|_| opened.store.is_none()).map(Local::of);
        let courier = Courier::new(peers.clone(), config.proxies);
        let (net, carrier) = Net::start(peers, config.proxies, local).map_err(StartError::Network)?;
        let store = opened.store.clone();
        let prover = Prover {
            net: net.clone(),
            store: store.clone(),
            anchor: anchor.clone(),
            rules: rules.clone(),
            clock,
        };
        let driver = driver(opened, first, heard, prover, config.home.clone());
        let (snapshots, heads) = (driver.board.watch(), driver.heads.clone());
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let mut tasks = vec![tokio::spawn(driver.run(inbox)), carrier];
        // Without a socket, others ask the peers themselves.
        if let Some((store, place)) = store.clone().zip(config.home)
            && let Ok(listener) = desk::listen(&place)
        {
            let desk = Desk { store, net: net.clone() };
            tasks.push(tokio::spawn(desk.serve(listener, place, snapshots.clone())));
        }
        let fetch = Fetch { net, store, anchor, rules, commands, clock };
        let (alive, gone) = oneshot::channel();
        let votes = config.genesis.people.is_some();
        tasks.push(tokio::spawn(look_up(fetch.clone(), snapshots.clone(), votes, gone)));
        Ok(Self { fetch, snapshots, heads, courier, tasks, alive })
    }

    /// What is known, now and whenever it changes.
    #[must_use]
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// Every head that is verified from now on, rising. A receiver that falls more than 256 heads
    /// behind is told how many it lost.
    #[must_use]
    pub fn heads(&self) -> broadcast::Receiver<Arc<Trusted>> {
        self.heads.subscribe()
    }

    /// Waits until peers have led to a verified block above the anchor, and not below what was
    /// verified in this home before, and nothing waits on the way to a tip. The state is then [`State::Live`], or says how old that block is or that the
    /// clock does not let it be known.
    ///
    /// # Errors
    /// [`SyncError`], when that has not happened `within` this time, or cannot any more.
    pub async fn synced(&self, within: Duration) -> Result<Arc<Snapshot>, SyncError> {
        let mut snapshots = self.snapshots.clone();
        let anchor = self.fetch.anchor.header().get().height;
        let above = |snapshot: &Snapshot| {
            let height = snapshot.head.header().get().height;
            height > anchor && snapshot.before.is_none_or(|before| height >= before)
        };
        let ready = snapshots.wait_for(|snapshot| match snapshot.state {
            State::Live | State::Stale | State::Stalled | State::NoQuorum => above(snapshot),
            State::Expired | State::Forked | State::Clock => true,
            _ => false,
        });
        let ready = timeout(within, ready).await;
        let last = match ready {
            Ok(Ok(snapshot)) => Ok(Arc::clone(&snapshot)),
            _ => Err(()),
        };
        match last {
            Ok(snapshot) if !matches!(snapshot.state, State::Expired | State::Forked) && above(&snapshot) => {
                Ok(snapshot)
            }
            _ => Err(SyncError { state: self.snapshots.borrow().state }),
        }
    }

    /// The header at `height` with a proof from the anchor. Look at `checked.expired`: the proof
    /// chains, but the anchor may be too old to vouch for it.
    ///
    /// Waits for peers as long as each may take to answer; the caller may stop waiting at any time.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn header(&self, height: Height) -> Result<Proven, FetchError> {
        let snapshot = Arc::clone(&self.snapshots.borrow());
        if snapshot.fork.is_some() {
            return Err(FetchError::Forked);
        }
        let head = snapshot.head.header().get().height;
        if height > head {
            return Err(FetchError::NotYet { head });
        }
        self.fetch.header(height, &snapshot.head).await
    }

    /// The newest value under a key of the state, or that there is none, with a proof from the anchor.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn state(&self, key: &[u8]) -> Result<ProvenStatement, FetchError> {
        self.unforked()?;
        self.fetch.state(key, self.snapshots()).await
    }

    /// What is under these keys in the state after one block, the newest of some peer: each proven to be
    /// so, or not to be there.
    ///
    /// # Errors
    /// [`FetchError`]; also [`FetchError::Unavailable`] where blocks come faster than the answers.
    pub async fn entries(&self, keys: &[Vec<u8>]) -> Result<Entries, FetchError> {
        self.unforked()?;
        self.fetch.entries(keys, &self.snapshots()).await
    }

    /// Hands a transaction, given as its canonical bytes, to all pinned peers that are connected, and
    /// tells what each says. What came of it is told by the state alone.
    pub async fn submit(&self, txo: &[u8]) -> Vec<Received> {
        self.fetch.submit(txo, &self.snapshots()).await
    }

    /// What became of the transaction with this id; where it stands in a block, with the proof.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn txo(&self, id: Hash) -> Result<Outcome, FetchError> {
        self.unforked()?;
        self.fetch.txo(id, self.snapshots()).await
    }

    /// The evidence in the block at `height`, each piece with what convinces others.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn evidence(&self, height: Height) -> Result<BlockEvidence, FetchError> {
        self.unforked()?;
        let head = Arc::clone(&self.snapshots.borrow().head);
        let newest = head.header().get().height;
        if height > newest {
            return Err(FetchError::NotYet { head: newest });
        }
        self.fetch.evidence(height, &head).await
    }

    /// The newest proposals, at most so many, from the newest down.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn proposals(&self, most: usize) -> Result<Proposals, FetchError> {
        self.unforked()?;
        self.fetch.proposals(most, self.snapshots()).await
    }

    /// A proposal with its votes, counted here; `None` where the chain has none of this id.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn tally(&self, id: MotionId) -> Result<Option<Counted>, FetchError> {
        self.unforked()?;
        self.fetch.tally(id, self.snapshots()).await
    }

    /// Hands a transaction to the validators by the channels that lead to them, TCP first, until it stands
    /// in a block, or more than a third of all parties say that it waits though it was not handed to them,
    /// or no way is left. A way that fails three times in a row is left alone for five minutes.
    ///
    /// # Errors
    /// [`FetchError::Forked`]: after a fork nothing is handed over any more.
    pub async fn deliver(&self, txo: &Txo) -> Result<Report, FetchError> {
        self.unforked()?;
        Ok(self.courier.deliver(txo, &self.fetch, &self.snapshots).await)
    }

    /// What each channel to each peer is worth now: all are asked for their newest block, at once, and
    /// those that have not answered within this time are silent.
    pub async fn probe(&self, within: Duration) -> Vec<Probe> {
        self.courier.probe(within).await
    }

    /// After a fork nothing is proven from here any more.
    fn unforked(&self) -> Result<(), FetchError> {
        if self.snapshots.borrow().fork.is_some() { Err(FetchError::Forked) } else { Ok(()) }
    }

    /// Stops the node: connections are closed and the store is released when this returns.
    pub async fn stop(self) {
        let Self { fetch, tasks, alive, .. } = self;
        drop((fetch, alive));
        for task in tasks {
            // A task that panicked has stopped too.
            let _ = task.await;
        }
    }
}

/// Asks for what the snapshots lack, until the node is gone. `votes`: whether anything is decided by vote.
async fn look_up(
    fetch: Fetch,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    votes: bool,
    gone: oneshot::Receiver<()>,
) {
    tokio::select! {
        _ = gone => {}
        () = namer::name_newcomers(&fetch, snapshots.clone()) => {}
        () = exhibit::show_offences(&fetch, snapshots.clone()) => {}
        () = pace::keep_pace(&fetch, snapshots.clone()), if votes => {}
    }
}

/// What is known before anybody was asked.
fn first(opened: &Opened, peers: Vec<PeerView>, names: Names) -> Snapshot {
    Snapshot {
        state: State::Loading,
        head: Arc::new(opened.sync.head().clone()),
        head_seen: None,
        before: opened.before.map(|mark| mark.height),
        witnesses: Witnesses::default(),
        voting: Arc::default(),
        clock_offset_ms: None,
        peers,
        refusals: Vec::new(),
        fork: None,
        evidence: None,
        accused: opened.accused.clone(),
        names,
        store: opened.state.clone(),
    }
}

fn driver(opened: Opened, first: Snapshot, heard: Heard, prover: Prover, home: Option<Place>) -> Driver {
    let (net, clock) = (prover.net.clone(), prover.clock);
    let Opened { store, sync, fork, accused, recent, before, .. } = opened;
    let params = sync.rules().params.clone();
    let tick = Duration::from_millis(params.block_interval_ms / 2).clamp(SHORTEST_TICK, LONGEST_TICK);
    let patience = u32::try_from(WALK_PATIENCE.as_millis() / tick.as_millis().max(1)).unwrap_or(u32::MAX);
    let known = vec![Link::default(); first.peers.len()];
    let set_length = params.set_length;
    let ballots = Ballots::new(sync.head(), sync.rules().clone());
    let mut polls = Polls::new(ballots, known.len(), &params);
    polls.remember(accused.into_iter().map(|Accused { key, proof }| (key, proof.offence.clone())).collect());
    let mut board = Board::new(first, heard, params);
    board.not_before(before.map_or(Time(0), |mark| mark.time));
    if let Some((fork, evidence)) = fork {
        board.fork(fork, evidence);
    }
    // The first thing anybody sees says already what the store led to.
    board.publish(false, Duration::ZERO, clock.now());
    // One more than there are peers: the socket of the home.
    let mut follow = Follow::new(sync, known.len().saturating_add(1), patience);
    recent.into_iter().for_each(|block| follow.remember(block));
    let (heads, started) = (broadcast::Sender::new(HEADS), Instant::now());
    let proving = None;
    Driver {
        follow,
        polls,
        board,
        net,
        store,
        home,
        prover,
        proving,
        heads,
        set_length,
        tick,
        clock,
        started,
        known,
    }
}
