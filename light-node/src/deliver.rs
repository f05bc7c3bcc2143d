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
/// Pause between two rounds of questions.
const PAUSE: Duration = Duration::from_millis(200);

/// That a transaction is where more than one validator knows of it.
#[derive(Clone, Debug)]
pub enum Delivered {
    /// It stands in a block.
    Included(Box<ProvenStatement>),
    /// A validator that it was not handed to says that it waits for a block. Not verified.
    Waits {
        /// Who says so, by its place among the peers.
        seen_by: usize,
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

/// Asks everybody who is connected, until one that it was not handed to has it, or somebody shows it in a
/// block.
async fn seen(delivery: &Delivery, id: Hash, fetch: &Fetch, snapshots: &Snapshots) -> Option<Delivered> {
    let ask = async |peer| (peer, fetch.net.ask(peer, Request::Txo(id)).await);
    let mut until = None;
    loop {
        let mut answers: FuturesUnordered<_> = fetch.net.connected().into_iter().map(ask).collect();
        while let Some((peer, answer)) = answers.next().await {
            match answer {
                Ok(Response::Txo(None)) if delivery.is_other(peer) => {
                    return Some(Delivered::Waits { seen_by: peer });
                }
                Ok(Response::Txo(Some(included))) => {
                    if let Ok(proven) = fetch.included(peer, id, *included, snapshots.clone()).await {
                        return Some(Delivered::Included(Box::new(proven)));
                    }
                }
                _ => {}
            }
        }
        let now = Instant::now();
        if now >= *until.get_or_insert(now.checked_add(GOSSIP).unwrap_or(now)) {
            return None;
        }
        sleep(PAUSE).await;
    }
}
