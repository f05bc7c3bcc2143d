//! Kind `hmac_drbg`: a script of requests and reseeds over HMAC-DRBG SHA3-512, whose last output is
//! demanded.

use core::time::Duration;

use qratum_crypto::rng::drbg::{Drbg, Error, Moment};

use super::{Fields, Outcome, Unreadable, same};

/// Scripts have no clock: all happens at once and in one process.
const NOW: Moment = Moment { elapsed: Duration::ZERO, process: 0, resumes: 0 };

pub(super) fn run(case: &Fields<'_>) -> Result<Outcome, Unreadable> {
    let input = case.fields("in")?;
    if input.text("hash")? != "sha3_512" {
        return Ok(Outcome::Unsupported(format!("HMAC-DRBG over {}", input.text("hash")?)));
    }
    let (entropy, nonce, pers) = (input.bytes("entropy")?, input.bytes("nonce")?, input.bytes("pers")?);
    let mut drbg = Drbg::instantiate(&entropy, &nonce, &pers, NOW).map_err(refused)?;
    let mut last = Vec::new();
    for value in input.list("steps")? {
        step(&mut drbg, &Fields::of(value, "step")?, &mut last)?;
    }
    Ok(same("last output", case.fields("out")?.text("last_output")?, hex::encode(last)))
}

/// Carries out one step; one that generates puts its output into `last`.
fn step(drbg: &mut Drbg, step: &Fields<'_>, last: &mut Vec<u8>) -> Result<(), Unreadable> {
    let additional = step.bytes("addl")?;
    match step.text("op")? {
        "reseed" => drbg.reseed(&step.bytes("entropy")?, &additional, NOW),
        "generate" => {
            let length = step.number("n")?.try_into().ok().filter(|length| *length <= 1 << 20);
            *last = vec![0; length.ok_or_else(|| Unreadable("n is out of all bounds".to_owned()))?];
            match step.has("pr_entropy") {
                true => drbg.generate_fresh(last, &step.bytes("pr_entropy")?, &additional, NOW),
                false => drbg.generate(last, &additional, NOW),
            }
        }
        other => return Err(Unreadable(format!("op is {other:?}"))),
    }
    .map_err(refused)
}

fn refused(error: Error) -> Unreadable {
    Unreadable(format!("the generator refused: {error}"))
}
