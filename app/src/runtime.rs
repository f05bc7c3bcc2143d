//! The loop of the console: waits for whatever comes first, updates the model, draws what changed.

use std::{future::Future, io, pin::Pin, time::Duration};

use crossterm::event::{Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use futures::{StreamExt, stream::FuturesUnordered};
use qratum_chain::types::Height;
use qratum_light_node::{LightNode, Snapshot};
use tokio::{
    sync::watch,
    time::{Interval, MissedTickBehavior, interval},
};

use crate::{
    demo::Network,
    exit::Failure,
    model::{Model, Notice},
    screen,
    signals::Signals,
    terminal::Guard,
    time,
    update::{Effect, Key, Msg, update},
};

type Proofs<'a> = FuturesUnordered<Pin<Box<dyn Future<Output = Msg> + 'a>>>;

/// Everything that events come from.
struct Sources<'a> {
    signals: Signals,
    keys: EventStream,
    snapshots: watch::Receiver<std::sync::Arc<Snapshot>>,
    network: Option<&'a mut Network>,
    proofs: Proofs<'a>,
    seconds: Interval,
}

/// Runs the console until the user, a signal or the terminal ends it.
pub(crate) async fn run<'a>(
    mut model: Model,
    node: &'a LightNode,
    network: Option<&'a mut Network>,
    signals: Signals,
) -> Result<(), Failure> {
    let terminal = |error: io::Error| Failure::io("terminal", &error);
    let mut guard = Guard::open().map_err(terminal)?;
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut snapshots = node.snapshots();
    snapshots.mark_changed();
    let (keys, proofs) = (EventStream::new(), FuturesUnordered::new());
    let mut sources = Sources { signals, keys, snapshots, network, proofs, seconds };
    guard.draw(|frame| screen::view(&model, frame)).map_err(terminal)?;
    while let Some(msg) = sources.next().await {
        let step = update(&mut model, msg);
        match step.effect {
            Some(Effect::Quit) => break,
            Some(Effect::Prove(height)) => sources.proofs.push(Box::pin(prove(node, height))),
            None => {}
        }
        if step.redraw {
            guard.draw(|frame| screen::view(&model, frame)).map_err(terminal)?;
        }
    }
    Ok(())
}

async fn prove(node: &LightNode, height: Height) -> Msg {
    Msg::Proof(height, Box::new(node.header(height).await))
}

impl Sources<'_> {
    /// The next message; none when the program is to end.
    async fn next(&mut self) -> Option<Msg> {
        loop {
            tokio::select! {
                biased;
                () = self.signals.recv() => return None,
                event = self.keys.next() => match event {
                    Some(Ok(event)) => if let Some(msg) = read(&event) { return Some(msg) },
                    // The terminal is gone.
                    Some(Err(_)) | None => return None,
                },
                ended = ended(&mut self.network) => return Some(Msg::Notice(ended)),
                Some(msg) = self.proofs.next(), if !self.proofs.is_empty() => return Some(msg),
                changed = self.snapshots.changed() => {
                    changed.ok()?;
                    let snapshot = self.snapshots.borrow_and_update().clone();
                    return Some(Msg::Snapshot(snapshot, time::now()));
                }
                _ = self.seconds.tick() => return Some(Msg::Tick(time::now())),
            }
        }
    }
}

/// The next validator of the demo that ends unasked; never, where there is none.
async fn ended(network: &mut Option<&mut Network>) -> Notice {
    loop {
        match network {
            Some(network) if !network.is_over() => {
                if let Some(ended) = network.next_ended().await {
                    let text = ended.to_string();
                    return Notice::ended(ended.name, text);
                }
            }
            _ => std::future::pending::<()>().await,
        }
    }
}

fn read(event: &Event) -> Option<Msg> {
    match event {
        Event::Resize(..) => Some(Msg::Resized),
        Event::Key(key) if key.kind == KeyEventKind::Press => meaning(*key).map(Msg::Key),
        _ => None,
    }
}

/// In raw mode Ctrl-C is a key like any other: it quits from everywhere, as a signal would.
fn meaning(key: KeyEvent) -> Option<Key> {
    match (key.code, key.modifiers) {
        (KeyCode::Char('c'), KeyModifiers::CONTROL) => Some(Key::Abort),
        (KeyCode::Char('q'), KeyModifiers::NONE) => Some(Key::Quit),
        (KeyCode::Char('e'), KeyModifiers::NONE) => Some(Key::Proof),
        (KeyCode::Esc, _) => Some(Key::Back),
        _ => None,
    }
}
