//! How does a cell become a line of the terminal? In words, signs and colors of the theme; where room
//! is short, everything gives way but what a fact is worth.

use qratum_themes::{Glyphs, Theme, Tone};
use qratum_widgets::SafeText;
use ratatui::{
    style::Style,
    text::{Line, Span},
};

use super::page::{Cell, Look, Piece, Table, Text};
use crate::model::Worth;

/// Columns that the label of a hash takes.
const LABEL: usize = 16;

/// A stretch of a line, which is kept whole or gives way.
#[derive(Clone, Debug)]
pub(super) struct Part {
    span: Span<'static>,
    keep: bool,
}

/// Columns of parts side by side.
pub(super) fn width_of(parts: &[Part]) -> usize {
    parts.iter().map(|part| part.span.width()).sum()
}

/// Pieces as they are drawn in a window of so many columns. A fact that is worth something else than
/// its heading says carries its own mark and word.
pub(super) fn parts(theme: &Theme, cell: &Cell, heading: Option<Worth>, columns: u16) -> Vec<Part> {
    let mut parts = Vec::new();
    for piece in cell {
        let span = Span::styled(words(theme, piece, columns), style(theme, piece.look));
        parts.push(Part { span, keep: false });
        if let Some(worth) = piece.worth.filter(|worth| Some(*worth) != heading) {
            parts.push(said(theme, worth, " "));
        }
    }
    parts
}

/// The heading of a table, and what the facts below it are worth.
pub(super) fn heading(theme: &Theme, table: &Table<'_>, columns: u16) -> Vec<Part> {
    let mut parts = parts(theme, &table.heading, table.worth, columns);
    for part in &mut parts {
        part.span.style = theme.tone(Tone::Title).patch(part.span.style);
    }
    parts.extend(table.worth.map(|worth| said(theme, worth, "  ")));
    parts
}

/// What something is worth, by mark and word.
fn said(theme: &Theme, worth: Worth, gap: &str) -> Part {
    let (glyph, word) = (theme.glyph(worth.mark()), theme.word(worth.mark()));
    let text = match worth {
        Worth::Verified(height) => format!("{gap}{glyph} {word} at {height}"),
        Worth::Stale(height) => format!("{gap}{glyph} {word}, verified at {height}"),
        Worth::Unverified => format!("{gap}{glyph} {word}"),
    };
    Part { span: Span::styled(text, theme.mark_style(worth.mark())), keep: true }
}

fn words(theme: &Theme, piece: &Piece, columns: u16) -> String {
    match &piece.text {
        Text::Own(words) => (*words).to_owned(),
        Text::Any(text) => SafeText::new(text, SafeText::SENTENCE).to_string(),
        Text::Hash(hash) => {
            let hash = SafeText::new(hash, SafeText::SENTENCE).to_string();
            digest(hash, usize::from(columns).saturating_sub(LABEL))
        }
        Text::Glyph(mark) => theme.glyph(*mark).to_owned(),
        Text::Word(mark) => theme.word(*mark).to_owned(),
        Text::Bar { .. } => String::new(),
    }
}

/// A hash in at most `room` characters: whole, or both its ends.
fn digest(hash: String, room: usize) -> String {
    let ends = hash.get(..16).zip(hash.get(hash.len().saturating_sub(16)..));
    match ends.filter(|_| hash.len() > room) {
        Some((start, end)) => format!("{start}..{end}"),
        None => hash,
    }
}

fn style(theme: &Theme, look: Look) -> Style {
    match look {
        Look::Tone(tone) => theme.tone(tone),
        Look::Mark(mark) => theme.mark_style(mark),
    }
}

/// Parts in `room` columns: from the end on, what need not be kept gives way.
pub(super) fn fitted(theme: &Theme, parts: &[Part], room: usize) -> Line<'static> {
    let mut over = width_of(parts).saturating_sub(room);
    let mut spans = Vec::new();
    for Part { span, keep } in parts.iter().rev() {
        let width = span.width();
        if over == 0 || *keep || width == 0 {
            spans.push(span.clone());
            continue;
        }
        let short = clipped(theme, &Line::from(span.clone()), width.saturating_sub(over));
        over = over.saturating_sub(width.saturating_sub(short.width()));
        spans.extend(short.spans.into_iter().rev());
    }
    spans.reverse();
    clipped(theme, &Line::from(spans), room)
}

/// As much of a line as fits `room` columns; an ellipsis stands for the rest.
pub(super) fn clipped(theme: &Theme, line: &Line<'static>, room: usize) -> Line<'static> {
    if line.width() <= room {
        return line.clone();
    }
    let ellipsis = if theme.glyphs() == Glyphs::Ascii { "..." } else { "…" };
    let room = room.saturating_sub(Span::raw(ellipsis).width());
    let (mut spans, mut used) = (Vec::new(), 0usize);
    for span in &line.spans {
        let mut shown = String::new();
        for c in span.content.chars() {
            let width = Span::raw(c.encode_utf8(&mut [0; 4]) as &str).width();
            if used.saturating_add(width) > room {
                spans.push(Span::styled(shown + ellipsis, span.style));
                return Line::from(spans);
            }
            used = used.saturating_add(width);
            shown.push(c);
        }
        spans.push(Span::styled(shown, span.style));
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use qratum_chain::types::Height;
    use qratum_themes::{Colors, Glyphs};

    use super::*;
    use crate::screen::page::own;

    fn text(room: usize) -> String {
        let theme = Theme::terminal16(Glyphs::Unicode, Colors::On).unwrap();
        let worth = Worth::Verified(Height(12));
        let cell = vec![own("named "), worth.fact("a long value"), own(" and so on")];
        fitted(&theme, &parts(&theme, &cell, None, 80), room).to_string()
    }

    /// Below the width of the mark alone, nothing is left that could be read without it.
    #[test]
    fn a_fact_gives_way_before_its_mark() {
        assert_eq!(text(60), "named a long value ✓ verified at 12 and so on");
        assert_eq!(text(38), "named a long value ✓ verified at 12 a…");
        assert_eq!(text(26), "named a… ✓ verified at 12…");
        assert_eq!(text(3), "………");
    }
}
