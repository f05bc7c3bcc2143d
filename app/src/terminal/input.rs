//! What was typed, and how large is the window now?
//!
//! A thread waits for the keys, because only it may be held up by half a key. It ends with [`Input`],
//! or with the terminal, which is the end of the input.

use std::{
    fs::File,
    io::{self, PipeWriter, Read, pipe},
    os::fd::AsFd,
    sync::Arc,
    thread,
    time::Duration,
};

use crossterm::event::Event;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::retry_on_intr,
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc::{Receiver, Sender, channel},
};

use super::{
    echo::Echo,
    keys::{Keys, Typed},
    tty,
};

/// How many keys may wait to be acted on; the terminal keeps the rest.
const WAITING: usize = 64;
/// How long the rest of a key may take: after an ESC alone, the key of that name was pressed.
const PAUSE: Duration = Duration::from_millis(50);
/// The same while the terminal owes an answer, which begins with an ESC too: its rest must never
/// be taken for keys.
const LONG_PAUSE: Duration = Duration::from_secs(1);

/// Keys, pasted texts, and changes of the window's size.
#[derive(Debug)]
pub(crate) struct Input {
    keys: Receiver<Event>,
    sizes: Signal,
    echo: Arc<Echo>,
    /// Closed, it ends the thread.
    _running: PipeWriter,
}

impl Input {
    /// Starts to read.
    pub(crate) fn open() -> io::Result<Self> {
        let source = File::from(tty::input()?);
        let (ending, running) = pipe()?;
        let (sender, keys) = channel(WAITING);
        let sizes = signal(SignalKind::window_change())?;
        let echo = Arc::new(Echo::new());
        let heard = Arc::clone(&echo);
        let work = move || read(source, &ending, (&sender, &heard));
        thread::Builder::new().name("keys".to_owned()).spawn(work)?;
        Ok(Self { keys, sizes, echo, _running: running })
    }

    /// What the terminal answers.
    pub(crate) fn echo(&self) -> Arc<Echo> {
        Arc::clone(&self.echo)
    }

    /// The next event; none when the terminal is gone. Losing the race against another event loses
    /// nothing.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        tokio::select! {
            biased;
            event = self.keys.recv() => event,
            _ = self.sizes.recv() => {
                let (width, height) = crossterm::terminal::size().unwrap_or_default();
                Some(Event::Resize(width, height))
            }
        }
    }
}

/// Reads until the terminal, or whoever wants the keys, is gone.
fn read(mut source: File, ending: &impl AsFd, (keys, echo): (&Sender<Event>, &Echo)) {
    let mut parser = Keys::default();
    let mut bytes = [0; 1024];
    loop {
        let pause = if echo.is_open() { LONG_PAUSE } else { PAUSE };
        let found: Vec<Typed> = match wait(&source, ending, parser.patience(pause)) {
            Ok(Ready::Bytes) => match source.read(&mut bytes) {
                Ok(count @ 1..) => bytes.iter().take(count).filter_map(|byte| parser.byte(*byte)).collect(),
                Err(error) if is_passing(error.kind()) => continue,
                Ok(_) | Err(_) => return,
            },
            Ok(Ready::Nothing) => parser.pause().map(Typed::Key).into_iter().collect(),
            Ok(Ready::End) | Err(_) => return,
        };
        for typed in found {
            let event = match typed {
                Typed::Well => {
                    echo.answer();
                    continue;
                }
                Typed::Key(key) => Event::Key(key),
                Typed::Paste(text) => Event::Paste(text),
            };
            echo.press();
            if keys.blocking_send(event).is_err() {
                return;
            }
        }
    }
}

const fn is_passing(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

enum Ready {
    Bytes,
    Nothing,
    End,
}

fn wait(source: &File, ending: &impl AsFd, patience: Option<Duration>) -> io::Result<Ready> {
    let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
    let mut ends = [PollFd::new(source, PollFlags::IN), PollFd::new(ending, PollFlags::IN)];
    let ready = retry_on_intr(|| poll(&mut ends, patience.as_ref()))?;
    if ready == 0 {
        return Ok(Ready::Nothing);
    }
    let [keys, ending] = ends.map(|end| !end.revents().is_empty());
    Ok(match (ending, keys) {
        (true, _) => Ready::End,
        (false, true) => Ready::Bytes,
        (false, false) => Ready::Nothing,
    })
}
