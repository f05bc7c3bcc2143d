//! How do questions reach the pinned peers? Over one libp2p connection each: TCP, or a proxy to Tor or I2P,
//! then Noise and Yamux, one request and one answer a stream.
//!
//! Only pinned peers are dialled, nothing is listened on, and Noise holds each to its pinned key. A peer
//! that has several addresses is dialled by the first channel that is not blocked.
//! The node's own key is fresh at each start: it names nobody. A peer that goes away is dialled
//! again after a pause that doubles; one that leaves a question unanswered is hung up on first,
//! since a half-dead connection looks alive. One that is banned is hung up on and not dialled until
//! the ban is over.

mod backoff;
mod carrier;
pub(crate) mod line;
mod local;
mod socks;

use std::{error::Error, sync::Arc, time::Duration};

use libp2p::{
    PeerId, Swarm, SwarmBuilder, Transport,
    core::{
        muxing::StreamMuxerBox,
        transport::{Boxed, timeout::TransportTimeout},
        upgrade::Version,
    },
    identity::Keypair,
    noise, request_response, tcp, yamux,
};
use tokio::{
    sync::{Semaphore, mpsc, oneshot, watch},
    task::JoinHandle,
};

pub(crate) use self::{
    carrier::{AskError, Link},
    local::{Local, NAME as LOCAL},
};
use self::{
    carrier::{Behaviour, Carrier, Order, Question},
    socks::Socks,
};
use crate::{
    channel::{Channel, Proxies},
    config::Pinned,
    wire::{MAX_REQUEST, MAX_RESPONSE, PROTOCOL, Request, Response, WireCodec},
};

/// Questions that one peer is asked at the same time.
const IN_FLIGHT: usize = 2;
/// How long a connection stays without any question.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Asks pinned peers, each named by its place in the configuration. The connections end when the
/// last clone is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Net {
    orders: mpsc::Sender<Order>,
    links: watch::Receiver<Vec<Link>>,
    permits: Arc<[Arc<Semaphore>]>,
    /// Asked like a peer behind the last one.
    local: Option<Local>,
}

impl Net {
    /// Starts to dial; the task ends by itself with the last [`Net`].
    ///
    /// # Errors
    /// The words of libp2p, when its stack cannot be set up.
    pub(crate) fn start(
        peers: Vec<Pinned>,
        proxies: Proxies,
        local: Option<Local>,
    ) -> Result<(Self, JoinHandle<()>), String> {
        let swarm = swarm(proxies)?;
        let (orders, inbox) = mpsc::channel(IN_FLIGHT.saturating_mul(peers.len()).max(1));
        let (state, links) = watch::channel(vec![Link::default(); peers.len()]);
        let permits = peers.iter().map(|_| Arc::new(Semaphore::new(IN_FLIGHT))).collect();
        let task = tokio::spawn(Carrier::new(swarm, peers, proxies, state).run(inbox));
        Ok((Self { orders, links, permits, local }, task))
    }

    /// Asks one peer. Waits while [`IN_FLIGHT`] questions to it are open.
    ///
    /// # Errors
    /// [`AskError`].
    pub(crate) async fn ask(&self, peer: usize, request: Request) -> Result<Response, AskError> {
        if let Some(local) = self.local.as_ref().filter(|_| peer == self.permits.len()) {
            return local.ask(&request).await;
        }
        let permits = self.permits.get(peer).ok_or(AskError::Lost)?;
        let permit = Arc::clone(permits).acquire_owned().await.map_err(|_| AskError::Lost)?;
        let (reply, answer) = oneshot::channel();
        let question = Question { peer, request, reply, permit };
        self.orders.send(Order::Ask(question)).await.map_err(|_| AskError::Lost)?;
        answer.await.unwrap_or(Err(AskError::Lost))
    }

    /// Hangs up on a peer, and does not dial it again for this long. Open questions are lost.
    pub(crate) async fn ban(&self, peer: usize, length: Duration) {
        // A carrier that is gone asks nobody any more.
        let _ = self.orders.send(Order::Ban { peer, length }).await;
    }

