//! The terminal: taken over while the console runs, and given back however it ends.
//!
//! - [`Guard`] draws, and restores.
//! - [`Input`] reads keys and sizes.
//! - [`Shell`] hears when the shell stops the program and lets it go on.
//!
//! Writing never holds up the program: a frame is made only when the one before has arrived, so that a
//! terminal which reads slowly, or not at all, gets the newest picture next and no queue of old ones.

mod backend;
mod beside;
mod echo;
mod encoder;
mod input;
mod jobs;
mod keys;
mod look;
mod pen;
mod secret;
mod tty;
mod waiting;
mod writer;

#[cfg(test)]
mod tests;

use std::{io, panic, sync::Arc, time::Duration};

use qratum_themes::Glyphs;
use ratatui::{Frame, Terminal, layout::Size};
use tokio::time::{Instant, sleep_until};

use self::{backend::GuardBackend, beside::Beside, jobs::Job, tty::Screen};

pub(crate) use self::{
    echo::Echo,
    input::Input,
    jobs::{Shell, suspend},
    look::{theme, theme_folder, themes},
    secret::{Entry, Outcome, Told, characters, read_secret},
};
use crate::model::Public;

/// The least time between two frames: 30 in a second.
const FRAME: Duration = Duration::from_millis(33);
/// The same for what is not urgent: what comes by itself comes in bursts, a head with its votes and
/// the claims of all peers.
const BURST: Duration = Duration::from_millis(250);

/// The terminal while it is ours. Dropped, it is as it was before.
pub(crate) struct Guard {
    terminal: Terminal<GuardBackend>,
    screen: Arc<Screen>,
    beside: Beside,
    /// When the last frame was drawn.
    last: Option<Instant>,
}

impl Guard {
    /// Takes the terminal over, whose answers come to `echo`.
    pub(crate) fn open(glyphs: Glyphs, echo: Arc<Echo>) -> io::Result<Self> {
        let screen = Arc::new(Screen::new(echo)?);
        let in_panic = Arc::clone(&screen);
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            in_panic.restore();
            before(info);
        }));
        let terminal = Terminal::new(GuardBackend::new(glyphs, screen.size()?))?;
        let guard = Self { terminal, screen, beside: Beside::default(), last: None };
        guard.screen.take_over()?;
        Ok(guard)
    }

    /// Waits until a frame can be drawn: the one before has arrived, and is some time ago. What is
    /// urgent does not wait for a small one to arrive. Losing the race against another event loses
    /// nothing.
    ///
    /// # Errors
    /// When the terminal takes nothing any more.
    pub(crate) async fn ready(&self, urgent: bool) -> io::Result<()> {
        self.screen.writer.free().await?;
        while !self.screen.echo.room(urgent).await {
            self.screen.submit(Vec::new());
            self.screen.writer.free().await?;
        }
        let least = if urgent { FRAME } else { BURST };
        if let Some(next) = self.last.and_then(|last| last.checked_add(least)) {
            sleep_until(next).await;
        }
        Ok(())
    }

    /// Draws what changed. Does nothing before the last frame has left, nor while the terminal is not
    /// ours.
    pub(crate) fn draw(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        if !self.screen.is_ours() || !self.screen.writer.is_free()? {
            return Ok(());
        }
        self.terminal.backend_mut().resize(self.screen.size()?);
        self.terminal.draw(view)?;
        let frame = self.terminal.backend_mut().take().unwrap_or_default();
        let frame = [frame, self.beside.take()].concat();
        if !frame.is_empty() {
            self.screen.submit(frame);
            self.last = Some(Instant::now());
        }
        Ok(())
    }

    /// Forgets what the terminal shows, so that the next frame draws all of it.
    pub(crate) fn repaint(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// Rings with the next frame.
    pub(crate) const fn ring(&mut self) {
        self.beside.ring();
    }

    /// Hands a public value to the terminal's clipboard with the next frame. Whether it takes it is never
    /// told: nothing is ever read from a clipboard.
    pub(crate) fn copy(&mut self, value: Public) {
        self.beside.copy(value);
    }

    /// Columns and rows.
    pub(crate) fn size(&self) -> io::Result<Size> {
        self.screen.size()
    }

    /// Does what the shell asks for: gives the terminal back and stops, or takes it over again,
    /// whatever became of it in between.
    pub(crate) fn follow(&mut self, job: Job) -> io::Result<()> {
        match job {
            Job::Suspend => {
                self.screen.restore();
                jobs::stop()
            }
            Job::Resume => {
                self.screen.take_over()?;
                self.terminal.backend_mut().forget();
                self.repaint()
            }
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.screen.restore();
    }
}
