//! What turns the state machine into a process: the event loop that brings it time and messages
//! and carries its outputs to disk and network, in their order.

use core::{fmt, future::pending, time::Duration};
use std::{
    fs, io,
    path::PathBuf,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use qratum_chain::types::{Genesis, Height, Time};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    home::{self, Home, HomeError, PeerAddress},
    host::{Host, HostError, Moment, Output},
    ledger::{Ledger, LedgerError},
    message::Reply,
    network::{Arrival, Network, NetworkError},
    serve,
    store::Store,
};

/// How often lost peers are dialed again.
const RECONNECT_EVERY: Duration = Duration::from_millis(500);
/// The loop never sleeps longer at a stretch.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// What a validator process is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The home directory.
    pub home: PathBuf,
    /// Which validator of genesis this is.
    pub name: String,
    /// One line on standard error for each height and each note.
    pub verbose: bool,
    /// End when standard input ends: so that a child dies with its parent.
    pub stop_on_stdin_eof: bool,
}

/// Why a validator process ended by itself.
#[derive(Debug)]
pub enum RunError {
    /// The home is none.
    Home(HomeError),
    /// The genesis gives no chain.
    Ledger(LedgerError),
    /// The state machine cannot go on.
    Host(HostError),
    /// A file of the validator.
    Store(io::Error),
    /// No network.
    Network(NetworkError),
    /// Signals, standard input or the pid file.
    System(io::Error),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Home(why) => why.fmt(f),
            Self::Ledger(why) => write!(f, "ledger: {why}"),
            Self::Host(why) => why.fmt(f),
            Self::Store(why) => write!(f, "store: {why}"),
            Self::Network(why) => why.fmt(f),
            Self::System(why) => write!(f, "system: {why}"),
        }
    }
}

/// Both clocks of this process.
struct Clock(Instant);

impl Clock {
    fn now(&self) -> Moment {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment { wall: Time(millis(wall)), uptime_ms: millis(self.0.elapsed()) }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// The pid file, gone when the process ends in order.
struct PidFile(PathBuf);

impl PidFile {
    fn write(path: PathBuf) -> io::Result<Self> {
        fs::write(&path, std::process::id().to_string())?;
        Ok(Self(path))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // A file that stays behind names a process that is no more; readers check.
        drop(fs::remove_file(&self.0));
    }
}

/// Runs a validator until it is told to stop.
///
/// # Errors
/// [`RunError`].
pub async fn run(settings: Settings) -> Result<(), RunError> {
    let home = Home::new(&settings.home);
    let clock = Clock(Instant::now());
    let genesis = home.genesis().map_err(RunError::Home)?;
    let (own, others) = peers(&home, &genesis, &settings.name)?;
    let vote_key = home.vote_key(&settings.name).map_err(RunError::Home)?;
    let peer_key = home.peer_key(&settings.name).map_err(RunError::Home)?;
    let (mut store, kept) = Store::open(&home.validator(&settings.name)).map_err(RunError::Store)?;
    let ledger = restore(&genesis, kept.blocks, &mut store)?;
    let count = u32::try_from(others.len()).unwrap_or(u32::MAX);
    let host = Host::new(ledger, vote_key, kept.log, count, clock.now()).map_err(RunError::Host)?;
    let network = Network::listen(peer_key, &own, others).map_err(RunError::Network)?;
    let stop = stop(settings.stop_on_stdin_eof).map_err(RunError::System)?;
    let _pid = PidFile::write(home.pid_path(index(&genesis, &settings.name))).map_err(RunError::System)?;
    Process { host, network, store, clock, verbose: settings.verbose }.run(stop).await
}

/// The place of a validator in genesis: its pid file has that number, whatever becomes of it later.
fn index(genesis: &Genesis, name: &str) -> u32 {
    let place = (0u32..).zip(&genesis.validators).find(|(_, member)| member.name == name);
    place.map_or(u32::MAX, |(index, _)| index)
}

/// This validator's place in the list of peers, and all others.
fn peers(home: &Home, genesis: &Genesis, name: &str) -> Result<(PeerAddress, Vec<PeerAddress>), RunError> {
    let unknown = || RunError::Home(HomeError::Name(name.to_owned()));
    if !genesis.validators.iter().any(|member| member.name == name) {
        return Err(unknown());
    }
    let peers = home.peers().map_err(RunError::Home)?;
    for peer in &peers {
        let member = genesis.validators.iter().find(|member| member.name == peer.name);
        let enrolled = member.and_then(|member| home::peer_id(&member.enrolment.as_ref()?.peer_key));
        if enrolled.is_some_and(|id| id != peer.id) {
            return Err(RunError::Home(HomeError::PeerId(peer.name.clone())));
        }
    }
    let (own, others): (Vec<_>, Vec<_>) = peers.into_iter().partition(|peer| peer.name == name);
    Ok((own.into_iter().next().ok_or_else(unknown)?, others))
}

/// The ledger of the kept blocks. They are checked like a peer's; what does not chain is dropped
/// and fetched anew.
fn restore(
    genesis: &Genesis,
    blocks: Vec<crate::block::Decided>,
    store: &mut Store,
) -> Result<Ledger, RunError> {
    let mut ledger = Ledger::new(genesis).map_err(RunError::Ledger)?;
    let whole = blocks.into_iter().try_for_each(|block| ledger.accept(block)).is_ok();
    if !whole {
        let good = (1..=ledger.tip().height.0).filter_map(|height| ledger.block(Height(height)));
        store.replace_chain(good).map_err(RunError::Store)?;
    }
    Ok(ledger)
}

/// Resolves when the process is told to stop: SIGTERM, SIGINT or, if asked for, the end of
/// standard input.
fn stop(on_stdin_eof: bool) -> io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let end = if on_stdin_eof { Some(stdin_end()?) } else { None };
    let end = async move {
        match end {
            Some(end) => end.await.unwrap_or_default(),
            None => pending().await,
        }
    };
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = end => {}
        }
    })
}

