//! Merkle trees of RFC 6962, generic over the hash.
//!
//! `leaf(d) = H(0x00 || d)`, `node(l, r) = H(0x01 || l || r)`, `root([]) = H("")`, and for n > 1
//! leaves `root(D[n]) = node(root(D[0..k]), root(D[k..n]))` with k the largest power of two below
//! n (RFC 6962 section 2.1). Leaves and nodes are hashed apart and an odd leaf is promoted, never
//! duplicated: `root(a,b,c)` differs from `root(a,b,c,c)`.
//!
//! The verifying functions follow RFC 9162 sections 2.1.3.2 and 2.1.4.2: they take an exact proof
//! length and refuse both a missing and a surplus element.

use core::{fmt, marker::PhantomData};

use sha2::Sha256;
use sha3::{Digest, Sha3_256};

use crate::hash::Hash;

/// Which hash a tree is built with.
pub trait TreeHash {
    /// `H(prefix || a || b)`.
    fn hash(prefix: &[u8], a: &[u8], b: &[u8]) -> Hash;
}

/// SHA3-256: every tree of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sha3;

/// SHA-256: the published RFC 6962 vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sha2;

fn digest<D: Digest<OutputSize = sha3::digest::consts::U32>>(prefix: &[u8], a: &[u8], b: &[u8]) -> Hash {
    Hash(D::new().chain_update(prefix).chain_update(a).chain_update(b).finalize().into())
}

impl TreeHash for Sha3 {
    fn hash(prefix: &[u8], a: &[u8], b: &[u8]) -> Hash {
        digest::<Sha3_256>(prefix, a, b)
    }
}

impl TreeHash for Sha2 {
    fn hash(prefix: &[u8], a: &[u8], b: &[u8]) -> Hash {
        digest::<Sha256>(prefix, a, b)
    }
}

/// `H(0x00 || bytes)`.
#[must_use]
pub fn leaf_hash<H: TreeHash>(bytes: &[u8]) -> Hash {
    H::hash(&[0], bytes, &[])
}

/// `H(0x01 || left || right)`.
#[must_use]
pub fn node_hash<H: TreeHash>(left: &Hash, right: &Hash) -> Hash {
    H::hash(&[1], &left.0, &right.0)
}

/// `H("")`, the root of the tree without leaves.
#[must_use]
pub fn empty_root<H: TreeHash>() -> Hash {
    H::hash(&[], &[], &[])
}

/// The root over `leaves`, each given as its bytes.
pub fn root<H: TreeHash, B: AsRef<[u8]>>(leaves: impl IntoIterator<Item = B>) -> Hash {
    let mut tree = Frontier::<H>::default();
    leaves.into_iter().for_each(|leaf| tree.append(leaf_hash::<H>(leaf.as_ref())));
    tree.root()
}

/// Why a proof was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofError {
    /// The leaf index is not below the tree size, or the first size is above the second.
    OutOfRange,
    /// The proof has more or fewer elements than this index and size need.
    WrongLength,
    /// The proof leads to another root.
    RootMismatch,
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfRange => "the index lies outside the tree",
            Self::WrongLength => "the proof has the wrong number of elements",
            Self::RootMismatch => "the proof leads to another root",
        })
    }
}

/// Checks that `leaf` (a leaf hash) stands at `index` in the tree of `size` leaves under `root`.
///
/// # Errors
/// [`ProofError`], when it does not.
pub fn verify_inclusion<H: TreeHash>(
    leaf: Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange);
    }
    let (mut node, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::WrongLength);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash::<H>(sibling, &hash);
            // A right-edge node without a sibling on its level is carried up unchanged.
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash::<H>(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    match (last, hash == root) {
        (0, true) => Ok(()),
        (0, false) => Err(ProofError::RootMismatch),
        _ => Err(ProofError::WrongLength),
    }
}

