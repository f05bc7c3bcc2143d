//! What may a running console still touch? One table; the kernel refuses all else, and every program.

use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt as _, path::PathBuf};

use qratum_custody::entropy::tpm;
use qratum_light_node::Config;
use qratum_metal::sandbox::{FORBIDDEN, Sandbox, Table, enter};

use crate::{check::Check, home::Home, output, settings::AlertSettings, terminal::theme_folder};

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

/// The terminal, which is opened again after each stop of the job, and the TPM, which is asked for random
/// bytes.
const DEVICES: &[&str] = &["/dev/tty", tpm::DEVICE];

/// Closes this process in. In its home it writes where blocks, alarms, evidence, exports and what it signed are kept, and
/// only reads what it obeys: anchor, peers and `config.toml`. Of the user's files it reads only themes,
/// which `:theme` names. It connects to the ports of its peers, of the proxies to them and of web hooks.
/// Comes before the first thread.
pub(crate) fn close(home: &Home, config: &Config, alerts: &AlertSettings) -> Sandbox {
    let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect();
    let mut read: Vec<PathBuf> = paths(READ);
    read.extend(theme_folder());
    read.push(home.path().to_owned());
    let mut write = home.place().kept().to_vec();
    write.extend([home.alerts(), home.exports(), home.acts()]);
    for folder in &write {
        // One that cannot be made stays closed, and whoever needs it says so.
        let _ = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    }
    let connect = config.ports().into_iter().chain(alerts.ports()).collect();
    enter(&Table { read, write, devices: paths(DEVICES), ports: Vec::new(), connect: Some(connect) })
}

/// The same for a program without a screen, which says what is not in force on standard error.
pub(crate) fn close_or_say(home: &Home, config: &Config, alerts: &AlertSettings) {
    let sandbox = close(home, config, alerts);
    if !sandbox.is_whole() {
        output::note(&format!("this program is not closed in: {sandbox}"));
    }
}

/// What each level of Landlock closes first, from the first on.
const LEVELS: [(i32, &str); 5] = [
    (1, "files"),
    (2, "moving files from one directory to another"),
    (3, "shortening files"),
    (4, "ports"),
    (5, "control of devices"),
];

/// What is enforced, and what this kernel cannot; none where the console starts and ends other processes.
pub(crate) fn checks(sandbox: Option<&Sandbox>) -> Vec<Check> {
    let Some(Sandbox { landlock, files, calls }) = sandbox else {
        let text = "none: the console of a demo starts and kills validators";
        return vec![Check::warn("sandbox", text, "The console of a network of yours is closed in")];
    };
    let closed = format!("closed but for the home, themes and libraries (Landlock {landlock})");
    let open: Vec<&str> =
        LEVELS.iter().filter(|(level, _)| level > landlock).map(|(_, what)| *what).collect();
    let open = open.join(", ");
    let newer = "A newer kernel closes it: Linux 6.10 closes all";
    vec![
        match (files, landlock) {
            (Ok(()), _) => Check::ok("files, ports", closed),
            (Err(why), 0) => Check::fail("files, ports", format!("OPEN: {why}"), newer),
            (Err(_), _) => {
                let text = format!("closed in part (Landlock {landlock})");
                Check::warn("files, ports", text, format!("Open: {open}\n{newer}"))
            }
        },
        match calls {
            Ok(()) => {
                let text = format!("{} refused, to run or read another program among them", FORBIDDEN.len());
                Check::ok("system calls", text)
            }
            Err(why) => {
                let todo = "A kernel with seccomp refuses them; a container may have taken that away";
                Check::fail("system calls", format!("NONE refused: {why}"), todo)
            }
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Word;

    fn told(landlock: i32, files: Result<(), &str>, calls: Result<(), &str>) -> [Check; 2] {
        let owned = |result: Result<(), &str>| result.map_err(str::to_owned);
        let sandbox = Sandbox { landlock, files: owned(files), calls: owned(calls) };
        checks(Some(&sandbox)).try_into().unwrap()
    }

    #[test]
    fn what_an_older_kernel_leaves_open_is_named() {
        let [files, calls] = told(5, Ok(()), Ok(()));
        assert_eq!((files.verdict, calls.verdict), (Word::Ok, Word::Ok));
        let [files, _] = told(3, Err("this kernel's Landlock lacks ports or devices"), Ok(()));
        assert_eq!((files.verdict, files.text.as_str()), (Word::Warn, "closed in part (Landlock 3)"));
        let todo = files.todo.unwrap();
        assert!(todo.starts_with("Open: ports, control of devices\n"), "{todo}");
        let [files, calls] = told(0, Err("this kernel has no Landlock"), Err("no seccomp"));
        assert_eq!((files.verdict, files.text.as_str()), (Word::Fail, "OPEN: this kernel has no Landlock"));
        assert_eq!((calls.verdict, calls.text.as_str()), (Word::Fail, "NONE refused: no seccomp"));
    }
}
