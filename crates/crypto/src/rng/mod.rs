//! Randomness: several sources that are watched, one pool that fails closed, and a generator that is
//! checked against NIST's and OpenSSL's outputs.
//!
//! - [`source`]: where entropy comes from, and with how many bits it is credited.
//! - [`health`]: whether what a source gives may be used.
//! - [`pool`]: one seed from all of them, or none.
//! - [`drbg`]: the generator that it seeds.
//! - [`random`]: both together, for all who need random bytes.
//! - [`monitor`]: what is remembered of the sources.

pub mod drbg;
pub mod health;
pub mod monitor;
pub mod pool;
pub mod random;
pub mod source;
#[cfg(test)]
pub(crate) mod stream;
