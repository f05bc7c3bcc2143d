//! `qratum demo`: a network of separate processes on this machine, and the console on it.

use std::{io::IsTerminal, path::PathBuf};

use qratum_light_node::LightNode;
use qratum_themes::Theme;

use super::{
    lines::{Goal, Lines},
    network::{block_on, start_failure},
};
use crate::{
    cli::{DemoArgs, Look},
    demo::{DemoHome, Network},
    exit::{Exit, Failure},
    home::Home,
    model::{Model, Notice},
    monitor::{Monitor, setup},
    output, runtime,
    signals::Signals,
    terminal,
};

/// Starts the network and follows it, on screen or line by line.
pub(crate) fn run(home: Option<PathBuf>, args: &DemoArgs, json: bool, look: &Look) -> Result<Exit, Failure> {
    let headless = args.headless || args.heads.is_some() || json || !std::io::stdout().is_terminal();
    let theme = terminal::theme(look)?;
    block_on(async {
        // From here on a signal ends the program in order: a home that was made is removed.
        let signals = Signals::listen().map_err(|error| Failure::io("signals", &error))?;
        let mut demo = DemoHome::prepare(home, args.validators)?;
        let mut network = Network::start(&demo.home).await?;
        let ended = if headless {
            follow(&demo, &mut network, signals, Lines::new(json, Goal::heads(args.heads))).await
        } else {
            open(&demo, &mut network, signals, theme).await
        };
        if network.has_lost() {
            demo.keep_logs();
        }
        network.stop().await;
        ended
    })
}

async fn open(
    demo: &DemoHome,
    network: &mut Network,
    signals: Signals,
    theme: Theme,
) -> Result<Exit, Failure> {
    let mut config = demo.home.config()?;
    config.peers.push(network.invite_liar(&demo.home).await?);
    let mut model = Model::new(&config, &demo.home, theme)?;
    model.start(network.names());
    model.offer_tour();
    if let Some(note) = &demo.note {
        model.notify(Notice::of(note.clone()));
    }
    let setup = setup(&demo.home, &config.genesis, false)?;
    let node = LightNode::start(config).await.map_err(|error| start_failure(&error))?;
    let monitor = Monitor::start(setup, node.snapshots())?;
    let ended = runtime::run(model, (&node, &demo.home, monitor), Some(network), signals).await;
    node.stop().await;
    ended.map(|()| Exit::Done)
}

/// Where the home is, and what to try next. On standard error: standard output is for events.
fn greet(home: &Home) {
    let name = home.shown();
    output::note(&format!("home {name}\nin another terminal: qratum --home {name} status"));
}

async fn follow(
    demo: &DemoHome,
    network: &mut Network,
    signals: Signals,
    lines: Lines,
) -> Result<Exit, Failure> {
    greet(&demo.home);
    if let Some(note) = &demo.note {
        output::complain(note);
    }
    let node = LightNode::start(demo.home.config()?).await.map_err(|error| start_failure(&error))?;
    let ended = lines.print(&node, Some(network), signals).await;
    node.stop().await;
    ended
}
