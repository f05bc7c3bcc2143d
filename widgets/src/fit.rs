//! How much of it fits? Text cut to a number of columns, and never without a sign of it.

use std::borrow::Cow;

use qratum_themes::{Glyphs, Theme};
use ratatui_core::{
    buffer::Buffer,
    layout::{Alignment, Rect},
    style::Style,
    text::{Line, Span},
};

/// What stands for the part of a text that did not fit.
#[must_use]
pub const fn ellipsis(glyphs: Glyphs) -> &'static str {
    match glyphs {
        Glyphs::Unicode => "…",
        Glyphs::Ascii => "..",
    }
}

/// As much of a text as fits `room` columns; an ellipsis stands for the rest.
#[must_use]
pub fn clipped<'a>(theme: &Theme, text: &'a str, room: usize) -> Cow<'a, str> {
    if columns(text) <= room {
        return text.into();
    }
    let more = ellipsis(theme.glyphs());
    format!("{}{}", prefix(text, room.saturating_sub(columns(more))), prefix(more, room)).into()
}

/// The same for a line of several styles; one that fits stays as it is.
#[must_use]
pub fn clipped_line<'a>(theme: &Theme, mut line: Line<'a>, room: usize) -> Line<'a> {
    if line_columns(&line) <= room {
        return line;
    }
    let more = prefix(ellipsis(theme.glyphs()), room);
    let mut left = room.saturating_sub(columns(more));
    let cut = |span: &Span<'_>| {
        let shown = prefix(&span.content, left).len();
        left = left.saturating_sub(columns(span.content.get(..shown).unwrap_or_default()));
        (shown < span.content.len()).then_some(shown)
    };
    let found = line.spans.iter().map(cut).enumerate().find_map(|(at, shown)| Some((at, shown?)));
    if let Some((at, shown)) = found {
        line.spans.truncate(at.saturating_add(1));
        if let Some(last) = line.spans.last_mut() {
            let text = last.content.to_mut();
            text.truncate(shown);
            text.push_str(more);
        }
    }
    line
}

/// Draws a line that fits, without making another of it.
pub(crate) fn draw(line: &Line<'_>, alignment: Alignment, at: Rect, buffer: &mut Buffer) {
    if let Some((x, width)) = place(line_columns(line), alignment, at, buffer) {
        buffer.set_line(x, at.y, line, width);
    }
}

/// The same for a text of one style.
pub(crate) fn draw_text(text: &str, style: Style, alignment: Alignment, at: Rect, buffer: &mut Buffer) {
    if let Some((x, width)) = place(columns(text), alignment, at, buffer) {
        buffer.set_stringn(x, at.y, text, width.into(), style);
    }
}

/// Where so many columns begin, and how many there are; none outside of the buffer.
fn place(columns: usize, alignment: Alignment, at: Rect, buffer: &Buffer) -> Option<(u16, u16)> {
    if at.intersection(buffer.area) != at || at.is_empty() {
        return None;
    }
    let width = u16::try_from(columns).unwrap_or(u16::MAX).min(at.width);
    let before = match alignment {
        Alignment::Left => 0,
        Alignment::Center => at.width.saturating_sub(width) / 2,
        Alignment::Right => at.width.saturating_sub(width),
    };
    Some((at.x.saturating_add(before), width))
}

/// How many columns a line takes.
pub(crate) fn line_columns(line: &Line<'_>) -> usize {
    line.spans.iter().map(|span| columns(&span.content)).sum()
}

/// How many columns a text takes.
pub(crate) fn columns(text: &str) -> usize {
    // Nearly all of it is, and then nothing has to be looked up.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) { text.len() } else { Span::raw(text).width() }
}

/// The longest start of a text that fits `room` columns.
pub(crate) fn prefix(text: &str, room: usize) -> &str {
    let mut taken = 0usize;
    for (at, c) in text.char_indices() {
        taken = taken.saturating_add(columns(c.encode_utf8(&mut [0; 4])));
        if taken > room {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use qratum_themes::Colors;

    fn theme(glyphs: Glyphs) -> Theme {
        Theme::terminal16(glyphs, Colors::Off).unwrap()
    }

    #[test]
    fn what_fits_stays_and_what_does_not_says_so() {
        let (unicode, ascii) = (theme(Glyphs::Unicode), theme(Glyphs::Ascii));
        assert_eq!(clipped(&unicode, "north", 5), "north");
        assert_eq!(clipped(&unicode, "north", 4), "nor…");
        assert_eq!(clipped(&ascii, "north", 4), "no..");
        assert_eq!(clipped(&unicode, "東京都", 5), "東京…");
        assert_eq!(clipped(&unicode, "東京都", 4), "東…");
        assert_eq!(clipped(&unicode, "north", 0), "");
    }

    #[test]
    fn a_line_is_cut_where_it_ends() {
        let theme = theme(Glyphs::Unicode);
        let line = Line::from_iter(["ab", "cd", "ef"].map(Span::raw));
        let cut = |room| clipped_line(&theme, line.clone(), room).to_string();
        assert_eq!([6, 5, 4, 2, 1, 0].map(cut), ["abcdef", "abcd…", "abc…", "a…", "…", ""]);
    }
}
