//! What does a validator do next? The state machine around the engine: inputs are messages,
//! answers and the passing of time; outputs are what to write, send and ask. No clock, no sockets,
//! no files: `now` is an argument, and the outputs are carried out by whoever drives it, in order.
//!
//! A height goes through two stages: *waiting* until the parent's time plus the block interval has
//! come, and *voting*, in which the engine runs. A process that starts first *greets*: it asks its
//! peers for decided blocks, so that it does not vote where all others have long been.

mod acting;
mod clocks;
mod early;
mod handover;
mod heard;
mod interface;
mod joining;
mod judging;
mod lost;
mod mempool;
mod offences;
mod proposals;
mod taking;
mod waiting;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use qratum_chain::{
    codec::Encode,
    types::{BlockId, Height, Round, SignedProposal},
};

use self::{
    clocks::Clocks, early::Early, handover::Handover, joining::Joining, mempool::Mempool, offences::Offences,
    proposals::Proposals,
};
pub use self::{
    heard::Heard,
    interface::{HostError, Moment, Output, Past, Peer},
};
use crate::{
    block::{Block, Decided},
    engine::{Engine, Entry, Event},
    ledger::{Fault, Ledger, LedgerError, MAX_AHEAD_MS},
    message::Message,
    signer::{Refusal, Signer},
};

/// How long a starting process waits for its peers' answers, in milliseconds.
const GREETING_MS: u64 = 1_500;
/// The least time between two questions to one peer for missing blocks, in milliseconds.
const ASK_EVERY_MS: u64 = 250;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    /// Until all peers said that they have nothing newer, or this uptime.
    Greeting { until_ms: u64, silent: BTreeSet<Peer> },
    /// Until this uptime.
    Waiting { until_ms: u64 },
    /// The engine runs.
    Voting,
}

/// One validator.
#[derive(Debug)]
pub struct Host {
    ledger: Ledger,
    engine: Engine,
    /// What the other validators are called, by the order of the peer list.
    peers: Vec<String>,
    stage: Stage,
    /// The log of the height that was under way when the process ended. Below it nothing is signed:
    /// what was signed there is known no more.
    recovered: Vec<Entry>,
    /// Nothing is known of what was signed at all.
    lost: bool,
    proposals: Proposals,
    /// Proposals that name a lock nobody has proven yet, by round and block.
    unproven: BTreeMap<(Round, BlockId), SignedProposal>,
    mempool: Mempool,
    offences: Offences,
    heard: Heard,
    /// What the log of this height holds already.
    logged: BTreeSet<Vec<u8>>,
    clocks: Clocks,
    early: Early,
    /// When each peer was asked last for missing blocks: one that is always ahead must not take the
    /// turn of the others.
    asked_ms: BTreeMap<Peer, u64>,
    /// The height that each peer spoke of last, where it was above ours.
    claims: BTreeMap<Peer, Height>,
    joining: Option<Joining>,
    handover: Handover,
    /// Why nothing is signed at present.
    silence: Option<Refusal>,
}

impl Host {
    /// A validator on top of `ledger`, greeting the others, which are called `peers`.
    ///
    /// # Errors
    /// [`HostError::Engine`].
    pub fn new(
        ledger: Ledger,
        signer: impl Signer + 'static,
        past: Past,
        peers: Vec<String>,
        now: Moment,
    ) -> Result<Self, HostError> {
        let mut engine =
            Engine::new(ledger.chain_id(), ledger.params().set_length, ledger.set(), Box::new(signer))
                .map_err(HostError::Engine)?;
        let Past { log, sign_from } = past;
        engine.sign_from(log.iter().filter_map(Entry::height).chain(sign_from).max().unwrap_or_default());
        let until_ms = now.uptime_ms.saturating_add(GREETING_MS);
        let heard = Heard::new(&ledger);
        let handover = Handover::new(ledger.lacking());
        Ok(Self {
            ledger,
            engine,
            stage: Stage::Greeting { until_ms, silent: (0..).map(Peer).take(peers.len()).collect() },
            peers,
            recovered: log,
            lost: sign_from.is_none(),
            proposals: Proposals::default(),
            unproven: BTreeMap::new(),
            mempool: Mempool::default(),
            offences: Offences::default(),
            heard,
            logged: BTreeSet::new(),
            clocks: Clocks::default(),
            early: Early::default(),
            asked_ms: BTreeMap::new(),
            claims: BTreeMap::new(),
            joining: None,
            handover,
            silence: None,
        })
    }

    /// The chain so far.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The votes and proposals of late.
    #[must_use]
    pub const fn heard(&self) -> &Heard {
        &self.heard
    }

    /// One more that can sign for this validator: for when its key is to change. One
    /// that is there already is not added twice.
    pub fn add_signer(&mut self, signer: impl Signer + 'static) {
        self.engine.add_signer(Box::new(signer));
    }

