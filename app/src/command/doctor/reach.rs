//! What the peers and the store say.

use std::sync::Arc;

use qratum_light_node::{Config, PeerView, Refusal, Snapshot, State, StoreState, inspect_store};
use tokio::time::timeout;

use super::super::network::{Asking, start_failure};
use crate::{
    check::{Check, Word},
    exit::Failure,
    time,
};

/// Looks at the store, then asks every peer, for at most `seconds`.
pub(super) async fn network(config: Config, seconds: u64) -> Result<Vec<Check>, Failure> {
    let mut checks = vec![match inspect_store(&config).await {
        Ok(kept) => store(&kept.state),
        Err(error) => Check::of_failure("store", start_failure(&error)),
    }];
    let asking = Asking::start(Config { keep: false, ..config }, seconds).await?;
    let mut snapshots = asking.node.snapshots();
    // A peer that never answers is told after the time is up.
    let settled = |snapshot: &Arc<Snapshot>| {
        snapshot.peers.iter().all(|peer| peer.claimed_height.is_some() || refusal(snapshot, peer).is_some())
    };
    let _ = timeout(asking.left(), snapshots.wait_for(settled)).await;
    let _ = asking.synced().await;
    let snapshot = asking.witnessed().await;
    asking.node.stop().await;
    let down = snapshot.peers.iter().all(|peer| !peer.connected);
    checks.extend(snapshot.peers.iter().map(|view| peer(view, refusal(&snapshot, view), down)));
    checks.extend([clock(&snapshot), chain(snapshot.state)]);
    Ok(checks)
}

fn refusal<'a>(snapshot: &'a Snapshot, peer: &PeerView) -> Option<&'a Refusal> {
    snapshot.refusals.iter().rev().find(|refusal| refusal.peer == peer.name)
}

/// One peer down is a pity; all down is a failure.
fn peer(view: &PeerView, refusal: Option<&Refusal>, all_down: bool) -> Check {
    let check = format!("peer {}", view.name);
    match (refusal, view.connected, view.claimed_height) {
        (Some(refusal), _, _) => {
            let (reason, name) = (&refusal.reason, refusal.reason.name());
            Check::fail(
                &check,
                format!("{reason} ({name})"),
                format!("`qratum explain {name}` says what to do"),
            )
        }
        (None, true, Some(height)) => {
            Check::ok(&check, format!("speaks the protocol, claims height {height} (unverified)"))
        }
        (None, true, None) => {
            Check::warn(&check, "connected, and has not said its height", "Try again with a longer --timeout")
        }
        (None, false, _) => {
            let todo = "Check that it runs, and the address in peers.json; a firewall may stand in between";
            let check = Check::warn(&check, "cannot be reached", todo);
            if all_down { Check { verdict: Word::Fail, ..check } } else { check }
        }
    }
}

fn clock(snapshot: &Snapshot) -> Check {
    match (snapshot.state, snapshot.clock_offset_ms) {
        (State::Clock, offset) => {
            let text = offset.map_or_else(|| "wrong".to_owned(), time::offset);
            Check::fail("clock", text, "Set it, best by NTP with more than one server")
        }
        (State::Live, _) => Check::ok("clock", "agrees with the newest block"),
        _ => Check::ok("clock", "could not be compared: no fresh block"),
    }
}

fn chain(state: State) -> Check {
    let todo = format!("`qratum explain {state}` says what to do");
    match state {
        State::Live => Check::ok("chain", "live: a fresh block was verified"),
        State::Loading | State::Syncing | State::Stale => Check::warn("chain", state.word(), todo),
        _ => Check::fail("chain", state.word(), todo),
    }
}

fn store(state: &StoreState) -> Check {
    let word = state.word();
    match state {
        StoreState::None => Check::ok("store", "none yet: it is made when the console starts"),
        StoreState::InUse => Check::ok("store", "in use by another process, as beside a console"),
        StoreState::Kept { loaded, dropped: 0 } => {
            Check::ok("store", format!("{loaded} blocks chain to the anchor"))
        }
        StoreState::Kept { loaded, dropped } => {
            let text = format!("{loaded} blocks chain to the anchor, {dropped} did not and were removed");
            Check::warn("store", text, "Look whether the disk is sound")
        }
        StoreState::RolledBack { found, highest } => {
            let text = format!("it leads to height {found}, and {highest} was verified before");
            Check::fail(
                "store",
                text,
                format!("Find out who put an older copy in its place (`qratum explain {word}`)"),
            )
        }
        StoreState::Failed(why) => {
            Check::fail("store", why.clone(), format!("`qratum explain {word}` says what to do"))
        }
    }
}
