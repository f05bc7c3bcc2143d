//! Is it enough? A share of voting power, drawn against the line that a quorum has to cross.

use qratum_themes::{Mark, Theme};
use ratatui_core::{
    buffer::Buffer,
    layout::{Alignment, Rect},
    text::{Line, Span},
    widgets::Widget,
};

use crate::fit;

/// A bar over the whole of its area's first row.
#[derive(Clone, Copy, Debug)]
pub struct PowerBar<'a> {
    /// The part that is filled.
    pub part: u128,
    /// What the full width stands for.
    pub whole: u128,
    /// Whether the two-thirds line is drawn.
    pub quorum_line: bool,
    /// Marks and colors.
    pub theme: &'a Theme,
}

impl PowerBar<'_> {
    /// The bar in so many columns.
    #[must_use]
    pub fn line(&self, width: u16) -> Line<'static> {
        let marks = cells(self.part, self.whole, width, self.quorum_line);
        let stretch = |marks: &[Mark]| {
            let mark = *marks.first()?;
            Some(Span::styled(self.theme.glyph(mark).repeat(marks.len()), self.theme.mark_style(mark)))
        };
        marks.chunk_by(|one, next| one == next).filter_map(stretch).collect()
    }
}

impl Widget for PowerBar<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        fit::draw(&self.line(area.width), Alignment::Left, area, buffer);
    }
}

/// What stands in each of `width` cells. Rounds down, so that a bar looks full only when it is,
/// and never reaches the line by rounding.
fn cells(part: u128, whole: u128, width: u16, quorum_line: bool) -> Vec<Mark> {
    let filled = scale(part.min(whole), whole, width);
    let line = quorum_line.then(|| scale(2, 3, width));
    (0..width)
        .map(|at| match line {
            Some(line) if at == line => Mark::Line,
            _ if at < filled => Mark::Full,
            _ => Mark::Empty,
        })
        .collect()
}

/// `part / whole` of `width`, rounded down; all of it only when `part` is `whole`.
fn scale(part: u128, whole: u128, width: u16) -> u16 {
    if whole == 0 {
        return 0;
    }
    // Powers above 2^112 lose their lowest bits, which no bar can show.
    let shift = (128 - whole.leading_zeros()).saturating_sub(112);
    let cells = (part >> shift).saturating_mul(u128::from(width)) / (whole >> shift);
    u16::try_from(cells).unwrap_or(width).min(width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use qratum_themes::{Colors, Glyphs};

    fn drawn(part: u128, whole: u128, quorum_line: bool) -> String {
        let theme = Theme::terminal16(Glyphs::Ascii, Colors::Off).unwrap();
        let area = Rect::new(0, 0, 12, 1);
        let mut buffer = Buffer::empty(area);
        PowerBar { part, whole, quorum_line, theme: &theme }.render(area, &mut buffer);
        (0..12).map(|x| buffer[(x, 0)].symbol()).collect()
    }

    #[test]
    fn a_bar_rounds_down_and_shows_the_line() {
        assert_eq!(drawn(3, 4, true), "########|---");
        assert_eq!(drawn(4, 4, true), "########|###");
        assert_eq!(drawn(99, 100, false), "###########-");
        assert_eq!(drawn(100, 100, false), "############");
    }

    #[test]
    fn odd_numbers_draw_something_sensible() {
        assert_eq!(drawn(0, 0, false), "------------");
        assert_eq!(drawn(9, 4, false), "############");
        assert_eq!(drawn(u128::MAX / 2, u128::MAX, false), "#####-------");
        assert_eq!(drawn(u128::MAX, u128::MAX, false), "############");
    }
}
