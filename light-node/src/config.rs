//! What is a light node told before it starts? The genesis it trusts, the peers it may ask, and
//! where to keep what it verified.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use libp2p::{Multiaddr, PeerId, identity};
use qratum_chain::{document::Anchor, types::Genesis};
use qratum_crypto::sign::ed25519::PublicKey;
use qratum_verifier::witness::{Address, Parties, Source};
use serde::Deserialize;

use crate::{
    Place, Proxies,
    channel::{End, Route},
};

/// The longest list of peers that is read: 64 KiB.
const MAX_LENGTH: usize = 64 << 10;
/// The most peers: each is asked in turn, so a longer list would only be slower.
const MAX_PEERS: usize = 64;
const SCHEMA: &str = "qratum/peers/v1";

/// Everything a node starts from.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which chain; and the anchor, where no later one is given: trusted because the user does.
    pub genesis: Genesis,
    /// A later place to start from, which the user pinned.
    pub anchor: Option<Anchor>,
    /// The peers that may be asked. No other is ever dialled.
    pub peers: Vec<Peer>,
    /// What leads to those of their addresses that are not of the Internet.
    pub proxies: Proxies,
    /// The home, where there is one.
    pub home: Option<Place>,
    /// Whether verified blocks are kept in that home; otherwise, every start begins at the anchor.
    pub keep: bool,
}

impl Config {
    /// The TCP ports that a node of this configuration connects to.
    #[must_use]
    pub fn ports(&self) -> BTreeSet<u16> {
        let addresses = self.peers.iter().flat_map(|peer| peer.addresses().filter_map(Route::of));
        let own = addresses.filter_map(|(route, _)| match route.end {
            End::Socket(socket) => Some(socket.port()),
            End::Hidden(..) => self.proxies.of(route.channel).map(|proxy| proxy.port()),
        });
        own.collect()
    }
}

impl Peer {
    /// All its addresses.
    pub fn addresses(&self) -> impl Iterator<Item = &Multiaddr> {
        core::iter::once(&self.address).chain(&self.fallbacks)
    }
}

/// A pinned peer: an address that names the key that must answer there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// What the user calls it: 1 to 32 of `a-z 0-9 -`.
    pub name: String,
    /// Who runs it: peers of one operator count as one witness. 1 to 32 of `a-z 0-9 -`. Of a peer that
    /// is enrolled on chain, the chain's word counts instead.
    pub operator: String,
    /// `/ip4/…/tcp/…/p2p/ID` or `/ip6/…/tcp/…/p2p/ID`: there is no name lookup to be lied to by. Or a
    /// service of Tor, `/onion3/…:PORT/p2p/ID` or `/dns/….onion/tcp/…/p2p/ID`, or a destination of I2P,
    /// `/dns/….b32.i2p/tcp/…/p2p/ID`: names that say which key answers.
    pub address: Multiaddr,
    /// Other addresses of the same key: of each channel there is at most one.
    pub fallbacks: Vec<Multiaddr>,
}

/// Why a list of peers is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// Longer than 64 KiB.
    TooLong,
    /// No JSON, or not of this form; the parser's words.
    Json(String),
    /// Of another schema.
    Schema,
    /// No peer, or more than 64.
    Count(usize),
    /// A name that is not 1 to 32 of `a-z 0-9 -`; by place in the list, from 0.
    Name(usize),
    /// The operator of the peer with this name is not 1 to 32 of `a-z 0-9 -`.
    Operator(String),
    /// An address of the peer with this name has none of the forms of [`Peer::address`], or two
    /// are of one channel, or they name several keys.
    Address(String),
    /// The peer with this name has the name, key or address of one before it.
    Twice(String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "the list of peers is longer than {MAX_LENGTH} bytes"),
            Self::Json(why) => write!(f, "no list of peers: {why}"),
            Self::Schema => write!(f, "the list of peers is not of schema {SCHEMA:?}"),
            Self::Count(got) => write!(f, "{got} peers: 1 to {MAX_PEERS} are needed"),
            Self::Name(index) => write!(f, "peer {index} has a name that is not 1 to 32 of a-z, 0-9 and -"),
            Self::Operator(name) => {
                write!(f, "the operator of peer {name} is not 1 to 32 of a-z, 0-9 and -")
            }
            Self::Address(name) => {
                write!(
                    f,
                    "an address of peer {name} is neither /ip4 or /ip6, /tcp nor /onion3 nor /dns with a \
                     name in .onion or .b32.i2p, /tcp, each with /p2p and its one id; or two are of one kind"
                )
            }
            Self::Twice(name) => write!(f, "peer {name} has the name, id or address of one before it"),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    peers: Vec<PeerJson>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PeerJson {
    name: String,
    operator: Option<String>,
    address: String,
    #[serde(default)]
    fallbacks: Vec<String>,
}

