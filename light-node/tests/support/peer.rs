//! A peer made for a test: a real libp2p responder that answers whatever its script says.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, stream::FuturesUnordered};
use libp2p::{
    Multiaddr, Swarm, SwarmBuilder,
    identity::Keypair,
    multiaddr::Protocol,
    noise,
    request_response::{self, Event, Message, ProtocolSupport},
    swarm::SwarmEvent,
    tcp, yamux,
};
use qratum_chain::{
    codec::{Decode, Encode, Malformed, Reader},
    types::Height,
};
use qratum_light_node::{
    Peer,
    wire::{MAX_REQUEST, MAX_RESPONSE, PROTOCOL, Request, Response, WireCodec},
};
use tokio::task::JoinHandle;

use crate::chain::{Chain, votes};

/// The frame that answers a request; none closes the stream.
pub type Script = Box<dyn FnMut(&Request) -> Option<Vec<u8>> + Send>;

/// How long a slow peer thinks.
const SLOW: Duration = Duration::from_millis(30);

/// Bytes as they are: an answer that need not be one.
pub struct Raw(Vec<u8>);

impl Encode for Raw {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}

impl Decode for Raw {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.take(reader.remaining()).map(|bytes| Self(bytes.to_vec()))
    }
}

type Behaviour = request_response::Behaviour<WireCodec<Request, Raw>>;

pub struct FakePeer {
    pub peer: Peer,
    script: Arc<Mutex<Script>>,
    desk: Arc<Desk>,
    task: JoinHandle<()>,
}

/// What a test may look at and turn while the peer runs.
#[derive(Default)]
struct Desk {
    /// Think for [`SLOW`] before each answer.
    slow: AtomicBool,
    /// The most requests that were open at once.
    most_open: AtomicUsize,
}

impl FakePeer {
    /// Listens on a free port of loopback.
    pub async fn start(name: &str, seed: u8, script: Script) -> Self {
        Self::start_at(name, seed, 0, script).await
    }

    /// Listens on `port`.
    pub async fn start_at(name: &str, seed: u8, port: u16, script: Script) -> Self {
        let key = Keypair::ed25519_from_bytes([seed; 32]).unwrap();
        let id = key.public().to_peer_id();
        let mut swarm = swarm(key);
        swarm.listen_on(format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap()).unwrap();
        let place: Multiaddr = loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                break address;
            }
        };
        let script = Arc::new(Mutex::new(script));
        let desk = Arc::new(Desk::default());
        let task = tokio::spawn(serve(swarm, Arc::clone(&script), Arc::clone(&desk)));
        let operator = name.to_owned();
        let peer = Peer {
            name: name.to_owned(),
            operator,
            address: place.with(Protocol::P2p(id)),
            fallbacks: Vec::new(),
        };
        Self { peer, script, desk, task }
    }

    pub fn port(&self) -> u16 {
        let port = |part| if let Protocol::Tcp(port) = part { Some(port) } else { None };
        self.peer.address.iter().find_map(port).unwrap()
    }

    /// Answers by another script from now on.
    pub fn now(&self, script: Script) {
        *self.script.lock().unwrap_or_else(PoisonError::into_inner) = script;
    }

    /// Takes its time from now on.
    pub fn slow(&self) {
        self.desk.slow.store(true, Ordering::Relaxed);
    }

    /// The most requests that were open at once.
    pub fn most_open(&self) -> usize {
        self.desk.most_open.load(Ordering::Relaxed)
    }

    /// Closes everything.
    pub async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

fn swarm(key: Keypair) -> Swarm<Behaviour> {
    let codec = WireCodec::new(MAX_REQUEST, MAX_RESPONSE);
    let behaviour = Behaviour::with_codec(codec, [(PROTOCOL, ProtocolSupport::Inbound)], Default::default());
    SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|_| behaviour)
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(60)))
        .build()
}

async fn serve(mut swarm: Swarm<Behaviour>, script: Arc<Mutex<Script>>, desk: Arc<Desk>) {
    let mut open = FuturesUnordered::new();
    loop {
        tokio::select! {
            event = swarm.select_next_some() => {
                let SwarmEvent::Behaviour(Event::Message {
                    message: Message::Request { request, channel, .. }, ..
                }) = event else { continue };
                let answer = (script.lock().unwrap_or_else(PoisonError::into_inner))(&request);
                let pause = if desk.slow.load(Ordering::Relaxed) { SLOW } else { Duration::ZERO };
                open.push(async move {
                    tokio::time::sleep(pause).await;
                    (answer, channel)
                });
                desk.most_open.fetch_max(open.len(), Ordering::Relaxed);
            }
            Some((answer, channel)) = open.next() => {
                if let Some(bytes) = answer {
                    let _ = swarm.behaviour_mut().send_response(channel, Raw(bytes));
                }
            }
        }
    }
}

/// Serves a chain truly.
pub fn honest(chain: &Arc<Mutex<Chain>>) -> Script {
    let chain = Arc::clone(chain);
    Box::new(move |request| {
        let chain = chain.lock().unwrap_or_else(PoisonError::into_inner);
        Some(truth(&chain, request).to_bytes())
    })
}

/// Serves a chain truly, and the votes of these members for its last two blocks.
pub fn voting(chain: &Arc<Mutex<Chain>>, signers: &[u32]) -> Script {
    let (chain, signers) = (Arc::clone(chain), signers.to_vec());
    Box::new(move |request| {
        let chain = chain.lock().unwrap_or_else(PoisonError::into_inner);
        let tip = chain.tip().map_or(0, |tip| tip.header.height.0);
        Some(with_votes(&chain, tip, &signers, request).to_bytes())
    })
}

/// The same for the last block and, nil, for the height above, where the chain stands.
pub fn standing(chain: &Arc<Mutex<Chain>>, signers: &[u32]) -> Script {
    let (chain, signers) = (Arc::clone(chain), signers.to_vec());
    Box::new(move |request| {
        let chain = chain.lock().unwrap_or_else(PoisonError::into_inner);
        let tip = chain.tip().map_or(0, |tip| tip.header.height.0);
        Some(with_votes(&chain, tip + 1, &signers, request).to_bytes())
    })
}

/// The true answer, and to a request for votes those of these members at `height` and the two before.
pub fn with_votes(chain: &Chain, height: u64, signers: &[u32], request: &Request) -> Response {
    let Request::Votes = request else { return truth(chain, request) };
    let heights = (height.saturating_sub(2)..=height).filter(|height| *height > 0);
    let votes = heights.flat_map(|height| votes(chain, height, signers)).collect();
    Response::Votes { height: Height(height), votes, proposals: Vec::new() }
}

/// What an honest peer answers.
pub fn truth(chain: &Chain, request: &Request) -> Response {
    let block = |block: Option<_>| block.map_or(Response::Unknown, |block| Response::Block(Box::new(block)));
    match request {
        Request::Tip => block(chain.tip().cloned()),
        Request::Block(Height(height)) => block(chain.block(*height).cloned()),
        Request::State(_)
        | Request::Votes
        | Request::Submit(_)
        | Request::Txo(_)
        | Request::Evidence(_)
        | Request::Ballots(_) => Response::Unknown,
        Request::History { height, size } => {
            chain.audit_path(height.0, size.0).map_or(Response::Unknown, Response::History)
        }
    }
}
