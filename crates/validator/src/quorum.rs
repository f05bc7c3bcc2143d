//! Do these votes make a certificate? Weighted and strict: more than two thirds of the power,
//! every signature checked under the one rule of votes, every signer counted once.

use core::fmt;

use qratum_chain::types::{Bitmap, Certificate, Header, SignedVote, ValidatorSet, Vote};
use qratum_crypto::sign::ed25519::Signature;
use qratum_verifier::{handover::pq_signatures_hold, quorum::Tally};

/// Why votes make no certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuorumFault {
    /// A certificate of another family.
    Kind,
    /// It speaks of another chain, set, height or block.
    OtherBlock,
    /// The votes are not all of the kind, height and round that this certificate is made of.
    MixedVotes,
    /// The bitmap has not the length of the set, or a number of bits that is not the number of
    /// signatures.
    Bitmap,
    /// A signer that the set does not have, by index.
    UnknownSigner(u32),
    /// A signer that is named twice, by index.
    Twice(u32),
    /// A signature that does not hold, by the signer's index.
    BadSignature(u32),
    /// The ML-DSA signatures of a hand-over break the verifier's rule of this name.
    Handover(&'static str),
    /// Two thirds or less (one third or less where that is asked for).
    NotEnough(Tally),
}

impl fmt::Display for QuorumFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind => f.write_str("not a precommit certificate"),
            Self::OtherBlock => f.write_str("a certificate for something else"),
            Self::MixedVotes => f.write_str("votes that do not belong together"),
            Self::Bitmap => f.write_str("the bitmap does not fit the set or the signatures"),
            Self::UnknownSigner(i) => write!(f, "signer {i} is not in the set"),
            Self::Twice(i) => write!(f, "signer {i} is named twice"),
            Self::BadSignature(i) => write!(f, "the signature of signer {i} does not hold"),
            Self::Handover(rule) => write!(f, "the ML-DSA signatures of the hand-over: {rule}"),
            Self::NotEnough(tally) => write!(f, "signed by {} of {}", tally.signed, tally.total),
        }
    }
}

/// Checks the signature of member `signer` over `vote` under the rule of votes.
///
/// # Errors
/// [`QuorumFault::UnknownSigner`], [`QuorumFault::BadSignature`].
pub fn verify_vote(
    set: &ValidatorSet,
    signer: u32,
    vote: &Vote,
    signature: &Signature,
) -> Result<u64, QuorumFault> {
    let (member, key) = set.member(signer).ok_or(QuorumFault::UnknownSigner(signer))?;
    key.verify(&vote.sign_bytes(), signature).map_err(|_| QuorumFault::BadSignature(signer))?;
    Ok(member.power)
}

/// The power behind `votes`: each signature valid, each signer once.
///
/// # Errors
/// [`QuorumFault`], for the first vote that breaks a rule.
pub fn tally<'a>(
    set: &ValidatorSet,
    votes: impl IntoIterator<Item = &'a SignedVote>,
) -> Result<u128, QuorumFault> {
    let mut seen = std::collections::BTreeSet::new();
    let mut signed = 0u128;
    for SignedVote { vote, signer, signature } in votes {
        if !seen.insert(*signer) {
            return Err(QuorumFault::Twice(*signer));
        }
        signed = signed.saturating_add(u128::from(verify_vote(set, *signer, vote, signature)?));
    }
    Ok(signed)
}

/// Checks that `certificate` makes the block of `header` final under `set`.
///
/// # Errors
/// [`QuorumFault`].
pub fn verify_commit(
    set: &ValidatorSet,
    header: &Header,
    certificate: &Certificate,
) -> Result<(), QuorumFault> {
    let Certificate::Commit(commit) = certificate else { return Err(QuorumFault::Kind) };
    let named = (commit.chain_id, commit.set_id, commit.height, commit.block_id);
    if named != (header.chain_id, header.set_id, header.height, header.id()) {
        return Err(QuorumFault::OtherBlock);
    }
    let signers: Vec<u32> = commit.bitmap.indexes().collect();
    let length = Bitmap::length(set.members().len());
    if commit.bitmap.0.len() != length || signers.len() != commit.signatures.len() {
        return Err(QuorumFault::Bitmap);
    }
    let vote = commit.vote();
    let mut signed = 0u128;
    for (signer, signature) in signers.into_iter().zip(&commit.signatures) {
        signed = signed.saturating_add(u128::from(verify_vote(set, signer, &vote, signature)?));
    }
    let tally = Tally { signed, total: set.total_power() };
    if tally.is_quorum() { Ok(()) } else { Err(QuorumFault::NotEnough(tally)) }
}

