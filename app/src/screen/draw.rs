//! How does a table become cells of the terminal? A heading says what the facts below are worth; of
//! the rows only those in sight are made.

use qratum_themes::{Glyphs, Theme, Tone};
use qratum_widgets::{Column, PowerBar, TableCell, WindowTable, window};
use ratatui::{Frame, layout::Rect, text::Line};

use super::{
    ink::{fitted, heading, parts, width_of},
    page::{Cell, Kept, Piece, Table, Text},
};
use crate::model::{Cursor, Worth};

/// Columns in front of a row: the sign of the cursor.
const MARGIN: u16 = 1;

/// No bar is longer: more of it says no more, and a slow line carries three bytes for each column.
/// Its two thirds are 18, and three of four are seen beyond them.
const BAR: u16 = 27;

/// Where and how to draw.
pub(crate) struct Pen<'a, 'b> {
    pub(crate) theme: &'a Theme,
    pub(crate) frame: &'a mut Frame<'b>,
}

/// Rows of a table with its heading and titles, when all of them are to be seen.
pub(crate) fn height(table: &Table<'_>) -> u16 {
    let rows = u16::try_from(table.len).unwrap_or(u16::MAX);
    rows.saturating_add(u16::from(has_heading(table))).saturating_add(u16::from(has_titles(table)))
}

fn has_heading(table: &Table<'_>) -> bool {
    !table.heading.is_empty() || table.worth.is_some()
}

fn has_titles(table: &Table<'_>) -> bool {
    table.columns.iter().any(Column::has_title)
}

impl Pen<'_, '_> {
    /// Draws a table that no key goes to.
    pub(crate) fn table(&mut self, table: &Table<'_>, area: Rect) {
        self.list(table, (&Cursor::default(), false), area);
    }

    /// Draws a list, filtered and sorted as its cursor says; where keys go to it, the row that the cursor
    /// is on is in sight.
    pub(crate) fn list(&mut self, table: &Table<'_>, (cursor, has_keys): (&Cursor, bool), area: Rect) {
        let kept = table.kept(cursor);
        let above = u16::from(has_heading(table)).min(area.height);
        let below =
            Rect { y: area.y.saturating_add(above), height: area.height.saturating_sub(above), ..area };
        let titles = u16::from(has_titles(table)).min(below.height);
        let rows =
            Rect { y: below.y.saturating_add(titles), height: below.height.saturating_sub(titles), ..below };
        let selected = Some(cursor.row).filter(|row| has_keys && !table.one && *row < kept.len());
        let first = window(kept.len(), selected, rows.height);
        #[cfg(test)]
        audit::note(&table.heading);
        if above > 0 {
            self.heading(table, (&kept, first, rows.height), Rect { height: above, ..area });
        }
        let (columns, theme) = (&table.marked(cursor), self.theme);
        let row = |place: usize| {
            let cells = kept.row(place).map(|row| (table.row)(row)).unwrap_or_default();
            cells.into_iter().map(|it| cell(theme, table.worth, it)).collect()
        };
        let widget = WindowTable { columns, rows: kept.len(), selected, row, theme };
        let x = below.x.saturating_add(MARGIN);
        self.frame.render_widget(widget, Rect { x, width: below.width.saturating_sub(MARGIN), ..below });
        self.finish(table, (selected, first), rows);
        if table.one && has_keys {
            self.point(area);
        }
    }

    /// What there is, which part of it is in sight, and what it is worth.
    fn heading(&mut self, table: &Table<'_>, (kept, first, room): (&Kept, usize, u16), row: Rect) {
        let all = kept.len();
        let shown = all.saturating_sub(first).min(room.into());
        let text = if shown < all || all < table.len {
            let from = if shown == 0 { 0 } else { first.saturating_add(1) };
            let of = if all < table.len { format!("{all} of {}", table.len) } else { all.to_string() };
            format!(" rows {from}-{} of {of} ", first.saturating_add(shown))
        } else {
            String::new()
        };
        let width = u16::try_from(text.len()).unwrap_or(u16::MAX).min(row.width);
        let room = row.width.saturating_sub(width).saturating_sub(MARGIN);
        let line = fitted(self.theme, heading(self.theme, table), room.into());
        self.frame.render_widget(line, Rect { x: row.x.saturating_add(MARGIN), width: room, ..row });
        let at = Rect { x: row.right().saturating_sub(width), width, ..row };
        self.frame.render_widget(Line::styled(text, self.theme.tone(Tone::Quiet)), at);
    }

    /// The sign of the cursor, in the first row of an area.
    fn point(&mut self, area: Rect) {
        let sign = if self.theme.glyphs() == Glyphs::Ascii { ">" } else { "▸" };
        let at = Rect { width: area.width.min(1), height: area.height.min(1), ..area };
        self.frame.render_widget(Line::raw(sign), at);
    }

    /// What is stale looks so, and the cursor is seen without color.
    fn finish(&mut self, table: &Table<'_>, (selected, first): (Option<usize>, usize), rows: Rect) {
        if let Some(worth @ Worth::Stale(_)) = table.worth {
            let filled = u16::try_from(table.len).unwrap_or(u16::MAX).min(rows.height);
            let filled = Rect { height: filled, ..rows };
            self.frame.buffer_mut().set_style(filled, self.theme.mark_style(worth.mark()));
        }
        let row = selected.and_then(|row| rows.rows().nth(row.saturating_sub(first)));
        if let Some(row) = row {
            self.point(row);
        }
    }
}

/// A cell, with its bar over what room it leaves.
fn cell(theme: &Theme, worth: Option<Worth>, cell: Cell) -> TableCell<'_> {
    #[cfg(test)]
    audit::note(&cell);
    let bar = cell.iter().find_map(bar);
    let parts = parts(theme, cell, worth);
    let width = width_of(&parts);
    let make = move |room: u16| {
        let mut line = fitted(theme, parts, room.into());
        if let Some((part, whole, quorum_line)) = bar {
            let used = u16::try_from(line.width()).unwrap_or(u16::MAX).saturating_add(1);
            let bar = PowerBar { part, whole, quorum_line, theme };
            line.spans.extend(bar.line(room.saturating_sub(used).min(BAR)).spans);
        }
        line
    };
    TableCell::Made(width, Box::new(make))
}

fn bar(piece: &Piece) -> Option<(u128, u128, bool)> {
    match piece.text {
        Text::Bar { part, whole, line } => Some((part, whole, line)),
        _ => None,
    }
}

/// Everything that tables drew on this thread, for the test that no value of the chain is among what
/// has no worth.
#[cfg(test)]
pub(super) mod audit {
    use std::cell::RefCell;

    use super::{Cell, Piece};

    thread_local! {
        static DRAWN: RefCell<Vec<Piece>> = const { RefCell::new(Vec::new()) };
    }

    pub(super) fn note(cell: &Cell) {
        DRAWN.with_borrow_mut(|drawn| drawn.extend(cell.iter().cloned()));
    }

    /// What was drawn since this was asked last.
    pub(crate) fn take() -> Vec<Piece> {
        DRAWN.take()
    }
}
