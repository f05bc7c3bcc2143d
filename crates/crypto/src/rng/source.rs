//! Where entropy comes from: what a source must do, and the sources that need no device.
//!
//! A source fills the whole buffer or gives an error, and what it says of its bits is a *credit*:
//! what we count, which is never more than what it claims. The caller decides on which thread a
//! source works and for how long.

mod jitter;

use core::{fmt, time::Duration};

pub use jitter::Jitter;
use qratum_metal::cpu_rng::{Rdrand, Rdseed};
use zeroize::Zeroize;

use super::health::{Alarm, Health, OUTPUT_STARTUP, State};

/// Bytes that each source gives at once.
pub const LENGTH: usize = 64;

/// What sources have in common: two of one class may fail, or be read, together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The kernel's generator.
    Kernel,
    /// The generator of the CPU, `RDSEED` and `RDRAND`.
    Cpu,
    /// The time that memory and hash work takes.
    Jitter,
    /// A TPM.
    Tpm,
    /// A security token that is a device of its own.
    Token,
    /// What anybody could guess, such as times and process ids: never credited.
    Auxiliary,
}

impl Class {
    /// The most that [`LENGTH`] bytes of this class are credited with, in bits. A generator gives no
    /// more than its strength, however long its output is.
    #[must_use]
    pub const fn most(self) -> u32 {
        match self {
            Self::Kernel | Self::Cpu | Self::Tpm | Self::Token => 256,
            Self::Jitter => 512,
            Self::Auxiliary => 0,
        }
    }
}

/// Why a credit is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The vendor says so, and nobody here can measure it.
    Claimed,
    /// Raw samples are tested here, and credited far below what was assessed.
    Assessed,
    /// Nothing is credited.
    None,
}

/// Why a source gave nothing. Its buffer is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not there.
    Unavailable,
    /// It is there, and this user may not use it.
    Denied,
    /// It is there and gave no bytes.
    Failed,
    /// It refused, with this code of its own.
    Refused(u32),
    /// What it answered is no answer to what it was asked.
    Garbled,
    /// What it gave did not pass its tests.
    Unhealthy(Alarm),
    /// It gave nothing in time; only who waits can say so.
    TimedOut,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable => f.write_str("not there"),
            Self::Denied => f.write_str("there, but this user may not use it"),
            Self::Failed => f.write_str("gave no bytes"),
            Self::Refused(code) => write!(f, "refused with code {code:#x}"),
            Self::Garbled => f.write_str("gave no answer to what it was asked"),
            Self::Unhealthy(alarm) => alarm.fmt(f),
            Self::TimedOut => f.write_str("gave nothing in time"),
        }
    }
}

/// How often a device is read until its start-up test is passed: four times as often as a good one
/// needs, so that one which always fails again near the end is given up.
const MOST_READS: u32 = 4 * OUTPUT_STARTUP / 8;

/// A source of entropy.
pub trait Source: Send {
    /// Its name, unique among the sources of a process.
    fn id(&self) -> &'static str;

    /// What it has in common with others.
    fn class(&self) -> Class;

    /// Why it is credited.
    fn basis(&self) -> Basis;

    /// Its health, counters and all.
    fn health(&self) -> &Health;

    /// The same, to restart or to acknowledge it.
    fn health_mut(&mut self) -> &mut Health;

    /// Begins a collection whose result [`Source::collect`] then waits for, so that several sources work
    /// at once. Waits for nothing; by default nothing is begun.
    fn begin(&mut self) {}

    /// Fills all of `bytes`, and says with how many bits they are credited. May take tens of
    /// milliseconds, or as long as a device hangs.
    ///
    /// # Errors
    /// [`Fault`]; `bytes` is zeroed then.
    fn collect(&mut self, bytes: &mut [u8; LENGTH]) -> Result<u32, Fault>;

    /// How long the last collection took, where somebody with a clock has measured it.
    fn latency(&self) -> Option<Duration> {
        None
    }
}

/// What a device is told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its name.
    pub id: &'static str,
    /// Its class.
    pub class: Class,
    /// With how many bits [`LENGTH`] of its bytes are credited: zero for a token whose bits come
    /// from this very machine.
    pub credit: u32,
}

