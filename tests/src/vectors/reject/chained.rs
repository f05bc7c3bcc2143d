//! Refusals for chained certificates.

use qratum_chain::{
    Hash,
    types::{
        Certificate, ChainParams, ChainedBlock, ChainedCertificate, Engine, Header, HotStuffPhase,
        HotStuffRule, LightBlock, PhaseCertificate, validators_hash,
    },
};
use serde_json::Value;

use super::{Book, Pair, inputs::block_at};
use crate::forge::{Forge, Team};

/// The chain number that the votes of these chains sign.
const CHAIN: u64 = 7;

pub(super) fn add(book: &mut Book) {
    let forge = hotstuff(HotStuffRule::ThreeChain, &[20, 20, 10, 10], 10);
    start(book, &forge);
    length(book, &forge);
    links(book, &forge);
    votes(book, &forge);
    hand_over(book, &forge);
    other_family(book, &forge);
    let short = hotstuff(HotStuffRule::TwoChain, &[20, 20, 10, 10], 10);
    let add_views = [("two-chain-gap", [3, 5, 6]), ("two-chain-same", [3, 3, 4])];
    for (name, views) in add_views {
        let mut plan = Plan::of(&short, 3, 2);
        plan.steps.iter_mut().zip(views).for_each(|(step, view)| step.view = view);
        refuse(book, "ChainedViews", name, (&short, 3), plan);
    }
    let longer = Plan::of(&short, 3, 3);
    refuse(book, "ChainedLength", "three-for-two", (&short, 3), longer);
}

/// A chain of the HotStuff family with sets of length 4.
fn hotstuff(rule: HotStuffRule, powers: &[u64], heights: u64) -> Forge {
    let engine = Engine::HotStuff { chain: CHAIN, rule };
    let params = ChainParams { set_length: 4, engine, ..ChainParams::default() };
    Forge::new(params, vec![Team::new(1, powers), Team::new(2, powers)]).grown(heights)
}

/// One block of a chained certificate and the votes on it, before they are made.
struct Step {
    header: Header,
    height: u64,
    chain: u64,
    view: u64,
    phase: HotStuffPhase,
    /// The block that is voted for, where it is not this one.
    votes_for: Option<Hash>,
    signers: Vec<u32>,
    /// How many places the certificate has.
    places: usize,
}

/// A chained certificate to be made: every fault of it is chosen first, then all is hashed and
/// signed from the bottom up.
struct Plan<'a> {
    team: &'a Team,
    steps: Vec<Step>,
}

impl<'a> Plan<'a> {
    /// What an honest network makes for the block at `height`.
    fn of(forge: &'a Forge, height: u64, length: u64) -> Self {
        let team = forge.team(height);
        let step = |height| Step {
            header: forge.header(height),
            height,
            chain: CHAIN,
            view: height,
            phase: HotStuffPhase::Generic,
            votes_for: None,
            signers: team.least_quorum(),
            places: team.members.len(),
        };
        Self { team, steps: (height..height + length).map(step).collect() }
    }

    /// The one phase certificate of a block that changes the set.
    fn hand_over(forge: &'a Forge, height: u64) -> Self {
        let mut plan = Self::of(forge, height, 1);
        plan.steps.iter_mut().for_each(|step| step.phase = HotStuffPhase::Commit);
        plan
    }

    /// Hashes and signs.
    fn made(&self) -> ChainedCertificate {
        let mut blocks: Vec<ChainedBlock> = Vec::new();
        let mut justify = PhaseCertificate {
            chain: CHAIN,
            view: 0,
            block: Hash::ZERO,
            phase: HotStuffPhase::Generic,
            signatures: Vec::new(),
        };
        for step in &self.steps {
            let block = ChainedBlock { height: step.height, justify, header: step.header.clone() };
            justify = self.certified(step, block.hash());
            blocks.push(block);
        }
        ChainedCertificate { blocks, tip: justify }
    }

    fn certified(&self, step: &Step, block: Hash) -> PhaseCertificate {
        let mut certificate = PhaseCertificate {
            chain: step.chain,
            view: step.view,
            block: step.votes_for.unwrap_or(block),
            phase: step.phase,
            signatures: Vec::new(),
        };
        let message = certificate.sign_bytes();
        let place = |index: usize| {
            let signed = u32::try_from(index).is_ok_and(|index| step.signers.contains(&index));
            self.team.members.get(index).filter(|_| signed).map(|member| member.secret.sign(&message))
        };
        certificate.signatures = (0..step.places).map(place).collect();
        certificate
    }
}

