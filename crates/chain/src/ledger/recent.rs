//! Which blocks does the chain remember? Those of about the last two minutes, as entries of the state,
//! so that every validator judges alike, however it came to its state.
//!
//! A person's act names a block that it rests on: it cannot have been made before that block. Only a
//! chain with people writes them down.

use super::{Draft, Place};
use crate::{
    codec::{Decode, Encode, Malformed, Reader},
    types::{BlockId, BlockRef, Height, Policy, Time},
};

/// How long a biokey lives after it was opened, in milliseconds.
pub const BIOKEY_MS: u64 = 60_000;
/// How long an act that was signed in time may take into a block, in milliseconds.
pub const INCLUSION_MS: u64 = 10_000;
/// How far before a block the one may lie that an act in it names.
pub const WINDOW_MS: u64 = BIOKEY_MS + INCLUSION_MS;

/// How long a block is remembered, in milliseconds: longer than it can be named, so that who comes too
/// late is told so.
const MEMORY_MS: u64 = 2 * WINDOW_MS;

const PREFIX: &[u8] = b"recent/";

/// A block below the one that is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ancestor {
    /// Its id.
    pub block_id: BlockId,
    /// Time of its header.
    pub time: Time,
}

impl Encode for Ancestor {
    fn encode(&self, out: &mut Vec<u8>) {
        self.block_id.encode(out);
        self.time.encode(out);
    }
}

impl Decode for Ancestor {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { block_id: BlockId::decode(reader)?, time: Time::decode(reader)? })
    }
}

/// State key: `recent/` and the height, big-endian, so that the oldest comes first.
fn state_key(height: Height) -> Vec<u8> {
    [PREFIX, &height.0.to_be_bytes()].concat()
}

/// Time of the block that `at` names, when it is the parent of the block that is carried out or one
/// that is remembered.
#[must_use]
pub fn time_of(draft: &Draft<'_>, place: &Place<'_>, at: &BlockRef) -> Option<Time> {
    let found = if at.height.next() == place.height {
        Some(place.parent)
    } else {
        draft.read::<Ancestor>(&state_key(at.height))
    };
    found.filter(|found| found.block_id == at.block_id).map(|found| found.time)
}

/// Whether an act in the block that is carried out can still name a block of this time.
#[must_use]
pub fn in_window(time: Time, place: &Place<'_>) -> bool {
    place.time <= time.plus(WINDOW_MS)
}

/// Remembers the parent of the block that is carried out, and forgets what is long past.
pub fn remember(draft: &mut Draft<'_>, place: &Place<'_>) {
    let Some(parent) = place.height.0.checked_sub(1) else { return };
    if draft.get(Policy::STATE_KEY).is_none() {
        return;
    }
    let old = |(_, value): &(Vec<u8>, Vec<u8>)| {
        Ancestor::from_bytes(value).is_ok_and(|block| block.time.plus(MEMORY_MS) < place.time)
    };
    let old: Vec<_> = draft.under(PREFIX).take_while(old).map(|(key, _)| key).collect();
    old.into_iter().for_each(|key| draft.remove(key));
    draft.put(state_key(Height(parent)), place.parent.to_bytes());
}
