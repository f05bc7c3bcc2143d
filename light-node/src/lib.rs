//! The light node: asks peers, carries their answers to the verifier, keeps what it verified.
//!
//! Nothing is decided here. Whatever this crate hands out is either `Verified`, which only the
//! verifier can make, or says that it is not.

pub mod wire;
