//! Runs a whole network of hosts in virtual time: messages are lost, late and cut off, clocks go
//! wrong, and a node can go down between any two outputs, keeping of its disk what was flushed. One
//! seed gives one run, event by event.
//!
//! Three promises are watched all along ([`Net::broken`]): nobody honest votes for two values in one
//! place, no two decide differently at one height, and a head that a node could tell of is still
//! there after its restart.

mod dice;
mod disk;
mod node;
mod post;
mod watch;

use core::fmt;
use std::collections::BTreeSet;

use qratum_chain::types::{Genesis, Height};
use qratum_light_node::wire::Submission;

pub use self::{dice::Dice, post::Weather};
use self::{
    disk::Disk,
    node::{Node, Reaction},
    post::{Letter, Post},
    watch::Watch,
};
use crate::{
    host::{Host, HostError, Output},
    message::{Message, Reply},
};

/// What really leaves a node that lies, in place of a message, to the node of this number.
pub type Tamper = Box<dyn FnMut(usize, &Message) -> Vec<Message> + Send>;

/// A network in virtual time. Nodes are numbered like the validators of its genesis.
pub struct Net {
    now_ms: u64,
    genesis: Genesis,
    nodes: Vec<Node>,
    post: Post,
    watch: Watch,
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Net({} nodes at {} ms)", self.nodes.len(), self.now_ms)
    }
}

impl Net {
    /// The validators of `genesis`, whose vote keys are made of `seeds`, all up and in fair weather;
    /// the clocks on their walls show the time of genesis. Every chance of the run is of `dice`.
    #[must_use]
    pub fn new(genesis: Genesis, seeds: &[[u8; 32]], dice: Dice) -> Self {
        let nodes = seeds.iter().enumerate().map(|(index, seed)| Node::new(index, *seed)).collect();
        let mut net = Self { now_ms: 0, genesis, nodes, post: Post::new(dice), watch: Watch::default() };
        net.start_all();
        net
    }

    /// Milliseconds since the network was made.
    #[must_use]
    pub const fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// The dice of the run.
    pub const fn dice(&mut self) -> &mut Dice {
        &mut self.post.dice
    }

    /// The weather from now on.
    pub const fn weather(&mut self) -> &mut Weather {
        &mut self.post.weather
    }

    /// Nothing that is sent from now on passes between these nodes and all others.
    pub fn cut_off(&mut self, nodes: impl IntoIterator<Item = usize>) {
        self.post.cut_off = nodes.into_iter().collect();
    }

    /// All can reach all, and connect anew.
    pub fn heal(&mut self) {
        self.post.cut_off = BTreeSet::new();
        (0..self.nodes.len()).for_each(|i| self.connect(i));
    }

    /// Sets the clock on the wall of a node so far ahead.
    pub fn skew(&mut self, i: usize, ms: i64) {
        if let Some(node) = self.nodes.get_mut(i) {
            node.skew_ms = ms;
        }
    }

    /// Makes a node lie: what it says is not held against the promises.
    pub fn tamper(&mut self, i: usize, tamper: Tamper) {
        if let Some(node) = self.nodes.get_mut(i) {
            node.tamper = Some(tamper);
        }
    }

