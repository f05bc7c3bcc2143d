//! A network of hosts in virtual time, for the tests of this crate: messages take a while, disks
//! survive a crash as far as they were flushed, and every vote that leaves is watched.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use qratum_chain::{
    Hash,
    types::{
        Bitmap, BlockId, Certificate, ChainParams, CommitCertificate, Enrolment, Genesis, GenesisValidator,
        Header, Height, Jurisdiction, Phase, Proofs, Round, STAKE_UNIT, SetId, Time, Validator, Vote,
    },
};
use qratum_crypto::sign::ed25519::SecretKey;

use crate::{
    block::Decided,
    engine::Entry,
    host::{Host, Moment, Output, Peer},
    ledger::Ledger,
    message::Message,
    serve,
};

pub(crate) const POWERS: [u64; 4] = [30, 25, 25, 20];
pub(crate) const START: Time = Time(1_800_000_000_000);

pub(crate) fn key(index: u32) -> SecretKey {
    SecretKey::from_seed(&[index as u8 + 1; 32])
}

pub(crate) fn genesis(powers: &[u64]) -> Genesis {
    let member = |(index, power): (u32, &u64)| {
        let name = format!("v{index}");
        let validator = Validator {
            pubkey: key(index).public(),
            power: *power,
            jurisdiction: Jurisdiction::new(*b"CH").unwrap(),
            since_set: SetId(0),
            pq_key_hash: Hash::ZERO,
        };
        let (peer, operator) = (key(index + 64), key(index + 128));
        let mut enrolment = Enrolment {
            operator: name.clone(),
            stake: power.saturating_mul(STAKE_UNIT),
            peer_key: peer.public(),
            operator_key: operator.public(),
            proofs: Proofs::MISSING,
        };
        let scope = enrolment.scope("test", &name, &validator);
        enrolment.proofs = Proofs::sign(scope, &key(index), &peer, &operator);
        GenesisValidator { name, validator, enrolment: Some(enrolment) }
    };
    Genesis {
        network: "test".to_owned(),
        demo: true,
        time: START,
        params: ChainParams { set_length: 20, ..ChainParams::default() },
        validators: (0u32..).zip(powers).map(member).collect(),
    }
}

/// A certificate for `header` by these signers.
pub(crate) fn certificate(header: &Header, members: usize, signers: &[u32]) -> CommitCertificate {
    let vote = Vote {
        phase: Phase::Precommit,
        chain_id: header.chain_id,
        set_id: header.set_id,
        height: header.height,
        round: header.round,
        value: Some(header.id()),
    };
    CommitCertificate {
        chain_id: vote.chain_id,
        set_id: vote.set_id,
        height: vote.height,
        round: vote.round,
        block_id: header.id(),
        bitmap: Bitmap::of(members, signers.iter().copied()),
        signatures: signers.iter().map(|signer| key(*signer).sign(&vote.sign_bytes())).collect(),
    }
}

/// A ledger of `height` blocks, signed by the first three of four.
pub(crate) fn ledger(height: u64) -> Ledger {
    let mut ledger = Ledger::new(&genesis(&POWERS)).unwrap();
    for h in 1..=height {
        let block = ledger.build(Round(0), START.plus(h * 1000));
        let certificate = Certificate::Commit(certificate(&block.header, 4, &[0, 1, 2]));
        ledger.accept(Decided { block, certificate }).unwrap();
    }
    ledger
}

/// SplitMix64: enough to shake an order of events.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

#[derive(Default)]
struct Disk {
    blocks: Vec<Decided>,
    log: Vec<Entry>,
    /// Written, not yet flushed: lost in a crash.
    unflushed: Vec<Entry>,
}

struct Node {
    host: Option<Host>,
    disk: Disk,
    /// Goes down when this many more outputs were carried out.
    fuse: Option<u64>,
    born: u64,
}

enum Arrival {
    PeerUp(usize),
    Message(usize, Message),
    Wanted(usize, Height),
    Blocks(usize, Vec<Decided>),
}

type Place = (u32, Height, Round, Phase);

