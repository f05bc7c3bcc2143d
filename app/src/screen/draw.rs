//! How does a table become cells of the terminal? Headings say what facts are worth, only visible
//! rows are made, and their widths alone decide the columns'.

use qratum_themes::{Glyphs, Theme, Tone};
use qratum_widgets::PowerBar;
use ratatui::{Frame, layout::Rect, text::Line};

use super::{
    ink::{Part, fitted, heading, parts, width_of},
    page::{Cell, Column, Kept, Piece, Table, Text, quiet},
};
use crate::model::{Cursor, Worth};

/// Columns in front of a row: the sign of the cursor.
const MARGIN: u16 = 1;
/// Columns between columns.
const GAP: u16 = 2;
/// No column but the last is wider.
const WIDEST: usize = 40;

/// Where and how to draw.
pub(crate) struct Pen<'a, 'b> {
    pub(crate) theme: &'a Theme,
    pub(crate) frame: &'a mut Frame<'b>,
}

/// Rows of a table with its heading and labels, when all of them are to be seen.
pub(crate) fn height(table: &Table<'_>) -> u16 {
    let rows = u16::try_from(table.len).unwrap_or(u16::MAX);
    rows.saturating_add(head_rows(table))
}

fn head_rows(table: &Table<'_>) -> u16 {
    u16::from(has_heading(table)).saturating_add(u16::from(has_labels(table)))
}

fn has_heading(table: &Table<'_>) -> bool {
    !table.heading.is_empty() || table.worth.is_some()
}

fn has_labels(table: &Table<'_>) -> bool {
    table.columns.iter().any(|column| !column.label.is_empty())
}

impl Pen<'_, '_> {
    /// Draws a table; with a cursor, the row it is on is in sight.
    pub(crate) fn table(&mut self, table: &Table<'_>, cursor: Option<&Cursor>, area: Rect) {
        let kept = table.kept(cursor.unwrap_or(&Cursor::default()));
        let mut rows = area.rows();
        let room = usize::from(area.height.saturating_sub(head_rows(table)));
        let first = first(kept.len(), room, cursor.map_or(0, |cursor| cursor.row));
        let shown: Vec<(usize, Vec<Cell>)> = (first..kept.len().min(first.saturating_add(room)))
            .filter_map(|place| Some((place, (table.row)(kept.row(place)?))))
            .collect();
        #[cfg(test)]
        audit::note(table, &shown);
        if has_heading(table)
            && let Some(row) = rows.next()
        {
            self.heading(table, (&kept, first, shown.len()), row);
        }
        let columns = columns(&table.columns, area.width);
        let lines: Vec<Vec<Vec<Part>>> =
            shown.iter().map(|(_, cells)| self.cells(table, cells, area.width)).collect();
        let widths = widths(&columns, &lines, area.width);
        if has_labels(table)
            && let Some(row) = rows.next()
        {
            let labels: Vec<Cell> = table.columns.iter().map(|column| vec![quiet(column.label)]).collect();
            self.row(&columns, &widths, &self.cells(table, &labels, area.width), row);
        }
        if table.one && cursor.is_some() {
            self.point(area);
        }
        for (((place, cells), lines), row) in shown.iter().zip(lines).zip(rows) {
            self.bar(&columns, &widths, (cells, &lines), row);
            self.row(&columns, &widths, &lines, row);
            self.finish(table, !table.one && cursor.is_some_and(|cursor| cursor.row == *place), row);
        }
    }

    /// What there is, which part of it is in sight, and what it is worth.
    fn heading(&mut self, table: &Table<'_>, (kept, first, shown): (&Kept, usize, usize), row: Rect) {
        let all = kept.len();
        let text = if shown < all || all < table.len {
            let from = if shown == 0 { 0 } else { first.saturating_add(1) };
            let of = if all < table.len { format!("{all} of {}", table.len) } else { all.to_string() };
            format!(" rows {from}-{} of {of} ", first.saturating_add(shown))
        } else {
            String::new()
        };
        let width = u16::try_from(text.len()).unwrap_or(u16::MAX).min(row.width);
        let room = row.width.saturating_sub(width).saturating_sub(MARGIN);
        let line = fitted(self.theme, &heading(self.theme, table, row.width), room.into());
        self.frame.render_widget(line, Rect { x: row.x.saturating_add(MARGIN), width: room, ..row });
        let at = Rect { x: row.right().saturating_sub(width), width, ..row };
        self.frame.render_widget(Line::styled(text, self.theme.tone(Tone::Quiet)), at);
    }

    fn cells(&self, table: &Table<'_>, cells: &[Cell], columns: u16) -> Vec<Vec<Part>> {
        cells.iter().map(|cell| parts(self.theme, cell, table.worth, columns)).collect()
    }

