//! Waits for what is typed.

use std::{
    fs::File,
    io::{self, PipeReader},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::retry_on_intr,
};

/// How long the rest of a key may take: after an ESC alone, the key of that name was pressed.
pub(super) const PAUSE: Duration = Duration::from_millis(50);
/// The same while the terminal owes an answer, which begins with an ESC too: its rest must never
/// be taken for keys.
pub(super) const LONG_PAUSE: Duration = Duration::from_secs(1);

/// Whether an error says only that it is to be tried again.
pub(super) const fn is_passing(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// What is there to read.
pub(super) enum Ready {
    Bytes,
    Nothing,
    /// One of those that end it.
    End,
}

/// Waits for bytes at most so long, or until one of the pipes is closed.
pub(super) fn wait(source: &File, ends: &[&PipeReader], patience: Option<Duration>) -> io::Result<Ready> {
    let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
    let mut ready: Vec<PollFd<'_>> = ends.iter().map(|end| PollFd::new(*end, PollFlags::IN)).collect();
    ready.push(PollFd::new(source, PollFlags::IN));
    retry_on_intr(|| poll(&mut ready, patience.as_ref()))?;
    let is_ready = |fd: &PollFd<'_>| !fd.revents().is_empty();
    let (source, ends) = ready
        .split_last()
        .map_or((false, false), |(source, ends)| (is_ready(source), ends.iter().any(is_ready)));
    Ok(match (ends, source) {
        (true, _) => Ready::End,
        (false, true) => Ready::Bytes,
        (false, false) => Ready::Nothing,
    })
}
