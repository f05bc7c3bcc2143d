//! Who of the operators vouches for a checkpoint? Counted in the open: for each that does not, why.
//!
//! An operator's word is a signature with both halves, Ed25519 and SLH-DSA, over the checkpoint's bytes
//! under the tag of anchors. What a file holds beside is refused with its reason and does no harm.

use core::fmt;

use qratum_chain::types::{Checkpoint, Endorsement, MAX_OPERATORS, OperatorKey, is_name};
use qratum_crypto::{
    domain,
    sign::{
        Scheme,
        ed25519::{PublicKey, VoteKey},
        hybrid::WithSlhDsa,
    },
};

/// Somebody who may vouch for checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// What it is called here: 1 to 32 of `a-z 0-9 -`.
    pub name: String,
    /// Its key.
    pub key: OperatorKey,
}

/// The operators a profile names, and how many of them must vouch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operators {
    threshold: usize,
    all: Vec<Operator>,
}

/// Why a list of operators is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperatorsFault {
    /// None, or more than [`MAX_OPERATORS`].
    Count(usize),
    /// The threshold is not 1 to the number of operators.
    Threshold(usize),
    /// A name that is none, or is there twice.
    Name(String),
    /// The operator of this name has a half of its key in common with one before it, or one that is no
    /// Ed25519 key.
    Key(String),
}

impl fmt::Display for OperatorsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(got) => write!(f, "{got} operators: 1 to {MAX_OPERATORS} are possible"),
            Self::Threshold(got) => write!(f, "a threshold of {got} is not 1 to the number of operators"),
            Self::Name(name) => write!(f, "operator {name:?}: not 1 to 32 of a-z, 0-9 and -, or twice"),
            Self::Key(name) => write!(f, "operator {name}: no key of its own"),
        }
    }
}

impl Operators {
    /// `threshold` of `all`.
    ///
    /// # Errors
    /// [`OperatorsFault`].
    pub fn new(threshold: usize, all: Vec<Operator>) -> Result<Self, OperatorsFault> {
        if !(1..=MAX_OPERATORS).contains(&all.len()) {
            return Err(OperatorsFault::Count(all.len()));
        }
        if !(1..=all.len()).contains(&threshold) {
            return Err(OperatorsFault::Threshold(threshold));
        }
        for (index, Operator { name, key }) in all.iter().enumerate() {
            let mut before = all.iter().take(index);
            if !is_name(name) || before.clone().any(|other| other.name == *name) {
                return Err(OperatorsFault::Name(name.clone()));
            }
            let fit = VoteKey::decode(&PublicKey(key.ed25519)).is_ok();
            if !fit || before.any(|other| key.shares_half_with(&other.key)) {
                return Err(OperatorsFault::Key(name.clone()));
            }
        }
        Ok(Self { threshold, all })
    }

    /// How many must vouch.
    #[must_use]
    pub const fn threshold(&self) -> usize {
        self.threshold
    }

    /// All of them, in the profile's order.
    #[must_use]
    pub fn all(&self) -> &[Operator] {
        &self.all
    }
}

/// Why a signature counts nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndorsementFault {
    /// It is over another checkpoint.
    OtherCheckpoint,
    /// Its key is that of no operator of the profile.
    Outsider,
    /// The same operator's signature was counted already.
    Twice,
    /// It has not the length of both halves.
    Length,
    /// The Ed25519 half does not hold.
    Ed25519,
    /// The SLH-DSA half does not hold.
    SlhDsa,
    /// Neither half holds.
    BothHalves,
}

impl EndorsementFault {
    /// Its code in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OtherCheckpoint => "OtherCheckpoint",
            Self::Outsider => "Outsider",
            Self::Twice => "Twice",
            Self::Length => "Length",
            Self::Ed25519 => "Ed25519",
            Self::SlhDsa => "SlhDsa",
            Self::BothHalves => "BothHalves",
        }
    }
}

