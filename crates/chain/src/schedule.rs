//! Which set and which proposer a height belongs to: pure arithmetic on the chain's parameters.
//!
//! Set k certifies the heights `k * L + 1 ..= (k + 1) * L`, genesis belongs to set 0, and the last
//! height of a set is its *boundary*: the only header whose next set may differ, certified by the
//! set that leaves.

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

/// The index of the validator that proposes `height` in `round`: drawn by power from
/// `SHA3-256(tag || validators_hash || height || round)`.
///
/// Stateless, so that a light node checks it with nothing but the set. The first 16 bytes modulo
/// the total power are biased by less than 2^-54, as total power stays below 2^74.
#[must_use]
pub fn proposer(set: &ValidatorSet, height: Height, round: Round) -> u32 {
    let seed =
        hash::tagged(domain::PROPOSER, &[&set.hash().0, &height.0.to_le_bytes(), &round.0.to_le_bytes()]);
    let draw = seed.0.iter().take(16).rev().fold(0u128, |sum, byte| sum << 8 | u128::from(*byte));
    let mut rest = draw.checked_rem(set.total_power()).unwrap_or(0);
    for (index, member) in (0u32..).zip(set.members()) {
        match rest.checked_sub(u128::from(member.power)) {
            Some(left) => rest = left,
            None => return index,
        }
    }
    0
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn proposers_are_drawn_by_power() {
        let powers = [30, 25, 25, 20];
        let members = (1u8..).zip(powers).map(|(i, power)| Validator {
            pubkey: SecretKey::from_seed(&[i; 32]).public(),
            power,
            jurisdiction: Jurisdiction::new(*b"CH").unwrap(),
            since_set: SetId(0),
            pq_key_hash: Hash::ZERO,
        });
        let set = ValidatorSet::new(members.collect()).unwrap();
        let mut drawn = [0u32; 4];
        for height in 0..10_000 {
            drawn[proposer(&set, Height(height), Round(0)) as usize] += 1;
        }
        for (count, power) in drawn.into_iter().zip(powers) {
            let expected = power as f64 * 100.0;
            assert!((f64::from(count) - expected).abs() < 4.0 * expected.sqrt(), "{drawn:?}");
        }
        assert_ne!(
            (0..32).map(|r| proposer(&set, Height(1), Round(r))).collect::<Vec<_>>(),
            vec![proposer(&set, Height(1), Round(0)); 32]
        );
    }
}
