//! Policy: which approvals a class of actions needs. What no rule allows is denied.

use core::fmt;
use std::collections::BTreeMap;

use qratum_crypto::{domain, hash};

use super::{PersonId, Role, Roles, words::words};
use crate::{
    Hash,
    codec::{Decode, Encode, Malformed, Reader, put_list},
};

words!(
    /// A class of actions that one rule decides on.
    Class, "class of actions" {
        /// Who may act: the credentials of people.
        Access = 1, "access";
        /// The policy itself.
        Policy = 2, "policy";
    }
);

/// How many approvals must come from people of one role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// The role.
    pub role: Role,
    /// So many at least.
    pub least: u8,
}

impl Encode for Group {
    fn encode(&self, out: &mut Vec<u8>) {
        self.role.encode(out);
        out.push(self.least);
    }
}

impl Decode for Group {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { role: Role::decode(reader)?, least: reader.u8()? })
    }
}

/// What an action of one class needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Who may ask for it.
    pub requester: Role,
    /// Approvals of so many distinct people, none of them the requester.
    pub threshold: u8,
    /// Whose approvals count, in ascending order of roles.
    pub groups: Vec<Group>,
    /// How long a request may stay open, in milliseconds.
    pub lifetime_ms: u64,
}

impl Rule {
    /// The most approvals that a rule asks for.
    pub const MAX_THRESHOLD: u8 = 16;
    /// The shortest time that a rule may give a request, in milliseconds: people must be able to answer.
    pub const MIN_LIFETIME_MS: u64 = 60 * 1000;
    /// The longest time that a request may stay open, in milliseconds: a day.
    pub const MAX_LIFETIME_MS: u64 = 24 * 60 * 60 * 1000;

    /// The roles whose approvals count.
    #[must_use]
    pub fn roles(&self) -> Roles {
        Roles::of(self.groups.iter().map(|group| group.role))
    }

    /// Whether an approval in `role` brings a request further that has those in `given`: it must leave
    /// room for what the other groups still have to say.
    #[must_use]
    pub fn admits(&self, given: &[Role], role: Role) -> bool {
        let missing = |group: &Group| {
            let has = count(given, group.role).saturating_add(usize::from(group.role == role));
            usize::from(group.least).saturating_sub(has)
        };
        let others: usize = self.groups.iter().map(missing).sum();
        let after = given.len().saturating_add(1).saturating_add(others);
        self.roles().holds(role) && after <= usize::from(self.threshold)
    }

    /// Whether these approvals, of distinct people, suffice.
    #[must_use]
    pub fn is_met(&self, given: &[Role]) -> bool {
        given.len() >= usize::from(self.threshold)
            && self.groups.iter().all(|group| count(given, group.role) >= usize::from(group.least))
    }

    fn check(&self) -> Result<(), RuleFault> {
        let least: usize = self.groups.iter().map(|group| usize::from(group.least)).sum();
        let ascending = self.groups.is_sorted_by(|one, next| one.role < next.role);
        if !(2..=Self::MAX_THRESHOLD).contains(&self.threshold) {
            Err(RuleFault::Threshold)
        } else if self.groups.is_empty() || !ascending || least > usize::from(self.threshold) {
            Err(RuleFault::Groups)
        } else if !(Self::MIN_LIFETIME_MS..=Self::MAX_LIFETIME_MS).contains(&self.lifetime_ms) {
            Err(RuleFault::Lifetime)
        } else {
            Ok(())
        }
    }

    /// Whether whatever meets this rule meets `other` too, and whoever may ask for the one may ask for the
    /// other. No approval that counts here may be one that does not count there: it would fill a place.
    fn covers(&self, other: &Self) -> bool {
        let least = |role| self.groups.iter().find(|group| group.role == role).map_or(0, |group| group.least);
        self.requester == other.requester
            && self.threshold >= other.threshold
            && self.groups.iter().all(|group| other.roles().holds(group.role))
            && other.groups.iter().all(|group| least(group.role) >= group.least)
    }

    /// Whether one of `people` can ask for it and enough others can approve.
    fn can_be_met(&self, people: &BTreeMap<PersonId, Roles>) -> bool {
        people.iter().filter(|(_, roles)| roles.holds(self.requester)).any(|(requester, _)| {
            let others = people.iter().filter(|(person, _)| *person != requester);
            let others: Vec<Roles> = others.map(|(_, roles)| *roles).collect();
            let places = self.places();
            let mut seats = vec![None; others.len()];
            (0..places.len()).all(|place| seat(place, (&places, &others), &mut seats, &mut Vec::new()))
        })
    }

