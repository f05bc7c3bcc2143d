//! `qratum`: the console on the user's own configuration.

use std::{io::IsTerminal, sync::Arc};

use qratum_light_node::{Config, LightNode};

use super::{
    alerts::greet,
    doctor::of_process,
    hosted::Hosted,
    lines::{Goal, Lines},
    network::{block_on, start_failure},
};
use crate::{
    acting::online::Online,
    audit,
    cli::Look,
    demo::Demo,
    exit::{Exit, Failure},
    home::Home,
    model::{Model, Notice},
    monitor::{Monitor, Setup, brokered, setup},
    output, runtime, sandbox,
    signals::Signals,
    signing, terminal, time,
};

/// Opens the console.
pub(crate) fn run(home: &Home, look: &Look) -> Result<Exit, Failure> {
    let config = home.config()?;
    if !std::io::stdout().is_terminal() {
        let text = "the console needs a terminal\n`qratum status` says what is verified without one";
        return Err(Failure::new(Exit::Usage, text));
    }
    let mut model = model(&config, home, look)?;
    // Programs are started by brokers from here on: the console itself can start none.
    let setup = brokered(setup(home, &config.genesis, false)?)?;
    let sandbox = sandbox::close(home, &config, &home.settings()?.alerts);
    model.guards.extend(sandbox::checks(Some(&sandbox)));
    if !sandbox.is_whole() {
        model.tick(time::now());
        model.notify(Notice::of(format!("the console is not closed in: {sandbox}")));
    }
    block_on(async {
        let signals = Signals::listen().map_err(|error| Failure::io("signals", &error))?;
        show(model, (config, home, look), setup, (Demo::None, signals)).await
    })
}

/// The model of a console on this home, as its `config.toml` wants it.
pub(super) fn model(config: &Config, home: &Home, look: &Look) -> Result<Model, Failure> {
    let mut model = Model::new(config, home, terminal::theme(look)?)?;
    (model.themes, model.may) = (terminal::themes(), home.settings()?.console);
    (model.guards, model.audit) = (of_process(), audit::find(home));
    Ok(model)
}

/// Runs the console on a home until it is ended.
pub(super) async fn show(
    mut model: Model,
    (config, home, look): (Config, &Home, &Look),
    setup: Setup,
    (demo, signals): (Demo<'_>, Signals),
) -> Result<Exit, Failure> {
    let chain_id = config.genesis.chain_id().map_err(|why| Failure::new(Exit::Usage, why.to_string()))?;
    let hosted = Hosted::start(config).await?;
    let monitor = Monitor::start(setup, hosted.node.snapshots())?;
    model.me = signing::accounts(home);
    let online = Online { node: Arc::clone(&hosted.node), chain_id };
    let ended = runtime::run(model, (&online, home, monitor), demo, (signals, look)).await;
    drop(online);
    hosted.stop().await;
    ended.map(|()| Exit::Done)
}

/// The console without a screen: what happens and what is wrong, a line for each, until told to stop. It
/// keeps the home's store, as the console does.
pub(crate) fn plain(home: &Home) -> Result<Exit, Failure> {
    let config = home.config()?;
    let setup = brokered(setup(home, &config.genesis, false)?)?;
    let network = &config.genesis.network;
    let text = "Read-only (RO): it watches and changes nothing. Ctrl-C ends it.";
    output::note(&format!("Network {network}, home {}. {text}", home.shown()));
    sandbox::close_or_say(home, &config, &home.settings()?.alerts);
    block_on(async {
        let signals = Signals::listen().map_err(|error| Failure::io("signals", &error))?;
        let node = LightNode::start(config).await.map_err(|error| start_failure(&error))?;
        let monitor = Monitor::start(setup, node.snapshots())?;
        greet(&monitor).await;
        let lines = Lines::new(false, Goal::heads(None)).with_alarms(monitor);
        let ended = lines.print(&node, Demo::None, signals).await;
        node.stop().await;
        ended
    })
}