    /// The connections, in the order of the configuration.
    pub(crate) fn links(&self) -> watch::Receiver<Vec<Link>> {
        self.links.clone()
    }

    /// The peers that can be asked now; last, one behind them, the socket of the home.
    pub(crate) fn connected(&self) -> Vec<usize> {
        let links = self.links.borrow();
        let peers =
            links.iter().enumerate().filter(|(_, link)| link.connected.is_some()).map(|(peer, _)| peer);
        let local = self.local.as_ref().filter(|local| local.is_there()).map(|_| links.len());
        peers.chain(local).collect()
    }
}

/// A stack with a key of its own.
fn swarm(proxies: Proxies) -> Result<Swarm<Behaviour>, String> {
    let builder = SwarmBuilder::with_new_identity().with_tokio();
    let builder =
        builder.with_other_transport(|key| transport(key, proxies)).map_err(|error| error.to_string())?;
    // Whoever asks waits only as long as the channel may take.
    let slowest = Channel::I2p.patience().saturating_mul(2);
    let config = request_response::Config::default().with_request_timeout(slowest);
    let protocols = [(PROTOCOL, request_response::ProtocolSupport::Outbound)];
    let codec = WireCodec::new(MAX_REQUEST, MAX_RESPONSE);
    let behaviour = Behaviour::with_codec(codec, protocols, config);
    let builder = builder.with_behaviour(|_| behaviour).map_err(|error| error.to_string())?;
    let builder = builder.with_swarm_config(|config| config.with_idle_connection_timeout(IDLE_TIMEOUT));
    Ok(builder.with_connection_timeout(slowest).build())
}

type Connections = Boxed<(PeerId, StreamMuxerBox)>;

/// TCP, and the proxies for names that are not of the Internet; both authenticated by the same means.
fn transport(key: &Keypair, proxies: Proxies) -> Result<Connections, Box<dyn Error + Send + Sync>> {
    let noise = noise::Config::new(key)?;
    let plain = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
        .upgrade(Version::V1Lazy)
        .authenticate(noise.clone())
        .multiplex(yamux::Config::default());
    let hidden =
        Socks(proxies).upgrade(Version::V1Lazy).authenticate(noise).multiplex(yamux::Config::default());
    let patience = Channel::Tcp.patience().saturating_mul(2);
    let either = TransportTimeout::new(plain, patience).or_transport(hidden);
    Ok(either
        .map(|either, _| either.into_inner())
        .map(|(id, muxer), _| (id, StreamMuxerBox::new(muxer)))
        .boxed())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use qratum_chain::types::Time;
    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::{
        chain::{Chain, constant},
        config::pinned,
        peer::{FakePeer, honest},
    };

    #[tokio::test]
    async fn a_banned_peer_is_not_dialled_until_the_ban_is_over() {
        let chain = Arc::new(Mutex::new(Chain::new("net", Time(1000), constant)));
        let banned = FakePeer::start("a", 101, honest(&chain)).await;
        let other = FakePeer::start("b", 102, honest(&chain)).await;
        let peers = pinned(&[banned.peer.clone(), other.peer.clone()]).unwrap();
        let (net, _task) = Net::start(peers, Proxies::default(), None).unwrap();
        let mut links = net.links();
        let mut until = async |want: [bool; 2]| {
            let done = |links: &Vec<Link>| links.iter().map(|link| link.connected.is_some()).eq(want);
            timeout(Duration::from_secs(10), links.wait_for(done)).await.unwrap().unwrap();
        };
        until([true, true]).await;
        let (began, length) = (Instant::now(), Duration::from_millis(1500));
        net.ban(0, length).await;
        until([false, true]).await;
        assert_eq!(net.ask(0, Request::Tip).await, Err(AskError::Lost));
        assert_eq!(net.ask(1, Request::Tip).await, Ok(Response::Unknown));
        until([true, true]).await;
        // Above the pause that any lost connection has before it is dialled again.
        assert!(began.elapsed() >= length, "{:?}", began.elapsed());
        assert_eq!(net.ask(0, Request::Tip).await, Ok(Response::Unknown));
    }
}