/// Reads `{"schema": "qratum/peers/v1", "peers": [{"name", "operator", "address", "fallbacks"}]}`. A peer
/// without an operator is one of its own, called like the peer; most have no fallbacks.
///
/// # Errors
/// [`ConfigError`].
pub fn peers_from_json(text: &[u8]) -> Result<Vec<Peer>, ConfigError> {
    if text.len() > MAX_LENGTH {
        return Err(ConfigError::TooLong);
    }
    let document: Document =
        serde_json::from_slice(text).map_err(|error| ConfigError::Json(error.to_string()))?;
    if document.schema != SCHEMA {
        return Err(ConfigError::Schema);
    }
    let mut peers = Vec::with_capacity(document.peers.len());
    for (index, PeerJson { name, operator, address, fallbacks }) in document.peers.into_iter().enumerate() {
        if !is_name(&name) {
            return Err(ConfigError::Name(index));
        }
        let parse = |address: &String| address.parse().map_err(|_| ConfigError::Address(name.clone()));
        let (address, fallbacks) = (parse(&address)?, fallbacks.iter().map(parse).collect::<Result<_, _>>()?);
        let operator = operator.unwrap_or_else(|| name.clone());
        peers.push(Peer { name, operator, address, fallbacks });
    }
    pinned(&peers)?;
    Ok(peers)
}

/// A peer taken apart: where it is and who must answer.
#[derive(Clone, Debug)]
pub(crate) struct Pinned {
    pub(crate) name: String,
    pub(crate) operator: String,
    /// The chain names the operator, not the configuration.
    pub(crate) bound: bool,
    pub(crate) id: PeerId,
    /// Where it is dialled, in the order of the channels.
    pub(crate) routes: Vec<Route>,
}

/// Checks peers however they were made, and takes them apart.
pub(crate) fn pinned(peers: &[Peer]) -> Result<Vec<Pinned>, ConfigError> {
    if peers.is_empty() || peers.len() > MAX_PEERS {
        return Err(ConfigError::Count(peers.len()));
    }
    let (mut names, mut ids, mut addresses) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut found = Vec::with_capacity(peers.len());
    for (index, peer) in peers.iter().enumerate() {
        let Peer { name, operator, .. } = peer;
        if !is_name(name) {
            return Err(ConfigError::Name(index));
        }
        if !is_name(operator) {
            return Err(ConfigError::Operator(name.clone()));
        }
        let (routes, id) = routes_and_id(peer).ok_or_else(|| ConfigError::Address(name.clone()))?;
        let new = routes.iter().all(|route| addresses.insert(route.end.clone()));
        if !names.insert(name) || !ids.insert(id) || !new {
            return Err(ConfigError::Twice(name.clone()));
        }
        let (name, operator) = (name.clone(), operator.clone());
        found.push(Pinned { name, operator, bound: false, id, routes });
    }
    Ok(found)
}

/// Law 9: a peer whose key the genesis enrols is run by the enrolled operator, whatever the
/// configuration says.
pub(crate) fn bind(mut peers: Vec<Pinned>, genesis: &Genesis) -> Vec<Pinned> {
    let enrolments = genesis.validators.iter().filter_map(|member| member.enrolment.as_ref());
    let operators: BTreeMap<PeerId, &String> = enrolments
        .filter_map(|enrolment| Some((peer_id(&enrolment.peer_key)?, &enrolment.operator)))
        .collect();
    for peer in &mut peers {
        if let Some(operator) = operators.get(&peer.id) {
            (peer.operator, peer.bound) = ((*operator).clone(), true);
        }
    }
    peers
}

