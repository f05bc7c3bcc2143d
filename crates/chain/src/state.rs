//! The authenticated state map: every value on the chain under one root, with proofs of what is
//! there and of what is not.
//!
//! A Jellyfish Merkle tree (the `jmt` crate) whose every hash starts with our tag:
//! `H(x) = SHA3-256(tag || x)`, path `H(key)`, leaf `H("JMT::LeafNode" || path || H(value))`, node
//! `H("JMT::IntrnalNode" || left || right)`.

use core::fmt;
use std::collections::BTreeMap;

use borsh::BorshDeserialize;
use jmt::{
    JellyfishMerkleTree, KeyHash, OwnedValue, RootHash, SimpleHasher, Version,
    proof::SparseMerkleProof,
    storage::{LeafNode, Node, NodeKey, TreeReader, TreeUpdateBatch},
};
use qratum_crypto::domain;
use sha3::{Digest, Sha3_256};

use crate::{Hash, codec::Malformed};

/// SHA3-256 that starts with the state tag.
#[derive(Clone)]
struct Tagged(Sha3_256);

impl SimpleHasher for Tagged {
    fn new() -> Self {
        Self(Sha3_256::new_with_prefix(domain::STATE.bytes()))
    }

    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn finalize(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// The tree library refused an operation on its own nodes: the map is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateError(String);

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the state map is damaged: {}", self.0)
    }
}

/// Why a state proof was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateProofMismatch;

impl fmt::Display for StateProofMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the proof does not lead from this key and value to the state root")
    }
}

/// Values to set (`Some`) or remove (`None`).
pub type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// The nodes of the newest version, in memory.
#[derive(Clone, Debug, Default)]
struct Nodes {
    nodes: BTreeMap<NodeKey, Node>,
    values: BTreeMap<KeyHash, OwnedValue>,
}

impl TreeReader for Nodes {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        Ok(self.nodes.get(key).cloned())
    }

    fn get_value_option(&self, _newest: Version, key: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        Ok(self.values.get(&key).cloned())
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        Ok(None)
    }
}

/// The state of one height. Keeps the newest version only.
#[derive(Clone, Debug)]
pub struct StateMap {
    nodes: Nodes,
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
    version: Version,
    root: Hash,
}

/// The state after some changes, not yet taken over.
#[derive(Debug)]
pub struct Pending {
    root: Hash,
    changes: Changes,
    batch: TreeUpdateBatch,
}

impl Pending {
    /// The root after the changes.
    #[must_use]
    pub const fn root(&self) -> Hash {
        self.root
    }
}

impl StateMap {
    /// The first version of a map.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn genesis(entries: Changes) -> Result<Self, StateError> {
        let mut map =
            Self { nodes: Nodes::default(), entries: BTreeMap::new(), version: 0, root: Hash::ZERO };
        let pending = map.at_version(0, entries)?;
        map.adopt(0, pending);
        Ok(map)
    }

    /// The root of the newest version.
    #[must_use]
    pub const fn root(&self) -> Hash {
        self.root
    }

    /// The value under `key`.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.entries.get(key).map(Vec::as_slice)
    }

    /// All keys and values, in the order of the keys.
    #[must_use]
    pub const fn entries(&self) -> &BTreeMap<Vec<u8>, Vec<u8>> {
        &self.entries
    }

    /// What the map would be after `changes`.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn preview(&self, changes: Changes) -> Result<Pending, StateError> {
        self.at_version(self.version.saturating_add(1), changes)
    }

    /// Takes over a preview of this very version.
    pub fn commit(&mut self, pending: Pending) {
        self.adopt(self.version.saturating_add(1), pending);
    }

    /// The value under `key`, and the proof that it is what the root says; or the proof that there
    /// is none.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn prove(&self, key: &[u8]) -> Result<(Option<Vec<u8>>, StateProof), StateError> {
        let (value, proof) = self.tree().get_with_proof(path(key), self.version).map_err(damaged)?;
        Ok((value, StateProof(proof)))
    }

    fn tree(&self) -> JellyfishMerkleTree<'_, Nodes, Tagged> {
        JellyfishMerkleTree::new(&self.nodes)
    }

    fn at_version(&self, version: Version, changes: Changes) -> Result<Pending, StateError> {
        let values = changes.iter().map(|(key, value)| (path(key), value.clone()));
        let (root, batch) = self.tree().put_value_set(values, version).map_err(damaged)?;
        Ok(Pending { root: Hash(root.0), changes, batch })
    }

    fn adopt(&mut self, version: Version, pending: Pending) {
        let TreeUpdateBatch { node_batch, stale_node_index_batch, .. } = pending.batch;
        for (key, value) in pending.changes {
            match value {
                Some(value) => self.entries.insert(key, value),
                None => self.entries.remove(&key),
            };
        }
        for stale in stale_node_index_batch {
            self.nodes.nodes.remove(&stale.node_key);
        }
        for (key, node) in node_batch.nodes() {
            self.nodes.nodes.insert(key.clone(), node.clone());
        }
        for ((_, key), value) in node_batch.values() {
            match value {
                Some(value) => self.nodes.values.insert(*key, value.clone()),
                None => self.nodes.values.remove(key),
            };
        }
        self.version = version;
        self.root = pending.root;
    }
}

