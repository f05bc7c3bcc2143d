//! What does a proven offence cost? Stake, by a table of basis points, and the seat in the next set.

use core::fmt;

use qratum_crypto::sign::ed25519::PublicKey;

use super::{Draft, Place};
use crate::{
    codec::Encode,
    types::{Jailed, Offence, Status, Time},
};

/// What a validator can do wrong. The chain proves the first only; the others are decided by people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misdeed {
    /// It signed two statements that exclude each other.
    DoubleSign,
    /// It was away.
    Downtime,
    /// It proposed a block that breaks the rules.
    InvalidBlock,
    /// It broke an invariant of the network.
    Invariant,
    /// It misused its part in governance.
    Governance,
}

impl Misdeed {
    /// What it costs, in ten-thousandths of the stake.
    #[must_use]
    pub const fn basis_points(self) -> u64 {
        match self {
            Self::DoubleSign => 500,
            Self::Downtime => 100,
            Self::InvalidBlock => 1000,
            Self::Invariant => 5000,
            Self::Governance => 2000,
        }
    }

    /// How much of `stake` it costs, rounded down.
    #[must_use]
    pub fn cost(self, stake: u64) -> u64 {
        let cost = u128::from(stake).saturating_mul(u128::from(self.basis_points())) / 10_000;
        u64::try_from(cost).unwrap_or(stake)
    }
}

/// Why evidence has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidenceRefusal {
    /// The key is no vote key of the registry.
    UnknownKey,
    /// It is of a later set than the block.
    Future,
    /// Unbonding has passed since its set ended.
    TooOld,
    /// The validator was found guilty already, of this or of something else.
    Repeated,
}

impl fmt::Display for EvidenceRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownKey => "the key is no vote key of the registry",
            Self::Future => "of a later set than the block",
            Self::TooOld => "older than unbonding",
            Self::Repeated => "the validator was found guilty already",
        })
    }
}

/// State key of an offence that was punished: each is punished once.
#[must_use]
pub fn state_key(offence: &Offence, key: &PublicKey) -> Vec<u8> {
    [b"offence/".as_slice(), &key.0, &offence.position()].concat()
}

/// Punishes the holder of `key`, which `offence` was verified to prove guilty. `ended` is when the
/// set of the offence ended; `None` while it has not.
///
/// # Errors
/// [`EvidenceRefusal`]; the draft is unchanged then.
pub fn punish(
    draft: &mut Draft<'_>,
    place: &Place<'_>,
    offence: &Offence,
    key: &PublicKey,
    ended: Option<Time>,
) -> Result<(), EvidenceRefusal> {
    let age = place.set_id().0.checked_sub(offence.set_id().0).ok_or(EvidenceRefusal::Future)?;
    let over = ended.is_some_and(|ended| ended.plus(place.params.unbonding_ms) < place.time);
    if age > place.params.unbonding_sets && over {
        return Err(EvidenceRefusal::TooOld);
    }
    let used = draft.key_use(key).ok_or(EvidenceRefusal::UnknownKey)?;
    let mut registration = draft.registration(&used.name).ok_or(EvidenceRefusal::UnknownKey)?;
    let known = state_key(offence, key);
    if registration.status == Status::Jailed || draft.get(&known).is_some() {
        return Err(EvidenceRefusal::Repeated);
    }
    registration.stake = registration.stake.saturating_sub(Misdeed::DoubleSign.cost(registration.stake));
    registration.status = Status::Jailed;
    draft.register(&used.name, &registration);
    draft.put(known, Vec::from(place.height.0.to_le_bytes()));
    let jailed = Jailed { block: place.height, offence: offence.height() };
    draft.put(Jailed::state_key(&used.name), jailed.to_bytes());
    Ok(())
}
