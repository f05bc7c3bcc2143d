//! A passphrase or a PIN is typed on the terminal of a command, unseen, straight into locked memory. It
//! comes by no argument, variable, pipe or file.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    process,
    sync::{Mutex, MutexGuard, Once, PoisonError},
    thread,
};

use qratum_metal::secret::LockedBytes;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::{
    exit::{Exit, Failure},
    signals::Signals,
    terminal::{Outcome, characters, read_secret},
};

/// The longest passphrase in bytes.
const MOST: usize = 1024;

/// The terminal with its echo off, which comes back with its end, also by a signal.
struct Unseen {
    terminal: File,
}

/// What the terminal that is unseen now was before.
static BEFORE: Mutex<Option<(File, Termios)>> = Mutex::new(None);

impl Unseen {
    fn new() -> io::Result<Self> {
        let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&terminal)?;
        let mut unseen = before.clone();
        // Without its signals too: Ctrl-C is a key here.
        unseen.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        give_back_at_signals()?;
        *held() = Some((terminal.try_clone()?, before));
        tcsetattr(&terminal, OptionalActions::Flush, &unseen)?;
        Ok(Self { terminal })
    }

    /// One line; none where the user gave up.
    fn line(&mut self, prompt: &str) -> Result<Option<LockedBytes>, Failure> {
        let failed = |why: io::Error| Failure::io("the terminal", &why);
        self.terminal.write_all(prompt.as_bytes()).map_err(failed)?;
        let typed = read_secret(&mut self.terminal, MOST);
        self.terminal.write_all(b"\r\n").map_err(failed)?;
        match typed {
            Outcome::Typed(typed) => Ok(Some(typed)),
            Outcome::GaveUp => Ok(None),
            Outcome::Gone => Err(Failure::new(Exit::Error, format!("the terminal is gone\n{NOTHING}"))),
            Outcome::Refused(why) => Err(Failure::new(Exit::Usage, format!("{why}\n{NOTHING}"))),
        }
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        give_back();
    }
}

fn held() -> MutexGuard<'static, Option<(File, Termios)>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sets the terminal as it was.
fn give_back() {
    if let Some((terminal, before)) = held().take() {
        let _ = tcsetattr(&terminal, OptionalActions::Flush, &before);
    }
}

/// From the first call on, a signal that ends the program gives the terminal back first: the shell that has
/// it next would show nothing of what is typed.
fn give_back_at_signals() -> io::Result<()> {
    static ONCE: Once = Once::new();
    let mut started = Ok(());
    ONCE.call_once(|| started = start());
    started
}

fn start() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let mut signals = {
        let _inside = runtime.enter();
        Signals::listen()?
    };
    let wait = move || {
        runtime.block_on(signals.recv());
        give_back();
        process::exit(Exit::Error as i32);
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop)
}

/// The passphrase that the user types.
pub(crate) fn ask(prompt: &str) -> Result<LockedBytes, Failure> {
    typed(&mut open()?, prompt)
}

/// A new passphrase of at least so many characters, typed twice.
pub(crate) fn choose(least: usize) -> Result<LockedBytes, Failure> {
    let mut terminal = open()?;
    let first = typed(&mut terminal, &format!("New passphrase, at least {least} characters: "))?;
    if characters(&first) < least {
        return Err(Failure::new(
            Exit::Usage,
            format!("a passphrase has at least {least} characters\n{NOTHING}"),
        ));
    }
    let second = typed(&mut terminal, "The same again: ")?;
    if first.ct_eq(&second) {
        Ok(first)
    } else {
        Err(Failure::new(Exit::Usage, format!("the two differ\n{NOTHING}")))
    }
}

const NOTHING: &str = "Nothing was made or signed";

fn open() -> Result<Unseen, Failure> {
    Unseen::new().map_err(|why| {
        let text = format!("a passphrase is typed on a terminal, and there is none: {why}\n{NOTHING}");
        Failure::new(Exit::Usage, text)
    })
}

fn typed(terminal: &mut Unseen, prompt: &str) -> Result<LockedBytes, Failure> {
    let line = terminal.line(prompt)?;
    line.ok_or_else(|| Failure::new(Exit::Usage, NOTHING))
}
