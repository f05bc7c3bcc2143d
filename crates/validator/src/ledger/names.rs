//! What does the chain call a validator, and since when is it jailed? For lines that people read.

use qratum_chain::{
    codec::Decode,
    types::{Height, KeyUse, SetId},
};
use qratum_crypto::sign::ed25519::PublicKey;

use super::Ledger;

const OFFENCES: &[u8] = b"offence/";

impl Ledger {
    /// The name of the member at `index` of a set that is at most the next one; its number where that
    /// is not known.
    #[must_use]
    pub fn name_of(&self, set: SetId, index: u32) -> String {
        let used = self.numbered(set).member(index).and_then(|(member, _)| self.key_use(&member.pubkey));
        used.map_or_else(|| format!("member {index}"), |used| used.name)
    }

    /// The height of the block that jailed the validator of this name.
    #[must_use]
    pub fn jailed_at(&self, name: &str) -> Option<Height> {
        let offences = self.state.entries().range(OFFENCES.to_vec()..);
        let offences = offences.take_while(|(key, _)| key.starts_with(OFFENCES));
        let mut own = offences.filter(|(key, _)| self.is_of(name, key));
        own.find_map(|(_, height)| Height::from_bytes(height).ok())
    }

    /// Whether the entry under this state key is of an offence of `name`.
    fn is_of(&self, name: &str, key: &[u8]) -> bool {
        let key = key.get(OFFENCES.len()..).and_then(<[u8]>::first_chunk::<32>);
        key.and_then(|key| self.key_use(&PublicKey(*key))).is_some_and(|used| used.name == name)
    }

    fn key_use(&self, key: &PublicKey) -> Option<KeyUse> {
        self.registry().key_use(key)
    }
}
