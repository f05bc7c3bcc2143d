//! The fuzz targets: each takes any bytes and panics when a promise of the product is broken.
//!
//! The promise of a decoder of bytes is that it is canonical both ways: what it accepts encodes to
//! the very bytes it came from and reads back as the same value, and neither a byte less nor a
//! byte more would have done. The promise of a reader of documents is that what it read survives
//! writing and reading. The promise of the verifier is that no lie is believed.

#![allow(clippy::panic, clippy::expect_used, reason = "a fuzz target: a panic is the verdict")]

use core::fmt::Debug;
use std::{collections::BTreeSet, sync::OnceLock};

use qratum_chain::{
    Hash,
    codec::{Encode, Malformed},
    document::{self, Anchor, Evidence, HeaderProof, StatementProof},
    state::{StateMap, StateProof},
    types::{Bitmap, ValidatorSet, validators_hash},
};
use qratum_crypto::merkle::{self, Sha3, Tree};

pub use crate::adversary::sync;
use crate::subject;

/// Canonical both ways, and no other bytes near by are the same value.
fn canonical<T>(data: &[u8], decode: fn(&[u8]) -> Result<T, Malformed>)
where
    T: Encode + PartialEq + Debug,
{
    let Ok(value) = decode(data) else { return };
    let bytes = value.to_bytes();
    assert!(bytes == data, "decoded from other bytes than it encodes to: {value:?}");
    assert_eq!(decode(&bytes).as_ref(), Ok(&value), "reads back as another value");
    let longer = [data, &[0]].concat();
    assert!(decode(&longer).is_err(), "accepts a byte behind the value");
    let shorter = data.split_last().map(|(_, shorter)| shorter).unwrap_or_default();
    assert!(data.is_empty() || decode(shorter).is_err(), "accepts a value without its last byte");
}

macro_rules! decoders {
    ($($name:ident),* $(,)?) => {
        $(
            #[doc = concat!("The decoder `", stringify!($name), "` is canonical both ways.")]
            pub fn $name(data: &[u8]) {
                canonical(data, subject::$name);
            }
        )*
    };
}

decoders!(
    header,
    vote,
    proposal,
    signed_vote,
    signed_proposal,
    certificate,
    chained,
    phase,
    light_block,
    checkpoint,
    order,
    snapshot,
    registration,
    request,
    response,
    consensus_request,
    consensus_reply,
    journal
);

/// A list of validators is canonical; a set made of it has members, each once, each with power.
pub fn validators(data: &[u8]) {
    canonical(data, subject::validators);
    let Ok(members) = subject::validators(data).map(|members| members.0) else { return };
    let Ok(set) = ValidatorSet::new(members.clone()) else { return };
    let keys: BTreeSet<_> = members.iter().map(|member| member.pubkey).collect();
    assert!(!members.is_empty() && keys.len() == members.len(), "a set without members, or one twice");
    assert!(members.iter().all(|member| member.power > 0), "a member without power");
    assert_eq!(set.members(), members);
    assert_eq!(set.hash(), validators_hash(&members));
    assert_eq!(set.total_power(), members.iter().map(|member| u128::from(member.power)).sum());
}

/// A commit certificate is canonical, and so is the bitmap in it: the indexes it names make the
/// same bitmap again.
pub fn commit(data: &[u8]) {
    canonical(data, subject::commit);
    let Ok(commit) = subject::commit(data) else { return };
    let again = Bitmap::of(commit.bitmap.0.len() * 8, commit.bitmap.indexes());
    assert_eq!(again, commit.bitmap);
}

/// The three kinds of evidence, by the first byte, are canonical.
pub fn evidence(data: &[u8]) {
    match data.split_first() {
        Some((0, rest)) => canonical(rest, subject::double_vote),
        Some((1, rest)) => canonical(rest, subject::double_proposal),
        Some((2, rest)) => canonical(rest, subject::fork),
        _ => {}
    }
}

/// How many keys the map of [`state_proof`] has; as many again are absent.
pub(crate) const STATE_ENTRIES: u8 = 16;

