//! What a process does against being read: at its start, and what limits it runs under.

use std::{fs, io, time::Duration};

use rustix::time::{ClockId, clock_gettime};

/// The time since the machine was started, sleep included (`CLOCK_BOOTTIME`): nobody can set it, and
/// it never goes back.
#[must_use]
pub fn since_boot() -> Duration {
    clock_gettime(ClockId::Boottime).try_into().unwrap_or(Duration::MAX)
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
