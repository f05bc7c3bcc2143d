//! What was typed, and how large is the window now?
//!
//! A thread waits for the keys, because only it may be held up by half a key. It ends with [`Input`],
//! or with the terminal, which is the end of the input.

use std::{
    fs::File,
    io::{self, PipeReader, PipeWriter, Read, pipe},
    sync::Arc,
    thread::{self, JoinHandle},
};

use crossterm::event::Event;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc::{Receiver, Sender, channel},
};

use super::{
    echo::Echo,
    keys::{Keys, Typed},
    secret::{self, Asked, Entry, Typing},
    tty,
    waiting::{LONG_PAUSE, PAUSE, Ready, is_passing, wait},
};

/// How many keys may wait to be acted on; the terminal keeps the rest.
const WAITING: usize = 64;
/// The longest secret in bytes: that of a PIN (CTAP 2.1, 6.5.1).
const MOST_SECRET: usize = 63;
/// Keys, pasted texts, and changes of the window's size.
#[derive(Debug)]
pub(crate) struct Input {
    keys: Receiver<Event>,
    sizes: Signal,
    echo: Arc<Echo>,
    running: Option<Running>,
}

/// The thread that reads.
#[derive(Debug)]
struct Running {
    /// Closed, it ends the thread.
    ending: PipeWriter,
    /// What it gives back then.
    thread: JoinHandle<Source>,
}

/// What keys come from: the terminal, and what came so far of a key.
#[derive(Debug)]
struct Source {
    terminal: File,
    keys: Keys,
}

impl Input {
    /// Starts to read.
    pub(crate) fn open() -> io::Result<Self> {
        Self::of(File::from(tty::input()?))
    }

    fn of(terminal: File) -> io::Result<Self> {
        let sizes = signal(SignalKind::window_change())?;
        let (_, keys) = channel(WAITING);
        let mut input = Self { keys, sizes, echo: Arc::new(Echo::new()), running: None };
        input.start(Source { terminal, keys: Keys::default() }, None)?;
        Ok(input)
    }

    /// Reads from now on: a secret first, where one is asked for.
    fn start(&mut self, mut source: Source, asked: Option<Asked>) -> io::Result<()> {
        let (ended, ending) = pipe()?;
        let (sender, keys) = channel(WAITING);
        self.keys = keys;
        let echo = Arc::clone(&self.echo);
        let work = move || {
            if let Some(asked) = asked {
                source.secret(&ended, asked, &echo);
            }
            source.read(&ended, (&sender, &echo));
            source
        };
        let thread = thread::Builder::new().name("keys".to_owned()).spawn(work)?;
        self.running = Some(Running { ending, thread });
        Ok(())
    }

    /// What the terminal answers.
    pub(crate) fn echo(&self) -> Arc<Echo> {
        Arc::clone(&self.echo)
    }

    /// Stops reading keys, and has a secret typed; until that is over, or dropped, there are no keys.
    /// What was pressed before and not acted on is forgotten.
    ///
    /// # Errors
    /// There is no thread, or the terminal is gone.
    pub(crate) fn secret(&mut self) -> io::Result<Entry> {
        let (entry, asked) = Entry::new()?;
        // Whoever reads may wait for room in the old channel.
        (_, self.keys) = channel(WAITING);
        let Running { ending, thread } = self.running.take().ok_or(io::ErrorKind::NotConnected)?;
        drop(ending);
        let source = thread.join().map_err(|_| io::ErrorKind::NotConnected)?;
        self.start(source, Some(asked))?;
        Ok(entry)
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

impl Source {
    /// Has a secret typed.
    fn secret(&mut self, ended: &PipeReader, asked: Asked, echo: &Echo) {
        let Asked { characters, outcome, wanted } = asked;
        let mut typing = Typing {
            source: &mut self.terminal,
            keys: &mut self.keys,
            echo: Some(echo),
            ends: &[ended, &wanted],
        };
        let typed = secret::read(&mut typing, MOST_SECRET, |count| {
            characters.send_replace(count);
        });
        // Nobody may want it any more; it is wiped then.
        drop(outcome.send(typed));
    }

    /// Reads until the terminal, or whoever wants the keys, is gone.
    fn read(&mut self, ended: &PipeReader, (sender, echo): (&Sender<Event>, &Echo)) {
        let mut bytes = [0; 1024];
        loop {
            let pause = if echo.is_open() { LONG_PAUSE } else { PAUSE };
            let found: Vec<Typed> = match wait(&self.terminal, &[ended], self.keys.patience(pause)) {
                Ok(Ready::Bytes) => match self.terminal.read(&mut bytes) {
                    Ok(count @ 1..) => {
                        bytes.iter().take(count).filter_map(|byte| self.keys.byte(*byte)).collect()
                    }
                    Err(error) if is_passing(error.kind()) => continue,
                    Ok(_) | Err(_) => return,
                },
                Ok(Ready::Nothing) => self.keys.pause().map(Typed::Key).into_iter().collect(),
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
                if sender.blocking_send(event).is_err() {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, os::fd::OwnedFd};

    use crossterm::event::KeyCode;

    use super::{
        super::secret::{Outcome, Told},
        *,
    };

    fn opened() -> (Input, PipeWriter) {
        let (source, terminal) = pipe().unwrap();
        (Input::of(File::from(OwnedFd::from(source))).unwrap(), terminal)
    }

    async fn key(input: &mut Input) -> KeyCode {
        match input.next().await {
            Some(Event::Key(key)) => key.code,
            other => panic!("{other:?}"),
        }
    }

    async fn over(entry: &mut Entry) -> (usize, Outcome) {
        let mut last = 0;
        loop {
            match entry.next().await {
                Told::Characters(count) => last = count,
                Told::Over(outcome) => return (last, outcome),
            }
        }
    }

    #[tokio::test]
    async fn keys_stop_for_a_secret_and_go_on_behind_it() {
        let (mut input, mut terminal) = opened();
        terminal.write_all(b"a").unwrap();
        assert_eq!(key(&mut input).await, KeyCode::Char('a'));
        for round in 0..20 {
            // More than may wait, so that the thread may be held up.
            terminal.write_all(&[b'x'; 2 * WAITING]).unwrap();
            key(&mut input).await;
            let mut entry = input.secret().unwrap();
            terminal.write_all(b"\x15123\rb").unwrap();
            match over(&mut entry).await {
                (_, Outcome::Typed(typed)) => assert_eq!(typed.len(), 3, "round {round}"),
                // The line was full of what came before.
                (_, Outcome::Refused(_)) => {}
                other => panic!("{other:?}"),
            }
            while key(&mut input).await != KeyCode::Char('b') {}
        }
    }

    #[tokio::test]
    async fn a_secret_that_nobody_wants_any_more_ends_and_keys_act_again() {
        let (mut input, mut terminal) = opened();
        let entry = input.secret().unwrap();
        drop(entry);
        terminal.write_all(b"b").unwrap();
        assert_eq!(key(&mut input).await, KeyCode::Char('b'));
        let mut entry = input.secret().unwrap();
        terminal.write_all(b"12\x1b").unwrap();
        assert!(matches!(over(&mut entry).await, (2, Outcome::GaveUp)));
    }

    #[tokio::test]
    async fn a_terminal_that_goes_ends_a_secret_and_the_keys() {
        let (mut input, terminal) = opened();
        let mut entry = input.secret().unwrap();
        drop(terminal);
        assert!(matches!(over(&mut entry).await, (0, Outcome::Gone)));
        assert!(input.next().await.is_none());
    }
}
