//! The processes of a demo network: one validator each, started, watched and stopped here.
//!
//! Each holds the read end of a pipe whose write end only this program has. When the program ends,
//! however it ends, the pipe closes and the validator stops.

use std::{
    env,
    fs::{self, DirBuilder, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
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
    scratch::Scratch,
};

/// The validator program.
pub(crate) const PROGRAM: &str = "qratum-validator";
/// How long a validator may take to write down what it has.
const PATIENCE: Duration = Duration::from_secs(5);

/// A validator that ended without being asked to.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) name: String,
    pub(crate) how: String,
    /// None when it wrote nothing.
    pub(crate) log: Option<PathBuf>,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "validator {} ended: {}", self.name, self.how)?;
        self.log.as_ref().map_or(Ok(()), |log| write!(f, "; its log is {}", log.display()))
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
    pub(crate) async fn start(home: &Home) -> Result<Self, Failure> {
        let genesis = home::genesis(&home.genesis_path())?;
        let program = program()?;
        let pids: Vec<PathBuf> = (0..genesis.validators.len()).map(|index| home.pid_path(index)).collect();
        refuse_second(&pids, home)?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(home.log())
            .map_err(|error| Failure::io(&home.log().display().to_string(), &error))?;
        let mut network = Self { tasks: JoinSet::new(), stop: watch::Sender::new(false), pids, lost: false };
        for member in &genesis.validators {
            if let Err(error) = network.add(&program, home, &member.name) {
                network.stop().await;
                return Err(Failure::io(&program.display().to_string(), &error));
            }
        }
        Ok(network)
    }

    fn add(&mut self, program: &Path, home: &Home, name: &str) -> io::Result<()> {
        let log = home.log().join(format!("{name}.log"));
        let (child, stdin) = spawn(program, home, name, &log)?;
        let watched = Watched { name: name.to_owned(), log, child, stdin };
        self.tasks.spawn(watched.until(self.stop.subscribe()));
        Ok(())
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
        let wrote = fs::metadata(&self.log).is_ok_and(|log| log.len() > 0);
        Some(Ended { name: self.name, how: words(status), log: wrote.then_some(self.log) })
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
    let log = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(log)?;
    let mut child = Command::new(program)
        .arg("run")
        .arg("--home")
        .arg(home.path())
        .args(["--name", name, "--stop-on-stdin-eof"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(log)
        .process_group(0)
        .spawn()?;
    // Waiting for a child closes the pipe that tokio holds; this one must stay open.
    let stdin = child.stdin.take();
    Ok((child, stdin))
}

/// The validator program: beside this one, else on the PATH.
pub(crate) fn program() -> Result<PathBuf, Failure> {
    let beside = env::current_exe().ok().and_then(|own| Some(own.parent()?.join(PROGRAM)));
    let path = env::var_os("PATH").unwrap_or_default();
    let mut candidates = beside.into_iter().chain(env::split_paths(&path).map(|dir| dir.join(PROGRAM)));
    candidates.find(|path| path.is_file()).ok_or_else(|| {
        let text = format!("{PROGRAM} is neither beside this program nor on the PATH\nIt is needed here: build it with `cargo build -p {PROGRAM}`");
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
    /// What of the arguments does not hold for this home.
    pub(crate) note: Option<String>,
    /// Where nobody named a home: it goes when the demo ends.
    scratch: Option<Scratch>,
}

impl DemoHome {
    /// The home that was named, or a fresh one under the system's directory for temporary files.
    pub(crate) fn prepare(named: Option<PathBuf>, validators: Option<u8>) -> Result<Self, Failure> {
        let (path, scratch) = match named {
            Some(path) => (path, None),
            None => {
                let scratch = Scratch::make()?;
                (scratch.path().to_owned(), Some(scratch))
            }
        };
        let mut demo = Self { home: Home::at(path), note: None, scratch };
        if demo.home.has_genesis()? {
            let genesis = demo.refuse_real()?;
            demo.note = validators.and_then(|asked| other_count(usize::from(asked), &genesis));
        } else {
            create(&demo.home, validators)?;
        }
        Ok(demo)
    }

    /// The keys of a real network are not the demo's to use.
    fn refuse_real(&self) -> Result<Genesis, Failure> {
        let genesis = home::genesis(&self.home.genesis_path())?;
        if genesis.demo {
            return Ok(genesis);
        }
        let (path, network) = (self.home.path().display(), genesis.network);
        Err(Failure::new(Exit::Usage, format!("{path} belongs to {network}, which is no demo network")))
    }

    /// A validator ended by itself: what it wrote is worth reading.
    pub(crate) fn keep_logs(&mut self) {
        if let Some(scratch) = &mut self.scratch {
            scratch.keep_logs();
        }
    }
}

fn other_count(asked: usize, genesis: &Genesis) -> Option<String> {
    let has = genesis.validators.len();
    let text =
        || format!("the home exists and keeps its {has} validators; --validators {asked} is for a new one");
    (asked != has).then(text)
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
    Err(Failure::new(
        Exit::Error,
        format!(
            "no demo home was made ({}): {}\nName another directory with --home DIR, whose parent exists",
            output.status,
            words.trim()
        ),
    ))
}
