//! Validators and peers with one named fault each, to try the honest ones on. No package contains
//! them.
//!
//! - [`fault`]: the names.
//! - [`voice`]: what a validator says in place of the truth.
//! - [`lie`]: what a peer of light nodes answers in place of the truth.
//! - [`validator`], [`peer`]: both over libp2p.

pub mod fault;
pub mod lie;
pub mod peer;
pub mod validator;
pub mod voice;