impl fmt::Display for EndorsementFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherCheckpoint => "it is over another checkpoint",
            Self::Outsider => "its key is that of no operator of the profile",
            Self::Twice => "this operator's signature was counted already",
            Self::Length => "it has not the length of both halves, Ed25519 and SLH-DSA",
            Self::Ed25519 => "the Ed25519 half does not hold",
            Self::SlhDsa => "the SLH-DSA half does not hold",
            Self::BothHalves => "neither half holds",
        })
    }
}

/// A signature that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Whose key it names; none for an outsider's.
    pub operator: Option<String>,
    /// The key it names.
    pub key: OperatorKey,
    /// Why.
    pub fault: EndorsementFault,
}

/// Who vouches for a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// How many must.
    pub threshold: usize,
    /// Names of those who do, in the profile's order.
    pub signed: Vec<String>,
    /// Names of those who do not.
    pub missing: Vec<String>,
    /// What counts nothing, in the order of the files.
    pub refused: Vec<Refused>,
}

impl Count {
    /// Whether enough vouch.
    #[must_use]
    pub const fn is_met(&self) -> bool {
        self.signed.len() >= self.threshold
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.signed.len().saturating_add(self.missing.len());
        write!(f, "{} of {all} operators signed it, {} must", self.signed.len(), self.threshold)?;
        if !self.missing.is_empty() {
            write!(f, "; missing: {}", self.missing.join(", "))?;
        }
        for Refused { operator, fault, .. } in &self.refused {
            write!(f, "; refused, of {}: {fault}", operator.as_deref().unwrap_or("an outsider"))?;
        }
        Ok(())
    }
}

/// Counts who of `operators` vouches for `checkpoint`. Each of `endorsements` is what a file says: a
/// signature and the checkpoint that the file says it is over.
#[must_use]
pub fn count(
    checkpoint: &Checkpoint,
    endorsements: &[(Checkpoint, Endorsement)],
    operators: &Operators,
) -> Count {
    let (mut signed, mut refused) = (vec![false; operators.all.len()], Vec::new());
    for (over, Endorsement { key, signature }) in endorsements {
        let place = operators.all.iter().position(|operator| operator.key == *key);
        let known = place.and_then(|place| Some((operators.all.get(place)?, signed.get_mut(place)?)));
        let refusal = |operator, fault| Refused { operator, key: key.clone(), fault };
        let Some((operator, signed)) = known else {
            refused.push(refusal(None, EndorsementFault::Outsider));
            continue;
        };
        let fault = if over != checkpoint {
            Some(EndorsementFault::OtherCheckpoint)
        } else if *signed {
            Some(EndorsementFault::Twice)
        } else {
            fault(checkpoint, key, signature)
        };
        *signed |= fault.is_none();
        refused.extend(fault.map(|fault| refusal(Some(operator.name.clone()), fault)));
    }
    let names = |wanted: bool| {
        let chosen = operators.all.iter().zip(&signed).filter(move |(_, signed)| **signed == wanted);
        chosen.map(|(operator, _)| operator.name.clone()).collect()
    };
    Count { threshold: operators.threshold, signed: names(true), missing: names(false), refused }
}

/// What is wrong with the signature of a known operator.
fn fault(checkpoint: &Checkpoint, key: &OperatorKey, signature: &[u8]) -> Option<EndorsementFault> {
    if signature.len() != WithSlhDsa::SIGNATURE_LENGTH {
        return Some(EndorsementFault::Length);
    }
    match WithSlhDsa::halves(&key.bytes(), domain::ANCHOR, &checkpoint.sign_bytes(), signature) {
        Ok([true, true]) => None,
        Ok([false, true]) => Some(EndorsementFault::Ed25519),
        Ok([true, false]) => Some(EndorsementFault::SlhDsa),
        Ok([false, false]) | Err(_) => Some(EndorsementFault::BothHalves),
    }
}

#[cfg(test)]
mod tests;
