//! How do validators reach one another, and light nodes them? One libp2p swarm (TCP, Noise,
//! Yamux) with two request-response protocols. Consensus is spoken with pinned peers only; light
//! nodes may be anyone, within bounds of number, rate and size.

mod codec;
mod guests;
mod pinned;

use core::{fmt, time::Duration};
use std::{io, net::IpAddr, time::Instant};

use futures::StreamExt;
use libp2p::{
    Multiaddr, PeerId, Swarm, SwarmBuilder, connection_limits,
    identity::Keypair,
    multiaddr::Protocol,
    noise,
    request_response::{self, OutboundFailure, ProtocolSupport, ResponseChannel},
    swarm::{ConnectionId, NetworkBehaviour, SwarmEvent, dial_opts::DialOpts},
    tcp, yamux,
};
use qratum_chain::{codec::Encode, types::Height};
use qratum_light_node::wire::{self, WireCodec};

use self::{
    codec::{Sent, SentCodec},
    guests::{Guests, Turn},
    pinned::Pinned,
};
use crate::{
    block::Decided,
    home::PeerAddress,
    host::Peer,
    message::{Message, PROTOCOL, Reply, Request},
    snapshot::Page,
};

/// How many connections may be in the middle of their handshake.
const MAX_PENDING: u32 = 64;
/// How many requests of one connection are served at once.
const MAX_STREAMS: usize = 64;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

type Consensus = request_response::Behaviour<SentCodec>;
type Light = request_response::Behaviour<WireCodec<wire::Request, wire::Response>>;

#[derive(NetworkBehaviour)]
struct Protocols {
    limits: connection_limits::Behaviour,
    consensus: Pinned<Consensus>,
    light: Light,
}

/// Where the answer to a light node goes.
#[derive(Debug)]
pub struct LightChannel {
    /// None for a pinned peer, which is no guest and gets all it asks for.
    guest: Option<ConnectionId>,
    channel: ResponseChannel<wire::Response>,
}

/// What the network brings.
#[derive(Debug)]
pub enum Arrival {
    /// A connection to a pinned peer is up.
    PeerUp(Peer),
    /// A pinned peer tells something.
    Message(Peer, Message),
    /// A pinned peer sent what cannot be read, and why.
    Unreadable(Peer, String),
    /// A pinned peer asks for decided blocks.
    BlocksWanted(Height, ResponseChannel<Reply>),
    /// A pinned peer asks for a page of the snapshot at this height, from this offset on.
    PageWanted(u64, u32, ResponseChannel<Reply>),
    /// A pinned peer answers with a page of its snapshot.
    Page(Peer, Page),
    /// A pinned peer answers with decided blocks.
    Blocks(Peer, Vec<Decided>),
    /// Anyone asks as a light node.
    Light(wire::Request, LightChannel),
}

/// Why there is no network.
#[derive(Debug)]
pub struct NetworkError(String);

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "network: {}", self.0)
    }
}

/// The swarm of one validator.
pub struct Network {
    swarm: Swarm<Protocols>,
    peers: Vec<PeerAddress>,
    guests: Guests,
    started: Instant,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Network({})", self.swarm.local_peer_id())
    }
}

