//! One node: its host while it is up, and what stays when it goes down.

use qratum_chain::types::{Genesis, Height};
use qratum_crypto::sign::{self, ed25519::SecretKey};

use super::{Tamper, disk::Disk, post::Letter};
use crate::{
    host::{Host, HostError, Moment, Output, Peer},
    ledger::Ledger,
    message::Reply,
    serve,
    signer::HandoverKey,
};

/// A node of the network.
pub(super) struct Node {
    pub(super) index: usize,
    /// Of its vote keys: the first, and those that it was given since.
    seed: [u8; 32],
    more_seeds: Vec<[u8; 32]>,
    /// Of its ML-DSA key.
    handover_seed: Option<[u8; 32]>,
    /// How many blocks it keeps; `None` for the usual.
    pub(super) retained: Option<u64>,
    pub(super) host: Option<Host>,
    pub(super) disk: Disk,
    /// Goes down when this many more outputs were carried out.
    pub(super) fuse: Option<u64>,
    born_ms: u64,
    /// How far the clock on its wall is ahead.
    pub(super) skew_ms: i64,
    pub(super) tamper: Option<Tamper>,
}

/// What comes of a letter.
pub(super) enum Reaction {
    Outputs(Vec<Output>),
    Answer(usize, Reply),
}

impl Node {
    pub(super) fn new(index: usize, seed: [u8; 32]) -> Self {
        Self {
            index,
            seed,
            more_seeds: Vec::new(),
            handover_seed: None,
            retained: None,
            host: None,
            disk: Disk::default(),
            fuse: None,
            born_ms: 0,
            skew_ms: 0,
            tamper: None,
        }
    }

    pub(super) fn start(&mut self, genesis: &Genesis, now_ms: u64) -> Result<(), HostError> {
        let mut ledger = Ledger::new(genesis).map_err(HostError::Ledger)?;
        if let Some(blocks) = self.retained {
            ledger = ledger.retaining(blocks);
        }
        if let Some(snapshot) = self.disk.snapshot() {
            ledger = ledger.founded(snapshot, None).map_err(HostError::Snapshot)?;
        }
        let base = ledger.tip().height;
        for block in self.disk.blocks().into_iter().filter(|block| block.height() > base) {
            ledger.accept(block).map_err(HostError::Ledger)?;
        }
        self.born_ms = now_ms;
        let moment = self.moment(genesis, now_ms);
        let key = SecretKey::from_seed(&self.seed);
        let mut others: Vec<String> = genesis.validators.iter().map(|member| member.name.clone()).collect();
        others.remove(self.index);
        let mut host = Host::new(ledger, key, self.disk.past(), others, moment)?;
        self.more_seeds.iter().map(SecretKey::from_seed).for_each(|key| host.add_signer(key));
        self.host = Some(host);
        self.hand_over();
        Ok(())
    }

    /// An ML-DSA key for hand-overs.
    pub(super) fn give_handover_key(&mut self, seed: [u8; 32]) {
        self.handover_seed = Some(seed);
        self.hand_over();
    }

    fn hand_over(&mut self) {
        let made =
            self.handover_seed.map(|seed| sign::SecretKey::from_seed(|place| place.copy_from_slice(&seed)));
        let key = made.and_then(|secret| HandoverKey::new(secret.ok()?).ok());
        if let (Some(host), Some(key)) = (&mut self.host, key) {
            host.hand_over_with(key);
        }
    }

    /// One more vote key.
    pub(super) fn give_key(&mut self, seed: [u8; 32]) {
        self.more_seeds.push(seed);
        self.host.iter_mut().for_each(|host| host.add_signer(SecretKey::from_seed(&seed)));
    }

    /// Goes down; of what was not flushed, so many records are on disk all the same.
    pub(super) fn crash(&mut self, survive: u64) {
        self.host = None;
        self.fuse = None;
        self.disk.crash(survive);
    }

    /// When its host has something to do by itself.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.host.as_ref().map(|host| host.deadline_ms().saturating_add(self.born_ms))
    }

    fn moment(&self, genesis: &Genesis, now_ms: u64) -> Moment {
        Moment {
            wall: qratum_chain::types::Time(
                genesis.time.0.saturating_add(now_ms).saturating_add_signed(self.skew_ms),
            ),
            uptime_ms: now_ms.saturating_sub(self.born_ms),
        }
    }

    pub(super) fn tick(&mut self, genesis: &Genesis, now_ms: u64) -> Result<Vec<Output>, HostError> {
        let now = self.moment(genesis, now_ms);
        self.host.as_mut().map_or(Ok(Vec::new()), |host| host.tick(now))
    }

    pub(super) fn read(
        &mut self,
        letter: Letter,
        genesis: &Genesis,
        now_ms: u64,
    ) -> Result<Reaction, HostError> {
        let now = self.moment(genesis, now_ms);
        let index = self.index;
        let Some(host) = self.host.as_mut() else { return Ok(Reaction::Outputs(Vec::new())) };
        let outputs = match letter {
            Letter::PeerUp(from) => vec![host.peer_up(peer(index, from))],
            Letter::Message(from, message) => host.message(peer(index, from), message, now)?,
            Letter::Blocks(from, blocks) => host.decided(peer(index, from), blocks, now)?,
            Letter::Wanted(from, height) => {
                return Ok(Reaction::Answer(from, serve::blocks(host.ledger(), height)));
            }
            Letter::PageWanted(from, height, offset) => {
                return Ok(Reaction::Answer(from, serve::page(host.ledger(), height, offset)));
            }
            Letter::Page(from, page) => host.page(peer(index, from), page, now)?,
        };
        Ok(Reaction::Outputs(outputs))
    }

    /// Height of its head, as it would tell.
    pub(super) fn head(&self) -> Height {
        self.host.as_ref().map_or(Height(self.disk.height()), |host| host.ledger().tip().height)
    }

    /// Which node its host calls so.
    pub(super) fn node_of(&self, Peer(peer): Peer) -> usize {
        let peer = usize::try_from(peer).unwrap_or(usize::MAX);
        if peer < self.index { peer } else { peer.saturating_add(1) }
    }
}

/// A host counts the others, leaving out itself.
fn peer(own: usize, other: usize) -> Peer {
    let index = if other < own { other } else { other.saturating_sub(1) };
    Peer(u32::try_from(index).unwrap_or(u32::MAX))
}
