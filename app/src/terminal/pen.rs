//! Which codes change the style of what is drawn next? As few as that takes.

use std::fmt::Write as _;

use ratatui::{
    buffer::Cell,
    style::{Color, Modifier},
};

/// The style that the terminal draws with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pen {
    foreground: Color,
    background: Color,
    modifier: Modifier,
}

impl Default for Pen {
    fn default() -> Self {
        Self::PLAIN
    }
}

impl Pen {
    pub(super) const PLAIN: Self =
        Self { foreground: Color::Reset, background: Color::Reset, modifier: Modifier::empty() };

    /// The style of a cell.
    pub(super) const fn of(cell: &Cell) -> Self {
        Self { foreground: cell.fg, background: cell.bg, modifier: cell.modifier }
    }

    /// Whether a space in this style is seen, and so is what the terminal clears with it.
    pub(super) fn is_seen(self) -> bool {
        let lines = Modifier::REVERSED | Modifier::UNDERLINED | Modifier::CROSSED_OUT;
        self.background != Color::Reset || self.modifier.intersects(lines)
    }

    /// Changes to another style.
    pub(super) fn become_like(&mut self, wanted: Self, out: &mut String) {
        if *self == wanted {
            return;
        }
        out.push_str("\x1b[");
        let start = out.len();
        modifiers(self.modifier, wanted.modifier, out);
        if self.foreground != wanted.foreground {
            color(wanted.foreground, 30, out);
        }
        if self.background != wanted.background {
            color(wanted.background, 40, out);
        }
        // Every code ends in a separator; the last one becomes the end of the sequence.
        out.truncate(out.len().saturating_sub(usize::from(out.len() > start)));
        out.push('m');
        *self = wanted;
    }
}

/// What turns an attribute on and off.
const MODIFIERS: [(Modifier, u8, u8); 9] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::RAPID_BLINK, 6, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];

fn modifiers(from: Modifier, to: Modifier, out: &mut String) {
    let mut from = from;
    for (modifier, _, off) in MODIFIERS {
        if from.contains(modifier) && !to.contains(modifier) {
            let _ = write!(out, "{off};");
            // The same code turns off its neighbour.
            let gone = MODIFIERS.iter().filter(|(_, _, code)| *code == off);
            gone.for_each(|(modifier, _, _)| from.remove(*modifier));
        }
    }
    for (modifier, on, _) in MODIFIERS {
        if to.contains(modifier) && !from.contains(modifier) {
            let _ = write!(out, "{on};");
        }
    }
}

/// A color: `base` is 30 for the foreground and 40 for the background.
fn color(color: Color, base: u8, out: &mut String) {
    let plain = |number: u8| base.saturating_add(number);
    let bright = |number: u8| base.saturating_add(60).saturating_add(number);
    let code = match color {
        Color::Reset => plain(9),
        Color::Black => plain(0),
        Color::Red => plain(1),
        Color::Green => plain(2),
        Color::Yellow => plain(3),
        Color::Blue => plain(4),
        Color::Magenta => plain(5),
        Color::Cyan => plain(6),
        Color::Gray => plain(7),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
        Color::Indexed(index) => {
            let _ = write!(out, "{};5;{index};", plain(8));
            return;
        }
        Color::Rgb(red, green, blue) => {
            let _ = write!(out, "{};2;{red};{green};{blue};", plain(8));
            return;
        }
    };
    let _ = write!(out, "{code};");
}
