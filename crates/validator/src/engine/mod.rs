//! The Tendermint core of Malachite, behind our own types: the only module that knows it.
//!
//! An input goes in, events come out in the order in which they must happen. The core asks for
//! signatures and checks; all of them are over our bytes and under our rules. What it signed at
//! its height is remembered and never signed differently.

mod context;
mod convert;
mod desk;
mod event;
mod journal;

use core::fmt;

use malachite_consensus::{Error, Input, LocallyProposedValue, Params, State, process};
use malachite_types::{Round as CoreRound, ValuePayload, VoteExtensionPolicy};
use qratum_chain::{
    schedule::proposer,
    types::{BlockId, ChainId, Height, Round, SignedProposal, SignedVote, ValidatorSet},
};
use qratum_crypto::sign::ed25519::{PublicKey, verify_strict};

use self::{
    context::{Address, Choice, CoreHeight, Members, Rules},
    convert::{Translator, timer_in},
    desk::Desk,
};
pub use self::{
    event::Event,
    journal::{Entry, Judgement, Timer, TimerKind},
};
use crate::{message::RoundReason, quorum::QuorumFault, signer::Signer};

/// The core's queue for later heights is not used: the host holds early messages back itself.
const QUEUE: usize = 1;

/// The core refused an input or came to a state that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineError(String);

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The core with the desk that serves its effects.
pub struct Engine {
    state: State<Rules>,
    desk: Desk,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Engine(height {}, round {})", self.state.height(), self.state.round())
    }
}

impl Engine {
    /// An engine for the validator with this signer, not yet started.
    ///
    /// # Errors
    /// [`EngineError`], when the set's threefold power is above 2^64.
    pub fn new(
        chain_id: ChainId,
        set_length: u64,
        set: &ValidatorSet,
        signer: Box<dyn Signer>,
    ) -> Result<Self, EngineError> {
        let rules = Rules { chain_id, set_length };
        let desk = Desk::new(Translator { rules, members: members(set)? }, signer);
        Ok(Self { state: core_state(&desk), desk })
    }

    /// One more that can sign for this validator: from the next height on the one does whose key is
    /// in the set.
    pub fn add_signer(&mut self, signer: Box<dyn Signer>) {
        self.desk.add_signer(signer);
    }

    /// Below `height` nothing is signed any more.
    pub fn sign_from(&mut self, height: Height) {
        self.desk.sign_from = self.desk.sign_from.max(height);
    }

    /// Index of this validator in the set of its height; `None` when it only follows.
    #[must_use]
    pub fn index(&self) -> Option<u32> {
        self.desk.translator.members.index_of(&self.desk.address()?)
    }

    /// The height that is being agreed on; 0 before the first start.
    #[must_use]
    pub fn height(&self) -> Height {
        self.state.height().0
    }

    /// The round it is in.
    #[must_use]
    pub fn round(&self) -> Option<Round> {
        self.state.round().as_u32().map(Round)
    }

    /// Starts `height`, whose set is `set`, after a crash from what was logged for it.
    ///
    /// # Errors
    /// [`EngineError`], when the log leads to another vote than the one it holds.
    pub fn start(
        &mut self,
        height: Height,
        set: &ValidatorSet,
        log: &[Entry],
    ) -> Result<Vec<Event>, EngineError> {
        self.take_seat(set)?;
        self.desk.start(log);
        let inputs: Vec<Input<Rules>> =
            log.iter().filter_map(|entry| self.desk.translator.entry_in(entry)).collect();
        self.state.index_wal_entries(&inputs);
        let members = self.desk.translator.members.clone();
        let start =
            Input::StartHeight(CoreHeight(height), members, false, None, VoteExtensionPolicy::Disabled);
        let mut events = self.put(start)?;
        for input in inputs {
            events.extend(self.put(input)?);
        }
        self.state.reset_entries_index();
        Ok(events)
    }

