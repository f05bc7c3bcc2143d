//! `qratum demo`: a network of separate processes on this machine, and the console on it.

use std::{io::IsTerminal, ops::ControlFlow, path::PathBuf, sync::Arc};

use qratum_light_node::{LightNode, Names};
use qratum_verifier::Trusted;
use serde::Serialize;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::network::{block_on, start_failure};
use crate::{
    cli::DemoArgs,
    demo::{DemoHome, Network},
    exit::{Exit, Failure},
    home::Home,
    model::{Model, signers},
    output, runtime,
    signals::Signals,
    terminal, time,
};

/// A verified head, as `--json` prints it.
#[derive(Debug, Serialize)]
struct HeadEvent {
    schema: &'static str,
    event: &'static str,
    height: u64,
    block_id: String,
    time_ms: u64,
    age_ms: u64,
    signed: u128,
    total: u128,
    signers: Vec<String>,
}

/// Starts the network and follows it, on screen or line by line.
pub(crate) fn run(home: Option<PathBuf>, args: &DemoArgs, json: bool, ascii: bool) -> Result<Exit, Failure> {
    let demo = DemoHome::prepare(home, args.validators)?;
    let headless = args.headless || args.heads.is_some() || json || !std::io::stdout().is_terminal();
    let heads = args.heads.map(std::num::NonZeroU64::get);
    let (ended, keep) = block_on(async {
        let signals = Signals::listen().map_err(|error| Failure::io("signals", &error))?;
        let mut network = Network::start(&demo.home)?;
        let ended = if headless {
            follow(&demo.home, &mut network, signals, &Lines { json, most: heads }).await
        } else {
            open(&demo.home, &mut network, signals, ascii).await
        };
        // Logs of a validator that ended by itself are worth reading.
        let keep = ended.is_err() || network.has_lost();
        network.stop().await;
        Ok((ended, keep))
    })?;
    demo.clean(keep);
    ended
}

async fn open(home: &Home, network: &mut Network, signals: Signals, ascii: bool) -> Result<Exit, Failure> {
    let config = home.config()?;
    let model = Model::new(&config.genesis, terminal::theme(ascii)?)?;
    let node = LightNode::start(config).await.map_err(|error| start_failure(&error))?;
    let ended = runtime::run(model, &node, Some(network), signals).await;
    node.stop().await;
    ended.map(|()| Exit::Done)
}

/// How heads are printed, and how many.
struct Lines {
    json: bool,
    most: Option<u64>,
}

async fn follow(
    home: &Home,
    network: &mut Network,
    mut signals: Signals,
    lines: &Lines,
) -> Result<Exit, Failure> {
    let node = LightNode::start(home.config()?).await.map_err(|error| start_failure(&error))?;
    let names = node.snapshots().borrow().names.clone();
    let mut heads = node.heads();
    let mut left = lines.most;
    let ended = loop {
        tokio::select! {
            biased;
            () = signals.recv() => break Ok(Exit::Done),
            ended = network.next_ended(), if !network.is_over() => {
                if let Some(ended) = ended {
                    output::complain(&ended.to_string());
                }
                if network.is_over() {
                    break Err(Failure::new(Exit::Error, "no validator is left"));
                }
            }
            head = next(&mut heads) => {
                match lines.take(head.as_ref(), &names, &mut left) {
                    Ok(ControlFlow::Continue(())) => {}
                    Ok(ControlFlow::Break(exit)) => break Ok(exit),
                    Err(failure) => break Err(failure),
                }
            }
        }
    };
    node.stop().await;
    ended
}

/// The next verified head. One that reads too slowly is told, and goes on with the newest.
async fn next(heads: &mut Receiver<Arc<Trusted>>) -> Option<Arc<Trusted>> {
    loop {
        match heads.recv().await {
            Ok(head) => return Some(head),
            Err(RecvError::Lagged(lost)) => output::complain(&format!("{lost} heads were not printed")),
            Err(RecvError::Closed) => return None,
        }
    }
}

impl Lines {
    fn take(
        &self,
        head: Option<&Arc<Trusted>>,
        names: &Names,
        left: &mut Option<u64>,
    ) -> Result<ControlFlow<Exit>, Failure> {
        let Some(head) = head else {
            return Err(Failure::new(Exit::Error, "the light node has stopped"));
        };
        let event = HeadEvent::of(head, names);
        if self.json {
            output::json(&event)?;
        } else {
            output::lines(&event.line())?;
        }
        *left = left.map(|left| left.saturating_sub(1));
        Ok(if *left == Some(0) { ControlFlow::Break(Exit::Done) } else { ControlFlow::Continue(()) })
    }
}

impl HeadEvent {
    fn of(head: &Trusted, names: &Names) -> Self {
        let (header, tally) = (head.header().get(), head.tally());
        Self {
            schema: "qratum/event/v1",
            event: "head",
            height: header.height.0,
            block_id: head.id().to_string(),
            time_ms: header.time.0,
            age_ms: time::since(header.time, time::now()),
            signed: tally.signed,
            total: tally.total,
            signers: signers(head, names),
        }
    }

    fn line(&self) -> String {
        let Self { height, block_id, age_ms, signed, total, .. } = self;
        let names = self.signers.join(" ");
        format!("verified {height}  {block_id}  {age_ms} ms old  {signed}/{total} power: {names}")
    }
}
