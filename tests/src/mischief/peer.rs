//! A peer of light nodes over libp2p: answers from a truth of its own, or passes questions on to an
//! honest validator, and lies as its fault says.

use core::time::Duration;
use std::{collections::HashMap, error::Error};

use futures::{StreamExt, stream::FuturesUnordered};
use libp2p::{
    Multiaddr, PeerId, Swarm, SwarmBuilder,
    identity::Keypair,
    multiaddr::Protocol,
    noise,
    request_response::{self, Event, Message, OutboundRequestId, ProtocolSupport, ResponseChannel},
    swarm::SwarmEvent,
    tcp, yamux,
};
use qratum_chain::codec::{Decode, Encode, Malformed, Reader};
use qratum_light_node::wire::{MAX_REQUEST, MAX_RESPONSE, PROTOCOL, Request, Response, WireCodec};
use tokio::task::JoinHandle;

use super::{
    fault::Fault,
    lie::{Answer, lie},
};

/// Bytes as they are: an answer that need not be one.
#[derive(Debug)]
struct Raw(Vec<u8>);

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

type Light = request_response::Behaviour<WireCodec<Request, Raw>>;

/// Where the truth comes from.
pub enum Truth {
    /// From here.
    Here(Box<dyn FnMut(&Request) -> Response + Send>),
    /// From this validator.
    There(PeerId, Multiaddr),
}

/// A running peer; gone when it is dropped.
#[derive(Debug)]
pub struct Peer {
    /// Where it listens, with its identity.
    pub address: Multiaddr,
    task: JoinHandle<()>,
}

impl Peer {
    /// Listens at `address` under the key of `seed`; without a fault it is honest.
    ///
    /// # Errors
    /// When it cannot listen there.
    pub async fn start(
        seed: [u8; 32],
        address: Multiaddr,
        truth: Truth,
        fault: Option<Fault>,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let key = Keypair::ed25519_from_bytes(seed)?;
        let id = key.public().to_peer_id();
        let mut swarm = swarm(key)?;
        swarm.listen_on(address)?;
        let place = loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                break address;
            }
        };
        if let Truth::There(id, address) = &truth {
            swarm.add_peer_address(*id, address.clone());
        }
        let desk = Desk { swarm, truth, fault, asked: HashMap::new() };
        Ok(Self { address: place.with(Protocol::P2p(id)), task: tokio::spawn(desk.serve()) })
    }

    /// Runs until it ends, which it does not by itself.
    pub async fn run(mut self) {
        // It is not joined anywhere else.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn swarm(key: Keypair) -> Result<Swarm<Light>, Box<dyn Error + Send + Sync>> {
    let codec = WireCodec::new(MAX_REQUEST, MAX_RESPONSE);
    let config = request_response::Config::default().with_request_timeout(Duration::from_secs(60));
    let behaviour = Light::with_codec(codec, [(PROTOCOL, ProtocolSupport::Full)], config);
    Ok(SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)?
        .with_behaviour(|_| behaviour)?
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(60)))
        .build())
}

struct Desk {
    swarm: Swarm<Light>,
    truth: Truth,
    fault: Option<Fault>,
    /// Questions that were passed on.
    asked: HashMap<OutboundRequestId, (Request, ResponseChannel<Raw>)>,
}

impl Desk {
    async fn serve(mut self) {
        let mut late = FuturesUnordered::new();
        loop {
            let ready = tokio::select! {
                event = self.swarm.select_next_some() => self.event(event),
                Some((answer, channel)) = late.next() => Some((answer, channel)),
            };
            let Some((Answer { bytes, after }, channel)) = ready else { continue };
            if after == Duration::ZERO {
                // Whoever asked may be gone.
                let _ = self.swarm.behaviour_mut().send_response(channel, Raw(bytes));
            } else {
                late.push(async move {
                    tokio::time::sleep(after).await;
                    (Answer { bytes, after: Duration::ZERO }, channel)
                });
            }
        }
    }

    fn event(&mut self, event: SwarmEvent<Event<Request, Raw>>) -> Option<(Answer, ResponseChannel<Raw>)> {
        let SwarmEvent::Behaviour(Event::Message { message, .. }) = event else { return None };
        match message {
            Message::Request { request, channel, .. } => match &mut self.truth {
                Truth::Here(truth) => {
                    let truth = truth(&request);
                    self.answer(&request, truth, channel)
                }
                Truth::There(id, _) => {
                    let passed = self.swarm.behaviour_mut().send_request(id, request.clone());
                    self.asked.insert(passed, (request, channel));
                    None
                }
            },
            Message::Response { request_id, response } => {
                let (request, channel) = self.asked.remove(&request_id)?;
                self.answer(&request, Response::from_bytes(&response.0).ok()?, channel)
            }
        }
    }

    /// A silent one keeps the channel open for ever.
    fn answer(
        &self,
        request: &Request,
        truth: Response,
        channel: ResponseChannel<Raw>,
    ) -> Option<(Answer, ResponseChannel<Raw>)> {
        let Some(fault) = self.fault else {
            return Some((Answer { bytes: truth.to_bytes(), after: Duration::ZERO }, channel));
        };
        match lie(fault, request, truth) {
            Some(answer) => Some((answer, channel)),
            None => {
                core::mem::forget(channel);
                None
            }
        }
    }
}