    /// One entry for each approval that is needed: the roles it may come from.
    fn places(&self) -> Vec<Roles> {
        let of = |group: &Group| vec![Roles::of([group.role]); usize::from(group.least)];
        let mut places: Vec<Roles> = self.groups.iter().flat_map(of).collect();
        places.resize(usize::from(self.threshold), self.roles());
        places
    }
}

fn count(given: &[Role], role: Role) -> usize {
    given.iter().filter(|one| **one == role).count()
}

/// Finds a person for a place, and for whoever has to move up another place (Kuhn's matching).
fn seat(
    place: usize,
    (places, people): (&[Roles], &[Roles]),
    seats: &mut [Option<usize>],
    tried: &mut Vec<usize>,
) -> bool {
    let wanted = places.get(place).copied().unwrap_or_default();
    for (person, roles) in people.iter().enumerate() {
        if !roles.meets(wanted) || tried.contains(&person) {
            continue;
        }
        tried.push(person);
        let sits = seats.get(person).copied().flatten();
        if sits.is_none_or(|other| seat(other, (places, people), seats, tried)) {
            if let Some(seat) = seats.get_mut(person) {
                *seat = Some(place);
            }
            return true;
        }
    }
    false
}

impl Encode for Rule {
    fn encode(&self, out: &mut Vec<u8>) {
        self.requester.encode(out);
        out.push(self.threshold);
        put_list(out, &self.groups);
        out.extend_from_slice(&self.lifetime_ms.to_le_bytes());
    }
}

impl Decode for Rule {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            requester: Role::decode(reader)?,
            threshold: reader.u8()?,
            groups: reader.list("groups", Role::ALL.len(), 2)?,
            lifetime_ms: reader.u64()?,
        })
    }
}

/// What is wrong with a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleFault {
    /// Not 2 to [`Rule::MAX_THRESHOLD`] approvals: nobody acts alone.
    Threshold,
    /// No group, one twice or out of order, or more demanded of them than of all.
    Groups,
    /// Not [`Rule::MIN_LIFETIME_MS`] to [`Rule::MAX_LIFETIME_MS`].
    Lifetime,
    /// There is none for people or for the policy: nobody could ever change it.
    Missing,
    /// The rule for people or for the policy is easier to meet than this one: it would be the way
    /// around it.
    Closure,
}

impl fmt::Display for RuleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Threshold => "it must ask for the approvals of 2 to 16 people",
            Self::Groups => "its groups must be in order, each once, and ask for no more than the threshold",
            Self::Lifetime => "its requests must stay open for a minute to 24 h",
            Self::Missing => "there must be one: else nobody could ever change it",
            Self::Closure => "who may act and the policy must not be easier to change than what they guard",
        })
    }
}

/// The rules of a chain. Stands in the state under [`Policy::STATE_KEY`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy(BTreeMap<Class, Rule>);

impl Policy {
    /// State key of the policy that holds.
    pub const STATE_KEY: &'static [u8] = b"policy";
    /// State key of how often it was changed, as 8 little-endian bytes; none before the first time.
    pub const VERSION_KEY: &'static [u8] = b"policy-version";
    /// The longest encoding in bytes: a rule for each class, and all roles in each.
    pub const MAX_LENGTH: usize = 4 + Class::ALL.len() * (1 + 1 + 1 + 4 + 2 * Role::ALL.len() + 8);

    /// A policy of these rules.
    #[must_use]
    pub fn new(rules: impl IntoIterator<Item = (Class, Rule)>) -> Self {
        Self(rules.into_iter().collect())
    }

    /// The rule for a class; none: nobody may.
    #[must_use]
    pub fn rule(&self, class: Class) -> Option<&Rule> {
        self.0.get(&class)
    }

    /// All rules, in the order of classes.
    pub fn rules(&self) -> impl Iterator<Item = (Class, &Rule)> {
        self.0.iter().map(|(class, rule)| (*class, rule))
    }

    /// `SHA3-256(tag || policy)`, as a request names it.
    #[must_use]
    pub fn hash(&self) -> Hash {
        hash::tagged(domain::POLICY, &[&self.to_bytes()])
    }

