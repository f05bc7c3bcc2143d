//! The processes of a demo network: one validator each, started, watched and stopped here.
//!
//! Each holds the read end of a pipe whose write end only this program has. When the program ends,
//! however it ends, the pipe closes and the validator stops.

use std::{
    env,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use qratum_chain::types::Genesis;
use tokio::{
    process::{Child, ChildStdin, Command},
    sync::watch,
    task::JoinSet,
    time::timeout,
};

use crate::{
    exit::{Exit, Failure},
    home::{self, Home},
    time,
};

const PROGRAM: &str = "qratum-validator";
/// How long a validator may take to write down what it has.
const PATIENCE: Duration = Duration::from_secs(5);

/// A validator that ended without being asked to.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) name: String,
    pub(crate) how: String,
    pub(crate) log: PathBuf,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "validator {} ended: {}; its log is {}", self.name, self.how, self.log.display())
    }
}

/// The running validators. Dropped, it lets go of their pipes and they end by themselves;
/// [`Network::stop`] also waits.
#[derive(Debug)]
pub(crate) struct Network {
    tasks: JoinSet<Option<Ended>>,
    stop: watch::Sender<bool>,
    pids: Vec<PathBuf>,
    lost: bool,
}

impl Network {
    /// Starts every validator of the home's genesis.
    pub(crate) fn start(home: &Home) -> Result<Self, Failure> {
        let genesis = home::genesis(&home.genesis_path())?;
        let program = program()?;
        let pids: Vec<PathBuf> = (0..genesis.validators.len()).map(|index| home.pid_path(index)).collect();
        refuse_second(&pids, home)?;
        fs::create_dir_all(home.log())
            .map_err(|error| Failure::io(&home.log().display().to_string(), &error))?;
        let (stop, stopped) = watch::channel(false);
        let mut network = Self { tasks: JoinSet::new(), stop, pids, lost: false };
        for member in &genesis.validators {
            let log = home.log().join(format!("{}.log", member.name));
            let (child, stdin) = spawn(&program, home, &member.name, &log)
                .map_err(|error| Failure::io(&format!("{}", program.display()), &error))?;
            let watched = Watched { name: member.name.clone(), log, child, stdin };
            network.tasks.spawn(watched.until(stopped.clone()));
        }
        Ok(network)
    }

    /// The next validator that ends without being asked to; none once all have.
    pub(crate) async fn next_ended(&mut self) -> Option<Ended> {
        let ended = self.tasks.join_next().await?.ok().flatten();
        self.lost = true;
        ended
    }

    /// Whether a validator ended without being asked to.
    pub(crate) const fn has_lost(&self) -> bool {
        self.lost
    }

    /// Whether no validator is left.
    pub(crate) fn is_over(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Stops all validators and waits for them.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
        // A validator that had to be killed could not remove its own.
        for pid in &self.pids {
            let _ = fs::remove_file(pid);
        }
    }
}