/// Resolves when standard input ends. A thread of its own reads it: a read that blocks must not
/// hold up the end of the process.
fn stdin_end() -> io::Result<oneshot::Receiver<()>> {
    let (ended, end) = oneshot::channel();
    std::thread::Builder::new().spawn(move || {
        // An error is an end, too; and nobody may be listening any more.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = ended.send(());
    })?;
    Ok(end)
}

struct Process {
    host: Host,
    network: Network,
    store: Store,
    clock: Clock,
    verbose: bool,
}

impl Process {
    async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), RunError> {
        tokio::pin!(stop);
        let mut reconnect = interval(RECONNECT_EVERY);
        reconnect.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let left_ms = self.host.deadline_ms().saturating_sub(self.clock.now().uptime_ms);
            let outputs = tokio::select! {
                () = &mut stop => return self.store.flush().map_err(RunError::Store),
                _ = reconnect.tick() => {
                    self.network.reconnect();
                    continue;
                }
                () = sleep(Duration::from_millis(left_ms).min(LONGEST_SLEEP)) => {
                    self.host.tick(self.clock.now())
                }
                arrival = self.network.next() => self.take(arrival),
            };
            self.carry_out(outputs.map_err(RunError::Host)?).map_err(RunError::Store)?;
        }
    }

    fn take(&mut self, arrival: Arrival) -> Result<Vec<Output>, HostError> {
        let now = self.clock.now();
        match arrival {
            Arrival::PeerUp(peer) => Ok(vec![self.host.peer_up(peer)]),
            Arrival::Message(peer, message) => self.host.message(peer, message, now),
            Arrival::Blocks(peer, blocks) => self.host.decided(peer, blocks, now),
            Arrival::BlocksWanted(from, channel) => {
                let blocks = serve::decided(self.host.ledger(), from);
                self.network.answer(channel, Reply::Blocks(blocks));
                Ok(Vec::new())
            }
            Arrival::Light(request, channel) => {
                let response = serve::answer(&self.host, &request);
                self.network.answer_light(channel, response);
                Ok(Vec::new())
            }
        }
    }

    /// Nothing is told before all that it rests on is on disk.
    fn carry_out(&mut self, outputs: Vec<Output>) -> io::Result<()> {
        for output in outputs {
            match output {
                Output::Log(entry) => self.store.log(&entry)?,
                Output::Keep(decided) => {
                    self.store.keep(&decided)?;
                    let header = &decided.block.header;
                    self.say(format_args!(
                        "height {} round {} time {} block {}",
                        header.height,
                        header.round,
                        header.time,
                        header.id()
                    ));
                }
                Output::Tell(message) => {
                    self.store.flush()?;
                    self.network.tell(&message);
                }
                Output::Ask(peer, from) => self.network.ask(peer, from),
                Output::Note(note) => self.say(format_args!("{note}")),
                Output::Warn(warning) => eprintln!("{warning}"),
            }
        }
        self.store.flush()
    }

    fn say(&self, line: fmt::Arguments<'_>) {
        if self.verbose {
            eprintln!("{line}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{demo, testing::Scratch};

    #[test]
    fn a_peer_that_is_not_the_one_enrolled_is_refused() {
        let folder = Scratch::new();
        let path = folder.0.join("home");
        let made = demo::create(&path, Time(1), &demo::Options::default()).unwrap();
        let home = Home::new(&path);
        let found = || peers(&home, &made.genesis, "north");
        assert_eq!(found().unwrap().1.len(), 3);
        let mut swapped = made.peers.clone();
        (swapped[1].id, swapped[2].id) = (swapped[2].id, swapped[1].id);
        fs::remove_file(home.peers_path()).unwrap();
        home.write_peers(&swapped).unwrap();
        assert!(matches!(found(), Err(RunError::Home(HomeError::PeerId(name))) if name == "east"));
    }
}