/// The key of entry `index` in the map of [`state_proof`].
pub(crate) fn state_key(index: u8) -> [u8; 2] {
    [b'k', index]
}

/// What the map of [`state_proof`] has under the key of `index`.
fn state_value(index: u8) -> Option<[u8; 3]> {
    (index < STATE_ENTRIES).then_some([index; 3])
}

/// The map that every proof of [`state_proof`] is checked against.
pub(crate) fn state_map() -> &'static StateMap {
    static MAP: OnceLock<StateMap> = OnceLock::new();
    MAP.get_or_init(|| {
        let entry = |index| (state_key(index).to_vec(), state_value(index).map(|value| value.to_vec()));
        StateMap::genesis((0..STATE_ENTRIES).map(entry).collect()).expect("a map that builds")
    })
}

/// A state proof is canonical and never proves a value that is not there. The first byte chooses
/// the key, the second the value that is claimed for it, the rest is the proof.
pub fn state_proof(data: &[u8]) {
    let [key, claim, bytes @ ..] = data else { return };
    let Ok(proof) = StateProof::from_bytes(bytes) else { return };
    assert!(proof.to_bytes() == bytes, "decoded from other bytes than it encodes to");
    let (key, claim) = (key % (2 * STATE_ENTRIES), state_value(claim % (STATE_ENTRIES + 1)));
    let claim = claim.as_ref().map(<[u8; 3]>::as_slice);
    if subject::state_proof_holds(&proof, state_map().root(), &state_key(key), claim) {
        assert_eq!(claim, state_value(key).as_ref().map(<[u8; 3]>::as_slice), "a lie was proven");
    }
}

/// A header document that was read survives writing and reading.
pub fn header_json(data: &[u8]) {
    let Ok(proof) = HeaderProof::from_json(data) else { return };
    let text = subject::header_to_json(&proof).expect("a document");
    assert_eq!(HeaderProof::from_json(text.as_bytes()).as_ref(), Ok(&proof));
    assert_eq!(subject::header_to_json(&proof).as_deref(), Ok(text.as_str()));
}

/// An evidence document that was read survives writing and reading.
pub fn evidence_json(data: &[u8]) {
    let Ok(evidence) = Evidence::from_json(data) else { return };
    let text = subject::evidence_to_json(&evidence).expect("a document");
    assert_eq!(Evidence::from_json(text.as_bytes()).as_ref(), Ok(&evidence));
    assert_eq!(subject::evidence_to_json(&evidence).as_deref(), Ok(text.as_str()));
}

/// A statement document that was read survives writing and reading.
pub fn proof_json(data: &[u8]) {
    let Ok(proof) = StatementProof::from_json(data) else { return };
    let text = subject::proof_to_json(&proof).expect("a document");
    assert_eq!(StatementProof::from_json(text.as_bytes()).as_ref(), Ok(&proof));
    assert_eq!(subject::proof_to_json(&proof).as_deref(), Ok(text.as_str()));
}

/// A bundle that was read has one text, the one that was read.
pub fn bundle_json(data: &[u8]) {
    let Ok(bundle) = subject::bundle(data) else { return };
    assert!(bundle.to_json().expect("a document").as_bytes() == data, "read from another text");
}

/// An anchor document that was read survives writing and reading.
pub fn anchor_json(data: &[u8]) {
    let Ok(anchor) = Anchor::from_json(data) else { return };
    let text = subject::anchor_to_json(&anchor).expect("a document");
    assert_eq!(Anchor::from_json(text.as_bytes()).as_ref(), Ok(&anchor));
    assert_eq!(subject::anchor_to_json(&anchor).as_deref(), Ok(text.as_str()));
}

/// A genesis document that was read survives writing and reading; its rules are checked without a
/// panic.
pub fn genesis_json(data: &[u8]) {
    let Ok(genesis) = document::genesis_from_json(data) else { return };
    let text = subject::genesis_to_json(&genesis).expect("a document");
    assert_eq!(document::genesis_from_json(text.as_bytes()).as_ref(), Ok(&genesis));
    let _ = (genesis.validator_set(), genesis.chain_id());
}

