//! What turns the state machine into a process: the event loop that brings it time and messages
//! and carries its outputs to disk and network, in their order.
//!
//! Where the disk has no room left, the process goes on without voting: it answers from what it has,
//! and looks again. Where a write failed for want of room, it first starts its state machine anew from
//! what is on the disk, as a new process would.

mod error;
mod notes;
mod outputs;
mod pid;
mod role;
mod room;
mod stop;

use core::{fmt, time::Duration};
use std::{
    io,
    path::{Path, PathBuf},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use qratum_chain::{
    Hash,
    types::{Genesis, Height, Status, Time},
};
use qratum_crypto::sign::ed25519::{PublicKey, SecretKey};
use qratum_light_node::wire;
use tokio::time::{MissedTickBehavior, interval, sleep};

pub use self::error::RunError;
use self::{
    notes::Notes,
    outputs::{Outlet, carry_out},
    pid::PidFile,
    role::{role, standing},
    room::Room,
    stop::stop,
};
use crate::{
    home::{self, Home, HomeError, PeerAddress},
    host::{Host, HostError, Moment, Output, Past, Peer},
    ledger::Ledger,
    message::Message,
    network::{Arrival, Network},
    serve,
    signer::HandoverKey,
    snapshot::Snapshot,
    store::{
        Kept, Medium, Store, free_bytes, read_sign_from, read_snapshot, write_sign_from, write_snapshot,
    },
};

/// How often lost peers are dialed again, and the disk is looked at.
const TURN: Duration = Duration::from_millis(500);
/// What a validator does on a full disk.
const MUTE: &str = "this validator does not vote, and answers from what it has";
/// The loop never sleeps longer at a stretch.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// What a validator process is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The home directory.
    pub home: PathBuf,
    /// Which validator of genesis this is.
    pub name: String,
    /// One line on standard error for each height.
    pub verbose: bool,
    /// Voting ends where the disk has fewer free bytes.
    pub least_free: u64,
    /// So many blocks at least are kept; those below are dropped behind a checkpoint.
    pub retained: u64,
    /// End when standard input ends: so that a child dies with its parent.
    pub stop_on_stdin_eof: bool,
}

/// Both clocks of this process.
#[derive(Clone)]
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

/// Runs a validator until it is told to stop.
///
/// # Errors
/// [`RunError`].
pub async fn run(settings: Settings) -> Result<(), RunError> {
    run_on(settings, Store::open, free_bytes).await
}

/// The same on any disk: how it is opened, and how many bytes it has free.
async fn run_on<M: Medium>(
    settings: Settings,
    open: impl FnOnce(&Path) -> io::Result<(Store<M>, Kept)>,
    free: impl Fn(&Path) -> io::Result<u64>,
) -> Result<(), RunError> {
    let home = Home::new(&settings.home);
    let genesis = home.genesis().map_err(RunError::Home)?;
    let (own, others) = peers(&home, &genesis, &settings.name)?;
    let peer_key = home.peer_key(&settings.name).map_err(RunError::Home)?;
    let place = Place {
        home,
        genesis,
        name: settings.name,
        others: others.iter().map(|peer| peer.name.clone()).collect(),
        retained: settings.retained,
        clock: Clock(Instant::now()),
    };
    let (mut store, kept) = open(&place.folder()).map_err(RunError::Store)?;
    let host = place.host(kept, &mut store)?;
    let network = Network::listen(peer_key, &own, others).map_err(RunError::Network)?;
    let stop = stop(settings.stop_on_stdin_eof).map_err(RunError::System)?;
    let pid = place.home.pid_path(index(&place.genesis, &place.name));
    let _pid = PidFile::write(pid).map_err(RunError::System)?;
    eprintln!(
        "{} at height {}, on {}: {}",
        place.name,
        host.ledger().tip().height,
        own.address,
        role(host.ledger(), &place.name)
    );
    let (clock, notes) = (place.clock.clone(), Notes::default());
    let outside = Outside { network, folder: place.folder(), clock, notes, verbose: settings.verbose };
    let room = Room::new(settings.least_free);
    let standing = standing(host.ledger(), &place.name);
    Process { place, host, outside, store, room, free, standing }.run(stop).await
}

/// Who this validator is and where its files are.
struct Place {
    home: Home,
    genesis: Genesis,
    name: String,
    others: Vec<String>,
    retained: u64,
    clock: Clock,
}

