//! Our types as the core sees them. The core is generic; here it gets our heights, block ids,
//! keys and rules, and the signatures are over our own bytes.

use core::fmt;
use std::sync::Arc;

use malachite_types as core_types;
use malachite_types::{LinearTimeouts, NilOrVal, Round as CoreRound, SignedExtension, VoteType};
use qratum_chain::{
    schedule::{proposer, set_of},
    types::{BlockId, ChainId, Height, Phase, Proposal, Round, SetId, ValidatorSet, Vote},
};
use qratum_crypto::sign::ed25519::{PublicKey, Signature, VoteKey};

/// The chain's constants that votes and proposals carry. The core's context.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) chain_id: ChainId,
    pub(super) set_length: u64,
}

impl Rules {
    pub(super) const fn set_id(&self, height: Height) -> SetId {
        set_of(height, self.set_length)
    }

    /// What is signed for this vote; `None` in no round.
    pub(super) fn vote(&self, vote: &CoreVote) -> Option<Vote> {
        Some(Vote {
            phase: phase_of(vote.kind),
            chain_id: self.chain_id,
            set_id: self.set_id(vote.height.0),
            height: vote.height.0,
            round: Round(vote.round.as_u32()?),
            value: match vote.value {
                NilOrVal::Nil => None,
                NilOrVal::Val(Choice(id)) => Some(id),
            },
        })
    }

    /// What is signed for this proposal; `None` in no round.
    pub(super) fn proposal(&self, proposal: &CoreProposal) -> Option<Proposal> {
        Some(Proposal {
            chain_id: self.chain_id,
            set_id: self.set_id(proposal.height.0),
            height: proposal.height.0,
            round: Round(proposal.round.as_u32()?),
            pol_round: i32::try_from(proposal.pol_round.as_i64()).ok()?,
            block_id: proposal.value.0,
        })
    }
}

pub(super) const fn phase_of(kind: VoteType) -> Phase {
    match kind {
        VoteType::Prevote => Phase::Prevote,
        VoteType::Precommit => Phase::Precommit,
    }
}

pub(super) const fn kind_of(phase: Phase) -> VoteType {
    match phase {
        Phase::Prevote => VoteType::Prevote,
        Phase::Precommit => VoteType::Precommit,
    }
}

/// A height, for the core's trait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct CoreHeight(pub(super) Height);

impl fmt::Display for CoreHeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core_types::Height for CoreHeight {
    const ZERO: Self = Self(Height(0));
    const INITIAL: Self = Self(Height(1));

    fn increment_by(&self, n: u64) -> Self {
        Self(Height(self.0.0.saturating_add(n)))
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.0.checked_sub(n).map(|height| Self(Height(height)))
    }

    fn as_u64(&self) -> u64 {
        self.0.0
    }
}

/// What is agreed on: a block by its id. The host keeps the blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Choice(pub(super) BlockId);

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core_types::Value for Choice {
    type Id = Self;

    fn id(&self) -> Self {
        *self
    }
}

/// A validator, named by its vote key. Not part of any signed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Address(pub(super) PublicKey);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core_types::Address for Address {}

/// A signature, or none: a statement the host refused to sign is *withheld*. The core carries it
/// like any other, but it holds under no key and is never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seal(Option<[u8; 64]>);

impl Seal {
    pub(super) const WITHHELD: Self = Self(None);

    pub(super) const fn of(signature: Signature) -> Self {
        Self(Some(signature.0))
    }

    pub(super) fn signature(self) -> Option<Signature> {
        self.0.map(Signature)
    }
}

/// Ed25519 under the rules of `qratum_crypto`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scheme;

impl core_types::SigningScheme for Scheme {
    type DecodingError = &'static str;
    type Signature = Seal;
    type PublicKey = VoteKey;
    type PrivateKey = ();

    fn decode_signature(bytes: &[u8]) -> Result<Seal, &'static str> {
        bytes.try_into().map(|bytes| Seal(Some(bytes))).map_err(|_| "a signature has 64 bytes")
    }

    fn encode_signature(seal: &Seal) -> Vec<u8> {
        seal.0.map(|bytes| bytes.to_vec()).unwrap_or_default()
    }

    fn decode_public_key(bytes: &[u8]) -> Result<VoteKey, &'static str> {
        let bytes = bytes.try_into().map_err(|_| "a key has 32 bytes")?;
        VoteKey::decode(&PublicKey(bytes)).map_err(|_| "a key that may not vote")
    }

    fn encode_public_key(key: &VoteKey) -> Vec<u8> {
        key.public().0.to_vec()
    }
}

/// A member of the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    address: Address,
    key: VoteKey,
    power: u64,
}

impl core_types::Validator<Rules> for Member {
    fn address(&self) -> &Address {
        &self.address
    }

    fn public_key(&self) -> &VoteKey {
        &self.key
    }

    fn voting_power(&self) -> u64 {
        self.power
    }
}

/// A validator set, shared: the core clones it at every turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Members(Arc<Roll>);

