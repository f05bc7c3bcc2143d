//! One process of a demo: a validator, or the peer that lies; started, watched, and in a drill told what
//! to do.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, Command},
    sync::{mpsc, oneshot, watch},
    time::timeout,
};

use super::Ended;
use crate::home::Home;

/// How long a validator may take to write down what it has.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a drill does to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// As `kill -9` does.
    Kill,
    /// Starts it again.
    Start,
    /// Tells the liar to lie once.
    Lie,
}

/// What a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A validator of genesis.
    Validator,
    /// A peer of light nodes that lies when it is told to.
    Liar,
}

/// What became of an order: whether it changed something, with the process; or why it failed.
pub(super) type Outcome = Result<(bool, Option<u32>), String>;

/// An order, and where its outcome goes.
pub(super) type Asked = (Order, oneshot::Sender<Outcome>);

/// How to start a process.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    pub(super) program: PathBuf,
    pub(super) home: Home,
    pub(super) name: String,
    pub(super) role: Role,
}

impl Recipe {
    fn log(&self) -> PathBuf {
        self.home.log().join(format!("{}.log", self.name))
    }

    /// A group of its own: Ctrl-C in the terminal goes to this program alone, which then stops the
    /// validators in order. What it writes goes behind what is in its log.
    fn spawn(&self) -> io::Result<Running> {
        let log = OpenOptions::new().append(true).create(true).mode(0o600).open(self.log())?;
        let (mut command, home) = (Command::new(&self.program), self.home.path());
        match self.role {
            Role::Validator => command
                .arg("run")
                .arg("--home")
                .arg(home)
                .args(["--name", &self.name, "--stop-on-stdin-eof"])
                .stdout(Stdio::null()),
            Role::Liar => command.arg("liar").arg("--home").arg(home).stdout(Stdio::piped()),
        };
        let mut child = command.stdin(Stdio::piped()).stderr(log).process_group(0).spawn()?;
        // Waiting for a child closes the pipe that tokio holds; this one must stay open.
        let stdin = child.stdin.take();
        Ok(Running { child, stdin })
    }

    fn ended(&self, status: io::Result<ExitStatus>) -> Ended {
        let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        let wrote = fs::metadata(self.log()).is_ok_and(|log| log.len() > 0);
        let what = match self.role {
            Role::Validator => "validator",
            Role::Liar => "peer",
        };
        Ended { what, name: self.name.clone(), how, log: wrote.then(|| self.log()) }
    }
}

/// A process, and the write end of its standard input: while that is open, it runs.
struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Running {
    async fn end(mut self) {
        self.stdin = None;
        if timeout(PATIENCE, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

/// A process that was started. Its orders are carried out one after the other: none is started
/// before the process before it is gone.
pub(super) struct Watched {
    recipe: Recipe,
    running: Option<Running>,
}

impl Watched {
    /// Starts it, with an empty log.
    pub(super) fn start(recipe: Recipe) -> io::Result<Self> {
        match fs::remove_file(recipe.log()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let running = Some(recipe.spawn()?);
        Ok(Self { recipe, running })
    }

    /// The first line that it says; none where it says nothing in time.
    pub(super) async fn said(&mut self) -> Option<String> {
        let said = self.running.as_mut()?.child.stdout.take()?;
        timeout(PATIENCE, BufReader::new(said).lines().next_line()).await.ok()?.ok()?
    }

    /// Follows it until the order to stop, and tells of each end that nobody asked for.
    pub(super) async fn until(
        mut self,
        mut stopped: watch::Receiver<bool>,
        mut orders: mpsc::Receiver<Asked>,
        ends: mpsc::Sender<Ended>,
    ) {
        loop {
            let stop = async { stopped.wait_for(|stop| *stop).await.is_ok() };
            tokio::select! {
                status = exit(&mut self.running) => {
                    self.running = None;
                    let _ = ends.send(self.recipe.ended(status)).await;
                }
                _ = stop => break,
                Some((order, outcome)) = orders.recv() => {
                    let _ = outcome.send(self.obey(order).await);
                }
            }
        }
        if let Some(running) = self.running {
            running.end().await;
        }
    }

    async fn obey(&mut self, order: Order) -> Outcome {
        let failed = |error: io::Error| error.to_string();
        let process = self.running.as_ref().and_then(|running| running.child.id());
        match (order, &mut self.running) {
            (Order::Kill, Some(running)) => {
                running.child.kill().await.map_err(failed)?;
                self.running = None;
                Ok((true, process))
            }
            (Order::Start, None) => {
                let running = self.recipe.spawn().map_err(failed)?;
                let process = running.child.id();
                self.running = Some(running);
                Ok((true, process))
            }
            (Order::Lie, Some(Running { stdin: Some(stdin), .. })) => {
                stdin.write_all(b"lie\n").await.map_err(failed)?;
                Ok((true, process))
            }
            (Order::Kill | Order::Lie, None) | (Order::Start | Order::Lie, Some(_)) => Ok((false, process)),
        }
    }
}

/// The end of a process; never, where none runs.
async fn exit(running: &mut Option<Running>) -> io::Result<ExitStatus> {
    match running {
        Some(running) => running.child.wait().await,
        None => std::future::pending().await,
    }
}
