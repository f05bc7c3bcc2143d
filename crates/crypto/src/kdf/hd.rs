//! A tree of Ed25519 keys from one seed: SLIP-0010, hardened levels only, since Ed25519 has no others.
//!
//! The place of a key names its version, so that a rotation leads to another key: a tree whose paths
//! name only what a key is for gives the same one for ever.

use core::fmt;

use qratum_metal::secret::{Locked, Refused};
use sha2::{Digest, Sha512, digest::FixedOutputReset};
use zeroize::Zeroizing;

use super::hmac::fill;

/// The fewest and the most bytes of a seed.
pub const SEED: core::ops::RangeInclusive<usize> = 16..=64;

/// What SLIP-0010 keys the root of this curve's tree with.
const CURVE: &[u8] = b"ed25519 seed";

/// The first index that is hardened; those of a path are below it.
const HARDENED: u32 = 1 << 31;

/// The first level of every path of this product: `QRAT`.
const PRODUCT: u32 = u32::from_be_bytes(*b"QRAT");

/// Why there is no key. None was made.
#[derive(Debug)]
pub enum Error {
    /// A seed that is not of 16 to 64 bytes.
    Seed(usize),
    /// An index that no level has.
    Index(u32),
    /// There is no memory for the key.
    Memory(Refused),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seed(length) => {
                write!(
                    f,
                    "a seed of a tree of keys has {} to {} bytes, not {length}",
                    SEED.start(),
                    SEED.end()
                )
            }
            Self::Index(index) => {
                write!(f, "a level of a tree of keys is a number below {HARDENED}, not {index}")
            }
            Self::Memory(why) => why.fmt(f),
        }
    }
}

impl core::error::Error for Error {}

impl From<Refused> for Error {
    fn from(why: Refused) -> Self {
        Self::Memory(why)
    }
}

/// Where the key of a purpose lies: `m/QRAT'/purpose'/index'/version'`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPath {
    /// What the key is for.
    pub purpose: u32,
    /// Which of the keys for it.
    pub index: u32,
    /// How often it was rotated.
    pub version: u32,
}

impl KeyPath {
    /// The indices of its levels.
    #[must_use]
    pub const fn levels(self) -> [u32; 4] {
        [PRODUCT, self.purpose, self.index, self.version]
    }

    /// Where the key lies that takes its place. Versions end at 2^31, where [`Node::child`] refuses.
    #[must_use]
    pub const fn rotated(self) -> Self {
        Self { version: self.version.saturating_add(1), ..self }
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("m")?;
        self.levels().iter().try_for_each(|level| write!(f, "/{level}'"))
    }
}

/// A node of the tree: its key and its chain code, 32 bytes each, in locked memory.
pub struct Node(Locked<64>);

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Node([Ed25519])")
    }
}

impl Node {
    /// `key || chain code = HMAC-SHA-512("ed25519 seed", seed)`: the root of the tree of a seed.
    ///
    /// # Errors
    /// [`Error::Seed`], [`Error::Memory`].
    pub fn root(seed: &[u8]) -> Result<Self, Error> {
        if !SEED.contains(&seed.len()) {
            return Err(Error::Seed(seed.len()));
        }
        Ok(Self(Locked::new_with(|node| hmac_sha512(CURVE, &[seed], node))?))
    }

    /// `key || chain code = HMAC-SHA-512(chain code, 0x00 || key || 2^31 + index)`: the hardened child
    /// of this index.
    ///
    /// # Errors
    /// [`Error::Index`], [`Error::Memory`].
    pub fn child(&self, index: u32) -> Result<Self, Error> {
        let hardened = index.checked_add(HARDENED).ok_or(Error::Index(index))?.to_be_bytes();
        let child = Locked::new_with(|child| {
            self.with(|key, chain_code| hmac_sha512(chain_code, &[&[0], key, &hardened], child));
        });
        Ok(Self(child?))
    }

    /// The node to which the levels lead from the root of a seed.
    ///
    /// # Errors
    /// [`Error`].
    pub fn derive(seed: &[u8], levels: &[u32]) -> Result<Self, Error> {
        levels.iter().try_fold(Self::root(seed)?, |node, index| node.child(*index))
    }

    /// What `see` makes of the key, which is the seed of RFC 8032, and of the chain code.
    pub fn with<R>(&self, see: impl FnOnce(&[u8], &[u8]) -> R) -> R {
        self.0.with(|node| {
            let (key, chain_code) = node.split_at(32);
            see(key, chain_code)
        })
    }
}

