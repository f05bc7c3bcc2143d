//! How does a cell become a line of the terminal? In words, signs and colors of the theme; where room
//! is short, everything gives way but what a fact is worth.

use std::borrow::Cow;

use qratum_themes::{Glyphs, Theme, Tone};
use qratum_widgets::{
    SafeText, bars,
    fit::{clipped, clipped_line, ellipsis},
};
use ratatui::{
    style::Style,
    text::{Line, Span},
};

use super::page::{Cell, Look, Piece, Table, Text};
use crate::model::Worth;

/// How a stretch of a line gives way.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    /// From its end on.
    End,
    /// From its middle on: both ends of a hash tell it from others.
    Middle,
    /// As a name does, so that it looks like no other.
    Name(SafeText),
    /// Not at all.
    Keep,
}

/// A stretch of a line.
#[derive(Clone, Debug)]
pub(super) struct Part<'a> {
    span: Span<'a>,
    way: Way,
    /// Whether the chain says it.
    fact: bool,
}

/// Columns of parts side by side.
pub(super) fn width_of(parts: &[Part<'_>]) -> usize {
    parts.iter().map(|part| part.span.width()).sum()
}

/// Pieces as they are drawn. What is worth something else than its heading says carries its own mark and
/// word, once behind all pieces side by side that are worth the same.
pub(super) fn parts(theme: &Theme, cell: Cell, heading: Option<Worth>) -> Vec<Part<'_>> {
    let mut parts = Vec::with_capacity(cell.len());
    let mut pieces = cell.into_iter().peekable();
    while let Some(Piece { text, look, worth }) = pieces.next() {
        let way = match &text {
            Text::Name(name) => Way::Name(drawable(theme, SafeText::name(name))),
            Text::Hash(_) => Way::Middle,
            _ => Way::End,
        };
        let content = match &way {
            Way::Name(name) => name.as_str().to_owned().into(),
            _ => words(theme, text),
        };
        let span = Span::styled(content, style(theme, look));
        parts.push(Part { span, way, fact: worth.is_some() });
        let goes_on = pieces.peek().is_some_and(|next| next.worth == worth);
        if let Some(worth) = worth.filter(|worth| Some(*worth) != heading && !goes_on) {
            parts.push(said(theme, worth, " "));
        }
    }
    parts
}

/// The heading of a table, and what the facts below it are worth.
pub(super) fn heading<'a>(theme: &'a Theme, table: &Table<'_>) -> Vec<Part<'a>> {
    let mut parts = parts(theme, table.heading.clone(), table.worth);
    for part in &mut parts {
        part.span.style = theme.tone(Tone::Title).patch(part.span.style);
    }
    parts.extend(table.worth.map(|worth| said(theme, worth, "  ")));
    parts
}

/// What something is worth, by mark and word.
fn said<'a>(theme: &'a Theme, worth: Worth, gap: &str) -> Part<'a> {
    let (glyph, word) = (theme.glyph(worth.mark()), theme.word(worth.mark()));
    let text = match worth {
        Worth::Verified(height) => format!("{gap}{glyph} {word} at {height}"),
        Worth::Stale(height) => format!("{gap}{glyph} {word}, verified at {height}"),
        Worth::Unverified => format!("{gap}{glyph} {word}"),
    };
    Part { span: Span::styled(text, theme.mark_style(worth.mark())), way: Way::Keep, fact: false }
}

fn words(theme: &Theme, text: Text) -> Cow<'_, str> {
    match text {
        Text::Own(words) => words.into(),
        Text::Any(text) | Text::Hash(text) => {
            written(theme, SafeText::owned(text, SafeText::SENTENCE)).into()
        }
        Text::Name(name) => written(theme, SafeText::name(&name)).into(),
        Text::Glyph(mark) => theme.glyph(mark).into(),
        Text::Word(mark) => theme.word(mark).into(),
        Text::Spark(values) => bars(&values, values.len(), theme.glyphs()).into(),
        Text::Bar { .. } => "".into(),
    }
}

/// A text in the characters that may be drawn.
pub(super) fn written(theme: &Theme, text: SafeText) -> String {
    drawable(theme, text).into_text()
}

