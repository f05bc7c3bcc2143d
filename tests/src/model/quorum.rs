//! Do two quorums always share an honest member, and are the honest alone one?
//!
//! For powers of any size the reason is three lines: `|A and B| >= |A| + |B| - total`, so with
//! `3|A| > 2 total` and `3|B| > 2 total` it is `3|A and B| > total`. What is left to check is that
//! the arithmetic of [`Tally`] says what these lines say. Here that is done for every vector of
//! powers within bounds, every pair of groups of signers, and every group that may be at fault.

use core::fmt;

use qratum_verifier::quorum::Tally;

use super::Law;

/// Which vectors of powers are checked.
#[derive(Clone, Copy, Debug)]
pub struct Bounds<'a> {
    /// Sets of 1 up to this many members.
    pub members: usize,
    /// The powers a member may have, rising.
    pub powers: &'a [u64],
    /// Only vectors whose powers do not fall: each set once, not once for each order of members.
    pub unordered: bool,
}

/// Powers around which arithmetic of 64 bits breaks.
pub const CORNERS: &[u64] = &[1, 2, u64::MAX / 3, u64::MAX / 3 + 1, u64::MAX - 1, u64::MAX];

/// How much was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Vectors of powers.
    pub vectors: u64,
    /// Pairs of quorums.
    pub pairs: u64,
    /// Pairs of quorums with a group at fault.
    pub triples: u64,
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vectors, pairs, triples } = self;
        write!(f, "checked {vectors} sets, {pairs} pairs of quorums, {triples} with a group at fault")
    }
}

/// A case that breaks a promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which promise.
    pub promise: &'static str,
    /// The powers of the set.
    pub powers: Vec<u64>,
    /// The groups, as bits over the indexes of members.
    pub groups: Vec<usize>,
}

/// Checks every vector within `bounds`. Groups at fault have less than a third of the power.
///
/// # Errors
/// [`Broken`], the first case that breaks a promise.
pub fn check(bounds: Bounds<'_>, law: &Law) -> Result<Checked, Box<Broken>> {
    let mut checked = Checked::default();
    for members in 1..=bounds.members {
        each_vector(bounds, members, &mut Vec::new(), &mut |powers| {
            checked.vectors += 1;
            vector(powers, law, &mut checked)
        })?;
    }
    Ok(checked)
}

type Verdict = Result<(), Box<Broken>>;

fn each_vector(
    bounds: Bounds<'_>,
    members: usize,
    powers: &mut Vec<u64>,
    visit: &mut impl FnMut(&[u64]) -> Verdict,
) -> Verdict {
    if powers.len() == members {
        return visit(powers);
    }
    let least = powers.last().copied().filter(|_| bounds.unordered).unwrap_or(0);
    for power in bounds.powers.iter().copied().filter(|power| *power >= least) {
        powers.push(power);
        each_vector(bounds, members, powers, visit)?;
        powers.pop();
    }
    Ok(())
}

/// A group of members, as bits over their indexes.
type Group = usize;

fn vector(powers: &[u64], law: &Law, checked: &mut Checked) -> Verdict {
    let everyone: Group = (1 << powers.len()) - 1;
    let broken = |promise, groups: &[Group]| {
        Err(Box::new(Broken { promise, powers: powers.to_vec(), groups: groups.to_vec() }))
    };
    let total = power(powers, everyone);
    let tally = |group| Tally { signed: power(powers, group), total };
    let groups = |fits: &dyn Fn(Tally) -> bool| -> Vec<Group> {
        (0..=everyone).filter(|group| fits(tally(*group))).collect()
    };
    let quorums = groups(&law.quorum);
    let at_fault = groups(&|tally| 3 * tally.signed < tally.total);
    for a in &quorums {
        for b in &quorums {
            checked.pairs += 1;
            if 3 * power(powers, a & b) <= total {
                return broken("two quorums share more than a third", &[*a, *b]);
            }
            checked.triples += at_fault.len() as u64;
            if let Some(f) = at_fault.iter().find(|f| a & b & !**f == 0) {
                return broken("two quorums share an honest member", &[*a, *b, *f]);
            }
        }
    }
    for f in &at_fault {
        if !(law.quorum)(tally(everyone & !f)) {
            return broken("the honest alone are a quorum", &[*f]);
        }
        if let Some(m) = groups(&law.third).iter().find(|m| **m & !f == 0) {
            return broken("more than a third has an honest member", &[*m, *f]);
        }
    }
    // The same thresholds by division, which cannot overflow.
    let (two_thirds, third) = (total / 3 * 2 + total % 3 * 2 / 3, total / 3);
    let differs = |group: &Group| {
        let Tally { signed, .. } = tally(*group);
        (law.quorum)(tally(*group)) != (signed > two_thirds)
            || (law.third)(tally(*group)) != (signed > third)
    };
    match (0..=everyone).find(differs) {
        Some(group) => broken("multiplied thresholds are the divided ones", &[group]),
        None => Ok(()),
    }
}

fn power(powers: &[u64], group: Group) -> u128 {
    let inside = powers.iter().enumerate().filter(|(index, _)| group >> index & 1 == 1);
    inside.map(|(_, power)| u128::from(*power)).sum()
}
