//! The terminal: taken over while the console runs, and given back however it ends.

use std::{
    env,
    io::{self, BufWriter, Stdout},
    mem::ManuallyDrop,
    panic,
};

use crossterm::{
    cursor::Show,
    execute,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use qratum_themes::{Colors, Glyphs, Theme};
use ratatui::{Frame, Terminal, backend::CrosstermBackend};

use crate::exit::{Exit, Failure};

/// The terminal while it is ours. Dropped, it is as it was before.
pub(crate) struct Guard {
    /// Never dropped: ratatui's drop prints its errors, and panics when the terminal is gone, as
    /// after a hang-up. What it would do, [`restore`] does.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<BufWriter<Stdout>>>>,
}

impl Guard {
    /// Takes the terminal over.
    pub(crate) fn open() -> io::Result<Self> {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            restore();
            before(info);
        }));
        // Made before the terminal is touched, so that any error from here on gives it back.
        let terminal = Terminal::new(CrosstermBackend::new(BufWriter::new(io::stdout())))?;
        let guard = Self { terminal: ManuallyDrop::new(terminal) };
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen)?;
        Ok(guard)
    }

    /// Draws what changed.
    pub(crate) fn draw(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(view).map(|_| ())
    }

    /// Draws everything anew, whatever the terminal shows.
    pub(crate) fn repaint(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.clear()?;
        self.draw(view)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

/// Errors are of no use here: the terminal may be gone.
fn restore() {
    let _ = disable_raw_mode();
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
}

/// The theme as the user's terminal wants it: `NO_COLOR` with any value turns colors off.
pub(crate) fn theme(ascii: bool) -> Result<Theme, Failure> {
    let glyphs = if ascii { Glyphs::Ascii } else { Glyphs::Unicode };
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colors = if no_color { Colors::Off } else { Colors::On };
    Theme::terminal16(glyphs, colors).map_err(|why| Failure::new(Exit::Error, why.to_string()))
}
