//! Who joined, left or changed where the validator set changes? Both sets are verified; members are
//! compared by name, where that is proven, else by key.

use std::collections::BTreeMap;

use qratum_chain::types::{Validator, ValidatorSet};
use qratum_light_node::Names;
use qratum_verifier::Trusted;
use qratum_widgets::SafeText;
use serde::Serialize;

use super::SCHEMA;
use crate::time;

/// Another set certifies blocks from here on, as `--json` prints it.
#[derive(Debug, Serialize)]
pub(in crate::command) struct SetEvent {
    schema: &'static str,
    event: &'static str,
    set_id: u64,
    /// The first head of it that was verified here.
    height: u64,
    joined: Vec<MemberJson>,
    left: Vec<MemberJson>,
    changed: Vec<ChangeJson>,
    total: u128,
    at_ms: u64,
}

/// A member that was not there before, or is not there any more.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct MemberJson {
    validator: String,
    operator: Option<String>,
    power: u64,
}

/// A member with another key, or with other power.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct ChangeJson {
    validator: String,
    new_key: bool,
    power_before: u64,
    power: u64,
}

impl SetEvent {
    /// From the set of one head to that of a later one.
    pub(in crate::command) fn of(before: &ValidatorSet, head: &Trusted, names: &Names) -> Self {
        let (header, set) = (head.header().get(), head.validators());
        let (old, new) = (named(before, names), named(set, names));
        let apart = |these: &BTreeMap<String, &Validator>, others: &BTreeMap<String, &Validator>| {
            let only = these.iter().filter(|(name, _)| !others.contains_key(*name));
            only.map(|(name, member)| MemberJson {
                validator: name.clone(),
                operator: names.operator(&member.pubkey).map(str::to_owned),
                power: member.power,
            })
            .collect()
        };
        let change = |(name, now): (&String, &&Validator)| {
            let was = old.get(name)?;
            let change = ChangeJson {
                validator: name.clone(),
                new_key: was.pubkey != now.pubkey,
                power_before: was.power,
                power: now.power,
            };
            (change.new_key || was.power != now.power).then_some(change)
        };
        Self {
            schema: SCHEMA,
            event: "set",
            set_id: header.set_id.0,
            height: header.height.0,
            joined: apart(&new, &old),
            left: apart(&old, &new),
            changed: new.iter().filter_map(change).collect(),
            total: set.total_power(),
            at_ms: time::now().0,
        }
    }

    pub(super) fn line(&self) -> String {
        let mut parts = vec![format!("set {} from height {}", self.set_id, self.height)];
        for (word, members) in [("joined", &self.joined), ("left", &self.left)] {
            let told = |member: &MemberJson| {
                format!("{word} {} ({})", SafeText::name(&member.validator), member.power)
            };
            parts.extend(members.iter().map(told));
        }
        parts.extend(self.changed.iter().map(ChangeJson::line));
        parts.push(format!("{} power", self.total));
        parts.join(", ")
    }
}

impl ChangeJson {
    fn line(&self) -> String {
        let Self { validator, new_key, power_before, power } = self;
        let validator = SafeText::name(validator);
        let key = if *new_key { " has a new key" } else { "" };
        if power_before == power {
            return format!("{validator}{key}");
        }
        format!("{validator}{key} {power_before} -> {power}")
    }
}

fn named<'a>(set: &'a ValidatorSet, names: &Names) -> BTreeMap<String, &'a Validator> {
    set.members().iter().map(|member| (names.called(&member.pubkey), member)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> SetEvent {
        let member = |name: &str, power| MemberJson {
            validator: name.to_owned(),
            operator: Some("acme".to_owned()),
            power,
        };
        let change = |name: &str, new_key, power| ChangeJson {
            validator: name.to_owned(),
            new_key,
            power_before: 25,
            power,
        };
        SetEvent {
            schema: SCHEMA,
            event: "set",
            set_id: 3,
            height: 61,
            joined: vec![member("centre", 10)],
            left: vec![member("west", 20)],
            changed: vec![change("east", true, 25), change("south", false, 23)],
            total: 88,
            at_ms: 1_795_306_067_490,
        }
    }

    #[test]
    fn a_set_change_names_who_joined_left_and_changed() {
        let line = "set 3 from height 61, joined centre (10), left west (20), east has a new key, \
                    south 25 -> 23, 88 power";
        assert_eq!(event().line(), line);
        let sample = include_str!("../../../tests/data/event-set.json");
        assert_eq!(serde_json::to_string(&event()).unwrap(), sample.trim_end());
    }
}
