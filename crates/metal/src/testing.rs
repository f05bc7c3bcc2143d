//! Tests that need a process of their own: one that dies, or one without rights.

use std::{
    env,
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    process::{Command, Output},
};

use rustix::process::geteuid;

/// Set in the child to the case that it runs.
const CASE: &str = "QRATUM_METAL_CASE";

/// Nobody: what a root process that can lock without a limit becomes.
const NOBODY: u32 = 65_534;

/// The case that this process was started for, if it is a child.
pub(crate) fn case() -> Option<String> {
    env::var(CASE).ok()
}

/// Runs the test `name` of this binary once more, as an ordinary user, with [`case`] set.
pub(crate) fn child(name: &str, case: &str) -> Output {
    // Not by its path, which nobody may be unable to reach.
    let mut command = Command::new("/proc/self/exe");
    command.args([name, "--exact", "--nocapture"]).env(CASE, case);
    if geteuid().is_root() {
        // The standard library drops the groups as well.
        command.uid(NOBODY).gid(NOBODY);
    }
    command.output().unwrap()
}

/// The signal that ended a child.
pub(crate) fn signal(output: &Output) -> Option<i32> {
    output.status.signal()
}
