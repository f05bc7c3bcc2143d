//! Can a light client be led from the honest chain to a block that is none of it?
//!
//! An explicit search. The chain: a few sets over a small universe of keys, changing at every
//! boundary in every way. The adversary: any keys with at most a third of the power of each set;
//! they sign anything, for any set the adversary makes up. The honest sign as the protocol has
//! them sign. The light client: from genesis, every block of the honest chain that the verifier's
//! rules let it step to, by every group of signers, with and without knowing the set after a
//! boundary; and at each place it can stand, every lie.
//!
//! The rules are the verifier's own predicates. Signatures are not computed: who can have signed
//! what is the model. Rules that a liar can always satisfy (time, parent, proposer, a carried
//! certificate) are left out, and so is the ML-DSA rule, which only refuses more. The search ends
//! at the first lie that is believed, so what such a block names as its next set does not matter.

use core::fmt;
use std::collections::BTreeSet;

use qratum_chain::{
    Hash, schedule,
    types::{BlockId, ChainId, ChainParams, Header, Height, Round, SetId, Time, ValidatorSet},
};
use qratum_verifier::{
    certificate,
    predicates::{self as rule, Relation},
    quorum::Tally,
};

use super::Law;
use crate::forge::Member;

/// How large the searched world is.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Keys there are. Sets are all non-empty subsets of them.
    pub keys: u64,
    /// A member's power is 1 up to this.
    pub power: u64,
    /// Sets that follow each other, each any set of the universe.
    pub sets: usize,
    /// Heights in a set.
    pub set_length: u64,
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { keys, power, sets, set_length } = self;
        write!(f, "{keys} keys, powers 1..={power}, {sets} sets of {set_length} heights")
    }
}

/// How much was searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Chains, each with one adversary.
    pub chains: u64,
    /// Places at which a light client can stand.
    pub states: u64,
    /// Steps that were judged.
    pub steps: u64,
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { chains, states, steps } = self;
        write!(f, "checked {states} states and {steps} steps of {chains} chains with their adversary")
    }
}

/// A way to be led astray.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Astray {
    /// What went wrong.
    pub what: &'static str,
    /// The power of each key in each set of the chain.
    pub sets: Vec<Vec<u64>>,
    /// Keys at fault, as bits.
    pub faulty: usize,
    /// The height that was trusted.
    pub from: u64,
    /// The height of the lie.
    pub to: u64,
    /// The lie's signers, as bits over keys; of both blocks, where two conflict.
    pub signers: Vec<usize>,
}

/// A group of keys, as bits.
type Keys = usize;

/// A set that the chain may have or the adversary may make up.
struct Candidate {
    set: ValidatorSet,
    /// Power of each key; 0 is no member.
    powers: Vec<u64>,
    /// Its members as keys.
    keys: Keys,
}

impl Candidate {
    fn tally(&self, keys: Keys) -> Tally {
        let inside = (0..).zip(&self.powers).filter(|(key, _)| has(keys, *key));
        let signed = inside.map(|(_, power)| u128::from(*power)).sum();
        Tally { signed, total: self.set.total_power() }
    }

    /// The indexes in this set of `keys`.
    fn indexes(&self, keys: Keys) -> Vec<u32> {
        let members = (0..self.powers.len()).filter(|key| has(self.keys, *key));
        (0u32..).zip(members).filter(|(_, key)| has(keys, *key)).map(|(index, _)| index).collect()
    }
}

const fn has(keys: Keys, key: usize) -> bool {
    keys >> key & 1 == 1
}

/// All subsets of a group, itself and the empty one among them.
fn subsets(of: Keys) -> impl Iterator<Item = Keys> {
    (0..=of).filter(move |keys| keys & !of == 0)
}

/// A block as a light client judges it, but for its signatures.
#[derive(Clone, Copy)]
pub struct Step<'a> {
    /// The header.
    pub header: &'a Header,
    /// The set under `header.validators_hash`.
    pub own: &'a ValidatorSet,
    /// Who signed, by index in that set.
    pub signers: &'a [u32],
}

/// Where a light client stands.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The trusted header.
    pub header: &'a Header,
    /// The set that certifies the next height, where it is known.
    pub next: Option<&'a ValidatorSet>,
}

