//! Quorum arithmetic: weighted, strict, in u128. Never heads, never a threshold that decays.

use qratum_chain::types::ValidatorSet;

/// How much power signed, of how much there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Tally {
    /// Power of the signers, each counted once.
    pub signed: u128,
    /// Power of the whole set.
    pub total: u128,
}

impl Tally {
    /// The power of `signers` in `set`. Each index is expected once; indexes outside count nothing.
    #[must_use]
    pub fn of(set: &ValidatorSet, signers: impl IntoIterator<Item = u32>) -> Self {
        let power = |signer| set.member(signer).map_or(0, |(member, _)| u128::from(member.power));
        Self { signed: signers.into_iter().map(power).sum(), total: set.total_power() }
    }

    /// `3 * signed > 2 * total`: more than two thirds. Two such groups share more than a third of
    /// the power, so with less than a third at fault they share an honest member.
    #[must_use]
    pub const fn is_quorum(self) -> bool {
        match (self.signed.checked_mul(3), self.total.checked_mul(2)) {
            (Some(signed), Some(total)) => signed > total,
            _ => false,
        }
    }

    /// `3 * signed > total`: more than a third, so at least one honest member is among them.
    #[must_use]
    pub const fn is_more_than_a_third(self) -> bool {
        match self.signed.checked_mul(3) {
            Some(signed) => signed > self.total,
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn tally(signed: u128, total: u128) -> Tally {
        Tally { signed, total }
    }

    #[test]
    fn exactly_two_thirds_is_no_quorum_and_one_more_is() {
        for f in 1..70u128 {
            for n in [3 * f + 1, 3 * f + 2, 3 * f + 3] {
                let least = 2 * n / 3 + 1;
                assert!(!tally(least - 1, n).is_quorum(), "{} of {n}", least - 1);
                assert!(tally(least, n).is_quorum(), "{least} of {n}");
            }
        }
        assert!(!tally(0, 0).is_quorum());
        assert!(!tally(1, 3).is_more_than_a_third() && tally(2, 3).is_more_than_a_third());
    }

    /// FEATURES A-002: for every n two quorums of heads intersect in more than f members.
    #[test]
    fn quorum_safe_for_n_4_to_200() {
        for n in 4..=200u128 {
            let least = (0..=n).find(|signed| tally(*signed, n).is_quorum()).unwrap();
            let f = (n - 1) / 3;
            assert!(2 * least - n > f, "n = {n}");
            assert!(n - f >= least, "n = {n}: the honest alone are live");
        }
    }

    #[test]
    fn the_largest_powers_do_not_overflow() {
        let all = 1024 * u128::from(u64::MAX);
        assert!(tally(all, all).is_quorum());
        assert!(!tally(all / 3 * 2, all).is_quorum());
        assert!(!tally(u128::MAX, u128::MAX).is_quorum(), "beyond any set: refused, not wrapped");
    }

    /// FEATURES C-010: a threshold that decays from 67 to 51 percent decides nothing here.
    #[test]
    fn decay_never_finalizes() {
        for signed in 51..67 {
            assert!(!tally(signed, 100).is_quorum());
        }
    }
}