fn drawable(theme: &Theme, text: SafeText) -> SafeText {
    match theme.glyphs() {
        Glyphs::Unicode => text,
        Glyphs::Ascii => text.in_ascii(),
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
pub(super) fn fitted<'a>(theme: &Theme, mut parts: Vec<Part<'a>>, room: usize) -> Line<'a> {
    let mut over = width_of(&parts).saturating_sub(room);
    for Part { span, way, fact } in parts.iter_mut().rev() {
        let width = span.width();
        if over == 0 || *way == Way::Keep || width == 0 {
            continue;
        }
        let room = width.saturating_sub(over);
        let short = match way {
            Way::Middle => digest(&span.content, room),
            Way::Name(name) => Some(name.fitted(room, ellipsis(theme.glyphs())).into_owned()),
            Way::End | Way::Keep => None,
        };
        span.content = match short {
            Some(short) => short.into(),
            None => clipped(theme, &span.content, room).into_owned().into(),
        };
        // A fact that is gone as a whole leaves a sign in what stands before it.
        let is_gone = *fact && span.width() == 0;
        over = over.saturating_sub(width.saturating_sub(span.width())).max(usize::from(is_gone));
    }
    clipped_line(theme, parts.into_iter().map(|part| part.span).collect(), room)
}

#[cfg(test)]
mod tests {
    use qratum_chain::types::Height;
    use qratum_themes::Colors;

    use super::*;
    use crate::screen::page::{here, here_name, own};

    fn text(room: usize) -> String {
        let theme = Theme::terminal16(Glyphs::Unicode, Colors::On).unwrap();
        let worth = Worth::Verified(Height(12));
        let cell = vec![own("named "), worth.fact("a long value"), own(" and so on")];
        fitted(&theme, parts(&theme, cell, None), room).to_string()
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
        let text = |heading| fitted(&theme, parts(&theme, cell.clone(), heading), 80).to_string();
        assert_eq!(text(Some(here)), "a b  ✓ verified at 11c ? unverified");
        assert_eq!(text(None), "a  ✓ verified at 12b  ✓ verified at 11c ? unverified");
        let table =
            Table::rows(Vec::new(), Vec::new()).under(vec![own("what")]).worth(Worth::Stale(Height(9)));
        let heading = fitted(&theme, heading(&theme, &table), 80).to_string();
        assert_eq!(heading, "what  ~ stale, verified at 9");
    }

    /// A sentence with a name in it says once what it is worth.
    #[test]
    fn what_is_side_by_side_and_worth_the_same_has_one_mark() {
        let theme = Theme::terminal16(Glyphs::Unicode, Colors::On).unwrap();
        let worth = Worth::Verified(Height(12));
        let cell = vec![worth.name("north"), worth.fact(" signed"), own(" here"), worth.fact(" too")];
        let text = |heading| fitted(&theme, parts(&theme, cell.clone(), heading), 80).to_string();
        assert_eq!(text(None), "north signed ✓ verified at 12 here too ✓ verified at 12");
        assert_eq!(text(Some(worth)), "north signed here too");
    }

    /// In plain ASCII other characters are spelled, so that two names still differ.
    #[test]
    fn in_ascii_other_characters_are_spelled() {
        let theme = Theme::terminal16(Glyphs::Ascii, Colors::Off).unwrap();
        let text = |piece| fitted(&theme, parts(&theme, vec![piece], None), 80).to_string();
        let [upper, lower] = ["\u{c9}va", "\u{e9}va"].map(|name| text(here_name(name)));
        assert!(upper.starts_with("<U+00C9>va#") && lower.starts_with("<U+00E9>va#"), "{upper} {lower}");
        assert!(text(here_name("\u{430}dmin")).starts_with("~<U+0430>dmin#"), "mixed scripts");
        assert_eq!(text(here("5 \u{20ac}")), "5 <U+20AC>");
    }

    #[test]
    fn two_names_that_are_cut_never_look_equal() {
        let theme = Theme::terminal16(Glyphs::Unicode, Colors::On).unwrap();
        let worth = Worth::Verified(Height(12));
        let text = |middle: &str, room| {
            let cell = vec![worth.name(format!("validator-{middle}-of-the-north")), own(" in Zug")];
            fitted(&theme, parts(&theme, cell, Some(worth)), room)
        };
        for room in 4..32 {
            let [one, other] = ["1", "2"].map(|middle| text(middle, room));
            assert!(one.to_string() != other.to_string() && one.width() <= room, "{room}: {one}");
        }
    }

    #[test]
    fn a_hash_gives_way_in_its_middle() {
        let theme = Theme::terminal16(Glyphs::Unicode, Colors::On).unwrap();
        let worth = Worth::Verified(Height(12));
        let cell = vec![worth.hash("0123456789abcdef")];
        let text = |room| fitted(&theme, parts(&theme, cell.clone(), Some(worth)), room).to_string();
        assert_eq!(
            ["0123456789abcdef", "0123456..abcdef", "0123..cdef", "012345…"],
            [16, 15, 10, 7].map(text)
        );
    }
}
