//! Health tests of noise: SP 800-90B, section 4.4, with cutoffs that are computed (`cutoff`).
//!
//! Two streams are told apart. Of *raw* samples the tests say whether the source still is as good as
//! claimed. Of *conditioned* output (a CPU's generator, a TPM, the kernel) they only find a device
//! that is stuck: an output check, and no measurement of entropy.
//!
//! Two tiers, as false alarms of the first are certain to come (one in 2^30 samples): *intermittent*
//! starts the start-up test again, and what is read meanwhile is discarded; *permanent* (2^-60) ends
//! the source until somebody acknowledges it.

mod cutoff;

use core::fmt;

pub use cutoff::{Cutoffs, Entropy, Window};

/// False alarms of the intermittent tier: 2^-30 for each sample.
pub const INTERMITTENT: u32 = 30;
/// False alarms of the permanent tier: 2^-60.
pub const PERMANENT: u32 = 60;
/// How many raw samples in a row must pass before one is used.
pub const STARTUP: u32 = 1024;
/// How many words of conditioned output must pass before one is used.
pub const OUTPUT_STARTUP: u32 = 64;

/// How far back a sample is compared. Lag 1 is the repetition count test of the standard; the others
/// find what repeats with a short period, which neither of its tests sees at a low claim.
const LAGS: usize = 8;

/// Which alarm a stream has raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// It may be chance: what was read is discarded and the start-up test runs again.
    Intermittent,
    /// It is none: the source is out until it is acknowledged.
    Permanent,
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Intermittent => "its samples repeat too often, and it is tested anew",
            Self::Permanent => "its samples repeat far too often, and it is out until acknowledged",
        })
    }
}

/// The counters over one stream.
#[derive(Clone, Debug)]
struct Counters {
    history: [Option<u64>; LAGS],
    /// Samples in a row that equal the one so far back, the first included.
    runs: [u32; LAGS],
    window: Window,
    reference: u64,
    /// Samples of this window that equal its first.
    matches: u32,
    left: u32,
    /// Words in a row in which a bit did not change, for each of the 64; conditioned output only.
    bits: [u32; 64],
}

impl Counters {
    const fn new(window: Window) -> Self {
        Self {
            history: [None; LAGS],
            runs: [1; LAGS],
            window,
            reference: 0,
            matches: 0,
            left: 0,
            bits: [1; 64],
        }
    }

    fn push(&mut self, sample: u64) {
        let changed = self.history.first().copied().flatten().map_or(u64::MAX, |last| last ^ sample);
        for (bit, run) in self.bits.iter_mut().enumerate() {
            *run = if changed >> bit & 1 == 0 { run.saturating_add(1) } else { 1 };
        }
        for (before, run) in self.history.iter().zip(&mut self.runs) {
            *run = if *before == Some(sample) { run.saturating_add(1) } else { 1 };
        }
        self.history.rotate_right(1);
        if let Some(last) = self.history.first_mut() {
            *last = Some(sample);
        }
        if self.left == 0 {
            (self.reference, self.matches, self.left) = (sample, 0, self.window.samples());
        }
        self.left -= 1;
        self.matches += u32::from(sample == self.reference);
    }

    fn reach(&self, limits: &Limits) -> bool {
        self.runs.iter().any(|run| *run >= limits.cutoffs.repetition)
            || self.matches >= limits.cutoffs.proportion
            || limits.stuck_bit.is_some_and(|stuck| self.bits.iter().any(|run| *run >= stuck))
    }
}

/// The counts at which one tier raises its alarm.
#[derive(Clone, Copy, Debug)]
struct Limits {
    cutoffs: Cutoffs,
    /// Only of conditioned output: raw samples are numbers whose upper bits may always be zero.
    stuck_bit: Option<u32>,
}

/// Where a source stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In the start-up test: so many samples must still pass.
    Starting(u32),
    /// Its samples may be used.
    Healthy,
    /// Out, until it is acknowledged.
    Failed,
}

/// The health of one source.
#[derive(Clone, Debug)]
pub struct Health {
    counters: Counters,
    intermittent: Limits,
    permanent: Limits,
    startup: u32,
    state: State,
    alarm: Option<Alarm>,
    samples: u64,
    alarms: u64,
}

impl Health {
    /// For raw samples of a source for which `entropy` is claimed.
    #[must_use]
    pub fn raw(entropy: Entropy, window: Window) -> Self {
        let limits = |alpha| Limits { cutoffs: Cutoffs::new(entropy, window, alpha), stuck_bit: None };
        Self::new(window, limits, STARTUP)
    }

    /// For 64-bit words of conditioned output: the first word of a window and the last eight may not
    /// come again, and no bit may
    /// stand still for as long as a fair one of 64 would not.
    #[must_use]
    pub fn output() -> Self {
        let limits = |alpha| Limits {
            cutoffs: Cutoffs::new(Entropy { bits: 64, samples: 1 }, Window::Wide, alpha),
            stuck_bit: Some(1 + alpha + u64::BITS.ilog2()),
        };
        Self::new(Window::Wide, limits, OUTPUT_STARTUP)
    }

    fn new(window: Window, limits: impl Fn(u32) -> Limits, startup: u32) -> Self {
        Self {
            counters: Counters::new(window),
            intermittent: limits(INTERMITTENT),
            permanent: limits(PERMANENT),
            startup,
            state: State::Starting(startup),
            alarm: None,
            samples: 0,
            alarms: 0,
        }
    }

    /// Takes the next sample into account.
    ///
    /// # Returns
    /// Whether this sample may be used: the source was healthy before it and still is.
    pub fn push(&mut self, sample: u64) -> bool {
        if self.state == State::Failed {
            return false;
        }
        self.samples += 1;
        self.counters.push(sample);
        let alarm = self.judge();
        self.alarms += u64::from(alarm > self.alarm);
        self.alarm = alarm;
        let was = self.state;
        self.state = match (alarm, was) {
            (Some(Alarm::Permanent), _) => State::Failed,
            (Some(Alarm::Intermittent), _) => State::Starting(self.startup),
            (None, State::Starting(left)) if left > 1 => State::Starting(left - 1),
            (None, _) => State::Healthy,
        };
        (was, self.state) == (State::Healthy, State::Healthy)
    }

    fn judge(&self) -> Option<Alarm> {
        if self.counters.reach(&self.permanent) {
            return Some(Alarm::Permanent);
        }
        self.counters.reach(&self.intermittent).then_some(Alarm::Intermittent)
    }

    /// Where the source stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// The alarm that the last sample stands in, if any.
    #[must_use]
    pub const fn alarm(&self) -> Option<Alarm> {
        self.alarm
    }

    /// How many samples were tested.
    #[must_use]
    pub const fn samples(&self) -> u64 {
        self.samples
    }

    /// How many alarms were raised, an intermittent one that became permanent counted twice.
    #[must_use]
    pub const fn alarms(&self) -> u64 {
        self.alarms
    }

    /// Starts the start-up test anew, with fresh counters: after a resume, and on demand. A source
    /// that has failed stays out.
    pub fn restart(&mut self) {
        if self.state != State::Failed {
            self.begin();
        }
    }

    /// Lets a source that has failed try again, from the start-up test on.
    pub fn acknowledge(&mut self) {
        if self.state == State::Failed {
            self.begin();
        }
    }

    fn begin(&mut self) {
        self.counters = Counters::new(self.counters.window);
        (self.state, self.alarm) = (State::Starting(self.startup), None);
    }
}

#[cfg(test)]
mod tests;
