//! Decides what is true. Everything a qratum console shows as verified passed through here, and
//! nothing else can make a [`Verified`].
//!
//! # Trust
//!
//! A user trusts an *anchor*: a genesis, or a pinned checkpoint. From there, trust moves to a
//! later header when the set that the trusted header names signed it with more than two thirds of
//! its power (same set, or hand-over), or when more than a third of that set's power stands among
//! the signers of a later set (skipping). It moves only within the trusting period, in which the
//! trusted keys can still be held to account.
//!
//! # Shape
//!
//! One rule is one predicate ([`predicates`], [`certificate`], [`chained`], [`handover`]) and one
//! variant of [`Reject`]. [`verifier`] composes them into three answers: accept, not yet, reject.
//! [`sync`] says what to ask next, [`proof`] checks files, [`detect`] forks and evidence,
//! [`endorsement`] counts the operators who vouch for a checkpoint, [`witness`] who else saw a block, [`ballots`] who votes,
//! [`diversity`] whether too much stands in one hand, and [`tally`] what the vote on a proposal comes to.
//!
//! Pure: `now` is an argument and comes last; no I/O, no randomness, no logging.
//!
//! Only the verifier can make a `Verified`:
//!
//! ```compile_fail,E0423
//! let forged = qratum_verifier::Verified(7u64);
//! ```

pub mod anchor;
pub mod ballots;
pub mod bisect;
pub mod certificate;
pub mod chained;
pub mod detect;
pub mod diversity;
pub mod endorsement;
pub mod handover;
pub mod predicates;
pub mod proof;
pub mod quorum;
mod reject;
mod sets;
pub mod sync;
pub mod tally;
mod trusted;
pub mod verifier;
pub mod witness;

pub use reject::{Blame, Reject};
pub use sets::SetCache;
pub use trusted::{Rules, Trusted, Verified};
pub use verifier::{Verdict, verify};
