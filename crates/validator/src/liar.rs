//! A peer of a demo network that lies to light nodes when it is told to, so that a drill can show what
//! they make of a lie.
//!
//! It is no validator: it has a network key of its own, fresh with each start, and signs nothing. It
//! passes questions on to the validators of the home and their answers back. Told to lie, it answers the
//! next question for the newest block with a forged one, once. It runs only where the genesis
//! says demo.

use core::{fmt, time::Duration};
use std::{
    collections::HashMap,
    io::{self, BufRead, Write},
    net::Ipv4Addr,
    path::Path,
    thread,
};

use futures::StreamExt;
use libp2p::{
    Multiaddr, Swarm, SwarmBuilder,
    identity::Keypair,
    multiaddr::Protocol,
    noise,
    request_response::{self, Event, Message, OutboundRequestId, ProtocolSupport, ResponseChannel},
    swarm::{SwarmEvent, dial_opts::DialOpts},
    tcp, yamux,
};
use qratum_chain::{
    Hash,
    types::{Certificate, LightBlock},
};
use qratum_crypto::rng::random::Error;
use qratum_light_node::wire::{MAX_REQUEST, MAX_RESPONSE, PROTOCOL, Request, Response, WireCodec};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};

use crate::{
    home::{Home, HomeError, PeerAddress},
    seeds::KeySource,
};

/// The line on standard input that tells it to lie.
pub const LIE: &str = "lie";
/// How often lost validators are dialed again.
const TURN: Duration = Duration::from_millis(500);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Why it does not run.
#[derive(Debug)]
pub enum LiarError {
    /// The home is none.
    Home(HomeError),
    /// The network of this name is no demo.
    NoDemo(String),
    /// No key of its own could be drawn.
    Random(Error),
    /// It cannot listen.
    Network(String),
    /// Standard input or output.
    System(io::Error),
}

impl fmt::Display for LiarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Home(why) => why.fmt(f),
            Self::NoDemo(name) => {
                write!(f, "{name} is no demo network: a peer that lies has no place in it. Nothing was sent")
            }
            Self::Random(why) => write!(f, "no key: {why}. Nothing was sent"),
            Self::Network(why) => write!(f, "network: {why}"),
            Self::System(why) => write!(f, "system: {why}"),
        }
    }
}

impl std::error::Error for LiarError {}

type Light = request_response::Behaviour<WireCodec<Request, Response>>;

/// Listens on loopback, says on standard output where and under which key, and runs until standard input
/// ends. Each line [`LIE`] there is an order to lie once.
///
/// # Errors
/// [`LiarError`].
pub async fn run(home: &Path) -> Result<(), LiarError> {
    let home = Home::new(home);
    let genesis = home.genesis().map_err(LiarError::Home)?;
    if !genesis.demo {
        return Err(LiarError::NoDemo(genesis.network));
    }
    let validators = home.peers().map_err(LiarError::Home)?;
    let mut seed = KeySource::start().and_then(|mut source| source.draw()).map_err(LiarError::Random)?;
    let key = Keypair::ed25519_from_bytes(seed.as_mut_slice())
        .map_err(|why| LiarError::Network(why.to_string()))?;
    let (swarm, address) = listen(key).await.map_err(LiarError::Network)?;
    writeln!(io::stdout(), "{address}").map_err(LiarError::System)?;
    let orders = orders().map_err(LiarError::System)?;
    Liar { swarm, validators, asked: HashMap::new(), lies: false }.run(orders).await;
    Ok(())
}

/// A free port of loopback, and the address with the key that answers there.
async fn listen(key: Keypair) -> Result<(Swarm<Light>, Multiaddr), String> {
    let mut swarm = swarm(key).map_err(|why| why.to_string())?;
    let id = *swarm.local_peer_id();
    let anywhere = Multiaddr::from(Ipv4Addr::LOCALHOST).with(Protocol::Tcp(0));
    swarm.listen_on(anywhere).map_err(|why| why.to_string())?;
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::NewListenAddr { address, .. } => return Ok((swarm, address.with(Protocol::P2p(id)))),
            SwarmEvent::ListenerClosed { reason: Err(why), .. } => return Err(why.to_string()),
            _ => {}
        }
    }
}

fn swarm(key: Keypair) -> Result<Swarm<Light>, noise::Error> {
    let codec = WireCodec::new(MAX_REQUEST, MAX_RESPONSE);
    let config = request_response::Config::default().with_request_timeout(REQUEST_TIMEOUT);
    let light = Light::with_codec(codec, [(PROTOCOL, ProtocolSupport::Full)], config);
    let Ok(builder) = SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)?
        .with_behaviour(|_| light);
    Ok(builder.with_swarm_config(|config| config.with_idle_connection_timeout(IDLE_TIMEOUT)).build())
}

