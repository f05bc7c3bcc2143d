//! `qratum peers`: whom does the light node ask, and how do they behave?

use qratum_light_node::{Channel, Peer, PeerView, Snapshot};
use serde::Serialize;

use super::{
    network::{Asking, block_on},
    status::{PeerJson, RefusalJson},
};
use crate::{
    cli::NetworkArgs,
    exit::{Exit, Failure},
    home::Home,
    output,
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
    id: String,
    address: String,
    channel: Option<&'static str>,
    #[serde(flatten)]
    seen: PeerJson,
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
    let reached = peers.peers.iter().any(|peer| peer.seen.connected);
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
        let connected = self.peers.iter().filter(|peer| peer.seen.connected).count();
        let mut page = format!("{connected} of {} peers connected, {}\n", self.peers.len(), self.state);
        for Seen { address, channel, seen, .. } in &self.peers {
            let PeerJson { name, operator, operator_source, .. } = seen;
            let by = channel.filter(|by| *by != Channel::Tcp.name());
            let by = by.map_or_else(String::new, |by| format!(", by {by}"));
            page.push_str(&format!(
                "{name}  of {operator} ({operator_source})  {}{by}\n  {address}\n",
                seen.line()
            ));
            for refusal in self.refusals.iter().filter(|refusal| refusal.is_of(&seen.name)) {
                page.push_str(&format!("  refused: {}\n", refusal.line()));
            }
        }
        page
    }
}

impl Seen {
    fn of(peer: &Peer, view: &PeerView) -> Self {
        let (id, address) = (view.id.to_string(), peer.address.to_string());
        Self { id, address, channel: view.channel.map(Channel::name), seen: PeerJson::from(view) }
    }
}
