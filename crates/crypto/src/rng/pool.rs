//! The pool: what the sources gave becomes one seed, or nothing.
//!
//! All is absorbed into SHA3-512, each part under its name and length, failures too. Never XOR: there
//! two equal sources cancel out, and one that sees the others can cancel them. It fails closed: what
//! counts is what was given in *this* collection, and not that a source was well before.

use core::fmt;
use std::collections::BTreeMap;

use sha3::{Digest, Sha3_512, digest::FixedOutputReset};

use super::source::{Class, Fault, LENGTH};
use crate::domain;

/// The fewest credited bits of a seed: as many as it is long, and more than the 384 that entropy and
/// nonce of a generator of 256 bits take.
pub const MIN_TOTAL: u32 = 512;
/// The fewest of them that the kernel must have given.
pub const MIN_KERNEL: u32 = 256;

/// The bits that a collection is credited with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Those of the kernel.
    pub kernel: u32,
    /// How many classes but the kernel's are credited at all.
    pub others: u32,
    /// The sum over the classes.
    pub total: u32,
}

impl Tally {
    /// Whether a seed may be made.
    ///
    /// # Errors
    /// [`Insufficient`].
    pub const fn check(self) -> Result<(), Insufficient> {
        if self.kernel < MIN_KERNEL {
            Err(Insufficient::Kernel(self.kernel))
        } else if self.others == 0 {
            Err(Insufficient::KernelAlone)
        } else if self.total < MIN_TOTAL {
            Err(Insufficient::Total(self.total))
        } else {
            Ok(())
        }
    }
}

/// Why there is no seed. No key is made, and nothing at all once the last seed is too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insufficient {
    /// The kernel gave only so many bits.
    Kernel(u32),
    /// No other class gave any.
    KernelAlone,
    /// All together gave only so many bits.
    Total(u32),
}

impl fmt::Display for Insufficient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kernel(bits) => {
                write!(f, "the kernel's generator gave {bits} of {MIN_KERNEL} bits")?;
            }
            Self::KernelAlone => f.write_str("no source but the kernel's generator gave any bits")?,
            Self::Total(bits) => write!(f, "all sources gave {bits} of {MIN_TOTAL} bits")?,
        }
        f.write_str(
            "; no key is made until that is mended, and nothing at all once the last seed is a minute old",
        )
    }
}

/// One collection on its way to a seed.
pub struct Pool {
    state: Sha3_512,
    credits: BTreeMap<Class, u32>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("credits", &self.credits).finish_non_exhaustive()
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

impl Pool {
    /// A pool that was given nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { state: Sha3_512::new_with_prefix(domain::ENTROPY_POOL.bytes()), credits: BTreeMap::new() }
    }

    /// `state || len8(id) || id || class || status || credit_le32 || len_le32 || bytes`: what the source
    /// `id` gave, its credit cut to what the class allows, or why it gave nothing.
    pub fn add(&mut self, id: &'static str, class: Class, given: Result<(u32, &[u8; LENGTH]), Fault>) {
        let (status, credit, bytes): (u8, u32, &[u8]) = match given {
            Ok((credit, bytes)) => (0, credit.min(class.most()), bytes),
            Err(Fault::Unavailable) => (1, 0, &[]),
            Err(Fault::Failed) => (2, 0, &[]),
            Err(Fault::Unhealthy(_)) => (3, 0, &[]),
            Err(Fault::TimedOut) => (4, 0, &[]),
            Err(Fault::Denied) => (5, 0, &[]),
            Err(Fault::Refused(_)) => (6, 0, &[]),
            Err(Fault::Garbled) => (7, 0, &[]),
        };
        let best = self.credits.entry(class).or_default();
        *best = credit.max(*best);
        self.state.update([u8::try_from(id.len()).unwrap_or(u8::MAX)]);
        self.state.update(id);
        self.state.update([class as u8, status]);
        self.state.update(credit.to_le_bytes());
        self.state.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.state.update(bytes);
    }

