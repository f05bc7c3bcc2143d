//! `qratum peers`: whom does the light node ask, and how do they behave?

use qratum_chain::types::Time;
use qratum_light_node::{Ban, Peer, PeerView, Snapshot};
use serde::Serialize;

use super::{
    network::{Asking, block_on},
    status::RefusalJson,
};
use crate::{
    cli::NetworkArgs,
    exit::{Exit, Failure},
    home::Home,
    output, time,
};

/// The pinned peers as seen from here, as `--json` prints them.
#[derive(Debug, Serialize)]
struct Peers {
    schema: &'static str,
    state: &'static str,
    peers: Vec<Seen>,
    refusals: Vec<RefusalJson>,
}

#[derive(Debug, Serialize)]
struct Seen {
    name: String,
    operator: String,
    id: String,
    address: String,
    connected: bool,
    /// Not verified.
    claimed_height: Option<u64>,
    demerits: u32,
    ban: Option<Banned>,
}

/// Why a peer is asked nothing, and until when.
#[derive(Debug, Serialize)]
struct Banned {
    reason: &'static str,
    text: String,
    until_ms: u64,
    count: u32,
}

/// Listens for a few blocks' time and prints who answered.
pub(crate) fn run(home: &Home, args: &NetworkArgs, json: bool) -> Result<Exit, Failure> {
    let config = home.config_without_store()?;
    let configured = config.peers.clone();
    let snapshot = block_on(async {
        let asking = Asking::start(config, args.timeout).await?;
        // Peers are worth showing whether or not they led to a head.
        let snapshot = match asking.synced().await {
            Ok(_) => asking.witnessed().await,
            Err(_) => asking.node.snapshots().borrow().clone(),
        };
        asking.node.stop().await;
        Ok(snapshot)
    })?;
    let peers = Peers::of(&snapshot, &configured);
    if json {
        output::json(&peers)?;
    } else {
        output::lines(&peers.page())?;
    }
    let reached = peers.peers.iter().any(|peer| peer.connected);
    Ok(if reached { Exit::Done } else { Exit::Nothing })
}

impl Peers {
    fn of(snapshot: &Snapshot, configured: &[Peer]) -> Self {
        Self {
            schema: "qratum/peer-list/v1",
            state: snapshot.state.word(),
            peers: configured.iter().zip(&snapshot.peers).map(|(peer, view)| Seen::of(peer, view)).collect(),
            refusals: snapshot.refusals.iter().map(RefusalJson::from).collect(),
        }
    }

    fn page(&self) -> String {
        let connected = self.peers.iter().filter(|peer| peer.connected).count();
        let mut page = format!("{connected} of {} peers connected, {}\n", self.peers.len(), self.state);
        for Seen { name, operator, address, connected, claimed_height, ban, .. } in &self.peers {
            let link = if *connected { "connected" } else { "not connected" };
            let claim =
                claimed_height.map_or_else(String::new, |height| format!("  claims {height} (unverified)"));
            page.push_str(&format!("{name}  of {operator}  {link}{claim}\n  {address}\n"));
            if let Some(ban) = ban {
                page.push_str(&format!("  {}\n", ban.line()));
            }
            for refusal in self.refusals.iter().filter(|refusal| refusal.is_of(name)) {
                page.push_str(&format!("  refused: {}\n", refusal.line()));
            }
        }
        page
    }
}

impl Seen {
    fn of(peer: &Peer, view: &PeerView) -> Self {
        Self {
            name: peer.name.clone(),
            operator: peer.operator.clone(),
            id: view.id.to_string(),
            address: peer.address.to_string(),
            connected: view.connected,
            claimed_height: view.claimed_height.map(|height| height.0),
            demerits: view.demerits,
            ban: view.ban.as_ref().map(Banned::of),
        }
    }
}

impl Banned {
    fn of(ban: &Ban) -> Self {
        let (reason, text) = (ban.reason.name(), ban.reason.to_string());
        Self { reason, text, until_ms: ban.until.0, count: ban.count }
    }

    fn line(&self) -> String {
        let Self { reason, text, until_ms, count } = self;
        let again = if *count > 1 { format!(", ban {count} in a row") } else { String::new() };
        format!("banned until {}{again}: {text} ({reason})", time::format(Time(*until_ms)))
    }
}
