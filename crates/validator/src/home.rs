//! Where does a validator find its network, its peers and its keys? The layout of a home
//! directory, read and written nowhere else.
//!
//! ```text
//! HOME/genesis.json                    what the network starts from
//! HOME/peers.json                      name and address of each validator
//! HOME/run/validator-<index>.pid       while the process runs
//! HOME/validators/NAME/vote.key        32-byte seed, 0600
//! HOME/validators/NAME/vote-next.key   the same, of the key that was ordered to vote next, until it does
//! HOME/validators/NAME/vote-KEY.key    the same, of one that voted before, by its public key
//! HOME/validators/NAME/peer.key        32-byte seed, 0600
//! HOME/validators/NAME/handover.key    32-byte seed of the ML-DSA-65 key for ends of sets, 0600
//! HOME/validators/NAME/operator.key    32-byte seed, 0600; only commands of its operator read it
//! HOME/validators/NAME/chain.bin, log.bin, snapshot.bin
//! HOME/validators/NAME/sign-from       the height from which on it signs, or `unknown`
//! ```

use core::fmt;
use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use libp2p::{Multiaddr, PeerId, identity::Keypair, multiaddr::Protocol};
use qratum_chain::{
    document::{DocumentError, MAX_LENGTH, genesis_from_json},
    types::Genesis,
};
use qratum_crypto::sign::{
    self,
    ed25519::{PublicKey, SecretKey},
};
use qratum_light_node::file;
pub use qratum_light_node::peer_id;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use zeroize::Zeroizing;

use crate::signer::HandoverKey;

/// The file of a validator's ML-DSA key.
pub const HANDOVER_KEY: &str = "handover.key";
const NEXT_VOTE_KEY: &str = "vote-next.key";

/// The file that keeps a vote key which votes no more.
#[must_use]
pub fn old_vote_key(key: &PublicKey) -> String {
    format!("vote-{key}.key")
}

const PEERS_SCHEMA: &str = "qratum/peers/v1";

/// Why a home is none.
#[derive(Debug)]
pub enum HomeError {
    /// A file or folder, and what the system says.
    Io(PathBuf, io::Error),
    /// `genesis.json` is no genesis.
    Genesis(DocumentError),
    /// `peers.json` is no list of peers.
    Peers(String),
    /// A key file has not 32 bytes.
    Key(PathBuf),
    /// No such validator in genesis or in the list of peers.
    Name(String),
    /// The peer of this name has another id than its validator is enrolled with.
    PeerId(String),
}

impl fmt::Display for HomeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, why) => write!(f, "{}: {why}", path.display()),
            Self::Genesis(why) => write!(f, "genesis.json: {why}"),
            Self::Peers(why) => write!(f, "peers.json: {why}"),
            Self::Key(path) => write!(f, "{}: not 32 bytes", path.display()),
            Self::Name(name) => write!(f, "no validator is called {name:?}"),
            Self::PeerId(name) => write!(f, "peers.json: {name} is enrolled with the key of another peer id"),
        }
    }
}

impl std::error::Error for HomeError {}

