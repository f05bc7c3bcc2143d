//! The devices that secrets come from and lie in, and the threads that wait for them.
//!
//! - [`entropy`]: the sources of randomness of this machine.
//! - [`fido`]: security keys that people sign with.
//! - [`operator`]: the keys of those who vouch for anchor checkpoints.
//! - [`biokey`]: the second factor of a person, from loci and a security key.
//! - [`config`]: a configuration that is sealed at rest.
//! - [`token`]: what is asked of a security token.
//! - [`pkcs11`]: tokens as the modules of their vendors show them.

pub mod biokey;
pub mod config;
mod derived;
pub mod entropy;
pub mod fido;
pub mod operator;
pub mod pkcs11;
pub mod token;

pub use derived::SealError;
