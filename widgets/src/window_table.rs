//! Which rows are in the window? A table of any length of which only the visible rows are made.

use qratum_themes::{Glyphs, Theme, Tone};
use ratatui_core::{
    buffer::Buffer,
    layout::{Alignment, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::Widget,
};

use crate::{SafeText, fit};

/// Columns between two columns.
const GAP: u16 = 2;
/// What a column that takes the rest is worth at least.
const LEAST_REST: u16 = 8;

/// One column: its heading, and how wide it gets.
///
/// A column is as wide as the widest of its visible cells and its heading. Where the window is too
/// narrow for all, the optional ones go, the last first; then the last ones are cut.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    title: &'a str,
    most: u16,
    alignment: Alignment,
    optional: bool,
    rest: bool,
    order: Option<Order>,
}

/// Which way rows are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The least first.
    Rising,
    /// The greatest first.
    Falling,
}

impl Order {
    /// The sign beside the title of the column that rows are sorted by.
    const fn sign(self, glyphs: Glyphs) -> &'static str {
        match (self, glyphs) {
            (Self::Rising, Glyphs::Unicode) => "▲",
            (Self::Falling, Glyphs::Unicode) => "▼",
            (Self::Rising, Glyphs::Ascii) => "^",
            (Self::Falling, Glyphs::Ascii) => "v",
        }
    }
}

impl<'a> Column<'a> {
    /// Text, aligned to the left.
    #[must_use]
    pub const fn text(title: &'a str) -> Self {
        Self { title, most: u16::MAX, alignment: Alignment::Left, optional: false, rest: false, order: None }
    }

    /// A number, aligned to the right.
    #[must_use]
    pub const fn number(title: &'a str) -> Self {
        Self { alignment: Alignment::Right, ..Self::text(title) }
    }

    /// Text that gets all the room that the others leave.
    #[must_use]
    pub const fn rest(title: &'a str) -> Self {
        Self { rest: true, ..Self::text(title) }
    }

    /// The same, never wider than this.
    #[must_use]
    pub const fn at_most(self, columns: u16) -> Self {
        Self { most: columns, ..self }
    }

    /// What stands above it; nothing, where it has no title.
    #[must_use]
    pub const fn title(&self) -> &'a str {
        self.title
    }

    /// Whether a title stands above it.
    #[must_use]
    pub const fn has_title(&self) -> bool {
        !self.title.is_empty()
    }

    /// The same, with a sign beside its title: rows are sorted by it.
    #[must_use]
    pub const fn sorted(self, order: Order) -> Self {
        Self { order: Some(order), ..self }
    }

    /// Its title, and the sign where rows are sorted by it.
    fn heading(&self, theme: &Theme) -> TableCell<'a> {
        match self.order {
            Some(order) => format!("{} {}", self.title, order.sign(theme.glyphs())).into(),
            None => self.title.into(),
        }
    }

    /// The same, left out of a window that is too narrow.
    #[must_use]
    pub const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }
}

/// What stands in one place of a table.
pub enum TableCell<'a> {
    /// Our own words, numbers and marks; cut with an ellipsis.
    Line(Line<'a>),
    /// The same in one style.
    Text(Span<'a>),
    /// A name from outside; cut so that it still differs from every other.
    Name(SafeText, Style),
    /// Anything that knows by itself what must stay: the columns it asks for, and what it becomes in
    /// as many as it gets.
    Made(usize, Box<dyn FnOnce(u16) -> Line<'a> + 'a>),
}

impl<'a> From<Line<'a>> for TableCell<'a> {
    fn from(line: Line<'a>) -> Self {
        Self::Line(line)
    }
}

impl<'a> From<Span<'a>> for TableCell<'a> {
    fn from(span: Span<'a>) -> Self {
        Self::Text(span)
    }
}

impl From<String> for TableCell<'_> {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl<'a> From<&'a str> for TableCell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

impl From<SafeText> for TableCell<'_> {
    fn from(name: SafeText) -> Self {
        Self::Name(name, Style::new())
    }
}

impl TableCell<'_> {
    fn width(&self) -> usize {
        match self {
            Self::Line(line) => fit::line_columns(line),
            Self::Text(span) => fit::columns(&span.content),
            Self::Name(name, _) => fit::columns(name.as_str()),
            Self::Made(columns, _) => *columns,
        }
    }

    fn draw(self, theme: &Theme, alignment: Alignment, at: Rect, buffer: &mut Buffer) {
        let room = usize::from(at.width);
        match self {
            Self::Line(line) => fit::draw(&fit::clipped_line(theme, line, room), alignment, at, buffer),
            Self::Made(_, make) => fit::draw(&make(at.width), alignment, at, buffer),
            Self::Text(Span { content, style }) => {
                fit::draw_text(&fit::clipped(theme, &content, room), style, alignment, at, buffer);
            }
            Self::Name(name, style) => {
                let name = name.fitted(room, fit::ellipsis(theme.glyphs()));
                fit::draw_text(&name, style, alignment, at, buffer);
            }
        }
    }
}