/// Another validator, or this one, as the list of peers names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerAddress {
    /// Its name in genesis.
    pub name: String,
    /// Who runs it, for light nodes, which count witnesses by it.
    pub operator: Option<String>,
    /// Its network identity.
    pub id: PeerId,
    /// Where it listens, without the identity.
    pub address: Multiaddr,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PeersDocument {
    schema: String,
    peers: Vec<PeerJson>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PeerJson {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operator: Option<String>,
    address: String,
    /// For light nodes: validators dial each other directly.
    #[serde(rename = "fallbacks", default, skip_serializing)]
    _fallbacks: IgnoredAny,
}

/// A home directory.
#[derive(Clone, Debug)]
pub struct Home(PathBuf);

impl Home {
    /// The home at `path`; nothing is read yet.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// `genesis.json`.
    #[must_use]
    pub fn genesis_path(&self) -> PathBuf {
        self.0.join("genesis.json")
    }

    /// `peers.json`.
    #[must_use]
    pub fn peers_path(&self) -> PathBuf {
        self.0.join("peers.json")
    }

    /// `run`, where running processes write their pids.
    #[must_use]
    pub fn run(&self) -> PathBuf {
        self.0.join("run")
    }

    /// `run/validator-<index>.pid`.
    #[must_use]
    pub fn pid_path(&self, index: u32) -> PathBuf {
        self.run().join(format!("validator-{index}.pid"))
    }

    /// `validators/NAME`.
    #[must_use]
    pub fn validator(&self, name: &str) -> PathBuf {
        self.0.join("validators").join(name)
    }

    /// Reads the genesis.
    ///
    /// # Errors
    /// [`HomeError::Io`], [`HomeError::Genesis`].
    pub fn genesis(&self) -> Result<Genesis, HomeError> {
        genesis_from_json(&read(&self.genesis_path())?).map_err(HomeError::Genesis)
    }

    /// Reads the list of peers.
    ///
    /// # Errors
    /// [`HomeError::Io`], [`HomeError::Peers`].
    pub fn peers(&self) -> Result<Vec<PeerAddress>, HomeError> {
        let document: PeersDocument = serde_json::from_slice(&read(&self.peers_path())?)
            .map_err(|why| HomeError::Peers(why.to_string()))?;
        if document.schema != PEERS_SCHEMA {
            return Err(HomeError::Peers(format!("another schema: {:?}", document.schema)));
        }
        document.peers.into_iter().map(PeerAddress::read).collect()
    }

    /// The vote key of a validator.
    ///
    /// # Errors
    /// [`HomeError::Io`], [`HomeError::Key`].
    pub fn vote_key(&self, name: &str) -> Result<SecretKey, HomeError> {
        let seed = seed(&self.validator(name).join("vote.key"))?;
        Ok(SecretKey::from_seed(&seed))
    }

    /// The vote key that was ordered to take over; `None` when there is none.
    ///
    /// # Errors
    /// [`HomeError::Io`], [`HomeError::Key`].
    pub fn next_vote_key(&self, name: &str) -> Result<Option<SecretKey>, HomeError> {
        match seed(&self.validator(name).join(NEXT_VOTE_KEY)) {
            Ok(seed) => Ok(Some(SecretKey::from_seed(&seed))),
            Err(HomeError::Io(_, why)) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(why),
        }
    }

    /// Writes the seed of the vote key that is to take over, where there is none.
    ///
    /// # Errors
    /// [`HomeError::Io`].
    pub fn write_next_vote_key(&self, name: &str, seed: &[u8; 32]) -> Result<(), HomeError> {
        write_new(&self.validator(name).join(NEXT_VOTE_KEY), seed)
    }

    /// Makes the next vote key the vote key, in place of one that votes no more, if it is `expected`.
    /// That one stays in a file beside: who says that it votes no more may be wrong. `false` where
    /// there is no such next key: another process was faster.
    ///
    /// A crash at any point leaves both keys in files that [`Home::vote_key`] and
    /// [`Home::next_vote_key`] read, and the first may be done again.
    ///
    /// # Errors
    /// [`HomeError`], also where the file beside holds something else.
    pub fn promote_next_vote_key(&self, name: &str, expected: &PublicKey) -> Result<bool, HomeError> {
        let path = self.validator(name);
        let io = |why| HomeError::Io(path.clone(), why);
        let folder = File::open(&path).map_err(io)?;
        // A process that runs and the command of its operator may both be about to.
        folder.lock().map_err(io)?;
        if self.next_vote_key(name)?.is_none_or(|next| next.public() != *expected) {
            return Ok(false);
        }
        let (vote, next) = (path.join("vote.key"), path.join(NEXT_VOTE_KEY));
        let old = seed(&vote)?;
        let beside = path.join(old_vote_key(&SecretKey::from_seed(&old).public()));
        match fs::hard_link(&vote, &beside) {
            Err(why) if why.kind() != io::ErrorKind::AlreadyExists => return Err(io(why)),
            _ if seed(&beside)? != old => return Err(HomeError::Key(beside)),
            _ => {}
        }
        folder.sync_all().map_err(io)?;
        fs::rename(next, &vote).and_then(|()| folder.sync_all()).map_err(io)?;
        Ok(true)
    }

    /// The network key of a validator.
    ///
    /// # Errors
    /// [`HomeError::Io`], [`HomeError::Key`].
    pub fn peer_key(&self, name: &str) -> Result<Keypair, HomeError> {
        let path = self.validator(name).join("peer.key");
        Keypair::ed25519_from_bytes(seed(&path)?.as_mut_slice()).map_err(|_| HomeError::Key(path))
    }

    /// The ML-DSA key with which a validator hands its sets over, read straight into locked memory; `None`
    /// where it has none.
    ///
    /// # Errors
    /// [`HomeError::Io`], [`HomeError::Key`].
    pub fn handover_key(&self, name: &str) -> Result<Option<HandoverKey>, HomeError> {
        let path = self.validator(name).join(HANDOVER_KEY);
        let io = |why| HomeError::Io(path.clone(), why);
        let mut file = match File::open(&path) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(io)?,
        };
        let mut whole = Ok(());
        let secret = sign::SecretKey::from_seed(|seed| whole = file.read_exact(seed))
            .map_err(|why| io(io::Error::other(why)))?;
        let rest = whole.and_then(|()| file.read(&mut [0])).map_err(io)?;
        match HandoverKey::new(secret) {
            Ok(key) if rest == 0 => Ok(Some(key)),
            _ => Err(HomeError::Key(path)),
        }
    }

    /// The key of a validator's operator.
    ///
    /// # Errors
    /// [`HomeError::Io`], [`HomeError::Key`].
    pub fn operator_key(&self, name: &str) -> Result<SecretKey, HomeError> {
        let seed = seed(&self.validator(name).join("operator.key"))?;
        Ok(SecretKey::from_seed(&seed))
    }

    /// Writes `peers.json`, which must not exist.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn write_peers(&self, peers: &[PeerAddress]) -> Result<(), HomeError> {
        let peers = peers.iter().map(|peer| PeerJson {
            name: peer.name.clone(),
            operator: peer.operator.clone(),
            address: peer.address.clone().with(Protocol::P2p(peer.id)).to_string(),
            _fallbacks: IgnoredAny,
        });
        let document = PeersDocument { schema: PEERS_SCHEMA.to_owned(), peers: peers.collect() };
        let text =
            serde_json::to_string_pretty(&document).map_err(|why| HomeError::Peers(why.to_string()))?;
        write_new(&self.peers_path(), text.as_bytes())
    }
}