    /// Whether the rule for `class` asks no less than each rule in which one of these roles has a say.
    #[must_use]
    pub fn guards(&self, class: Class, roles: Roles) -> bool {
        let speaks = |rule: &Rule| rule.roles().with(Roles::of([rule.requester])).meets(roles);
        let guard = self.rule(class);
        self.0.values().filter(|rule| speaks(rule)).all(|rule| guard.is_some_and(|guard| guard.covers(rule)))
    }

    /// Whether each rule is one, people and the policy itself can be changed, and neither with less than
    /// any class needs: else whoever could change them could do all.
    ///
    /// # Errors
    /// The class of the first rule with a fault.
    pub fn check(&self) -> Result<(), (Class, RuleFault)> {
        let guard = |class| self.rule(class).ok_or((class, RuleFault::Missing));
        let guards = [guard(Class::Access)?, guard(Class::Policy)?];
        for (class, rule) in self.rules() {
            rule.check().map_err(|fault| (class, fault))?;
            if guards.iter().any(|guard| !guard.covers(rule)) {
                return Err((class, RuleFault::Closure));
            }
        }
        Ok(())
    }

    /// Whether the people who can act suffice for each class: a chain that nobody can change any more
    /// must not come about. `people`: each with the roles of all accounts they can act with.
    #[must_use]
    pub fn can_be_met(&self, people: &BTreeMap<PersonId, Roles>) -> bool {
        self.0.values().all(|rule| rule.can_be_met(people))
    }
}

/// A rule with its class.
struct Entry(Class, Rule);

impl Decode for Entry {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self(Class::decode(reader)?, Rule::decode(reader)?))
    }
}

impl Encode for Policy {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&u32::try_from(self.0.len()).unwrap_or(u32::MAX).to_le_bytes());
        for (class, rule) in &self.0 {
            class.encode(out);
            rule.encode(out);
        }
    }
}