/// A heading, where a column has a title, and the rows around the selected one, over the whole of its
/// area.
///
/// `row` is asked for visible rows only, once each, so a million rows cost what a screenful costs.
/// It gives one cell for each column, in their order. The window is a pure function of `selected`
/// and the area: the selected row stands in the middle, except near the ends.
#[derive(Clone, Copy, Debug)]
pub struct WindowTable<'a, F> {
    /// From left to right.
    pub columns: &'a [Column<'a>],
    /// How many rows there are.
    pub rows: usize,
    /// The row that the keys act on.
    pub selected: Option<usize>,
    /// The cells of a row below [`Self::rows`].
    pub row: F,
    /// Colors, and the ellipsis.
    pub theme: &'a Theme,
}

/// The first visible row of a window of `height` rows.
#[must_use]
pub fn window(rows: usize, selected: Option<usize>, height: u16) -> usize {
    let height = usize::from(height);
    let selected = selected.unwrap_or(0).min(rows.saturating_sub(1));
    selected.saturating_sub(height / 2).min(rows.saturating_sub(height))
}

impl<'c, F: Fn(usize) -> Vec<TableCell<'c>>> Widget for WindowTable<'_, F> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let mut lines = area.rows();
        let titled = u16::from(self.columns.iter().any(Column::has_title));
        let heading = lines.by_ref().take(titled.into()).next();
        let first = window(self.rows, self.selected, area.height.saturating_sub(titled));
        let shown: Vec<(usize, Vec<TableCell<'c>>)> = (first..self.rows)
            .zip(area.rows().skip(titled.into()))
            .map(|(index, _)| (index, (self.row)(index)))
            .collect();
        let places = places(self.columns, &shown, self.theme, area.width);
        if let Some(heading) = heading {
            let titles = self.columns.iter().map(|column| column.heading(self.theme)).collect();
            self.draw(titles, &places, heading, buffer);
            buffer.set_style(heading, self.theme.tone(Tone::Quiet));
        }
        for ((index, cells), line) in shown.into_iter().zip(lines) {
            self.draw(cells, &places, line, buffer);
            if self.selected == Some(index) {
                buffer.set_style(line, Style::new().add_modifier(Modifier::REVERSED));
            }
        }
    }
}

impl<F> WindowTable<'_, F> {
    fn draw(&self, cells: Vec<TableCell<'_>>, places: &[Place], row: Rect, buffer: &mut Buffer) {
        for (column, cell) in cells.into_iter().enumerate() {
            let Some(place) = places.iter().find(|place| place.column == column) else { continue };
            let at = Rect { x: row.x.saturating_add(place.x), width: place.width, ..row };
            cell.draw(self.theme, place.alignment, at.intersection(row), buffer);
        }
    }
}

/// Where a column is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    column: usize,
    x: u16,
    width: u16,
    alignment: Alignment,
}