impl Place {
    fn folder(&self) -> PathBuf {
        self.home.validator(&self.name)
    }

    /// A state machine on top of what the store kept.
    fn host<M: Medium>(&self, kept: Kept, store: &mut Store<M>) -> Result<Host, RunError> {
        let snapshot = read_snapshot(&self.folder()).map_err(RunError::Store)?;
        let empty = Ledger::new(&self.genesis).map_err(RunError::Ledger)?;
        let ledger = restore(empty, snapshot, (kept.blocks, self.retained), store)?;
        let key = self.home.vote_key(&self.name).map_err(RunError::Home)?;
        let sign_from = read_sign_from(&self.folder()).map_err(RunError::Store)?;
        let past = Past { log: kept.log, sign_from };
        let mut host = Host::new(ledger, key, past, self.others.clone(), self.clock.now());
        if let (Ok(host), Some(next)) = (&mut host, self.next_vote_key()?) {
            host.add_signer(next);
        }
        if let (Ok(host), Some(key)) = (&mut host, self.handover_key()?) {
            host.hand_over_with(key);
        }
        host.map_err(RunError::Host)
    }

    /// The key for hand-overs. Where it is not the one that genesis names, the validator votes all the
    /// same, and says that it hands nothing over.
    fn handover_key(&self) -> Result<Option<HandoverKey>, RunError> {
        let key = self.home.handover_key(&self.name).map_err(RunError::Home)?;
        let named = self.genesis.validators.iter().find(|member| member.name == self.name);
        let named = named.map_or(Hash::ZERO, |member| member.validator.pq_key_hash);
        if named != Hash::ZERO && key.as_ref().is_none_or(|key| key.hash() != named) {
            let path = self.folder().join(home::HANDOVER_KEY);
            eprintln!("{} is not the ML-DSA key that genesis names: no hand-over is signed", path.display());
        }
        Ok(key)
    }

    /// Once the next vote key has a seat, it is the vote key of the home: whoever keeps a copy of that
    /// file keeps the one that votes. Says what it did.
    fn settle_keys(&self, next: &PublicKey, host: &Host) -> Result<Option<String>, HomeError> {
        if host.ledger().set().index_of(next).is_none()
            || !self.home.promote_next_vote_key(&self.name, next)?
        {
            return Ok(None);
        }
        let folder = self.folder();
        Ok(Some(format!(
            "the new vote key votes: it is vote.key now, the old one stays in {}",
            folder.display()
        )))
    }

    fn next_vote_key(&self) -> Result<Option<SecretKey>, RunError> {
        self.home.next_vote_key(&self.name).map_err(RunError::Home)
    }
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

/// The ledger of the kept snapshot and the blocks on both sides of it. They are checked like a peer's;
/// what does not chain is dropped, and fetched anew where it is above. Of those below as many are kept
/// as are retained, once the snapshot was read back from the disk and checked in full.
fn restore<M: Medium>(
    empty: Ledger,
    snapshot: Option<Snapshot>,
    (blocks, retained): (Vec<crate::block::Decided>, u64),
    store: &mut Store<M>,
) -> Result<Ledger, RunError> {
    // Checkpoints on the way are on no disk yet, so no block may be dropped for them.
    let empty = empty.retaining(u64::MAX);
    let mut ledger = match snapshot.map(|snapshot| empty.founded(snapshot, None)) {
        Some(Ok(founded)) => founded,
        Some(Err(why)) => {
            eprintln!("snapshot.bin is left aside: {why}");
            empty
        }
        None => empty,
    };
    let base = ledger.tip().height;
    let lowest = blocks.first().map(crate::block::Decided::height);
    let (below, above) = blocks.into_iter().partition(|block| block.height() <= base);
    ledger.underlay(below, retained);
    let whole = Vec::into_iter(above).try_for_each(|block| ledger.accept(block)).is_ok();
    // The lowest on disk is what lies below the others.
    let needless = lowest.is_some_and(|lowest| lowest.next() < ledger.lowest());
    if !whole || needless {
        let heights = ledger.lowest().0..=ledger.tip().height.0;
        let good = heights.filter_map(|height| ledger.block(Height(height)));
        store.replace_chain(good).map_err(RunError::Store)?;
    }
    Ok(ledger.retaining(retained))
}

/// Network and terminal.
struct Outside {
    network: Network,
    folder: PathBuf,
    clock: Clock,
    notes: Notes,
    verbose: bool,
}

impl Outlet for Outside {
    fn tell(&mut self, message: &Message) {
        self.network.tell(message);
    }

