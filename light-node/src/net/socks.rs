//! A transport to names that only a SOCKS5 proxy of this machine can resolve: services of Tor and
//! destinations of I2P. Nothing is looked up here, and nothing is listened on. Noise and Yamux lie above it
//! as above TCP, so the peer is known by its key and the proxy is told nothing but a name and a port.

use core::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};
use std::io;

use futures::{FutureExt, future, future::BoxFuture};
use libp2p::{
    Multiaddr, Transport,
    core::transport::{DialOpts, ListenerId, TransportError, TransportEvent},
    tcp::tokio::TcpStream,
};
use tokio::time::timeout;
use tokio_socks::tcp::Socks5Stream;

use crate::channel::{End, Proxies, Route};

/// Dials through the proxies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Socks(pub(super) Proxies);

/// Why a proxy gave no connection.
#[derive(Debug)]
pub(super) enum SocksError {
    /// There is nobody at the proxy's own address.
    NoProxy(io::Error),
    /// The proxy does not lead there; its words.
    Refused(tokio_socks::Error),
    /// It took longer than the channel may.
    Silent,
}

impl fmt::Display for SocksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProxy(why) => write!(f, "the proxy of this machine does not answer: {why}"),
            Self::Refused(why) => write!(f, "the proxy does not lead there: {why}"),
            Self::Silent => f.write_str("the proxy gave no connection in time"),
        }
    }
}

impl std::error::Error for SocksError {}

impl Transport for Socks {
    type Output = TcpStream;
    type Error = SocksError;
    type ListenerUpgrade = future::Pending<Result<TcpStream, SocksError>>;
    type Dial = BoxFuture<'static, Result<TcpStream, SocksError>>;

    fn listen_on(&mut self, _: ListenerId, address: Multiaddr) -> Result<(), TransportError<SocksError>> {
        Err(TransportError::MultiaddrNotSupported(address))
    }

    fn remove_listener(&mut self, _: ListenerId) -> bool {
        false
    }

    fn dial(&mut self, address: Multiaddr, _: DialOpts) -> Result<Self::Dial, TransportError<SocksError>> {
        let route = Route::of(&address).map(|(route, _)| route);
        let way = route.and_then(|Route { channel, end, .. }| Some((self.0.of(channel)?, channel, end)));
        let Some((proxy, channel, End::Hidden(name, port))) = way else {
            return Err(TransportError::MultiaddrNotSupported(address));
        };
        let patience = channel.patience().saturating_mul(2);
        let dial = async move {
            let socket = tokio::net::TcpStream::connect(proxy).await.map_err(SocksError::NoProxy)?;
            // Without it an answer waits for the acknowledgement of the one before.
            socket.set_nodelay(true).map_err(SocksError::NoProxy)?;
            let stream = Socks5Stream::connect_with_socket(socket, (name, port)).await;
            stream.map(|stream| TcpStream(stream.into_inner())).map_err(SocksError::Refused)
        };
        Ok(async move { timeout(patience, dial).await.unwrap_or(Err(SocksError::Silent)) }.boxed())
    }

    fn poll(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, SocksError>> {
        Poll::Pending
    }
}
