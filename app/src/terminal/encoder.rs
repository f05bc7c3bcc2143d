//! How do cells become bytes? In their order, with as few codes as positions and styles take, in
//! pieces that a terminal shows at once.

use std::fmt::Write as _;

use ratatui::{
    buffer::{Buffer, Cell},
    layout::Position,
};

use super::pen::Pen;

const BEGIN: &str = "\x1b[?2026h";
const END: &str = "\x1b[?2026l";
/// A frame of so few bytes, such as the clock, is seen at once as it is; bracketing it costs more than it.
const SMALL: usize = 48;
/// A piece of a large frame ends at the end of a row, once it has so many bytes: on a slow line the first
/// rows need not wait for the last.
const PIECE: usize = 256;
/// The same for the first piece, in which the effect of a key begins to be seen.
const FIRST: usize = 96;
/// What lies between two changes is drawn again, where that takes no more bytes than going there.
const GAP: u16 = 3;
/// More spaces than this are cleared instead.
const SPACES: u16 = 8;

/// The bytes of a frame, and what the terminal is left with behind them.
#[derive(Clone, Debug, Default)]
pub(super) struct Encoder {
    out: String,
    pen: Pen,
    /// Where the next character would appear; none when terminals disagree.
    at: Option<Position>,
    /// Spaces that nobody sees and that are still to be drawn: the first, and how many.
    spaces: Option<(Position, u16)>,
    /// Where the piece began.
    piece: usize,
    /// Whether the frame is a large one.
    large: bool,
}

impl Encoder {
    /// How many bytes there are.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    /// The style that it draws with.
    pub(super) const fn pen(&self) -> Pen {
        self.pen
    }

    /// Where the next character would appear.
    pub(super) const fn at(&self) -> Option<Position> {
        self.at
    }

    /// The frame, with what is to come last in it; none when there is nothing.
    pub(super) fn take(&mut self, last: &str) -> Option<Vec<u8>> {
        (self.piece, self.large) = (0, false);
        let out = std::mem::take(&mut self.out);
        let (begin, end) = if out.len() <= SMALL { ("", "") } else { (BEGIN, END) };
        (!out.is_empty() || !last.is_empty()).then(|| [begin, &out, last, end].concat().into_bytes())
    }

    /// A large frame begins.
    pub(super) const fn large(&mut self) {
        self.large = true;
    }

    /// Empties the screen.
    pub(super) fn clear(&mut self) {
        // Terminals clear with the pen's background.
        self.out.push_str("\x1b[m\x1b[2J");
        (self.pen, self.at, self.spaces) = (Pen::PLAIN, None, None);
    }

    /// Draws a cell, of which it is known that a terminal may draw it, upon what is shown.
    pub(super) fn put(&mut self, at: Position, cell: &Cell, shown: &Buffer) {
        if *cell == Cell::EMPTY {
            match &mut self.spaces {
                Some((from, count)) if from.y == at.y && from.x.saturating_add(*count) == at.x => {
                    *count = count.saturating_add(1);
                }
                _ => {
                    self.finish(shown);
                    self.spaces = Some((at, 1));
                }
            }
            return;
        }
        self.finish(shown);
        self.reach(at, shown);
        self.pen.become_like(Pen::of(cell), &mut self.out);
        self.push(cell.symbol(), shown);
    }

    /// Draws what is still to be drawn.
    pub(super) fn finish(&mut self, shown: &Buffer) {
        let Some((from, count)) = self.spaces.take() else { return };
        self.reach(from, shown);
        if self.pen.is_seen() {
            self.pen.become_like(Pen::PLAIN, &mut self.out);
        }
        if count > GAP && from.x.saturating_add(count) >= shown.area.width {
            self.out.push_str("\x1b[K");
        } else if count > SPACES {
            let _ = write!(self.out, "\x1b[{count}X");
        } else {
            (0..count).for_each(|_| self.push(" ", shown));
        }
    }

    /// Goes to a place.
    pub(super) fn go_to(&mut self, at: Position) {
        let most = if self.piece == 0 { FIRST } else { PIECE };
        let other_row = self.at.is_none_or(|from| from.y != at.y);
        if self.large && other_row && self.out.len().saturating_sub(self.piece) > most {
            self.out.push_str(END);
            self.out.push_str(BEGIN);
            self.piece = self.out.len();
        }
        let (row, column) = (u32::from(at.y).saturating_add(1), u32::from(at.x).saturating_add(1));
        let _ = match column {
            1 => write!(self.out, "\x1b[{row}H"),
            _ => write!(self.out, "\x1b[{row};{column}H"),
        };
        self.at = Some(at);
    }

    /// The same, from where the last character was drawn.
    fn reach(&mut self, at: Position, shown: &Buffer) {
        let Some(from) = self.at.filter(|from| from.y == at.y && from.x <= at.x) else {
            self.go_to(at);
            return;
        };
        let between = || (from.x..at.x).map(|x| shown.cell(Position { x, y: at.y }));
        match at.x.saturating_sub(from.x) {
            0 => {}
            1..=GAP if between().all(|cell| cell.is_some_and(|cell| self.can_repeat(cell))) => {
                let again: String = between().flatten().map(Cell::symbol).collect();
                self.out.push_str(&again);
            }
            1 => self.out.push_str("\x1b[C"),
            gap => drop(write!(self.out, "\x1b[{gap}C")),
        }
        self.at = Some(at);
    }

    /// Whether a cell is one byte with the pen as it is.
    fn can_repeat(&self, cell: &Cell) -> bool {
        let same = Pen::of(cell) == self.pen || *cell == Cell::EMPTY && !self.pen.is_seen();
        same && matches!(cell.symbol().as_bytes(), [_])
    }

    fn push(&mut self, symbol: &str, shown: &Buffer) {
        self.out.push_str(symbol);
        // How far terminals move on after wide and composed characters is their own affair, and at
        // the right edge they stay.
        let mut chars = symbol.chars();
        let simple = matches!((chars.next(), chars.next()), (Some(c), None) if is_narrow(c));
        let next = self.at.map(|at| Position { x: at.x.saturating_add(1), y: at.y });
        self.at = next.filter(|next| simple && next.x < shown.area.width);
    }
}

/// ASCII, and the lines and blocks that drawings are made of.
const fn is_narrow(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{2500}'..='\u{259F}')
}
