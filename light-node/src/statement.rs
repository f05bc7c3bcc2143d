//! How is an entry of the state or a transaction fetched with its proof? From one peer after the
//! other; the header that it rests on is proven like any other.

use std::{sync::Arc, time::Duration};

use qratum_chain::{
    Hash,
    document::{Statement, StatementProof},
    types::Height,
};
use qratum_verifier::{
    Trusted,
    proof::{Checked, stands},
};
use tokio::{sync::watch, time::timeout};

use crate::{
    Reason, Snapshot,
    fetch::{Fetch, FetchError, Proven},
    wire::{Entry, Included, Request, Response, StateKey},
};

/// How long a peer's newer block may take to be verified here.
const CATCH_UP: Duration = Duration::from_secs(5);

/// A statement with its proof, which the verifier accepted.
#[derive(Clone, Debug)]
pub struct ProvenStatement {
    /// The document that convinces others.
    pub proof: StatementProof,
    /// What the verifier says of its header, here and now.
    pub checked: Checked,
}

/// What became of a transaction.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A peer says that it waits for a block. Not verified.
    Waiting,
    /// It stands in a block.
    Included(Box<ProvenStatement>),
}

/// So many blocks behind the head the newest state of a peer may be.
const BEHIND: u64 = 10;

/// Whether the state after this block is older than what a peer that keeps up has: it would be proven, and
/// would tell of a key that is revoked meanwhile that it counts.
pub(crate) fn is_behind(height: Height, snapshots: &Snapshots) -> bool {
    height.0.saturating_add(BEHIND) < snapshots.borrow().head.header().get().height.0
}

/// What asking needs beside the connections: heads that rise.
pub(crate) type Snapshots = watch::Receiver<Arc<Snapshot>>;

impl Fetch {
    /// The newest value under `key`, or that there is none.
    pub(crate) async fn state(
        &self,
        key: &[u8],
        snapshots: Snapshots,
    ) -> Result<ProvenStatement, FetchError> {
        let mut why = FetchError::NoPeer;
        for peer in self.net.connected() {
            let keys = vec![StateKey(key.to_vec())];
            let Ok(Response::State { height, mut entries }) = self.net.ask(peer, Request::State(keys)).await
            else {
                why = FetchError::Unavailable;
                continue;
            };
            why = match entries.pop().filter(|_| entries.is_empty()) {
                Some(_) if is_behind(height, &snapshots) => FetchError::Behind,
                Some(Entry { value, proof }) => {
                    let statement = Statement::State { key: key.to_vec(), value, proof };
                    match self.rests(peer, statement, height, snapshots.clone()).await {
                        Ok(proven) => return Ok(proven),
                        Err(why) => why,
                    }
                }
                None => FetchError::Unavailable,
            };
        }
        Err(why)
    }

    /// Where the transaction with this id is.
    pub(crate) async fn txo(&self, id: Hash, snapshots: Snapshots) -> Result<Outcome, FetchError> {
        let (mut why, mut waits) = (FetchError::NoPeer, false);
        for peer in self.net.connected() {
            why = match self.net.ask(peer, Request::Txo(id)).await {
                Ok(Response::Txo(None)) => {
                    waits = true;
                    continue;
                }
                Ok(Response::Txo(Some(included))) => {
                    match self.included(peer, id, *included, snapshots.clone()).await {
                        Ok(proven) => return Ok(Outcome::Included(Box::new(proven))),
                        Err(why) => why,
                    }
                }
                _ => FetchError::Unavailable,
            };
        }
        if waits { Ok(Outcome::Waiting) } else { Err(why) }
    }

    /// Proves that the transaction with this id stands where this peer says.
    pub(crate) async fn included(
        &self,
        peer: usize,
        id: Hash,
        included: Included,
        snapshots: Snapshots,
    ) -> Result<ProvenStatement, FetchError> {
        let Included { height, index, count, txo, audit_path } = included;
        if txo.body.id() != id {
            return Err(FetchError::Unavailable);
        }
        let statement = Statement::Txo { txo, index, count, audit_path };
        self.rests(peer, statement, height, snapshots).await
    }

    /// Proves the header at `height`, and the statement under it.
    async fn rests(
        &self,
        peer: usize,
        statement: Statement,
        height: Height,
        snapshots: Snapshots,
    ) -> Result<ProvenStatement, FetchError> {
        let head = Self::head_from(height, snapshots).await?;
        let Proven { proof: header, checked } = self.header(height, &head).await?;
        if let Err(reject) = stands(statement.clone(), &checked.header) {
            self.refuse(peer, Reason::Rejected(reject.clone())).await;
            return Err(FetchError::Rejected(reject));
        }
        Ok(ProvenStatement { proof: StatementProof { header, statement }, checked })
    }

    /// Waits until the head is as high as this.
    pub(crate) async fn head_from(
        height: Height,
        mut snapshots: Snapshots,
    ) -> Result<Arc<Trusted>, FetchError> {
        let high = |snapshot: &Arc<Snapshot>| snapshot.head.header().get().height >= height;
        match timeout(CATCH_UP, snapshots.wait_for(high)).await {
            Ok(Ok(snapshot)) => Ok(Arc::clone(&snapshot.head)),
            Ok(Err(_)) => Err(FetchError::Stopped),
            Err(_) => Err(FetchError::Unavailable),
        }
    }
}
