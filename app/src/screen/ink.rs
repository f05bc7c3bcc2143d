//! How does a cell become a line of the terminal? In words, signs and colors of the theme; where room
//! is short, everything gives way but what a fact is worth.

use qratum_themes::{Theme, Tone};
use qratum_widgets::{SafeText, fit::clipped_line as clipped};
use ratatui::{
    style::Style,
    text::{Line, Span},
};

use super::page::{Cell, Look, Piece, Table, Text};
use crate::model::Worth;

/// How a stretch of a line gives way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// From its end on.
    End,
    /// From its middle on: both ends of a hash or a name tell it from others.
    Middle,
    /// Not at all.
    Keep,
}

/// A stretch of a line.
#[derive(Clone, Debug)]
pub(super) struct Part {
    span: Span<'static>,
    way: Way,
}

/// Columns of parts side by side.
pub(super) fn width_of(parts: &[Part]) -> usize {
    parts.iter().map(|part| part.span.width()).sum()
}

/// Pieces as they are drawn. A fact that is worth something else than its heading says carries its
/// own mark and word.
pub(super) fn parts(theme: &Theme, cell: &Cell, heading: Option<Worth>) -> Vec<Part> {
    let mut parts = Vec::new();
    for piece in cell {
        let span = Span::styled(words(theme, piece), style(theme, piece.look));
        let way = if matches!(piece.text, Text::Hash(_) | Text::Name(_)) { Way::Middle } else { Way::End };
        parts.push(Part { span, way });
        if let Some(worth) = piece.worth.filter(|worth| Some(*worth) != heading) {
            parts.push(said(theme, worth, " "));
        }
    }
    parts
}

/// The heading of a table, and what the facts below it are worth.
pub(super) fn heading(theme: &Theme, table: &Table<'_>) -> Vec<Part> {
    let mut parts = parts(theme, &table.heading, table.worth);
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
    Part { span: Span::styled(text, theme.mark_style(worth.mark())), way: Way::Keep }
}

fn words(theme: &Theme, piece: &Piece) -> String {
    match &piece.text {
        Text::Own(words) => (*words).to_owned(),
        Text::Any(text) | Text::Hash(text) => SafeText::new(text, SafeText::SENTENCE).to_string(),
        Text::Name(name) => SafeText::name(name).to_string(),
        Text::Glyph(mark) => theme.glyph(*mark).to_owned(),
        Text::Word(mark) => theme.word(*mark).to_owned(),
        Text::Bar { .. } => String::new(),
    }
}

/// Both ends of a hash in `room` characters; where that says too little, its start.
fn digest(hash: &str, room: usize) -> Option<String> {
    let end = room.saturating_sub(2) / 2;
    let start = room.saturating_sub(2).saturating_sub(end);
    let last = hash.get(hash.len().saturating_sub(end)..)?;
    (end >= 4 && hash.len() > room).then(|| Some(format!("{}..{last}", hash.get(..start)?)))?
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
    for Part { span, way } in parts.iter().rev() {
        let width = span.width();
        if over == 0 || *way == Way::Keep || width == 0 {
            spans.push(span.clone());
            continue;
        }
        let room = width.saturating_sub(over);
        let middle = digest(&span.content, room).filter(|_| *way == Way::Middle);
        let short = match middle {
            Some(hash) => Line::from(Span::styled(hash, span.style)),
            None => clipped(theme, &Line::from(span.clone()), room),
        };
        over = over.saturating_sub(width.saturating_sub(short.width()));
        spans.extend(short.spans.into_iter().rev());
    }
    spans.reverse();
    clipped(theme, &Line::from(spans), room)
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
        fitted(&theme, &parts(&theme, &cell, None), room).to_string()
    }

    /// Where there is no room for the mark, nothing is left that could be read without it.
    #[test]
    fn a_fact_gives_way_before_its_mark() {
        assert_eq!(text(60), "named a long value ✓ verified at 12 and so on");
        assert_eq!(text(38), "named a long value ✓ verified at 12 a…");
        assert_eq!(text(26), "named a … ✓ verified at 12");
        assert_eq!(text(18), "… ✓ verified at 12");
        assert_eq!(text(3), " ✓…");
    }

    #[test]
    fn under_a_heading_that_says_the_same_a_fact_is_bare_and_any_other_is_not() {
        let theme = Theme::terminal16(Glyphs::Unicode, Colors::On).unwrap();
        let [here, other] = [Worth::Verified(Height(12)), Worth::Verified(Height(11))];
        let cell = vec![here.fact("a "), other.fact("b "), Worth::Unverified.fact("c")];
        let text = |heading| fitted(&theme, &parts(&theme, &cell, heading), 80).to_string();
        assert_eq!(text(Some(here)), "a b  ✓ verified at 11c ? unverified");
        assert_eq!(text(None), "a  ✓ verified at 12b  ✓ verified at 11c ? unverified");
        let table =
            Table::rows(Vec::new(), Vec::new()).under(vec![own("what")]).worth(Worth::Stale(Height(9)));
        let heading = fitted(&theme, &heading(&theme, &table), 80).to_string();
        assert_eq!(heading, "what  ~ stale, verified at 9");
    }

    #[test]
    fn a_hash_gives_way_in_its_middle() {
        let theme = Theme::terminal16(Glyphs::Unicode, Colors::On).unwrap();
        let worth = Worth::Verified(Height(12));
        let cell = vec![worth.hash("0123456789abcdef")];
        let text = |room| fitted(&theme, &parts(&theme, &cell, Some(worth)), room).to_string();
        assert_eq!(
            ["0123456789abcdef", "0123456..abcdef", "0123..cdef", "012345…"],
            [16, 15, 10, 7].map(text)
        );
    }
}
