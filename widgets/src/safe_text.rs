//! May this text reach a terminal? Names, addresses and error texts come from others; a terminal
//! would obey some of their characters and hide others.
//!
//! Every such character is shown as `<U+XXXX>` instead: nothing is dropped, so two different
//! texts never look the same.

use core::fmt::{self, Write as _};

use ratatui_core::text::Span;

/// More combining marks than this on one character are shown as code points: stacked, they draw
/// over the rows above.
const MAX_COMBINING: usize = 2;

/// Text that a terminal draws and does not obey, in one line of limited length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafeText(String);

impl SafeText {
    /// The length for names and addresses, in characters of the result.
    pub const NAME: usize = 64;
    /// The length for sentences.
    pub const SENTENCE: usize = 512;

    /// Makes `text` harmless; what goes beyond `most` characters is cut, and says so.
    #[must_use]
    pub fn new(text: &str, most: usize) -> Self {
        let (mut out, mut length, mut combining) = (String::new(), 0usize, 0usize);
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            combining = if is_combining(c) { combining.saturating_add(1) } else { 0 };
            let imitates = c == '<' && rest.peek() == Some(&'U');
            let shown = if imitates || is_unsafe(c) || combining > MAX_COMBINING {
                format!("<U+{:04X}>", u32::from(c))
            } else {
                c.to_string()
            };
            length = length.saturating_add(shown.chars().count());
            if length > most {
                let _ = write!(out, "... ({} bytes)", text.len());
                break;
            }
            out.push_str(&shown);
        }
        Self(out)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<SafeText> for Span<'static> {
    fn from(text: SafeText) -> Self {
        Self::raw(text.0)
    }
}

/// Whether a cell of a terminal may hold this: one character that is seen, with its marks.
#[must_use]
pub fn is_drawable(symbol: &str) -> bool {
    let mut chars = symbol.chars();
    let Some(first) = chars.next() else { return false };
    let marks = chars.clone().count();
    !is_unsafe(first)
        && chars.all(|c| !is_unsafe(c))
        && marks <= MAX_COMBINING
        && crate::fit::columns(symbol) <= 2
}

/// Characters that a terminal obeys, or that a reader cannot see or tell from a space.
fn is_unsafe(c: char) -> bool {
    c.is_control() || (c.is_whitespace() && c != ' ') || is_invisible(c)
}

/// Format characters (category Cf), fillers, variation selectors, private use and
/// noncharacters. Unicode 16.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{600}'..='\u{605}' | '\u{61C}' | '\u{6DD}' | '\u{70F}'
        | '\u{890}'..='\u{891}' | '\u{8E2}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{E000}'..='\u{F8FF}'
        | '\u{FDD0}'..='\u{FDEF}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{FFF0}'..='\u{FFFB}' | '\u{FFFE}'..='\u{FFFF}' | '\u{110BD}' | '\u{110CD}'
        | '\u{13430}'..='\u{1345F}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{10FFFF}')
}

/// The blocks of combining marks.
const fn is_combining(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36F}' | '\u{483}'..='\u{489}' | '\u{1AB0}'..='\u{1AFF}'
        | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn safe(text: &str) -> String {
        SafeText::new(text, SafeText::SENTENCE).to_string()
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        let corpus = [
            ("\u{1b}]0;PWN\u{7}", "<U+001B>]0;PWN<U+0007>"),
            ("\u{1b}[2J", "<U+001B>[2J"),
            ("\u{1b}P1$r\u{1b}\\", "<U+001B>P1$r<U+001B>\\"),
            ("\u{9b}31m", "<U+009B>31m"),
            ("\u{85}\u{90}\u{9d}", "<U+0085><U+0090><U+009D>"),
            ("bell\u{7}", "bell<U+0007>"),
            ("a\rb\tc\u{8}d\ne\u{7f}", "a<U+000D>b<U+0009>c<U+0008>d<U+000A>e<U+007F>"),
            ("\u{202e}moc.live", "<U+202E>moc.live"),
            ("\u{2066}x\u{2069}", "<U+2066>x<U+2069>"),
            ("val\u{200b}-1", "val<U+200B>-1"),
            ("a\u{a0}b\u{3000}c\u{2028}d", "a<U+00A0>b<U+3000>c<U+2028>d"),
            ("\u{fe0f}\u{e0041}\u{f8ff}\u{feff}", "<U+FE0F><U+E0041><U+F8FF><U+FEFF>"),
        ];
        for (text, want) in corpus {
            assert_eq!(safe(text), want);
        }
    }

    #[test]
    fn ordinary_text_stays() {
        for text in ["validator-0", "Zürich 東京 ✓ <b> <u+1>", "é e\u{301}"] {
            assert_eq!(safe(text), text);
        }
    }

    /// A text that spells an escape out is told from one that holds the character.
    #[test]
    fn an_escape_cannot_be_imitated() {
        assert_eq!(safe("<U+202E>"), "<U+003C>U+202E>");
        assert_ne!(safe("<U+202E>"), safe("\u{202e}"));
    }

    #[test]
    fn stacked_marks_and_long_texts_are_cut() {
        assert_eq!(safe("a\u{301}\u{301}\u{301}b"), "a\u{301}\u{301}<U+0301>b");
        assert_eq!(SafeText::new("abcdef", 4).as_str(), "abcd... (6 bytes)");
        assert_eq!(SafeText::new("abc\u{1b}", 4).as_str(), "abc... (4 bytes)");
        let long = SafeText::new(&"x".repeat(1 << 20), 64);
        assert!(long.as_str().len() < 100, "{long}");
    }

    /// Over all characters: what is left is neither control nor invisible.
    #[test]
    fn nothing_unsafe_passes() {
        for c in '\0'..=char::MAX {
            let shown = safe(&c.to_string());
            assert!(shown.chars().all(|c| !is_unsafe(c)), "{:04X}", u32::from(c));
        }
    }
}
