//! Who waits for a slow terminal? A thread of its own; never the program.
//!
//! There is one frame at a time: until it has left, none is taken.

use std::{
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tokio::sync::Notify;

pub(super) struct Writer(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    free: Notify,
}

#[derive(Default)]
struct State {
    /// What is to be written next.
    waiting: Option<Vec<u8>>,
    /// Whether a write has not returned yet.
    writing: bool,
    /// Why the terminal takes nothing any more.
    broken: Option<io::ErrorKind>,
}

impl State {
    const fn is_idle(&self) -> bool {
        self.waiting.is_none() && !self.writing
    }
}

impl Shared {
    /// For as long as the program runs.
    fn write(&self, mut out: impl Write) {
        loop {
            let written = out.write_all(&self.next());
            let mut state = self.state();
            state.writing = false;
            if let Err(error) = written {
                state.broken = Some(error.kind());
            }
            drop(state);
            self.changed.notify_all();
            self.free.notify_waiters();
        }
    }

    /// Waits for a frame.
    fn next(&self) -> Vec<u8> {
        loop {
            let nothing = |state: &mut State| state.waiting.is_none();
            let state = self.changed.wait_while(self.state(), nothing);
            let mut state = state.unwrap_or_else(PoisonError::into_inner);
            if let Some(frame) = state.waiting.take() {
                state.writing = true;
                return frame;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    /// Writes to `out`, each frame in one piece.
    pub(super) fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Shared { state: Mutex::default(), changed: Condvar::new(), free: Notify::new() };
        let shared = Arc::new(shared);
        let own = Arc::clone(&shared);
        thread::Builder::new().name("terminal".to_owned()).spawn(move || own.write(out))?;
        Ok(Self(shared))
    }

    /// Whether a frame would be written at once.
    ///
    /// # Errors
    /// When the terminal takes nothing any more.
    pub(super) fn is_free(&self) -> io::Result<bool> {
        let state = self.0.state();
        state.broken.map_or_else(|| Ok(state.is_idle()), |kind| Err(kind.into()))
    }

    /// Waits until that is so.
    ///
    /// # Errors
    /// The same.
    pub(super) async fn free(&self) -> io::Result<()> {
        loop {
            // Registered before the look, so that nothing that happens between is missed.
            let freed = self.0.free.notified();
            if self.is_free()? {
                return Ok(());
            }
            freed.await;
        }
    }

    /// Writes a frame next. One that still waits is put behind, never lost: what came first was
    /// drawn upon.
    pub(super) fn submit(&self, frame: Vec<u8>) {
        self.0.state().waiting.get_or_insert_default().extend(frame);
        self.0.changed.notify_all();
    }

    /// Takes back what waits, of which nothing was written.
    pub(super) fn withdraw(&self) -> Vec<u8> {
        self.0.state().waiting.take().unwrap_or_default()
    }

    /// Waits until everything has left; whether it has.
    pub(super) fn wait(&self, within: Duration) -> bool {
        let busy = |state: &mut State| !state.is_idle() && state.broken.is_none();
        let waited = self.0.changed.wait_timeout_while(self.0.state(), within, busy);
        let (_state, late) = waited.unwrap_or_else(PoisonError::into_inner);
        !late.timed_out()
    }
}
