//! Carries what nodes send one another, through the weather.

use std::collections::{BTreeMap, BTreeSet};

use qratum_chain::types::Height;

use super::dice::Dice;
use crate::{block::Decided, message::Message, snapshot::Page};

/// What the network does to messages on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// One in so many is lost; none where it is 0.
    pub loses_one_in: u64,
    /// The longest that one travels, in milliseconds.
    pub slowest_ms: u64,
}

impl Weather {
    /// Nothing is lost and all is fast.
    pub const FAIR: Self = Self { loses_one_in: 0, slowest_ms: 20 };
}

/// What one node sends another, with the sender.
#[derive(Debug)]
pub(super) enum Letter {
    PeerUp(usize),
    Message(usize, Message),
    Wanted(usize, Height),
    Blocks(usize, Vec<Decided>),
    PageWanted(usize, u64, u32),
    Page(usize, Page),
}

impl Letter {
    const fn from(&self) -> usize {
        match self {
            Self::PeerUp(from)
            | Self::Message(from, _)
            | Self::Wanted(from, _)
            | Self::Blocks(from, _)
            | Self::PageWanted(from, ..)
            | Self::Page(from, _) => *from,
        }
    }
}

/// All letters under way.
#[derive(Debug)]
pub(super) struct Post {
    /// By time of arrival, then in the order of sending.
    letters: BTreeMap<(u64, u64), (usize, Letter)>,
    sent: u64,
    pub(super) dice: Dice,
    pub(super) weather: Weather,
    /// Nothing goes between these and all others.
    pub(super) cut_off: BTreeSet<usize>,
}

impl Post {
    pub(super) const fn new(dice: Dice) -> Self {
        Self { letters: BTreeMap::new(), sent: 0, dice, weather: Weather::FAIR, cut_off: BTreeSet::new() }
    }

    pub(super) fn send(&mut self, to: usize, letter: Letter, now_ms: u64) {
        let apart = self.cut_off.contains(&to) != self.cut_off.contains(&letter.from());
        let lost = self.dice.one_in(self.weather.loses_one_in) && !matches!(letter, Letter::PeerUp(_));
        let travels = self.dice.below(self.weather.slowest_ms).saturating_add(1);
        if !apart && !lost {
            self.sent = self.sent.saturating_add(1);
            self.letters.insert((now_ms.saturating_add(travels), self.sent), (to, letter));
        }
    }

    /// When the next letter arrives.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.letters.first_key_value().map(|((at_ms, _), _)| *at_ms)
    }

    /// The next letter that has arrived.
    pub(super) fn take(&mut self, now_ms: u64) -> Option<(usize, Letter)> {
        self.next_ms().filter(|at_ms| *at_ms <= now_ms)?;
        self.letters.pop_first().map(|(_, letter)| letter)
    }
}
