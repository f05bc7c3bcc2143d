//! Is the house still the house? Who may depend on whom, which crate owns which outside library,
//! which lints hold, what lies at the top, and whether README's table of packages is true.
//!
//! The rules are data in [`table`]. Each rule is a function from manifests to complaints, so that it
//! is also run on a made-up house that breaks it: a rule that cannot fail guards nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

mod arrows;
mod lints;
mod manifest;
mod readme;
mod table;
mod top_level;