/// `H(K ^ opad || H(K ^ ipad || part_1 || part_2 || ...))`, RFC 2104, for keys up to its block of 128
/// bytes. Beside the one over SHA3-512, because SLIP-0010 asks for it; the hash states wipe themselves.
fn hmac_sha512(key: &[u8], parts: &[&[u8]], tag: &mut [u8; 64]) {
    let mut block = Zeroizing::new([0; 128]);
    fill(block.as_mut_slice(), key);
    block.iter_mut().for_each(|byte| *byte ^= 0x36);
    let mut hash = Sha512::new();
    hash.update(block.as_slice());
    parts.iter().for_each(|part| hash.update(part));
    FixedOutputReset::finalize_into_reset(&mut hash, (&mut *tag).into());
    block.iter_mut().for_each(|byte| *byte ^= 0x36 ^ 0x5c);
    hash.update(block.as_slice());
    hash.update(tag.as_slice());
    FixedOutputReset::finalize_into_reset(&mut hash, tag.into());
}

#[cfg(test)]
mod tests {
    use ::hmac::{KeyInit, Mac, SimpleHmac};

    use super::*;
    use crate::rng::stream::Stream;

    fn root() -> Node {
        Node::root(&[7; 32]).unwrap()
    }

    fn key(node: &Node) -> Vec<u8> {
        node.with(|key, _| key.to_vec())
    }

    #[test]
    fn hmac_sha512_equals_the_hmac_crate() {
        let mut random = Stream::new(b"hd");
        for length in [0, 1, 12, 32, 127, 128] {
            let (secret, message) = (random.bytes(length), random.up_to(300));
            let mut tag = [0; 64];
            let (first, second) = message.split_at(message.len() / 2);
            hmac_sha512(&secret, &[first, second], &mut tag);
            let mut oracle = SimpleHmac::<Sha512>::new_from_slice(&secret).unwrap();
            oracle.update(&message);
            assert_eq!(tag, <[u8; 64]>::from(oracle.finalize().into_bytes()), "key of {length} bytes");
        }
    }

    /// The defect of the source document: it rotated along the same path, to the same key.
    #[test]
    fn a_rotation_gives_another_key_and_a_path_always_the_same() {
        let path = KeyPath { purpose: 1, index: 0, version: 0 };
        let at = |path: KeyPath| key(&Node::derive(&[7; 32], &path.levels()).unwrap());
        assert_eq!(at(path), at(path));
        let others = [
            path.rotated(),
            path.rotated().rotated(),
            KeyPath { index: 1, ..path },
            KeyPath { purpose: 2, ..path },
        ];
        for (number, other) in others.into_iter().enumerate() {
            assert_ne!(at(path), at(other), "{other}");
            assert!(others[..number].iter().all(|before| at(*before) != at(other)), "{other}");
        }
        assert_eq!(path.rotated().to_string(), "m/1364345172'/1'/0'/1'");
    }

    #[test]
    fn what_is_no_seed_or_no_index_is_refused() {
        for length in [0, 15, 65] {
            assert!(matches!(Node::root(&vec![1; length]), Err(Error::Seed(found)) if found == length));
        }
        assert!(Node::root(&[1; 16]).is_ok() && Node::root(&[1; 64]).is_ok());
        assert!(root().child(HARDENED - 1).is_ok());
        assert!(matches!(root().child(HARDENED), Err(Error::Index(HARDENED))));
        assert!(matches!(Node::derive(&[1; 16], &[0, u32::MAX]), Err(Error::Index(u32::MAX))));
        let last = KeyPath { purpose: 1, index: 0, version: HARDENED - 1 };
        assert!(Node::derive(&[1; 16], &last.levels()).is_ok());
        assert!(matches!(Node::derive(&[1; 16], &last.rotated().levels()), Err(Error::Index(HARDENED))));
    }

    #[test]
    fn a_node_prints_nothing() {
        assert_eq!(format!("{:?}", root()), "Node([Ed25519])");
    }

    /// Only with the feature `zeroize` of their crate, without which this does not compile.
    #[test]
    fn the_hash_states_wipe_themselves() {
        fn wipes<T: zeroize::ZeroizeOnDrop>() {}
        wipes::<Sha512>();
    }
}