/// One process, and the write end of its standard input: while that is open, it runs.
struct Watched {
    name: String,
    log: PathBuf,
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Watched {
    /// Waits for the end of the process, or for the order to end it.
    async fn until(mut self, mut stopped: watch::Receiver<bool>) -> Option<Ended> {
        let asked = async { stopped.wait_for(|stop| *stop).await.is_ok() };
        let status = tokio::select! {
            status = self.child.wait() => Some(status),
            _ = asked => None,
        };
        let Some(status) = status else {
            self.end().await;
            return None;
        };
        Some(Ended { name: self.name, how: words(status), log: self.log })
    }

    async fn end(mut self) {
        self.stdin = None;
        if timeout(PATIENCE, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

fn words(status: io::Result<ExitStatus>) -> String {
    status.map_or_else(|error| error.to_string(), |status| status.to_string())
}

/// A group of its own: Ctrl-C in the terminal goes to this program alone, which then stops the
/// validators in order.
fn spawn(program: &Path, home: &Home, name: &str, log: &Path) -> io::Result<(Child, Option<ChildStdin>)> {
    let mut child = Command::new(program)
        .arg("run")
        .arg("--home")
        .arg(home.path())
        .args(["--name", name, "--stop-on-stdin-eof"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(File::create(log)?)
        .process_group(0)
        .spawn()?;
    // Waiting for a child closes the pipe that tokio holds; this one must stay open.
    let stdin = child.stdin.take();
    Ok((child, stdin))
}

/// The validator program: beside this one, else on the PATH.
fn program() -> Result<PathBuf, Failure> {
    let beside = env::current_exe().ok().and_then(|own| Some(own.parent()?.join(PROGRAM)));
    let path = env::var_os("PATH").unwrap_or_default();
    let mut candidates = beside.into_iter().chain(env::split_paths(&path).map(|dir| dir.join(PROGRAM)));
    candidates.find(|path| path.is_file()).ok_or_else(|| {
        let text = format!("{PROGRAM} is neither beside this program nor on the PATH\nThe demo needs it: build it with `cargo build -p {PROGRAM}`");
        Failure::new(Exit::Error, text)
    })
}

/// Two networks on one home would share keys: validators would sign twice.
fn refuse_second(pids: &[PathBuf], home: &Home) -> Result<(), Failure> {
    let running = |path: &PathBuf| {
        let pid = fs::read_to_string(path).ok()?.trim().parse::<u32>().ok()?;
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        // The kernel keeps 15 characters of a name.
        PROGRAM.starts_with(name.trim()).then_some(pid)
    };
    match pids.iter().find_map(running) {
        None => Ok(()),
        Some(pid) => {
            let text = format!("a demo already runs on {}: process {pid}", home.path().display());
            Err(Failure::new(Exit::Error, text))
        }
    }
}

/// The home of a demo, made if it has no genesis yet.
#[derive(Debug)]
pub(crate) struct DemoHome {
    pub(crate) home: Home,
    /// Whether nobody named it: it goes when the demo ends.
    scratch: bool,
}

impl DemoHome {
    /// The home that was named, or a fresh one under the system's directory for temporary files.
    pub(crate) fn prepare(named: Option<PathBuf>, validators: Option<u8>) -> Result<Self, Failure> {
        let scratch = named.is_none();
        let path = named.unwrap_or_else(|| {
            env::temp_dir().join(format!("qratum-demo-{}-{}", std::process::id(), time::now().0))
        });
        let demo = Self { home: Home::at(path), scratch };
        if demo.home.genesis_path().exists() {
            demo.refuse_real()?;
        } else {
            create(&demo.home, validators)?;
        }
        Ok(demo)
    }

    /// The keys of a real network are not the demo's to use.
    fn refuse_real(&self) -> Result<(), Failure> {
        let Genesis { demo, network, .. } = home::genesis(&self.home.genesis_path())?;
        if demo {
            return Ok(());
        }
        let text = format!("{} belongs to {network}, which is no demo network", self.home.path().display());
        Err(Failure::new(Exit::Usage, text))
    }

    /// Removes a home that nobody named, unless its logs are still needed.
    pub(crate) fn clean(self, keep: bool) {
        if self.scratch && !keep {
            let _ = fs::remove_dir_all(self.home.path());
        }
    }
}

/// Has the validator program make a home: this one knows no secret keys.
fn create(home: &Home, validators: Option<u8>) -> Result<(), Failure> {
    let program = program()?;
    let mut command = std::process::Command::new(&program);
    command.arg("demo").arg("--home").arg(home.path()).stdin(Stdio::null());
    if let Some(validators) = validators {
        command.args(["--validators", &validators.to_string()]);
    }
    let output = command.output().map_err(|error| Failure::io(&program.display().to_string(), &error))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(Exit::Error, format!("no demo home was made ({}): {}", output.status, words.trim())))
}
