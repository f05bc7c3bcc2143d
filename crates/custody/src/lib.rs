//! The devices that secrets come from and lie in, and the threads that wait for them.
//!
//! - [`entropy`]: the sources of randomness of this machine.

pub mod entropy;
