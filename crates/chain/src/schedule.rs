//! Which set and which proposer a height belongs to: pure arithmetic on the chain's parameters.
//!
//! Set k certifies the heights `k * L + 1 ..= (k + 1) * L`, genesis belongs to set 0, and the last
//! height of a set is its *boundary*: the only header whose next set may differ, certified by the
//! set that leaves.

use core::mem;

use qratum_crypto::{domain, hash};

use crate::types::{Height, Round, SetId, ValidatorSet};

/// The set that certifies `height`.
#[must_use]
pub const fn set_of(height: Height, set_length: u64) -> SetId {
    match height.0.saturating_sub(1).checked_div(set_length) {
        Some(set) => SetId(set),
        None => SetId(0),
    }
}

/// The last height of `set`. Saturates.
#[must_use]
pub const fn boundary_of(set: SetId, set_length: u64) -> Height {
    Height(set.0.saturating_add(1).saturating_mul(set_length))
}

/// Whether `height` is the last of its set.
#[must_use]
pub const fn is_boundary(height: Height, set_length: u64) -> bool {
    height.0 != 0 && matches!(height.0.checked_rem(set_length), Some(0))
}

/// The index of the validator that proposes `height` in `round`: of those that were not drawn for
/// rounds 0 to k - 1, the first whose running sum of powers exceeds d(k) modulo their total power,
/// where k = `round` mod n and d(k) = the first 16 bytes of `SHA3-256(tag || validators_hash || height || k)`.
///
/// So the rounds of a height are a draw by power without repetition: whoever is gone costs each height
/// one round at most, and after n rounds the same order begins again.
///
/// Stateless, so that a light node checks it with nothing but the set. A draw is biased by less than
/// 2^-54, as total power stays below 2^74. It costs k + 1 hashes and at most n * (k + 1) subtractions,
/// whatever round a peer claims: half a millisecond for 1000 members, as ten signatures.
#[must_use]
pub fn proposer(set: &ValidatorSet, height: Height, round: Round) -> u32 {
    // Whoever was drawn has no power left in this.
    let mut powers: Vec<u64> = set.members().iter().map(|member| member.power).collect();
    let mut total = set.total_power();
    let members = u32::try_from(powers.len()).unwrap_or(u32::MAX);
    let last = round.0.checked_rem(members).unwrap_or(0);
    let mut drawn = 0;
    for turn in 0..=last {
        let rest = draw(set, height, turn).checked_rem(total).unwrap_or(0);
        let Some((index, power)) = first_above(rest, &mut powers) else { break };
        drawn = index;
        total = total.saturating_sub(u128::from(mem::take(power)));
    }
    drawn
}

fn draw(set: &ValidatorSet, height: Height, turn: u32) -> u128 {
    let parts = [&set.hash().0[..], &height.0.to_le_bytes(), &turn.to_le_bytes()];
    let seed = hash::tagged(domain::PROPOSER, &parts);
    seed.0.iter().take(16).rev().fold(0, |sum, byte| sum << 8 | u128::from(*byte))
}

/// The first whose running sum of powers exceeds `rest`.
fn first_above(mut rest: u128, powers: &mut [u64]) -> Option<(u32, &mut u64)> {
    (0u32..).zip(powers).find(|(_, power)| match rest.checked_sub(u128::from(**power)) {
        Some(left) => {
            rest = left;
            false
        }
        None => true,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::types::{Jurisdiction, Validator};
    use qratum_crypto::{hash::Hash, sign::ed25519::SecretKey};

    #[test]
    fn sets_end_at_multiples_of_their_length() {
        let set = |h| set_of(Height(h), 20).0;
        assert_eq!([set(0), set(1), set(20), set(21), set(40), set(41)], [0, 0, 0, 1, 1, 2]);
        assert_eq!(boundary_of(SetId(0), 20), Height(20));
        assert!(!is_boundary(Height(0), 20) && is_boundary(Height(20), 20) && !is_boundary(Height(21), 20));
        assert_eq!(boundary_of(SetId(u64::MAX), u64::MAX), Height(u64::MAX));
        assert_eq!(set_of(Height(7), 0), SetId(0));
    }

    const POWERS: [u64; 4] = [30, 25, 25, 20];

    fn set_of_powers(powers: &[u64]) -> ValidatorSet {
        let members = (1u16..).zip(powers).map(|(i, power)| {
            let mut seed = [0; 32];
            seed[..2].copy_from_slice(&i.to_le_bytes());
            Validator {
                pubkey: SecretKey::from_seed(&seed).public(),
                power: *power,
                jurisdiction: Jurisdiction::new(*b"CH").unwrap(),
                since_set: SetId(0),
                pq_key_hash: Hash::ZERO,
            }
        });
        ValidatorSet::new(members.collect()).unwrap()
    }

    fn order(set: &ValidatorSet, height: u64, rounds: core::ops::Range<u32>) -> Vec<u32> {
        rounds.map(|round| proposer(set, Height(height), Round(round))).collect()
    }

    /// Round 0 by power, round 1 by power among the other three.
    #[test]
    fn proposers_are_drawn_by_power() {
        const HEIGHTS: u32 = 20_000;
        let set = set_of_powers(&POWERS);
        let mut drawn = [[0u32; 4]; 4];
        for height in 0..u64::from(HEIGHTS) {
            let order = order(&set, height, 0..2);
            drawn[order[0] as usize][order[1] as usize] += 1;
        }
        let near = |count: u32, of: u32, share: f64| {
            let expected = f64::from(of) * share;
            let spread = (expected * (1.0 - share)).sqrt();
            assert!((f64::from(count) - expected).abs() <= 4.0 * spread, "{count} for {expected}: {drawn:?}");
        };
        for first in 0..4 {
            let times = drawn[first].iter().sum();
            near(times, HEIGHTS, POWERS[first] as f64 / 100.0);
            for second in (0..4).filter(|second| *second != first) {
                let others = 100 - POWERS[first];
                near(drawn[first][second], times, POWERS[second] as f64 / others as f64);
            }
        }
    }

    #[test]
    fn nobody_is_drawn_twice_until_all_were_and_then_in_the_same_order() {
        for powers in [&POWERS[..], &[1], &[1, 1_000_000], &[u64::MAX; 5]] {
            let (set, n) = (set_of_powers(powers), u32::try_from(powers.len()).unwrap());
            for height in 0..200 {
                let first = order(&set, height, 0..n);
                assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), powers.len(), "{first:?}");
                assert_eq!(order(&set, height, n..2 * n), first);
            }
        }
    }

    /// Computed by another program from the formula in `assets/FORMATS.md`.
    #[test]
    fn the_order_of_a_height_is_the_one_that_others_compute() {
        let set = set_of_powers(&POWERS);
        let orders = [1, 2, 3, 1_000_000].map(|height| order(&set, height, 0..4));
        assert_eq!(orders, [[2, 3, 1, 0], [2, 3, 0, 1], [1, 2, 0, 3], [2, 0, 1, 3]]);
    }

    /// No claim makes more work than there are members.
    #[test]
    fn a_thousand_members_and_any_round() {
        let set = set_of_powers(&[7; 1000]);
        let last = order(&set, 1, 990..1000);
        assert_eq!(last.iter().collect::<BTreeSet<_>>().len(), 10);
        assert_eq!(order(&set, 1, 1_000_000_990..1_000_001_000), last);
        assert_eq!(order(&set, 1, u32::MAX - 1..u32::MAX), order(&set, 1, 294..295));
    }
}