pub(crate) struct Net {
    pub(crate) now: u64,
    nodes: Vec<Node>,
    mail: BTreeMap<(u64, u64), (usize, Arrival)>,
    sent: u64,
    pub(crate) dice: Dice,
    /// One in so many messages is lost.
    pub(crate) loses_one_in: u64,
    /// Tells each half of the others another story, in votes and proposals.
    pub(crate) two_faced: Option<usize>,
    votes: BTreeMap<Place, Option<BlockId>>,
    decided: BTreeMap<Height, BlockId>,
    pub(crate) notes: Vec<String>,
}

impl Net {
    pub(crate) fn new(seed: u64) -> Self {
        let node = |_| Node { host: None, disk: Disk::default(), fuse: None, born: 0 };
        let mut net = Self {
            now: 0,
            nodes: (0..POWERS.len()).map(node).collect(),
            mail: BTreeMap::new(),
            sent: 0,
            dice: Dice(seed),
            loses_one_in: u64::MAX,
            two_faced: None,
            votes: BTreeMap::new(),
            decided: BTreeMap::new(),
            notes: Vec::new(),
        };
        (0..POWERS.len()).for_each(|i| net.start(i));
        net
    }

    fn moment(&self, i: usize) -> Moment {
        Moment { wall: START.plus(self.now), uptime_ms: self.now - self.nodes[i].born }
    }

    /// Starts a node from its disk.
    pub(crate) fn start(&mut self, i: usize) {
        self.nodes[i].born = self.now;
        let mut ledger = Ledger::new(&genesis(&POWERS)).unwrap();
        for block in &self.nodes[i].disk.blocks {
            ledger.accept(block.clone()).unwrap();
        }
        let log = self.nodes[i].disk.log.clone();
        let others = POWERS.len() as u32 - 1;
        let host = Host::new(ledger, key(i as u32), log, others, self.moment(i)).unwrap();
        self.nodes[i].host = Some(host);
        for j in (0..POWERS.len()).filter(|j| *j != i) {
            self.post(i, Arrival::PeerUp(j));
            self.post(j, Arrival::PeerUp(i));
        }
    }

    pub(crate) fn kill(&mut self, i: usize) {
        self.nodes[i].host = None;
        self.nodes[i].fuse = None;
        self.nodes[i].disk.unflushed.clear();
    }

    /// Lets a node go down after `outputs` more outputs, wherever that is.
    pub(crate) fn kill_after(&mut self, i: usize, outputs: u64) {
        self.nodes[i].fuse = Some(outputs);
    }

    pub(crate) fn is_up(&self, i: usize) -> bool {
        self.nodes[i].host.is_some()
    }

    pub(crate) fn height(&self, i: usize) -> u64 {
        self.nodes[i].disk.blocks.last().map_or(0, |block| block.height().0)
    }

    pub(crate) fn host(&self, i: usize) -> &Host {
        self.nodes[i].host.as_ref().unwrap()
    }

    /// Runs until `done`, at most so many virtual milliseconds.
    pub(crate) fn run(&mut self, most_ms: u64, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + most_ms;
        while !done(self) {
            let mail = self.mail.first_key_value().map_or(u64::MAX, |((at, _), _)| *at);
            let tick =
                self.nodes.iter().filter_map(|node| Some(node.host.as_ref()?.deadline_ms() + node.born));
            let tick = tick.min().unwrap_or(u64::MAX);
            let next = mail.min(tick).max(self.now);
            if next > end {
                self.now = end;
                return false;
            }
            self.now = next;
            if mail <= self.now {
                let (_, (to, arrival)) = self.mail.pop_first().unwrap();
                self.deliver(to, arrival);
            } else {
                self.tick();
            }
        }
        true
    }

    fn tick(&mut self) {
        for i in 0..self.nodes.len() {
            let now = self.moment(i);
            if let Some(host) = self.nodes[i].host.as_mut().filter(|host| host.deadline_ms() <= now.uptime_ms)
            {
                let outputs = host.tick(now).unwrap();
                self.carry_out(i, outputs);
            }
        }
    }

