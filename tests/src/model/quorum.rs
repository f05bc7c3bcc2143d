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
            let set = Set::new(powers);
            quorums_intersect(&set, law, &mut checked)?;
            the_honest_are_live(&set, law)
        })?;
    }
    for members in 1..=bounds.members {
        each_vector(bounds, members, &mut Vec::new(), &mut |powers| {
            thresholds_are_exact(&Set::new(powers), law)
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

/// A set with the power of each group of its members.
struct Set<'a> {
    powers: &'a [u64],
    tallies: Vec<Tally>,
}

impl<'a> Set<'a> {
    fn new(powers: &'a [u64]) -> Self {
        let signed = |group: Group| -> u128 {
            let inside = powers.iter().enumerate().filter(|(index, _)| group >> index & 1 == 1);
            inside.map(|(_, power)| u128::from(*power)).sum()
        };
        let everyone = (1 << powers.len()) - 1;
        let total = signed(everyone);
        Self { powers, tallies: (0..=everyone).map(|group| Tally { signed: signed(group), total }).collect() }
    }

    fn tally(&self, group: Group) -> Tally {
        self.tallies[group]
    }

    fn groups(&self, fits: impl Fn(Tally) -> bool) -> Vec<Group> {
        (0..self.tallies.len()).filter(|group| fits(self.tally(*group))).collect()
    }

    fn at_fault(&self) -> Vec<Group> {
        self.groups(|tally| 3 * tally.signed < tally.total)
    }

    fn broken(&self, promise: &'static str, groups: &[Group]) -> Verdict {
        Err(Box::new(Broken { promise, powers: self.powers.to_vec(), groups: groups.to_vec() }))
    }
}

fn quorums_intersect(set: &Set<'_>, law: &Law, checked: &mut Checked) -> Verdict {
    let (quorums, at_fault) = (set.groups(law.quorum), set.at_fault());
    for a in &quorums {
        for b in &quorums {
            checked.pairs += 1;
            let both = set.tally(a & b);
            if 3 * both.signed <= both.total {
                return set.broken("two quorums share more than a third", &[*a, *b]);
            }
            checked.triples += at_fault.len() as u64;
            if let Some(f) = at_fault.iter().find(|f| a & b & !**f == 0) {
                return set.broken("two quorums share an honest member", &[*a, *b, *f]);
            }
        }
    }
    Ok(())
}

fn the_honest_are_live(set: &Set<'_>, law: &Law) -> Verdict {
    let everyone = set.tallies.len() - 1;
    let thirds = set.groups(law.third);
    for f in set.at_fault() {
        if !(law.quorum)(set.tally(everyone & !f)) {
            return set.broken("the honest alone are a quorum", &[f]);
        }
        if let Some(m) = thirds.iter().find(|m| **m & !f == 0) {
            return set.broken("more than a third has an honest member", &[*m, f]);
        }
    }
    Ok(())
}

/// The same thresholds by division, which cannot overflow.
fn thresholds_are_exact(set: &Set<'_>, law: &Law) -> Verdict {
    let differs = |group: &Group| {
        let tally = set.tally(*group);
        let (thirds, rest) = (tally.total / 3, tally.total % 3);
        (law.quorum)(tally) != (tally.signed > thirds * 2 + rest * 2 / 3)
            || (law.third)(tally) != (tally.signed > thirds)
    };
    match (0..set.tallies.len()).find(differs) {
        Some(group) => set.broken("multiplied thresholds are the divided ones", &[group]),
        None => Ok(()),
    }
}
