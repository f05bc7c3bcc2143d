//! Kinds `hmac` and `hkdf`, both over SHA3-512.
//!
//! NIST's cases demand a tag and Wycheproof's a verdict about one; both also have tags that are cut
//! to their left part, which our code never takes: the whole tag is computed and its start compared.

use qratum_crypto::kdf::{hkdf, hmac::Hmac};

use super::{Expect, Fields, Outcome, Unreadable, same};

pub(super) fn hmac(case: &Fields<'_>) -> Result<Outcome, Unreadable> {
    let input = case.fields("in")?;
    let key = Hmac::new(&input.bytes("key")?);
    let message = input.bytes("msg")?;
    let mut full = [0; 64];
    key.mac(&[&message], &mut full);
    if case.has("out") {
        let tag = case.fields("out")?.bytes("mac")?;
        let got = start(&full, tag.len())?;
        return Ok(same("tag", hex::encode(&tag), hex::encode(got)));
    }
    let tag = input.bytes("tag")?;
    let accepted = match <&[u8; 64]>::try_from(tag.as_slice()) {
        Ok(tag) => key.verify(&[&message], tag).is_ok(),
        Err(_) => start(&full, tag.len())? == tag,
    };
    Ok(Expect::of(case)?.judge(accepted))
}

fn start(full: &[u8; 64], length: usize) -> Result<&[u8], Unreadable> {
    full.get(..length).ok_or_else(|| Unreadable(format!("a tag of {length} bytes")))
}

pub(super) fn hkdf(case: &Fields<'_>) -> Result<Outcome, Unreadable> {
    let input = case.fields("in")?;
    if input.text("hash")? != "sha3_512" {
        return Ok(Outcome::Unsupported(format!("HKDF over {}", input.text("hash")?)));
    }
    let expected = case.fields("out")?.bytes("okm")?;
    if input.number("len")? != expected.len() as u64 {
        return Err(Unreadable("len and out.okm differ".to_owned()));
    }
    let (mut prk, mut okm) = ([0; 64], vec![0; expected.len()]);
    hkdf::extract(&input.bytes("salt")?, &[&input.bytes("ikm")?], &mut prk);
    hkdf::expand(&prk, &input.bytes("info")?, &mut okm).map_err(|error| Unreadable(error.to_string()))?;
    Ok(Expect::of(case)?.judge(okm == expected))
}
