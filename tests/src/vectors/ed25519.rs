//! Kinds of Ed25519: each case under the strict rule of people and devices, and under the vote
//! rule, single and batch.
//!
//! `ed25519_verify` (Wycheproof) decides by the strict rule; `acceptable` passes either way.
//! `ed25519_verify_policy` (speccheck) holds both rules: strict as published, and the vote rule as
//! ZIP 215 wherever the key may vote, as both check the same cofactored equation and differ in
//! the keys they admit. In every kind the single and the batch check must agree.

use qratum_crypto::sign::ed25519::{
    KeyError, PublicKey, SecretKey, Signature, VoteKey, verify_batch, verify_strict,
};

use super::{Expect, Fields, Outcome, Unreadable, all, same};

/// A key, a message and a signature of the lengths that decode.
struct Signed {
    key: PublicKey,
    message: Vec<u8>,
    signature: Signature,
}

impl Signed {
    /// `None`, when key or signature have the wrong length: refused at decoding.
    fn read(input: &Fields<'_>) -> Result<Option<Self>, Unreadable> {
        let message = input.bytes("msg")?;
        let key = input.bytes("pk")?.try_into().map(PublicKey);
        let signature = input.bytes("sig")?.try_into().map(Signature);
        let (Ok(key), Ok(signature)) = (key, signature) else { return Ok(None) };
        Ok(Some(Self { key, message, signature }))
    }

    fn strict(&self) -> bool {
        verify_strict(&self.key, &self.message, &self.signature).is_ok()
    }

    /// The single and the batch answer of the vote rule.
    ///
    /// # Errors
    /// [`KeyError`], when the key may not vote.
    fn vote(&self) -> Result<(bool, bool), KeyError> {
        let key = VoteKey::decode(&self.key)?;
        let single = key.verify(&self.message, &self.signature).is_ok();
        let batch = verify_batch(&self.message, &[(&key, &self.signature)]).is_ok();
        Ok((single, batch))
    }

    fn single_and_batch_agree(&self) -> Outcome {
        self.vote().map_or(Outcome::Passed, |(single, batch)| same("batch answer", single, batch))
    }
}

/// Whether the case's key may vote.
///
/// # Errors
/// [`Unreadable`].
pub fn may_vote(case: &Fields<'_>) -> Result<bool, Unreadable> {
    Ok(Signed::read(&case.fields("in")?)?.is_some_and(|signed| signed.vote().is_ok()))
}

pub(super) fn verify(case: &Fields<'_>) -> Result<Outcome, Unreadable> {
    let expect = Expect::of(case)?;
    let Some(signed) = Signed::read(&case.fields("in")?)? else { return Ok(expect.judge(false)) };
    Ok(all([expect.judge(signed.strict()), signed.single_and_batch_agree()]))
}

pub(super) fn policy(case: &Fields<'_>) -> Result<Outcome, Unreadable> {
    let (strict, zip215) = (case.flag("expect_strict")?, case.flag("expect_zip215")?);
    let signed = Signed::read(&case.fields("in")?)?
        .ok_or_else(|| Unreadable("key or signature of another length".to_owned()))?;
    let vote = signed.vote().map_or(Outcome::Passed, |(single, _)| same("vote rule", zip215, single));
    Ok(all([same("strict rule", strict, signed.strict()), vote, signed.single_and_batch_agree()]))
}

pub(super) fn sign_verify(case: &Fields<'_>) -> Result<Outcome, Unreadable> {
    let input = case.fields("in")?;
    let secret = SecretKey::from_seed(&input.array("sk")?);
    let key = PublicKey(input.array("pk")?);
    let signature = Signature(case.fields("out")?.array("sig")?);
    let signed = Signed { key, message: input.bytes("msg")?, signature };
    let made = secret.sign(&signed.message);
    Ok(all([
        same("public key", key, secret.public()),
        same("signature", hex::encode(signature.0), hex::encode(made.0)),
        same("strict rule", true, signed.strict()),
        same("vote rule", "Ok((true, true))", format!("{:?}", signed.vote())),
    ]))
}
