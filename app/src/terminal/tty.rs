//! Which settings had the terminal? Kept, changed for the console, and put back.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ratatui::layout::Size;
use rustix::{
    event::{PollFd, PollFlags, poll},
    termios::{OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcgetwinsize, tcsetattr},
};

use super::{echo::Echo, writer::Writer};

/// The alternate screen, without a cursor, empty; what is pasted comes as such.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[m\x1b[2J";
/// Out of a frame that was cut, plain, the cursor, pastes as keys, the main screen.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[m\x1b[?2004l\x1b[?25h\x1b[?1049l";
/// How long a terminal may take for what is on its way to it, before that is thrown away.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long it may take for its last answer, which would come to whoever has the terminal next.
const ANSWER: Duration = Duration::from_secs(1);

/// The terminal, and the only way to it.
pub(super) struct Screen {
    pub(super) writer: Writer,
    pub(super) echo: Arc<Echo>,
    output: File,
    before: Termios,
    ours: Mutex<bool>,
}

impl Screen {
    /// Looks at the terminal and changes nothing.
    pub(super) fn new(echo: Arc<Echo>) -> io::Result<Self> {
        let output = output()?;
        let before = tcgetattr(&output)?;
        let writer = Writer::start(Output(output.try_clone()?))?;
        Ok(Self { writer, echo, output, before, ours: Mutex::new(false) })
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> io::Result<Size> {
        let size = tcgetwinsize(&self.output)?;
        Ok(Size { width: size.ws_col, height: size.ws_row })
    }

    pub(super) fn is_ours(&self) -> bool {
        *self.ours()
    }

    /// Sets the terminal up for the console, whatever it is set to now.
    pub(super) fn take_over(&self) -> io::Result<()> {
        let mut raw = self.before.clone();
        raw.make_raw();
        let mut ours = self.ours();
        tcsetattr(&self.output, OptionalActions::Now, &raw)?;
        *ours = true;
        self.echo.forget();
        self.submit(ENTER.to_vec());
        Ok(())
    }

    /// Writes a frame next.
    pub(super) fn submit(&self, frame: Vec<u8>) {
        self.writer.submit(self.echo.ask(frame));
    }

    /// Gives it back as it was. A terminal that does not read loses what it has not read yet, so
    /// that this comes to it first when it reads again. Errors are of no use: it may be gone.
    pub(super) fn restore(&self) {
        let mut ours = self.ours();
        if !*ours {
            return;
        }
        *ours = false;
        self.echo.unsent(&self.writer.withdraw());
        self.writer.submit(LEAVE.to_vec());
        if self.writer.wait(PATIENCE) {
            // One that is gone answers nothing.
            if self.writer.is_free().is_ok() {
                self.echo.wait(ANSWER);
            }
        } else {
            let _ = tcflush(&self.output, QueueSelector::OFlush);
            self.writer.wait(PATIENCE);
        }
        let _ = tcsetattr(&self.output, OptionalActions::Now, &self.before);
    }

    fn ours(&self) -> MutexGuard<'_, bool> {
        self.ours.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A terminal that is waited for, even where somebody has set it not to be.
struct Output(File);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    poll(&mut [PollFd::new(&self.0, PollFlags::OUT)], None)?;
                }
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Standard output, of which the caller has seen that it is a terminal.
fn output() -> io::Result<File> {
    io::stdout().as_fd().try_clone_to_owned().map(File::from)
}

/// Where keys come from: standard input, or the terminal that controls the program.
pub(super) fn input() -> io::Result<OwnedFd> {
    if io::stdin().is_terminal() {
        return io::stdin().as_fd().try_clone_to_owned();
    }
    File::open("/dev/tty").map(OwnedFd::from)
}
