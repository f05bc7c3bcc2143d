//! How much of it fits? Text cut to a number of columns, and never without a sign of it.

use qratum_themes::{Glyphs, Theme};
use ratatui_core::text::{Line, Span};

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
pub fn clipped(theme: &Theme, text: &str, room: usize) -> String {
    if columns(text) <= room {
        return text.to_owned();
    }
    let more = ellipsis(theme.glyphs());
    format!("{}{}", prefix(text, room.saturating_sub(columns(more))), prefix(more, room))
}

/// The same for a line of several styles.
#[must_use]
pub fn clipped_line(theme: &Theme, line: &Line<'_>, room: usize) -> Line<'static> {
    let more = prefix(ellipsis(theme.glyphs()), room);
    let whole = line.width() <= room;
    let mut left = if whole { room } else { room.saturating_sub(columns(more)) };
    let mut spans = Vec::with_capacity(line.spans.len());
    for span in &line.spans {
        let shown = prefix(&span.content, left);
        left = left.saturating_sub(columns(shown));
        if shown.len() < span.content.len() {
            spans.push(Span::styled(format!("{shown}{more}"), span.style));
            break;
        }
        spans.push(Span::styled(shown.to_owned(), span.style));
    }
    Line { style: line.style, alignment: line.alignment, spans }
}

/// How many columns a text takes.
pub(crate) fn columns(text: &str) -> usize {
    Span::raw(text).width()
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
        let cut = |room| clipped_line(&theme, &line, room).to_string();
        assert_eq!([6, 5, 4, 2, 1, 0].map(cut), ["abcdef", "abcd…", "abc…", "a…", "…", ""]);
    }
}
