//! The devices that secrets come from and lie in, and the threads that wait for them.
//!
//! - [`entropy`]: the sources of randomness of this machine.
//! - [`token`]: what is asked of a security token.
//! - [`pkcs11`]: tokens as the modules of their vendors show them.

pub mod entropy;
pub mod pkcs11;
pub mod token;