/// Orders as they come; closed where standard input ends. A thread of its own reads it: a read that
/// blocks must not hold up the end of the process.
fn orders() -> io::Result<mpsc::Receiver<()>> {
    let (tell, orders) = mpsc::channel(1);
    thread::Builder::new().spawn(move || {
        let lines = io::stdin().lock().lines().map_while(Result::ok);
        for _ in lines.filter(|line| line == LIE) {
            if tell.blocking_send(()).is_err() {
                return;
            }
        }
    })?;
    Ok(orders)
}

struct Liar {
    swarm: Swarm<Light>,
    validators: Vec<PeerAddress>,
    /// Questions that were passed on, and where their answers go.
    asked: HashMap<OutboundRequestId, (Request, ResponseChannel<Response>)>,
    /// Whether the next newest block is to be a forged one.
    lies: bool,
}

impl Liar {
    async fn run(mut self, mut orders: mpsc::Receiver<()>) {
        let mut turn = interval(TURN);
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.event(event),
                order = orders.recv() => match order {
                    Some(()) => self.lies = true,
                    None => return,
                },
                _ = turn.tick() => self.reconnect(),
            }
        }
    }

    fn reconnect(&mut self) {
        for validator in &self.validators {
            if !self.swarm.is_connected(&validator.id) {
                let dial = DialOpts::peer_id(validator.id).addresses(vec![validator.address.clone()]).build();
                // Refused while another dial is under way; the next turn tries again.
                drop(self.swarm.dial(dial));
            }
        }
    }

    fn event(&mut self, event: SwarmEvent<Event<Request, Response>>) {
        match event {
            SwarmEvent::Behaviour(Event::Message {
                message: Message::Request { request, channel, .. },
                ..
            }) => self.pass_on(request, channel),
            SwarmEvent::Behaviour(Event::Message {
                message: Message::Response { request_id, response },
                ..
            }) => self.answer(request_id, response),
            SwarmEvent::Behaviour(Event::OutboundFailure { request_id, .. }) => {
                self.answer(request_id, Response::Unknown);
            }
            _ => {}
        }
    }

    /// Asks the first validator that is there. Votes are not passed on: those of one validator would
    /// count as told by two.
    fn pass_on(&mut self, request: Request, channel: ResponseChannel<Response>) {
        let connected = self.validators.iter().find(|validator| self.swarm.is_connected(&validator.id));
        match connected.filter(|_| request != Request::Votes).map(|validator| validator.id) {
            Some(validator) => {
                let id = self.swarm.behaviour_mut().send_request(&validator, request.clone());
                self.asked.insert(id, (request, channel));
            }
            None => self.send(channel, Response::Unknown),
        }
    }

    fn answer(&mut self, id: OutboundRequestId, truth: Response) {
        let Some((request, channel)) = self.asked.remove(&id) else { return };
        let said = match truth {
            Response::Block(block) if self.lies && request == Request::Tip => {
                self.lies = false;
                eprintln!("told a forged block in place of that at height {}", block.header.height);
                Response::Block(Box::new(forge(*block)))
            }
            truth => truth,
        };
        self.send(channel, said);
    }

    /// Whoever asked may be gone.
    fn send(&mut self, channel: ResponseChannel<Response>, response: Response) {
        drop(self.swarm.behaviour_mut().send_response(channel, response));
    }
}

/// A block of another state, with a certificate that names it; what it cannot forge are signatures:
/// those are of the true block.
fn forge(mut block: LightBlock) -> LightBlock {
    block.header.state_root = Hash(block.header.state_root.0.map(|byte| !byte));
    let forged = block.header.id();
    if let Certificate::Commit(commit) | Certificate::Handover(commit, _) = &mut block.certificate {
        commit.block_id = forged;
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;
    use qratum_chain::{
        document::genesis_to_json,
        types::{Genesis, Height},
    };

    use crate::{
        demo,
        quorum::{QuorumFault, verify_commit},
        testing::{START, Scratch, ledger},
    };

    /// All that a liar can do without keys is done: only a signature tells it from the truth.
    #[test]
    fn a_forged_block_fails_by_its_signatures_alone() {
        let chain = ledger(3);
        let truth = chain.light_block(Height(3)).unwrap();
        assert_eq!(verify_commit(chain.set(), &truth.header, &truth.certificate), Ok(()));
        let lie = forge(truth.clone());
        assert_ne!(lie.header.id(), truth.header.id());
        let refused = verify_commit(chain.set(), &lie.header, &lie.certificate);
        assert_eq!(refused, Err(QuorumFault::BadSignature(0)));
    }

    #[tokio::test]
    async fn it_runs_in_no_network_but_a_demo() {
        let folder = Scratch::new();
        let path = folder.0.join("home");
        let made = demo::create(&path, START, &demo::Options::default()).unwrap();
        let real = Genesis { demo: false, ..made.genesis };
        std::fs::write(path.join("genesis.json"), genesis_to_json(&real).unwrap()).unwrap();
        assert!(matches!(run(&path).await, Err(LiarError::NoDemo(name)) if name == "demo"));
    }
}
