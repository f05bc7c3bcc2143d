//! Facts from the running light node, for as long as they are good enough to act on.

use std::{sync::Arc, time::Duration};

use qratum_chain::{
    ledger::{self, Draft},
    types::{ChainId, Txo},
};
use qratum_light_node::{FetchError, LightNode, Snapshot};
use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};

use super::{
    arm::{Unarmed, may_rest_on},
    ceremony::{Prover, Stop},
    facts::Facts,
    gather::gather,
};
use crate::time;

/// How long enough others may take to name the block of the facts.
const WITNESSED: Duration = Duration::from_secs(6);
/// How often facts are proven again that became too old meanwhile.
const TRIES: usize = 4;

/// A light node to act with.
#[derive(Clone, Debug)]
pub(crate) struct Online {
    pub(crate) node: Arc<LightNode>,
    pub(crate) chain_id: ChainId,
}

impl Online {
    /// What is under these keys, all at one head.
    pub(crate) async fn facts(&self, keys: &[Vec<u8>]) -> Result<Facts, FetchError> {
        let proven = self.node.entries(keys).await?;
        let head = Arc::clone(&self.node.snapshots().borrow().head);
        let set = head.next_validators().unwrap_or_else(|| head.validators());
        Facts::of(self.chain_id, Arc::clone(set), proven).ok_or(FetchError::Unavailable)
    }

    /// The same, where it may be acted on.
    pub(crate) async fn armed(&self, keys: &[Vec<u8>]) -> Result<Facts, Unarmed> {
        let mut tries = TRIES;
        loop {
            let facts = self.facts(keys).await.map_err(Unarmed::Unproven)?;
            tries = tries.saturating_sub(1);
            match self.may_rest_on(&facts).await {
                Ok(()) => return Ok(facts),
                Err(Unarmed::Stale { .. }) if tries > 0 => {}
                Err(why) => return Err(why),
            }
        }
    }

    /// Waits a little, where waiting may help.
    pub(crate) async fn may_rest_on(&self, facts: &Facts) -> Result<(), Unarmed> {
        let mut snapshots = self.node.snapshots();
        let until = Instant::now().checked_add(WITNESSED).unwrap_or_else(Instant::now);
        loop {
            let snapshot: Arc<Snapshot> = Arc::clone(&snapshots.borrow_and_update());
            match may_rest_on(facts, &snapshot, time::now()) {
                Err(Unarmed::NotLive(_) | Unarmed::Witnesses(_) | Unarmed::Unseen(_))
                    if matches!(timeout_at(until, snapshots.changed()).await, Ok(Ok(()))) => {}
                verdict => return verdict,
            }
        }
    }
}

impl Online {
    /// Whether the next block may carry it, by the rules that validators go by, on facts that may be acted
    /// on.
    ///
    /// # Errors
    /// [`Stop`].
    pub(crate) async fn would_stand(&self, txo: &Txo) -> Result<(), Stop> {
        let fetch = async |keys: &[Vec<u8>]| self.facts(keys).await;
        let judge = |facts: &Facts, draft: &Draft<'_>| ledger::apply(&mut draft.clone(), &facts.next(), txo);
        let (facts, verdict) = gather(fetch, judge).await.map_err(Stop::Unproven)?;
        verdict.map_err(Stop::Refused)?;
        self.may_rest_on(&facts).await.map_err(Stop::Unsent)
    }
}

/// For the thread of a ceremony.
#[derive(Clone, Debug)]
pub(crate) struct OnlineProver {
    online: Online,
    runtime: Handle,
}

impl OnlineProver {
    /// Proves by this node, on the runtime that this is called on.
    pub(crate) fn new(online: Online) -> Self {
        Self { online, runtime: Handle::current() }
    }
}

impl Prover for OnlineProver {
    fn prove(&self, keys: &[Vec<u8>]) -> Result<Facts, Unarmed> {
        self.runtime.block_on(self.online.armed(keys))
    }

    fn check(&self, txo: &Txo) -> Result<(), Stop> {
        self.runtime.block_on(self.online.would_stand(txo))
    }
}