/// Which of these peers count as one.
pub(crate) fn parties(peers: &[Pinned]) -> Parties {
    let keys: Vec<(Vec<Address<'_>>, Vec<u8>)> =
        peers.iter().map(|peer| (peer.routes.iter().map(address).collect(), peer.id.to_bytes())).collect();
    let sources = peers.iter().zip(&keys);
    let sources = sources.map(|(peer, (addresses, key))| Source { operator: &peer.operator, addresses, key });
    Parties::of(&sources.collect::<Vec<_>>())
}

fn address(route: &Route) -> Address<'_> {
    match &route.end {
        End::Socket(socket) => Address::Socket(*socket),
        End::Hidden(name, _) => Address::Name(name),
    }
}

/// The peer id of a network key; `None` for bytes that are no key.
#[must_use]
pub fn peer_id(key: &PublicKey) -> Option<PeerId> {
    let key = identity::ed25519::PublicKey::try_from_bytes(&key.0).ok()?;
    Some(identity::PublicKey::from(key).to_peer_id())
}

/// The ways to a peer, and the one key at the end of all.
fn routes_and_id(peer: &Peer) -> Option<(Vec<Route>, PeerId)> {
    let found = peer.addresses().map(Route::of).collect::<Option<Vec<_>>>()?;
    let id = found.first()?.1?;
    let one_key = found.iter().all(|(_, other)| *other == Some(id));
    let mut routes: Vec<Route> = found.into_iter().map(|(route, _)| route).collect();
    routes.sort_by_key(|route| route.channel);
    let distinct = routes.is_sorted_by(|a, b| a.channel < b.channel);
    Some((routes, id)).filter(|_| one_key && distinct)
}

