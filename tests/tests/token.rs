//! A security token as a source of randomness, through the program and a module that is not ours:
//! SoftHSM's, with a token in a folder of its own, and the same with faults of real modules.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use qratum_tests::{console::program, skip};
use serde_json::Value;

/// Where Debian puts the module.
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const LABEL: &str = "qratum test";

/// A home whose `config.toml` names a token.
struct Stage {
    folder: PathBuf,
    module: PathBuf,
}

impl Stage {
    /// None where SoftHSM is not installed, after [`skip`] has said so. `fault` is one of those of the
    /// shim, or none for the module itself.
    fn new(fault: Option<u8>) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        if !Path::new(MODULE).exists() && env::var_os("CI").is_none() {
            skip("token", "SoftHSM not found (Debian: softhsm2), no PKCS#11 module was asked");
            return None;
        }
        let folder = env::temp_dir().join(format!("qratum-token-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("tokens")).unwrap();
        for folder in [&folder, &folder.join("tokens")] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
        }
        let stage = Self { module: fault.map_or(MODULE.into(), |_| folder.join("shim.so")), folder };
        let tokens = stage.folder.join("tokens");
        fs::write(stage.conf(), format!("directories.tokendir = {}\n", tokens.display())).unwrap();
        let mut init = Command::new("softhsm2-util");
        init.args(["--init-token", "--free", "--label", LABEL, "--so-pin", "1234", "--pin", "1234"]);
        run(init.env("SOFTHSM2_CONF", stage.conf()));
        if let Some(fault) = fault {
            let source = qratum_tests::root().join("tests/tests/token/shim.c");
            let mut cc = Command::new("cc");
            cc.args([
                "-shared",
                "-fPIC",
                &format!("-DFAULT={fault}"),
                &format!("-DMODULE=\"{MODULE}\""),
                "-o",
            ]);
            run(cc.arg(&stage.module).arg(source));
            fs::set_permissions(&stage.module, fs::Permissions::from_mode(0o700)).unwrap();
        }
        stage.choose(LABEL);
        Some(stage)
    }

    fn conf(&self) -> PathBuf {
        self.folder.join("softhsm2.conf")
    }

    fn choose(&self, label: &str) {
        let config = self.folder.join("config.toml");
        let text = format!("[entropy.token]\nmodule = {:?}\nlabel = {label:?}\n", self.module);
        fs::write(&config, text).unwrap();
        fs::set_permissions(config, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn entropy(&self, command: &str) -> Command {
        let mut entropy = Command::new(program("qratum"));
        entropy.args(["entropy", command, "--json", "--tpm", "/nonexistent/tpm", "--home"]).arg(&self.folder);
        entropy.env("SOFTHSM2_CONF", self.conf()).stdin(Stdio::null());
        entropy.stdout(Stdio::piped()).stderr(Stdio::piped());
        entropy
    }

    /// What a collection says of the token, and what standard error says.
    fn told(&self) -> (Value, String) {
        let Output { status, stdout, stderr } = self.entropy("status").output().unwrap();
        let said = String::from_utf8(stderr).unwrap();
        assert!(status.success(), "the pool survives without a token: {said}");
        let report: Value = serde_json::from_slice(&stdout).unwrap();
        (report["sources"][5].clone(), said)
    }

    /// The processes that were started for the module of this stage, by their name.
    fn running(&self, name: &str) -> Vec<u32> {
        let words = [name, self.module.to_str().unwrap()].map(str::as_bytes).join(&0);
        let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let path = entry.unwrap().path();
            let arguments = fs::read(path.join("cmdline")).ok()?;
            arguments.starts_with(&words).then(|| path.file_name()?.to_str()?.parse().ok()).flatten()
        });
        processes.collect()
    }

