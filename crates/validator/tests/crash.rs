//! Real processes, killed at any moment: nobody votes twice, no head is lost that was told, and each
//! is back soon. `make crash` kills as often as `KILLS` says (200).

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::{
    collections::BTreeMap,
    fs, io,
    time::{Duration, Instant},
};

use qratum_chain::types::{BlockId, Height, Phase, Round, SignedVote};
use qratum_light_node::wire::{Request, Response};
use qratum_validator::{
    demo::{Options, create},
    drivers::virtual_time::Dice,
    engine::Entry,
    home::PeerAddress,
    store::{Kept, Medium, Store, read_snapshot},
};
use support::{Asker, Processes, Scratch, now};

/// A copy of a file.
struct Copy(Vec<u8>);

impl Medium for Copy {
    fn read_all(&mut self) -> io::Result<Vec<u8>> {
        Ok(self.0.clone())
    }
    fn append(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
    fn cut(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }
    fn replace(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type Place = (u32, Height, Round, Phase);

/// Everything that was seen, and what it must never show.
#[derive(Default)]
struct Seen {
    votes: BTreeMap<Place, Option<BlockId>>,
    blocks: BTreeMap<Height, BlockId>,
    /// The highest head that each told.
    told: BTreeMap<String, Height>,
    from_logs: u64,
}

impl Seen {
    fn vote(&mut self, signed: &SignedVote) {
        let vote = &signed.vote;
        let place = (signed.signer, vote.height, vote.round, vote.phase);
        assert_eq!(*self.votes.entry(place).or_insert(vote.value), vote.value, "two votes for {place:?}");
    }

    fn block(&mut self, height: Height, id: BlockId) {
        assert_eq!(*self.blocks.entry(height).or_insert(id), id, "a fork at {height}");
    }

    /// What a dead validator left: its own votes and blocks, and no head less than it told.
    fn left(&mut self, name: &str, kept: &Kept, checkpoint: Height) {
        for entry in &kept.log {
            if let Entry::Vote(signed) = entry {
                self.vote(signed);
                self.from_logs += 1;
            }
        }
        for decided in &kept.blocks {
            self.block(decided.height(), decided.block.id());
        }
        let head = kept.blocks.last().map_or(checkpoint, |decided| decided.height());
        let told = self.told.get(name).copied().unwrap_or(Height(0));
        assert!(head >= told, "{name} told of {told} and kept {head}");
    }
}

struct Crash {
    scratch: Scratch,
    peers: Vec<PeerAddress>,
    processes: Processes,
    asker: Asker,
    seen: Seen,
}

impl Crash {
    fn new(name: &str) -> Self {
        let scratch = Scratch::new(name);
        let options = Options { block_interval_ms: 100, ..Options::default() };
        let peers = create(&scratch.0, now(), &options).unwrap().peers;
        let mut processes = Processes::of(&scratch.0);
        peers.iter().for_each(|peer| processes.start(&peer.name));
        Self { asker: Asker::new(99), scratch, peers, processes, seen: Seen::default() }
    }

    /// Asks one for its head and for votes. The height of its head, if it answers.
    async fn look(&mut self, which: usize) -> Option<Height> {
        let peer = self.peers[which].clone();
        if let Response::Votes { votes, .. } = self.asker.ask(&peer, Request::Votes).await? {
            votes.iter().for_each(|signed| self.seen.vote(signed));
        }
        let Response::Block(block) = self.asker.ask(&peer, Request::Tip).await? else {
            return Some(Height(0));
        };
        let height = block.header.height;
        self.seen.block(height, block.header.id());
        self.seen.told.insert(peer.name, height);
        Some(height)
    }

    /// What it left on disk.
    fn kept(&self, which: usize) -> Kept {
        let folder = self.scratch.0.join("validators").join(&self.peers[which].name);
        let [chain, log] = ["chain.bin", "log.bin"].map(|file| Copy(fs::read(folder.join(file)).unwrap()));
        Store::on(chain, log).unwrap().1
    }

    /// Kills one, looks at what it left, and starts it. How long until it answers again.
    async fn kill(&mut self, which: usize) -> Duration {
        let name = self.peers[which].name.clone();
        self.processes.kill(&name);
        let kept = self.kept(which);
        let snapshot = read_snapshot(&self.scratch.0.join("validators").join(&name)).unwrap();
        let checkpoint = snapshot.and_then(|snapshot| snapshot.header().map(|header| header.height));
        self.seen.left(&name, &kept, checkpoint.unwrap_or(Height(0)));
        let started = Instant::now();
        self.processes.start(&name);
        while self.look(which).await.is_none() {
            assert!(started.elapsed() < Duration::from_secs(30), "{name} does not come back");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        started.elapsed()
    }

    /// Watches all for about so long.
    async fn watch(&mut self, span: Duration) {
        let started = Instant::now();
        while started.elapsed() < span {
            for which in 0..self.peers.len() {
                self.look(which).await;
            }
        }
    }

    async fn goes_on(&mut self) {
        let highest = |seen: &Seen| seen.told.values().max().copied().unwrap_or(Height(0));
        let (started, tip) = (Instant::now(), highest(&self.seen));
        while highest(&self.seen).0 < tip.0 + 3 {
            assert!(started.elapsed() < Duration::from_secs(30), "it stands still at {tip}");
            self.watch(Duration::from_millis(50)).await;
        }
    }
}

async fn crash(name: &str, kills: u64) {
    let mut dice = Dice(kills);
    let mut crash = Crash::new(name);
    crash.goes_on().await;
    let mut restarts = Vec::new();
    let mut killed = 0;
    // On a fast machine a height is voted on for a moment only: until one was killed in it.
    while killed < kills || (crash.seen.from_logs == 0 && killed < 10 * kills) {
        killed += 1;
        let (wait, victim) = (dice.below(700), dice.below(4));
        crash.watch(Duration::from_millis(wait)).await;
        restarts.push(crash.kill(victim as usize).await);
    }
    crash.goes_on().await;
    restarts.sort();
    let (median, longest) = (restarts[restarts.len() / 2], restarts[restarts.len() - 1]);
    println!(
        "{killed} kills over {} heights: no double vote in {} places ({} votes in logs), no head lost; \
         back after {} ms (median), {} ms (longest)",
        crash.seen.blocks.len(),
        crash.seen.votes.len(),
        crash.seen.from_logs,
        median.as_millis(),
        longest.as_millis()
    );
    assert!(crash.seen.from_logs > 0 && crash.seen.votes.len() > 20);
    assert!(longest < Duration::from_secs(2), "a restart took {longest:?}");
}

#[tokio::test]
async fn killed_at_any_moment_nobody_votes_twice_or_forgets_a_head() {
    crash("crash", 6).await;
}

#[tokio::test]
#[ignore = "`make crash`: some minutes"]
async fn killed_very_often() {
    let kills = std::env::var("KILLS").ok().and_then(|kills| kills.parse().ok());
    crash("crash-often", kills.unwrap_or(200)).await;
}