/// Checks that the tree of `new.0` leaves under `new.1` starts with the tree `old`.
///
/// Every tree starts with the empty one and with itself; both proofs are empty.
///
/// # Errors
/// [`ProofError`], when it does not.
pub fn verify_consistency<H: TreeHash>(
    old: (u64, Hash),
    new: (u64, Hash),
    proof: &[Hash],
) -> Result<(), ProofError> {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size > new_size {
        return Err(ProofError::OutOfRange);
    }
    if old_size == 0 || old_size == new_size {
        let same = if old_size == 0 { old_root == empty_root::<H>() } else { old_root == new_root };
        return match (proof.is_empty(), same) {
            (true, true) => Ok(()),
            (true, false) => Err(ProofError::RootMismatch),
            (false, _) => Err(ProofError::WrongLength),
        };
    }
    // A power-of-two tree is itself a node of the larger one: it starts its own proof.
    let (first, rest) = if old_size.is_power_of_two() {
        (old_root, proof)
    } else {
        let (first, rest) = proof.split_first().ok_or(ProofError::WrongLength)?;
        (*first, rest)
    };
    let (mut node, mut last) = (old_size - 1, new_size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in rest {
        if last == 0 {
            return Err(ProofError::WrongLength);
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash::<H>(sibling, &old_hash);
            new_hash = node_hash::<H>(sibling, &new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash::<H>(&new_hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    match (last, old_hash == old_root && new_hash == new_root) {
        (0, true) => Ok(()),
        (0, false) => Err(ProofError::RootMismatch),
        _ => Err(ProofError::WrongLength),
    }
}

/// The right edge of a growing tree: enough to append and to name the root, not to prove.
/// O(log n) memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontier<H: TreeHash> {
    size: u64,
    /// Roots of the perfect subtrees, largest first: one for each set bit of `size`.
    peaks: Vec<Hash>,
    hash: PhantomData<H>,
}

impl<H: TreeHash> Default for Frontier<H> {
    fn default() -> Self {
        Self { size: 0, peaks: Vec::new(), hash: PhantomData }
    }
}

impl<H: TreeHash> Frontier<H> {
    /// How many leaves were appended.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends one leaf hash.
    pub fn append(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash::<H>(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root over all leaves appended so far.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return empty_root::<H>() };
        peaks.fold(*last, |right, left| node_hash::<H>(left, &right))
    }
}

/// A growing tree that keeps every perfect subtree, so that it can prove inclusion and
/// consistency for any size it ever had in O(log² n). 64 bytes a leaf.
#[derive(Clone, Debug)]
pub struct Tree<H: TreeHash> {
    /// `levels[k][i]` is the root of leaves `i * 2^k .. (i + 1) * 2^k`.
    levels: Vec<Vec<Hash>>,
    hash: PhantomData<H>,
}

impl<H: TreeHash> Default for Tree<H> {
    fn default() -> Self {
        Self { levels: vec![Vec::new()], hash: PhantomData }
    }
}

impl<H: TreeHash> Tree<H> {
    /// How many leaves were appended.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// Appends one leaf hash.
    pub fn append(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let Some(nodes) = self.levels.get_mut(level) else { return };
            nodes.push(hash);
            match nodes.as_slice() {
                [.., left, right] if nodes.len().is_multiple_of(2) => hash = node_hash::<H>(left, right),
                _ => return,
            }
        }
    }

    /// All leaf hashes, in their order.
    #[must_use]
    pub fn leaves(&self) -> &[Hash] {
        self.levels.first().map_or(&[], Vec::as_slice)
    }

    /// The root over the first `size` leaves; `None` when there are fewer.
    #[must_use]
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        match size {
            0 => Some(empty_root::<H>()),
            _ if size > self.size() => None,
            _ => self.range(0, size),
        }
    }

    /// The audit path for leaf `index` in the tree of the first `size` leaves.
    #[must_use]
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        if index >= size || size > self.size() {
            return None;
        }
        let (mut low, mut high, mut path) = (0, size, Vec::new());
        while high - low > 1 {
            let split = low + split_point(high - low);
            if index < split {
                path.push(self.range(split, high)?);
                high = split;
            } else {
                path.push(self.range(low, split)?);
                low = split;
            }
        }
        path.reverse();
        Some(path)
    }

    /// The proof that the tree of `new` leaves starts with the tree of `old` leaves.
    #[must_use]
    pub fn consistency(&self, old: u64, new: u64) -> Option<Vec<Hash>> {
        if old > new || new > self.size() {
            return None;
        }
        if old == 0 || old == new {
            return Some(Vec::new());
        }
        let (mut low, mut high, mut path) = (0, new, Vec::new());
        while high > old {
            let split = low + split_point(high - low);
            if old <= split {
                path.push(self.range(split, high)?);
                high = split;
            } else {
                path.push(self.range(low, split)?);
                low = split;
            }
        }
        // A whole left prefix is the old root itself, which the verifier has.
        if low > 0 {
            path.push(self.range(low, high)?);
        }
        path.reverse();
        Some(path)
    }

    /// The root over leaves `low .. high`, where `low` is a multiple of a power of two that is
    /// at least `high - low`.
    fn range(&self, low: u64, high: u64) -> Option<Hash> {
        let count = high - low;
        if count.is_power_of_two() {
            let level = count.trailing_zeros();
            let index = usize::try_from(low >> level).ok()?;
            return self.levels.get(level as usize)?.get(index).copied();
        }
        let split = low + split_point(count);
        Some(node_hash::<H>(&self.range(low, split)?, &self.range(split, high)?))
    }
}

/// The largest power of two strictly below `n`, for n > 1.
const fn split_point(n: u64) -> u64 {
    1 << (63 - (n - 1).leading_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962 section 2.1, written as the text has it: the oracle of everything else here.
    fn naive<H: TreeHash>(leaves: &[Vec<u8>]) -> Hash {
        match leaves.len() {
            0 => empty_root::<H>(),
            1 => leaf_hash::<H>(&leaves[0]),
            n => {
                let k = n.next_power_of_two() / 2;
                node_hash::<H>(&naive::<H>(&leaves[..k]), &naive::<H>(&leaves[k..]))
            }
        }
    }

    fn leaves(n: usize) -> Vec<Vec<u8>> {
        (0..n).map(|i| vec![i as u8; i % 5]).collect()
    }

    fn tree(n: usize) -> Tree<Sha3> {
        let mut tree = Tree::default();
        leaves(n).iter().for_each(|l| tree.append(leaf_hash::<Sha3>(l)));
        tree
    }

    #[test]
    fn roots_follow_the_text_of_rfc_6962() {
        let grown = tree(70);
        for n in 0..=70 {
            let expected = naive::<Sha3>(&leaves(n));
            assert_eq!(root::<Sha3, _>(leaves(n)), expected, "frontier of {n}");
            assert_eq!(grown.root_at(n as u64), Some(expected), "tree of {n}");
        }
        assert_eq!(grown.root_at(71), None);
    }

    #[test]
    fn root_abc_ne_abcc() {
        assert_ne!(root::<Sha3, _>(["a", "b", "c"]), root::<Sha3, _>(["a", "b", "c", "c"]));
    }

    #[test]
    fn leaf_ne_node() {
        let (a, b) = (leaf_hash::<Sha3>(b"a"), leaf_hash::<Sha3>(b"b"));
        let as_leaf: Vec<u8> = [a.0, b.0].concat();
        assert_ne!(leaf_hash::<Sha3>(&as_leaf), node_hash::<Sha3>(&a, &b));
    }

    #[test]
    fn every_inclusion_proof_holds_and_only_for_its_place() {
        let grown = tree(20);
        for size in 1..=20u64 {
            let root = grown.root_at(size).unwrap();
            for index in 0..size {
                let proof = grown.inclusion(index, size).unwrap();
                for claimed in 0..=size {
                    let leaf = leaf_hash::<Sha3>(&leaves(20)[index as usize]);
                    let got = verify_inclusion::<Sha3>(leaf, claimed, size, &proof, root);
                    assert_eq!(got.is_ok(), claimed == index, "leaf {index} of {size} claimed at {claimed}");
                }
            }
        }
    }

    #[test]
    fn inclusion_refuses_surplus_missing_and_flipped_elements() {
        let grown = tree(13);
        let (leaf, root) = (leaf_hash::<Sha3>(&leaves(13)[5]), grown.root_at(13).unwrap());
        let proof = grown.inclusion(5, 13).unwrap();
        let check = |p: &[Hash]| verify_inclusion::<Sha3>(leaf, 5, 13, p, root);
        assert_eq!(check(&proof), Ok(()));
        assert_eq!(check(&proof[1..]), Err(ProofError::WrongLength));
        assert_eq!(check(&[proof.clone(), vec![Hash::ZERO]].concat()), Err(ProofError::WrongLength));
        for i in 0..proof.len() {
            let mut bad = proof.clone();
            bad[i].0[31] ^= 1;
            assert_eq!(check(&bad), Err(ProofError::RootMismatch));
        }
        assert_eq!(verify_inclusion::<Sha3>(leaf, 13, 13, &proof, root), Err(ProofError::OutOfRange));
    }

    #[test]
    fn every_consistency_proof_holds_and_a_rewritten_past_is_refused() {
        let grown = tree(20);
        for new in 0..=20u64 {
            for old in 0..=new {
                let proof = grown.consistency(old, new).unwrap();
                let ends = ((old, grown.root_at(old).unwrap()), (new, grown.root_at(new).unwrap()));
                assert_eq!(verify_consistency::<Sha3>(ends.0, ends.1, &proof), Ok(()), "{old} to {new}");
                let mut forged = ends.0;
                forged.1.0[0] ^= 1;
                assert_eq!(
                    verify_consistency::<Sha3>(forged, ends.1, &proof),
                    Err(ProofError::RootMismatch),
                    "{old} to {new}, other past"
                );
            }
        }
    }
}