/// A device whose output is conditioned already: its noise cannot be seen, so nothing is measured,
/// and only what is stuck is found.
pub struct Device<F> {
    about: Description,
    read: F,
    health: Health,
}

impl<F> fmt::Debug for Device<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("about", &self.about).finish_non_exhaustive()
    }
}

impl<F: FnMut(&mut [u8; LENGTH]) -> Result<(), Fault> + Send> Device<F> {
    /// A device that `read` fills a buffer from.
    #[must_use]
    pub fn new(about: Description, read: F) -> Self {
        Self { about, read, health: Health::output() }
    }

    /// Reads once and tests it. Where one word of a read raises an alarm, the device is not healthy
    /// after it either: its start-up test takes several reads.
    fn tested(&mut self, bytes: &mut [u8; LENGTH]) -> Result<State, Fault> {
        (self.read)(bytes)?;
        for word in bytes.as_chunks::<8>().0 {
            self.health.push(u64::from_le_bytes(*word));
        }
        Ok(self.health.state())
    }

    /// Reads until the start-up test is passed, and then what is used.
    fn read_tested(&mut self, bytes: &mut [u8; LENGTH]) -> Result<(), Fault> {
        for _ in 0..MOST_READS {
            if !matches!(self.health.state(), State::Starting(_)) {
                break;
            }
            self.tested(bytes)?;
        }
        if self.health.state() == State::Healthy && self.tested(bytes)? == State::Healthy {
            return Ok(());
        }
        let is_out = self.health.state() == State::Failed;
        Err(Fault::Unhealthy(if is_out { Alarm::Permanent } else { Alarm::Intermittent }))
    }
}

impl<F: FnMut(&mut [u8; LENGTH]) -> Result<(), Fault> + Send> Source for Device<F> {
    fn id(&self) -> &'static str {
        self.about.id
    }

    fn class(&self) -> Class {
        self.about.class
    }

    fn basis(&self) -> Basis {
        if self.about.credit == 0 { Basis::None } else { Basis::Claimed }
    }

    fn health(&self) -> &Health {
        &self.health
    }

    fn health_mut(&mut self) -> &mut Health {
        &mut self.health
    }

    fn collect(&mut self, bytes: &mut [u8; LENGTH]) -> Result<u32, Fault> {
        match self.read_tested(bytes) {
            Ok(()) => Ok(self.about.credit.min(self.about.class.most())),
            Err(fault) => {
                bytes.zeroize();
                Err(fault)
            }
        }
    }
}

/// `getrandom(2)`: the kernel's generator, which waits until it is seeded.
///
/// The one place of the product where its bytes are taken from; everything else draws from the
/// generator that they seed.
#[must_use]
pub fn kernel() -> impl Source {
    #[expect(clippy::disallowed_methods, reason = "the one place")]
    let read = |bytes: &mut [u8; LENGTH]| getrandom::fill(bytes).map_err(|_| Fault::Failed);
    Device::new(Description { id: "system-rng", class: Class::Kernel, credit: 256 }, read)
}

/// `RDSEED`: the conditioned noise of the CPU.
#[must_use]
pub fn rdseed() -> impl Source {
    let cpu = Rdseed::detect();
    Device::new(Description { id: "cpu-rdseed", class: Class::Cpu, credit: 256 }, move |bytes| {
        cpu.ok_or(Fault::Unavailable)?.fill(bytes).map_err(|_| Fault::Failed)
    })
}

/// `RDRAND`: the generator that the same noise seeds. Credited with the strength of its AES-128.
#[must_use]
pub fn rdrand() -> impl Source {
    let cpu = Rdrand::detect();
    Device::new(Description { id: "cpu-rdrand", class: Class::Cpu, credit: 128 }, move |bytes| {
        cpu.ok_or(Fault::Unavailable)?.fill(bytes).map_err(|_| Fault::Failed)
    })
}

/// The sources that need no device: the kernel, the CPU's two, and jitter over `counter`, which is
/// read in nanoseconds or finer.
#[must_use]
pub fn local(counter: impl FnMut() -> u64 + Send + 'static) -> Vec<Box<dyn Source>> {
    vec![Box::new(kernel()), Box::new(rdseed()), Box::new(rdrand()), Box::new(Jitter::new(counter))]
}

#[cfg(test)]
mod tests;