    /// The uptime at which [`Host::tick`] has something to do.
    #[must_use]
    pub fn deadline_ms(&self) -> u64 {
        let clocks = self.clocks.next_ms().min(self.handover.due_ms);
        match self.stage {
            Stage::Greeting { until_ms, .. } | Stage::Waiting { until_ms } => until_ms.min(clocks),
            Stage::Voting => clocks,
        }
    }

    /// A connection to `peer` is up: asks what it has.
    #[must_use]
    pub fn peer_up(&self, peer: Peer) -> Output {
        Output::Ask(peer, self.next_height())
    }

    /// Time has passed.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn tick(&mut self, now: Moment) -> Result<Vec<Output>, HostError> {
        let mut out = Vec::new();
        match self.stage {
            Stage::Greeting { until_ms, .. } if until_ms <= now.uptime_ms => {
                self.leave_greeting(now, &mut out)
            }
            _ => {}
        }
        if matches!(self.stage, Stage::Waiting { until_ms } if until_ms <= now.uptime_ms) {
            self.begin(now, &mut out)?;
        }
        self.urge(now, &mut out);
        for timer in self.clocks.due(now.uptime_ms) {
            // An earlier one of these may have stopped it.
            if self.clocks.stop(timer) {
                self.miss(timer, &mut out);
                let events = self.engine.timeout(timer).map_err(HostError::Engine)?;
                self.carry_out(events, now, &mut out)?;
            }
        }
        Ok(out)
    }

    /// A message came from `peer`.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn message(&mut self, peer: Peer, message: Message, now: Moment) -> Result<Vec<Output>, HostError> {
        let mut out = Vec::new();
        let message = match message {
            Message::Txo(txo) => {
                self.admit(*txo, &mut out);
                return Ok(out);
            }
            Message::Offence(offence) => {
                self.accuse(*offence, &mut out);
                return Ok(out);
            }
            Message::Handover(half) => {
                self.half(peer, *half, now, &mut out);
                return Ok(out);
            }
            other => other,
        };
        let (Some(height), next) = (message.height(), self.next_height()) else { return Ok(out) };
        if height < next {
            if let Message::Vote(vote) = message {
                self.heard.late(vote);
            }
            return Ok(out);
        }
        if height > next {
            // Whoever is above us has decided our height.
            self.claims.insert(peer, height);
            self.ask(peer, now, &mut out);
        }
        if height == next && self.stage == Stage::Voting {
            self.take(peer, message, now, &mut out)?;
        } else if height <= next.next() {
            self.early.hold(peer, message);
        }
        Ok(out)
    }

    /// `peer` answered with decided blocks.
    ///
    /// # Errors
    /// [`HostError::Ledger`], when the state map is damaged. A peer's fault is a note only.
    pub fn decided(
        &mut self,
        peer: Peer,
        blocks: Vec<Decided>,
        now: Moment,
    ) -> Result<Vec<Output>, HostError> {
        let mut out = Vec::new();
        if blocks.is_empty() {
            self.hold_to_its_word(peer, &mut out);
            self.greeted(peer, now, &mut out);
            return Ok(out);
        }
        self.learn(peer, &blocks, &mut out);
        let before = self.next_height();
        let honest = self.accept_all(peer, blocks, &mut out)?;
        let more = self.caught_up(before, now);
        if !honest {
            self.greeted(peer, now, &mut out);
        } else if more {
            out.push(Output::Ask(peer, self.next_height()));
        }
        self.gather(now, &mut out);
        Ok(out)
    }

    /// Takes over what chains; `false` when something did not.
    fn accept_all(
        &mut self,
        peer: Peer,
        blocks: Vec<Decided>,
        out: &mut Vec<Output>,
    ) -> Result<bool, HostError> {
        let next = self.next_height();
        for block in blocks.into_iter().filter(|block| block.height() >= next) {
            match self.ledger.accept(block.clone()) {
                Ok(()) => self.keep(block, out),
                Err(why @ LedgerError::Fault(Fault::State(_) | Fault::Outdated(_))) => {
                    return Err(HostError::Ledger(why));
                }
                Err(why) => {
                    out.push(self.note_of(peer, format_args!("block {}: {why}", block.height())));
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn next_height(&self) -> Height {
        self.ledger.tip().height.next()
    }

    /// After an answer: leaves the height that it decided. Says whether to ask for more.
    fn caught_up(&mut self, before: Height, now: Moment) -> bool {
        if self.next_height() == before {
            return matches!(self.stage, Stage::Greeting { .. });
        }
        self.leave_height();
        match self.stage {
            Stage::Greeting { .. } => self.greet_longer(now),
            Stage::Waiting { .. } | Stage::Voting => self.wait(now),
        }
        true
    }

    /// A block that the ledger took over goes to disk, and the snapshot it led to.
    fn keep(&self, block: Decided, out: &mut Vec<Output>) {
        let height = block.height();
        out.push(Output::Keep(Box::new(block)));
        if let Some((at, bytes)) = self.ledger.snapshot()
            && *at == height
        {
            out.push(Output::Found(Arc::clone(bytes)));
        }
    }

    /// A peer that still answers is waited for.
    fn greet_longer(&mut self, now: Moment) {
        if let Stage::Greeting { until_ms, .. } = &mut self.stage {
            *until_ms = now.uptime_ms.saturating_add(GREETING_MS);
        }
    }

    fn greeted(&mut self, peer: Peer, now: Moment, out: &mut Vec<Output>) {
        if let Stage::Greeting { silent, .. } = &mut self.stage {
            silent.remove(&peer);
            if silent.is_empty() {
                self.leave_greeting(now, out);
            }
        }
    }

    /// Goes to the waiting stage of the next height.
    fn wait(&mut self, now: Moment) {
        let interval_ms = self.ledger.registry().parameters(self.ledger.params()).block_interval_ms;
        let due = self.ledger.tip().time.plus(interval_ms);
        // A clock that is far behind is set right one day, and the wait must be over then.
        let left_ms = due.0.saturating_sub(now.wall.0).min(interval_ms.saturating_add(MAX_AHEAD_MS));
        self.stage = Stage::Waiting { until_ms: now.uptime_ms.saturating_add(left_ms) };
    }

    /// Forgets what belongs to a height that is decided.
    fn leave_height(&mut self) {
        self.proposals.clear();
        self.unproven.clear();
        self.mempool.settle(&self.ledger);
        self.offences.settle(&self.ledger);
        self.logged.clear();
        self.clocks.stop_all();
        self.heard.enter(self.next_height(), self.ledger.set().clone());
    }

    fn begin(&mut self, now: Moment, out: &mut Vec<Output>) -> Result<(), HostError> {
        let height = self.next_height();
        self.recovered.retain(|entry| entry.height() >= Some(height));
        let log: Vec<Entry> = self.recovered.extract_if(.., |entry| entry.height() == Some(height)).collect();
        self.stage = Stage::Voting;
        for entry in &log {
            self.logged.insert(entry.to_bytes());
            self.heard.logged(entry);
            match entry {
                Entry::Block(block) => self.proposals.insert((**block).clone()),
                Entry::Proposal(signed) => {
                    self.proposals.admit(signed.proposal.round, signed.proposal.block_id);
                    if signed.proposal.pol_round >= 0 {
                        self.await_proof(signed);
                    }
                }
                _ => {}
            }
        }
        let mut events = self.engine.start(height, self.ledger.set(), &log).map_err(HostError::Engine)?;
        let index = self.engine.index();
        if index.is_none() {
            self.heed(Some(Refusal("none of its vote keys is in the validator set".to_owned())), out);
        }
        let ours = |round| {
            log.iter().any(|entry| {
                matches!(entry, Entry::Proposal(p) if Some(p.signer) == index && p.proposal.round == round)
            })
        };
        // What the log proposed already is not built again.
        events.retain(|event| !matches!(event, Event::Build(round) if ours(*round)));
        self.carry_out(events, now, out)?;
        self.judge_proven(now, out)?;
        for (peer, message) in self.early.take() {
            out.extend(self.message(peer, message, now)?);
        }
        Ok(())
    }

    fn ask(&mut self, peer: Peer, now: Moment, out: &mut Vec<Output>) {
        self.ask_from(peer, self.next_height(), now, out);
    }

    fn ask_from(&mut self, peer: Peer, from: Height, now: Moment, out: &mut Vec<Output>) {
        let due = self.asked_ms.get(&peer).is_none_or(|at| at.saturating_add(ASK_EVERY_MS) <= now.uptime_ms);
        if due {
            self.asked_ms.insert(peer, now.uptime_ms);
            out.push(Output::Ask(peer, from));
        }
    }

    fn await_proof(&mut self, signed: &SignedProposal) {
        let place = (signed.proposal.round, signed.proposal.block_id);
        self.unproven.insert(place, signed.clone());
    }

    fn keep_block(&mut self, block: Block, out: &mut Vec<Output>) {
        self.log(Entry::Block(Box::new(block.clone())), out);
        self.proposals.insert(block);
    }

    fn log(&mut self, entry: Entry, out: &mut Vec<Output>) {
        if self.logged.insert(entry.to_bytes()) {
            self.heard.logged(&entry);
            out.push(Output::Log(entry));
        }
    }
}

#[cfg(test)]
mod tests;