impl Decode for Policy {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let entries: Vec<Entry> = reader.list("rules", Class::ALL.len(), 15)?;
        if !entries.is_sorted_by(|one, next| one.0 < next.0) {
            return Err(Malformed::Field("rules"));
        }
        Ok(Self(entries.into_iter().map(|Entry(class, rule)| (class, rule)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(threshold: u8, groups: &[(Role, u8)]) -> Rule {
        let groups = groups.iter().map(|(role, least)| Group { role: *role, least: *least }).collect();
        Rule { requester: Role::Admin, threshold, groups, lifetime_ms: 600_000 }
    }

    const TWO: &[(Role, u8)] = &[(Role::Technical, 1), (Role::Compliance, 1)];

    #[test]
    fn an_approval_counts_only_where_it_leaves_room_for_the_other_groups() {
        let (t, c) = (Role::Technical, Role::Compliance);
        let two = rule(2, TWO);
        assert!(two.admits(&[], t) && two.admits(&[], c) && two.admits(&[t], c));
        assert!(!two.admits(&[t], t), "compliance is still to speak");
        assert!(!two.admits(&[], Role::Admin) && !two.admits(&[], Role::OnCall));
        assert!(two.is_met(&[t, c]) && !two.is_met(&[t, t]) && !two.is_met(&[c]) && !two.is_met(&[]));
        let three = rule(3, TWO);
        assert!(three.admits(&[t], t) && !three.admits(&[t, t], t) && three.admits(&[t, t], c));
        assert!(three.is_met(&[t, t, c]) && !three.is_met(&[t, c]), "both groups, and too few");
    }

    #[test]
    fn each_fault_of_a_rule_has_its_name() {
        let guarded =
            |access, policy| Policy::new([(Class::Access, access), (Class::Policy, policy)]).check();
        let fault = |rule: Rule| guarded(rule.clone(), rule).map_err(|(_, fault)| fault);
        assert_eq!(fault(rule(2, TWO)), Ok(()));
        assert_eq!(fault(rule(1, &TWO[..1])), Err(RuleFault::Threshold));
        assert_eq!(fault(rule(17, TWO)), Err(RuleFault::Threshold));
        assert_eq!(fault(rule(2, &[])), Err(RuleFault::Groups));
        assert_eq!(fault(rule(2, &[TWO[1], TWO[0]])), Err(RuleFault::Groups));
        assert_eq!(fault(rule(2, &[TWO[0], TWO[0]])), Err(RuleFault::Groups));
        assert_eq!(fault(rule(2, &[(Role::Technical, 3)])), Err(RuleFault::Groups));
        for lifetime_ms in [0, Rule::MIN_LIFETIME_MS - 1, Rule::MAX_LIFETIME_MS + 1] {
            assert_eq!(fault(Rule { lifetime_ms, ..rule(2, TWO) }), Err(RuleFault::Lifetime));
        }
        for lifetime_ms in [Rule::MIN_LIFETIME_MS, Rule::MAX_LIFETIME_MS] {
            assert_eq!(fault(Rule { lifetime_ms, ..rule(2, TWO) }), Ok(()));
        }
        for (class, missing) in [(Class::Access, Class::Policy), (Class::Policy, Class::Access)] {
            let policy = Policy::new([(class, rule(2, TWO))]);
            assert_eq!(policy.check(), Err((missing, RuleFault::Missing)));
        }
        assert_eq!(Policy::default().check(), Err((Class::Access, RuleFault::Missing)));
        assert_eq!(guarded(rule(2, TWO), rule(2, TWO)), Ok(()));
        assert_eq!(guarded(rule(2, TWO), rule(3, TWO)), Err((Class::Policy, RuleFault::Closure)));
        let other = rule(2, &[(Role::Technical, 2)]);
        assert_eq!(guarded(other, rule(2, TWO)), Err((Class::Access, RuleFault::Closure)));
    }

    /// Nobody changes the policy who could not have done what it guards.
    #[test]
    fn a_guard_asks_the_people_of_what_it_guards() {
        let guarded =
            |access, policy| Policy::new([(Class::Access, access), (Class::Policy, policy)]).check();
        let closure = |class| Err((class, RuleFault::Closure));
        let (t, c, a) = (Role::Technical, Role::Compliance, Role::Auditor);
        assert_eq!(guarded(rule(2, &[(t, 0), (c, 0)]), rule(2, &[(a, 0)])), closure(Class::Access));
        let with_auditors = rule(3, &[(t, 1), (c, 1), (a, 0)]);
        assert_eq!(guarded(rule(3, TWO), with_auditors.clone()), closure(Class::Access));
        assert_eq!(guarded(with_auditors.clone(), with_auditors), Ok(()));
        let by_technicians = Rule { requester: t, ..rule(2, TWO) };
        assert_eq!(guarded(rule(2, TWO), by_technicians.clone()), closure(Class::Access));
        assert_eq!(guarded(by_technicians.clone(), by_technicians), Ok(()));
    }

    #[test]
    fn a_policy_can_be_met_where_everybody_finds_a_place() {
        let policy = Policy::new([(Class::Access, rule(2, TWO))]);
        let met = |people: &[&[Role]]| {
            let person = |n: usize| PersonId(Hash([u8::try_from(n).unwrap(); 32]));
            let roles = people.iter().map(|roles| Roles::of(roles.iter().copied()));
            policy.can_be_met(&roles.enumerate().map(|(n, roles)| (person(n), roles)).collect())
        };
        let (a, t, c) = (Role::Admin, Role::Technical, Role::Compliance);
        assert!(met(&[&[a], &[t], &[c]]));
        assert!(met(&[&[a], &[t, c], &[t]]), "whoever has both roles moves up");
        assert!(met(&[&[a], &[t], &[t, c]]));
        assert!(!met(&[&[a], &[t], &[t]]) && !met(&[&[a], &[t, c]]) && !met(&[&[t], &[c]]));
        assert!(!met(&[&[a, t], &[c]]), "the requester does not count");
        assert!(met(&[&[a, t], &[c, a], &[t]]));
    }

    #[test]
    fn a_policy_has_one_encoding() {
        let policy = Policy::new([(Class::Access, rule(2, TWO)), (Class::Policy, rule(3, TWO))]);
        let bytes = policy.to_bytes();
        assert_eq!(Policy::from_bytes(&bytes), Ok(policy.clone()));
        assert!(bytes.len() <= Policy::MAX_LENGTH);
        let mut swapped =
            policy.0.iter().rev().fold(2u32.to_le_bytes().to_vec(), |mut out, (class, rule)| {
                class.encode(&mut out);
                rule.encode(&mut out);
                out
            });
        assert_eq!(Policy::from_bytes(&swapped), Err(Malformed::Field("rules")));
        swapped.push(0);
        assert!(Policy::from_bytes(&swapped).is_err());
    }
}
