//! Is the step of the model the step of the verifier?
//!
//! Real blocks with real signatures are given to the verifier and, without them, to the model;
//! both must give the same answer. Blocks are drawn: honest ones and lies, of any set, signed by
//! any of its members.

use core::fmt;

use qratum_chain::{
    Hash, schedule,
    types::{Certificate, ChainParams, LightBlock, ValidatorSet},
};
use qratum_verifier::{Rules, SetCache, Trusted, Verdict, verify};

use super::{
    Law,
    handover::{Place, Step, accepts},
};
use crate::forge::{Forge, Member, Team};

/// Keys of the drawn chains.
const KEYS: u64 = 5;
const SETS: usize = 3;
const SET_LENGTH: u64 = 2;

/// How much was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Blocks that both judged.
    pub blocks: u64,
    /// Those that both accepted.
    pub accepted: u64,
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { blocks, accepted } = self;
        write!(f, "compared {blocks} blocks with real signatures, {accepted} of them accepted by both")
    }
}

/// A block on which model and verifier differ.
#[derive(Clone, Debug)]
pub struct Differs {
    /// What the verifier said.
    pub verifier: String,
    /// Height of the trusted block, and of the judged one.
    pub heights: [u64; 2],
    /// The number that the case was drawn with.
    pub seed: u64,
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same draws everywhere.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ z >> 31) % bound
    }

    /// A non-empty team of some of the keys, each with power 1 or 2.
    fn team(&mut self) -> Team {
        let members: Vec<Member> = (1..=KEYS)
            .filter_map(|seed| Some(seed).filter(|_| self.below(3) > 0))
            .map(|seed| Member::new(seed, 1 + seed % 2))
            .collect();
        if members.is_empty() { self.team() } else { Team { members } }
    }
}

/// Compares `blocks` drawn blocks, some on each of many chains.
///
/// # Errors
/// [`Differs`], the first block on which they differ.
pub fn compare(blocks: u64) -> Result<Checked, Box<Differs>> {
    const ON_EACH_CHAIN: u64 = 20;
    let mut checked = Checked::default();
    for seed in 0..blocks.div_ceil(ON_EACH_CHAIN) {
        let mut draw = Draw(seed);
        let params = ChainParams { set_length: SET_LENGTH, ..ChainParams::default() };
        let teams = (0..SETS).map(|_| draw.team()).collect();
        let forge = Forge::new(params, teams).grown(SET_LENGTH * SETS as u64);
        let (genesis, rules) = Trusted::genesis(&forge.genesis).expect("a genesis of valid teams");
        for _ in 0..ON_EACH_CHAIN {
            let trusted = trusted(&forge, &genesis, &rules, &mut draw);
            let block = block(&forge, &mut draw);
            let (verdict, agrees) = judge(&forge, &trusted, &rules, &block);
            if !agrees {
                let heights = [trusted.header().get().height.0, block.header.height.0];
                return Err(Box::new(Differs { verifier: format!("{verdict:?}"), heights, seed }));
            }
            checked.blocks += 1;
            checked.accepted += u64::from(matches!(verdict, Verdict::Accept(_)));
        }
    }
    Ok(checked)
}

/// Genesis, or an honest block that follows from it; sometimes without the set after it.
fn trusted(forge: &Forge, genesis: &Trusted, rules: &Rules, draw: &mut Draw) -> Trusted {
    let sets = &mut SetCache::default();
    let top = draw.below(SET_LENGTH * SETS as u64);
    let mut trusted = genesis.clone();
    for height in 1..=top {
        let mut block = forge.block(height);
        if height == top && draw.below(2) == 0 {
            block.next_validators = None;
        }
        match verify(&block, &trusted, rules, sets, forge.now()) {
            Verdict::Accept(accepted) => trusted = *accepted,
            _ => return trusted,
        }
    }
    trusted
}

/// An honest header or a lie, signed by any members of the set it comes with.
fn block(forge: &Forge, draw: &mut Draw) -> LightBlock {
    let height = 1 + draw.below(SET_LENGTH * SETS as u64);
    let mut block = forge.block(height);
    let kind = draw.below(3);
    let made_up = (kind == 2).then(|| draw.team());
    let team = made_up.as_ref().unwrap_or_else(|| forge.team(height));
    if kind > 0 {
        let header = &mut block.header;
        header.tx_root = Hash([1; 32]);
        block.validators = team.validators();
        block.next_validators = None;
        let set = ValidatorSet::new(team.validators()).expect("a team of distinct keys");
        header.validators_hash = set.hash();
        header.next_validators_hash = set.hash();
        header.proposer = schedule::proposer(&set, header.height, header.round);
    }
    let everyone = 0..team.members.len() as u32;
    let signers: Vec<u32> = everyone.filter(|_| draw.below(5) > 0).collect();
    let commit = team.commit(forge.chain_id, &block.header, block.header.round, &signers);
    block.certificate = Certificate::Commit(commit);
    block
}

/// What the verifier says, and whether the model says the same.
fn judge(forge: &Forge, trusted: &Trusted, rules: &Rules, block: &LightBlock) -> (Verdict, bool) {
    let verdict = verify(block, trusted, rules, &mut SetCache::default(), forge.now());
    let own = ValidatorSet::new(block.validators.clone()).expect("a team of distinct keys");
    let commit = block.certificate.commit();
    let signers: Vec<u32> = commit.map(|commit| commit.bitmap.indexes().collect()).unwrap_or_default();
    let place = Place { header: trusted.header().get(), next: trusted.next_validators().map(|set| &**set) };
    let step = Step { header: &block.header, own: &own, signers: &signers };
    let model = accepts(&Law::VERIFIER, place, step, &rules.params);
    let agrees = model == matches!(verdict, Verdict::Accept(_));
    (verdict, agrees)
}
