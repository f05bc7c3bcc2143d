//! The rules of a chained certificate (HotStuff): consecutive views certify the block, its child
//! and its grandchild, all in the generic phase; or, for a block that changes the set, the old set
//! signed its commit phase.
//!
//! One set of signatures would do under less than a third at fault, as honest voters checked the
//! certificates inside; all are verified all the same.

use qratum_chain::types::{
    ChainedBlock, ChainedCertificate, Header, HotStuffPhase, HotStuffRule, PhaseCertificate, ValidatorSet,
};

use crate::{Reject, certificate};

/// HotStuff's chain number and commit rule, by the network's profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// What every HotStuff vote signs as its chain.
    pub chain: u64,
    /// How many certificates in a row make a block final.
    pub rule: HotStuffRule,
}

/// Everything about the certificate but its signatures. Returns the members that signed for the
/// first block.
///
/// # Errors
/// The `Chained...` variants of [`Reject`], [`Reject::SignatureCount`],
/// [`Reject::QuorumNotReached`].
pub fn signers(
    certificate: &ChainedCertificate,
    header: &Header,
    set: &ValidatorSet,
    profile: Profile,
) -> Result<Vec<u32>, Reject> {
    let blocks = &certificate.blocks;
    if blocks.first().is_none_or(|block| block.header != *header) {
        return Err(Reject::ChainedHeader);
    }
    let hands_over = header.next_validators_hash != header.validators_hash;
    let (want, phase) =
        if hands_over { (1, HotStuffPhase::Commit) } else { (profile.rule as usize, HotStuffPhase::Generic) };
    if blocks.len() != want {
        return Err(Reject::ChainedLength { got: blocks.len(), want });
    }
    blocks_are_linked(blocks)?;
    for (block, phase_certificate) in blocks.iter().zip(certificates(certificate)) {
        is_for(phase_certificate, block, phase, profile.chain)?;
        certificate::quorum_reached(set, &places(phase_certificate, set)?)?;
    }
    views_are_consecutive(certificate)?;
    let first = certificates(certificate).next().ok_or(Reject::ChainedHeader)?;
    places(first, set)
}

/// Every signature of every certificate holds under the vote rule.
///
/// # Errors
/// [`Reject::BadSignature`].
pub fn signatures_hold(certificate: &ChainedCertificate, set: &ValidatorSet) -> Result<(), Reject> {
    for phase_certificate in certificates(certificate) {
        let signed = (0u32..)
            .zip(&phase_certificate.signatures)
            .filter_map(|(signer, place)| place.as_ref().map(|signature| (signer, signature)));
        certificate::signatures_hold(&phase_certificate.sign_bytes(), set, signed)?;
    }
    Ok(())
}

/// The certificate on each block, in the order of blocks: the justify of the one above, and the
/// tip on the last.
pub(crate) fn certificates(certificate: &ChainedCertificate) -> impl Iterator<Item = &PhaseCertificate> {
    certificate.blocks.iter().skip(1).map(|block| &block.justify).chain([&certificate.tip])
}

/// Heights are the headers' and rise by one, parents are the headers below, one set certifies all.
fn blocks_are_linked(blocks: &[ChainedBlock]) -> Result<(), Reject> {
    if let Some(block) = blocks.iter().find(|block| block.height != block.header.height.0) {
        return Err(Reject::ChainedHeight { got: block.height });
    }
    for (lower, upper) in blocks.iter().zip(blocks.iter().skip(1)) {
        if upper.header.height != lower.header.height.next() {
            return Err(Reject::ChainedHeight { got: upper.height });
        }
        if upper.header.parent != lower.header.id() {
            return Err(Reject::ChainedParent);
        }
        if upper.header.validators_hash != lower.header.validators_hash {
            return Err(Reject::ChainedSet);
        }
    }
    Ok(())
}

/// The certificate is of this HotStuff chain and phase, and for this block.
fn is_for(
    certificate: &PhaseCertificate,
    block: &ChainedBlock,
    phase: HotStuffPhase,
    chain: u64,
) -> Result<(), Reject> {
    if certificate.chain != chain {
        return Err(Reject::ChainedChain { got: certificate.chain });
    }
    if certificate.phase != phase {
        return Err(Reject::ChainedPhase { view: certificate.view });
    }
    if certificate.block != block.hash() {
        return Err(Reject::ChainedLink { view: certificate.view });
    }
    Ok(())
}

/// Each view follows the one before.
fn views_are_consecutive(certificate: &ChainedCertificate) -> Result<(), Reject> {
    let views: Vec<u64> = certificates(certificate).map(|certificate| certificate.view).collect();
    for (lower, upper) in views.iter().zip(views.iter().skip(1)) {
        if lower.checked_add(1) != Some(*upper) {
            return Err(Reject::ChainedViews { got: *upper, want: lower.saturating_add(1) });
        }
    }
    Ok(())
}

/// The members that signed: one place for each member.
fn places(certificate: &PhaseCertificate, set: &ValidatorSet) -> Result<Vec<u32>, Reject> {
    let (got, want) = (certificate.signatures.len(), set.members().len());
    if got != want {
        return Err(Reject::SignatureCount { got, want });
    }
    Ok((0u32..)
        .zip(&certificate.signatures)
        .filter(|(_, place)| place.is_some())
        .map(|(signer, _)| signer)
        .collect())
}
