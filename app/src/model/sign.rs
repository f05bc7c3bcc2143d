//! Signing, as a machine without a clock, a screen or a key: keys and news go in with their time, and
//! what is to be done comes out. Nothing but the whole ceremony leads to a signature.

use qratum_chain::types::Time;

use super::sheet::Sheet;
use crate::{
    acting::ceremony::{Event, Touch},
    action::Key,
};

/// No key counts for so long after what is shown has changed: it was meant for what stood there before.
const STILL_MS: u64 = 400;
/// No hand types faster, but a paste and a key that is held down do.
const HAND_MS: u64 = 40;
/// A key that is held down comes back at least as often, from its second return on; a hand that means it
/// twice takes longer.
const REPEAT_MS: u64 = 150;
/// Its first return may take so long. So no button is chosen or pressed by the same key within that time.
const FIRST_REPEAT_MS: u64 = 700;

/// The dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sign {
    /// What would be signed.
    pub(crate) sheet: Box<Sheet>,
    pub(crate) stage: Stage,
    /// What was typed of the last group of the digest.
    pub(crate) typed: String,
    pub(crate) focus: Focus,
    /// The first line in sight.
    pub(crate) top: usize,
    /// So many lines from the first on have been on screen.
    pub(crate) seen: usize,
    /// So many lines there are, and so many are in sight.
    pub(crate) pages: (usize, usize),
    /// The width that they were cut for.
    width: u16,
    /// So many characters of the PIN are typed.
    pub(crate) pin: usize,
    /// Words that only this key with this biokey brings about.
    pub(crate) words: Option<String>,
    /// Until then the biokey is open.
    pub(crate) open_until: Option<Time>,
    /// When what is shown changed last.
    changed: Time,
    /// The key that came last, and when.
    last: Option<(Key, Time)>,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It is being read.
    Review,
    /// The ceremony has begun, and says nothing yet.
    Begun,
    /// The PIN is typed, out of sight of this machine.
    Pin { tries: Option<u8> },
    /// The security key waits for a touch.
    Touch { n: u8, of: u8, why: Touch },
    /// The biokey is open: are the words right?
    Confirm,
    /// Both factors are there.
    Signed,
    /// So many validators took it.
    Sent { to: usize },
    /// It stands, and is proven.
    Done(String),
    /// It ended before that. The sentence says whether anything was signed or sent.
    Failed(String),
}

/// Which button Enter presses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Focus {
    Cancel,
    Act,
}

/// What a key brings about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Nothing outside the dialog.
    Nothing,
    /// The ceremony begins.
    Begin,
    /// The words are right: on with it.
    Go,
    /// The ceremony ends without a signature, and the dialog with it.
    Cancel,
    /// The dialog closes: there is no ceremony, or it is over.
    Close,
}

impl Sign {
    /// Opens the dialog.
    pub(crate) fn new(sheet: Sheet, now: Time) -> Self {
        Self {
            sheet: Box::new(sheet),
            stage: Stage::Review,
            typed: String::new(),
            focus: Focus::Cancel,
            top: 0,
            seen: 0,
            pages: (0, 0),
            width: 0,
            pin: 0,
            words: None,
            open_until: None,
            changed: now,
            last: None,
        }
    }

    /// So many lines there are at this width, and so many fit in sight. At another width they are cut
    /// elsewhere, so reading begins again.
    pub(crate) fn laid_out(&mut self, (lines, room): (usize, usize), width: u16) {
        if (self.pages.0, self.width) != (lines, width) {
            (self.width, self.top, self.seen) = (width, 0, 0);
        }
        self.pages = (lines, room);
        self.top = self.top.min(lines.saturating_sub(room));
        self.look();
    }

    /// What is in sight has been seen, if all above it has.
    fn look(&mut self) {
        let (lines, room) = self.pages;
        if self.top <= self.seen {
            self.seen = self.seen.max(self.top.saturating_add(room).min(lines));
        }
    }

    /// Whether all of it was on screen.
    pub(crate) const fn is_read(&self) -> bool {
        self.seen >= self.pages.0 && self.pages.1 > 0
    }

    /// Whether the last group of the digest was typed.
    pub(crate) fn is_typed(&self) -> bool {
        self.typed == self.sheet.last_group()
    }

    /// Whether the button that acts does something.
    pub(crate) fn may_act(&self) -> bool {
        match self.stage {
            Stage::Review => self.is_read() && self.is_typed(),
            Stage::Confirm => self.words.is_some(),
            _ => false,
        }
    }

