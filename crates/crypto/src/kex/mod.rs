//! Secrets for two who have none in common.

pub mod kem;
pub mod pin_uv;