/// A list of peers that was read has peers, no two of one name or address.
pub fn peers_json(data: &[u8]) {
    let Ok(peers) = subject::peers(data) else { return };
    let names: BTreeSet<_> = peers.iter().map(|peer| &peer.name).collect();
    let addresses: BTreeSet<_> = peers.iter().map(|peer| peer.address.to_string()).collect();
    assert!(!peers.is_empty() && names.len() == peers.len() && addresses.len() == peers.len());
}

/// How many leaves the tree of [`merkle`](fn@merkle) has.
const LEAVES: u64 = 11;

fn leaf(index: u64) -> Hash {
    merkle::leaf_hash::<Sha3>(&index.to_le_bytes())
}

fn tree() -> &'static Tree<Sha3> {
    static TREE: OnceLock<Tree<Sha3>> = OnceLock::new();
    TREE.get_or_init(|| {
        let mut tree = Tree::default();
        (0..LEAVES).for_each(|index| tree.append(leaf(index)));
        tree
    })
}

/// Tree proofs: numbers and hashes of any kind are refused without a panic, and a true root is
/// reached with the true leaf and the true proof only.
pub fn merkle(data: &[u8]) {
    let Some((numbers, hashes)) = data.split_first_chunk::<16>() else { return };
    let [a, b] = [0, 8].map(|at| {
        let bytes = numbers.iter().skip(at).take(8).rev();
        bytes.fold(0u64, |number, byte| number << 8 | u64::from(*byte))
    });
    let proof: Vec<Hash> = hashes.as_chunks::<32>().0.iter().map(|bytes| Hash(*bytes)).collect();
    let any = proof.first().copied().unwrap_or_default();
    let _ = subject::inclusion(any, (a, b), &proof, any);
    let _ = merkle::verify_consistency::<Sha3>((a, any), (b, any), &proof);
    let (place, size) = (a % LEAVES, b % (LEAVES + 1));
    let edited = hashes.split_first().map(|(edit, rest)| (*edit, rest)).unwrap_or_default();
    inclusion_is_sound(place, size, edited);
    consistency_is_sound(place, size, edited);
}

fn inclusion_is_sound(place: u64, size: u64, edits: (u8, &[u8])) {
    let Some((honest, root)) = tree().inclusion(place, size).zip(tree().root_at(size)) else { return };
    let proof = edit(honest.clone(), edits.1);
    let claimed = place.wrapping_add(u64::from(edits.0)) % LEAVES;
    if subject::inclusion(leaf(claimed), (place, size), &proof, root).is_ok() {
        assert!(claimed == place && proof == honest, "a lie was proven");
    }
}

fn consistency_is_sound(old: u64, new: u64, edits: (u8, &[u8])) {
    let Some((honest, root)) = tree().consistency(old, new).zip(tree().root_at(new)) else { return };
    let proof = edit(honest.clone(), edits.1);
    let claimed = old.wrapping_add(u64::from(edits.0)) % LEAVES;
    let Some(old_root) = tree().root_at(claimed) else { return };
    if merkle::verify_consistency::<Sha3>((old, old_root), (new, root), &proof).is_ok() {
        assert!(claimed == old && proof == honest, "a lie was proven");
    }
}

/// An honest proof after some edits: an element flipped, dropped, doubled or taken from the tree.
fn edit(mut proof: Vec<Hash>, edits: &[u8]) -> Vec<Hash> {
    for [kind, at] in edits.as_chunks::<2>().0.iter().take(8) {
        let place = usize::from(*at) % (proof.len() + 1);
        match kind % 5 {
            0 => {}
            1 => proof.iter_mut().skip(place).take(1).for_each(|hash| hash.0[0] ^= 1),
            2 => proof.truncate(place),
            3 => proof.insert(place, proof.get(place).copied().unwrap_or_default()),
            _ => proof.insert(place, leaf(u64::from(*at) % LEAVES)),
        }
    }
    proof
}