/// Whether `law` lets a light client step from `place`: the verifier's rules, in its order.
#[must_use]
pub fn accepts(law: &Law, place: Place<'_>, step: Step<'_>, params: &ChainParams) -> bool {
    let (header, from) = (step.header, place.header);
    let in_place = rule::is_above(header, from).is_ok()
        && rule::set_id_matches_height(header, params).is_ok()
        && rule::set_changes_only_at_boundary(header, params).is_ok();
    if !in_place || !(law.quorum)(Tally::of(step.own, step.signers.iter().copied())) {
        return false;
    }
    match rule::relation(header, from, params) {
        Relation::Named(want) => !law.named || rule::set_is_named(header, want).is_ok(),
        Relation::Skip => {
            let overlap = |next| certificate::overlap(step.signers, step.own, next);
            (law.third)(place.next.map_or(Tally { signed: 0, total: 1 }, overlap))
        }
    }
}

/// Searches all chains within `bounds` under `law`, the first set up to a renaming of keys.
///
/// # Errors
/// [`Astray`], the first way that was found.
pub fn search(bounds: Bounds, law: &Law) -> Result<Checked, Box<Astray>> {
    let world = World::new(bounds);
    let mut checked = Checked::default();
    let first = (0..world.candidates.len()).filter(|set| world.is_first_of_its_names(*set));
    let mut chains: Vec<Vec<usize>> = first.map(|set| vec![set]).collect();
    for _ in 1..bounds.sets {
        let longer =
            |chain: Vec<usize>| (0..world.candidates.len()).map(move |set| [&*chain, &[set]].concat());
        chains = chains.into_iter().flat_map(longer).collect();
    }
    for chain in chains {
        let everyone = (1 << bounds.keys) - 1;
        for faulty in subsets(everyone) {
            let bearable = |set: &usize| (law.faulty)(world.candidates[*set].tally(faulty));
            if chain.iter().all(bearable) {
                Search { world: &world, law, chain: &chain, faulty }.run(&mut checked)?;
            }
        }
    }
    Ok(checked)
}

/// What does not depend on the chain.
struct World {
    params: ChainParams,
    heights: u64,
    candidates: Vec<Candidate>,
    /// Lies: for each height (from 0) and each candidate set, a header of that set.
    lies: Vec<Vec<Header>>,
}

impl World {
    fn new(bounds: Bounds) -> Self {
        let params = ChainParams { set_length: bounds.set_length, ..ChainParams::default() };
        let heights = bounds.set_length * bounds.sets as u64;
        let candidates: Vec<Candidate> =
            (1..(bounds.power + 1).pow(bounds.keys as u32)).map(|number| candidate(number, bounds)).collect();
        let lie = |height, candidate: &Candidate| {
            let own = candidate.set.hash();
            Header { tx_root: Hash([1; 32]), ..header(height, [own, own], &params) }
        };
        let lies = (0..=heights).map(|h| candidates.iter().map(|set| lie(h, set)).collect()).collect();
        Self { params, heights, candidates, lies }
    }

    /// Whether the powers do not rise from key to key: one such set for each choice of powers.
    fn is_first_of_its_names(&self, set: usize) -> bool {
        self.candidates[set].powers.is_sorted_by(|a, b| a >= b)
    }
}

/// The set whose powers are the digits of `number`.
fn candidate(number: u64, bounds: Bounds) -> Candidate {
    let base = bounds.power + 1;
    let powers: Vec<u64> = (0..bounds.keys as u32).map(|key| number / base.pow(key) % base).collect();
    let members = (1u64..).zip(&powers).filter(|(_, power)| **power > 0);
    let validators = members.map(|(seed, power)| Member::new(seed, *power).validator).collect();
    let keys = powers.iter().rev().fold(0, |keys, power| keys << 1 | usize::from(*power > 0));
    Candidate { set: ValidatorSet::new(validators).expect("keys of seeds"), powers, keys }
}

/// A header at `height` of this set and with this next one; the rest plays no part here.
fn header(height: u64, [own, next]: [Hash; 2], params: &ChainParams) -> Header {
    Header {
        chain_id: ChainId::ZERO,
        height: Height(height),
        round: Round(0),
        time: Time(height),
        set_id: schedule::set_of(Height(height), params.set_length),
        parent: BlockId::ZERO,
        last_certificate: Hash::ZERO,
        tx_root: Hash::ZERO,
        state_root: Hash::ZERO,
        validators_hash: own,
        next_validators_hash: next,
        evidence_root: Hash::ZERO,
        history_root: Hash::ZERO,
        proposer: 0,
    }
}

/// One chain and one adversary.
struct Search<'a> {
    world: &'a World,
    law: &'a Law,
    chain: &'a [usize],
    faulty: Keys,
}

/// A place: the height, and whether the set after it is known.
type State = (u64, bool);

