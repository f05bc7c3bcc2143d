//! `qratum watch`: what happens on the home's network, line by line.

use std::time::Duration;

use qratum_light_node::LightNode;

use super::{
    alerts,
    lines::{Goal, Lines},
    network::{block_on, start_failure},
};
use crate::{
    cli::WatchArgs,
    demo::Demo,
    exit::{Exit, Failure},
    home::Home,
    signals::Signals,
};

/// Follows the network until what was waited for, a signal, or the time is up.
pub(crate) fn run(home: &Home, args: &WatchArgs, json: bool) -> Result<Exit, Failure> {
    if args.unit {
        return alerts::unit();
    }
    let within = args.timeout.map(Duration::from_secs);
    if args.alerts {
        return alerts::run(home, within, json);
    }
    let config = home.config_without_store()?;
    let goal = Goal { until: args.until, within, ..Goal::heads(args.heads) };
    block_on(async {
        let signals = Signals::listen().map_err(|error| Failure::io("signals", &error))?;
        let node = LightNode::start(config).await.map_err(|error| start_failure(&error))?;
        let ended = Lines::new(json, goal).print(&node, Demo::None, signals).await;
        node.stop().await;
        ended
    })
}
