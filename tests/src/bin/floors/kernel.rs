//! What has the kernel counted of a process?

use std::{fs, path::Path};

use crate::Outcome;

/// Nanoseconds that this thread has run.
pub(crate) fn on_cpu() -> Outcome<u64> {
    first(Path::new("/proc/thread-self/schedstat"))
}

/// Milliseconds that all threads of a process have run, user and system. `stat` says the same in
/// steps of 10 ms.
pub(crate) fn cpu(pid: u32) -> Outcome<f64> {
    let mut nanos = 0u64;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        nanos = nanos.saturating_add(first(&task?.path().join("schedstat"))?);
    }
    Ok(nanos as f64 / 1e6)
}

fn first(path: &Path) -> Outcome<u64> {
    let text = fs::read_to_string(path)?;
    Ok(text.split_whitespace().next().ok_or("an empty schedstat")?.parse()?)
}

/// Megabytes that a process holds of its own, and with what it maps of files, such as its program.
pub(crate) fn memory(pid: u32) -> Outcome<(f64, f64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let megabytes = |name: &str| -> Outcome<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such line")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? / 1024.0)
    };
    Ok((megabytes("RssAnon:")?, megabytes("VmRSS:")?))
}
