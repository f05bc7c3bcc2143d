//! Keys from keys: HMAC (RFC 2104) and HKDF (RFC 5869), both over SHA3-512, and trees of keys
//! (SLIP-0010). Biokeys from loci and a security key. Keys from passphrases: Argon2id (RFC 9106).
//!
//! HMAC and HKDF are a few lines of our own, because the kept crates leave the key behind: `hmac` keeps
//! the outer key block for SHA-3, and `hkdf` drops the PRK unwiped. Both are the oracles of the tests
//! here. Results are written into the caller's buffer, so that they can be made in place in locked memory.

pub mod argon2;
pub mod biokey;
pub mod hd;
pub mod hkdf;
pub mod hmac;