/// The same of a block as it is kept: at the end of a set, and only there, its certificate may hold
/// the ML-DSA signatures that hand the set over.
///
/// # Errors
/// [`QuorumFault`].
pub fn verify_kept(
    set: &ValidatorSet,
    header: &Header,
    certificate: &Certificate,
    ends_set: bool,
) -> Result<(), QuorumFault> {
    if !ends_set {
        return verify_commit(set, header, certificate);
    }
    verify_commit(set, header, &certificate.plain())?;
    match certificate {
        Certificate::Handover(commit, signatures) => {
            pq_signatures_hold(commit, signatures, set).map_err(|reject| QuorumFault::Handover(reject.name()))
        }
        Certificate::Commit(_) | Certificate::Chained(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{certificate, genesis, key, ledger};
    use qratum_chain::types::{CommitCertificate, Height, Phase, Round};

    fn judge(
        powers: &[u64],
        signers: &[u32],
        fault: impl FnOnce(&mut CommitCertificate),
    ) -> Result<(), QuorumFault> {
        let set = genesis(powers).validator_set().unwrap();
        let header = ledger(1).tip().clone();
        let mut commit = certificate(&header, powers.len(), signers);
        fault(&mut commit);
        verify_commit(&set, &header, &Certificate::Commit(commit))
    }

    #[test]
    fn exactly_two_thirds_is_not_enough() {
        assert_eq!(
            judge(&[1, 1, 1], &[0, 1], |_| {}),
            Err(QuorumFault::NotEnough(Tally { signed: 2, total: 3 }))
        );
        assert_eq!(judge(&[2, 2, 1], &[0, 1], |_| {}), Ok(()));
        let most = u64::MAX;
        let not_enough =
            QuorumFault::NotEnough(Tally { signed: 2 * u128::from(most), total: 3 * u128::from(most) });
        assert_eq!(judge(&[most, most, most], &[0, 1], |_| {}), Err(not_enough));
    }

    #[test]
    fn a_bad_signature_spoils_a_certificate_that_has_power_to_spare() {
        let powers = [30, 25, 25, 20];
        assert_eq!(judge(&powers, &[0, 1, 2, 3], |_| {}), Ok(()));
        let spoil = |commit: &mut CommitCertificate| commit.signatures[3].0[5] ^= 1;
        assert_eq!(judge(&powers, &[0, 1, 2, 3], spoil), Err(QuorumFault::BadSignature(3)));
        let swap = |commit: &mut CommitCertificate| commit.signatures.swap(1, 2);
        assert_eq!(judge(&powers, &[0, 1, 2], swap), Err(QuorumFault::BadSignature(1)));
        let other_round = |commit: &mut CommitCertificate| commit.round = Round(1);
        assert_eq!(judge(&powers, &[0, 1, 2], other_round), Err(QuorumFault::BadSignature(0)));
    }

    #[test]
    fn a_bitmap_fits_the_set_and_the_signatures() {
        let powers = [30, 25, 25, 20];
        assert_eq!(judge(&powers, &[0, 1, 2], |c| c.bitmap.0.push(0)), Err(QuorumFault::Bitmap));
        assert_eq!(judge(&powers, &[0, 1, 2], |c| c.signatures.truncate(2)), Err(QuorumFault::Bitmap));
        let stranger = |commit: &mut CommitCertificate| {
            commit.bitmap.0[0] |= 1 << 6;
            commit.signatures.push(commit.signatures[0]);
        };
        assert_eq!(judge(&powers, &[0, 1, 2], stranger), Err(QuorumFault::UnknownSigner(6)));
        assert_eq!(judge(&powers, &[0, 1, 2], |c| c.height = Height(2)), Err(QuorumFault::OtherBlock));
    }

    #[test]
    fn a_signer_counts_once() {
        let set = genesis(&[1, 1, 1]).validator_set().unwrap();
        let header = ledger(1).tip().clone();
        let vote = Vote { phase: Phase::Prevote, ..certificate(&header, 3, &[]).vote() };
        let by = |signer: u32| SignedVote {
            vote: vote.clone(),
            signer,
            signature: key(signer).sign(&vote.sign_bytes()),
        };
        assert_eq!(tally(&set, &[by(0), by(2)]), Ok(2));
        assert_eq!(tally(&set, &[by(0), by(2), by(0)]), Err(QuorumFault::Twice(0)));
        assert_eq!(tally(&set, &[SignedVote { signer: 3, ..by(0) }]), Err(QuorumFault::UnknownSigner(3)));
    }
}
