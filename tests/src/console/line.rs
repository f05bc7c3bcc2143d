//! A line with a length: what is put in comes out later, in order.

use std::{
    sync::mpsc::{Sender, channel},
    thread,
    time::{Duration, Instant},
};

/// One end of it. What was put in comes out also after all ends are gone.
#[derive(Clone)]
pub(super) struct Line(Sender<(Instant, Vec<u8>)>);

impl Line {
    /// Hands on to `out`, and calls `end` after the last.
    pub(super) fn start(
        mut out: impl FnMut(&[u8]) + Send + 'static,
        end: impl FnOnce() + Send + 'static,
    ) -> Self {
        let (sender, put) = channel::<(Instant, Vec<u8>)>();
        thread::spawn(move || {
            for (due, bytes) in put {
                thread::sleep(due.saturating_duration_since(Instant::now()));
                out(&bytes);
            }
            end();
        });
        Self(sender)
    }

    /// Puts bytes in that need so long.
    pub(super) fn put(&self, delay: Duration, bytes: &[u8]) {
        let _ = self.0.send((Instant::now() + delay, bytes.to_vec()));
    }
}
