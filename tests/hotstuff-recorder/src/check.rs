//! Is what `hotstuff_rs` made what our types say it is? Bytes against Borsh, signatures with our
//! own keys.

use anyhow::{Context, Result, anyhow, ensure};
use borsh::BorshSerialize;
use hotstuff_rs::{
    hotstuff::types::{Phase, PhaseCertificate as EngineCertificate},
    types::block::Block,
};
use qratum_chain::{
    Hash,
    codec::{Decode, Encode},
    types::{ChainedBlock, Header, HotStuffPhase, PhaseCertificate, ValidatorSet},
};
use qratum_crypto::sign::ed25519::Signature;

/// Our form of a certificate. Its encoding and the bytes its signers signed are those of
/// `hotstuff_rs`, or it is refused.
pub(crate) fn certificate(theirs: &EngineCertificate) -> Result<PhaseCertificate> {
    let ours = PhaseCertificate {
        chain: theirs.chain_id.int(),
        view: theirs.view.int(),
        block: Hash(theirs.block.bytes()),
        phase: match theirs.phase {
            Phase::Generic => HotStuffPhase::Generic,
            Phase::Prepare => HotStuffPhase::Prepare,
            Phase::Precommit => HotStuffPhase::Precommit,
            Phase::Commit => HotStuffPhase::Commit,
            Phase::Decide => HotStuffPhase::Decide,
        },
        signatures: theirs.signatures.iter().map(|place| place.map(|s| Signature(s.bytes()))).collect(),
    };
    let bytes = theirs.try_to_vec()?;
    ensure!(ours.to_bytes() == bytes, "certificate of view {}: another encoding", ours.view);
    ensure!(PhaseCertificate::from_bytes(&bytes) == Ok(ours.clone()), "it decodes to another certificate");
    let signed = (theirs.chain_id, theirs.view, theirs.block, theirs.phase).try_to_vec()?;
    ensure!(ours.sign_bytes() == signed, "certificate of view {}: other signed bytes", ours.view);
    Ok(ours)
}

/// Our form of a block. Its hash is that of `hotstuff_rs`, or it is refused.
pub(crate) fn block(theirs: &Block) -> Result<ChainedBlock> {
    let height = theirs.height.int();
    let data = theirs.data.iter().next().with_context(|| format!("block {height} has no data"))?;
    let header = Header::from_bytes(data.bytes()).map_err(|why| anyhow!("header {height}: {why}"))?;
    ensure!(header.id().0.0 == theirs.data_hash.bytes(), "block {height}: the data hash is not the id");
    let ours = ChainedBlock { height, justify: certificate(&theirs.justify)?, header };
    ensure!(ours.hash().0 == theirs.hash.bytes(), "block {height}: another hash");
    Ok(ours)
}

/// Whether more than two thirds of `set` signed, every signature in its member's place.
pub(crate) fn quorum(certificate: &PhaseCertificate, set: &ValidatorSet) -> Result<()> {
    ensure!(certificate.signatures.len() == set.members().len(), "another number of places");
    let (message, mut signed) = (certificate.sign_bytes(), 0u128);
    for (place, index) in certificate.signatures.iter().zip(0u32..) {
        let Some(signature) = place else { continue };
        let (member, key) = set.member(index).context("a member for each place")?;
        ensure!(key.verify(&message, signature).is_ok(), "the signature in place {index} is bad");
        signed += u128::from(member.power);
    }
    ensure!(3 * signed > 2 * set.total_power(), "only {signed} of {} signed", set.total_power());
    Ok(())
}

/// Whether these certificates are of the pipelined mode and of views in a row.
pub(crate) fn in_a_row(certificates: [&PhaseCertificate; 3]) -> bool {
    let [first, second, third] = certificates.map(|certificate| certificate.view);
    certificates.iter().all(|certificate| certificate.phase == HotStuffPhase::Generic)
        && first.checked_add(1) == Some(second)
        && second.checked_add(1) == Some(third)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use qratum_chain::types::Height;
    use qratum_crypto::sign::ed25519::SecretKey;

    fn signed(plan: &Plan, signers: impl Fn(usize) -> bool) -> PhaseCertificate {
        let phase = HotStuffPhase::Commit;
        let mut certificate =
            PhaseCertificate { chain: 2, view: 9, block: Hash([7; 32]), phase, signatures: vec![None; 4] };
        let message = certificate.sign_bytes();
        let keys: Vec<_> = plan.seeds.iter().map(SecretKey::from_seed).collect();
        for (index, member) in plan.set_at(Height(8)).unwrap().members().iter().enumerate() {
            let key = keys.iter().find(|key| key.public() == member.pubkey).unwrap();
            certificate.signatures[index] = signers(index).then(|| key.sign(&message));
        }
        certificate
    }

    #[test]
    fn a_quorum_is_power_in_the_right_places_of_the_right_set() {
        let plan = Plan::key_change().unwrap();
        let (old, new) = (plan.set_at(Height(8)).unwrap(), plan.set_at(Height(9)).unwrap());
        let why = |certificate: &PhaseCertificate, set| quorum(certificate, set).unwrap_err().to_string();
        let all = signed(&plan, |_| true);
        assert!(quorum(&all, old).is_ok());
        assert!(why(&all, new).contains("is bad"));
        assert!(why(&signed(&plan, |index| index < 2), old).contains("of 100 signed"));
        let mut swapped = all.clone();
        swapped.signatures.swap(0, 1);
        assert_eq!(why(&swapped, old), "the signature in place 0 is bad");
        let mut longer = all;
        longer.signatures.push(None);
        assert_eq!(why(&longer, old), "another number of places");
    }

    #[test]
    fn a_row_has_no_gap_and_one_phase() {
        let views = |views: [u64; 3], phase| {
            let of = |view| PhaseCertificate { chain: 2, view, block: Hash::ZERO, phase, signatures: vec![] };
            let [a, b, c] = views.map(of);
            in_a_row([&a, &b, &c])
        };
        assert!(views([4, 5, 6], HotStuffPhase::Generic));
        assert!(!views([4, 5, 7], HotStuffPhase::Generic));
        assert!(!views([4, 6, 7], HotStuffPhase::Generic));
        assert!(!views([4, 5, 6], HotStuffPhase::Decide));
    }
}
