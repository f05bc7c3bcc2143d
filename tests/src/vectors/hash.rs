//! Kind `hash`: `in.msg` has the digest `out.md`. The function is the start of the case's id.

use qratum_crypto::hash;

use super::{Fields, Outcome, Unreadable, same};

pub(super) fn run(case: &Fields<'_>) -> Result<Outcome, Unreadable> {
    let id = case.text("id")?;
    let message = case.fields("in")?.bytes("msg")?;
    let expected = case.fields("out")?.bytes("md")?;
    let got = match id {
        _ if id.starts_with("sha3-512") => hash::sha3_512(&message).to_vec(),
        _ if id.starts_with("sha3-256") => hash::sha3_256(&message).0.to_vec(),
        _ if id.starts_with("sha2-256") => hash::sha2_256(&message).0.to_vec(),
        _ => return Ok(Outcome::Unsupported(format!("hash function of {id}"))),
    };
    Ok(same("digest", hex::encode(expected), hex::encode(got)))
}
