//! The processes of a demo network: one validator each, and for drills a peer that lies; started, watched
//! and stopped here. A second console joins it.
//!
//! Each holds the read end of a pipe whose write end only this program has. When the program ends,
//! however it ends, the pipe closes and the validator stops.

#[cfg(feature = "software-key")]
pub(crate) mod cast;
mod joined;
mod process;

use std::{
    collections::BTreeSet,
    env,
    fs::{self, DirBuilder, File},
    future::pending,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::Stdio,
};

use qratum_chain::types::Genesis;
use qratum_light_node::Peer;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
};

use self::process::{Asked, Outcome, Recipe, Role, Watched};
pub(crate) use self::{joined::Joined, process::Order};
use crate::{
    exit::{Exit, Failure},
    home::{self, Home},
    model::Notice,
    scratch::Scratch,
};

/// The validator program.
pub(crate) const PROGRAM: &str = "qratum-validator";
/// What the peer that lies is called, as such a one is in papers.
const LIAR: &str = "mallory";
/// How many orders for a validator, and how many ends of validators, may wait to be taken.
const WAITING: usize = 16;

/// A process that ended without being asked to.
#[derive(Debug)]
pub(crate) struct Ended {
    /// What it was.
    pub(crate) what: &'static str,
    pub(crate) name: String,
    pub(crate) how: String,
    /// None when it wrote nothing.
    pub(crate) log: Option<PathBuf>,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ended: {}", self.what, self.name, self.how)?;
        self.log.as_ref().map_or(Ok(()), |log| write!(f, "; its log is {}", log.display()))
    }
}

/// What a console or a follower has of a demo.
pub(crate) enum Demo<'a> {
    /// Nothing: it watches another network, or one that runs by itself.
    None,
    /// It started it.
    Started(&'a mut Network),
    /// It joined one that another console started.
    Joined(&'a mut Joined),
}

impl Demo<'_> {
    /// The next thing that happens to it which a user should know; never, where there is none.
    pub(crate) async fn news(&mut self) -> Notice {
        match self {
            Self::Started(network) => {
                if let Some(ended) = network.next_ended().await {
                    let text = ended.to_string();
                    return Notice::ended(ended.name, text);
                }
            }
            Self::Joined(joined) => {
                joined.over().await;
                return Notice::of(format!("{}; what was verified last is still shown", Joined::OVER));
            }
            Self::None => {}
        }
        pending().await
    }

    /// Carries out an order where it was started here, and says what came of it.
    pub(crate) fn drill(
        &self,
        order: Order,
        name: Option<&str>,
    ) -> Option<impl Future<Output = String> + use<>> {
        match self {
            Self::Started(network) => Some(network.drill(order, name)),
            Self::None | Self::Joined(_) => None,
        }
    }
}

