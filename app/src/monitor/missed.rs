//! How many of the last heights did a validator of ours miss?
//!
//! A height counts as missed when the validator was called silent while it was the newest: no verified
//! vote of it from the last two decided heights on, by two peers at least. Certificates say less: they
//! close at two thirds, and who is well may be missing in one. Heights of which votes are not known
//! count neither way.

use std::collections::{BTreeMap, VecDeque};

use super::{
    code::Code,
    sight::{Finding, Sight, Watched, named},
};

/// Heights that are looked back at.
pub(super) const WINDOW: usize = 100;

/// Who took part in the last heights.
#[derive(Debug, Default)]
pub(super) struct Missed {
    height: u64,
    /// Whether each of ours was silent at that height, as far as it is known.
    newest: BTreeMap<String, bool>,
    /// The same for the heights before, oldest first.
    before: BTreeMap<String, VecDeque<bool>>,
}

impl Missed {
    /// Takes note of what is seen now of these validators.
    pub(super) fn note(&mut self, sight: &Sight, own: &[String]) {
        if sight.height > self.height {
            for (name, silent) in std::mem::take(&mut self.newest) {
                let window = self.before.entry(name).or_default();
                window.push_back(silent);
                let excess = window.len().saturating_sub(WINDOW);
                window.drain(..excess);
            }
            self.height = sight.height;
        }
        for member in sight.members.iter().flatten().filter(|member| own.contains(&member.name)) {
            self.newest.insert(member.name.clone(), member.silent);
        }
    }

    /// How many of the heights that were seen it missed, and how many those are; at most [`WINDOW`].
    pub(super) fn of(&self, name: &str) -> (usize, usize) {
        let window = self.before.get(name);
        let missed = window.map_or(0, |window| window.iter().filter(|silent| **silent).count());
        (missed, window.map_or(0, VecDeque::len))
    }

    /// Validators of ours that miss too much; and those of which it can neither be said that they do
    /// nor that they do not: between the limit and half of it.
    pub(super) fn findings(&self, watched: &Watched) -> (Vec<Finding>, Vec<String>) {
        let (mut found, mut between) = (Vec::new(), Vec::new());
        for name in &watched.own {
            let (missed, seen) = self.of(name);
            let most = usize::from(watched.missed);
            if missed >= most {
                let text = format!("missed {missed} of the last {seen} heights");
                found.push(Finding::new(Code::Missed, named(name), text));
            } else if missed > most / 2 {
                between.push(named(name));
            }
        }
        (found, between)
    }
}
