//! The ground of qratum: hashes, Merkle trees, derived keys, randomness and signatures, each under a
//! tag of one table.
//!
//! Nothing here touches files, sockets, the clock or an async runtime. The primitives come from
//! kept libraries; what is ours is the *rule* each is used by: which encodings are refused, which
//! equation decides, which tag stands in front.
//!
//! Sources: FIPS 202 (SHA3), FIPS 180-4 (SHA-2), the BLAKE3 paper, RFC 6962 section 2 (trees),
//! RFC 2104 and 5869 (HMAC, HKDF), SLIP-0010, RFC 9106 (Argon2), RFC 8452 (AES-GCM-SIV), SP 800-90A
//! (HMAC-DRBG), RFC 8032 (Ed25519), FIPS 203 (ML-KEM), FIPS 204 (ML-DSA), FIPS 205 (SLH-DSA).

pub mod aead;
pub mod domain;
pub mod hash;
pub mod kdf;
pub mod kex;
pub mod merkle;
pub mod rng;
pub mod sign;
