//! Is the program to stop for a while? As a shell asks it to, and lets it go on.

use std::io;

use rustix::process::{Signal as Number, getpid, kill_current_process_group, kill_process};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a shell asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// Give the terminal back and stop.
    Suspend,
    /// Take it over again.
    Resume,
}

/// The signals of job control. From its making on, SIGTSTP no longer stops the program by itself.
#[derive(Debug)]
pub(crate) struct Shell {
    suspend: Signal,
    resume: Signal,
}

impl Shell {
    /// Listens, on the current runtime.
    pub(crate) fn listen() -> io::Result<Self> {
        let listen = |number: Number| signal(SignalKind::from_raw(number.as_raw()));
        Ok(Self { suspend: listen(Number::TSTP)?, resume: listen(Number::CONT)? })
    }

    /// Waits for one. Losing the race against another event loses no signal.
    pub(crate) async fn next(&mut self) -> Job {
        tokio::select! {
            _ = self.suspend.recv() => Job::Suspend,
            _ = self.resume.recv() => Job::Resume,
        }
    }
}

/// Asks this program to suspend, as a shell would.
pub(crate) fn suspend() -> io::Result<()> {
    Ok(kill_process(getpid(), Number::TSTP)?)
}

/// Stops the program and all that the shell started with it, such as the `make` around it: a shell
/// waits for all of them. The validators of a demo have a group of their own and go on.
pub(super) fn stop() -> io::Result<()> {
    Ok(kill_current_process_group(Number::STOP)?)
}
