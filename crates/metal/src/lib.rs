//! What secrets stand on: memory that is locked, guarded and wiped, the random instructions of the
//! CPU, and a process that gives nothing away.
//!
//! - [`pages`]: how pages are locked, and whether they are.
//! - [`secret`]: the one kind of buffer in which a secret lives.
//! - [`cpu_rng`]: `RDRAND` and `RDSEED`, two sources.
//! - [`process`]: what a process does at its start, and what limits it runs under.
//! - [`sandbox`]: what a process can no longer do once it runs.
//! - `memcheck`, with the feature of this name: which bytes are secret, for valgrind.
//!
//! The only crate with `unsafe`. It knows neither keys nor chains: bytes and their lengths.
//! Linux only, as is the program.

pub mod cpu_rng;
#[cfg(feature = "memcheck")]
pub mod memcheck;
pub mod pages;
pub mod process;
pub mod sandbox;
pub mod secret;
#[cfg(test)]
mod testing;
