//! How does a transaction get to the validators where somebody would rather not have it there? It is handed
//! over as [`crate::Delivery`] says, and looked for with everybody else.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{StreamExt, future::join_all, stream::FuturesUnordered};
use qratum_chain::{Hash, types::Txo};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    Proxies,
    config::{Pinned, parties},
    delivery::{Delivery, Failure, Lane, Lanes, Tried},
    fetch::Fetch,
    net::line,
    statement::{ProvenStatement, Snapshots},
    wire::{Request, Response, Submission},
};

/// How long others are asked again, after they were asked once: what is taken is told within a block's time.
const GOSSIP: Duration = Duration::from_secs(3);
/// How long a block with it is waited for, where enough say that it waits.
const BLOCKS: Duration = Duration::from_secs(6);
/// Pause between two rounds of questions.
const PAUSE: Duration = Duration::from_millis(200);

/// That a transaction is where more than one validator knows of it.
#[derive(Clone, Debug)]
pub enum Delivered {
    /// It stands in a block.
    Included(Box<ProvenStatement>),
    /// So many that it was not handed to say that it waits for a block that, where fewer than a third lie,
    /// it does. Not verified.
    Waits {
        /// Who say so, by their places among the peers.
        seen_by: Vec<usize>,
    },
}

/// How a delivery went.
#[derive(Clone, Debug)]
pub struct Report {
    /// Every try, in order; a failure that is missing was none.
    pub tried: Vec<Tried>,
    /// None where no lane was left.
    pub delivered: Option<Delivered>,
}

/// What came of one channel to one peer just now.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The lane.
    pub lane: Lane,
    /// How long an answer took, or why there was none.
    pub answer: Result<Duration, Failure>,
}

/// Hands over, and remembers how that went.
#[derive(Debug)]
pub(crate) struct Courier {
    peers: Vec<Pinned>,
    proxies: Proxies,
    lanes: Mutex<Lanes>,
    started: Instant,
}

impl Courier {
    pub(crate) fn new(peers: Vec<Pinned>, proxies: Proxies) -> Self {
        Self { peers, proxies, lanes: Mutex::default(), started: Instant::now() }
    }

    /// All channels to all peers.
    fn lanes(&self) -> impl Iterator<Item = Lane> {
        let channels = |pinned: &Pinned| pinned.routes.iter().map(|route| route.channel).collect::<Vec<_>>();
        let lanes = self.peers.iter().map(channels).enumerate();
        lanes.flat_map(|(peer, channels)| channels.into_iter().map(move |channel| Lane { channel, peer }))
    }

    async fn ask(&self, lane: Lane, request: Request) -> Result<Response, Failure> {
        let pinned = self.peers.get(lane.peer).ok_or(Failure::NoProxy)?;
        let route = pinned.routes.iter().find(|route| route.channel == lane.channel);
        line::ask(pinned.id, route.ok_or(Failure::NoProxy)?, self.proxies, request).await
    }

    /// Asks every peer by every channel for its newest block, all at once, for so long.
    pub(crate) async fn probe(&self, within: Duration) -> Vec<Probe> {
        let probe = async |lane| {
            let began = Instant::now();
            let asked = timeout(within, self.ask(lane, Request::Tip)).await;
            let answer = match asked.unwrap_or(Err(Failure::Silent)) {
                Ok(Response::Block(_) | Response::Unknown) => Ok(began.elapsed()),
                Ok(_) => Err(Failure::OffTopic),
                Err(failure) => Err(failure),
            };
            Probe { lane, answer }
        };
        join_all(self.lanes().map(probe)).await
    }

    /// Hands a transaction over until it is where more than one validator knows of it, or no lane is left.
    pub(crate) async fn deliver(&self, txo: &Txo, fetch: &Fetch, snapshots: &Snapshots) -> Report {
        let mut delivery = Delivery::new(self.lanes(), parties(&self.peers));
        while let Some(lane) = self.next(&mut delivery) {
            let mut delivered = None;
            match self.hand(lane, txo).await {
                Ok(()) => {
                    delivery.taken(lane);
                    delivered = seen(&delivery, txo.body.id(), fetch, snapshots).await;
                    if delivered.is_none() {
                        delivery.unseen();
                    }
                }
                Err(failure) => delivery.failed(lane, failure),
            }
            if let Some(last) = delivery.tried().last() {
                self.known().note(last, self.started.elapsed());
            }
            if delivered.is_some() {
                return Report { tried: delivery.tried().to_vec(), delivered };
            }
        }
        Report { tried: delivery.tried().to_vec(), delivered: None }
    }

    fn next(&self, delivery: &mut Delivery) -> Option<Lane> {
        delivery.next(&self.known(), self.started.elapsed())
    }

    fn known(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn hand(&self, lane: Lane, txo: &Txo) -> Result<(), Failure> {
        match self.ask(lane, Request::Submit(txo.to_bytes())).await? {
            Response::Submitted(Submission::Busy) => Err(Failure::Busy),
            Response::Submitted(Submission::Refused(why)) => Err(Failure::Refused(why)),
            Response::Submitted(_) => Ok(()),
            _ => Err(Failure::OffTopic),
        }
    }
}

/// Asks everybody who is connected, until somebody shows it in a block; where that takes longer, whether
/// enough of those that it was not handed to say that it waits.
async fn seen(delivery: &Delivery, id: Hash, fetch: &Fetch, snapshots: &Snapshots) -> Option<Delivered> {
    let ask = async |peer| (peer, fetch.net.ask(peer, Request::Txo(id)).await);
    let mut began = None;
    loop {
        let mut seen_by = Vec::new();
        let mut answers: FuturesUnordered<_> = fetch.net.connected().into_iter().map(ask).collect();
        while let Some((peer, answer)) = answers.next().await {
            match answer {
                Ok(Response::Txo(None)) if delivery.is_other(peer) => seen_by.push(peer),
                Ok(Response::Txo(Some(included))) => {
                    if let Ok(proven) = fetch.included(peer, id, *included, snapshots.clone()).await {
                        return Some(Delivered::Included(Box::new(proven)));
                    }
                }
                _ => {}
            }
        }
        let (now, enough) = (Instant::now(), delivery.is_enough(&seen_by));
        let patience = if enough { BLOCKS } else { GOSSIP };
        if now.saturating_duration_since(*began.get_or_insert(now)) >= patience {
            seen_by.sort_unstable();
            return enough.then_some(Delivered::Waits { seen_by });
        }
        sleep(PAUSE).await;
    }
}
