//! How are several entries of one state fetched? From one peer, whose answers must be about one block:
//! what is acted on must not be put together from two.

use std::collections::BTreeMap;

use qratum_chain::{document::Statement, types::Height};
use qratum_verifier::proof::{Checked, stands};

use crate::{
    Reason,
    fetch::{Fetch, FetchError},
    statement::{Snapshots, is_behind},
    wire::{Entry, MAX_KEYS, Request, Response, StateKey},
};

/// How often a peer is asked again because it came to a new block on the way.
const TRIES: usize = 8;

/// Entries of the state after one block, each proven to be so or not to be there.
#[derive(Clone, Debug)]
pub struct Entries {
    /// The header whose state this is, and whether the anchor may vouch for it.
    pub checked: Checked,
    /// What is under each key that was asked for.
    pub entries: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Fetch {
    /// What is under these keys, all in the newest state of one peer.
    pub(crate) async fn entries(
        &self,
        keys: &[Vec<u8>],
        snapshots: &Snapshots,
    ) -> Result<Entries, FetchError> {
        let mut why = FetchError::NoPeer;
        for peer in self.net.connected() {
            why = match self.entries_of(peer, keys, snapshots).await {
                Ok(entries) => return Ok(entries),
                Err(why) => why,
            };
        }
        Err(why)
    }

    async fn entries_of(
        &self,
        peer: usize,
        keys: &[Vec<u8>],
        snapshots: &Snapshots,
    ) -> Result<Entries, FetchError> {
        for _ in 0..TRIES {
            if let Some((height, said)) = self.said(peer, keys).await? {
                return self.proven(peer, height, said, snapshots).await;
            }
        }
        Err(FetchError::Unavailable)
    }

    /// What the peer says, in as few questions as that takes; none where it came to a new block meanwhile.
    async fn said(
        &self,
        peer: usize,
        keys: &[Vec<u8>],
    ) -> Result<Option<(Height, BTreeMap<Vec<u8>, Entry>)>, FetchError> {
        let (mut at, mut said) = (None, BTreeMap::new());
        for keys in keys.chunks(MAX_KEYS) {
            let asked = keys.iter().cloned().map(StateKey).collect();
            let answer = self.net.ask(peer, Request::State(asked)).await;
            let Ok(Response::State { height, entries }) = answer else {
                return Err(FetchError::Unavailable);
            };
            if entries.len() != keys.len() {
                return Err(FetchError::Unavailable);
            }
            if *at.get_or_insert(height) != height {
                return Ok(None);
            }
            said.extend(keys.iter().cloned().zip(entries));
        }
        at.map(|height| Some((height, said))).ok_or(FetchError::Unavailable)
    }

    async fn proven(
        &self,
        peer: usize,
        height: Height,
        said: BTreeMap<Vec<u8>, Entry>,
        snapshots: &Snapshots,
    ) -> Result<Entries, FetchError> {
        if is_behind(height, snapshots) {
            return Err(FetchError::Behind);
        }
        let head = Self::head_from(height, snapshots.clone()).await?;
        // The head itself was verified when it came.
        let checked = if head.header().get().height == height {
            Checked { header: head.header().clone(), expired: false }
        } else {
            self.header(height, &head).await?.checked
        };
        let mut entries = BTreeMap::new();
        for (key, Entry { value, proof }) in said {
            let statement = Statement::State { key: key.clone(), value: value.clone(), proof };
            if let Err(reject) = stands(statement, &checked.header) {
                self.refuse(peer, Reason::Rejected(reject.clone())).await;
                return Err(FetchError::Rejected(reject));
            }
            entries.insert(key, value);
        }
        Ok(Entries { checked, entries })
    }
}

/// What a peer said to a transaction. Not verified: the state tells what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Name of the peer in the configuration.
    pub peer: String,
    /// Its answer; none where it gave none, which does not say that it does not have it.
    pub said: Option<crate::wire::Submission>,
}

impl Fetch {
    /// Hands a transaction to every peer at once.
    pub(crate) async fn submit(&self, txo: &[u8], snapshots: &Snapshots) -> Vec<Received> {
        let names: Vec<String> = snapshots.borrow().peers.iter().map(|peer| peer.name.clone()).collect();
        let named =
            self.net.connected().into_iter().filter_map(|peer| Some((peer, names.get(peer)?.clone())));
        let sent = named.map(async |(peer, name)| {
            let said = match self.net.ask(peer, Request::Submit(txo.to_vec())).await {
                Ok(Response::Submitted(said)) => Some(said),
                _ => None,
            };
            Received { peer: name, said }
        });
        futures::future::join_all(sent).await
    }
}
