//! Signatures, one module for each scheme and the rule it is used by.

pub mod ed25519;
pub mod ml_dsa;

use core::fmt;

/// A signature that does not hold under the rule it was checked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadSignature;

impl fmt::Display for BadSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the signature does not hold")
    }
}
