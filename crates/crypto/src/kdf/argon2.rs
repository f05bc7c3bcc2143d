//! Argon2id (RFC 9106): a key from a passphrase, at a cost in memory and time for whoever guesses.

use core::fmt;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroize as _;

/// What one guess costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes that could be filled at once.
    pub lanes: u32,
}

impl Cost {
    /// The second recommended choice of RFC 9106, section 4: 64 MiB, 3 passes, 4 lanes.
    pub const RECOMMENDED: Self = Self { memory_kib: 64 << 10, passes: 3, lanes: 4 };
    /// The most that is spent on a file of somebody else: 1 GiB, 16 passes, 16 lanes.
    pub const MOST: Self = Self { memory_kib: 1 << 20, passes: 16, lanes: 16 };

    const fn is_affordable(self) -> bool {
        self.memory_kib <= Self::MOST.memory_kib
            && self.passes <= Self::MOST.passes
            && self.lanes <= Self::MOST.lanes
    }
}

/// Why no key was derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The cost is above [`Cost::MOST`], or below what the standard allows.
    Cost,
    /// The salt has fewer than 8 bytes.
    Salt,
    /// There is not so much memory.
    Memory,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cost => "the cost of the passphrase is outside the bounds",
            Self::Salt => "the salt of the passphrase is too short",
            Self::Memory => "there is not enough memory to derive a key from the passphrase",
        })
    }
}

/// `key = Argon2id(passphrase, salt; memory, passes, lanes)`, version 0x13, RFC 9106 section 3. The
/// memory it works in is not locked, and wiped afterwards.
///
/// # Errors
/// [`Refused`]; `key` is untouched then.
pub fn derive(passphrase: &[u8], salt: &[u8], cost: Cost, key: &mut [u8; 32]) -> Result<(), Refused> {
    if !cost.is_affordable() {
        return Err(Refused::Cost);
    }
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(key.len()));
    let params = params.map_err(|_| Refused::Cost)?;
    let mut blocks = Vec::new();
    blocks.try_reserve_exact(params.block_count()).map_err(|_| Refused::Memory)?;
    blocks.resize(params.block_count(), Block::new());
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let derived = argon2.hash_password_into_with_memory(passphrase, salt, key, &mut blocks);
    blocks.iter_mut().for_each(|block| block.zeroize());
    derived.map_err(|_| Refused::Salt)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the tests of the reference implementation, version 0x13.
    #[test]
    fn equals_the_reference_implementation() {
        let mut key = [0; 32];
        let cost = Cost { memory_kib: 1 << 16, passes: 2, lanes: 1 };
        derive(b"password", b"somesalt", cost, &mut key).unwrap();
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7");
    }

    #[test]
    fn what_costs_too_much_or_too_little_is_refused_before_anything_is_spent() {
        let refused = |cost, salt: &[u8]| derive(b"password", salt, cost, &mut [0; 32]).unwrap_err();
        let most = Cost::MOST;
        for cost in [
            Cost { memory_kib: u32::MAX, ..Cost::RECOMMENDED },
            Cost { passes: most.passes + 1, ..Cost::RECOMMENDED },
            Cost { lanes: most.lanes + 1, ..Cost::RECOMMENDED },
            Cost { memory_kib: 1, ..Cost::RECOMMENDED },
            Cost { passes: 0, ..Cost::RECOMMENDED },
            Cost { lanes: 0, ..Cost::RECOMMENDED },
        ] {
            assert_eq!(refused(cost, b"somesalt"), Refused::Cost, "{cost:?}");
        }
        let small = Cost { memory_kib: 64, passes: 1, lanes: 1 };
        assert_eq!(refused(small, b"short"), Refused::Salt);
    }
}
