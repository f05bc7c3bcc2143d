//! Which bytes make the changed cells appear? Positions, styles and characters, and nothing that a
//! terminal would obey: a cell that holds more than a character to draw is drawn as `?`.
//!
//! This is the last door: text from outside is made harmless long before it. The door holds when
//! somebody forgot.

use std::io;

use qratum_themes::Glyphs;
use qratum_widgets::is_drawable;
use ratatui::{
    backend::{Backend, ClearType, WindowSize},
    buffer::{Buffer, Cell, CellWidth as _},
    layout::{Position, Rect, Size},
};

use super::{encoder::Encoder, pen::Pen};

/// Drawn in the place of what may not be.
const REFUSED: &str = "?";
/// A frame of more bytes may be shorter when it starts from an empty screen.
const LARGE: usize = 512;

/// With so few cells, a frame may be shorter when cells of one style are drawn one after the other.
const FEW: usize = 256;

/// Makes the bytes of a frame; knows what the terminal was left with after the last one.
#[derive(Clone)]
pub(super) struct GuardBackend {
    glyphs: Glyphs,
    /// What the terminal shows when it has everything.
    shown: Buffer,
    encoder: Encoder,
    cursor: &'static str,
    cursor_shown: bool,
}

impl GuardBackend {
    pub(super) fn new(glyphs: Glyphs, size: Size) -> Self {
        let shown = Buffer::empty(Rect::from((Position::ORIGIN, size)));
        Self { glyphs, shown, encoder: Encoder::default(), cursor: "", cursor_shown: false }
    }

    /// The window has this size; nothing is known of what it shows, where that is another.
    pub(super) fn resize(&mut self, size: Size) {
        if self.shown.area.as_size() != size {
            self.shown = Buffer::empty(Rect::from((Position::ORIGIN, size)));
        }
    }

    /// The terminal was set up anew.
    pub(super) fn forget(&mut self) {
        *self = Self::new(self.glyphs, self.shown.area.as_size());
    }

    /// The bytes of a frame; none when nothing changed.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        if self.encoder.len() > LARGE {
            self.shorten();
        }
        let cursor = std::mem::take(&mut self.cursor);
        self.encoder.take(cursor)
    }

    /// Draws everything on an empty screen, where that takes a good deal fewer bytes: what only
    /// disappears then costs nothing.
    fn shorten(&mut self) {
        let area = self.shown.area;
        let mut whole = Encoder::default();
        whole.large();
        whole.clear();
        let blank = Buffer::empty(area);
        for (at, cell) in area.positions().zip(&self.shown.content) {
            if !cell.symbol().is_empty() && *cell != Cell::EMPTY {
                whole.put(at, cell, &blank);
            }
        }
        if whole.len() < self.encoder.len() / 5 * 4 {
            self.encoder = whole;
        }
    }

    /// The same cells, of one style after the other; none where there are many, or wide ones, which are
    /// drawn over what lies beside them.
    fn by_style(&self, cells: &[(Position, Cell)]) -> Option<Vec<(Position, Cell)>> {
        let is_wide = |cell: &Cell| cell.symbol().cell_width() != 1;
        let shown = |at: Position| self.shown.cell(at).is_some_and(is_wide);
        if cells.len() > FEW || cells.iter().any(|(at, cell)| is_wide(cell) || shown(*at)) {
            return None;
        }
        let mut styles = vec![self.encoder.pen()];
        let mut style = 0;
        let mut place = |cell: &Cell| {
            let pen = Pen::of(cell);
            // A space that nobody sees is drawn with whatever comes before it.
            if *cell != Cell::EMPTY || styles.get(style).is_some_and(|pen| pen.is_seen()) {
                style = styles.iter().position(|known| *known == pen).unwrap_or(styles.len());
                if style == styles.len() {
                    styles.push(pen);
                }
            }
            style
        };
        let mut placed: Vec<_> = cells.iter().map(|(at, cell)| (place(cell), *at, cell.clone())).collect();
        placed.sort_by_key(|(style, ..)| *style);
        Some(placed.into_iter().map(|(_, at, cell)| (at, cell)).collect())
    }

    fn put_all(&mut self, cells: Vec<(Position, Cell)>) {
        cells.into_iter().for_each(|(at, cell)| self.put(at, cell));
        self.encoder.finish(&self.shown);
    }

    fn put(&mut self, at: Position, drawn: Cell) {
        let Some(shown) = self.shown.cell(at).filter(|shown| **shown != drawn) else { return };
        let right = Position { x: at.x.saturating_add(1), y: at.y };
        let (was, is) = (shown.symbol().cell_width() > 1, drawn.symbol().cell_width() > 1);
        self.encoder.put(at, &drawn, &self.shown);
        if let Some(shown) = self.shown.cell_mut(at) {
            *shown = drawn;
        }
        if (was || is)
            && let Some(shown) = self.shown.cell_mut(right)
        {
            *shown = half();
        }
        if was && !is {
            // What becomes of the other half is the terminal's own affair.
            self.put(right, Cell::EMPTY);
        }
    }

    /// A cell as it is drawn. A space that nobody sees has no style.
    fn drawn(&self, cell: &Cell) -> Cell {
        let mut drawn = cell.clone();
        if !is_drawable(cell.symbol()) || (self.glyphs == Glyphs::Ascii && !cell.symbol().is_ascii()) {
            drawn.set_symbol(REFUSED);
        }
        if drawn.symbol() == " " && !Pen::of(&drawn).is_seen() { Cell::EMPTY } else { drawn }
    }
}

/// The half of a wide character that the cell before holds.
fn half() -> Cell {
    let mut half = Cell::EMPTY;
    half.set_symbol("");
    half
}

impl Backend for GuardBackend {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let drawn = content.map(|(x, y, cell)| (Position { x, y }, self.drawn(cell)));
        let changed = drawn.filter(|(at, cell)| self.shown.cell(*at).is_some_and(|shown| shown != cell));
        let cells: Vec<(Position, Cell)> = changed.collect();
        if cells.len() > FEW {
            self.encoder.large();
        }
        let by_style = self.by_style(&cells).map(|cells| {
            let mut other = self.clone();
            other.put_all(cells);
            other
        });
        self.put_all(cells);
        if let Some(other) = by_style.filter(|other| other.encoder.len() < self.encoder.len()) {
            *self = other;
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.cursor_shown) {
            self.cursor = "\x1b[?25l";
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.cursor_shown, true) {
            self.cursor = "\x1b[?25h";
        }
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        // A terminal is never asked: its answer may come late, as keys.
        Ok(self.encoder.at().unwrap_or(Position::ORIGIN))
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.encoder.go_to(position.into());
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        if region != ClearType::All {
            return Err(io::ErrorKind::Unsupported.into());
        }
        self.encoder.clear();
        self.shown.reset();
        Ok(())
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.shown.area.as_size())
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.shown.area.as_size(), pixels: Size::ZERO })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
