//! What is a light node told before it starts? The genesis it trusts, the peers it may ask, and
//! where to keep what it verified.

use core::fmt;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use libp2p::{Multiaddr, PeerId, identity, multiaddr::Protocol};
use qratum_chain::{document::Anchor, types::Genesis};
use qratum_crypto::sign::ed25519::PublicKey;
use qratum_verifier::witness::{Parties, Source};
use serde::Deserialize;

use crate::Place;

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
    /// The home, where there is one.
    pub home: Option<Place>,
    /// Whether verified blocks are kept in that home; otherwise, every start begins at the anchor.
    pub keep: bool,
}

/// A pinned peer: an address that names the key that must answer there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// What the user calls it: 1 to 32 of `a-z 0-9 -`.
    pub name: String,
    /// Who runs it: peers of one operator count as one witness. 1 to 32 of `a-z 0-9 -`. Of a peer that
    /// is enrolled on chain, the chain's word counts instead.
    pub operator: String,
    /// `/ip4/…/tcp/…/p2p/ID` or `/ip6/…/tcp/…/p2p/ID`: there is no name lookup to be lied to by.
    pub address: Multiaddr,
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
    /// The address of the peer with this name is not `/ip4|ip6/…/tcp/…/p2p/ID`.
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
                write!(f, "the address of peer {name} is not /ip4 or /ip6, /tcp, /p2p with its id")
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
}

/// Reads `{"schema": "qratum/peers/v1", "peers": [{"name", "operator", "address"}]}`. A peer without an
/// operator is one of its own, called like the peer.
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
    for (index, PeerJson { name, operator, address }) in document.peers.into_iter().enumerate() {
        if !is_name(&name) {
            return Err(ConfigError::Name(index));
        }
        let address = address.parse().map_err(|_| ConfigError::Address(name.clone()))?;
        let operator = operator.unwrap_or_else(|| name.clone());
        peers.push(Peer { name, operator, address });
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
    pub(crate) address: Multiaddr,
    pub(crate) socket: SocketAddr,
}

/// Checks peers however they were made, and takes them apart.
pub(crate) fn pinned(peers: &[Peer]) -> Result<Vec<Pinned>, ConfigError> {
    if peers.is_empty() || peers.len() > MAX_PEERS {
        return Err(ConfigError::Count(peers.len()));
    }
    let (mut names, mut ids, mut addresses) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut found = Vec::with_capacity(peers.len());
    for (index, Peer { name, operator, address }) in peers.iter().enumerate() {
        if !is_name(name) {
            return Err(ConfigError::Name(index));
        }
        if !is_name(operator) {
            return Err(ConfigError::Operator(name.clone()));
        }
        let (socket, id) = place_and_id(address).ok_or_else(|| ConfigError::Address(name.clone()))?;
        if !names.insert(name) || !ids.insert(id) || !addresses.insert(socket) {
            return Err(ConfigError::Twice(name.clone()));
        }
        let place = Multiaddr::from(socket.ip()).with(Protocol::Tcp(socket.port()));
        let (name, operator) = (name.clone(), operator.clone());
        found.push(Pinned { name, operator, bound: false, id, address: place, socket });
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
    let keys: Vec<Vec<u8>> = peers.iter().map(|peer| peer.id.to_bytes()).collect();
    let sources = peers.iter().zip(&keys);
    let sources = sources.map(|(peer, key)| Source { operator: &peer.operator, address: peer.socket, key });
    Parties::of(&sources.collect::<Vec<_>>())
}

/// The peer id of a network key; `None` for bytes that are no key.
#[must_use]
pub fn peer_id(key: &PublicKey) -> Option<PeerId> {
    let key = identity::ed25519::PublicKey::try_from_bytes(&key.0).ok()?;
    Some(identity::PublicKey::from(key).to_peer_id())
}

fn place_and_id(address: &Multiaddr) -> Option<(SocketAddr, PeerId)> {
    let parts: Vec<Protocol<'_>> = address.iter().collect();
    match parts.as_slice() {
        [Protocol::Ip4(host), Protocol::Tcp(port @ 1..), Protocol::P2p(id)] => {
            Some(((*host, *port).into(), *id))
        }
        [Protocol::Ip6(host), Protocol::Tcp(port @ 1..), Protocol::P2p(id)] => {
            Some(((*host, *port).into(), *id))
        }
        _ => None,
    }
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
