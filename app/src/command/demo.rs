//! `qratum demo`: a network of separate processes on this machine, and the console on it, or a second one.

use std::{io::IsTerminal, path::PathBuf};

use qratum_custody::entropy::Drills;
use qratum_light_node::LightNode;

use super::{
    console,
    lines::{Goal, Lines},
    network::{block_on, start_failure},
};
use crate::{
    cli::{DemoArgs, Look},
    demo::{Demo, DemoHome, Joined, Network},
    exit::{Exit, Failure},
    home::Home,
    model::Notice,
    monitor::{Setup, setup},
    output, sandbox,
    signals::Signals,
    terminal,
};

/// Starts the network, or joins one, and follows it, on screen or line by line.
pub(crate) fn run(home: Option<PathBuf>, args: &DemoArgs, json: bool, look: &Look) -> Result<Exit, Failure> {
    let headless = args.headless || args.heads.is_some() || json || !std::io::stdout().is_terminal();
    terminal::theme(look)?;
    let lines = Lines::new(json, Goal::heads(args.heads));
    block_on(async {
        // From here on a signal ends the program in order: a home that was made is removed.
        let signals = Signals::listen().map_err(|error| Failure::io("signals", &error))?;
        if let Some(name) = &args.join {
            let mut joined = Joined::join(home, name)?;
            let home = joined.home.clone();
            return if headless {
                greet(&home);
                follow(&home, Demo::Joined(&mut joined), signals, lines).await
            } else {
                join(&mut joined, name, signals, look).await
            };
        }
        let mut demo = DemoHome::prepare(home, args.validators)?;
        let mut network = Network::start(&demo.home).await?;
        let ended = if headless {
            greet(&demo.home);
            demo.note.iter().for_each(|note| output::complain(note));
            follow(&demo.home, Demo::Started(&mut network), signals, lines).await
        } else {
            open(&demo, &mut network, signals, look).await
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
    look: &Look,
) -> Result<Exit, Failure> {
    let mut config = demo.home.config()?;
    config.peers.push(network.invite_liar(&demo.home).await?);
    let mut model = console::model(&config, &demo.home, look)?;
    model.guards.extend(sandbox::checks(None));
    model.start(network.names());
    model.offer_tour();
    if config.genesis.people.is_none() {
        let text = "nobody can act in this demo: qratum-softkey is not beside this program, or was left out";
        model.notify(Notice::of(text.to_owned()));
    }
    if let Some(note) = &demo.note {
        model.notify(Notice::of(note.clone()));
    }
    let setup = Setup { drills: Some(Drills::default()), ..setup(&demo.home, &config.genesis, false)? };
    console::show(model, (config, &demo.home, look), setup, (Demo::Started(network), signals)).await
}

async fn join(joined: &mut Joined, name: &str, signals: Signals, look: &Look) -> Result<Exit, Failure> {
    let (home, config) = (joined.home.clone(), joined.home.config()?);
    let mut model = console::model(&config, &home, look)?;
    model.alias = Some(name.to_owned());
    model.guards.extend(sandbox::checks(None));
    let setup = setup(&home, &config.genesis, false)?;
    console::show(model, (config, &home, look), setup, (Demo::Joined(joined), signals)).await
}

/// Where the home is, and what to try next. On standard error: standard output is for events.
fn greet(home: &Home) {
    let name = home.shown();
    output::note(&format!("home {name}\nin another terminal: qratum --home {name} status"));
}

async fn follow(home: &Home, demo: Demo<'_>, signals: Signals, lines: Lines) -> Result<Exit, Failure> {
    let node = LightNode::start(home.config()?).await.map_err(|error| start_failure(&error))?;
    let ended = lines.print(&node, demo, signals).await;
    node.stop().await;
    ended
}
