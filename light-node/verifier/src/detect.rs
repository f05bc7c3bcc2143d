//! Forks and evidence: two things that cannot both be honest, and who signed them.

use qratum_chain::{
    document::{ForkProof, OffenceProof},
    schedule,
    types::{
        DoubleProposal, DoubleVote, ForkEvidence, Height, LightBlock, Offence, SetId, SignedVote, Time,
        ValidatorSet,
    },
};
use qratum_crypto::sign::ed25519::{self, PublicKey};

use crate::{Reject, Rules, SetCache, Trusted, Verified, proof::accept, quorum::Tally};

/// Two certified blocks at one height: more than a third of the power broke the protocol. Made
/// only of two blocks that were both verified within the trusting period.
#[derive(Clone, Debug)]
pub struct Fork {
    first: Box<Trusted>,
    second: Box<Trusted>,
    common: Option<Box<Trusted>>,
}

impl Fork {
    /// The fork of two verified blocks: the same height, different ids. The same block with other
    /// signers or another round is normal and no fork.
    #[must_use]
    pub fn of(first: &Trusted, second: &Trusted) -> Option<Self> {
        let height = |block: &Trusted| block.header().get().height;
        let conflict = height(first) == height(second) && first.id() != second.id();
        let [first, second] = [first, second].map(|block| Box::new(block.clone()));
        conflict.then_some(Self { first, second, common: None })
    }

    /// The same, of two blocks that were verified from `below`: where they stand right above it,
    /// it is the last block of both branches.
    fn above(self, below: &Trusted) -> Self {
        let parts = self.height() == below.header().get().height.next();
        Self { common: parts.then(|| Box::new(below.clone())), ..self }
    }

    /// The last block that the branches share, where that is known.
    #[must_use]
    pub fn common(&self) -> Option<&Trusted> {
        self.common.as_deref()
    }

    /// The two blocks.
    #[must_use]
    pub fn blocks(&self) -> [&Trusted; 2] {
        [&self.first, &self.second]
    }

    /// Where it happened.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.first.header().get().height
    }

    /// Keys that signed both blocks. In one round that is proof against them; across rounds an
    /// honest validator may have, having seen a proof-of-lock in between: see [`Fork::culprits`].
    #[must_use]
    pub fn signers_of_both(&self) -> Vec<PublicKey> {
        let second = keys(&self.second);
        keys(&self.first).into_iter().filter(|key| second.contains(key)).collect()
    }

    /// Keys proven to have broken the protocol: they signed both blocks in one round. Empty for
    /// blocks of different rounds, where more than a third is at fault all the same, but the two
    /// certificates alone do not say who.
    #[must_use]
    pub fn culprits(&self) -> Vec<PublicKey> {
        if self.first.round() == self.second.round() { self.signers_of_both() } else { Vec::new() }
    }

    /// Power of these keys in the first block's set.
    #[must_use]
    pub fn power_of(&self, keys: &[PublicKey]) -> Tally {
        let set = self.first.validators();
        Tally::of(set, keys.iter().filter_map(|key| set.index_of(key)))
    }
}

fn keys(block: &Trusted) -> Vec<PublicKey> {
    let set = block.validators();
    block.signers().iter().filter_map(|signer| Some(set.member(*signer)?.0.pubkey)).collect()
}

/// Checks a fork that comes as a file: its path leads to a block from which both verify, and they
/// conflict.
///
/// # Errors
/// [`Reject`], when a block does not verify; [`Reject::EvidencePosition`], when their heights
/// differ; [`Reject::EvidenceSame`], when they are one block.
pub fn fork_proof(proof: &ForkProof, trusted: &Trusted, rules: &Rules, now: Time) -> Result<Fork, Reject> {
    fork(&proof.blocks, &end_of(&proof.path, trusted, rules, now)?, rules, now)
}

/// The last block of a path from what is trusted.
fn end_of(path: &[LightBlock], trusted: &Trusted, rules: &Rules, now: Time) -> Result<Trusted, Reject> {
    let sets = &mut SetCache::default();
    path.iter().try_fold(trusted.clone(), |below, step| accept(step, &below, rules, sets, now))
}

/// Checks two blocks that should conflict: both verify from what is trusted.
///
/// # Errors
/// As [`fork_proof`].
pub fn fork(evidence: &ForkEvidence, trusted: &Trusted, rules: &Rules, now: Time) -> Result<Fork, Reject> {
    let sets = &mut SetCache::default();
    let first = accept(&evidence.first, trusted, rules, sets, now)?;
    let second = accept(&evidence.second, trusted, rules, sets, now)?;
    if first.header().get().height != second.header().get().height {
        return Err(Reject::EvidencePosition);
    }
    Fork::of(&first, &second).map(|fork| fork.above(trusted)).ok_or(Reject::EvidenceSame)
}