fn places(
    columns: &[Column<'_>],
    shown: &[(usize, Vec<TableCell<'_>>)],
    theme: &Theme,
    room: u16,
) -> Vec<Place> {
    let wanted = |(at, column)| (at, column, natural(at, column, shown, theme));
    let mut kept: Vec<(usize, &Column<'_>, u16)> = columns.iter().enumerate().map(wanted).collect();
    while needed(&kept) > u32::from(room) {
        let Some(last) = kept.iter().rposition(|(_, column, _)| column.optional) else { break };
        kept.remove(last);
    }
    let spare = u16::try_from(u32::from(room).saturating_sub(needed(&kept))).unwrap_or(0);
    let mut x = 0u16;
    let place = |(column, it, least): (usize, &Column<'_>, u16)| {
        let width = if it.rest { least.saturating_add(spare) } else { least };
        let width = width.min(room.saturating_sub(x));
        let place = Place { column, x, width, alignment: it.alignment };
        x = x.saturating_add(width).saturating_add(GAP);
        place
    };
    kept.into_iter().map(place).collect()
}

/// The columns that a column asks for.
fn natural(at: usize, column: &Column<'_>, shown: &[(usize, Vec<TableCell<'_>>)], theme: &Theme) -> u16 {
    if column.rest {
        return LEAST_REST.min(column.most);
    }
    let cells = shown.iter().filter_map(|(_, cells)| cells.get(at)).map(TableCell::width);
    let widest = cells.chain([column.heading(theme).width()]).max().unwrap_or(0);
    u16::try_from(widest).unwrap_or(u16::MAX).min(column.most)
}

fn needed(kept: &[(usize, &Column<'_>, u16)]) -> u32 {
    let gaps = u32::try_from(kept.len().saturating_sub(1)).unwrap_or(u32::MAX);
    let widths = kept.iter().map(|(_, _, width)| u32::from(*width));
    widths.fold(gaps.saturating_mul(u32::from(GAP)), u32::saturating_add)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use qratum_themes::Colors;

    const COLUMNS: &[Column<'static>] = &[
        Column::number("#"),
        Column::text("name").at_most(8),
        Column::number("power").optional(),
        Column::rest("address"),
    ];

    fn drawn(width: u16, height: u16, rows: usize, selected: Option<usize>) -> Vec<String> {
        let theme = Theme::terminal16(Glyphs::Unicode, Colors::Off).unwrap();
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        let row = |at: usize| {
            let address = format!("/ip4/192.0.2.{at}/tcp/4001");
            vec![at.to_string().into(), format!("val-{at:04}").into(), "25".into(), address.into()]
        };
        WindowTable { columns: COLUMNS, rows, selected, row, theme: &theme }.render(area, &mut buffer);
        let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        (0..height).map(line).collect()
    }

    #[test]
    fn rows_stand_in_columns_under_their_heading() {
        let want = [
            "#  name      power  address",
            "0  val-0000     25  /ip4/192.0.2.0/tcp/4001",
            "1  val-0001     25  /ip4/192.0.2.1/tcp/4001",
            "",
        ];
        assert_eq!(drawn(60, 4, 2, None), want);
    }

    #[test]
    fn a_narrow_window_drops_what_is_optional_and_cuts_with_a_sign() {
        assert_eq!(drawn(24, 2, 1, None), ["#  name      address", "0  val-0000  /ip4/192.0…"]);
        assert_eq!(drawn(8, 2, 1, None), ["#  name", "0  val-…"]);
    }

    /// The sign takes room of its own, and is ASCII where all is.
    #[test]
    fn a_sorted_column_says_so() {
        let columns = [Column::number("power").sorted(Order::Falling), Column::text("name")];
        for (glyphs, heading) in [(Glyphs::Unicode, "power ▼  name"), (Glyphs::Ascii, "power v  name")] {
            let theme = Theme::terminal16(glyphs, Colors::Off).unwrap();
            let area = Rect::new(0, 0, 20, 1);
            let mut buffer = Buffer::empty(area);
            let row = |_: usize| Vec::new();
            let table = WindowTable { columns: &columns, rows: 0, selected: None, row, theme: &theme };
            table.render(area, &mut buffer);
            let drawn = (0..20).map(|x| buffer[(x, 0)].symbol()).collect::<String>();
            assert_eq!(drawn.trim_end(), heading);
        }
    }

    #[test]
    fn the_window_holds_the_selected_row() {
        let at = |selected| window(100, Some(selected), 10);
        assert_eq!([0, 4, 5, 6, 50, 95, 99, 400].map(at), [0, 0, 0, 1, 45, 90, 90, 90]);
        assert_eq!(window(3, Some(2), 10), 0);
        assert_eq!(window(0, None, 10), 0);
        assert_eq!(drawn(60, 3, 100, Some(99))[2], "99  val-0099     25  /ip4/192.0.2.99/tcp/4001");
    }

    #[test]
    fn only_visible_rows_are_made_and_each_once() {
        let theme = Theme::terminal16(Glyphs::Unicode, Colors::Off).unwrap();
        let area = Rect::new(0, 0, 40, 6);
        let asked = RefCell::new(Vec::new());
        let row = |at| {
            asked.borrow_mut().push(at);
            vec!["x".into()]
        };
        let table =
            WindowTable { columns: COLUMNS, rows: 1_000_000, selected: Some(500_000), row, theme: &theme };
        table.render(area, &mut Buffer::empty(area));
        assert_eq!(asked.into_inner(), [499_998, 499_999, 500_000, 500_001, 500_002]);
    }

    #[test]
    fn no_size_and_no_row_is_too_odd() {
        for (width, height) in [(0, 0), (1, 1), (3, 0), (0, 3), (2, 2)] {
            for rows in [0, 1, 5] {
                drawn(width, height, rows, Some(7));
            }
        }
    }
}
