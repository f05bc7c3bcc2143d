//! Our side of the comparison: a block as bytes, and what is trusted already.

use std::hint::black_box;

use ed25519_dalek::{Signature as DalekSignature, VerifyingKey};
use qratum_chain::{
    codec::{Decode as _, Encode as _},
    types::{ChainParams, LightBlock, Time, ValidatorSet},
};
use qratum_crypto::sign::ed25519::{self, Signature, VoteKey};
use qratum_tests::forge::{Forge, Team};
use qratum_verifier::{Rules, SetCache, Trusted, Verdict, verify};

use crate::Outcome;

/// How far above the trusted header the verified one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distance {
    /// Directly above, in the same set.
    Adjacent,
    /// Two sets further, half of whose members were in the trusted one.
    Skipping,
}

impl Distance {
    /// How tables call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Adjacent => "adjacent",
            Self::Skipping => "skipping",
        }
    }

    /// Which height is verified from height 1, in sets of four blocks.
    #[must_use]
    pub const fn height(self) -> u64 {
        match self {
            Self::Adjacent => 2,
            Self::Skipping => 10,
        }
    }
}

/// Three sets of `validators` equal members, each a quarter other than the one before.
#[must_use]
pub fn teams(validators: usize) -> Vec<Team> {
    let shift = validators as u64 / 4;
    (0..3).map(|set| Team::new(1 + set * shift, &vec![10; validators])).collect()
}

/// One verification: a certificate of exactly the least quorum.
#[derive(Debug)]
pub struct Case {
    bytes: Vec<u8>,
    block: LightBlock,
    trusted: Trusted,
    rules: Rules,
    now: Time,
}

impl Case {
    /// The case of sets of this size.
    ///
    /// # Errors
    /// When the forged chain itself does not verify.
    pub fn new(validators: usize, distance: Distance) -> Outcome<Self> {
        let params = ChainParams { set_length: 4, ..ChainParams::default() };
        let forge = Forge::new(params, teams(validators)).grown(distance.height());
        let (genesis, rules) = Trusted::genesis(&forge.genesis).map_err(|error| error.to_string())?;
        let (now, mut sets) = (forge.now(), SetCache::default());
        let trusted = accepted(verify(&forge.block(1), &genesis, &rules, &mut sets, now))?;
        let block = forge.block(distance.height());
        Ok(Self { bytes: block.to_bytes(), block, trusted, rules, now })
    }

    /// Verifies from bytes, with the sets that the cache knows.
    ///
    /// # Errors
    /// When the block is not accepted.
    pub fn from_bytes(&self, sets: &mut SetCache) -> Outcome<()> {
        let block =
            LightBlock::from_bytes(black_box(&self.bytes)).map_err(|malformed| malformed.to_string())?;
        accepted(verify(&block, &self.trusted, &self.rules, sets, self.now)).map(drop)
    }

    /// Verifies a block that was decoded before.
    ///
    /// # Errors
    /// When the block is not accepted.
    pub fn from_decoded(&self, sets: &mut SetCache) -> Outcome<()> {
        accepted(verify(black_box(&self.block), &self.trusted, &self.rules, sets, self.now)).map(drop)
    }

    /// Only makes the set of the block: what a cold cache adds, but for the root.
    ///
    /// # Errors
    /// When the set breaks a rule.
    pub fn make_set(&self) -> Outcome<ValidatorSet> {
        ValidatorSet::new(black_box(&self.block.validators).clone()).map_err(|why| why.to_string().into())
    }

    /// The signatures of the certificate, ready to be checked by themselves.
    ///
    /// # Errors
    /// When the certificate is of another kind or names no members of its set.
    pub fn signatures(&self) -> Outcome<Signatures> {
        let commit = self.block.certificate.commit().ok_or("no commit certificate")?;
        let set = self.make_set()?;
        let mut signed = Vec::new();
        for (signer, signature) in commit.bitmap.indexes().zip(&commit.signatures) {
            let (_, key) = set.member(signer).ok_or("a signer outside the set")?;
            signed.push((key.clone(), *signature));
        }
        Signatures::new(commit.vote().sign_bytes(), signed)
    }
}

fn accepted(verdict: Verdict) -> Outcome<Trusted> {
    match verdict {
        Verdict::Accept(trusted) => Ok(*trusted),
        Verdict::NotYet(tally) => Err(format!("not yet: {tally:?}").into()),
        Verdict::Reject(reject) => Err(format!("rejected: {reject:?}").into()),
    }
}

/// The signatures of one certificate over one message, with decoded keys.
#[derive(Debug)]
pub struct Signatures {
    message: Vec<u8>,
    signed: Vec<(VoteKey, Signature)>,
    keys: Vec<VerifyingKey>,
    dalek: Vec<DalekSignature>,
}

impl Signatures {
    fn new(message: Vec<u8>, signed: Vec<(VoteKey, Signature)>) -> Outcome<Self> {
        let decode = |(key, _): &(VoteKey, Signature)| VerifyingKey::from_bytes(&key.public().0);
        let keys = signed.iter().map(decode).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        let dalek = signed.iter().map(|(_, signature)| DalekSignature::from_bytes(&signature.0)).collect();
        Ok(Self { message, signed, keys, dalek })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.signed.len()
    }

    /// Checks all of them in one batch under the vote rule: the bare cost of a certificate.
    ///
    /// # Errors
    /// When one does not hold.
    pub fn batch(&self) -> Outcome<()> {
        let signed: Vec<_> = self.signed.iter().map(|(key, signature)| (key, signature)).collect();
        ed25519::verify_batch(black_box(&self.message), &signed).map_err(|bad| bad.to_string().into())
    }

    /// Checks one after the other under the same rule.
    ///
    /// # Errors
    /// When one does not hold.
    pub fn single(&self) -> Outcome<()> {
        let verify =
            |(key, signature): &(VoteKey, Signature)| key.verify(black_box(&self.message), signature);
        self.signed.iter().try_for_each(verify).map_err(|bad| bad.to_string().into())
    }

    /// Checks all of them in one batch of `ed25519-dalek`, an outside measure: its rule leaves the
    /// cofactor out and is not the vote rule.
    ///
    /// # Errors
    /// When one does not hold.
    pub fn dalek_batch(&self) -> Outcome<()> {
        let messages = vec![black_box(self.message.as_slice()); self.dalek.len()];
        ed25519_dalek::verify_batch(&messages, &self.dalek, &self.keys).map_err(|bad| bad.to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_accepted_with_the_least_quorum() {
        for distance in [Distance::Adjacent, Distance::Skipping] {
            let case = Case::new(4, distance).unwrap();
            case.from_bytes(&mut SetCache::default()).unwrap();
            case.from_decoded(&mut SetCache::default()).unwrap();
            let signatures = case.signatures().unwrap();
            assert_eq!(signatures.count(), 3, "{}", distance.name());
            for checked in [signatures.batch(), signatures.single(), signatures.dalek_batch()] {
                checked.unwrap();
            }
        }
    }

    #[test]
    fn a_case_with_a_bad_signature_is_no_figure() {
        let mut case = Case::new(4, Distance::Adjacent).unwrap();
        let last = case.bytes.len() - 4 * 82 - 4 - 2;
        case.bytes[last] ^= 1;
        let error = case.from_bytes(&mut SetCache::default()).unwrap_err();
        assert_eq!(error.to_string(), "rejected: BadSignature { signer: 2 }");
        let mut signatures = case.signatures().unwrap();
        signatures.message.push(0);
        for checked in [signatures.batch(), signatures.single(), signatures.dalek_batch()] {
            checked.unwrap_err();
        }
    }
}