    fn row(&mut self, columns: &[(usize, Column)], widths: &[u16], lines: &[Vec<Part>], row: Rect) {
        let mut x = row.x.saturating_add(MARGIN);
        for ((index, column), width) in columns.iter().zip(widths) {
            let room = row.right().saturating_sub(x).min(*width);
            if let Some(parts) = lines.get(*index) {
                let line = fitted(self.theme, parts, room.into());
                let used = u16::try_from(line.width()).unwrap_or(u16::MAX);
                let shift = if column.right { room.saturating_sub(used) } else { 0 };
                let at = Rect { x: x.saturating_add(shift), width: room.saturating_sub(shift), ..row };
                self.frame.render_widget(line, at);
            }
            x = x.saturating_add(*width).saturating_add(GAP);
        }
    }

    /// A bar takes what room is left in its row.
    fn bar(
        &mut self,
        columns: &[(usize, Column)],
        widths: &[u16],
        (cells, lines): (&[Cell], &[Vec<Part>]),
        row: Rect,
    ) {
        let bar = |piece: &Piece| match piece.text {
            Text::Bar { part, whole, line } => Some((part, whole, line)),
            _ => None,
        };
        let (Some((index, _)), Some((_, before))) = (columns.last(), widths.split_last()) else { return };
        let Some((part, whole, quorum_line)) = cells.get(*index).and_then(|cell| cell.iter().find_map(bar))
        else {
            return;
        };
        let text = lines.get(*index).map_or(0, |parts| width_of(parts));
        let start = u16::try_from(text).unwrap_or(u16::MAX).saturating_add(MARGIN);
        let used = before.iter().fold(start, |sum, width| sum.saturating_add(*width).saturating_add(GAP));
        let at = Rect {
            x: row.x.saturating_add(used),
            width: row.width.saturating_sub(used).saturating_sub(1),
            ..row
        };
        self.frame.render_widget(PowerBar { part, whole, quorum_line, theme: self.theme }, at);
    }

    /// The sign of the cursor, in the first row of an area.
    fn point(&mut self, area: Rect) {
        let sign = if self.theme.glyphs() == Glyphs::Ascii { ">" } else { "▸" };
        let at = Rect { width: area.width.min(1), height: area.height.min(1), ..area };
        self.frame.render_widget(Line::raw(sign), at);
    }

    /// What is stale looks so, and the cursor is seen without color.
    fn finish(&mut self, table: &Table<'_>, selected: bool, row: Rect) {
        if let Some(worth @ Worth::Stale(_)) = table.worth {
            self.frame.buffer_mut().set_style(row, self.theme.mark_style(worth.mark()));
        }
        if selected {
            self.point(row);
            self.frame.buffer_mut().set_style(row, self.theme.tone(Tone::Bar));
        }
    }
}

/// The first row in sight: the cursor stands in the middle where it can.
fn first(len: usize, room: usize, cursor: usize) -> usize {
    cursor.saturating_sub(room / 2).min(len.saturating_sub(room))
}

/// The columns that this width has room for, with their places.
fn columns(all: &[Column], width: u16) -> Vec<(usize, Column)> {
    all.iter().copied().enumerate().filter(|(_, column)| width >= column.from).collect()
}

/// As wide as what is in sight; the last takes what is left.
fn widths(columns: &[(usize, Column)], rows: &[Vec<Vec<Part>>], width: u16) -> Vec<u16> {
    let last = columns.len().saturating_sub(1);
    let widest = |(place, (index, column)): (usize, &(usize, Column))| {
        if place == last {
            return width;
        }
        let cells = rows.iter().filter_map(|row| row.get(*index)).map(|parts| width_of(parts));
        let most = cells.chain([column.label.len()]).max().unwrap_or(0).min(WIDEST);
        u16::try_from(most).unwrap_or(u16::MAX)
    };
    columns.iter().enumerate().map(widest).collect()
}

/// Everything that tables drew on this thread, for the test that no value of the chain is among what
/// has no worth.
#[cfg(test)]
pub(super) mod audit {
    use std::cell::RefCell;

    use super::{Cell, Piece, Table};

    thread_local! {
        static DRAWN: RefCell<Vec<Piece>> = const { RefCell::new(Vec::new()) };
    }

    pub(super) fn note(table: &Table<'_>, rows: &[(usize, Vec<Cell>)]) {
        let cells = rows.iter().flat_map(|(_, cells)| cells).chain([&table.heading]);
        DRAWN.with_borrow_mut(|drawn| drawn.extend(cells.flatten().cloned()));
    }

    /// What was drawn since this was asked last.
    pub(crate) fn take() -> Vec<Piece> {
        DRAWN.take()
    }
}
