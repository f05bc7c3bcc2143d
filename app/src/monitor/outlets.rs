//! From settings to sinks: is each of them one that may be used?

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use qratum_chain::types::Genesis;

use super::{
    broker::Broker,
    code::Level,
    document::Network,
    driver::{Outlet, Setup},
    machine::security_token,
    program::Program,
    sight::Watched,
    sink::Sink,
    webhook::Webhook,
};
use crate::{
    exit::{Exit, Failure},
    file,
    home::Home,
    settings::{AlertSettings, ExecSettings, Least, WebhookSettings, is_obeyed},
};

/// The name of the sink on standard error.
const LOG: &str = "log";
/// No token is longer.
const TOKEN: usize = 4096;
/// Where Debian keeps the certificates that it believes.
const ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The monitor of a home, as its `config.toml` wants it. `headless` has standard error for itself.
pub(crate) fn setup(home: &Home, genesis: &Genesis, headless: bool) -> Result<Setup, Failure> {
    let settings = home.settings()?.alerts;
    let chain = genesis.chain_id().map_err(|why| Failure::new(Exit::Usage, why.to_string()))?;
    let network = Network { name: genesis.network.clone(), chain_id: chain.to_string() };
    let outlets = outlets(&settings, headless)?;
    let AlertSettings { own, missed, heartbeat_s, .. } = settings;
    let watched = Watched { own, missed, trusting_period_ms: genesis.params.trusting_period_ms };
    let heartbeat = Duration::from_secs(heartbeat_s.into());
    Ok(Setup {
        folder: home.alerts(),
        network,
        watched,
        outlets,
        heartbeat,
        token: security_token(home)?,
        drills: None,
    })
}

/// Has the programs among the sinks run by brokers: for a process that will start nothing itself.
pub(crate) fn brokered(mut setup: Setup) -> Result<Setup, Failure> {
    for Outlet { name, sink, .. } in &mut setup.outlets {
        if let Sink::Exec(program) = sink {
            let broker = Broker::start(program);
            *sink = Sink::Brokered(
                broker.map_err(|error| Failure::io(&format!("broker of sink {name}"), &error))?,
            );
        }
    }
    Ok(setup)
}

fn outlets(settings: &AlertSettings, headless: bool) -> Result<Vec<Outlet>, Failure> {
    let log = Outlet { name: LOG.to_owned(), sink: Sink::Log, least: Level::Info, heartbeat: false };
    let mut outlets = Vec::from_iter((settings.log && headless).then_some(log));
    for exec in &settings.exec {
        let sink = Sink::Exec(program(exec).map_err(|why| wrong(&exec.name, &why))?);
        let ExecSettings { name, least, heartbeat, .. } = exec.clone();
        outlets.push(Outlet { name, sink, least: level(least), heartbeat });
    }
    for hook in &settings.webhook {
        let sink = Sink::Webhook(webhook(hook).map_err(|why| wrong(&hook.name, &why))?);
        let WebhookSettings { name, least, heartbeat, .. } = hook.clone();
        outlets.push(Outlet { name, sink, least: level(least), heartbeat });
    }
    Ok(outlets)
}

const fn level(least: Least) -> Level {
    match least {
        Least::Info => Level::Info,
        Least::Warning => Level::Warning,
        Least::Critical => Level::Critical,
    }
}

fn wrong(name: &str, why: &str) -> Failure {
    Failure::new(Exit::Usage, format!("sink {name} of config.toml: {why}"))
}

/// A program that nobody else can replace.
fn program(exec: &ExecSettings) -> Result<Program, String> {
    let path = exec.program.clone();
    let shown = path.display();
    if !path.is_absolute() {
        return Err(format!("{shown} is no absolute path"));
    }
    let found = fs::metadata(&path).map_err(|error| format!("{shown}: {error}"))?;
    if !found.is_file() || found.permissions().mode() & 0o111 == 0 {
        return Err(format!("{shown} is no program"));
    }
    is_obeyed(&path)?;
    let within = Duration::from_secs(exec.timeout_s.into());
    Ok(Program { path, arguments: exec.arguments.clone(), within })
}

fn webhook(hook: &WebhookSettings) -> Result<Webhook, String> {
    let token = hook.token_file.as_deref().map(token).transpose()?;
    let is_tls = hook.url.starts_with("https://");
    let roots = hook.roots.clone().unwrap_or_else(|| PathBuf::from(ROOTS));
    let within = Duration::from_secs(hook.timeout_s.into());
    Webhook::new(&hook.url, token.as_deref(), is_tls.then_some(roots.as_path()), within)
        .map_err(|error| format!("{}: {error}", roots.display()))
}

/// A secret of one line, which nobody else can read.
fn token(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let found = fs::metadata(path).map_err(|error| format!("{shown}: {error}"))?;
    if found.permissions().mode() & 0o077 != 0 {
        return Err(format!("{shown} can be read by others: chmod 600 it"));
    }
    let bytes = file::read(path, TOKEN).map_err(|failure| failure.text.unwrap_or_default())?;
    let text = String::from_utf8(bytes).map_err(|_| format!("{shown} is no text"))?;
    let token = text.trim_end();
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(format!("{shown} is not one word of visible ASCII"));
    }
    Ok(token.to_owned())
}