/// The block at `height` with this certificate.
fn block(forge: &Forge, height: u64, certificate: ChainedCertificate) -> LightBlock {
    let header = forge.header(height);
    let changes = header.next_validators_hash != header.validators_hash;
    LightBlock {
        certificate: Certificate::Chained(certificate),
        validators: forge.team(height).validators(),
        next_validators: changes.then(|| forge.team(height + 1).validators()),
        header,
    }
}

/// The honest block at `height`.
fn honest(forge: &Forge, height: u64) -> LightBlock {
    let Engine::HotStuff { rule, .. } = forge.genesis.params.engine else { return forge.block(height) };
    let header = forge.header(height);
    let plan = if header.next_validators_hash == header.validators_hash {
        Plan::of(forge, height, rule as u64)
    } else {
        Plan::hand_over(forge, height)
    };
    block(forge, height, plan.made())
}

fn from_genesis(forge: &Forge, block: &LightBlock) -> Value {
    block_at(forge, &[], block, forge.now())
}

/// The certificate of `plan` on the block at `place`, against the honest one.
fn refuse(book: &mut Book, variant: &'static str, name: &str, place: (&Forge, u64), plan: Plan<'_>) {
    refuse_made(book, variant, name, place, plan.made());
}

fn refuse_made(
    book: &mut Book,
    variant: &'static str,
    name: &str,
    (forge, height): (&Forge, u64),
    certificate: ChainedCertificate,
) {
    let bad = from_genesis(forge, &block(forge, height, certificate));
    let good = from_genesis(forge, &honest(forge, height));
    let comment = "hashed and signed again from the fault upward";
    book.add(variant, name, comment, Pair { bad, good });
}

fn start(book: &mut Book, forge: &Forge) {
    let above = Plan::of(forge, 2, 3);
    refuse(book, "ChainedHeader", "starts-one-above", (forge, 1), above);
    let mut empty = Plan::of(forge, 1, 3).made();
    empty.blocks.clear();
    refuse_made(book, "ChainedHeader", "no-blocks", (forge, 1), empty);
    let mut other = Plan::of(forge, 1, 3);
    other.steps.iter_mut().take(1).for_each(|step| step.header.tx_root.0[0] ^= 1);
    let parent = other.steps.first().map(|step| step.header.id());
    other.steps.iter_mut().skip(1).take(1).zip(parent).for_each(|(step, parent)| step.header.parent = parent);
    let parent = other.steps.get(1).map(|step| step.header.id());
    other.steps.iter_mut().skip(2).zip(parent).for_each(|(step, parent)| step.header.parent = parent);
    refuse(book, "ChainedHeader", "of-another-header", (forge, 1), other);
}

fn length(book: &mut Book, forge: &Forge) {
    refuse(book, "ChainedLength", "two-for-three", (forge, 1), Plan::of(forge, 1, 2));
    refuse(book, "ChainedLength", "one-for-three", (forge, 1), Plan::of(forge, 1, 1));
}

