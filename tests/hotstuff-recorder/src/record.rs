//! From the committed blocks of a replica to light blocks with chained certificates.

use anyhow::{Context, Result, anyhow, ensure};
use hotstuff_rs::{
    block_tree::accessors::public::BlockTreeCamera,
    types::data_types::{BlockHeight, CryptoHash},
};
use qratum_chain::{
    codec::Encode,
    types::{
        Certificate, ChainedBlock, ChainedCertificate, Header, Height, HotStuffPhase, LightBlock,
        PhaseCertificate, ValidatorSet,
    },
};

use crate::{
    check,
    cluster::Capture,
    plan::{self, Plan},
    store::MemoryStore,
};

/// A recorded chain.
pub(crate) struct Recording {
    /// All headers, genesis first.
    pub(crate) headers: Vec<Header>,
    /// Those that have a certificate of their own, in order of height.
    pub(crate) light_blocks: Vec<LightBlock>,
    /// Heights that are final only through a descendant.
    pub(crate) without_certificate: Vec<u64>,
}

/// Checks what `capture` holds and makes certificates of it, for the heights 1 to tip - 3: the
/// certificate on a grandchild stands in the block above that.
pub(crate) fn record(plan: &Plan, capture: &Capture) -> Result<Recording> {
    let blocks = blocks(plan, &capture.store)?;
    check_chain(plan, &blocks)?;
    let seen: Vec<_> = capture.certificates.iter().map(check::certificate).collect::<Result<_>>()?;
    let (mut light_blocks, mut without_certificate) = (Vec::new(), Vec::new());
    for window in blocks.windows(4).skip(1) {
        let [block, child, grandchild, above] = window else { continue };
        let height = block.header.height;
        let new_set = plan.new_set_after(height)?;
        let certificate = match new_set {
            Some(_) => Some(handover(plan, block, &seen)?),
            None => three_chain([block, child, grandchild], above),
        };
        match certificate {
            Some(certificate) => light_blocks.push(LightBlock {
                header: block.header.clone(),
                certificate: Certificate::Chained(certificate),
                validators: plan.set_at(height)?.members().to_vec(),
                next_validators: new_set.map(|set| set.members().to_vec()),
            }),
            None => without_certificate.push(height.0),
        }
    }
    let headers = blocks.into_iter().map(|block| block.header).collect();
    Ok(Recording { headers, light_blocks, without_certificate })
}

/// The committed blocks from genesis to the tip, in our form.
fn blocks(plan: &Plan, store: &MemoryStore) -> Result<Vec<ChainedBlock>> {
    let camera = BlockTreeCamera::new(store.clone());
    let tree = camera.snapshot();
    let committed = tree.committed_validator_set().map_err(|why| anyhow!("validator set: {why:?}"))?;
    let last: &ValidatorSet = plan.set_at(Height(plan.tip))?;
    ensure!(plan::same_order(last, &committed), "hotstuff_rs ends with another set, or in another order");
    let block = |height| {
        let hash: Option<CryptoHash> = tree.block_at_height(BlockHeight::new(height)).ok().flatten();
        let hash = hash.with_context(|| format!("no block at {height}"))?;
        let block = tree.block(&hash).map_err(|why| anyhow!("block {height}: {why:?}"))?;
        check::block(&block.with_context(|| format!("no block at {height}"))?)
    };
    (0..=plan.tip).map(block).collect()
}

/// Every header is the one the plan asks for, every block stands on the one below, and the set of
/// that height signed for it.
fn check_chain(plan: &Plan, blocks: &[ChainedBlock]) -> Result<()> {
    let mut below: Vec<Header> = Vec::new();
    for block in blocks {
        let height = block.height;
        ensure!(block.header.height.0 == height, "header and block disagree on the height {height}");
        let expected = plan.header(&below, &block.justify.to_bytes())?;
        ensure!(block.header == expected, "another header at {height}");
        below.push(block.header.clone());
    }
    for pair in blocks.windows(2) {
        let [block, child] = pair else { continue };
        ensure!(child.justify.block == block.hash(), "block {} stands on another one", child.height);
        let signers = plan.signers(block.header.height, child.justify.phase)?;
        check::quorum(&child.justify, signers).with_context(|| format!("on block {}", block.height))?;
    }
    Ok(())
}

/// The certificate of the first of `blocks`, if the three stand in views in a row.
fn three_chain(blocks: [&ChainedBlock; 3], above: &ChainedBlock) -> Option<ChainedCertificate> {
    let [_, child, grandchild] = blocks;
    check::in_a_row([&child.justify, &grandchild.justify, &above.justify])
        .then(|| ChainedCertificate { blocks: blocks.map(Clone::clone).to_vec(), tip: above.justify.clone() })
}

/// The old set's commit phase for a block that changes the set, from what the replicas saw.
fn handover(plan: &Plan, block: &ChainedBlock, seen: &[PhaseCertificate]) -> Result<ChainedCertificate> {
    let (hash, signers) = (block.hash(), plan.signers(block.header.height, HotStuffPhase::Commit)?);
    // The same leader may collect a certificate twice: the first that holds is as good as any.
    let tip = seen
        .iter()
        .filter(|certificate| certificate.phase == HotStuffPhase::Commit && certificate.block == hash)
        .find(|certificate| check::quorum(certificate, signers).is_ok())
        .with_context(|| format!("no replica saw a good hand-over at {}", block.height))?;
    Ok(ChainedCertificate { blocks: vec![block.clone()], tip: tip.clone() })
}
