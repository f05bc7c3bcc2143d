//! Composes the rules into one judgement of an untrusted block.

use qratum_chain::{
    schedule,
    types::{Certificate, Engine, Header, LightBlock, Time, ValidatorSet},
};

use crate::{
    Reject, Rules, SetCache, Trusted, certificate, chained, handover,
    predicates::{self as rule, Relation},
    quorum::Tally,
    sets::Sets,
    trusted::Votes,
};

/// The three answers.
#[derive(Debug)]
pub enum Verdict {
    /// The block is final: it is trusted from now on.
    Accept(Box<Trusted>),
    /// Too little of the trusted power is among its signers to skip there: a block in between is
    /// needed. Not a refusal.
    NotYet(Tally),
    /// The block is refused.
    Reject(Reject),
}

/// Judges `untrusted` from what is `trusted`.
///
/// Cheap rules come first, signatures last; whatever is not needed to reach a verdict is not
/// computed.
#[must_use]
pub fn verify(
    untrusted: &LightBlock,
    trusted: &Trusted,
    rules: &Rules,
    sets: &mut SetCache,
    now: Time,
) -> Verdict {
    match judge(untrusted, trusted, rules, sets, now) {
        Ok(Ok(accepted)) => Verdict::Accept(Box::new(accepted)),
        Ok(Err(tally)) => Verdict::NotYet(tally),
        Err(reject) => Verdict::Reject(reject),
    }
}

fn judge(
    untrusted: &LightBlock,
    trusted: &Trusted,
    rules: &Rules,
    sets: &mut SetCache,
    now: Time,
) -> Result<Result<Trusted, Tally>, Reject> {
    let header = &untrusted.header;
    has_its_place(header, trusted, rules, now)?;
    rule::parent_is_trusted(header, trusted)?;
    let relation = rule::relation(header, trusted.header().get(), &rules.params);
    if let Relation::Named(want) = relation {
        rule::set_is_named(header, want)?;
    }
    let resolved = sets.of(untrusted)?;
    let signers = signers(&untrusted.certificate, header, &resolved.own, rules)?;
    rule::proposer_was_drawn(header, &resolved.own)?;
    if relation == Relation::Skip {
        let tally = trusted_overlap(&signers, &resolved, trusted);
        if !tally.is_more_than_a_third() {
            return Ok(Err(tally));
        }
    }
    signatures_hold(&untrusted.certificate, header, &resolved.own, rules)?;
    let votes = Votes { signers, round: round(&untrusted.certificate) };
    Ok(Ok(Trusted::new(header.clone(), rules.chain_id, resolved, votes)))
}

/// The block's own set made it final. Says nothing about whether that set is to be trusted.
pub(crate) fn certified_by_own_set(block: &LightBlock, rules: &Rules) -> Result<(), Reject> {
    let LightBlock { header, certificate, .. } = block;
    let own = SetCache::default().of(block)?.own;
    signers(certificate, header, &own, rules)?;
    rule::proposer_was_drawn(header, &own)?;
    signatures_hold(certificate, header, &own, rules)
}

/// In which round, or HotStuff view, the certificate was voted.
fn round(certificate: &Certificate) -> Option<u64> {
    match certificate {
        Certificate::Commit(commit) | Certificate::Handover(commit, _) => Some(u64::from(commit.round.0)),
        Certificate::Chained(chained) => chained::certificates(chained).next().map(|votes| votes.view),
    }
}

/// The rules that need no set: chain, time, height, schedule.
fn has_its_place(header: &Header, trusted: &Trusted, rules: &Rules, now: Time) -> Result<(), Reject> {
    let from = trusted.header().get();
    rule::is_of_this_chain(header.chain_id, trusted.chain_id(), rules)?;
    rule::is_within_trusting_period(from, &rules.params, now)?;
    rule::is_not_from_the_future(header, &rules.params, now)?;
    rule::is_above(header, from)?;
    rule::is_later(header, from)?;
    rule::set_id_matches_height(header, &rules.params)?;
    rule::set_changes_only_at_boundary(header, &rules.params)?;
    rule::last_certificate_is_in_place(header)
}

/// Everything about a certificate but its signatures; returns who signed.
fn signers(
    certificate: &Certificate,
    header: &Header,
    set: &ValidatorSet,
    rules: &Rules,
) -> Result<Vec<u32>, Reject> {
    let ends_set = schedule::is_boundary(header.height, rules.params.set_length);
    match (certificate, rules.params.engine) {
        (Certificate::Chained(chained), Engine::HotStuff { chain, rule }) => {
            chained::signers(chained, header, set, chained::Profile { chain, rule })
        }
        (Certificate::Commit(commit), Engine::Tendermint) => commit_signers(commit, header, set, rules),
        (Certificate::Handover(commit, _), Engine::Tendermint) if ends_set => {
            commit_signers(commit, header, set, rules)
        }
        _ => Err(Reject::WrongCertificateKind),
    }
}

fn commit_signers(
    commit: &qratum_chain::types::CommitCertificate,
    header: &Header,
    set: &ValidatorSet,
    rules: &Rules,
) -> Result<Vec<u32>, Reject> {
    certificate::is_for(commit, header, rules)?;
    let signers = certificate::signers(commit, set)?;
    certificate::quorum_reached(set, &signers)?;
    Ok(signers)
}

/// Every signature holds; at the end of a set also the ML-DSA ones.
fn signatures_hold(
    certificate: &Certificate,
    header: &Header,
    set: &ValidatorSet,
    rules: &Rules,
) -> Result<(), Reject> {
    let ends_set = schedule::is_boundary(header.height, rules.params.set_length);
    if let Some(commit) = certificate.commit() {
        let signed = commit.bitmap.indexes().zip(&commit.signatures);
        certificate::signatures_hold(&commit.vote().sign_bytes(), set, signed)?;
    }
    if let Certificate::Chained(chained) = certificate {
        chained::signatures_hold(chained, set)?;
    }
    match certificate {
        Certificate::Handover(commit, signatures) => handover::pq_signatures_hold(commit, signatures, set),
        _ if ends_set => handover::pq_quorum_reached(set, []),
        _ => Ok(()),
    }
}

/// The trusted power among the signers. None counts where the trusted header's next set is not
/// known, and none where that set hands over with ML-DSA: skipping would step around it.
fn trusted_overlap(signers: &[u32], resolved: &Sets, trusted: &Trusted) -> Tally {
    match trusted.next_validators() {
        None => Tally { signed: 0, total: trusted.validators().total_power() },
        Some(next) if handover::is_demanded(next) => Tally { signed: 0, total: next.total_power() },
        Some(next) => certificate::overlap(signers, &resolved.own, next),
    }
}
