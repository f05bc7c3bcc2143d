//! By which way is a peer reached? By TCP, by Tor or by I2P, in this order; a way that failed three times
//! in a row rests for five minutes, while there is another.
//!
//! Pure: time is what has passed since some start, and an argument.

use core::fmt;
use std::{net::SocketAddr, time::Duration};

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};

/// So many failures in a row block a way.
pub const MOST_FAILURES: u32 = 3;
/// How long it is blocked after the last of them.
pub const BLOCKED: Duration = Duration::from_secs(300);
/// Base32 digits of a service of Tor, version 3: a key, a checksum, a version.
const ONION: usize = 56;
/// Base32 digits of a destination of I2P: a hash; more, where its lease set is encrypted.
const B32: core::ops::RangeInclusive<usize> = 52..=63;

/// A way to peers. They are tried in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// A direct connection.
    Tcp,
    /// A service of Tor, through the proxy of this machine.
    Tor,
    /// A destination of I2P, through the proxy of this machine.
    I2p,
}

impl Channel {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Tor, Self::I2p];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tor => "tor",
            Self::I2p => "i2p",
        }
    }

    /// The higher, the earlier it is tried. A file that somebody carries has 0.
    #[must_use]
    pub const fn priority(self) -> u8 {
        match self {
            Self::Tcp => 100,
            Self::Tor => 50,
            Self::I2p => 40,
        }
    }

    /// How long one message usually takes.
    #[must_use]
    pub const fn latency(self) -> Duration {
        Duration::from_millis(match self {
            Self::Tcp => 50,
            Self::Tor => 5_000,
            Self::I2p => 10_000,
        })
    }

    /// How long an answer may take, to its last byte: a hundred times what is usual of TCP, and six times
    /// what is usual of the others, as nobody waits longer for a peer. A connection may take twice that.
    #[must_use]
    pub const fn patience(self) -> Duration {
        match self {
            Self::Tcp => self.latency().saturating_mul(100),
            Self::Tor | Self::I2p => self.latency().saturating_mul(6),
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The SOCKS5 proxies of this machine, by what is behind them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// Of Tor.
    pub tor: Option<SocketAddr>,
    /// Of I2P.
    pub i2p: Option<SocketAddr>,
}

impl Proxies {
    /// The proxy that leads to this channel, where one is needed and named.
    #[must_use]
    pub const fn of(&self, channel: Channel) -> Option<SocketAddr> {
        match channel {
            Channel::Tcp => None,
            Channel::Tor => self.tor,
            Channel::I2p => self.i2p,
        }
    }

    /// Whether this channel can be dialled from here.
    #[must_use]
    pub const fn reach(&self, channel: Channel) -> bool {
        matches!(channel, Channel::Tcp) || self.of(channel).is_some()
    }
}

/// What is at the end of a route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    /// An address of the Internet.
    Socket(SocketAddr),
    /// A name that only the proxy can resolve, and a port.
    Hidden(String, u16),
}

/// How one peer is reached by one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) channel: Channel,
    pub(crate) end: End,
    /// What libp2p dials, without the peer's id.
    pub(crate) address: Multiaddr,
}

impl Route {
    /// The route of an address, and the key that must answer where it names one: `/ip4|ip6/…/tcp/…`,
    /// `/onion3/…:…`, or `/dns/….onion|….b32.i2p/tcp/…`.
    pub(crate) fn of(address: &Multiaddr) -> Option<(Self, Option<PeerId>)> {
        let parts: Vec<Protocol<'_>> = address.iter().collect();
        let (place, id) = match parts.as_slice() {
            [place @ .., Protocol::P2p(id)] => (place, Some(*id)),
            place => (place, None),
        };
        let (channel, end) = match place {
            [Protocol::Ip4(host), Protocol::Tcp(port @ 1..)] => {
                (Channel::Tcp, End::Socket((*host, *port).into()))
            }
            [Protocol::Ip6(host), Protocol::Tcp(port @ 1..)] => {
                (Channel::Tcp, End::Socket((*host, *port).into()))
            }
            [onion @ Protocol::Onion3(service)] => {
                let name = onion.to_string();
                let name = name.strip_prefix("/onion3/")?.split(':').next()?;
                (Channel::Tor, End::Hidden(format!("{name}.onion"), service.port()))
            }
            [Protocol::Dns(name), Protocol::Tcp(port @ 1..)] => {
                (hidden(name)?, End::Hidden(name.to_string(), *port))
            }
            _ => return None,
        };
        Some((Self { channel, end, address: place.iter().cloned().collect() }, id))
    }
}

/// Which network has this name: no other name is looked up by anybody.
fn hidden(name: &str) -> Option<Channel> {
    let digits = |label: &str| label.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'));
    let is = |label: &&str, fits: bool| fits && digits(label);
    let onion = name.strip_suffix(".onion").filter(|label| is(label, label.len() == ONION));
    let b32 = name.strip_suffix(".b32.i2p").filter(|label| is(label, B32.contains(&label.len())));
    onion.map(|_| Channel::Tor).or(b32.map(|_| Channel::I2p))
}

