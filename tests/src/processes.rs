//! The validators of a demo network as processes, in a folder that goes with them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "for tests: a panic is the verdict")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use qratum_chain::types::{Genesis, Time};
use qratum_validator::demo::{self, Options};

use crate::console::program;

/// Running validators. Dropped, they are killed, and the folder is removed.
#[derive(Debug)]
pub struct Validators {
    /// Of their network.
    pub genesis: Genesis,
    folder: PathBuf,
    children: Vec<Child>,
}

impl Validators {
    /// Starts a network of these options in a folder of its own, whose chain began so many milliseconds
    /// ago.
    ///
    /// # Panics
    /// Where it cannot.
    #[must_use]
    pub fn start(folder: PathBuf, age_ms: u64, options: &Options) -> Self {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = u64::try_from(now.as_millis()).unwrap();
        let home = folder.join("validators");
        let genesis = demo::create(&home, Time(now.saturating_sub(age_ms)), options).unwrap().genesis;
        let start = |name: &str| {
            let mut command = Command::new(program("qratum-validator"));
            command.args(["run", "--stop-on-stdin-eof", "--name", name, "--home"]).arg(&home);
            command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
        };
        let children = genesis.validators.iter().map(|member| start(&member.name)).collect();
        Self { genesis, folder, children }
    }

    /// Where the test may put what it needs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the validators live.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.folder.join("validators")
    }
}

impl Drop for Validators {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}