    /// Starts every node that is down, and puts out all fuses.
    pub fn start_all(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.fuse = None);
        (0..self.nodes.len()).for_each(|i| self.start(i));
    }

    /// Starts a node from its disk, if it is down.
    pub fn start(&mut self, i: usize) {
        let Some(node) = self.nodes.get_mut(i).filter(|node| node.host.is_none()) else { return };
        match node.start(&self.genesis, self.now_ms) {
            Ok(()) => self.watch.event(self.now_ms, i, "up"),
            Err(why) => self.watch.breaks(format!("node {i} does not start: {why}")),
        }
        self.watch.starts(i, node.head().0);
        self.connect(i);
    }

    fn connect(&mut self, i: usize) {
        for other in (0..self.nodes.len()).filter(|other| *other != i) {
            self.post.send(i, Letter::PeerUp(other), self.now_ms);
            self.post.send(other, Letter::PeerUp(i), self.now_ms);
        }
    }

    /// Lets a node go down at once.
    pub fn kill(&mut self, i: usize) {
        let survive = self.post.dice.below(4);
        if let Some(node) = self.nodes.get_mut(i).filter(|node| node.host.is_some()) {
            node.crash(survive);
            self.watch.event(self.now_ms, i, "down");
        }
    }

    /// Lets a node go down after `outputs` more outputs, wherever that is.
    pub fn kill_after(&mut self, i: usize, outputs: u64) {
        if let Some(node) = self.nodes.get_mut(i) {
            node.fuse = Some(outputs);
        }
    }

    /// From their next start on, nodes keep so many blocks at least before they drop some.
    pub fn retain(&mut self, blocks: u64) {
        self.nodes.iter_mut().for_each(|node| node.retained = Some(blocks));
    }

    /// Empties the disk of a node that is down.
    pub fn wipe(&mut self, i: usize) {
        if let Some(node) = self.nodes.get_mut(i).filter(|node| node.host.is_none()) {
            node.disk = Disk::default();
            self.watch.forgets(i);
        }
    }

    /// Gives a node one more vote key, made of this seed.
    pub fn give_key(&mut self, i: usize, seed: [u8; 32]) {
        if let Some(node) = self.nodes.get_mut(i) {
            node.give_key(seed);
        }
    }

    /// Gives a node the ML-DSA key for hand-overs that is made of this seed.
    pub fn give_handover_key(&mut self, i: usize, seed: [u8; 32]) {
        if let Some(node) = self.nodes.get_mut(i) {
            node.give_handover_key(seed);
        }
    }

    /// Submits a transaction to a node; `None` when it is down.
    pub fn submit(&mut self, i: usize, txo: &[u8]) -> Option<Submission> {
        let host = self.nodes.get_mut(i)?.host.as_mut()?;
        let (submission, outputs) = host.submit(txo);
        self.carry_out(i, outputs);
        Some(submission)
    }

    /// The state machine of a node that is up.
    #[must_use]
    pub fn host(&self, i: usize) -> Option<&Host> {
        self.nodes.get(i)?.host.as_ref()
    }

    /// The head of a node, up or down.
    #[must_use]
    pub fn height(&self, i: usize) -> Height {
        self.nodes.get(i).map_or(Height(0), Node::head)
    }

    /// The lowest head of all nodes that are up.
    #[must_use]
    pub fn lowest(&self) -> u64 {
        let up = self.nodes.iter().filter(|node| node.host.is_some());
        up.map(|node| node.head().0).min().unwrap_or_default()
    }

    /// Promises that were broken, in words; none, if all is well.
    #[must_use]
    pub fn broken(&self) -> &[String] {
        &self.watch.broken
    }

    /// Everything that happened: a line each, `milliseconds node event`.
    #[must_use]
    pub fn log(&self) -> &str {
        &self.watch.log
    }

    /// Runs until `done` or a broken promise, at most so many virtual milliseconds. Whether it is
    /// done and no promise is broken.
    pub fn run(&mut self, most_ms: u64, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now_ms.saturating_add(most_ms);
        while self.watch.broken.is_empty() {
            if done(self) {
                return true;
            }
            let ticks = self.nodes.iter().filter_map(Node::next_ms);
            let next = ticks.chain(self.post.next_ms()).min().unwrap_or(u64::MAX).max(self.now_ms);
            if next > end {
                self.now_ms = end;
                return false;
            }
            self.now_ms = next;
            match self.post.take(next) {
                Some((to, letter)) => self.deliver(to, letter),
                None => self.tick(),
            }
        }
        false
    }

    fn tick(&mut self) {
        for i in 0..self.nodes.len() {
            let now_ms = self.now_ms;
            let due = |node: &&mut Node| node.next_ms().is_some_and(|at_ms| at_ms <= now_ms);
            if let Some(node) = self.nodes.get_mut(i).filter(due) {
                let outputs = node.tick(&self.genesis, now_ms);
                self.react(i, outputs.map(Reaction::Outputs));
            }
        }
    }

    fn deliver(&mut self, to: usize, letter: Letter) {
        if let Some(node) = self.nodes.get_mut(to) {
            let reaction = node.read(letter, &self.genesis, self.now_ms);
            self.react(to, reaction);
        }
    }

    fn react(&mut self, i: usize, reaction: Result<Reaction, HostError>) {
        match reaction {
            Ok(Reaction::Answer(to, reply)) => match reply {
                Reply::Blocks(blocks) => self.post.send(to, Letter::Blocks(i, blocks), self.now_ms),
                Reply::Page(page) => self.post.send(to, Letter::Page(i, page), self.now_ms),
                Reply::Noted => {}
            },
            Ok(Reaction::Outputs(outputs)) => self.carry_out(i, outputs),
            Err(why) => self.watch.breaks(format!("node {i} cannot go on: {why}")),
        }
    }

    /// As the driver of a process does, unless the fuse burns down before.
    fn carry_out(&mut self, i: usize, outputs: Vec<Output>) {
        for output in outputs {
            let Some(node) = self.nodes.get_mut(i) else { return };
            match &mut node.fuse {
                Some(0) => return self.kill(i),
                Some(left) => *left = left.saturating_sub(1),
                None => {}
            }
            self.watch.event(self.now_ms, i, describe(&output));
            match output {
                Output::Log(entry) => node.disk.write(entry),
                Output::Keep(decided) => {
                    self.watch.block(&decided);
                    node.disk.keep(*decided);
                }
                Output::Certify(decided) => node.disk.keep(*decided),
                Output::Tell(message) => {
                    node.disk.flush();
                    self.tell(i, &message);
                }
                Output::Found(snapshot) => {
                    node.disk.flush();
                    node.disk.found(snapshot);
                }
                Output::SignFrom(height) => {
                    node.disk.flush();
                    node.disk.sign_from(height);
                }
                Output::AskPage { peer, height, offset } => {
                    let to = node.node_of(peer);
                    self.post.send(to, Letter::PageWanted(i, height, offset), self.now_ms);
                }
                Output::Ask(peer, height) => {
                    let to = node.node_of(peer);
                    self.post.send(to, Letter::Wanted(i, height), self.now_ms);
                }
                Output::Note { .. } | Output::Warn(_) => {}
            }
        }
        if let Some(node) = self.nodes.get_mut(i).filter(|node| node.host.is_some()) {
            node.disk.flush();
            self.watch.told(i, node.disk.height());
        }
    }

    fn tell(&mut self, i: usize, message: &Message) {
        let count = self.nodes.len();
        let Some(node) = self.nodes.get_mut(i) else { return };
        if let (None, Message::Vote(signed)) = (&node.tamper, message) {
            self.watch.vote(signed);
        }
        for to in (0..count).filter(|to| *to != i) {
            let said = match &mut node.tamper {
                None => vec![message.clone()],
                Some(tamper) => tamper(to, message),
            };
            for message in said {
                self.post.send(to, Letter::Message(i, message), self.now_ms);
            }
        }
    }
}

/// An output in a few words that differ where outputs do.
fn describe(output: &Output) -> String {
    match output {
        Output::Log(entry) => format!("log {}", print(entry)),
        Output::Keep(decided) => format!("keep {} {}", decided.height(), decided.block.id()),
        Output::Certify(decided) => format!("certify {} {}", decided.height(), print(&decided.certificate)),
        Output::Tell(message) => format!("tell {}", print(message)),
        Output::Found(snapshot) => format!("found {} bytes", snapshot.len()),
        Output::SignFrom(height) => format!("sign from {height}"),
        Output::Ask(peer, from) => format!("ask {} {from}", peer.0),
        Output::AskPage { peer, height, offset } => format!("ask {} {height} {offset}", peer.0),
        Output::Note { line, .. } => format!("note {line}"),
        Output::Warn(text) => format!("warn {text}"),
    }
}

/// The first bytes of a hash over all bytes.
fn print(value: &impl qratum_chain::codec::Encode) -> String {
    let hash = qratum_crypto::hash::sha3_256(&value.to_bytes());
    hash.0.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