/// Names are shown on screens: plain ASCII, no capitals.
fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(seed: u8) -> String {
        let key = libp2p::identity::Keypair::ed25519_from_bytes([seed; 32]).unwrap();
        key.public().to_peer_id().to_string()
    }

    fn document(peers: &[(&str, String)]) -> Vec<u8> {
        let peers: Vec<_> = peers
            .iter()
            .map(|(name, address)| serde_json::json!({"name": name, "address": address}))
            .collect();
        serde_json::json!({"schema": SCHEMA, "peers": peers}).to_string().into_bytes()
    }

    #[test]
    fn pinned_peers_are_read() {
        let good = document(&[
            ("v-0", format!("/ip4/127.0.0.1/tcp/4000/p2p/{}", id(1))),
            ("v-1", format!("/ip6/::1/tcp/4000/p2p/{}", id(2))),
        ]);
        let peers = peers_from_json(&good).unwrap();
        assert_eq!(peers.iter().map(|peer| peer.name.as_str()).collect::<Vec<_>>(), ["v-0", "v-1"]);
    }

    #[test]
    fn an_address_without_a_key_or_with_a_name_to_look_up_is_refused() {
        let refused = |address: String| peers_from_json(&document(&[("v", address)])).unwrap_err();
        let want = ConfigError::Address("v".to_owned());
        assert_eq!(refused("/ip4/127.0.0.1/tcp/4000".to_owned()), want);
        assert_eq!(refused(format!("/dns4/example.org/tcp/4000/p2p/{}", id(1))), want);
        assert_eq!(refused(format!("/ip4/127.0.0.1/udp/4000/p2p/{}", id(1))), want);
        assert_eq!(refused(format!("/ip4/127.0.0.1/tcp/0/p2p/{}", id(1))), want);
        assert_eq!(refused("nonsense".to_owned()), want);
    }

    #[test]
    fn a_peer_has_several_addresses_of_one_key() {
        let (onion, b32) = ("a".repeat(56), "b".repeat(52));
        let with = |first: String, fallbacks: &[String]| {
            let peer = serde_json::json!({"name": "v", "address": first, "fallbacks": fallbacks});
            peers_from_json(serde_json::json!({"schema": SCHEMA, "peers": [peer]}).to_string().as_bytes())
        };
        let tor = |seed| format!("/onion3/{onion}:4000/p2p/{}", id(seed));
        let i2p = |seed| format!("/dns/{b32}.b32.i2p/tcp/4000/p2p/{}", id(seed));
        let tcp = |seed| format!("/ip4/127.0.0.1/tcp/4000/p2p/{}", id(seed));
        let peers = with(i2p(1), &[tor(1), tcp(1)]).unwrap();
        let routes = &pinned(&peers).unwrap()[0].routes;
        assert_eq!(routes.iter().map(|route| route.channel).collect::<Vec<_>>(), crate::Channel::ALL);
        let refused = Err(ConfigError::Address("v".to_owned()));
        assert_eq!(with(tcp(1), &[tor(2)]), refused, "another key");
        assert_eq!(with(tcp(1), &[format!("/onion3/{onion}:4000")]), refused, "no key");
        let other = format!("/ip4/127.0.0.1/tcp/4001/p2p/{}", id(1));
        assert_eq!(with(tcp(1), &[other]), refused, "two of one channel");
    }

    #[test]
    fn no_two_peers_share_name_key_or_address() {
        let at = |port: u16, seed: u8| format!("/ip4/127.0.0.1/tcp/{port}/p2p/{}", id(seed));
        let refused = |second: (&str, String)| peers_from_json(&document(&[("a", at(1, 1)), second]));
        assert!(refused(("b", at(2, 2))).is_ok());
        assert_eq!(refused(("a", at(2, 2))), Err(ConfigError::Twice("a".to_owned())));
        assert_eq!(refused(("b", at(2, 1))), Err(ConfigError::Twice("b".to_owned())));
        assert_eq!(refused(("b", at(1, 2))), Err(ConfigError::Twice("b".to_owned())));
    }

    #[test]
    fn an_operator_is_named_or_the_peer_itself() {
        let at = |port: u16, seed: u8| format!("/ip4/127.0.0.1/tcp/{port}/p2p/{}", id(seed));
        let with = |operator: &str| {
            let document = serde_json::json!({"schema": SCHEMA, "peers": [
                {"name": "a", "address": at(1, 1), "operator": operator},
                {"name": "b", "address": at(2, 2)},
                {"name": "c", "address": at(3, 3), "operator": "b"},
            ]});
            peers_from_json(document.to_string().as_bytes())
        };
        let peers = with("acme").unwrap();
        assert_eq!(peers.iter().map(|peer| peer.operator.as_str()).collect::<Vec<_>>(), ["acme", "b", "b"]);
        assert_eq!(parties(&pinned(&peers).unwrap()).distinct([0, 1, 2]), [0, 1]);
        assert_eq!(with("\u{1b}[2J"), Err(ConfigError::Operator("a".to_owned())));
        assert_eq!(with(""), Err(ConfigError::Operator("a".to_owned())));
    }

    #[test]
    fn what_is_no_list_of_peers_is_refused() {
        let refused = |text: &[u8]| peers_from_json(text).unwrap_err();
        assert_eq!(refused(&[b' '; MAX_LENGTH + 1]), ConfigError::TooLong);
        assert_eq!(refused(br#"{"schema":"qratum/peers/v2","peers":[]}"#), ConfigError::Schema);
        assert_eq!(refused(br#"{"schema":"qratum/peers/v1","peers":[]}"#), ConfigError::Count(0));
        let extra = br#"{"schema":"qratum/peers/v1","peers":[],"more":1}"#;
        assert!(matches!(refused(extra), ConfigError::Json(why) if why.contains("more")));
        let name = document(&[("\u{1b}[2J", format!("/ip4/127.0.0.1/tcp/1/p2p/{}", id(1)))]);
        assert_eq!(refused(&name), ConfigError::Name(0));
    }
}