    /// Whether it is signed, and not over yet: closing takes nothing back.
    pub(crate) const fn is_signed(&self) -> bool {
        matches!(self.stage, Stage::Signed | Stage::Sent { .. })
    }

    /// Whether what it rests on matters no more.
    pub(crate) const fn is_settled(&self) -> bool {
        matches!(self.stage, Stage::Signed | Stage::Sent { .. } | Stage::Done(_) | Stage::Failed(_))
    }

    const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Review | Stage::Done(_) | Stage::Failed(_))
    }

    /// Whether a key that comes now was meant for what is shown, and by a hand.
    fn counts(&mut self, key: Key, now: Time) -> bool {
        let since = |then: Time| now.0.saturating_sub(then.0);
        let before = self.last.replace((key, now));
        let presses = matches!(key, Key::Tab | Key::BackTab | Key::Enter);
        let least = |other: Key| match (other == key, presses) {
            (false, _) => HAND_MS,
            (true, false) => REPEAT_MS,
            (true, true) => FIRST_REPEAT_MS,
        };
        let by_hand = before.is_none_or(|(other, then)| since(then) >= least(other));
        by_hand && since(self.changed) >= STILL_MS
    }

    /// A key was pressed. To leave is always possible, also by mistake: nothing comes of that.
    pub(crate) fn key(&mut self, key: Key, now: Time) -> Told {
        let leave = if self.is_over() || self.is_signed() { Told::Close } else { Told::Cancel };
        if key == Key::Ctrl('c') {
            return leave;
        }
        if !self.counts(key, now) {
            return Told::Nothing;
        }
        match key {
            Key::Enter if self.focus == Focus::Act && self.may_act() => return self.act(now),
            Key::Enter | Key::Esc => return leave,
            Key::Tab | Key::BackTab => {
                let act = self.may_act() && self.focus == Focus::Cancel;
                self.focus = if act { Focus::Act } else { Focus::Cancel };
            }
            Key::Down | Key::PageDown | Key::Char(' ') | Key::Up | Key::PageUp | Key::Home => {
                self.scroll(key);
            }
            Key::Backspace => self.typing(|typed| {
                typed.pop();
            }),
            Key::Char(c) if c.is_ascii_hexdigit() => self.typing(|typed| {
                if typed.len() < 4 {
                    typed.push(c.to_ascii_lowercase());
                }
            }),
            _ => {}
        }
        Told::Nothing
    }

    fn typing(&mut self, change: impl FnOnce(&mut String)) {
        if self.stage == Stage::Review {
            change(&mut self.typed);
            self.focus = Focus::Cancel;
        }
    }

    fn scroll(&mut self, key: Key) {
        let (lines, room) = self.pages;
        let last = lines.saturating_sub(room);
        self.top = match key {
            Key::Down => self.top.saturating_add(1),
            Key::Up => self.top.saturating_sub(1),
            Key::PageUp => self.top.saturating_sub(room),
            Key::Home => 0,
            _ => self.top.saturating_add(room),
        }
        .min(last);
        self.look();
    }

    fn act(&mut self, now: Time) -> Told {
        let told = if self.stage == Stage::Review { Told::Begin } else { Told::Go };
        self.set(Stage::Begun, now);
        told
    }

    fn set(&mut self, stage: Stage, now: Time) {
        (self.stage, self.focus, self.pin, self.changed) = (stage, Focus::Cancel, 0, now);
    }

    /// The ceremony says something.
    pub(crate) fn event(&mut self, event: Event, now: Time) {
        match event {
            Event::Pin { tries } => self.set(Stage::Pin { tries }, now),
            Event::Touch { n, of, why } => self.set(Stage::Touch { n, of, why }, now),
            Event::Words(words) => {
                (self.words, self.changed) = (Some(words), now);
            }
            Event::BiokeyOpen { left } => {
                let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
                self.open_until = Some(now.plus(left));
                self.set(Stage::Confirm, now);
            }
            Event::Signed { .. } => {
                self.open_until = None;
                self.set(Stage::Signed, now);
            }
            Event::Sent { to } => self.set(Stage::Sent { to }, now),
            Event::Final { height } => {
                self.set(Stage::Done(format!("finalized and verified at height {height}")), now);
            }
            Event::Failed(why) => {
                (self.open_until, self.words) = (None, None);
                self.set(Stage::Failed(why), now);
            }
        }
    }
}

#[cfg(test)]
mod tests;
