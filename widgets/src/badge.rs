//! How much is a value worth? Its mark and word, side by side: nothing is shown without one.

use qratum_themes::{Mark, Theme};
use ratatui_core::text::Span;

/// Mark and word, such as `✓ verified`.
#[must_use]
pub fn badge(theme: &Theme, mark: Mark) -> Span<'static> {
    with_word(theme, mark, theme.word(mark))
}

/// A mark with another word than its own, such as a state.
#[must_use]
pub fn with_word(theme: &Theme, mark: Mark, word: &str) -> Span<'static> {
    Span::styled(format!("{} {word}", theme.glyph(mark)), theme.mark_style(mark))
}

/// The mark alone, for tables whose heading has the word.
#[must_use]
pub fn glyph(theme: &Theme, mark: Mark) -> Span<'static> {
    Span::styled(theme.glyph(mark).to_owned(), theme.mark_style(mark))
}

#[cfg(test)]
mod tests {
    use super::*;
    use qratum_themes::{Colors, Glyphs};

    #[test]
    fn a_badge_has_mark_and_word() {
        let theme = Theme::terminal16(Glyphs::Unicode, Colors::On).unwrap();
        assert_eq!(badge(&theme, Mark::Verified).content, "✓ verified");
        assert_eq!(with_word(&theme, Mark::Stale, "stalled").content, "~ stalled");
        assert_eq!(glyph(&theme, Mark::Refused).content, "✗");
    }
}