impl PeerAddress {
    /// Splits an address that ends in `/p2p/ID`.
    fn read(json: PeerJson) -> Result<Self, HomeError> {
        let mut address: Multiaddr =
            json.address.parse().map_err(|_| HomeError::Peers(format!("{}: not an address", json.name)))?;
        match address.pop() {
            Some(Protocol::P2p(id)) => Ok(Self { name: json.name, operator: json.operator, id, address }),
            _ => Err(HomeError::Peers(format!("{}: the address does not end in /p2p/ID", json.name))),
        }
    }
}

/// The bytes of a file, one more than a document may have at the longest.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, HomeError> {
    let io = |why| HomeError::Io(path.to_owned(), why);
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(MAX_LENGTH as u64 + 1).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

/// A 32-byte seed, wiped when dropped.
pub(crate) fn seed(path: &Path) -> Result<Zeroizing<[u8; 32]>, HomeError> {
    let bytes = Zeroizing::new(read(path)?);
    let seed = bytes.as_slice().try_into().map_err(|_| HomeError::Key(path.to_owned()))?;
    Ok(Zeroizing::new(seed))
}

/// Makes the folder of a home, or takes one that is there and empty; then only its owner can enter.
///
/// # Errors
/// [`HomeError::Io`], also when it exists and holds something.
pub fn claim_folder(path: &Path) -> Result<(), HomeError> {
    let io = |why| HomeError::Io(path.to_owned(), why);
    if fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none()) {
        return fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(io);
    }
    make_folder(path)
}

/// Makes a folder that only its owner can enter.
///
/// # Errors
/// [`HomeError::Io`], also when it exists.
pub fn make_folder(path: &Path) -> Result<(), HomeError> {
    fs::DirBuilder::new().mode(0o700).create(path).map_err(|why| HomeError::Io(path.to_owned(), why))
}

