//! `qratum demo`: a network of separate processes on this machine, and the console on it.

use std::{io::IsTerminal, path::PathBuf, sync::Arc};

use qratum_light_node::{LightNode, Names, Snapshot, State};
use qratum_verifier::Trusted;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{
    event::{HeadEvent, StateEvent},
    network::{block_on, start_failure},
};
use crate::{
    cli::DemoArgs,
    demo::{DemoHome, Network},
    exit::{Exit, Failure},
    home::Home,
    model::{Model, Notice, head_of},
    output, runtime,
    signals::Signals,
    terminal,
};

/// Starts the network and follows it, on screen or line by line.
pub(crate) fn run(home: Option<PathBuf>, args: &DemoArgs, json: bool, ascii: bool) -> Result<Exit, Failure> {
    let headless = args.headless || args.heads.is_some() || json || !std::io::stdout().is_terminal();
    block_on(async {
        // From here on a signal ends the program in order: a home that was made is removed.
        let signals = Signals::listen().map_err(|error| Failure::io("signals", &error))?;
        let mut demo = DemoHome::prepare(home, args.validators)?;
        let mut network = Network::start(&demo.home).await?;
        let ended = if headless {
            let left = args.heads.map(std::num::NonZeroU64::get);
            follow(&demo, &mut network, signals, Lines { json, left, told: State::Loading }).await
        } else {
            open(&demo, &mut network, signals, ascii).await
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
    ascii: bool,
) -> Result<Exit, Failure> {
    let config = demo.home.config()?;
    let mut model = Model::new(&config.genesis, &demo.home, terminal::theme(ascii)?)?;
    if let Some(note) = &demo.note {
        model.notify(Notice::of(note.clone()));
    }
    let node = LightNode::start(config).await.map_err(|error| start_failure(&error))?;
    let ended = runtime::run(model, &node, Some(network), signals).await;
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
    let ended = lines.print(&node, network, signals).await;
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

/// How events are printed, and how many.
struct Lines {
    json: bool,
    /// Heads until the end; none where there is no end.
    left: Option<u64>,
    /// The state that was printed last.
    told: State,
}

impl Lines {
    /// Prints what happens until the last head, a signal or an error.
    async fn print(
        mut self,
        node: &LightNode,
        network: &mut Network,
        mut signals: Signals,
    ) -> Result<Exit, Failure> {
        let stopped = || Failure::new(Exit::Error, "the light node has stopped");
        let (mut heads, mut snapshots) = (node.heads(), node.snapshots());
        snapshots.mark_changed();
        let names = snapshots.borrow().names.clone();
        loop {
            tokio::select! {
                biased;
                () = signals.recv() => return Ok(Exit::Done),
                ended = network.next_ended(), if !network.is_over() => {
                    if let Some(ended) = ended {
                        output::complain(&ended.to_string());
                    }
                    if network.is_over() {
                        return Err(Failure::new(Exit::Error, "no validator is left"));
                    }
                }
                head = next(&mut heads) => {
                    let head = head.ok_or_else(stopped)?;
                    self.head(&head, &names)?;
                    if self.left == Some(0) {
                        return Ok(Exit::Done);
                    }
                }
                changed = snapshots.changed() => {
                    changed.map_err(|_| stopped())?;
                    let snapshot = snapshots.borrow_and_update().clone();
                    self.state(&snapshot)?;
                }
            }
        }
    }

    fn head(&mut self, head: &Trusted, names: &Names) -> Result<(), Failure> {
        let event = HeadEvent::of(head, names);
        if self.json {
            output::json(&event)?;
        } else {
            output::lines(&event.line())?;
        }
        self.left = self.left.map(|left| left.saturating_sub(1));
        Ok(())
    }

    /// A state that lasts is told once; live only with a head, for a young genesis looks it too.
    fn state(&mut self, snapshot: &Snapshot) -> Result<(), Failure> {
        let too_early = snapshot.state == State::Live && head_of(snapshot).is_none();
        if snapshot.state == self.told || too_early {
            return Ok(());
        }
        self.told = snapshot.state;
        let event = StateEvent::of(snapshot);
        if self.json {
            output::json(&event)?;
        } else {
            output::lines(&event.line())?;
        }
        Ok(())
    }
}
