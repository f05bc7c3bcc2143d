//! The rules of a commit certificate: for this block, by members of this set, each once, with more
//! than two thirds of the power, every signature good.

use qratum_chain::types::{Bitmap, CommitCertificate, Header, ValidatorSet};
use qratum_crypto::sign::ed25519::{self, Signature, VoteKey};

use crate::{Reject, Rules, quorum::Tally};

/// The power that `signers` of one set have in another, by key.
#[must_use]
pub fn overlap(signers: &[u32], set: &ValidatorSet, trusted: &ValidatorSet) -> Tally {
    let known = signers.iter().filter_map(|signer| trusted.index_of(&set.member(*signer)?.0.pubkey));
    Tally::of(trusted, known)
}

/// The certificate speaks of this very header: chain, set, height, block, and a round that is not
/// before the block's first.
///
/// # Errors
/// [`Reject::CertificateChain`], [`Reject::CertificateSet`], [`Reject::CertificateHeight`],
/// [`Reject::CertificateBlock`], [`Reject::CertificateRound`].
pub fn is_for(certificate: &CommitCertificate, header: &Header, rules: &Rules) -> Result<(), Reject> {
    let CommitCertificate { chain_id, set_id, height, round, block_id, .. } = *certificate;
    if chain_id != rules.chain_id {
        return Err(Reject::CertificateChain { got: chain_id });
    }
    if set_id != header.set_id {
        return Err(Reject::CertificateSet { got: set_id });
    }
    if height != header.height {
        return Err(Reject::CertificateHeight { got: height });
    }
    if block_id != header.id() {
        return Err(Reject::CertificateBlock { got: block_id });
    }
    if round < header.round {
        return Err(Reject::CertificateRound { got: round, proposed: header.round });
    }
    Ok(())
}

/// The members that the bitmap names: exact length, none outside the set, one signature each.
///
/// # Errors
/// [`Reject::BitmapLength`], [`Reject::SignerNotInSet`], [`Reject::SignatureCount`].
pub fn signers(certificate: &CommitCertificate, set: &ValidatorSet) -> Result<Vec<u32>, Reject> {
    let (got, want) = (certificate.bitmap.0.len(), Bitmap::length(set.members().len()));
    if got != want {
        return Err(Reject::BitmapLength { got, want });
    }
    let signers: Vec<u32> = certificate.bitmap.indexes().collect();
    if let Some(signer) = signers.iter().find(|signer| set.member(**signer).is_none()) {
        return Err(Reject::SignerNotInSet { signer: *signer });
    }
    let (got, want) = (certificate.signatures.len(), signers.len());
    if got != want {
        return Err(Reject::SignatureCount { got, want });
    }
    Ok(signers)
}

/// The signers have more than two thirds of the set's power.
///
/// # Errors
/// [`Reject::QuorumNotReached`].
pub fn quorum_reached(set: &ValidatorSet, signers: &[u32]) -> Result<(), Reject> {
    let tally = Tally::of(set, signers.iter().copied());
    if tally.is_quorum() { Ok(()) } else { Err(Reject::QuorumNotReached { tally }) }
}

/// Every signature over `message` holds under the vote rule. The batch decides for all at once;
/// when it fails, the single check of the same equation names the first bad one.
///
/// # Errors
/// [`Reject::BadSignature`].
pub fn signatures_hold<'a>(
    message: &[u8],
    set: &ValidatorSet,
    signed: impl IntoIterator<Item = (u32, &'a Signature)>,
) -> Result<(), Reject> {
    let mut pairs: Vec<(u32, &VoteKey, &Signature)> = Vec::new();
    for (signer, signature) in signed {
        let (_, key) = set.member(signer).ok_or(Reject::SignerNotInSet { signer })?;
        pairs.push((signer, key, signature));
    }
    let batch: Vec<_> = pairs.iter().map(|(_, key, signature)| (*key, *signature)).collect();
    if ed25519::verify_batch(message, &batch).is_ok() {
        return Ok(());
    }
    let bad = pairs.iter().find(|(_, key, signature)| key.verify(message, signature).is_err());
    bad.map_or(Ok(()), |(signer, ..)| Err(Reject::BadSignature { signer: *signer }))
}
