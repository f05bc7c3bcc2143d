//! Does too much of the power stand in one place or in one hand? Counted by what is registered:
//! operators and jurisdictions. The networks that validators are connected through (AS numbers) are
//! not on chain, so nothing is said about them.

use std::collections::BTreeMap;

use qratum_chain::types::Jurisdiction;

use crate::quorum::Tally;

/// Fewer holders than this are worth a warning: with three, one can be lost.
pub const FEWEST: usize = 3;

/// Where a member stands.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// Who runs it; none where that is not registered: nothing is said of it then.
    pub operator: Option<&'a str>,
    /// Where it is registered.
    pub jurisdiction: Jurisdiction,
    /// Its power.
    pub power: u64,
}

/// What holds power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whoever runs validators.
    Operator,
    /// A place.
    Jurisdiction,
}

/// Too much in one hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// There are fewer holders than [`FEWEST`].
    Few {
        /// Of what.
        kind: Kind,
        /// How many.
        count: usize,
    },
    /// One can stop the chain alone: a third of the power is gone with it, and the rest is no quorum.
    Heavy {
        /// What it is.
        kind: Kind,
        /// Which one.
        holder: String,
        /// What it holds, of all.
        power: Tally,
    },
}

/// What is worth a warning, operators first, in the order of their names.
#[must_use]
pub fn warnings(members: &[Standing<'_>]) -> Vec<Warning> {
    let total = members.iter().map(|member| u128::from(member.power)).sum();
    let operators = members.iter().filter_map(|member| Some((member.operator?.to_owned(), member.power)));
    let places = members.iter().map(|member| (member.jurisdiction.to_string(), member.power));
    let mut found = of(Kind::Operator, operators, total);
    found.extend(of(Kind::Jurisdiction, places, total));
    found
}

fn of(kind: Kind, held: impl Iterator<Item = (String, u64)>, total: u128) -> Vec<Warning> {
    let mut powers: BTreeMap<String, u128> = BTreeMap::new();
    for (holder, power) in held {
        let sum = powers.entry(holder).or_default();
        *sum = sum.saturating_add(u128::from(power));
    }
    let count = powers.len();
    let few = ((1..FEWEST).contains(&count)).then_some(Warning::Few { kind, count });
    let heavy = powers.into_iter().filter(|(_, power)| power.saturating_mul(3) >= total);
    let heavy = heavy.map(|(holder, signed)| Warning::Heavy { kind, holder, power: Tally { signed, total } });
    few.into_iter().chain(heavy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(members: &[(Option<&str>, [u8; 2], u64)]) -> Vec<Warning> {
        let mut standings = Vec::new();
        for (operator, place, power) in members {
            let jurisdiction = Jurisdiction::new(*place).unwrap();
            standings.push(Standing { operator: *operator, jurisdiction, power: *power });
        }
        warnings(&standings)
    }

    fn heavy(kind: Kind, holder: &str, signed: u128, total: u128) -> Warning {
        Warning::Heavy { kind, holder: holder.to_owned(), power: Tally { signed, total } }
    }

    const CH: [u8; 2] = *b"CH";
    const DE: [u8; 2] = *b"DE";
    const IS: [u8; 2] = *b"IS";
    const JP: [u8; 2] = *b"JP";

    /// FEATURES C-021.
    #[test]
    fn diversity_warns() {
        let good = [(Some("a"), CH, 25), (Some("b"), DE, 25), (Some("c"), IS, 25), (Some("d"), JP, 25)];
        assert_eq!(set(&good), []);
        // A third is enough to stop the chain, and a little less is not.
        let third = [
            (Some("a"), CH, 17),
            (Some("b"), DE, 30),
            (Some("a"), IS, 16),
            (Some("c"), JP, 28),
            (Some("d"), IS, 8),
        ];
        assert_eq!(set(&third), [heavy(Kind::Operator, "a", 33, 99)]);
        let less = [
            (Some("a"), CH, 17),
            (Some("b"), DE, 30),
            (Some("a"), IS, 15),
            (Some("c"), JP, 29),
            (Some("d"), IS, 8),
        ];
        assert_eq!(set(&less), []);
        let place = [
            (Some("a"), CH, 17),
            (Some("b"), DE, 30),
            (Some("c"), CH, 16),
            (Some("d"), IS, 28),
            (Some("e"), JP, 8),
        ];
        assert_eq!(set(&place), [heavy(Kind::Jurisdiction, "CH", 33, 99)]);
    }

    #[test]
    fn few_holders_warn_and_what_is_not_registered_says_nothing() {
        let two = set(&[(Some("a"), CH, 50), (Some("b"), DE, 49)]);
        assert_eq!(two[0], Warning::Few { kind: Kind::Operator, count: 2 });
        assert_eq!(two[3], Warning::Few { kind: Kind::Jurisdiction, count: 2 });
        assert_eq!(two.len(), 6, "and each of them is too heavy");
        assert_eq!(set(&[(None, CH, 30), (None, DE, 30), (None, IS, 30), (None, JP, 30)]), []);
        let most = (Some("a"), CH, u64::MAX);
        assert_eq!(set(&[most, most, most]).len(), 4, "sums do not overflow");
    }
}
