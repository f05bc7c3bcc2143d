//! The ground of qratum: hashes, Merkle trees and signatures, each under a tag of one table.
//!
//! Nothing here touches files, sockets, the clock or an async runtime. The primitives come from
//! kept libraries; what is ours is the *rule* each is used by: which encodings are refused, which
//! equation decides, which tag stands in front.
//!
//! Sources: FIPS 202 (SHA3), FIPS 180-4 (SHA-2), the BLAKE3 paper, RFC 6962 section 2 (trees),
//! RFC 8032 (Ed25519), FIPS 204 (ML-DSA).

pub mod domain;
pub mod hash;
pub mod merkle;
pub mod sign;