/// Writes a file that only its owner can read and that did not exist, as a whole and durably.
///
/// # Errors
/// [`HomeError::Io`].
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), HomeError> {
    file::create(path, bytes).map_err(|why| HomeError::Io(path.to_owned(), why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scratch;

    /// A home with one validator, its vote key and the one that is ordered to follow.
    fn rotating() -> (Scratch, Home, [PublicKey; 2]) {
        let folder = Scratch::new();
        let home = Home::new(&folder.0);
        fs::create_dir_all(home.validator("a")).unwrap();
        write_new(&home.validator("a").join("vote.key"), &[1; 32]).unwrap();
        home.write_next_vote_key("a", &[2; 32]).unwrap();
        (folder, home, [1, 2].map(|byte| SecretKey::from_seed(&[byte; 32]).public()))
    }

    #[test]
    fn a_key_that_is_replaced_stays_beside() {
        let (_folder, home, [old, new]) = rotating();
        assert!(!home.promote_next_vote_key("a", &old).unwrap(), "another one is ordered");
        assert_eq!(home.vote_key("a").unwrap().public(), old);
        assert!(home.promote_next_vote_key("a", &new).unwrap());
        assert_eq!(home.vote_key("a").unwrap().public(), new);
        assert!(home.next_vote_key("a").unwrap().is_none());
        assert_eq!(*seed(&home.validator("a").join(old_vote_key(&old))).unwrap(), [1; 32]);
        assert!(!home.promote_next_vote_key("a", &new).unwrap(), "it is done");
    }

    /// After a crash before any step, both keys are there to sign with, and it can be done again.
    #[test]
    fn a_key_that_is_half_replaced_is_replaced_again() {
        let (_folder, home, [old, new]) = rotating();
        let path = |file: &str| home.validator("a").join(file);
        fs::hard_link(path("vote.key"), path(&old_vote_key(&old))).unwrap();
        let keys = [home.vote_key("a").unwrap(), home.next_vote_key("a").unwrap().unwrap()];
        assert_eq!(keys.map(|key| key.public()), [old, new]);
        assert!(home.promote_next_vote_key("a", &new).unwrap());
        assert_eq!(home.vote_key("a").unwrap().public(), new);
        assert_eq!(*seed(&path(&old_vote_key(&old))).unwrap(), [1; 32]);
    }

    /// The only copy of a key must not be lost because a file has its name.
    #[test]
    fn a_file_beside_that_holds_something_else_stops_it() {
        let (_folder, home, [old, new]) = rotating();
        let beside = home.validator("a").join(old_vote_key(&old));
        write_new(&beside, &[9; 32]).unwrap();
        let stopped = home.promote_next_vote_key("a", &new);
        assert!(matches!(stopped, Err(HomeError::Key(path)) if path == beside));
        assert_eq!(home.vote_key("a").unwrap().public(), old);
        assert_eq!(home.next_vote_key("a").unwrap().unwrap().public(), new);
    }

    #[test]
    fn a_list_of_peers_can_be_read_back_with_operators_and_without() {
        let folder = Scratch::new();
        let home = Home::new(&folder.0);
        let key = Keypair::ed25519_from_bytes([1; 32]).unwrap();
        let address = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
        let mut peers =
            [PeerAddress { name: "a".to_owned(), operator: None, id: key.public().to_peer_id(), address }];
        for operator in [None, Some("acme".to_owned())] {
            peers[0].operator = operator;
            home.write_peers(&peers).unwrap();
            assert_eq!(home.peers().unwrap(), peers);
            fs::remove_file(home.peers_path()).unwrap();
        }
    }

    /// Other ways to a validator are for light nodes, which read the same file.
    #[test]
    fn other_addresses_of_a_peer_are_passed_over() {
        let folder = Scratch::new();
        let home = Home::new(&folder.0);
        let id = Keypair::ed25519_from_bytes([1; 32]).unwrap().public().to_peer_id();
        let (address, onion) = (format!("/ip4/127.0.0.1/tcp/1/p2p/{id}"), "a".repeat(56));
        let text = format!(
            r#"{{"schema":"{PEERS_SCHEMA}","peers":[{{"name":"a","address":"{address}","fallbacks":["/onion3/{onion}:1/p2p/{id}"]}}]}}"#
        );
        fs::write(home.peers_path(), text).unwrap();
        assert_eq!(home.peers().unwrap()[0].id, id);
    }
}
