//! Checks what comes as a file: a header with its path from an anchor, a place in the history, a
//! value in the state.

use qratum_chain::{
    Hash,
    document::{HeaderProof, Statement},
    ledger::Body,
    state::StateProof,
    types::{BlockId, Header, Height, LightBlock, Offence, Time, Txo, validators_hash},
};
use qratum_crypto::merkle::{self, Sha3};

use crate::{Reject, Rules, SetCache, Trusted, Verdict, Verified, predicates as rule, verify};

/// A header that chains to the anchor, and whether the anchor could still vouch for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The header.
    pub header: Verified<Header>,
    /// The anchor, or a step from it, was older than the trusting period: the proof chains, but
    /// the keys in it answer for nothing any more.
    pub expired: bool,
}

/// Checks a header proof offline, from `anchor`, at `now`.
///
/// # Errors
/// [`Reject`]: the proof does not chain, whatever the time.
pub fn check(proof: &HeaderProof, anchor: &Trusted, rules: &Rules, now: Time) -> Result<Checked, Reject> {
    match follow(proof, anchor, rules, now) {
        Ok(header) => Ok(Checked { header, expired: false }),
        Err(Reject::TrustExpired { .. }) => {
            let mut timeless = rules.clone();
            timeless.params.trusting_period_ms = u64::MAX;
            follow(proof, anchor, &timeless, now).map(|header| Checked { header, expired: true })
        }
        Err(reject) => Err(reject),
    }
}

fn follow(
    proof: &HeaderProof,
    anchor: &Trusted,
    rules: &Rules,
    now: Time,
) -> Result<Verified<Header>, Reject> {
    let sets = &mut SetCache::default();
    let mut trusted = anchor.clone();
    for step in &proof.path {
        trusted = accept(step, &trusted, rules, sets, now)?;
    }
    let (got, want) = (validators_hash(&proof.validators), proof.header.validators_hash);
    if got != want {
        return Err(Reject::WrongValidators { got, want });
    }
    if let Some(history) = &proof.history {
        let head = accept(&history.head, &trusted, rules, sets, now)?;
        return in_history(&proof.header, &head, &history.audit_path);
    }
    if let Some(certificate) = &proof.certificate {
        let block = LightBlock {
            header: proof.header.clone(),
            certificate: certificate.clone(),
            validators: proof.validators.clone(),
            next_validators: None,
        };
        return accept(&block, &trusted, rules, sets, now).map(|accepted| accepted.header().clone());
    }
    if proof.header.id() != trusted.id() {
        return Err(Reject::NotProven);
    }
    rule::is_within_trusting_period(&proof.header, &rules.params, now)?;
    rule::is_not_from_the_future(&proof.header, &rules.params, now)?;
    Ok(trusted.header().clone())
}

/// [`verify`], where a block in between can no longer be fetched.
pub(crate) fn accept(
    block: &LightBlock,
    trusted: &Trusted,
    rules: &Rules,
    sets: &mut SetCache,
    now: Time,
) -> Result<Trusted, Reject> {
    match verify(block, trusted, rules, sets, now) {
        Verdict::Accept(accepted) => Ok(*accepted),
        Verdict::NotYet(tally) => Err(Reject::PathMissing { tally }),
        Verdict::Reject(reject) => Err(reject),
    }
}

/// Checks a statement under a verified block.
///
/// # Errors
/// [`Reject::StateProof`], [`Reject::TxoProof`].
pub fn stands(statement: Statement, block: &Verified<Header>) -> Result<(), Reject> {
    match statement {
        Statement::State { key, value, proof } => in_state(&key, value, &proof, block).map(drop),
        Statement::Txo { txo, index, count, audit_path } => {
            txo_in_block(txo, (index, count), &audit_path, block).map(drop)
        }
    }
}

/// Checks that `header` stands in the history of a trusted head.
///
/// # Errors
/// [`Reject::HistoryProof`].
pub fn in_history(header: &Header, head: &Trusted, audit_path: &[Hash]) -> Result<Verified<Header>, Reject> {
    id_in_history(header.id(), header.height, head, audit_path)?;
    Ok(Verified::new(header.clone()))
}

/// Checks that the block at `height` below a trusted head has this id.
///
/// # Errors
/// [`Reject::HistoryProof`].
pub fn id_in_history(
    id: BlockId,
    height: Height,
    head: &Trusted,
    audit_path: &[Hash],
) -> Result<Verified<BlockId>, Reject> {
    let head = head.header().get();
    let leaf = merkle::leaf_hash::<Sha3>(&id.0.0);
    merkle::verify_inclusion::<Sha3>(leaf, height.0, head.height.0, audit_path, head.history_root)
        .map(|()| Verified::new(id))
        .map_err(|why| Reject::HistoryProof { why })
}

/// Checks that `txo` stands at `index` among the `count` transactions of a verified block. That it
/// stands there is proven; `count` only as far as it shapes the path.
///
/// # Errors
/// [`Reject::TxoProof`].
pub fn txo_in_block(
    txo: Txo,
    (index, count): (u64, u64),
    audit_path: &[Hash],
    block: &Verified<Header>,
) -> Result<Verified<Txo>, Reject> {
    let leaf = merkle::leaf_hash::<Sha3>(&txo.to_bytes());
    merkle::verify_inclusion::<Sha3>(leaf, index, count, audit_path, block.get().tx_root)
        .map(|()| Verified::new(txo))
        .map_err(|why| Reject::TxoProof { why })
}

/// Checks that these are all pieces of evidence in a verified block, in their order. Whether each
/// proves anything the chain has judged; [`crate::detect`] tells again.
///
/// # Errors
/// [`Reject::WrongEvidence`].
pub fn evidence_in_block(
    evidence: Vec<Offence>,
    block: &Verified<Header>,
) -> Result<Verified<Vec<Offence>>, Reject> {
    let (got, want) = (Body::root_of(&evidence), block.get().evidence_root);
    if got == want { Ok(Verified::new(evidence)) } else { Err(Reject::WrongEvidence { got, want }) }
}

/// Checks that `key` has `value` (`None`: has none) in the state after a verified block.
///
/// # Errors
/// [`Reject::StateProof`].
pub fn in_state(
    key: &[u8],
    value: Option<Vec<u8>>,
    proof: &StateProof,
    block: &Verified<Header>,
) -> Result<Verified<Option<Vec<u8>>>, Reject> {
    let root = block.get().state_root;
    proof.verify(root, key, value.as_deref()).map_err(|_| Reject::StateProof)?;
    Ok(Verified::new(value))
}
