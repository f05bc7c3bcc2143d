//! What was done before? Screens that were shown, and what was done by name.

use crate::action::Screen;

/// How many steps are kept.
const KEPT: usize = 32;

/// Screens that one came from, and those that one came back from.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Trail {
    past: Vec<Screen>,
    ahead: Vec<Screen>,
}

impl Trail {
    /// Another screen than `from` is shown.
    pub(super) fn leave(&mut self, from: Screen) {
        self.ahead.clear();
        push(&mut self.past, from);
    }

    /// The screen a step back from `from`, or forward again.
    pub(super) fn step(&mut self, from: Screen, back: bool) -> Option<Screen> {
        let Self { past, ahead } = self;
        let (here, there) = if back { (past, ahead) } else { (ahead, past) };
        let to = here.pop()?;
        push(there, from);
        Some(to)
    }
}

/// What was typed in the palette and done, the newest last.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Commands {
    done: Vec<String>,
    /// How far back one is looking.
    back: usize,
}

impl Commands {
    /// Keeps what was done; the same again moves to the front.
    pub(crate) fn keep(&mut self, text: &str) {
        self.done.retain(|done| done != text);
        push(&mut self.done, text.to_owned());
    }

    /// Looks from the newest on again.
    pub(crate) const fn begin(&mut self) {
        self.back = 0;
    }

    /// A step further back, or forward to what is not typed yet; none at either end.
    pub(crate) fn step(&mut self, back: bool) -> Option<String> {
        let at = if back { self.back.checked_add(1)? } else { self.back.checked_sub(1)? };
        let text = match at {
            0 => String::new(),
            at => self.done.get(self.done.len().checked_sub(at)?)?.clone(),
        };
        self.back = at;
        Some(text)
    }
}

fn push<T>(list: &mut Vec<T>, last: T) {
    if list.len() >= KEPT {
        list.remove(0);
    }
    list.push(last);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_kept_once_and_has_two_ends() {
        let mut commands = Commands::default();
        assert_eq!(commands.step(true), None);
        for text in ["peers", "logs", "peers"] {
            commands.keep(text);
        }
        let step = |commands: &mut Commands, back| commands.step(back).unwrap_or_else(|| "-".to_owned());
        assert_eq!([true, true, true].map(|back| step(&mut commands, back)), ["peers", "logs", "-"]);
        assert_eq!([false, false, false].map(|back| step(&mut commands, back)), ["peers", "", "-"]);
    }

    #[test]
    fn screens_are_walked_back_and_forward_until_another_is_shown() {
        let mut trail = Trail::default();
        assert_eq!(trail.step(Screen::Logs, true), None);
        trail.leave(Screen::Overview);
        trail.leave(Screen::Peers);
        assert_eq!(trail.step(Screen::Logs, true), Some(Screen::Peers));
        assert_eq!(trail.step(Screen::Peers, true), Some(Screen::Overview));
        assert_eq!(trail.step(Screen::Overview, false), Some(Screen::Peers));
        trail.leave(Screen::Peers);
        assert_eq!(trail.step(Screen::Consensus, false), None);
        (0..100).for_each(|_| trail.leave(Screen::Logs));
        assert_eq!(trail.past.len(), KEPT);
    }
}
