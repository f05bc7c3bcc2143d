//! The task that owns the swarm: dials what is due, sends questions, hands answers back.

use std::{collections::HashMap, io, time::Duration};

use futures::{FutureExt, StreamExt, future};
use libp2p::{
    PeerId, Swarm,
    request_response::{self, Event, Message, OutboundFailure, OutboundRequestId},
    swarm::{
        DialError, SwarmEvent,
        dial_opts::{DialOpts, PeerCondition},
    },
};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot, watch},
    time::{Instant, sleep_until},
};

use super::backoff::Backoff;
use crate::{
    channel::{Channel, Proxies, Route, Tries, choose},
    config::Pinned,
    wire::{Request, Response, WireCodec},
};

pub(super) type Behaviour = request_response::Behaviour<WireCodec<Request, Response>>;

/// How the connection to a peer stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Link {
    /// A connection stands, by this channel.
    pub(crate) connected: Option<Channel>,
    /// At least one attempt has come to an end, either way.
    pub(crate) tried: bool,
    /// The last attempt met another key than the pinned one.
    pub(crate) wrong_key: bool,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AskError {
    /// Not connected, or the connection broke: nobody's fault.
    Lost,
    /// No whole answer within the time an answer may take.
    TimedOut,
    /// The peer does not speak the protocol.
    NoProtocol,
    /// The peer closed the stream before the answer was whole.
    Cut,
    /// The bytes are no answer; the codec's words.
    Malformed(String),
}

/// What the carrier is told to do.
pub(super) enum Order {
    /// Ask a peer.
    Ask(Question),
    /// Hang up on a peer, and leave it alone for a time.
    Ban { peer: usize, length: Duration },
}

/// A question on its way. The permit counts it as in flight until it is answered or given up.
pub(super) struct Question {
    pub(super) peer: usize,
    pub(super) request: Request,
    pub(super) reply: Reply,
    pub(super) permit: OwnedSemaphorePermit,
}

type Reply = oneshot::Sender<Result<Response, AskError>>;

pub(super) struct Carrier {
    swarm: Swarm<Behaviour>,
    peers: Vec<Remote>,
    open: HashMap<OutboundRequestId, Open>,
    links: watch::Sender<Vec<Link>>,
    started: Instant,
}

/// A question that was sent, and when its answer is late.
struct Open {
    peer: PeerId,
    reply: Reply,
    late: Instant,
    _permit: OwnedSemaphorePermit,
}

struct Remote {
    id: PeerId,
    /// Those that can be dialled from here.
    ways: Vec<Route>,
    /// What came of each.
    tries: Vec<Tries>,
    /// The one that was dialled last.
    way: usize,
    backoff: Backoff,
}

impl Remote {
    fn new(pinned: Pinned, proxies: Proxies, now: Instant) -> Self {
        let Pinned { id, mut routes, .. } = pinned;
        routes.retain(|route| proxies.reach(route.channel));
        let tries = vec![Tries::default(); routes.len()];
        Self { id, ways: routes, tries, way: 0, backoff: Backoff::new(now) }
    }

    fn channel(&self) -> Option<Channel> {
        self.ways.get(self.way).map(|way| way.channel)
    }

    fn answered(&mut self) {
        self.backoff.answered();
        if let Some(tries) = self.tries.get_mut(self.way) {
            tries.succeeded();
        }
    }

    fn lost(&mut self, now: Instant, since_start: Duration) {
        self.backoff.lost(now);
        if let Some(tries) = self.tries.get_mut(self.way) {
            tries.failed(since_start);
        }
    }
}

impl Carrier {
    pub(super) fn new(
        swarm: Swarm<Behaviour>,
        peers: Vec<Pinned>,
        proxies: Proxies,
        links: watch::Sender<Vec<Link>>,
    ) -> Self {
        let started = Instant::now();
        let peers: Vec<Remote> =
            peers.into_iter().map(|pinned| Remote::new(pinned, proxies, started)).collect();
        // Nobody waits for those that cannot be reached from here.
        links.send_modify(|links| {
            links.iter_mut().zip(&peers).for_each(|(link, peer)| link.tried = peer.ways.is_empty());
        });
        Self { swarm, peers, open: HashMap::new(), links, started }
    }