/// Changes one step of an honest three-chain.
fn step(book: &mut Book, forge: &Forge, name: (&'static str, &str), at: usize, change: impl Fn(&mut Step)) {
    let mut plan = Plan::of(forge, 1, 3);
    plan.steps.iter_mut().skip(at).take(1).for_each(change);
    refuse(book, name.0, name.1, (forge, 1), plan);
}

fn links(book: &mut Book, forge: &Forge) {
    step(book, forge, ("ChainedHeight", "first"), 0, |step| step.height += 1);
    step(book, forge, ("ChainedHeight", "last"), 2, |step| step.height = 0);
    step(book, forge, ("ChainedHeight", "gap"), 2, |step| {
        step.height = 4;
        step.header.height.0 = 4;
    });
    step(book, forge, ("ChainedParent", "child"), 1, |step| step.header.parent.0.0[0] ^= 1);
    step(book, forge, ("ChainedParent", "grandchild"), 2, |step| step.header.parent = forge.header(1).id());
    let strangers = validators_hash(&Team::new(50, &[10; 4]).validators());
    step(book, forge, ("ChainedSet", "grandchild"), 2, |step| step.header.validators_hash = strangers);
    step(book, forge, ("ChainedSet", "next-set"), 2, |step| {
        step.header.validators_hash = validators_hash(&forge.team(5).validators());
    });
    let other = Plan::of(forge, 2, 3).made().blocks.first().map(ChainedBlock::hash);
    step(book, forge, ("ChainedLink", "first"), 0, |step| step.votes_for = other);
    step(book, forge, ("ChainedLink", "tip"), 2, |step| step.votes_for = Some(Hash::ZERO));
    step(book, forge, ("ChainedViews", "gap"), 2, |step| step.view = 4);
    step(book, forge, ("ChainedViews", "same"), 1, |step| step.view = 1);
    step(book, forge, ("ChainedViews", "largest"), 0, |step| step.view = u64::MAX);
}

fn votes(book: &mut Book, forge: &Forge) {
    step(book, forge, ("ChainedPhase", "first"), 0, |step| step.phase = HotStuffPhase::Prepare);
    step(book, forge, ("ChainedPhase", "tip"), 2, |step| step.phase = HotStuffPhase::Commit);
    step(book, forge, ("ChainedChain", "first"), 0, |step| step.chain = CHAIN + 1);
    step(book, forge, ("ChainedChain", "tip"), 2, |step| step.chain = 0);
    step(book, forge, ("SignatureCount", "chained-one-more"), 1, |step| step.places += 1);
    step(book, forge, ("SignatureCount", "chained-one-fewer"), 2, |step| step.places -= 1);
    for (name, at) in [("chained-first", 0), ("chained-second", 1), ("chained-tip", 2)] {
        step(book, forge, ("QuorumNotReached", name), at, |step| step.signers = vec![0, 1]);
    }
    let mut spoiled = Plan::of(forge, 1, 3).made();
    spoil(&mut spoiled.tip);
    refuse_made(book, "BadSignature", "chained-tip", (forge, 1), spoiled);
    refuse_made(book, "BadSignature", "chained-first", (forge, 1), with_spoiled_first(forge));
}

fn spoil(certificate: &mut PhaseCertificate) {
    let first = certificate.signatures.iter_mut().flatten().take(1);
    first.flat_map(|signature| signature.0.first_mut()).for_each(|byte| *byte ^= 1);
}

/// An honest three-chain but for one signature on its first block. The block above carries that
/// signature and is hashed over it, so all votes above are made again.
fn with_spoiled_first(forge: &Forge) -> ChainedCertificate {
    let plan = Plan::of(forge, 1, 3);
    let mut made = plan.made();
    made.blocks.iter_mut().skip(1).take(1).for_each(|block| spoil(&mut block.justify));
    for at in 1..plan.steps.len() {
        let Some((step, hash)) = plan.steps.get(at).zip(made.blocks.get(at).map(ChainedBlock::hash)) else {
            break;
        };
        let votes = plan.certified(step, hash);
        match made.blocks.get_mut(at + 1) {
            Some(block) => block.justify = votes,
            None => made.tip = votes,
        }
    }
    made
}

fn hand_over(book: &mut Book, forge: &Forge) {
    for (name, phase) in [
        ("handover-generic", HotStuffPhase::Generic),
        ("handover-precommit", HotStuffPhase::Precommit),
        ("handover-decide", HotStuffPhase::Decide),
    ] {
        let mut plan = Plan::hand_over(forge, 4);
        plan.steps.iter_mut().for_each(|step| step.phase = phase);
        refuse(book, "ChainedPhase", name, (forge, 4), plan);
    }
    let mut plan = Plan::hand_over(forge, 4);
    plan.steps.extend(Plan::hand_over(forge, 5).steps);
    refuse(book, "ChainedLength", "handover-of-two", (forge, 4), plan);
    // What the new set signs in its own name does not end the old one.
    let mut plan = Plan::hand_over(forge, 4);
    plan.team = forge.team(5);
    refuse(book, "BadSignature", "handover-by-the-new-set", (forge, 4), plan);
}

fn other_family(book: &mut Book, forge: &Forge) {
    let commit = from_genesis(forge, &forge.block(1));
    let pair = Pair { bad: commit, good: from_genesis(forge, &honest(forge, 1)) };
    book.add("WrongCertificateKind", "commit-on-hotstuff", "a good commit on a chain of HotStuff", pair);
    let tendermint = Forge::small(4);
    let chained = Plan::of(&tendermint, 1, 3).made();
    let bad = from_genesis(&tendermint, &block(&tendermint, 1, chained));
    let good = from_genesis(&tendermint, &tendermint.block(1));
    let comment = "a good three-chain on a chain of commits";
    book.add("WrongCertificateKind", "chained-on-tendermint", comment, Pair { bad, good });
    let pair =
        Pair { bad: from_genesis(forge, &forge.block(4)), good: from_genesis(forge, &honest(forge, 4)) };
    book.add(
        "WrongCertificateKind",
        "commit-at-a-hand-over",
        "a good commit where a HotStuff set ends",
        pair,
    );
}
