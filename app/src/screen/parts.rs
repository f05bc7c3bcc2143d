//! Pieces that more than one pane is made of.

use qratum_themes::{Glyphs, Theme, Tone};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

/// Below this width bars no longer stand in line: each takes what room it can.
pub(super) const NARROW: u16 = 80;
/// Columns behind the bar of the certificate, for its verdict.
pub(super) const VERDICT: u16 = 11;

/// Draws a heading and as many rows below it as there is room for; says how many are left out.
/// Returns how many rows were drawn.
pub(super) fn section(
    theme: &Theme,
    title: String,
    rows: Vec<Line<'static>>,
    frame: &mut Frame<'_>,
    area: Rect,
) -> usize {
    let room = usize::from(area.height.saturating_sub(1));
    let left_out = rows.len().saturating_sub(room);
    let shown = if left_out > 0 { room.saturating_sub(1) } else { room };
    let more = (left_out > 0).then(|| {
        let hidden = rows.len().saturating_sub(shown);
        Line::styled(format!("   ... {hidden} more"), theme.tone(Tone::Quiet))
    });
    let heading = Line::styled(title, theme.tone(Tone::Title));
    let lines = std::iter::once(heading).chain(rows.into_iter().take(shown)).chain(more);
    for (line, row) in lines.zip(area.rows()) {
        frame.render_widget(line, row);
    }
    shown
}

/// A label in its column, and what it names.
pub(super) fn labelled(theme: &Theme, label: &str, value: Vec<Span<'static>>) -> Line<'static> {
    let label = Span::styled(format!(" {label:<10} "), theme.tone(Tone::Quiet));
    Line::from_iter(std::iter::once(label).chain(value))
}

/// As much of a text as fits `room` columns; an ellipsis stands for the rest.
pub(super) fn clipped(theme: &Theme, text: &str, room: usize) -> String {
    if Span::raw(text).width() <= room {
        return text.to_owned();
    }
    let ellipsis = if theme.glyphs() == Glyphs::Ascii { "..." } else { "…" };
    let mut shown = String::new();
    for c in text.chars() {
        shown.push(c);
        if Span::raw(shown.as_str()).width().saturating_add(ellipsis.chars().count()) > room {
            shown.pop();
            break;
        }
    }
    shown + ellipsis
}

/// A hash in at most `room` characters: whole, or both its ends.
pub(super) fn digest(hash: &str, room: usize) -> String {
    if hash.len() <= room {
        return hash.to_owned();
    }
    let ends = hash.get(..16).zip(hash.get(hash.len().saturating_sub(16)..));
    ends.map_or_else(|| hash.to_owned(), |(start, end)| format!("{start}..{end}"))
}

/// A row without its first `start` and last `end` columns.
pub(super) fn right_of(row: Rect, start: u16, end: u16) -> Rect {
    let width = row.width.saturating_sub(start).saturating_sub(end);
    Rect { x: row.x.saturating_add(start), width, ..row }
}