    /// Runs until nobody can ask any more.
    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Order>) {
        loop {
            let dials = self.peers.iter().filter_map(|peer| peer.backoff.due());
            let due = dials.chain(self.open.values().map(|open| open.late)).min();
            let alarm = due.map_or_else(|| future::pending().boxed(), |due| sleep_until(due).boxed());
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_event(event),
                order = inbox.recv() => match order {
                    Some(Order::Ask(question)) => self.send(question),
                    Some(Order::Ban { peer, length }) => self.ban(peer, length),
                    None => return,
                },
                () = alarm => {
                    self.give_up();
                    self.dial_due();
                }
            }
        }
    }

    fn dial_due(&mut self) {
        let now = Instant::now();
        for remote in &mut self.peers {
            if remote.backoff.due().is_none_or(|due| due > now) {
                continue;
            }
            remote.backoff.dialling();
            let since_start = now.saturating_duration_since(self.started);
            let way = choose(&remote.tries, since_start).and_then(|way| Some((way, remote.ways.get(way)?)));
            // One that cannot be reached from here stays where it is.
            let Some((way, Route { address, .. })) = way else { continue };
            let options = DialOpts::peer_id(remote.id)
                .addresses(vec![address.clone()])
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .build();
            remote.way = way;
            if self.swarm.dial(options).is_err() {
                remote.lost(now, since_start);
            }
        }
    }

    /// Hangs up on those whose answers are late.
    fn give_up(&mut self) {
        let now = Instant::now();
        let late: Vec<_> = self.open.iter().filter(|(_, open)| open.late <= now).map(|(id, _)| *id).collect();
        for id in late {
            if let Some(Open { peer, .. }) = self.open.get(&id) {
                // Fails only when the connection is gone already.
                let _ = self.swarm.disconnect_peer_id(*peer);
            }
            self.reply(id, Err(AskError::TimedOut));
        }
    }

    fn send(&mut self, question: Question) {
        let Question { peer, request, reply, permit } = question;
        match self.peers.get(peer).filter(|peer| self.swarm.is_connected(&peer.id)) {
            Some(remote) => {
                let patience = remote.channel().unwrap_or(Channel::Tcp).patience();
                let (peer, now) = (remote.id, Instant::now());
                let late = now.checked_add(patience).unwrap_or(now);
                let id = self.swarm.behaviour_mut().send_request(&peer, request);
                self.open.insert(id, Open { peer, reply, late, _permit: permit });
            }
            // The asker may be gone, which is its own business: so everywhere below.
            None => drop(reply.send(Err(AskError::Lost))),
        }
    }

    fn ban(&mut self, peer: usize, length: Duration) {
        let Some(Remote { id, backoff, .. }) = self.peers.get_mut(peer) else { return };
        backoff.not_before(Instant::now().checked_add(length));
        // Fails only when there is no connection.
        let _ = self.swarm.disconnect_peer_id(*id);
    }

    fn on_event(&mut self, event: SwarmEvent<Event<Request, Response>>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_message(event),
            SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                if self.remote(&peer_id).is_some_and(|remote| remote.backoff.is_early(Instant::now())) {
                    // It was being dialled when it was banned; fails only when it is gone again.
                    let _ = self.swarm.disconnect_peer_id(peer_id);
                    return;
                }
                let connected = self.remote(&peer_id).and_then(|remote| remote.channel());
                self.link(&peer_id, Link { connected, tried: true, wrong_key: false });
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                self.lost(&peer_id, Link { connected: None, tried: true, wrong_key: false });
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer_id), error, .. } => {
                let wrong_key = matches!(error, DialError::WrongPeerId { .. });
                self.lost(&peer_id, Link { connected: None, tried: true, wrong_key });
            }
            _ => {}
        }
    }

    fn on_message(&mut self, event: Event<Request, Response>) {
        match event {
            Event::Message { peer, message: Message::Response { request_id, response }, .. } => {
                if let Some(remote) = self.remote(&peer) {
                    remote.answered();
                }
                self.reply(request_id, Ok(response));
            }
            Event::OutboundFailure { peer, request_id, error, .. } => {
                let why = ask_error(&error);
                if why == AskError::TimedOut {
                    // Fails only when the connection is gone already.
                    let _ = self.swarm.disconnect_peer_id(peer);
                }
                self.reply(request_id, Err(why));
            }
            _ => {}
        }
    }

    fn reply(&mut self, id: OutboundRequestId, answer: Result<Response, AskError>) {
        if let Some(Open { reply, .. }) = self.open.remove(&id) {
            drop(reply.send(answer));
        }
    }

    fn remote(&mut self, id: &PeerId) -> Option<&mut Remote> {
        self.peers.iter_mut().find(|peer| peer.id == *id)
    }

    fn index(&self, id: &PeerId) -> Option<usize> {
        self.peers.iter().position(|peer| peer.id == *id)
    }

    fn lost(&mut self, id: &PeerId, link: Link) {
        if self.swarm.is_connected(id) {
            return;
        }
        let (now, started) = (Instant::now(), self.started);
        if let Some(remote) = self.remote(id) {
            remote.lost(now, now.saturating_duration_since(started));
        }
        self.link(id, link);
    }

    fn link(&mut self, id: &PeerId, link: Link) {
        let Some(index) = self.index(id) else { return };
        self.links.send_if_modified(|links| match links.get_mut(index) {
            Some(known) if *known != link => {
                *known = link;
                true
            }
            _ => false,
        });
    }
}

/// What a failure says about the peer. A stream that ends early is told from bytes that are wrong:
/// a peer that is stopped in the middle of an answer is no liar.
fn ask_error(failure: &OutboundFailure) -> AskError {
    match failure {
        OutboundFailure::Timeout => AskError::TimedOut,
        OutboundFailure::UnsupportedProtocols => AskError::NoProtocol,
        OutboundFailure::DialFailure | OutboundFailure::ConnectionClosed => AskError::Lost,
        OutboundFailure::Io(error) => match error.kind() {
            io::ErrorKind::InvalidData => AskError::Malformed(error.to_string()),
            io::ErrorKind::UnexpectedEof => AskError::Cut,
            _ => AskError::Lost,
        },
    }
}
