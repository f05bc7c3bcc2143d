//! The rules of a hand-over: at the end of a set, members with a registered ML-DSA key sign the
//! same vote a second time, so that the history of sets stays sound after quantum computers.
//!
//! Where more than two thirds of the power has registered keys, more than two thirds must sign
//! with them; below that the second signatures cannot decide, but none may be false.

use qratum_chain::types::{CommitCertificate, PqSignature, ValidatorSet};
use qratum_crypto::{domain, hash, sign::ml_dsa};

use crate::{Reject, quorum::Tally};

/// Every ML-DSA signature is by a different member, under the key the set names, and holds; and
/// they are a quorum where the registered keys could be one.
///
/// # Errors
/// [`Reject::PqOrder`], [`Reject::SignerNotInSet`], [`Reject::PqKey`], [`Reject::PqSignature`],
/// [`Reject::PqQuorumNotReached`].
pub fn pq_signatures_hold(
    commit: &CommitCertificate,
    signatures: &[PqSignature],
    set: &ValidatorSet,
) -> Result<(), Reject> {
    let message = commit.vote().sign_bytes();
    let mut last = None;
    for signature in signatures {
        if last.is_some_and(|last| signature.signer <= last) {
            return Err(Reject::PqOrder { signer: signature.signer });
        }
        last = Some(signature.signer);
        pq_signature_holds(&message, signature, set)?;
    }
    pq_quorum_reached(set, signatures.iter().map(|signature| signature.signer))
}

/// One ML-DSA signature is by a member of the set, under the key the set names, and holds for
/// `message`, the bytes of the vote.
///
/// # Errors
/// [`Reject::SignerNotInSet`], [`Reject::PqKey`], [`Reject::PqSignature`].
pub fn pq_signature_holds(message: &[u8], signature: &PqSignature, set: &ValidatorSet) -> Result<(), Reject> {
    let signer = signature.signer;
    let (member, _) = set.member(signer).ok_or(Reject::SignerNotInSet { signer })?;
    if hash::tagged(domain::PQ_KEY, &[&signature.key]) != member.pq_key_hash {
        return Err(Reject::PqKey { signer });
    }
    ml_dsa::verify(&signature.key, domain::HANDOVER, message, &signature.signature)
        .map_err(|_| Reject::PqSignature { signer })
}

/// Where members with more than two thirds of the power have registered keys, `signers` have more
/// than two thirds of the power.
///
/// # Errors
/// [`Reject::PqQuorumNotReached`].
pub fn pq_quorum_reached(set: &ValidatorSet, signers: impl IntoIterator<Item = u32>) -> Result<(), Reject> {
    let signed = Tally::of(set, signers);
    if signed.is_quorum() || !is_demanded(set) {
        return Ok(());
    }
    Err(Reject::PqQuorumNotReached { tally: signed })
}

/// Whether members with more than two thirds of the power have registered ML-DSA keys: then this
/// set hands over with them, and is never skipped.
#[must_use]
pub fn is_demanded(set: &ValidatorSet) -> bool {
    let registered = (0u32..).zip(set.members()).filter(|(_, member)| member.has_pq_key());
    Tally::of(set, registered.map(|(index, _)| index)).is_quorum()
}
