//! Kinds `mldsa_verify`, `mldsa_keygen` and `slhdsa_keygen`: FIPS 204 and FIPS 205, in the parameter
//! sets that this product signs with.
//!
//! Of a key pair only the public half is compared: our secret keys are seeds, and no function hands
//! out the expanded forms.

use qratum_crypto::{
    hash,
    sign::{
        Scheme,
        ml_dsa::{MlDsa65, MlDsa87, verify_context},
        slh_dsa,
    },
};

use super::{Expect, Fields, Outcome, Unreadable, same};

pub(super) fn verify(case: &Fields<'_>) -> Result<Outcome, Unreadable> {
    let (expect, input) = (Expect::of(case)?, case.fields("in")?);
    let verify = match input.text("alg")? {
        "ML-DSA-65" => verify_context::<MlDsa65>,
        "ML-DSA-87" => verify_context::<MlDsa87>,
        other => return Ok(unsupported(other)),
    };
    let (key, context) = (input.bytes("pk")?, input.bytes("ctx")?);
    let (message, signature) = (input.bytes("msg")?, input.bytes("sig")?);
    Ok(expect.judge(verify(&key, &context, &message, &signature).is_ok()))
}

pub(super) fn mldsa_keygen(case: &Fields<'_>) -> Result<Outcome, Unreadable> {
    let input = case.fields("in")?;
    let seed = input.bytes("seed")?;
    let key = match input.text("alg")? {
        "ML-DSA-65" => MlDsa65::public(&seed),
        "ML-DSA-87" => MlDsa87::public(&seed),
        other => return Ok(unsupported(other)),
    };
    let key = key.map_err(|why| Unreadable(why.to_string()))?;
    Ok(same("public key", case.fields("out")?.text("pk_sha3_256")?, hash::sha3_256(&key)))
}

pub(super) fn slhdsa_keygen(case: &Fields<'_>) -> Result<Outcome, Unreadable> {
    let input = case.fields("in")?;
    let seed = [input.bytes("sk_seed")?, input.bytes("sk_prf")?, input.bytes("pk_seed")?].concat();
    let key = match input.text("alg")? {
        "SLH-DSA-SHA2-192s" => slh_dsa::Small::public(&seed),
        "SLH-DSA-SHA2-192f" => slh_dsa::Fast::public(&seed),
        other => return Ok(unsupported(other)),
    };
    let key = key.map_err(|why| Unreadable(why.to_string()))?;
    Ok(same("public key", case.fields("out")?.text("pk")?, hex::encode(key)))
}

fn unsupported(parameters: &str) -> Outcome {
    Outcome::Unsupported(format!("parameter set {parameters}"))
}
