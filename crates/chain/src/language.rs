//! A policy as text that people write and read, in the manner of C2SP's tlog-policy: a line is a comment
//! (`#`), a `group` or a `quorum`.
//!
//! ```text
//! # Two people of two roles.
//! group engineers 1 technical
//! group lawyers 1 compliance
//! group both 2 engineers lawyers
//! quorum access both admin 10m
//! quorum policy both admin 24h
//! ```
//!
//! - `group NAME N ROLE`: people of this role, at least N approvals of them.
//! - `group NAME N GROUP ..`: N approvals of people of these groups, of each at least as many as it says.
//! - `quorum CLASS GROUP ROLE TIME`: an action of this class needs that group, is asked for by people of
//!   this role, and stays open so long (`ms`, `s`, `m` or `h`).
//!
//! A group is made of a role or of groups of roles that stand above it, so none can be part of itself.

mod explain;

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

pub use explain::{Approval, Explanation, explain};

use crate::types::{Class, Group, Policy, Role, Rule, RuleFault, is_name};

/// The longest text that is read, in bytes.
pub const MAX_LENGTH: usize = 64 << 10;

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The text is longer than [`MAX_LENGTH`], or has other characters than those of plain ASCII.
    Text,
    /// It starts with neither `group` nor `quorum`.
    Word,
    /// Not what such a line consists of.
    Form(&'static str),
    /// No name, or the name of a role.
    Name,
    /// The name of a group or the class stands above already.
    Twice,
    /// No group of this name stands above, or it is one of groups where one of a role is asked for.
    NoGroup(String),
    /// No such role.
    NoRole(String),
    /// No such class.
    NoClass(String),
    /// Not a number from 0 to 255.
    Number,
    /// Not a number with `ms`, `s`, `m` or `h`.
    Time,
    /// The rule for this class is none, or there is no rule for it.
    Rule(Class, RuleFault),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("the text must be plain ASCII of at most 65536 bytes"),
            Self::Word => f.write_str("a line starts with group, quorum or #"),
            Self::Form(form) => write!(f, "it must be: {form}"),
            Self::Name => f.write_str("a name is 1 to 32 of a-z, 0-9 and -, and no role"),
            Self::Twice => f.write_str("it stands above already"),
            Self::NoGroup(name) => write!(f, "no group of a role with the name {name:?} stands above"),
            Self::NoRole(word) => write!(f, "{word:?} is no role"),
            Self::NoClass(word) => write!(f, "{word:?} is no class of actions"),
            Self::Number => f.write_str("a number from 0 to 255 is needed"),
            Self::Time => f.write_str("a time is a number with ms, s, m or h: 10m"),
            Self::Rule(class, why) => write!(f, "the rule for {class}: {why}"),
        }
    }
}

/// Why a text is no policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    /// The line, from 1; 0: the text as a whole.
    pub line: usize,
    /// What is wrong with it.
    pub fault: Fault,
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => self.fault.fmt(f),
            line => write!(f, "line {line}: {}", self.fault),
        }
    }
}

/// So many approvals, of these roles at least so many each.
#[derive(Clone, Debug)]
struct Quota {
    threshold: u8,
    groups: Vec<Group>,
    /// Made of one role, and so fit to be part of another.
    single: bool,
}

/// What was read so far.
#[derive(Default)]
struct Sheet {
    groups: BTreeMap<String, Quota>,
    rules: BTreeMap<Class, (usize, Rule)>,
}

/// Reads a policy and checks it.
///
/// # Errors
/// [`TextError`], with the first line that is wrong.
pub fn read(text: &str) -> Result<Policy, TextError> {
    if text.len() > MAX_LENGTH || !text.is_ascii() {
        return Err(TextError { line: 0, fault: Fault::Text });
    }
    let mut sheet = Sheet::default();
    for (line, number) in text.lines().zip(1..) {
        let words: Vec<&str> = line.split('#').next().unwrap_or_default().split_ascii_whitespace().collect();
        let read = match words.as_slice() {
            [] => Ok(()),
            ["group", rest @ ..] => sheet.group(rest),
            ["quorum", rest @ ..] => sheet.quorum(number, rest),
            _ => Err(Fault::Word),
        };
        read.map_err(|fault| TextError { line: number, fault })?;
    }
    sheet.policy()
}

