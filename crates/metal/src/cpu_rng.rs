//! The random instructions of the CPU: `RDRAND`, the output of its generator, and `RDSEED`, its
//! conditioned noise. Two sources: neither ever stands in for the other, because they are credited
//! differently.
//!
//! Intel, "Digital Random Number Generator Software Implementation Guide" 2.1, sections 5.2 and 5.3:
//! both may underflow; ten tries for `RDRAND`, tries with a pause for `RDSEED`. CPUs are known that
//! report success and give all ones or zeros (AMD after resume), so those words count as an
//! underflow; a good CPU gives one of them once in 2^63.

use std::{error::Error, fmt};

use crate::secret::wipe;

/// Tries for each word of `RDRAND`: that ten in a row fail on a healthy CPU is not expected.
const RDRAND_TRIES: u32 = 10;

/// Tries for each word of `RDSEED`, each after a pause. At the four of five that fail while other
/// cores draw too, all of these fail once in 10^24.
const RDSEED_TRIES: u32 = 256;

/// The CPU gave no random word for as long as it was asked. The buffer is all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Underflow {
    instruction: &'static str,
    tries: u32,
}

impl fmt::Display for Underflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Underflow { instruction, tries } = self;
        write!(f, "{instruction} gave no random word in {tries} tries")
    }
}

impl Error for Underflow {}

/// The instruction `RDRAND` of this CPU.
#[derive(Clone, Copy, Debug)]
pub struct Rdrand(());

impl Rdrand {
    /// `RDRAND`, where CPUID says that there is one.
    #[must_use]
    pub fn detect() -> Option<Rdrand> {
        instruction::has_rdrand().then_some(Rdrand(()))
    }

    /// Fills all of `bytes`.
    ///
    /// # Errors
    /// [`Underflow`]; `bytes` is zeroed then.
    pub fn fill(self, bytes: &mut [u8]) -> Result<(), Underflow> {
        fill(bytes, RDRAND_TRIES, instruction::rdrand, || ())
            .ok_or(Underflow { instruction: "RDRAND", tries: RDRAND_TRIES })
    }
}

/// The instruction `RDSEED` of this CPU.
#[derive(Clone, Copy, Debug)]
pub struct Rdseed(());

impl Rdseed {
    /// `RDSEED`, where CPUID says that there is one.
    #[must_use]
    pub fn detect() -> Option<Rdseed> {
        instruction::has_rdseed().then_some(Rdseed(()))
    }

    /// Fills all of `bytes`.
    ///
    /// # Errors
    /// [`Underflow`]; `bytes` is zeroed then.
    pub fn fill(self, bytes: &mut [u8]) -> Result<(), Underflow> {
        fill(bytes, RDSEED_TRIES, instruction::rdseed, std::hint::spin_loop)
            .ok_or(Underflow { instruction: "RDSEED", tries: RDSEED_TRIES })
    }
}

/// Fills `bytes` with words of `step`, each asked for `tries` times at most with `pause` after a miss;
/// `None`, and zeros, where one never comes.
fn fill(bytes: &mut [u8], tries: u32, step: impl Fn(&mut u64) -> bool, pause: impl Fn()) -> Option<()> {
    let mut word = 0;
    let given = |word: &mut u64| step(word) && *word != 0 && *word != u64::MAX;
    let filled = bytes.chunks_mut(8).all(|chunk| {
        let drawn = (0..tries).any(|_| {
            given(&mut word) || {
                pause();
                false
            }
        });
        chunk.iter_mut().zip(word.to_le_bytes()).for_each(|(to, from)| *to = from);
        drawn
    });
    // SAFETY: eight bytes of a variable of this function.
    unsafe { memsec::memzero((&raw mut word).cast(), 8) };
    if !filled {
        wipe(bytes);
    }
    filled.then_some(())
}

/// The instructions themselves. Each says whether it gave a word.
#[cfg(target_arch = "x86_64")]
mod instruction {
    use std::arch::{is_x86_feature_detected, x86_64};

    pub(super) fn has_rdrand() -> bool {
        is_x86_feature_detected!("rdrand")
    }

    pub(super) fn has_rdseed() -> bool {
        is_x86_feature_detected!("rdseed")
    }

    pub(super) fn rdrand(word: &mut u64) -> bool {
        #[target_feature(enable = "rdrand")]
        fn step(word: &mut u64) -> bool {
            x86_64::_rdrand64_step(word) == 1
        }
        // SAFETY: `Rdrand` is only made where `has_rdrand`.
        unsafe { step(word) }
    }

    pub(super) fn rdseed(word: &mut u64) -> bool {
        #[target_feature(enable = "rdseed")]
        fn step(word: &mut u64) -> bool {
            x86_64::_rdseed64_step(word) == 1
        }
        // SAFETY: `Rdseed` is only made where `has_rdseed`.
        unsafe { step(word) }
    }
}

/// No such instructions: neither source exists.
#[cfg(not(target_arch = "x86_64"))]
mod instruction {
    pub(super) fn has_rdrand() -> bool {
        false
    }

    pub(super) fn has_rdseed() -> bool {
        false
    }

    pub(super) fn rdrand(_: &mut u64) -> bool {
        false
    }

    pub(super) fn rdseed(_: &mut u64) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
