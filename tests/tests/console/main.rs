//! The real console on a terminal of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

mod closed;
mod exits;
mod flow;
mod gestures;
mod hostile;
mod left;
mod lock;
mod near;
mod sizes;
mod slow;
mod typed;
