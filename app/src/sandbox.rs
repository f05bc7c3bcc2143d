//! What may a running console still touch? One table; the kernel refuses all else, and every program.

use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt as _, path::PathBuf};

use qratum_metal::sandbox::{Sandbox, Table, enter};

use crate::{home::Home, output, terminal::theme_folder};

/// What it reads of the system: how the host of a web hook gets its address (files, and libraries
/// that glibc loads for that), and itself.
const READ: &[&str] = &[
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf",
    "/etc/services",
    "/lib",
    "/lib64",
    "/proc/self",
    "/run/systemd/resolve",
    "/usr/lib",
    "/usr/lib64",
];

/// The terminal, which is opened again after each stop of the job.
const DEVICES: &[&str] = &["/dev/tty"];

/// Closes this process in. In its home it writes where blocks, alarms, evidence and exports are kept, and
/// only reads what it obeys: anchor, peers and `config.toml`. Of the user's files it reads only themes,
/// which `:theme` names. Comes before the first thread.
pub(crate) fn close(home: &Home) -> Sandbox {
    let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect();
    let mut read: Vec<PathBuf> = paths(READ);
    read.extend(theme_folder());
    read.push(home.path().to_owned());
    let mut write = home.place().kept().to_vec();
    write.extend([home.alerts(), home.exports()]);
    for folder in &write {
        // One that cannot be made stays closed, and whoever needs it says so.
        let _ = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    }
    let ports = Vec::new();
    enter(&Table { read, write, devices: paths(DEVICES), ports })
}

/// The same for a program without a screen, which says what is not in force on standard error.
pub(crate) fn close_or_say(home: &Home) {
    let sandbox = close(home);
    if !sandbox.is_whole() {
        output::note(&format!("this program is not closed in: {sandbox}"));
    }
}
