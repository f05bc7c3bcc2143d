//! A demo network of real processes, and the program run beside it.

#![allow(dead_code, reason = "not every test needs all of it")]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use serde_json::Value;

/// An empty folder of its own.
pub(crate) fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("live").join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

/// The program with these arguments.
pub(crate) fn qratum(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qratum"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What it prints on standard output as JSON, and its exit code.
pub(crate) fn json(output: &Output) -> (Value, i32) {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    (value, output.status.code().unwrap())
}

/// The real validator stands beside the program, where a demo looks for it. The tests of the
/// workspace have built it; those of this package alone have not.
pub(crate) fn build_validator() {
    let beside = Path::new(env!("CARGO_BIN_EXE_qratum")).with_file_name("qratum-validator");
    if !beside.exists() {
        let cargo =
            Command::new(env!("CARGO")).args(["build", "--locked", "-p", "qratum-validator"]).status();
        assert!(cargo.unwrap().success() && beside.exists(), "no {}", beside.display());
    }
}

/// A running `qratum demo --headless`; it and its validators end with this.
pub(crate) struct Demo {
    home: PathBuf,
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Demo {
    /// Starts one of four validators.
    pub(crate) fn start(name: &str) -> Self {
        build_validator();
        let home = folder(name).join("home");
        let mut child =
            qratum(&["demo", "--headless", "--json", "--home", home.to_str().unwrap()]).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { home, child, lines }
    }

    /// Its home, as an argument.
    pub(crate) fn home(&self) -> &str {
        self.home.to_str().unwrap()
    }

    /// The next event.
    pub(crate) fn event(&mut self) -> Value {
        let mut line = String::new();
        assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "the demo has ended");
        serde_json::from_str(&line).unwrap()
    }

    /// Waits for a verified head at this height or above.
    pub(crate) fn reach(&mut self, height: u64) {
        while self.event()["height"].as_u64().is_none_or(|at| at < height) {}
    }

    /// Waits for an event.
    pub(crate) fn until(&mut self, mut done: impl FnMut(&Value) -> bool) -> Value {
        loop {
            let event = self.event();
            if done(&event) {
                return event;
            }
        }
    }

    /// Kills a validator, by its place.
    pub(crate) fn kill(&self, index: u8) {
        let pid = self.home.join(format!("run/validator-{index}.pid"));
        let pid = fs::read_to_string(pid).unwrap();
        assert!(Command::new("kill").args(["-9", pid.trim()]).status().unwrap().success());
    }

    /// Starts a validator again; it ends with what is returned.
    pub(crate) fn restore(&self, name: &str) -> Restored {
        let program = Path::new(env!("CARGO_BIN_EXE_qratum")).with_file_name("qratum-validator");
        let mut command = Command::new(program);
        command.args(["run", "--home", self.home(), "--name", name, "--stop-on-stdin-eof"]);
        Restored(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Runs the program on this home until it ends.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        qratum(&[arguments, &["--home", self.home()]].concat()).output().unwrap()
    }

    /// Starts it.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        qratum(&[arguments, &["--home", self.home()]].concat()).spawn().unwrap()
    }
}

/// A validator that this test has started: it is told to end, and waited for.
pub(crate) struct Restored(Child);

impl Drop for Restored {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}
