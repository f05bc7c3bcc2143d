//! What a process does against being read, and the limits that it runs under.
//!
//! A hardened process cannot be attached to by its own user: to debug it, attach as root
//! (`sudo gdb -p PID`), whom the kernel lets past `PR_SET_DUMPABLE`. What lies in `memfd_secret` stays
//! hidden even then.

use std::{fs, io, ops::RangeInclusive, time::Duration};

use rustix::{
    process::{DumpableBehavior, Resource, Rlimit, Signal},
    time::{ClockId, clock_gettime},
};

/// The time since the machine was started, sleep included (`CLOCK_BOOTTIME`): nobody can set it, and
/// it never goes back.
#[must_use]
pub fn since_boot() -> Duration {
    clock_gettime(ClockId::Boottime).try_into().unwrap_or(Duration::MAX)
}

/// How long the machine has slept since it was started: `CLOCK_BOOTTIME - CLOCK_MONOTONIC`. Two clocks
/// are never read at one moment, so what is known are two bounds, usually less than a microsecond apart.
#[must_use]
pub fn slept() -> RangeInclusive<Duration> {
    let monotonic = || clock_gettime(ClockId::Monotonic).try_into().unwrap_or(Duration::ZERO);
    let (before, boot, after): (Duration, _, Duration) = (monotonic(), since_boot(), monotonic());
    boot.saturating_sub(after)..=boot.saturating_sub(before)
}

/// Closes this process: no core file, no debugger or reader of its memory under the same user, no
/// rights gained by a program that it starts. Call it first, before there is a second thread: the
/// last of the three belongs to the thread that asks.
///
/// What came of it is read back with [`Hardening::read`].
pub fn harden() {
    // A step that the kernel refuses is seen in what is read back, and the others still count.
    let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _ = rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = rustix::thread::set_no_new_privs(true);
}

/// Has the kernel kill this process when the thread that started it ends: for one that may hang where it
/// cannot notice.
///
/// # Errors
/// The kernel refuses.
pub fn die_with_parent() -> io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// What the kernel says is in force against reading this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hardening {
    /// Nobody but root can attach to it or read its memory, and it leaves no core, not even to a
    /// program that collects them.
    pub unreadable: bool,
    /// The size of a core file is limited to nothing, for it and for what it starts.
    pub no_core: bool,
    /// Programs that it starts gain no rights.
    pub no_new_privileges: bool,
}

impl Hardening {
    /// Asks the kernel. What it does not answer is not in force.
    #[must_use]
    pub fn read() -> Hardening {
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        Hardening {
            unreadable: rustix::process::dumpable_behavior() == Ok(DumpableBehavior::NotDumpable),
            no_core: rustix::process::getrlimit(Resource::Core) == none,
            no_new_privileges: rustix::thread::no_new_privs() == Ok(true),
        }
    }
}

/// How much memory may be locked, in bytes; `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockLimit {
    /// What holds now.
    pub now: Option<u64>,
    /// What it may be raised to without root.
    pub most: Option<u64>,
}

impl LockLimit {
    /// `RLIMIT_MEMLOCK` of this process.
    #[must_use]
    pub fn read() -> LockLimit {
        let Rlimit { current, maximum } = rustix::process::getrlimit(Resource::Memlock);
        LockLimit { now: current, most: maximum }
    }
}

/// Bytes of this process that the kernel counts as locked (`VmLck`).
///
/// # Errors
/// `/proc` is not there, or speaks in another way.
pub fn locked_bytes() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    kib(&status, "VmLck:").ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The bytes of a line such as `VmLck:       64 kB`.
fn kib(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Read as _, os::unix::fs::MetadataExt as _};

    use super::*;
    use crate::testing::{case, child};

    #[test]
    fn a_hardened_process_says_so_and_its_proc_belongs_to_root() {
        const NAME: &str = "process::tests::a_hardened_process_says_so_and_its_proc_belongs_to_root";
        if case().is_none() {
            let output = child(NAME, "as an ordinary user");
            return assert!(output.status.success(), "{output:?}");
        }
        harden();
        let all = Hardening { unreadable: true, no_core: true, no_new_privileges: true };
        assert_eq!(Hardening::read(), all);
        // What others see: root owns what shows memory, and what every user may see is still there.
        assert_eq!(fs::metadata("/proc/self/mem").unwrap().uid(), 0);
        assert_ne!(fs::metadata("/proc/self").unwrap().uid(), 0);
        assert!(locked_bytes().is_ok());
        let limits = fs::read_to_string("/proc/self/limits").unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
    }

    #[test]
    fn a_process_that_is_not_hardened_says_that() {
        const NAME: &str = "process::tests::a_process_that_is_not_hardened_says_that";
        if case().is_none() {
            let output = child(NAME, "as it is started");
            return assert!(output.status.success(), "{output:?}");
        }
        let found = Hardening::read();
        assert_eq!((found.unreadable, found.no_new_privileges), (false, false));
        let mut byte = [0];
        assert!(File::open("/proc/self/environ").unwrap().read(&mut byte).is_ok());
    }

    #[test]
    fn the_limit_is_the_one_that_was_set() {
        const NAME: &str = "process::tests::the_limit_is_the_one_that_was_set";
        if case().is_none() {
            let output = child(NAME, "limited");
            return assert!(output.status.success(), "{output:?}");
        }
        rustix::process::setrlimit(Resource::Memlock, Rlimit { current: Some(8192), maximum: Some(65536) })
            .unwrap();
        assert_eq!(LockLimit::read(), LockLimit { now: Some(8192), most: Some(65536) });
    }

    #[test]
    fn the_clock_goes_on() {
        let first = since_boot();
        let uptime = fs::read_to_string("/proc/uptime").unwrap();
        let seconds: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        assert!((first.as_secs_f64() - seconds).abs() < 1.0, "{first:?} {uptime}");
        assert!(since_boot() >= first);
    }

    #[test]
    fn readings_of_a_machine_that_does_not_sleep_agree() {
        let (first, second) = (slept(), slept());
        assert!(first.start() <= second.end() && second.start() <= first.end(), "{first:?} {second:?}");
        assert!(*first.start() <= since_boot());
    }

    #[test]
    fn sizes_are_read_in_bytes() {
        let status = "VmPeak:\t  100 kB\nVmLck:\t      76 kB\nVmPin:\t 0 kB\n";
        assert_eq!(kib(status, "VmLck:"), Some(76 * 1024));
        assert_eq!(kib(status, "VmSwap:"), None);
        assert_eq!(kib("VmLck: 76 MB\n", "VmLck:"), None);
        assert_eq!(kib("VmLck: 18446744073709551615 kB\n", "VmLck:"), None);
    }
}
