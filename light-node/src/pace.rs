//! How long is a block to take? What the genesis says, until the operators decide otherwise: then what is
//! proven from the state. A decision holds from the beginning of a set, so it is asked for once a set.

use std::sync::Arc;

use qratum_chain::types::{Parameters, SetId};
use qratum_verifier::{Verified, tally::entry};
use tokio::sync::watch;

use crate::{Snapshot, driver::Command, fetch::Fetch};

/// Keeps pace with the chain until the node is gone.
pub(crate) async fn keep_pace(fetch: &Fetch, mut snapshots: watch::Receiver<Arc<Snapshot>>) {
    let mut known: Option<SetId> = None;
    while snapshots.changed().await.is_ok() {
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        let set = snapshot.head.header().get().set_id;
        if snapshot.fork.is_some() || known == Some(set) {
            continue;
        }
        let Ok(proven) = fetch.state(Parameters::STATE_KEY, snapshots.clone()).await else { continue };
        let found = entry(Parameters::STATE_KEY, (&proven.proof.statement, &proven.checked.header));
        let Ok(parameters): Result<Option<Verified<Parameters>>, _> = found else { continue };
        // What was proven may be of a later set than the head that was asked for.
        known = Some(proven.checked.header.get().set_id);
        if let Some(parameters) = parameters {
            // The node is about to end where nobody takes it.
            let _ = fetch.commands.send(Command::Pace(parameters)).await;
        }
    }
}