/// Checks evidence against one validator that comes as a file: its path leads to a block that names
/// the set it was done in, that set came along, and a member of it is to blame. Returns its key.
///
/// # Errors
/// [`Reject`], when a block of the path does not verify; [`Reject::WrongSetId`], when the statements
/// name another set than their height's; [`Reject::NotProven`], when the path does not lead to that set;
/// [`Reject::BadSet`], [`Reject::WrongValidators`]; and as [`offence`].
pub fn offence_proof(
    proof: &OffenceProof,
    trusted: &Trusted,
    rules: &Rules,
    now: Time,
) -> Result<Verified<PublicKey>, Reject> {
    let below = end_of(&proof.path, trusted, rules, now)?;
    let (got, want) =
        (proof.offence.set_id(), schedule::set_of(proof.offence.height(), rules.params.set_length));
    if got != want {
        return Err(Reject::WrongSetId { got, want });
    }
    let named = named_set(want, &below, rules).ok_or(Reject::NotProven)?;
    let set = ValidatorSet::new(proof.validators.clone()).map_err(|why| Reject::BadSet { why })?;
    let (got, want) = (set.hash(), named.hash());
    if got != want {
        return Err(Reject::WrongValidators { got, want });
    }
    offence(&proof.offence, &set, rules)
}

/// The set of this number, where a trusted block is certified by it or names it as the next.
#[must_use]
pub fn named_set<'a>(set_id: SetId, block: &'a Trusted, rules: &Rules) -> Option<&'a ValidatorSet> {
    let (height, length) = (block.header().get().height, rules.params.set_length);
    if schedule::set_of(height, length) == set_id {
        return Some(block.validators());
    }
    let next = schedule::set_of(height.next(), length) == set_id;
    block.next_validators().filter(|_| next).map(AsRef::as_ref)
}

/// Checks an offence against the set it was done in. Returns the key that is to blame.
///
/// # Errors
/// As [`double_vote`].
pub fn offence(offence: &Offence, set: &ValidatorSet, rules: &Rules) -> Result<Verified<PublicKey>, Reject> {
    match offence {
        Offence::DoubleVote(votes) => double_vote(votes, set, rules),
        Offence::DoubleProposal(proposals) => double_proposal(proposals, set, rules),
    }
}

/// Checks a double vote against the set it was cast in. Returns the key that is to blame.
///
/// # Errors
/// [`Reject::WrongChain`], [`Reject::EvidenceSigner`], [`Reject::EvidencePosition`],
/// [`Reject::EvidenceSame`], [`Reject::SignerNotInSet`], [`Reject::BadSignature`].
pub fn double_vote(
    evidence: &DoubleVote,
    set: &ValidatorSet,
    rules: &Rules,
) -> Result<Verified<PublicKey>, Reject> {
    let DoubleVote { first, second } = evidence;
    let position = |signed: &SignedVote| {
        let vote = &signed.vote;
        (vote.chain_id, vote.set_id, vote.height, vote.round, vote.phase)
    };
    if first.vote.chain_id != rules.chain_id {
        return Err(Reject::WrongChain { got: first.vote.chain_id, want: rules.chain_id });
    }
    one_signer_one_position(first.signer == second.signer, position(first) == position(second))?;
    if first.vote.value == second.vote.value {
        return Err(Reject::EvidenceSame);
    }
    let signer = first.signer;
    let (_, key) = set.member(signer).ok_or(Reject::SignerNotInSet { signer })?;
    for signed in [first, second] {
        key.verify(&signed.vote.sign_bytes(), &signed.signature)
            .map_err(|_| Reject::BadSignature { signer })?;
    }
    Ok(Verified::new(key.public()))
}

/// Checks a double proposal against the set it was made in. Returns the key that is to blame.
///
/// # Errors
/// As [`double_vote`].
pub fn double_proposal(
    evidence: &DoubleProposal,
    set: &ValidatorSet,
    rules: &Rules,
) -> Result<Verified<PublicKey>, Reject> {
    let (first, second) = (&evidence.first.proposal, &evidence.second.proposal);
    if first.chain_id != rules.chain_id {
        return Err(Reject::WrongChain { got: first.chain_id, want: rules.chain_id });
    }
    let same_position = (first.chain_id, first.set_id, first.height, first.round)
        == (second.chain_id, second.set_id, second.height, second.round);
    one_signer_one_position(evidence.first.signer == evidence.second.signer, same_position)?;
    if first.block_id == second.block_id {
        return Err(Reject::EvidenceSame);
    }
    let signer = evidence.first.signer;
    let (_, key) = set.member(signer).ok_or(Reject::SignerNotInSet { signer })?;
    for signed in [&evidence.first, &evidence.second] {
        ed25519::verify_strict(&key.public(), &signed.proposal.sign_bytes(), &signed.signature)
            .map_err(|_| Reject::BadSignature { signer })?;
    }
    Ok(Verified::new(key.public()))
}

fn one_signer_one_position(one_signer: bool, one_position: bool) -> Result<(), Reject> {
    match (one_signer, one_position) {
        (false, _) => Err(Reject::EvidenceSigner),
        (_, false) => Err(Reject::EvidencePosition),
        _ => Ok(()),
    }
}
