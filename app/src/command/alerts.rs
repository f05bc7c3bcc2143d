//! `qratum watch --alerts`: what is wrong on the home's network, told until somebody stops it.

use std::{future::pending, time::Duration};

use qratum_light_node::LightNode;
use tokio::time::sleep;

use super::network::{block_on, start_failure};
use crate::{
    exit::{Exit, Failure},
    home::Home,
    monitor::{AlarmDocument, Change, Monitor, Network, brokered, setup},
    output, sandbox,
    signals::Signals,
};

/// A service of the user that watches around the clock.
const UNIT: &str = include_str!("../../../assets/systemd/qratum-alerts.service");

/// Prints the unit.
pub(crate) fn unit() -> Result<Exit, Failure> {
    output::own(UNIT.as_bytes())?;
    Ok(Exit::Done)
}

/// Watches for alarms until a signal, or for this time.
pub(crate) fn run(home: &Home, within: Option<Duration>, json: bool) -> Result<Exit, Failure> {
    let config = home.config()?;
    let setup = brokered(setup(home, &config.genesis, true)?)?;
    sandbox::close_or_say(home, &config, &home.settings()?.alerts);
    let network = setup.network.clone();
    block_on(async {
        let signals = Signals::listen().map_err(|error| Failure::io("signals", &error))?;
        let node = LightNode::start(config).await.map_err(|error| start_failure(&error))?;
        let monitor = Monitor::start(setup, node.snapshots())?;
        let ended = follow(monitor, signals, (within, &network, json)).await;
        node.stop().await;
        ended
    })
}

async fn follow(
    mut monitor: Monitor,
    mut signals: Signals,
    (within, network, json): (Option<Duration>, &Network, bool),
) -> Result<Exit, Failure> {
    greet(&monitor).await;
    let up = async { if let Some(time) = within { sleep(time).await } else { pending().await } };
    tokio::pin!(up);
    loop {
        tokio::select! {
            biased;
            () = signals.recv() => return Ok(Exit::Done),
            () = &mut up => return Ok(Exit::Done),
            change = monitor.next() => tell(&change?, network, json)?,
        }
    }
}

/// What was there before; on standard error, as standard output is for what happens.
pub(super) async fn greet(monitor: &Monitor) {
    let mut view = monitor.view();
    let _ = view.changed().await;
    let view = view.borrow();
    if !view.delivers {
        output::note("another process delivers the alarms of this home: here they are only shown");
    }
    for alarm in &view.open {
        output::note(&alarm.in_list());
    }
}

fn tell(change: &Change, network: &Network, json: bool) -> Result<(), Failure> {
    if json {
        output::next_json(&AlarmDocument::of(change, network))?
    } else {
        output::next_lines(&change.line())?
    }
    Ok(())
}
