//! Which bytes make the changed cells appear? Positions, styles and characters, and nothing that a
//! terminal would obey: a cell that holds more than a character to draw is drawn as `?`.
//!
//! This is the last door: text from outside is made harmless long before it. The door holds when
//! somebody forgot.

use std::{fmt::Write as _, io};

use qratum_themes::Glyphs;
use qratum_widgets::is_drawable;
use ratatui::{
    backend::{Backend, ClearType, WindowSize},
    buffer::Cell,
    layout::{Position, Size},
    style::{Color, Modifier},
};

const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";
/// Drawn in the place of what may not be.
const REFUSED: &str = "?";

/// Makes the bytes of a frame; knows what the terminal was left with after the last one.
pub(super) struct GuardBackend {
    glyphs: Glyphs,
    size: Size,
    frame: String,
    pen: Pen,
    /// Where the next character would appear; none when terminals disagree.
    at: Option<Position>,
    cursor_shown: bool,
}

impl GuardBackend {
    pub(super) const fn new(glyphs: Glyphs, size: Size) -> Self {
        Self { glyphs, size, frame: String::new(), pen: Pen::PLAIN, at: None, cursor_shown: false }
    }

    pub(super) const fn resize(&mut self, size: Size) {
        self.size = size;
    }

    /// The terminal was set up anew.
    pub(super) fn forget(&mut self) {
        *self = Self::new(self.glyphs, self.size);
    }

    /// The bytes of a frame, which the terminal shows at once; none when nothing changed.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        let frame = std::mem::take(&mut self.frame);
        (!frame.is_empty()).then(|| [BEGIN, frame.as_bytes(), END].concat())
    }

    fn put(&mut self, at: Position, cell: &Cell) {
        if self.at != Some(at) {
            self.go_to(at);
        }
        self.pen.become_like(cell, &mut self.frame);
        let symbol = Some(cell.symbol()).filter(|symbol| self.allows(symbol)).unwrap_or(REFUSED);
        self.frame.push_str(symbol);
        // How far terminals move on after wide and composed characters is their own affair, and at
        // the right edge they stay.
        let mut chars = symbol.chars();
        let simple = matches!((chars.next(), chars.next()), (Some(c), None) if is_narrow(c));
        let next = Position { x: at.x.saturating_add(1), y: at.y };
        self.at = Some(next).filter(|next| simple && next.x < self.size.width);
    }

    fn allows(&self, symbol: &str) -> bool {
        is_drawable(symbol) && (self.glyphs == Glyphs::Unicode || symbol.is_ascii())
    }

    fn go_to(&mut self, at: Position) {
        let (row, column) = (u32::from(at.y).saturating_add(1), u32::from(at.x).saturating_add(1));
        let _ = write!(self.frame, "\x1b[{row};{column}H");
        self.at = Some(at);
    }
}

/// ASCII, and the lines and blocks that drawings are made of.
const fn is_narrow(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{2500}'..='\u{259F}')
}

impl Backend for GuardBackend {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        for (x, y, cell) in content {
            self.put(Position { x, y }, cell);
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.cursor_shown) {
            self.frame.push_str("\x1b[?25l");
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.cursor_shown, true) {
            self.frame.push_str("\x1b[?25h");
        }
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        // A terminal is never asked: its answer may come late, as keys.
        Ok(self.at.unwrap_or(Position::ORIGIN))
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.go_to(position.into());
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        if region != ClearType::All {
            return Err(io::ErrorKind::Unsupported.into());
        }
        // Terminals clear with the pen's background.
        self.frame.push_str("\x1b[m\x1b[2J");
        (self.pen, self.at) = (Pen::PLAIN, None);
        Ok(())
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::ZERO })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The style that the terminal draws with.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Pen {
    foreground: Color,
    background: Color,
    modifier: Modifier,
}

impl Pen {
    const PLAIN: Self =
        Self { foreground: Color::Reset, background: Color::Reset, modifier: Modifier::empty() };

    /// Changes to the style of a cell, with as few codes as that takes.
    fn become_like(&mut self, cell: &Cell, out: &mut String) {
        let wanted = Self { foreground: cell.fg, background: cell.bg, modifier: cell.modifier };
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