    /// Of each class its best source, as those of one class may be one and the same noise; the sum
    /// over the classes.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let kernel = self.credits.get(&Class::Kernel).copied().unwrap_or(0);
        let others = self.credits.iter().filter(|(class, credit)| **class != Class::Kernel && **credit > 0);
        let others = u32::try_from(others.count()).unwrap_or(u32::MAX);
        Tally { kernel, others, total: self.credits.values().sum() }
    }

    /// `seed = SHA3-512(tag || what was added)`.
    ///
    /// # Errors
    /// [`Insufficient`]; the seed is then untouched.
    pub fn seed(mut self, seed: &mut [u8; LENGTH]) -> Result<Tally, Insufficient> {
        let tally = self.tally();
        tally.check()?;
        FixedOutputReset::finalize_into_reset(&mut self.state, seed.into());
        Ok(tally)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::health::Alarm;

    type Given = (&'static str, Class, Result<(u32, [u8; LENGTH]), Fault>);

    /// What a machine with everything has, in the order in which the table below names it.
    const ALL: [(&str, Class, u32); 5] = [
        ("system-rng", Class::Kernel, 256),
        ("cpu-rdseed", Class::Cpu, 256),
        ("cpu-rdrand", Class::Cpu, 128),
        ("cpu-jitter", Class::Jitter, 512),
        ("tpm", Class::Tpm, 256),
    ];

    fn pool(given: &[Given]) -> Pool {
        let mut pool = Pool::new();
        for (id, class, result) in given {
            pool.add(id, *class, result.as_ref().map(|(credit, bytes)| (*credit, bytes)).map_err(|f| *f));
        }
        pool
    }

    fn seed(given: &[Given]) -> Result<[u8; LENGTH], Insufficient> {
        let mut seed = [0; LENGTH];
        pool(given).seed(&mut seed).map(|_| seed)
    }

    fn healthy() -> Vec<Given> {
        let given = |(i, (id, class, credit)): (u8, _)| (id, class, Ok((credit, [i; LENGTH])));
        (1..).zip(ALL).map(given).collect()
    }

    /// The same machine where the sources of a bit of `failing` fail, in ways that change.
    fn with_failing(failing: u32) -> Vec<Given> {
        let faults = [Fault::Unavailable, Fault::Failed, Fault::Unhealthy(Alarm::Permanent), Fault::TimedOut];
        let mut given = healthy();
        for (i, (_, _, result)) in given.iter_mut().enumerate().filter(|(i, _)| failing >> i & 1 == 1) {
            *result = Err(faults[(i + failing as usize) % faults.len()]);
        }
        given
    }

    /// What becomes of each of the 32 subsets of failing sources. The bits are, from the left: TPM,
    /// jitter, RDRAND, RDSEED, kernel.
    const OUTCOMES: [(u32, Result<u32, Insufficient>); 32] = [
        (0b00000, Ok(1280)),
        (0b00010, Ok(1152)),
        (0b00100, Ok(1280)),
        (0b00110, Ok(1024)),
        (0b01000, Ok(768)),
        (0b01010, Ok(640)),
        (0b01100, Ok(768)),
        (0b01110, Ok(512)),
        (0b10000, Ok(1024)),
        (0b10010, Ok(896)),
        (0b10100, Ok(1024)),
        (0b10110, Ok(768)),
        (0b11000, Ok(512)),
        (0b11010, Err(Insufficient::Total(384))),
        (0b11100, Ok(512)),
        (0b11110, Err(Insufficient::KernelAlone)),
        (0b00001, Err(Insufficient::Kernel(0))),
        (0b00011, Err(Insufficient::Kernel(0))),
        (0b00101, Err(Insufficient::Kernel(0))),
        (0b00111, Err(Insufficient::Kernel(0))),
        (0b01001, Err(Insufficient::Kernel(0))),
        (0b01011, Err(Insufficient::Kernel(0))),
        (0b01101, Err(Insufficient::Kernel(0))),
        (0b01111, Err(Insufficient::Kernel(0))),
        (0b10001, Err(Insufficient::Kernel(0))),
        (0b10011, Err(Insufficient::Kernel(0))),
        (0b10101, Err(Insufficient::Kernel(0))),
        (0b10111, Err(Insufficient::Kernel(0))),
        (0b11001, Err(Insufficient::Kernel(0))),
        (0b11011, Err(Insufficient::Kernel(0))),
        (0b11101, Err(Insufficient::Kernel(0))),
        (0b11111, Err(Insufficient::Kernel(0))),
    ];

    #[test]
    fn every_subset_of_failing_sources_has_its_outcome() {
        let mut seen = std::collections::BTreeSet::new();
        for (failing, expected) in OUTCOMES {
            assert!(seen.insert(failing));
            let mut seed = [7; LENGTH];
            let outcome = pool(&with_failing(failing)).seed(&mut seed);
            assert_eq!(outcome.map(|tally| tally.total), expected, "{failing:05b}");
            assert_eq!(outcome.is_err(), seed == [7; LENGTH], "{failing:05b}: a seed only where it may be");
        }
    }

    #[test]
    fn nothing_given_is_no_seed() {
        assert_eq!(seed(&[]), Err(Insufficient::Kernel(0)));
    }

    #[test]
    fn the_kernel_needs_its_whole_credit_and_cannot_stand_in_for_others() {
        let mut given = healthy();
        given[0].2 = Ok((255, [1; LENGTH]));
        assert_eq!(seed(&given), Err(Insufficient::Kernel(255)));
        let kernel = |id| (id, Class::Kernel, Ok((512, [1; LENGTH])));
        assert_eq!(seed(&[kernel("a"), kernel("b"), kernel("c")]), Err(Insufficient::KernelAlone));
    }

    /// Guesses add to the seed and nothing to its credit, whatever they claim.
    #[test]
    fn auxiliary_input_gives_no_credit() {
        let clock: Given = ("clock", Class::Auxiliary, Ok((9999, [9; LENGTH])));
        assert_eq!(seed(&[healthy()[0], clock]), Err(Insufficient::KernelAlone));
        let mut given = healthy();
        let without = pool(&given).tally();
        given.push(clock);
        assert_eq!(pool(&given).tally(), without);
        assert_ne!(seed(&given), seed(&healthy()));
    }

    #[test]
    fn two_sources_of_a_class_count_as_its_better_one() {
        let cpu = |id, credit| (id, Class::Cpu, Ok((credit, [1; LENGTH])));
        let tally = pool(&[cpu("a", 200), cpu("b", 100)]).tally();
        assert_eq!(tally, Tally { kernel: 0, others: 1, total: 200 });
    }

    /// Under XOR the first two cases would leave nothing of the equal or mirrored sources.
    #[test]
    fn equal_and_mirrored_sources_do_not_cancel() {
        let of = |first: [u8; LENGTH], second: [u8; LENGTH]| {
            let mut given = healthy();
            (given[0].2, given[3].2) = (Ok((256, first)), Ok((512, second)));
            seed(&given).unwrap()
        };
        let mut seeds =
            vec![of([1; 64], [1; 64]), of([2; 64], [2; 64]), of([1; 64], [2; 64]), of([2; 64], [1; 64])];
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 4);
    }

    #[test]
    fn every_part_of_what_is_given_changes_the_seed() {
        let change: [fn(&mut Given); 5] = [
            |given| given.0 = "renamed",
            |given| given.1 = Class::Token,
            |given| given.2 = Ok((255, [5; LENGTH])),
            |given| given.2 = Err(Fault::Failed),
            |given| given.2 = Err(Fault::TimedOut),
        ];
        let mut seeds = vec![seed(&healthy()).unwrap()];
        for change in change {
            let mut given = healthy();
            change(&mut given[4]);
            seeds.push(seed(&given).unwrap());
        }
        for bit in 0..8 * LENGTH {
            let mut given = healthy();
            let mut bytes = [5; LENGTH];
            bytes[bit / 8] ^= 1 << (bit % 8);
            given[4].2 = Ok((256, bytes));
            seeds.push(seed(&given).unwrap());
        }
        let all = seeds.len();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), all);
    }

    #[test]
    fn a_refusal_says_what_is_missing() {
        assert_eq!(
            Insufficient::Total(384).to_string(),
            "all sources gave 384 of 512 bits; no key is made until that is mended, and nothing at all \
             once the last seed is a minute old"
        );
    }
}
