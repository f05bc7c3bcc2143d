//! Why approvals are enough, or are not, in words: by the rules that the ledger counts with.

use super::time_text;
use crate::types::{Class, Group, Policy, Role, Rule};

/// What somebody says to a request, or would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Who: the same word for the same person.
    pub person: String,
    /// In which role.
    pub role: Role,
}

/// Whether they are enough, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Whether the action is carried out.
    pub enough: bool,
    /// Why, a sentence each: what is asked for, what becomes of each approval, and what is missing.
    pub reasons: Vec<String>,
}

/// What becomes of a request of `requester`, for an action of `class`, which these approve in this order.
#[must_use]
pub fn explain(policy: &Policy, class: Class, requester: &str, said: &[Approval]) -> Explanation {
    let Some(rule) = policy.rule(class) else {
        let reasons = vec![format!("no rule allows anything of class {class}: it is denied")];
        return Explanation { enough: false, reasons };
    };
    let mut reasons = vec![asked(class, rule)];
    let mut counted: Vec<&Approval> = Vec::new();
    for approval in said {
        let (person, role) = (&approval.person, approval.role);
        match objection(rule, requester, &counted, approval) {
            None => {
                counted.push(approval);
                let (number, of) = (counted.len(), rule.threshold);
                reasons.push(format!("{person} as {role} counts: {number} of {of}"));
            }
            Some(why) => reasons.push(format!("{person} as {role} does not count: {why}")),
        }
    }
    let given: Vec<Role> = counted.iter().map(|approval| approval.role).collect();
    let enough = rule.is_met(&given);
    reasons.push(if enough { "enough: it is carried out".to_owned() } else { missing(rule, &given) });
    Explanation { enough, reasons }
}

/// Why an approval does not count, in the order in which the ledger asks.
fn objection(rule: &Rule, requester: &str, counted: &[&Approval], approval: &Approval) -> Option<String> {
    let given: Vec<Role> = counted.iter().map(|approval| approval.role).collect();
    if !rule.roles().holds(approval.role) {
        Some("the rule asks nobody of this role".to_owned())
    } else if approval.person == requester {
        Some("the same person asked for it".to_owned())
    } else if counted.iter().any(|other| other.person == approval.person) {
        Some("the same person approved it already".to_owned())
    } else if !rule.admits(&given, approval.role) {
        Some("only people of another role are still asked".to_owned())
    } else {
        None
    }
}

/// What a rule asks for.
fn asked(class: Class, rule: &Rule) -> String {
    let Rule { requester, threshold, groups, lifetime_ms } = rule;
    let least = |group: &Group| match group.least {
        0 => group.role.to_string(),
        least => format!("{} (at least {least})", group.role),
    };
    let roles: Vec<String> = groups.iter().map(least).collect();
    format!(
        "{class} needs the approvals of {threshold} people, none of them who asks for it, of: {}; \
        {requester} may ask, and it stays open for {}",
        roles.join(", "),
        time_text(*lifetime_ms)
    )
}

/// How many approvals are missing, and of which roles.
fn missing(rule: &Rule, given: &[Role]) -> String {
    let has = |role: Role| given.iter().filter(|one| **one == role).count();
    let lacking = |group: &Group| match usize::from(group.least).saturating_sub(has(group.role)) {
        0 => None,
        number => Some(format!("{number} {}", group.role)),
    };
    let number = usize::from(rule.threshold).saturating_sub(given.len());
    let of: Vec<String> = rule.groups.iter().filter_map(lacking).collect();
    let of = if of.is_empty() { String::new() } else { format!(", among them {}", of.join(" and ")) };
    format!("not enough: {number} more{of}")
}
