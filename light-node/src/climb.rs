//! Which blocks prove a header, starting at the anchor? As few as make every step certified by the
//! very set that the step before names: anyone can follow them by comparing one hash and counting
//! one quorum. Where the set never changed that is none.
//!
//! Does no I/O: says which end of a set it needs next.

use qratum_chain::{
    schedule,
    types::{Height, LightBlock, SetId, Time},
};
use qratum_verifier::{Reject, Rules, SetCache, Trusted, Verdict, verify};

/// The way from an anchor to one block.
#[derive(Debug)]
pub(crate) struct Climb {
    rules: Rules,
    sets: SetCache,
    trusted: Trusted,
    /// The target, and ends of sets on the way to it; the nearest last. Each halves the distance
    /// in sets, so there are at most 65.
    waiting: Vec<LightBlock>,
    path: Vec<LightBlock>,
}

impl Climb {
    /// Starts on the way from `anchor` to `target`. How old the anchor is plays no part here: the
    /// check of the finished proof says so.
    pub(crate) fn start(
        anchor: &Trusted,
        rules: &Rules,
        target: LightBlock,
        now: Time,
    ) -> Result<Self, Reject> {
        let mut rules = rules.clone();
        rules.params.trusting_period_ms = u64::MAX;
        let mut climb = Self {
            rules,
            sets: SetCache::default(),
            trusted: anchor.clone(),
            waiting: vec![target],
            path: Vec::new(),
        };
        climb.climb(now)?;
        Ok(climb)
    }

    /// The height of the block that is needed next; none when the target is proven.
    pub(crate) fn ask(&self) -> Option<Height> {
        let length = self.rules.params.set_length;
        let (near, far) = (self.next_set(), self.set_of(self.waiting.last()?));
        let middle = near.0.saturating_add(far.0.saturating_sub(near.0) / 2);
        Some(schedule::boundary_of(SetId(middle), length))
    }

    /// Takes the block that was asked for. After a refusal the climb is over.
    pub(crate) fn give(&mut self, block: LightBlock, now: Time) -> Result<(), Reject> {
        let got = block.header.height;
        match self.ask() {
            Some(want) if want == got => {}
            want => return Err(Reject::NotAsked { got, want: want.unwrap_or(got) }),
        }
        self.waiting.push(block);
        self.climb(now)
    }

    /// The blocks of the proof in order; the target is the last. Of use when nothing is asked for.
    pub(crate) fn into_path(self) -> Vec<LightBlock> {
        self.path
    }

    fn climb(&mut self, now: Time) -> Result<(), Reject> {
        while let Some(block) = self.waiting.pop() {
            let named = block.header.validators_hash == self.trusted.header().get().next_validators_hash;
            if !named && self.set_of(&block) > self.next_set() {
                self.waiting.push(block);
                return Ok(());
            }
            match verify(&block, &self.trusted, &self.rules, &mut self.sets, now) {
                Verdict::Accept(accepted) => {
                    self.trusted = *accepted;
                    self.path.push(block);
                }
                Verdict::NotYet(_) => {
                    self.waiting.push(block);
                    return Ok(());
                }
                Verdict::Reject(reject) => return Err(reject),
            }
        }
        Ok(())
    }

    fn next_set(&self) -> SetId {
        schedule::set_of(self.trusted.header().get().height.next(), self.rules.params.set_length)
    }

    fn set_of(&self, block: &LightBlock) -> SetId {
        schedule::set_of(block.header.height, self.rules.params.set_length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{Chain, Members, bad_signature, constant, disjoint};

    const NOW: Time = Time(1_000_000);

    /// Changes once, at the end of set 2.
    fn changes_once(set: u64) -> Vec<u8> {
        disjoint(u64::from(set > 2))
    }

    fn start(chain: &Chain, height: u64) -> Result<Climb, Reject> {
        let (anchor, rules) = Trusted::genesis(&chain.genesis).unwrap();
        Climb::start(&anchor, &rules, chain.block(height).unwrap().clone(), NOW)
    }

    fn grown(members: Members) -> Chain {
        let mut chain = Chain::new("net", Time(1000), members);
        chain.grow_by(40);
        chain
    }

    /// Heights of the proof of `height`, and how many blocks had to be asked for.
    fn climbed(members: Members, height: u64) -> (Vec<u64>, usize) {
        let chain = grown(members);
        let mut climb = start(&chain, height).unwrap();
        let mut asked = 0;
        while let Some(want) = climb.ask() {
            climb.give(chain.block(want.0).unwrap().clone(), NOW).unwrap();
            asked += 1;
        }
        (climb.into_path().iter().map(|block| block.header.height.0).collect(), asked)
    }

    #[test]
    fn a_set_that_stays_needs_no_step() {
        assert_eq!(climbed(constant, 39), (vec![39], 0));
        assert_eq!(climbed(changes_once, 12), (vec![12], 0));
    }

    #[test]
    fn each_set_in_the_proof_is_named_by_the_step_before() {
        assert_eq!(climbed(disjoint, 4).0, [4]);
        assert_eq!(climbed(disjoint, 5).0, [4, 5]);
        assert_eq!(climbed(disjoint, 18).0, [4, 8, 12, 16, 18]);
        let (path, asked) = climbed(changes_once, 39);
        assert!(path.contains(&12) && path.last() == Some(&39), "{path:?}");
        assert!(path.len() <= 5 && asked <= 4, "{path:?} after {asked}");
    }

    #[test]
    fn what_is_refused_ends_the_climb_with_its_reason() {
        let chain = grown(disjoint);
        assert_eq!(start(&chain, 5).unwrap().ask(), Some(Height(4)));
        let mut climb = start(&chain, 5).unwrap();
        let want = Reject::NotAsked { got: Height(3), want: Height(4) };
        assert_eq!(climb.give(chain.block(3).unwrap().clone(), NOW), Err(want));
        let mut climb = start(&chain, 5).unwrap();
        let bad = bad_signature(chain.block(4).unwrap().clone());
        assert_eq!(climb.give(bad, NOW), Err(Reject::BadSignature { signer: 0 }));
        let mut forged = chain.block(5).unwrap().clone();
        let elsewhere = chain.block(9).unwrap().header.validators_hash;
        (forged.header.validators_hash, forged.header.next_validators_hash) = (elsewhere, elsewhere);
        let (anchor, rules) = Trusted::genesis(&chain.genesis).unwrap();
        let mut climb = Climb::start(&anchor, &rules, forged, NOW).unwrap();
        let refused = climb.give(chain.block(4).unwrap().clone(), NOW);
        assert!(matches!(refused, Err(Reject::UntrustedSet { .. })), "{refused:?}");
    }
}