/// What came of a way so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tries {
    /// In a row.
    failures: u32,
    last_failure: Option<Duration>,
}

impl Tries {
    pub(crate) const fn succeeded(&mut self) {
        self.failures = 0;
    }

    pub(crate) const fn failed(&mut self, now: Duration) {
        self.failures = self.failures.saturating_add(1);
        self.last_failure = Some(now);
    }

    /// How long it is still blocked.
    pub(crate) fn blocked(&self, now: Duration) -> Option<Duration> {
        let last = self.last_failure.filter(|_| self.failures >= MOST_FAILURES)?;
        Some(last.saturating_add(BLOCKED).saturating_sub(now)).filter(|left| !left.is_zero())
    }
}

/// The first way that is not blocked; where all are, the one whose last failure is the longest ago, as a
/// peer is never given up.
pub(crate) fn choose(tries: &[Tries], now: Duration) -> Option<usize> {
    let open = tries.iter().position(|way| way.blocked(now).is_none());
    let oldest = || tries.iter().enumerate().min_by_key(|(_, way)| way.last_failure).map(|(index, _)| index);
    open.or_else(oldest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn route(address: &str) -> Option<(Channel, End)> {
        Route::of(&address.parse().ok()?).map(|(route, _)| (route.channel, route.end))
    }

    #[test]
    fn an_address_says_its_channel_and_names_nobody_else_resolves() {
        let (onion, b32) = ("a".repeat(56), "b2".repeat(26));
        let hidden = |name: String, port| End::Hidden(name, port);
        let socket = End::Socket("192.0.2.1:7".parse().unwrap());
        assert_eq!(route("/ip4/192.0.2.1/tcp/7"), Some((Channel::Tcp, socket)));
        let tor = Some((Channel::Tor, hidden(format!("{onion}.onion"), 7)));
        assert_eq!(route(&format!("/onion3/{onion}:7")), tor);
        assert_eq!(route(&format!("/dns/{onion}.onion/tcp/7")), tor);
        let i2p = Some((Channel::I2p, hidden(format!("{b32}.b32.i2p"), 7)));
        assert_eq!(route(&format!("/dns/{b32}.b32.i2p/tcp/7")), i2p);
        for other in [
            "/dns/example.org/tcp/7".to_owned(),
            format!("/dns/{onion}.onion.example.org/tcp/7"),
            format!("/dns/x.{onion}.onion/tcp/7"),
            format!("/dns/{}.onion/tcp/7", onion.to_uppercase()),
            format!("/dns/{}.onion/tcp/7", &onion[1..]),
            format!("/dns/{}.b32.i2p/tcp/7", &b32[1..]),
            format!("/dns/{onion}.onion/tcp/0"),
            format!("/dns4/{onion}.onion/tcp/7"),
            "/dns/example.i2p/tcp/7".to_owned(),
            "/ip4/192.0.2.1/udp/7".to_owned(),
        ] {
            assert_eq!(route(&other), None, "{other}");
        }
    }

    #[test]
    fn the_third_failure_in_a_row_blocks_a_way_for_five_minutes() {
        let mut way = Tries::default();
        way.failed(SECOND);
        way.failed(SECOND);
        way.succeeded();
        way.failed(SECOND);
        way.failed(SECOND);
        assert_eq!(way.blocked(SECOND), None, "two in a row");
        way.failed(2 * SECOND);
        assert_eq!(way.blocked(2 * SECOND), Some(BLOCKED));
        assert_eq!(way.blocked(BLOCKED + SECOND), Some(SECOND));
        assert_eq!(way.blocked(BLOCKED + 2 * SECOND), None);
        way.failed(BLOCKED + 3 * SECOND);
        assert_eq!(way.blocked(BLOCKED + 3 * SECOND), Some(BLOCKED), "it was no better afterwards");
    }

    #[test]
    fn the_first_way_that_is_open_is_taken_and_a_peer_is_never_given_up() {
        let mut ways = [Tries::default(); 2];
        assert_eq!(choose(&ways, SECOND), Some(0));
        (0..3).for_each(|_| ways[0].failed(SECOND));
        assert_eq!(choose(&ways, 2 * SECOND), Some(1));
        (0..3).for_each(|_| ways[1].failed(2 * SECOND));
        assert_eq!(choose(&ways, 3 * SECOND), Some(0), "all are blocked");
        ways[0].failed(3 * SECOND);
        assert_eq!(choose(&ways, 4 * SECOND), Some(1));
        assert_eq!(choose(&ways, BLOCKED + 3 * SECOND), Some(0), "open again");
        assert_eq!(choose(&[], SECOND), None);
    }

    #[test]
    fn the_order_is_that_of_the_priorities() {
        assert!(Channel::ALL.is_sorted());
        assert!(Channel::ALL.is_sorted_by_key(|channel| core::cmp::Reverse(channel.priority())));
        assert_eq!(Channel::ALL.map(|channel| channel.patience().as_secs()), [5, 30, 60]);
    }
}