    fn post(&mut self, to: usize, arrival: Arrival) {
        self.sent += 1;
        let at = self.now + 1 + self.dice.below(20);
        self.mail.insert((at, self.sent), (to, arrival));
    }

    fn deliver(&mut self, to: usize, arrival: Arrival) {
        let now = self.moment(to);
        let Some(host) = self.nodes[to].host.as_mut() else { return };
        let outputs = match arrival {
            Arrival::PeerUp(from) => vec![host.peer_up(peer(to, from))],
            Arrival::Message(from, message) => host.message(peer(to, from), message, now).unwrap(),
            Arrival::Blocks(from, blocks) => host.decided(peer(to, from), blocks, now).unwrap(),
            Arrival::Wanted(from, height) => {
                let blocks = serve::decided(host.ledger(), height);
                return self.post(from, Arrival::Blocks(to, blocks));
            }
        };
        self.carry_out(to, outputs);
    }

    fn carry_out(&mut self, i: usize, outputs: Vec<Output>) {
        for output in outputs {
            match &mut self.nodes[i].fuse {
                Some(0) => return self.kill(i),
                Some(left) => *left -= 1,
                None => {}
            }
            let disk = &mut self.nodes[i].disk;
            match output {
                Output::Log(entry) => disk.unflushed.push(entry),
                Output::Keep(decided) => {
                    disk.log.clear();
                    disk.unflushed.clear();
                    self.watch_block(&decided);
                    self.nodes[i].disk.blocks.push(*decided);
                }
                Output::Tell(message) => {
                    disk.log.append(&mut disk.unflushed);
                    let lies = self.two_faced == Some(i);
                    if !lies {
                        self.watch_vote(i, &message);
                    }
                    for j in (0..POWERS.len()).filter(|j| *j != i) {
                        if self.dice.below(self.loses_one_in) != 0 || self.loses_one_in == u64::MAX {
                            let other = (lies && j % 2 == 1).then(|| other_story(&message)).flatten();
                            self.post(j, Arrival::Message(i, other.unwrap_or_else(|| message.clone())));
                        }
                    }
                }
                Output::Ask(Peer(p), height) => {
                    let to = if (p as usize) < i { p as usize } else { p as usize + 1 };
                    self.post(to, Arrival::Wanted(i, height));
                }
                Output::Note(note) => self.notes.push(note),
            }
        }
    }

    /// Nobody votes for two values in one place, ever.
    fn watch_vote(&mut self, i: usize, message: &Message) {
        if let Message::Vote(signed) = message {
            assert_eq!(signed.signer as usize, i);
            let place = (signed.signer, signed.vote.height, signed.vote.round, signed.vote.phase);
            let before = *self.votes.entry(place).or_insert(signed.vote.value);
            assert_eq!(before, signed.vote.value, "two votes for {place:?}");
        }
    }

    /// No two nodes decide different blocks at one height, ever.
    fn watch_block(&mut self, decided: &Decided) {
        let id = decided.block.id();
        assert_eq!(*self.decided.entry(decided.height()).or_insert(id), id, "a fork");
    }
}

/// The same vote for another value, or the same proposal of another block, well signed.
fn other_story(message: &Message) -> Option<Message> {
    match message {
        Message::Vote(signed) => {
            let mut signed = signed.clone();
            let other = BlockId(Hash([7; 32]));
            signed.vote.value = if signed.vote.value.is_some() { None } else { Some(other) };
            signed.signature = key(signed.signer).sign(&signed.vote.sign_bytes());
            Some(Message::Vote(signed))
        }
        Message::Proposal(pair) => {
            let (mut signed, mut block) = (**pair).clone();
            block.header.time = block.header.time.plus(1);
            signed.proposal.block_id = block.id();
            signed.signature = key(signed.signer).sign(&signed.proposal.sign_bytes());
            Some(Message::Proposal(Box::new((signed, block))))
        }
        _ => None,
    }
}

fn peer(of: usize, other: usize) -> Peer {
    Peer(if other < of { other as u32 } else { other as u32 - 1 })
}

/// A folder of one test, removed at its end.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("qratum-validator-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