    fn ask(&mut self, peer: Peer, from: Height) {
        self.network.ask(peer, from);
    }

    fn ask_page(&mut self, peer: Peer, height: u64, offset: u32) {
        self.network.ask_page(peer, height, offset);
    }

    fn found(&mut self, snapshot: &[u8]) -> io::Result<()> {
        write_snapshot(&self.folder, snapshot)
    }

    fn sign_from(&mut self, height: Height) -> io::Result<()> {
        write_sign_from(&self.folder, Some(height))
    }

    fn height(&mut self, line: fmt::Arguments<'_>) {
        if self.verbose {
            eprintln!("{line}");
        }
    }

    fn note(&mut self, about: &str, line: &str) {
        if let Some(said) = self.notes.admit(about, self.clock.now().uptime_ms) {
            eprintln!("{said}{line}");
        }
    }

    fn warn(&mut self, line: &str) {
        eprintln!("{line}");
    }
}

struct Process<F, M> {
    place: Place,
    host: Host,
    outside: Outside,
    store: Store<M>,
    room: Room,
    free: F,
    /// What was last said of its place in the set.
    standing: (bool, Option<Status>),
}

impl<F: Fn(&Path) -> io::Result<u64>, M: Medium> Process<F, M> {
    async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), RunError> {
        tokio::pin!(stop);
        let mut turn = interval(TURN);
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let outputs = tokio::select! {
                () = &mut stop => return self.end(),
                _ = turn.tick() => {
                    self.outside.network.reconnect();
                    self.look()?;
                    continue;
                }
                () = sleep(self.left()) => self.host.tick(self.place.clock.now()),
                arrival = self.outside.network.next() => self.take(arrival),
            };
            self.carry_out(outputs.map_err(RunError::Host)?)?;
        }
    }

    /// How long the state machine has nothing to do by itself.
    fn left(&self) -> Duration {
        let left_ms = self.host.deadline_ms().saturating_sub(self.place.clock.now().uptime_ms);
        if self.room.enough() { Duration::from_millis(left_ms).min(LONGEST_SLEEP) } else { LONGEST_SLEEP }
    }

    fn end(&mut self) -> Result<(), RunError> {
        if self.room.enough() { self.store.flush().map_err(RunError::Store) } else { Ok(()) }
    }

    /// Says what became of its place in the set: jailed, leaving, without a seat, or back.
    fn tell_standing(&mut self) {
        let now = standing(self.host.ledger(), &self.place.name);
        if now != std::mem::replace(&mut self.standing, now) {
            let role = role(self.host.ledger(), &self.place.name);
            self.outside.warn(&format!("{}: {role}", self.place.name));
        }
    }

    /// Whether a new vote key came, or the disk has room, and what follows from a change.
    fn look(&mut self) -> Result<(), RunError> {
        // Half written, or gone again: the next look tells.
        if let Ok(Some(next)) = self.place.next_vote_key() {
            let key = next.public();
            self.host.add_signer(next);
            match self.place.settle_keys(&key, &self.host) {
                Ok(done) => done.iter().for_each(|line| self.outside.warn(line)),
                Err(why) => {
                    let line = format!("the new vote key votes, and stays in vote-next.key: {why}");
                    self.outside.note(&self.place.name, &line);
                }
            }
        }
        self.tell_standing();
        let free = (self.free)(&self.place.folder()).map_err(RunError::Store)?;
        if !self.room.look(free) {
            return Ok(());
        }
        self.outside.warn(&if self.room.enough() {
            "there is room on the disk again: this validator takes part again".to_owned()
        } else {
            let [free, least] = [free, self.room.least()].map(|bytes| bytes >> 20);
            format!("the disk is full ({free} MiB free, voting needs {least} MiB): {MUTE}")
        });
        Ok(())
    }

    /// As after a restart of the process: what is on disk counts, and nothing else.
    fn start_anew(&mut self) -> Result<(), RunError> {
        let kept = self.store.reload().map_err(RunError::Store)?;
        self.host = self.place.host(kept, &mut self.store)?;
        Ok(())
    }

    fn carry_out(&mut self, outputs: Vec<Output>) -> Result<(), RunError> {
        match carry_out(outputs, &mut self.store, &mut self.outside) {
            Err(why) if why.kind() == io::ErrorKind::StorageFull => {
                self.outside.warn(&format!("{why}: {MUTE}"));
                self.room.is_full();
                self.start_anew()
            }
            done => done.map_err(RunError::Store),
        }
    }

    fn take(&mut self, arrival: Arrival) -> Result<Vec<Output>, HostError> {
        let now = self.place.clock.now();
        let network = &mut self.outside.network;
        match arrival {
            Arrival::BlocksWanted(from, channel) => {
                network.answer(channel, serve::blocks(self.host.ledger(), from));
            }
            Arrival::PageWanted(height, offset, channel) => {
                network.answer(channel, serve::page(self.host.ledger(), height, offset));
            }
            Arrival::Light(wire::Request::Submit(txo), channel) => {
                let (submission, outputs) = self.host.submit(&txo);
                network.answer_light(channel, wire::Response::Submitted(submission));
                return Ok(outputs);
            }
            Arrival::Light(request, channel) => {
                network.answer_light(channel, serve::answer(&self.host, &request));
            }
            // Without room for what would follow, nothing more is heard.
            _ if !self.room.enough() => {}
            Arrival::PeerUp(peer) => return Ok(vec![self.host.peer_up(peer)]),
            Arrival::Unreadable(peer, why) => return Ok(vec![self.host.unreadable(peer, &why)]),
            Arrival::Message(peer, message) => return self.host.message(peer, message, now),
            Arrival::Blocks(peer, blocks) => return self.host.decided(peer, blocks, now),
            Arrival::Page(peer, page) => return self.host.page(peer, page, now),
        }
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use core::ops::RangeInclusive;
    use std::{cell::Cell, fs, future::pending};

    use qratum_chain::{
        codec::Decode,
        types::{Certificate, SetId},
    };

    use super::*;
    use crate::{
        block::Decided,
        demo,
        testing::{self, Faulty, Scratch, ledger},
    };

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

    /// Waits until `done`, at most ten seconds.
    async fn until(done: impl Fn() -> bool) -> bool {
        for _ in 0..200 {
            if done() {
                return true;
            }
            sleep(Duration::from_millis(50)).await;
        }
        false
    }

    /// Runs a network of one, with files in memory and so much room, beside a test.
    async fn alone(
        media: &[Faulty; 2],
        free: &Cell<u64>,
        looks: &Cell<u32>,
        test: impl Future<Output = ()>,
    ) -> Option<Result<(), RunError>> {
        let folder = Scratch::new();
        let path = folder.0.join("home");
        let options = demo::Options { validators: 1, block_interval_ms: 50, ..demo::Options::default() };
        demo::create(&path, Clock(Instant::now()).now().wall, &options).unwrap();
        let name = "north".to_owned();
        let settings = Settings {
            home: path,
            name,
            verbose: false,
            least_free: 100,
            retained: 100,
            stop_on_stdin_eof: false,
        };
        let [chain, log] = media.clone();
        let looked = |_: &Path| {
            looks.set(looks.get() + 1);
            Ok(free.get())
        };
        tokio::select! {
            ended = run_on(settings, |_| Store::on(chain, log), looked) => Some(ended),
            () = test => None,
        }
    }

    #[tokio::test]
    async fn where_the_disk_is_full_nothing_is_decided_until_there_is_room_again() {
        let (media, free, looks) = ([Faulty::default(), Faulty::default()], Cell::new(100), Cell::new(0));
        let chain = || media[0].synced().len();
        let test = async {
            assert!(until(|| chain() > 0).await, "no block");
            free.set(99);
            let before = looks.get();
            assert!(until(|| looks.get() > before).await);
            let full = chain();
            assert!(until(|| looks.get() > before + 3).await);
            assert_eq!(chain(), full, "it went on");
            free.set(150);
            assert!(until(|| chain() > full).await, "it does not go on");
        };
        assert!(alone(&media, &free, &looks, test).await.is_none());
    }

    /// What is on the disk: this snapshot and these blocks. The height of the tip after a start that
    /// retains so many, and the heights on the disk.
    fn restored(retained: u64, snapshot: Option<Snapshot>, blocks: Vec<Decided>) -> (u64, Vec<u64>) {
        let file = Faulty::default();
        let (mut store, _) = Store::on(file.clone(), Faulty::default()).unwrap();
        blocks.iter().for_each(|block| store.keep(block).unwrap());
        let ledger = restore(ledger(0), snapshot, (blocks, retained), &mut store).unwrap();
        store.flush().unwrap();
        let kept = Store::on(Faulty::of(&file.synced()), Faulty::default()).unwrap().1.blocks;
        (ledger.tip().height.0, kept.iter().map(|block| block.height().0).collect())
    }

    fn blocks(heights: RangeInclusive<u64>) -> Vec<Decided> {
        let chain = ledger(103);
        heights.map(|height| chain.block(Height(height)).unwrap().clone()).collect()
    }

    fn snapshot() -> Option<Snapshot> {
        Snapshot::from_bytes(&ledger(103).snapshot().unwrap().1).ok()
    }

    fn heights(heights: RangeInclusive<u64>) -> (u64, Vec<u64>) {
        (*heights.end(), heights.collect())
    }

    #[test]
    fn as_many_blocks_below_a_snapshot_are_kept_as_are_retained() {
        assert_eq!(restored(1000, snapshot(), blocks(1..=103)), heights(1..=103));
        assert_eq!(restored(10, snapshot(), blocks(1..=103)), heights(91..=103));
        assert_eq!(restored(10, snapshot(), blocks(91..=103)), heights(91..=103), "not one less each time");
        assert_eq!(restored(1000, snapshot(), blocks(101..=103)), heights(101..=103));
        // It can be read, and its state is another.
        let mut forged = ledger(103).snapshot().unwrap().1.to_vec();
        *forged.last_mut().unwrap() ^= 1;
        assert_eq!(restored(10, Snapshot::from_bytes(&forged).ok(), blocks(1..=103)), heights(1..=103));
        assert_eq!(restored(1000, None, blocks(1..=103)), heights(1..=103));
        assert_eq!(restored(1000, None, blocks(5..=9)), (0, vec![]), "they do not chain");
    }

    /// Block 95 was changed on the disk: it and those below it are given to nobody. Without its header
    /// nothing is known to lie below block 96.
    #[test]
    fn a_changed_block_below_a_snapshot_is_dropped_with_those_below_it() {
        type Change = fn(&mut Decided);
        let changes: [(u64, Change); 5] = [
            (97, |it| it.block.header.time = it.block.header.time.plus(1)),
            (96, |it| it.block.last_certificate = None),
            (96, |it| it.block.body.transactions.push(testing::rotation(&ledger(0), 0, 0, &testing::key(9)))),
            (96, |it| it.block.body.evidence.push(testing::double_vote(&ledger(0), SetId(0), 0))),
            (96, |it| {
                let Certificate::Commit(commit) = &mut it.certificate else { panic!() };
                commit.signatures[0] = commit.signatures[1];
            }),
        ];
        for (lowest, change) in changes {
            let mut blocks = blocks(1..=103);
            change(&mut blocks[94]);
            assert_eq!(restored(1000, snapshot(), blocks), heights(lowest..=103));
        }
    }

    /// The system said that there is room, and there is none: in the middle of any record.
    #[tokio::test]
    async fn a_write_that_fails_for_want_of_room_costs_no_block() {
        let (media, free, looks) = ([Faulty::default(), Faulty::default()], Cell::new(500), Cell::new(0));
        let chain = || media[0].synced().len();
        let test = async {
            assert!(until(|| chain() > 0).await, "no block");
            for medium in &media {
                medium.fail_after(0, io::ErrorKind::StorageFull);
                let full = chain();
                assert!(until(|| chain() > full + 3_000).await, "it does not go on");
            }
        };
        assert!(alone(&media, &free, &looks, test).await.is_none());
        let [chain, log] = media.map(|medium| Faulty::of(&medium.synced()));
        let blocks = Store::on(chain, log).unwrap().1.blocks;
        assert!(blocks.iter().map(|block| block.height().0).eq(1..=blocks.len() as u64));
    }

    #[tokio::test]
    async fn a_broken_disk_ends_the_process() {
        for which in 0..2 {
            let (media, free, looks) = ([Faulty::default(), Faulty::default()], Cell::new(500), Cell::new(0));
            // A write or a sync of one of the first heights.
            media[which].fail_after(5, io::ErrorKind::Other);
            let ended = alone(&media, &free, &looks, pending()).await;
            assert!(matches!(ended, Some(Err(RunError::Store(_)))), "{ended:?}");
        }
    }
}
