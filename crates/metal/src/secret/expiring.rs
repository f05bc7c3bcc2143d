//! A secret with a deadline. One thread of the process, the reaper, sleeps until the nearest
//! deadline and wipes what is due, so that a secret ends on time even if nobody asks for it again.
//!
//! Why a thread and not the owner: an owner that hangs, waits for a device or forgets is exactly the
//! one that keeps a key too long. The clock is `CLOCK_BOOTTIME`: nobody can set it, and it goes on
//! while the machine sleeps, so a laptop that wakes wipes first. The reaper waits on a timer of the
//! kernel, since a condition variable would wait by a clock that stops in sleep.

use std::{
    error::Error,
    fmt,
    fs::File,
    io::{self, Read as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak},
    thread,
    time::Duration,
};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use crate::process::since_boot;

/// The time of a secret is up: it has been wiped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expired;

impl fmt::Display for Expired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time of this secret is up and it was wiped; make it again; nothing was signed")
    }
}

impl Error for Expired {}

/// A secret ([`Locked`](super::Locked) or [`LockedBytes`](super::LockedBytes)) that nobody can use at
/// or after its deadline, and that is wiped then. Dropping it wipes it earlier.
pub struct Expiring<S> {
    cell: Arc<Cell<S>>,
    deadline: Duration,
}

impl<S: Send + 'static> Expiring<S> {
    /// `secret` for the time `ttl` from now.
    ///
    /// # Errors
    /// The system gives no timer or no thread; the secret is wiped then.
    pub fn new(secret: S, ttl: Duration) -> io::Result<Expiring<S>> {
        let deadline = since_boot().saturating_add(ttl);
        let cell = Arc::new(Cell(Mutex::new(Some(secret))));
        let watched: Weak<Cell<S>> = Arc::downgrade(&cell);
        Reaper::of_process()?.watch(deadline, watched)?;
        Ok(Expiring { cell, deadline })
    }

    /// What `see` makes of the secret. It is not wiped while `see` runs: be brief, and wait for nothing.
    ///
    /// # Errors
    /// [`Expired`] at or after the deadline, and after [`Expiring::wipe`]; `see` is not called.
    pub fn with<R>(&self, see: impl FnOnce(&S) -> R) -> Result<R, Expired> {
        let mut secret = self.cell.lock();
        if since_boot() >= self.deadline {
            *secret = None;
        }
        secret.as_ref().map(see).ok_or(Expired)
    }

    /// Wipes the secret now.
    pub fn wipe(&self) {
        *self.cell.lock() = None;
    }

    /// The time left: zero once it is wiped.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        match *self.cell.lock() {
            Some(_) => self.deadline.saturating_sub(since_boot()),
            None => Duration::ZERO,
        }
    }
}

impl<S: fmt::Debug + Send + 'static> fmt::Debug for Expiring<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = self.remaining().as_secs();
        write!(f, "Expiring({:?}, {left} s left)", *self.cell.lock())
    }
}

struct Cell<S>(Mutex<Option<S>>);

impl<S> Cell<S> {
    /// A panic while the secret was in use leaves it as it is: it must still be wiped.
    fn lock(&self) -> MutexGuard<'_, Option<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the reaper knows of a secret.
trait Wipe: Send + Sync {
    /// Wipes the secret, unless it is in use.
    fn try_wipe(&self) -> bool;
}

impl<S: Send> Wipe for Cell<S> {
    fn try_wipe(&self) -> bool {
        let mut secret = match self.0.try_lock() {
            Ok(secret) => secret,
            Err(TryLockError::Poisoned(secret)) => secret.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        *secret = None;
        true
    }
}

/// How soon the reaper comes back to a secret that was in use when it was due.
const RETRY: Duration = Duration::from_millis(5);

/// A deadline, and whose it is. What was dropped before stays until then.
type Watched = (Duration, Weak<dyn Wipe>);

struct Reaper {
    timer: File,
    watched: Mutex<Vec<Watched>>,
}

impl Reaper {
    /// The reaper of this process, started at its first use.
    fn of_process() -> io::Result<Arc<Reaper>> {
        static REAPER: Mutex<Option<Arc<Reaper>>> = Mutex::new(None);
        let mut running = REAPER.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reaper) = &*running {
            return Ok(Arc::clone(reaper));
        }
        let timer = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC)?.into();
        let reaper = Arc::new(Reaper { timer, watched: Mutex::default() });
        let own = Arc::clone(&reaper);
        thread::Builder::new().name("reaper".to_owned()).spawn(move || own.run())?;
        Ok(Arc::clone(running.insert(reaper)))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, deadline: Duration, secret: Weak<dyn Wipe>) -> io::Result<()> {
        let mut watched = self.lock();
        watched.retain(|(_, secret)| secret.strong_count() > 0);
        watched.push((deadline, secret));
        self.arm(&watched)
    }

    /// Sets the timer to the nearest deadline. Who reads the timer already waits for the new one then.
    fn arm(&self, watched: &[Watched]) -> io::Result<()> {
        let nearest = watched.iter().map(|(deadline, _)| *deadline).min();
        // A timer that is set to zero is off.
        let it_value = nearest.unwrap_or_default().try_into().unwrap_or(Timespec::default());
        let once = Itimerspec { it_interval: Timespec::default(), it_value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &once)?;
        Ok(())
    }

    fn run(&self) {
        while (&self.timer).read_exact(&mut [0; 8]).is_ok() {
            self.reap(since_boot());
        }
    }

    /// Wipes what is due, and comes back soon to what is in use.
    fn reap(&self, now: Duration) {
        let mut watched = self.lock();
        for (deadline, secret) in watched.iter_mut().filter(|(deadline, _)| *deadline <= now) {
            if secret.upgrade().is_some_and(|secret| !secret.try_wipe()) {
                *deadline = now.saturating_add(RETRY);
            }
        }
        watched.retain(|(deadline, _)| *deadline > now);
        let _ = self.arm(&watched);
    }
}

#[cfg(test)]
mod tests;
