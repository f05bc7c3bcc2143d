//! Chance from a seed.

/// SplitMix64 (Steele, Lea, Flood 2014): enough to shake an order of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dice(pub u64);

impl Dice {
    /// A number below `n`; 0 where `n` is 0.
    pub const fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        match (z ^ (z >> 31)).checked_rem(n) {
            Some(number) => number,
            None => 0,
        }
    }

    /// True once in `n` times on average; never where `n` is 0.
    pub const fn one_in(&mut self, n: u64) -> bool {
        n != 0 && self.below(n) == 0
    }
}