#[derive(Debug, PartialEq, Eq)]
struct Roll {
    set: ValidatorSet,
    first: Member,
    members: Vec<Member>,
    total: u64,
}

impl Members {
    /// `None` for a set whose threefold power is above 2^64, with which the core cannot compute.
    pub(super) fn new(set: ValidatorSet) -> Option<Self> {
        let total = u64::try_from(set.total_power()).ok().filter(|total| total.checked_mul(3).is_some())?;
        let member = |index| {
            let (validator, key) = set.member(index)?;
            Some(Member { address: Address(validator.pubkey), key: key.clone(), power: validator.power })
        };
        let members: Vec<Member> = (0u32..).map_while(member).collect();
        let first = members.first()?.clone();
        Some(Self(Arc::new(Roll { set, first, members, total })))
    }

    pub(super) fn set(&self) -> &ValidatorSet {
        &self.0.set
    }

    pub(super) fn index_of(&self, address: &Address) -> Option<u32> {
        self.0.set.index_of(&address.0)
    }

    pub(super) fn address(&self, index: u32) -> Option<Address> {
        self.0.set.member(index).map(|(validator, _)| Address(validator.pubkey))
    }
}

impl core_types::ValidatorSet<Rules> for Members {
    fn count(&self) -> usize {
        self.0.members.len()
    }

    fn total_voting_power(&self) -> u64 {
        self.0.total
    }

    fn get_by_address(&self, address: &Address) -> Option<&Member> {
        self.0.members.iter().find(|member| member.address == *address)
    }

    fn get_by_index(&self, index: usize) -> Option<&Member> {
        self.0.members.get(index)
    }
}

/// A vote as the core handles it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CoreVote {
    pub(super) kind: VoteType,
    pub(super) height: CoreHeight,
    pub(super) round: CoreRound,
    pub(super) value: NilOrVal<Choice>,
    pub(super) address: Address,
}

impl core_types::Vote<Rules> for CoreVote {
    fn height(&self) -> CoreHeight {
        self.height
    }

    fn round(&self) -> CoreRound {
        self.round
    }

    fn value(&self) -> &NilOrVal<Choice> {
        &self.value
    }

    fn take_value(self) -> NilOrVal<Choice> {
        self.value
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &Address {
        &self.address
    }

    fn extension(&self) -> Option<&SignedExtension<Rules>> {
        None
    }

    fn take_extension(&mut self) -> Option<SignedExtension<Rules>> {
        None
    }

    fn extend(self, _: SignedExtension<Rules>) -> Self {
        self
    }
}

/// A proposal as the core handles it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CoreProposal {
    pub(super) height: CoreHeight,
    pub(super) round: CoreRound,
    pub(super) value: Choice,
    pub(super) pol_round: CoreRound,
    pub(super) address: Address,
}

impl core_types::Proposal<Rules> for CoreProposal {
    fn height(&self) -> CoreHeight {
        self.height
    }

    fn round(&self) -> CoreRound {
        self.round
    }

    fn value(&self) -> &Choice {
        &self.value
    }

    fn take_value(self) -> Choice {
        self.value
    }

    fn pol_round(&self) -> CoreRound {
        self.pol_round
    }

    fn validator_address(&self) -> &Address {
        &self.address
    }
}

/// Blocks travel whole, beside their proposal: there are no parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoParts {}

impl core_types::ProposalPart<Rules> for NoParts {
    fn is_first(&self) -> bool {
        match *self {}
    }

    fn is_last(&self) -> bool {
        match *self {}
    }
}

impl core_types::Context for Rules {
    type Address = Address;
    type Height = CoreHeight;
    type ProposalPart = NoParts;
    type Proposal = CoreProposal;
    type Validator = Member;
    type ValidatorSet = Members;
    type Timeouts = LinearTimeouts;
    type Value = Choice;
    type Vote = CoreVote;
    type Extension = ();
    type SigningScheme = Scheme;

    fn select_proposer<'a>(&self, set: &'a Members, height: CoreHeight, round: CoreRound) -> &'a Member {
        let index = proposer(&set.0.set, height.0, Round(round.as_u32().unwrap_or(0)));
        set.0.members.get(index as usize).unwrap_or(&set.0.first)
    }

    fn new_proposal(
        &self,
        height: CoreHeight,
        round: CoreRound,
        value: Choice,
        pol_round: CoreRound,
        address: Address,
    ) -> CoreProposal {
        CoreProposal { height, round, value, pol_round, address }
    }

    fn new_prevote(
        &self,
        height: CoreHeight,
        round: CoreRound,
        value: NilOrVal<Choice>,
        address: Address,
    ) -> CoreVote {
        CoreVote { kind: VoteType::Prevote, height, round, value, address }
    }

    fn new_precommit(
        &self,
        height: CoreHeight,
        round: CoreRound,
        value: NilOrVal<Choice>,
        address: Address,
    ) -> CoreVote {
        CoreVote { kind: VoteType::Precommit, height, round, value, address }
    }
}