    /// Waits until a process of this name runs, or none does: what others do tells nobody here.
    fn until(&self, name: &str, runs: bool) -> u32 {
        let late = Instant::now() + Duration::from_secs(30);
        loop {
            let running = self.running(name);
            if running.is_empty() != runs {
                return running.first().copied().unwrap_or_default();
            }
            assert!(Instant::now() < late, "{name}: {running:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn run(command: &mut Command) {
    let ended = command.output().unwrap();
    assert!(ended.status.success(), "{command:?}: {ended:?}");
}

const KEEPER: &str = "qratum-token";
const WORKER: &str = "qratum-token-module";

/// Faults of the shim.
const CHATTERS: u8 = 1;
const CRASHES: u8 = 2;
const HANGS: u8 = 3;
const REPEATS: u8 = 4;
const REFUSES: u8 = 5;

#[test]
fn a_real_token_is_a_source_and_a_program_is_credited_with_nothing() {
    let Some(stage) = Stage::new(None) else { return };
    let (token, said) = stage.told();
    assert_eq!((token["id"].as_str(), token["state"].as_str()), (Some("token"), Some("healthy")), "{said}");
    assert_eq!((token["class"].as_str(), token["basis"].as_str()), (Some("token"), Some("none")));
    assert_eq!((token["credited_bits"].as_u64(), token["samples"].as_u64()), (Some(0), Some(64 + 8)));
    assert_eq!(said, "");
    stage.until(WORKER, false);
    stage.until(KEEPER, false);
}

#[test]
fn a_token_that_is_not_there_says_so_and_the_pool_goes_on() {
    let Some(stage) = Stage::new(None) else { return };
    stage.choose("another");
    let (token, said) = stage.told();
    assert_eq!(
        (token["state"].as_str(), token["last_failure"].as_str()),
        (Some("absent"), Some("not there"))
    );
    assert!(
        said.contains("credited with nothing: no token of this serial number and label is there"),
        "{said}"
    );
    fs::write(stage.folder.join("config.toml"), "[entropy.token]\nmodule = \"/bin/true\"\nlabel = \"a\"\n")
        .unwrap();
    let (token, said) = stage.told();
    assert_eq!(token["state"], "failed");
    assert!(said.contains("credited with nothing: its module cannot be loaded: "), "{said}");
}

#[test]
fn what_a_module_does_wrong_stays_in_its_process() {
    for (fault, state, why) in [
        (CHATTERS, "healthy", None),
        (CRASHES, "failed", Some("gave no bytes")),
        (HANGS, "timed-out", Some("gave nothing in time")),
        (REPEATS, "unhealthy", None),
        (REFUSES, "failed", Some("gave no bytes")),
    ] {
        let Some(stage) = Stage::new(Some(fault)) else { return };
        let (token, said) = stage.told();
        assert_eq!(token["state"], state, "{fault}: {token} {said}");
        assert!(why.is_none() || token["last_failure"].as_str() == why, "{fault}: {token}");
        assert_eq!(said, "", "nothing of what a module prints: {fault}");
        stage.until(WORKER, false);
        stage.until(KEEPER, false);
    }
}

/// The first collection of a watch, which a module keeps from ending.
fn hanging(stage: &Stage) -> (Child, u32, u32) {
    let watch = stage.entropy("watch").spawn().unwrap();
    let keeper = stage.until(KEEPER, true);
    (watch, keeper, stage.until(WORKER, true))
}

fn kill(pid: u32) {
    run(Command::new("kill").args(["-9", &pid.to_string()]));
}

#[test]
fn a_module_that_hangs_dies_with_the_program_and_with_its_keeper() {
    let Some(stage) = Stage::new(Some(HANGS)) else { return };
    let (mut watch, ..) = hanging(&stage);
    watch.kill().unwrap();
    watch.wait().unwrap();
    stage.until(KEEPER, false);
    stage.until(WORKER, false);

    let (mut watch, keeper, _) = hanging(&stage);
    kill(keeper);
    stage.until(WORKER, false);
    watch.kill().unwrap();
    watch.wait().unwrap();
}
