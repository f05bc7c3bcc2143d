//! Kind `merkle`: inclusion and consistency proofs of RFC 6962 trees over SHA-256.
//!
//! Published negative cases hold hashes of odd lengths; our trees take 32 bytes and nothing else,
//! so such a case is refused when it is decoded.

use qratum_crypto::{
    hash::Hash,
    merkle::{Sha2, verify_consistency, verify_inclusion},
};
use serde_json::Value;

use super::{Expect, Fields, Outcome, Unreadable};

pub(super) fn run(case: &Fields<'_>) -> Result<Outcome, Unreadable> {
    let (expect, input) = (Expect::of(case)?, case.fields("in")?);
    let accepted = match case.text("op")? {
        "inclusion" => inclusion(&input)?,
        "consistency" => consistency(&input)?,
        other => return Ok(Outcome::Unsupported(format!("operation {other}"))),
    };
    Ok(expect.judge(accepted))
}

fn inclusion(input: &Fields<'_>) -> Result<bool, Unreadable> {
    let (index, size) = (input.number("leafIdx")?, input.number("treeSize")?);
    let (leaf, root, proof) = (hash(input.text("leafHash")?), hash(input.text("root")?), proof(input)?);
    let (Some(leaf), Some(root), Some(proof)) = (leaf, root, proof) else { return Ok(false) };
    Ok(verify_inclusion::<Sha2>(leaf, index, size, &proof, root).is_ok())
}

fn consistency(input: &Fields<'_>) -> Result<bool, Unreadable> {
    let (old, new) = (input.number("size1")?, input.number("size2")?);
    let (first, second, proof) = (hash(input.text("root1")?), hash(input.text("root2")?), proof(input)?);
    let (Some(first), Some(second), Some(proof)) = (first, second, proof) else { return Ok(false) };
    Ok(verify_consistency::<Sha2>((old, first), (new, second), &proof).is_ok())
}

/// The proof; `None` when an element is no hash. Null is how some writers say "no elements".
fn proof(input: &Fields<'_>) -> Result<Option<Vec<Hash>>, Unreadable> {
    if *input.value("proof")? == Value::Null {
        return Ok(Some(Vec::new()));
    }
    Ok(input.texts("proof")?.into_iter().map(hash).collect())
}

fn hash(text: &str) -> Option<Hash> {
    Some(Hash(hex::decode(text).ok()?.try_into().ok()?))
}