    /// Takes a vote from a peer.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn vote(&mut self, vote: &SignedVote) -> Result<Vec<Event>, EngineError> {
        self.put_some(self.desk.translator.vote_in(vote).map(Input::Vote))
    }

    /// Takes a proposal from a peer, and what the host says of its block, if it can say that already.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn proposal(
        &mut self,
        proposal: &SignedProposal,
        judgement: Option<&Judgement>,
    ) -> Result<Vec<Event>, EngineError> {
        let mut events = self.put_some(self.desk.translator.proposal_in(proposal).map(Input::Proposal))?;
        if let Some(judgement) = judgement {
            events.extend(self.judgement(judgement)?);
        }
        Ok(events)
    }

    /// Takes what the host says of the block of a proposal that came before. The core keeps one
    /// judgement for a block, whichever proposal it comes with, and the good one stays.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn judgement(&mut self, judgement: &Judgement) -> Result<Vec<Event>, EngineError> {
        self.put_some(self.desk.translator.judgement_in(judgement))
    }

    /// Whose turn it is to propose in `round`: index in the set.
    #[must_use]
    pub fn proposer(&self, round: Round) -> u32 {
        proposer(self.desk.translator.members.set(), self.height(), round)
    }

    /// Whether more than two thirds prevoted for this block in that round, as far as this engine saw.
    #[must_use]
    pub fn has_polka(&self, round: Round, block_id: BlockId) -> bool {
        self.state.polka_certificate(CoreRound::new(round.0), &Choice(block_id)).is_some()
    }

    /// Whether the signature of a proposal holds and its signer was to propose in that round: asked
    /// before its block is looked at.
    #[must_use]
    pub fn is_proposers(&self, signed: &SignedProposal) -> bool {
        let rules = &self.desk.translator.rules;
        let set = self.desk.translator.members.set();
        let proposal = &signed.proposal;
        let is_signed = |key| verify_strict(key, &proposal.sign_bytes(), &signed.signature).is_ok();
        // The draw costs more with the round that is claimed: for members only.
        proposal.chain_id == rules.chain_id
            && set.member(signed.signer).is_some_and(|(member, _)| is_signed(&member.pubkey))
            && proposer(set, proposal.height, proposal.round) == signed.signer
    }

    /// Takes a polka from a peer.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn polka(&mut self, votes: &[SignedVote]) -> Result<Vec<Event>, EngineError> {
        self.put_some(self.desk.translator.polka_in(votes).map(Input::PolkaCertificate))
    }

    /// Takes a reason to enter a round from a peer.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn round_certificate(
        &mut self,
        reason: RoundReason,
        votes: &[SignedVote],
    ) -> Result<Vec<Event>, EngineError> {
        self.put_some(self.desk.translator.round_in(reason, votes).map(Input::RoundCertificate))
    }

    /// Proposes the block that [`Event::Build`] asked for.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn propose(&mut self, round: Round, block_id: BlockId) -> Result<Vec<Event>, EngineError> {
        let value = LocallyProposedValue::new(self.state.height(), CoreRound::new(round.0), Choice(block_id));
        self.put(Input::Propose(value))
    }

    /// A clock ran out.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn timeout(&mut self, timer: Timer) -> Result<Vec<Event>, EngineError> {
        self.put(Input::TimeoutElapsed(timer_in(timer)))
    }

    /// Goes on with `set`, and with whichever signer it names. The core has one address for life:
    /// where another one is due, it starts a new life.
    fn take_seat(&mut self, set: &ValidatorSet) -> Result<(), EngineError> {
        if self.desk.translator.members.set().hash() != set.hash() {
            self.desk.translator.members = members(set)?;
        }
        if *self.state.address() != self.desk.address().unwrap_or(NOBODY) {
            self.state = core_state(&self.desk);
        }
        Ok(())
    }

    fn put_some(&mut self, input: Option<Input<Rules>>) -> Result<Vec<Event>, EngineError> {
        input.map_or_else(|| Ok(vec![Event::Refused(QuorumFault::OtherBlock)]), |input| self.put(input))
    }

    fn put(&mut self, input: Input<Rules>) -> Result<Vec<Event>, EngineError> {
        let desk = &mut self.desk;
        let result: Result<(), Error<Rules>> =
            process!(input: input, state: &mut self.state, metrics: &(), with: effect => desk.serve(effect));
        let events = desk.take_events();
        result.map(|()| events).map_err(|error| EngineError(error.to_string()))
    }
}

/// The address of a validator that is in no set: no key encodes to it.
const NOBODY: Address = Address(PublicKey([0xff; 32]));

fn members(set: &ValidatorSet) -> Result<Members, EngineError> {
    Members::new(set.clone()).ok_or_else(|| EngineError("the set has too much power".into()))
}

fn core_state(desk: &Desk) -> State<Rules> {
    let params = Params {
        address: desk.address().unwrap_or(NOBODY),
        threshold_params: Default::default(),
        value_payload: ValuePayload::ProposalAndParts,
        enabled: true,
    };
    let Translator { rules, members } = desk.translator.clone();
    State::new(rules, CoreHeight::default(), members, params, QUEUE, QUEUE)
}

#[cfg(test)]
mod tests;
