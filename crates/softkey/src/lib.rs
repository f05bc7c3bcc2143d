//! A security key in software, for demos and tests: it speaks what a real one speaks (CTAPHID and
//! CTAP 2.0/2.1 over reports of 64 bytes), counts what it is asked, and fails on demand.
//!
//! Not for real keys: its secrets derive from a seed that its caller knows, lie in ordinary memory, and
//! a touch is whatever its [`script::Touch`] says. It shares no code with the product's side of the
//! protocol, so that neither hides a mistake of the other.
//!
//! - [`hid`]: reports, channels, fragments (CTAP 2.1 section 11.2).
//! - [`device`]: the whole key as a state machine without I/O: reports in, reports out.
//! - [`key`]: what it keeps; [`command`], [`credential`], [`pin`]: what it does (CTAP 2.1 section 6).
//! - [`cbor`], [`protocol`]: in which bytes and under which keys that travels.
//! - [`script`]: when it is touched, how it counts, how it fails.
//! - [`serve`]: the machine behind a Unix socket, steered by lines of text.

pub mod cbor;
pub mod command;
pub mod credential;
pub mod device;
pub mod hid;
pub mod key;
pub mod pin;
pub mod protocol;
pub mod script;
pub mod serve;
