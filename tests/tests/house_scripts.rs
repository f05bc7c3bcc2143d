//! Does `scripts/setup` keep its word on a machine that lacks something? Runs it on a made-up `PATH`
//! where `cc`, `apt-get`, `sudo`, `id` and `cargo` are stubs, so nothing is ever installed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test file: a panic is the verdict"
)]

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What the script may use of the real machine.
const REAL_TOOLS: &[&str] =
    &["sh", "env", "cat", "cut", "date", "dirname", "head", "mktemp", "rm", "sed", "sort", "chmod"];

const RUST: &str = "echo 'cargo 1.95.0 (made up)'";
const LINE: &str = "DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 \
                    gcc libc6-dev";

/// A directory of stubs that is a whole `PATH`; removed at the end.
struct Machine {
    bin: PathBuf,
}

impl Machine {
    /// With Rust, make, a linker, tmux, a software TPM and token, as an ordinary user without sudo.
    fn new(name: &str) -> Machine {
        let bin = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("setup-{name}-{}", std::process::id()));
        fs::create_dir_all(&bin).unwrap();
        for tool in REAL_TOOLS {
            let found = ["/usr/bin", "/bin"].iter().map(|dir| Path::new(dir).join(tool));
            let found =
                found.into_iter().find(|path| path.exists()).unwrap_or_else(|| panic!("no {tool} here"));
            symlink(found, bin.join(tool)).unwrap();
        }
        let machine = Machine { bin };
        machine.stub("cargo", RUST);
        machine.stub("make", "exit 0");
        machine.stub("tmux", "exit 0");
        machine.stub("cc", "exit 0");
        machine.stub("swtpm", "exit 0");
        machine.stub("softhsm2-util", "exit 0");
        machine.stub("id", "echo 1000");
        machine.stub("apt-get", "echo \"apt-get says: $*\"");
        machine
    }

    fn stub(&self, name: &str, body: &str) {
        let path = self.bin.join(name);
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn lacks(&self, name: &str) {
        fs::remove_file(self.bin.join(name)).unwrap();
    }

    /// An `apt-get` that brings a working `cc`.
    fn can_install_a_linker(&self) {
        let cc = self.bin.join("cc");
        let cc = cc.display();
        self.stub(
            "apt-get",
            &format!("case $1 in install) printf '#!/bin/sh\\n' >{cc}; chmod +x {cc};; esac"),
        );
    }

    /// What the script printed, and whether it succeeded. It has no terminal: nobody can answer.
    fn setup(&self) -> (String, bool) {
        self.setup_with(&[])
    }

    fn setup_with(&self, extras: &[&str]) -> (String, bool) {
        let script = qratum_tests::root().join("scripts/setup");
        let mut command = Command::new(script);
        command.args(extras);
        command.env_clear().env("PATH", &self.bin).env("HOME", &self.bin).env("SSL_CERT_FILE", "made-up");
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (String::from_utf8(text).unwrap(), output.status.success())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.bin);
    }
}

#[test]
fn a_machine_with_everything_is_left_alone() {
    let machine = Machine::new("complete");
    assert_eq!(machine.setup(), ("setup: ready\n".to_owned(), true));
}

#[test]
fn root_installs_what_is_missing_after_printing_the_line() {
    let machine = Machine::new("root");
    machine.stub("id", "echo 0");
    machine.lacks("cc");
    machine.can_install_a_linker();
    let (text, good) = machine.setup();
    assert!(good, "{text}");
    assert!(text.contains(&format!("setup: running: env {LINE}\n")), "{text}");
    assert!(!text.contains("absent"), "{text}");
}

#[test]
fn a_user_whose_sudo_asks_nothing_installs_through_it() {
    let machine = Machine::new("sudo");
    machine.lacks("cc");
    machine.can_install_a_linker();
    machine.stub("sudo", "[ \"$1\" = -n ] || exit 9\nshift\n[ \"$1\" = true ] || exec \"$@\"");
    let (text, good) = machine.setup();
    assert!(good, "{text}");
    assert!(text.contains(&format!("setup: running: sudo -n env {LINE}\n")), "{text}");
}

#[test]
fn without_a_terminal_a_sudo_that_would_ask_is_not_used() {
    let machine = Machine::new("asks");
    machine.lacks("cc");
    machine.stub("sudo", "[ \"$1\" = -n ] && exit 1\necho 'password:'");
    let (text, good) = machine.setup();
    assert!(!good, "nothing can be built without a linker: {text}");
    assert!(!text.contains("running:") && !text.contains("password:"), "{text}");
    assert!(text.contains("setup: no right to install"), "{text}");
    assert!(text.contains("setup: absent: gcc: a linker for Rust: nothing can be built\n"), "{text}");
    assert!(text.contains("setup: cannot go on without a linker\n"), "{text}");
}

#[test]
fn it_goes_on_without_what_is_not_essential_and_says_what_is_absent() {
    let machine = Machine::new("no-make");
    machine.lacks("make");
    let (text, good) = machine.setup();
    assert!(good, "{text}");
    assert!(text.contains("    apt-get install -y --no-install-recommends make\n"), "{text}");
    assert!(text.contains("setup: absent: make: the make targets"), "{text}");
    assert!(text.ends_with("setup: ready\n"), "{text}");
}

#[test]
fn what_one_target_needs_is_asked_for_by_that_target_only() {
    let machine = Machine::new("extras");
    assert_eq!(machine.setup(), ("setup: ready\n".to_owned(), true));
    let (text, good) = machine.setup_with(&["valgrind"]);
    assert!(good && text.contains("no right to install"), "{text}");
    assert!(text.contains("    apt-get install -y --no-install-recommends valgrind\n"), "{text}");
    assert!(text.contains("setup: absent: valgrind: half of make ct"), "{text}");
    machine.stub("valgrind", "exit 0");
    assert_eq!(machine.setup_with(&["valgrind"]), ("setup: ready\n".to_owned(), true));
}

#[test]
fn an_install_that_fails_is_said_and_survived() {
    let machine = Machine::new("no-mirror");
    machine.stub("id", "echo 0");
    machine.lacks("make");
    machine.stub("apt-get", "echo 'no mirror'; exit 100");
    let (text, good) = machine.setup();
    assert!(good, "{text}");
    assert!(text.contains("setup: could not update the list of packages\n"), "{text}");
    assert!(text.contains("setup: not installed\nsetup: absent: make:"), "{text}");
}

#[test]
fn a_missing_or_old_rust_is_named_with_what_is_needed() {
    let machine = Machine::new("rust");
    machine.stub("cargo", "echo 'cargo 1.89.0 (made up)'");
    assert_eq!(
        machine.setup(),
        ("setup: Rust 1.89.0 is too old: 1.90 or newer is needed (rustup update)\n".to_owned(), false)
    );
    machine.lacks("cargo");
    let (text, good) = machine.setup();
    assert!(!good);
    assert!(text.starts_with("setup: cargo not found: install Rust 1.90 or newer first"), "{text}");
}
