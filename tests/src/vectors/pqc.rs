//! Kinds `mldsa_verify`, `mldsa_keygen`, `slhdsa_keygen` and `mlkem_decap`: FIPS 203 to 205, in the
//! parameter sets that this product uses.
//!
//! Of a key pair only the public half is compared: our secret keys are seeds, and no function hands
//! out the expanded forms.

use qratum_crypto::{
    hash,
    kex::kem::{MlKem768, MlKem1024, Parameters},
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

pub(super) fn mlkem_decap(case: &Fields<'_>) -> Result<Outcome, Unreadable> {
    let input = case.fields("in")?;
    let decapsulate = match input.text("alg")? {
        "ML-KEM-768" => MlKem768::decapsulate_expanded,
        "ML-KEM-1024" => MlKem1024::decapsulate_expanded,
        other => return Ok(unsupported(other)),
    };
    let mut shared = [0; 32];
    decapsulate(&input.bytes("dk")?, &input.bytes("c")?, &mut shared)
        .map_err(|why| Unreadable(why.to_string()))?;
    Ok(same("shared secret", case.fields("out")?.text("k")?, hex::encode(shared)))
}

fn unsupported(parameters: &str) -> Outcome {
    Outcome::Unsupported(format!("parameter set {parameters}"))
}
