//! The law of the chain, and nothing else: what a header, a vote, a validator set, a certificate
//! and a proof *are*, byte for byte.
//!
//! - [`types`]: headers, votes, sets, certificates, genesis, evidence.
//! - [`codec`]: one canonical byte string for each value, bounded before allocation.
//! - [`schedule`]: which set and which proposer a height belongs to.
//! - [`ledger`]: what a block does to the state.
//! - [`state`]: the authenticated state map with inclusion and absence proofs.
//! - [`document`]: the JSON forms in which all of this leaves the program.
//!
//! Pure: no clock, no randomness, no I/O, no async, no logging. Deciding whether something is
//! *true* is the verifier's task; this crate only says what it means.

pub mod codec;
pub mod document;
pub mod language;
pub mod ledger;
pub mod schedule;
pub mod state;
pub mod types;

pub use qratum_crypto::{hash::Hash, sign::ed25519::PublicKey};
