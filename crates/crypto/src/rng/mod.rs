//! Randomness: a generator that is checked against NIST's and OpenSSL's outputs.

pub mod drbg;
#[cfg(test)]
pub(crate) mod stream;