impl Network {
    /// Listens where `own` says and knows `peers`; dials nobody yet.
    ///
    /// # Errors
    /// [`NetworkError`], when the address cannot be listened on or the key is not `own`'s.
    pub fn listen(key: Keypair, own: &PeerAddress, peers: Vec<PeerAddress>) -> Result<Self, NetworkError> {
        if key.public().to_peer_id() != own.id {
            return Err(NetworkError(format!("peer.key is not the key of {} in peers.json", own.name)));
        }
        let failed = |why: &dyn fmt::Display| NetworkError(why.to_string());
        let mut swarm = SwarmBuilder::with_existing_identity(key)
            .with_tokio()
            .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)
            .map_err(|why| failed(&why))?
            .with_behaviour(|_| protocols(peers.iter().map(|peer| peer.id)))
            .map_err(|why| failed(&why))?
            .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE_TIMEOUT))
            .build();
        swarm.listen_on(own.address.clone()).map_err(|why| failed(&why))?;
        Ok(Self { swarm, peers, guests: Guests::default(), started: Instant::now() })
    }

    /// Dials every pinned peer that is neither connected nor being dialed.
    pub fn reconnect(&mut self) {
        for peer in &self.peers {
            if !self.swarm.is_connected(&peer.id) {
                let dial = DialOpts::peer_id(peer.id).addresses(vec![peer.address.clone()]).build();
                // Refused while another dial is under way; the next turn tries again.
                drop(self.swarm.dial(dial));
            }
        }
    }

    /// Tells every connected peer. What is lost with a connection, the engine's rebroadcasts mend.
    pub fn tell(&mut self, message: &Message) {
        (0u32..).zip(0..self.peers.len()).for_each(|(peer, _)| self.tell_one(Peer(peer), message));
    }

    /// Tells one peer, if it is connected.
    pub fn tell_one(&mut self, peer: Peer, message: &Message) {
        self.send(peer, Request::Tell(message.clone()));
    }

    fn send(&mut self, peer: Peer, request: Request) {
        if let Some(peer) = self.peers.get(peer.0 as usize).filter(|peer| self.swarm.is_connected(&peer.id)) {
            self.swarm.behaviour_mut().consensus.inner.send_request(&peer.id, Sent::Whole(request));
        }
    }

    /// Asks a peer for decided blocks.
    pub fn ask(&mut self, peer: Peer, from: Height) {
        self.send(peer, Request::Blocks(from));
    }

    /// Asks a peer for a page of its snapshot.
    pub fn ask_page(&mut self, peer: Peer, height: u64, offset: u32) {
        self.send(peer, Request::Page { height, offset });
    }

    /// Answers a peer. A peer that is gone meanwhile gets none.
    pub fn answer(&mut self, channel: ResponseChannel<Reply>, reply: Reply) {
        drop(self.swarm.behaviour_mut().consensus.inner.send_response(channel, reply));
    }

    /// Answers a light node, within what it and all others may get.
    pub fn answer_light(&mut self, to: LightChannel, response: wire::Response) {
        let bytes = u64::try_from(response.to_bytes().len()).unwrap_or(u64::MAX);
        let now_ms = self.now_ms();
        if to.guest.is_none_or(|connection| self.guests.gets(connection, bytes, now_ms)) {
            drop(self.swarm.behaviour_mut().light.send_response(to.channel, response));
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The next thing that concerns the host. May be dropped and called again.
    pub async fn next(&mut self) -> Arrival {
        loop {
            let event = self.swarm.select_next_some().await;
            if let Some(arrival) = self.arrival(event) {
                return arrival;
            }
        }
    }

    fn arrival(&mut self, event: SwarmEvent<ProtocolsEvent>) -> Option<Arrival> {
        match event {
            SwarmEvent::ConnectionEstablished {
                peer_id, connection_id, num_established, endpoint, ..
            } => {
                match self.pinned(&peer_id) {
                    Some(peer) if num_established.get() == 1 => return Some(Arrival::PeerUp(peer)),
                    Some(_) => {}
                    None => self.admit(connection_id, (peer_id, address(endpoint.get_remote_address()))),
                }
                None
            }
            SwarmEvent::ConnectionClosed { connection_id, .. } => {
                self.guests.left(connection_id);
                None
            }
            SwarmEvent::Behaviour(ProtocolsEvent::Consensus(request_response::Event::Message {
                peer,
                message,
                ..
            })) => {
                let peer = self.pinned(&peer)?;
                self.consensus(peer, message)
            }
            SwarmEvent::Behaviour(ProtocolsEvent::Consensus(request_response::Event::OutboundFailure {
                peer,
                error: OutboundFailure::Io(why),
                ..
            })) if why.kind() == io::ErrorKind::InvalidData => {
                Some(Arrival::Unreadable(self.pinned(&peer)?, why.to_string()))
            }
            SwarmEvent::Behaviour(ProtocolsEvent::Light(request_response::Event::Message {
                message: request_response::Message::Request { request, channel, .. },
                connection_id,
                peer,
            })) => {
                let guest = self.pinned(&peer).is_none().then_some(connection_id);
                let turn = guest.is_none_or(|connection| self.turn(connection));
                turn.then_some(Arrival::Light(request, LightChannel { guest, channel }))
            }
            _ => None,
        }
    }

    fn consensus(&mut self, peer: Peer, message: request_response::Message<Sent, Reply>) -> Option<Arrival> {
        match message {
            request_response::Message::Request { request: Sent::Whole(request), channel, .. } => {
                Some(self.request(peer, request, channel))
            }
            request_response::Message::Request { request: Sent::Unreadable(why), .. } => {
                Some(Arrival::Unreadable(peer, why))
            }
            request_response::Message::Response { response: Reply::Page(page), .. } => {
                Some(Arrival::Page(peer, page))
            }
            request_response::Message::Response { response: Reply::Blocks(blocks), .. } => {
                Some(Arrival::Blocks(peer, blocks))
            }
            request_response::Message::Response { response: Reply::Noted, .. } => None,
        }
    }

    fn request(&mut self, peer: Peer, request: Request, channel: ResponseChannel<Reply>) -> Arrival {
        match request {
            Request::Tell(message) => {
                self.answer(channel, Reply::Noted);
                Arrival::Message(peer, message)
            }
            Request::Blocks(from) => Arrival::BlocksWanted(from, channel),
            Request::Page { height, offset } => Arrival::PageWanted(height, offset, channel),
        }
    }

    fn pinned(&self, id: &PeerId) -> Option<Peer> {
        (0u32..).zip(&self.peers).find(|(_, peer)| peer.id == *id).map(|(index, _)| Peer(index))
    }

    fn admit(&mut self, connection: ConnectionId, who: (PeerId, Option<IpAddr>)) {
        let now_ms = self.now_ms();
        if !self.guests.admit(connection, who, now_ms) {
            self.swarm.close_connection(connection);
        }
    }

    /// Whether a request on this connection is answered.
    fn turn(&mut self, connection: ConnectionId) -> bool {
        let turn = self.guests.asks(connection, self.now_ms());
        if turn == Turn::HangUp {
            self.swarm.close_connection(connection);
        }
        turn == Turn::Serve
    }
}

/// The IP address in a network address.
fn address(place: &Multiaddr) -> Option<IpAddr> {
    place.iter().find_map(|part| match part {
        Protocol::Ip4(address) => Some(address.into()),
        Protocol::Ip6(address) => Some(address.into()),
        _ => None,
    })
}

fn protocols(peers: impl Iterator<Item = PeerId>) -> Protocols {
    let config = || {
        request_response::Config::default()
            .with_request_timeout(REQUEST_TIMEOUT)
            .with_max_concurrent_streams(MAX_STREAMS)
    };
    let limits = connection_limits::ConnectionLimits::default().with_max_pending_incoming(Some(MAX_PENDING));
    let consensus =
        Consensus::with_codec(SentCodec::default(), [(PROTOCOL, ProtocolSupport::Full)], config());
    Protocols {
        limits: connection_limits::Behaviour::new(limits),
        consensus: Pinned::new(consensus, peers),
        light: Light::with_codec(
            WireCodec::new(wire::MAX_REQUEST, wire::MAX_RESPONSE),
            [(wire::PROTOCOL, ProtocolSupport::Inbound)],
            config(),
        ),
    }
}
