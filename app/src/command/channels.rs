//! `qratum channels`: by which ways can the validators be reached now?

use std::net::SocketAddr;

use qratum_light_node::{BLOCKED, Channel, MOST_FAILURES, Peer, Probe, Proxies};
use serde::Serialize;

use super::network::{Asking, block_on};
use crate::{
    cli::NetworkArgs,
    exit::{Exit, Failure},
    home::Home,
    output,
};

/// The channels, as `--json` prints them.
#[derive(Debug, Serialize)]
struct Channels {
    schema: &'static str,
    /// So many failures in a row, and a channel to a peer is not used...
    blocked_after: u32,
    /// ...for so long.
    blocked_ms: u64,
    channels: Vec<ChannelJson>,
    lanes: Vec<LaneJson>,
    /// Where no channel leads anywhere.
    offline: &'static str,
}

#[derive(Debug, Serialize)]
struct ChannelJson {
    name: &'static str,
    priority: u8,
    latency_ms: u64,
    proxy: Option<SocketAddr>,
    usable: bool,
}

/// What came of one channel to one peer just now.
#[derive(Debug, Serialize)]
struct LaneJson {
    peer: String,
    channel: &'static str,
    took_ms: Option<u64>,
    failure: Option<&'static str>,
    text: Option<String>,
}

/// Tries every channel to every peer at once, and prints what came of it.
pub(crate) fn run(home: &Home, args: &NetworkArgs, json: bool) -> Result<Exit, Failure> {
    let config = home.config_without_store()?;
    let (peers, proxies) = (config.peers.clone(), config.proxies);
    let probed = block_on(async {
        let asking = Asking::start(config, args.timeout).await?;
        let probed = asking.node.probe(asking.left()).await;
        asking.node.stop().await;
        Ok(probed)
    })?;
    let channels = Channels::of(&probed, &peers, proxies);
    if json {
        output::json(&channels)?;
    } else {
        output::lines(&channels.page())?;
    }
    Ok(if probed.iter().any(|probe| probe.answer.is_ok()) { Exit::Done } else { Exit::Nothing })
}

impl Channels {
    fn of(probed: &[Probe], peers: &[Peer], proxies: Proxies) -> Self {
        let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let channel = |channel: Channel| ChannelJson {
            name: channel.name(),
            priority: channel.priority(),
            latency_ms: millis(channel.latency()),
            proxy: proxies.of(channel),
            usable: proxies.reach(channel),
        };
        let lane = |Probe { lane, answer }: &Probe| LaneJson {
            peer: peers.get(lane.peer).map(|peer| peer.name.clone()).unwrap_or_default(),
            channel: lane.channel.name(),
            took_ms: answer.as_ref().ok().copied().map(millis),
            failure: answer.as_ref().err().map(|failure| failure.name()),
            text: answer.as_ref().err().map(ToString::to_string),
        };
        Self {
            schema: "qratum/channels/v1",
            blocked_after: MOST_FAILURES,
            blocked_ms: millis(BLOCKED),
            channels: Channel::ALL.map(channel).into(),
            lanes: probed.iter().map(lane).collect(),
            offline: "qratum bundle export FILE",
        }
    }

    fn page(&self) -> String {
        let mut page = String::new();
        for ChannelJson { name, priority, proxy, usable, .. } in &self.channels {
            let lanes: Vec<&LaneJson> = self.lanes.iter().filter(|lane| lane.channel == *name).collect();
            let answered = lanes.iter().filter(|lane| lane.took_ms.is_some()).count();
            let through = match (proxy, usable) {
                (Some(proxy), _) => format!(", through {proxy}"),
                (None, true) => String::new(),
                (None, false) => ", no proxy set in [channels] of config.toml".to_owned(),
            };
            let all = lanes.len();
            page.push_str(&format!(
                "{name:<8} priority {priority:<3}  {answered} of {all} answer{through}\n"
            ));
            for LaneJson { peer, took_ms, text, .. } in lanes {
                let what = took_ms.map_or_else(
                    || text.clone().unwrap_or_default(),
                    |took| format!("answered in {took} ms"),
                );
                page.push_str(&format!("  {peer}: {what}\n"));
            }
        }
        page.push_str(&format!("offline  priority 0    {}", self.offline));
        page
    }
}