impl Sheet {
    fn group(&mut self, words: &[&str]) -> Result<(), Fault> {
        let [name, number, members @ ..] = words else { return Err(Fault::Form(GROUP)) };
        if !is_name(name) || Role::named(name).is_some() {
            return Err(Fault::Name);
        }
        let threshold = number.parse().map_err(|_| Fault::Number)?;
        let quota = match members {
            [] => return Err(Fault::Form(GROUP)),
            [word] if let Some(role) = Role::named(word) => {
                Quota { threshold, groups: vec![Group { role, least: threshold }], single: true }
            }
            parts => self.quota(threshold, parts)?,
        };
        match self.groups.insert((*name).to_owned(), quota) {
            None => Ok(()),
            Some(_) => Err(Fault::Twice),
        }
    }

    /// Of groups that stand above, in the order of their roles.
    fn quota(&self, threshold: u8, parts: &[&str]) -> Result<Quota, Fault> {
        let mut groups: Vec<Group> = Vec::new();
        for part in parts {
            let found = self.groups.get(*part).filter(|quota| quota.single);
            groups.extend(&found.ok_or_else(|| Fault::NoGroup((*part).to_owned()))?.groups);
        }
        groups.sort_by_key(|group| group.role);
        Ok(Quota { threshold, groups, single: false })
    }

    fn quorum(&mut self, line: usize, words: &[&str]) -> Result<(), Fault> {
        let [class, group, requester, lifetime] = words else { return Err(Fault::Form(QUORUM)) };
        let class = Class::named(class).ok_or_else(|| Fault::NoClass((*class).to_owned()))?;
        let quota = self.groups.get(*group).ok_or_else(|| Fault::NoGroup((*group).to_owned()))?.clone();
        let requester = Role::named(requester).ok_or_else(|| Fault::NoRole((*requester).to_owned()))?;
        let lifetime_ms = time(lifetime)?;
        let Quota { threshold, groups, .. } = quota;
        let rule = Rule { requester, threshold, groups, lifetime_ms };
        match self.rules.insert(class, (line, rule)) {
            None => Ok(()),
            Some(_) => Err(Fault::Twice),
        }
    }

    fn policy(self) -> Result<Policy, TextError> {
        let policy = Policy::new(self.rules.iter().map(|(class, (_, rule))| (*class, rule.clone())));
        policy.check().map_err(|(class, fault)| {
            let line = self.rules.get(&class).map_or(0, |(line, _)| *line);
            TextError { line, fault: Fault::Rule(class, fault) }
        })?;
        Ok(policy)
    }
}

const GROUP: &str = "group NAME NUMBER ROLE, or group NAME NUMBER GROUP ..";
const QUORUM: &str = "quorum CLASS GROUP ROLE TIME";

/// Units of time in milliseconds, the longest first.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

fn time(word: &str) -> Result<u64, Fault> {
    let digits = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
    let (number, unit) = word.split_at(digits);
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(Fault::Time)?;
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(*millis)).ok_or(Fault::Time)
}

/// A time in the longest unit that it is a number of.
#[must_use]
pub fn time_text(millis: u64) -> String {
    let whole = UNITS.iter().filter(|(_, unit)| millis > 0 && millis.is_multiple_of(*unit));
    let (name, unit) = whole.copied().next().unwrap_or(("ms", 1));
    format!("{}{name}", millis.checked_div(unit).unwrap_or_default())
}

/// A policy as text. [`read`] gives it back, if it passes [`Policy::check`].
#[must_use]
pub fn write(policy: &Policy) -> String {
    let mut singles = BTreeSet::new();
    let (mut groups, mut quorums) = (String::new(), String::new());
    for (class, rule) in policy.rules() {
        let name = |group: &Group| format!("{}-{}", group.role, group.least);
        singles.extend(rule.groups.iter().map(|group| (name(group), group.least, group.role)));
        let members: Vec<String> = rule.groups.iter().map(name).collect();
        groups.push_str(&format!("group for-{class} {} {}\n", rule.threshold, members.join(" ")));
        let (requester, lifetime) = (rule.requester, time_text(rule.lifetime_ms));
        quorums.push_str(&format!("quorum {class} for-{class} {requester} {lifetime}\n"));
    }
    let single = |(name, least, role)| format!("group {name} {least} {role}\n");
    let singles: String = singles.into_iter().map(single).collect();
    format!("{singles}{groups}{quorums}")
}

#[cfg(test)]
mod tests;
