//! Takes an order of an operator to one validator, as a light node would. Nothing that comes back is
//! verified here: a lie can make an order fail, and no more.

use core::{fmt, time::Duration};

use futures::StreamExt;
use libp2p::{
    Swarm, SwarmBuilder, noise,
    request_response::{self, Event, Message, OutboundRequestId, ProtocolSupport},
    swarm::SwarmEvent,
    tcp, yamux,
};
use qratum_light_node::wire::{MAX_REQUEST, MAX_RESPONSE, PROTOCOL, Request, Response, WireCodec};
use tokio::time::timeout;

use crate::home::PeerAddress;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

type Light = request_response::Behaviour<WireCodec<Request, Response>>;

/// Why there is no answer.
#[derive(Debug)]
pub struct ClientError(String);

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A line to one validator.
pub struct Client {
    swarm: Swarm<Light>,
    peer: PeerAddress,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.peer.name)
    }
}

impl Client {
    /// A line to `peer`, under a key of this moment; dials when it is asked for something.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn new(peer: PeerAddress) -> Result<Self, ClientError> {
        let failed = |why: &dyn fmt::Display| ClientError(why.to_string());
        let config = request_response::Config::default().with_request_timeout(PATIENCE);
        let light = Light::with_codec(
            WireCodec::new(MAX_REQUEST, MAX_RESPONSE),
            [(PROTOCOL, ProtocolSupport::Outbound)],
            config,
        );
        let swarm = SwarmBuilder::with_new_identity()
            .with_tokio()
            .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
            .map_err(|why| failed(&why))?
            .with_behaviour(|_| light)
            .map_err(|why| failed(&why))?
            .with_swarm_config(|config| config.with_idle_connection_timeout(PATIENCE))
            .build();
        Ok(Self { swarm, peer })
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// [`ClientError`], when none comes within five seconds.
    pub async fn ask(&mut self, request: Request) -> Result<Response, ClientError> {
        let failed = |why: &dyn fmt::Display| ClientError(format!("{}: {why}", self.peer.name));
        let addresses = vec![self.peer.address.clone()];
        let light = self.swarm.behaviour_mut();
        let asked = light.send_request_with_addresses(&self.peer.id, request, addresses);
        match timeout(PATIENCE, answer(&mut self.swarm, asked)).await {
            Ok(answer) => answer.map_err(|why| failed(&why)),
            Err(_) => Err(failed(&"no answer in time")),
        }
    }
}

/// The answer to what was asked; what is left of earlier questions is nobody's any more.
async fn answer(swarm: &mut Swarm<Light>, asked: OutboundRequestId) -> Result<Response, String> {
    let mut undialed = None;
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::Behaviour(Event::Message {
                message: Message::Response { request_id, response },
                ..
            }) if request_id == asked => return Ok(response),
            SwarmEvent::Behaviour(Event::OutboundFailure { request_id, error, .. })
                if request_id == asked =>
            {
                return Err(undialed.unwrap_or_else(|| error.to_string()));
            }
            // Says more than what follows from it.
            SwarmEvent::OutgoingConnectionError { error, .. } => undialed = Some(error.to_string()),
            _ => {}
        }
    }
}
