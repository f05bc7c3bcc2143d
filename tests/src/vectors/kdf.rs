//! Kinds `hmac` and `hkdf`, both over SHA3-512, and `slip0010`.
//!
//! NIST's cases demand a tag and Wycheproof's a verdict about one; both also have tags that are cut
//! to their left part, which our code never takes: the whole tag is computed and its start compared.

use qratum_crypto::{
    kdf::{hd::Node, hkdf, hmac::Hmac},
    sign::ed25519::SecretKey,
};

use super::{Expect, Fields, Outcome, Unreadable, all, same};

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

/// Of the curves only Ed25519. Fingerprints are not compared: nothing here names keys by them.
pub(super) fn slip0010(case: &Fields<'_>) -> Result<Outcome, Unreadable> {
    let (input, out) = (case.fields("in")?, case.fields("out")?);
    if input.text("curve")? != "ed25519" {
        return Ok(Outcome::Unsupported(format!("SLIP-0010 for {}", input.text("curve")?)));
    }
    let levels = levels(input.text("path")?)?;
    let node = Node::derive(&input.bytes("seed")?, &levels).map_err(|why| Unreadable(why.to_string()))?;
    let (key, chain_code) = node.with(|key, chain_code| (key.to_vec(), chain_code.to_vec()));
    let seed = key.as_slice().try_into().map_err(|_| Unreadable("a key of another length".to_owned()))?;
    Ok(all([
        same("key", out.text("private")?, hex::encode(&key)),
        same("chain code", out.text("chain_code")?, hex::encode(chain_code)),
        // SLIP-0010 writes a zero byte in front, as other curves have a sign there.
        same("public key", out.text("public")?, format!("00{}", SecretKey::from_seed(seed).public())),
    ]))
}

/// The indices of a path, all of them hardened: `m/0'/1'`.
fn levels(path: &str) -> Result<Vec<u32>, Unreadable> {
    let level = |text: &str| text.strip_suffix('\'').and_then(|text| text.parse().ok());
    let levels = path.strip_prefix('m').and_then(|rest| rest.split('/').skip(1).map(level).collect());
    levels.ok_or_else(|| Unreadable(format!("path is {path:?}")))
}