fn path(key: &[u8]) -> KeyHash {
    KeyHash::with::<Tagged>(key)
}

fn damaged(error: anyhow::Error) -> StateError {
    StateError(error.to_string())
}

/// Proves a value, or that there is none, under a state root.
#[derive(Clone, Debug, PartialEq)]
pub struct StateProof(SparseMerkleProof<Tagged>);

impl StateProof {
    /// A leaf and 256 siblings of at most 65 bytes each: no proof is longer.
    pub const MAX_LENGTH: usize = 65 + 4 + 256 * 65;

    /// Checks that `key` has exactly `value` (`None`: has no value) under `root`.
    ///
    /// # Errors
    /// [`StateProofMismatch`].
    pub fn verify(&self, root: Hash, key: &[u8], value: Option<&[u8]>) -> Result<(), StateProofMismatch> {
        self.0.verify(RootHash(root.0), path(key), value).map_err(|_| StateProofMismatch)
    }

    /// The Borsh encoding, as `jmt` defines it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        borsh::to_vec(&self.0).unwrap_or_default()
    }

    /// Reads a proof from exactly `bytes`.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > Self::MAX_LENGTH {
            return Err(Malformed::TooLarge("state proof"));
        }
        SparseMerkleProof::try_from_slice(bytes).map(Self).map_err(|_| Malformed::Field("state proof"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(n: u8) -> Changes {
        (0..n).map(|i| (vec![b'k', i], Some(vec![i; 3]))).collect()
    }

    #[test]
    fn presence_and_absence_are_proven_and_nothing_else_is() {
        let map = StateMap::genesis(entries(40)).unwrap();
        for i in 0..60u8 {
            let key = [b'k', i];
            let (value, proof) = map.prove(&key).unwrap();
            assert_eq!(value.is_some(), i < 40);
            let check = |value: Option<&[u8]>| proof.verify(map.root(), &key, value);
            assert_eq!(check(value.as_deref()), Ok(()));
            assert_eq!(check(Some(b"other")), Err(StateProofMismatch));
            if value.is_some() {
                assert_eq!(check(None), Err(StateProofMismatch), "a present key is not absent");
            }
        }
    }

    #[test]
    fn each_flipped_byte_of_a_proof_is_refused() {
        let map = StateMap::genesis(entries(16)).unwrap();
        for key in [b"k\x03".as_slice(), b"absent"] {
            let (value, proof) = map.prove(key).unwrap();
            let bytes = proof.to_bytes();
            assert_eq!(StateProof::from_bytes(&bytes).unwrap().to_bytes(), bytes);
            for at in 0..bytes.len() {
                let mut bad = bytes.clone();
                bad[at] ^= 1;
                let accepted = StateProof::from_bytes(&bad)
                    .is_ok_and(|proof| proof.verify(map.root(), key, value.as_deref()).is_ok());
                assert!(!accepted, "byte {at}");
            }
        }
    }

    #[test]
    fn a_preview_changes_nothing_and_a_commit_moves_the_root() {
        let mut map = StateMap::genesis(entries(4)).unwrap();
        let before = map.root();
        let changes = Changes::from([(b"k\x01".to_vec(), None), (b"new".to_vec(), Some(b"v".to_vec()))]);
        let pending = map.preview(changes).unwrap();
        assert_eq!(map.root(), before);
        let root = pending.root();
        map.commit(pending);
        assert_eq!(map.root(), root);
        assert_eq!(map.prove(b"k\x01").unwrap().0, None);
        assert_eq!(map.prove(b"new").unwrap().0, Some(b"v".to_vec()));
        assert_eq!((map.get(b"k\x01"), map.get(b"new")), (None, Some(b"v".as_slice())));
        let again = StateMap::genesis(map.entries().clone().into_iter().map(|(k, v)| (k, Some(v))).collect());
        assert_eq!(again.unwrap().root(), root, "a map is its entries");
    }

    #[test]
    fn old_versions_do_not_pile_up() {
        let mut map = StateMap::genesis(entries(8)).unwrap();
        let size = map.nodes.nodes.len();
        for i in 0..200u8 {
            let pending = map.preview(Changes::from([(b"k\x01".to_vec(), Some(vec![i]))])).unwrap();
            map.commit(pending);
        }
        assert!(map.nodes.nodes.len() <= size + 2, "{} nodes after {size}", map.nodes.nodes.len());
    }
}
