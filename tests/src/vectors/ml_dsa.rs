//! Kinds `mldsa_verify` and `mldsa_keygen`: FIPS 204 cases of ML-DSA-65, the one parameter set
//! this product signs with.
//!
//! Of a key pair only the public half is compared: our secret key is its seed, and no function
//! hands out the expanded form that `sk_sha3_256` is the digest of.

use qratum_crypto::{hash, sign::ml_dsa};

use super::{Expect, Fields, Outcome, Unreadable, same};

const OURS: &str = "ML-DSA-65";

pub(super) fn verify(case: &Fields<'_>) -> Result<Outcome, Unreadable> {
    let (expect, input) = (Expect::of(case)?, case.fields("in")?);
    if input.text("alg")? != OURS {
        return Ok(Outcome::Unsupported(format!("parameter set {}", input.text("alg")?)));
    }
    let (key, context) = (input.bytes("pk")?, input.bytes("ctx")?);
    let (message, signature) = (input.bytes("msg")?, input.bytes("sig")?);
    Ok(expect.judge(ml_dsa::verify_context(&key, &context, &message, &signature).is_ok()))
}

pub(super) fn keygen(case: &Fields<'_>) -> Result<Outcome, Unreadable> {
    let input = case.fields("in")?;
    if input.text("alg")? != OURS {
        return Ok(Outcome::Unsupported(format!("parameter set {}", input.text("alg")?)));
    }
    let key = ml_dsa::SecretKey::from_seed(&input.array("seed")?).public();
    Ok(same("public key", case.fields("out")?.text("pk_sha3_256")?, hash::sha3_256(&key)))
}
