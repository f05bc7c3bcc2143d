//! The rules of a header's place in the chain: one predicate each. `untrusted` is what a peer
//! says, `trusted` what was verified before.
//!
//! They are the light-client predicates of the Tendermint family (tendermint-rs, `predicates.rs`)
//! with our set boundaries and our proposer rule.

use qratum_chain::{
    Hash, schedule,
    types::{ChainId, ChainParams, Checkpoint, Header, Height, Time, ValidatorSet},
};

use crate::{Reject, Rules, Trusted};

/// Both the header and the trusted one are of the chain that is followed.
///
/// # Errors
/// [`Reject::WrongChain`].
pub fn is_of_this_chain(untrusted: ChainId, trusted: ChainId, rules: &Rules) -> Result<(), Reject> {
    match [trusted, untrusted].into_iter().find(|got| *got != rules.chain_id) {
        None => Ok(()),
        Some(got) => Err(Reject::WrongChain { got, want: rules.chain_id }),
    }
}

/// `trusted.time + trusting_period > now`: the trusted keys can still be held to account.
///
/// # Errors
/// [`Reject::TrustExpired`].
pub fn is_within_trusting_period(trusted: &Header, params: &ChainParams, now: Time) -> Result<(), Reject> {
    let at = trusted.time.plus(params.trusting_period_ms);
    if at > now { Ok(()) } else { Err(Reject::TrustExpired { at, now }) }
}

/// `checkpoint.not_after > now`: it may be started from.
///
/// # Errors
/// [`Reject::CheckpointExpired`].
pub fn checkpoint_is_fit(checkpoint: &Checkpoint, now: Time) -> Result<(), Reject> {
    let at = checkpoint.not_after;
    if at > now { Ok(()) } else { Err(Reject::CheckpointExpired { at, now }) }
}

/// `untrusted.time < now + clock_drift`.
///
/// # Errors
/// [`Reject::TimeInFuture`].
pub fn is_not_from_the_future(untrusted: &Header, params: &ChainParams, now: Time) -> Result<(), Reject> {
    let most = now.plus(params.clock_drift_ms);
    if untrusted.time < most { Ok(()) } else { Err(Reject::TimeInFuture { got: untrusted.time, most }) }
}

/// `untrusted.height > trusted.height`.
///
/// # Errors
/// [`Reject::HeightNotAbove`].
pub fn is_above(untrusted: &Header, trusted: &Header) -> Result<(), Reject> {
    if untrusted.height > trusted.height {
        return Ok(());
    }
    Err(Reject::HeightNotAbove { got: untrusted.height, trusted: trusted.height })
}

/// `untrusted.time > trusted.time`.
///
/// # Errors
/// [`Reject::TimeNotAbove`].
pub fn is_later(untrusted: &Header, trusted: &Header) -> Result<(), Reject> {
    if untrusted.time > trusted.time {
        return Ok(());
    }
    Err(Reject::TimeNotAbove { got: untrusted.time, trusted: trusted.time })
}

/// Directly above the trusted header, the parent is the trusted block.
///
/// # Errors
/// [`Reject::WrongParent`].
pub fn parent_is_trusted(untrusted: &Header, trusted: &Trusted) -> Result<(), Reject> {
    let adjacent = untrusted.height == trusted.header().get().height.next();
    if !adjacent || untrusted.parent == trusted.id() {
        return Ok(());
    }
    Err(Reject::WrongParent { got: untrusted.parent, want: trusted.id() })
}

/// `set_id` is the set of the height.
///
/// # Errors
/// [`Reject::WrongSetId`].
pub fn set_id_matches_height(untrusted: &Header, params: &ChainParams) -> Result<(), Reject> {
    let want = schedule::set_of(untrusted.height, params.set_length);
    if untrusted.set_id == want { Ok(()) } else { Err(Reject::WrongSetId { got: untrusted.set_id, want }) }
}

/// The next set differs only where the set ends.
///
/// # Errors
/// [`Reject::SetChangeOffBoundary`].
pub fn set_changes_only_at_boundary(untrusted: &Header, params: &ChainParams) -> Result<(), Reject> {
    let unchanged = untrusted.next_validators_hash == untrusted.validators_hash;
    if unchanged || schedule::is_boundary(untrusted.height, params.set_length) {
        return Ok(());
    }
    Err(Reject::SetChangeOffBoundary { height: untrusted.height })
}

/// Below height 2 there is no parent certificate to carry, from there on there always is one.
///
/// # Errors
/// [`Reject::WrongLastCertificate`].
pub fn last_certificate_is_in_place(untrusted: &Header) -> Result<(), Reject> {
    let carried = untrusted.last_certificate != Hash::ZERO;
    if carried == (untrusted.height >= Height(2)) {
        return Ok(());
    }
    Err(Reject::WrongLastCertificate { height: untrusted.height })
}

/// The proposer is the one that set, height and round draw.
///
/// # Errors
/// [`Reject::WrongProposer`].
pub fn proposer_was_drawn(untrusted: &Header, set: &ValidatorSet) -> Result<(), Reject> {
    let want = schedule::proposer(set, untrusted.height, untrusted.round);
    if untrusted.proposer == want {
        Ok(())
    } else {
        Err(Reject::WrongProposer { got: untrusted.proposer, want })
    }
}

/// How the set of an untrusted header relates to what the trusted header knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The trusted header names the set that must have signed: the same set, or the one it hands
    /// over to.
    Named(Hash),
    /// A later set, of which the trusted header knows nothing.
    Skip,
}

/// Which set must have certified `untrusted`, as far as `trusted` can say.
#[must_use]
pub fn relation(untrusted: &Header, trusted: &Header, params: &ChainParams) -> Relation {
    let next_height_set = schedule::set_of(trusted.height.next(), params.set_length);
    if untrusted.set_id == next_height_set {
        Relation::Named(trusted.next_validators_hash)
    } else {
        Relation::Skip
    }
}

/// The header is certified by the set that the trusted header names.
///
/// # Errors
/// [`Reject::UntrustedSet`].
pub fn set_is_named(untrusted: &Header, want: Hash) -> Result<(), Reject> {
    if untrusted.validators_hash == want {
        return Ok(());
    }
    Err(Reject::UntrustedSet { got: untrusted.validators_hash, want })
}