impl Search<'_> {
    fn run(&self, checked: &mut Checked) -> Result<(), Box<Astray>> {
        checked.chains += 1;
        let honest: Vec<Header> = (0..=self.world.heights).map(|height| self.honest(height)).collect();
        let (mut seen, mut open) = (BTreeSet::from([(0, true)]), vec![(0, true)]);
        while let Some(state) = open.pop() {
            checked.states += 1;
            self.no_lie_is_believed(state, &honest, checked)?;
            self.no_two_blocks_are_believed(state, &honest, checked)?;
            for height in state.0 + 1..=self.world.heights {
                if !self.is_reached(state, height, &honest, checked) {
                    continue;
                }
                let header = &honest[height as usize];
                let changes = header.next_validators_hash != header.validators_hash;
                let known = [Some((height, true)), changes.then_some((height, false))];
                open.extend(known.into_iter().flatten().filter(|state| seen.insert(*state)));
            }
        }
        Ok(())
    }

    /// The set of a height, the last one for ever.
    fn set(&self, height: u64) -> &Candidate {
        let SetId(index) = schedule::set_of(Height(height), self.world.params.set_length);
        let index = (index as usize).min(self.chain.len() - 1);
        &self.world.candidates[self.chain[index]]
    }

    fn honest(&self, height: u64) -> Header {
        header(height, [height, height + 1].map(|h| self.set(h).set.hash()), &self.world.params)
    }

    /// Whether a client at `state` accepts `header` of `own` from these keys.
    fn steps<'a>(
        &'a self,
        (at, known): State,
        trusted: &'a Header,
        header: &'a Header,
        own: &'a Candidate,
    ) -> impl Fn(Keys) -> bool + 'a {
        let next = known.then(|| &self.set(at + 1).set);
        let place = Place { header: trusted, next };
        move |signers| {
            let signers = own.indexes(signers);
            let step = Step { header, own: &own.set, signers: &signers };
            accepts(self.law, place, step, &self.world.params)
        }
    }

    /// Whether the honest block at `height` is accepted from any group of signers.
    fn is_reached(&self, state: State, height: u64, honest: &[Header], checked: &mut Checked) -> bool {
        let own = self.set(height);
        let accepted = self.steps(state, &honest[state.0 as usize], &honest[height as usize], own);
        subsets(own.keys).inspect(|_| checked.steps += 1).any(accepted)
    }

    /// The honest sign only the one block: a lie has signatures of those at fault alone, in any
    /// set that the adversary claims.
    fn no_lie_is_believed(
        &self,
        state: State,
        honest: &[Header],
        checked: &mut Checked,
    ) -> Result<(), Box<Astray>> {
        for height in state.0 + 1..=self.world.heights {
            for (own, lie) in self.world.candidates.iter().zip(&self.world.lies[height as usize]) {
                let accepted = self.steps(state, &honest[state.0 as usize], lie, own);
                for signers in subsets(own.keys & self.faulty) {
                    checked.steps += 1;
                    if accepted(signers) {
                        return self.astray("a lie is believed", [state.0, height], vec![signers]);
                    }
                }
            }
        }
        Ok(())
    }

    /// The weaker promise, of one height by itself: the honest sign one block each, not all the
    /// same one. Two blocks are then never both believed.
    fn no_two_blocks_are_believed(
        &self,
        state: State,
        honest: &[Header],
        checked: &mut Checked,
    ) -> Result<(), Box<Astray>> {
        for height in state.0 + 1..=self.world.heights {
            let own = self.set(height);
            let other = Header { tx_root: Hash([1; 32]), ..honest[height as usize].clone() };
            let believed = |header: &Header| -> Vec<Keys> {
                let accepted = self.steps(state, &honest[state.0 as usize], header, own);
                subsets(own.keys).filter(|signers| accepted(*signers)).collect()
            };
            let (one, two) = (believed(&honest[height as usize]), believed(&other));
            for (a, b) in one.iter().flat_map(|a| two.iter().map(move |b| (*a, *b))) {
                checked.steps += 1;
                if a & b & !self.faulty == 0 {
                    return self.astray("two blocks are believed", [state.0, height], vec![a, b]);
                }
            }
        }
        Ok(())
    }

    fn astray(
        &self,
        what: &'static str,
        [from, to]: [u64; 2],
        signers: Vec<Keys>,
    ) -> Result<(), Box<Astray>> {
        let sets = self.chain.iter().map(|set| self.world.candidates[*set].powers.clone()).collect();
        Err(Box::new(Astray { what, sets, faulty: self.faulty, from, to, signers }))
    }
}
