//! What has the kernel counted of a process?

use std::{fs, path::Path};

use crate::Outcome;

/// Nanoseconds that this thread has run.
pub(crate) fn on_cpu() -> Outcome<u64> {
    first(Path::new("/proc/thread-self/schedstat"))
}

/// Milliseconds of CPU, user and system, of a process.
#[derive(Clone, Copy)]
pub(crate) struct Cpu {
    /// Of the light node's thread, which verifies and keeps.
    pub(crate) node: f64,
    /// Of all others: the screen, the alarms, the watch of the machine.
    pub(crate) screen: f64,
}

/// What the threads of a process have run so far. `stat` says the same in steps of 10 ms.
pub(crate) fn cpu(pid: u32) -> Outcome<Cpu> {
    let mut used = Cpu { node: 0.0, screen: 0.0 };
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let task = task?.path();
        let is_node = fs::read_to_string(task.join("comm"))?.trim() == "light-node";
        let part = if is_node { &mut used.node } else { &mut used.screen };
        *part += first(&task.join("schedstat"))? as f64 / 1e6;
    }
    Ok(used)
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