/// The running validators. Dropped, it lets go of their pipes and they end by themselves;
/// [`Network::stop`] also waits.
#[derive(Debug)]
pub(crate) struct Network {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
    /// By name, in the order of genesis.
    orders: Vec<(String, mpsc::Sender<Asked>)>,
    /// The peer that lies.
    liar: Option<(String, mpsc::Sender<Asked>)>,
    /// Ends are told here, and come out there.
    tell: mpsc::Sender<Ended>,
    ends: mpsc::Receiver<Ended>,
    pids: Vec<PathBuf>,
    /// Who ended without being asked to.
    lost: BTreeSet<String>,
    /// Tells others that the demo runs.
    _runs: Option<File>,
    #[cfg(feature = "software-key")]
    _keys: Vec<cast::SoftKey>,
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
        let (tell, ends) = mpsc::channel(WAITING);
        let (tasks, stop) = (JoinSet::new(), watch::Sender::new(false));
        let (orders, liar, lost) = (Vec::new(), None, BTreeSet::new());
        let _runs = joined::announce(home);
        let mut network = Self {
            tasks,
            stop,
            orders,
            liar,
            tell,
            ends,
            pids,
            lost,
            _runs,
            #[cfg(feature = "software-key")]
            _keys: cast::start(home)?,
        };
        for member in &genesis.validators {
            let (program, name) = (program.clone(), member.name.clone());
            let recipe = Recipe { program, home: home.clone(), name: name.clone(), role: Role::Validator };
            match Watched::start(recipe) {
                Ok(watched) => {
                    let order = network.follow(watched);
                    network.orders.push((name, order));
                }
                Err(error) => {
                    network.stop().await;
                    return Err(Failure::io(PROGRAM, &error));
                }
            }
        }
        Ok(network)
    }

    /// Starts the peer that lies when it is told to. It is pinned by whoever wants to see that, and known to
    /// no other.
    pub(crate) async fn invite_liar(&mut self, home: &Home) -> Result<Peer, Failure> {
        let (program, name) = (program()?, LIAR.to_owned());
        let recipe = Recipe { program, home: home.clone(), name: name.clone(), role: Role::Liar };
        let mut watched = Watched::start(recipe).map_err(|error| Failure::io(PROGRAM, &error))?;
        let said = watched.said().await;
        self.liar = Some((name.clone(), self.follow(watched)));
        match said.and_then(|said| said.parse().ok()) {
            Some(address) => Ok(Peer { operator: name.clone(), name, address, fallbacks: Vec::new() }),
            None => {
                let log = home.log().join(format!("{name}.log"));
                let text = format!("peer {name} did not say its address; its log is {}", log.display());
                Err(Failure::new(Exit::Error, text))
            }
        }
    }

    /// Follows a process; where its orders go.
    fn follow(&mut self, watched: Watched) -> mpsc::Sender<Asked> {
        let (order, orders) = mpsc::channel(WAITING);
        self.tasks.spawn(watched.until(self.stop.subscribe(), orders, self.tell.clone()));
        order
    }

    /// The next validator that ends without being asked to.
    pub(crate) async fn next_ended(&mut self) -> Option<Ended> {
        let ended = self.ends.recv().await?;
        self.lost.insert(ended.name.clone());
        Some(ended)
    }

    /// Whether a process ended without being asked to.
    pub(crate) fn has_lost(&self) -> bool {
        !self.lost.is_empty()
    }

    /// Whether no validator is left: those started here ended, and nobody started one of them again.
    pub(crate) fn is_over(&self) -> bool {
        self.orders.iter().all(|(name, _)| self.lost.contains(name))
            && self.pids.iter().all(|path| running(path).is_none())
    }

    /// Names of the validators, in the order of genesis.
    pub(crate) fn names(&self) -> Vec<String> {
        self.orders.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Carries out an order, for the validator of this name or for all, and says what came of it.
    pub(crate) fn drill(&self, order: Order, name: Option<&str>) -> impl Future<Output = String> + use<> {
        let called = |(called, _): &&(String, _)| name.is_none_or(|name| name == called);
        let meant: Vec<_> = match order {
            Order::Lie => self.liar.iter().cloned().collect(),
            Order::Kill | Order::Start => self.orders.iter().filter(called).cloned().collect(),
        };
        let all = name.is_none();
        async move {
            let mut said = Vec::new();
            for (name, orders) in meant {
                said.extend(words(&name, order, &ask(&orders, order).await, all));
            }
            if said.is_empty() { "no validator is down".to_owned() } else { said.join(", ") }
        }
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

async fn ask(orders: &mpsc::Sender<Asked>, order: Order) -> Outcome {
    let gone = || "it is being stopped".to_owned();
    let (outcome, told) = oneshot::channel();
    orders.send((order, outcome)).await.map_err(|_| gone())?;
    told.await.map_err(|_| gone())?
}

/// What an order came to. Of those that run already, nothing is said where all were meant.
fn words(name: &str, order: Order, outcome: &Outcome, all: bool) -> Option<String> {
    let process = |pid: &Option<u32>| pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
    Some(match (order, outcome) {
        (_, Err(why)) => format!("{name}: {why}"),
        (Order::Kill, Ok((true, pid))) => format!("{name} killed{}", process(pid)),
        (Order::Kill, Ok((false, _))) => format!("{name} is down already"),
        (Order::Start, Ok((true, pid))) => format!("{name} started again{}", process(pid)),
        (Order::Start, Ok((false, _))) if all => return None,
        (Order::Start, Ok((false, pid))) => format!("{name} runs already{}", process(pid)),
        (Order::Lie, Ok((true, pid))) => format!("{name} lies to whoever asks it next{}", process(pid)),
        (Order::Lie, Ok((false, _))) => format!("{name} does not run"),
    })
}

/// The validator program.
pub(crate) fn program() -> Result<PathBuf, Failure> {
    beside(PROGRAM)
}

/// A program of ours: beside this one, else on the PATH.
fn beside(name: &str) -> Result<PathBuf, Failure> {
    let beside = env::current_exe().ok().and_then(|own| Some(own.parent()?.join(name)));
    let path = env::var_os("PATH").unwrap_or_default();
    let mut candidates = beside.into_iter().chain(env::split_paths(&path).map(|dir| dir.join(name)));
    candidates.find(|path| path.is_file()).ok_or_else(|| {
        let text = format!("{name} is neither beside this program nor on the PATH\nIt is needed here: build it with `cargo build -p {name}`");
        Failure::new(Exit::Error, text)
    })
}

/// Two networks on one home would share keys: validators would sign twice.
fn refuse_second(pids: &[PathBuf], home: &Home) -> Result<(), Failure> {
    match pids.iter().find_map(|path| running(path)) {
        None => Ok(()),
        Some(pid) => {
            let text = format!("a demo already runs on {}: process {pid}", home.path().display());
            Err(Failure::new(Exit::Error, text))
        }
    }
}

/// The process of a validator whose pid file this is.
fn running(pid: &Path) -> Option<u32> {
    let pid = fs::read_to_string(pid).ok()?.trim().parse::<u32>().ok()?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    // The kernel keeps 15 characters of a name.
    PROGRAM.starts_with(name.trim()).then_some(pid)
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

/// Has the validator program make a home: this one knows no secret keys of validators. There are people as
/// well, where there are keys in software for them.
#[cfg(feature = "software-key")]
fn create(home: &Home, validators: Option<u8>) -> Result<(), Failure> {
    if beside(cast::PROGRAM).is_err() {
        return create_with(home, validators, None);
    }
    let scratch = Scratch::make()?;
    let cast = cast::Cast::make(scratch.path())?;
    let people = scratch.path().join("people.json");
    crate::file::write_new(&people, cast.document()?.as_bytes())?;
    create_with(home, validators, Some(&people))?;
    cast.keep(home)
}

#[cfg(not(feature = "software-key"))]
fn create(home: &Home, validators: Option<u8>) -> Result<(), Failure> {
    create_with(home, validators, None)
}

fn create_with(home: &Home, validators: Option<u8>, people: Option<&Path>) -> Result<(), Failure> {
    let program = program()?;
    let mut command = std::process::Command::new(&program);
    command.arg("demo").arg("--home").arg(home.path()).stdin(Stdio::null());
    if let Some(validators) = validators {
        command.args(["--validators", &validators.to_string()]);
    }
    if let Some(people) = people {
        command.arg("--people").arg(people);
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
