//! May this text reach a terminal? Names, addresses and error texts come from others; a terminal
//! would obey some of their characters and hide others.
//!
//! Every such character is shown as `<U+XXXX>` instead: nothing is dropped, so two different
//! texts never are the same text.
//!
//! Names must not even look the same. A name of ASCII letters, digits and `-_.` is shown as it is;
//! every other name, and every name that is cut, ends in `#` and ten characters of a digest of its
//! bytes, and begins with `≈` when it mixes scripts. `#` and `≈` stand in no name that is shown as
//! it is. A terminal cannot tell Latin from Cyrillic letters; the digests differ.

use core::fmt::{self, Write as _};
use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory, Script},
};
use ratatui_core::text::Span;
use sha3::{Digest as _, Sha3_256};

use crate::fit;

/// More combining marks than this on one character are shown as code points: stacked, they draw
/// over the rows above.
const MAX_COMBINING: usize = 2;
/// In front of a name that mixes scripts.
const MIXED: char = '≈';
/// What the digest of a name starts from; nothing else has it.
const NAME_TAG: &[u8] = b"QRATUM/widgets/name/v1\0";
/// Bits of the digest that are shown, five to a character: more than anybody tries.
const DIGEST: usize = 10;
/// Without letters that look like digits.
const ALPHABET: [char; 32] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'j', 'k', 'm',
    'n', 'p', 'q', 'r', 's', 't', 'v', 'w', 'x', 'y', 'z',
];

/// Text that a terminal draws and does not obey, in one line of limited length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafeText {
    text: String,
    /// Of a name: how many bytes stand before its digest, which is shown where there are more.
    name: Option<usize>,
}

impl SafeText {
    /// The length for names and addresses, in characters of the result.
    pub const NAME: usize = 64;
    /// The length for sentences.
    pub const SENTENCE: usize = 512;

    /// Makes a sentence harmless; what goes beyond `most` characters is cut, and says so.
    #[must_use]
    pub fn new(text: &str, most: usize) -> Self {
        let (mut out, cut) = escaped(text, most);
        if cut {
            let _ = write!(out, "... ({} bytes)", text.len());
        }
        Self { text: out, name: None }
    }

    /// The same of a text that is given away: where nothing is to be done, nothing is copied.
    #[must_use]
    pub fn owned(text: String, most: usize) -> Self {
        if text.len() <= most && is_harmless(&text) {
            Self { text, name: None }
        } else {
            Self::new(&text, most)
        }
    }

    /// Makes a name harmless, and different to the eye from every other name.
    #[must_use]
    pub fn name(name: &str) -> Self {
        if (1..=Self::NAME).contains(&name.len()) && name.bytes().all(is_plain) {
            return Self { text: name.to_owned(), name: Some(name.len()) };
        }
        let composed = ComposingNormalizerBorrowed::new_nfc().normalize(name);
        let (mut shown, _) = escaped(&composed, Self::NAME);
        if mixes_scripts(&composed) {
            shown.insert(0, MIXED);
        }
        Self { text: format!("{shown}#{}", digest(name)), name: Some(shown.len()) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same, as a text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }

    /// The same in ASCII: what is none is spelled as well, and the sign of mixed scripts is `~`.
    #[must_use]
    pub fn in_ascii(self) -> Self {
        if self.text.is_ascii() {
            return self;
        }
        let is_name = self.name.is_some();
        let spelled = |c: char| match c {
            _ if c.is_ascii() => c.to_string(),
            MIXED if is_name => "~".to_owned(),
            _ => format!("<U+{:04X}>", u32::from(c)),
        };
        let spell = |text: &str| text.chars().map(spelled).collect();
        let Some((shown, digest)) = self.name.and_then(|end| self.text.split_at_checked(end)) else {
            return Self { text: spell(&self.text), name: None };
        };
        let shown: String = spell(shown);
        Self { name: Some(shown.len()), text: shown + digest }
    }

    /// As much as fits `room` columns. A name that is cut keeps its digest, or as much of it as
    /// there is room for; a sentence ends in `more`.
    #[must_use]
    pub fn fitted(&self, room: usize, more: &str) -> Cow<'_, str> {
        if fit::columns(&self.text) <= room {
            return self.text.as_str().into();
        }
        let (start, end) = match self.name.and_then(|end| self.text.split_at_checked(end)) {
            Some((start, "")) => (start, format!("#{}", digest(start))),
            Some((start, end)) => (start, end.to_owned()),
            None => (self.text.as_str(), String::new()),
        };
        let ends = fit::columns(more).saturating_add(fit::columns(&end));
        if self.name.is_some() && room <= ends {
            return fit::prefix(&end, room).to_owned().into();
        }
        let more = fit::prefix(more, room);
        format!("{}{more}{end}", fit::prefix(start, room.saturating_sub(ends))).into()
    }
}

impl fmt::Display for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl From<SafeText> for Span<'static> {
    fn from(text: SafeText) -> Self {
        Self::raw(text.text)
    }
}

/// Whether nothing in a text has to be spelled out, by a look that need not know more.
fn is_harmless(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && !text.contains("<U")
}

/// The text with every unsafe character spelled out, in at most `most` characters, and whether
/// some is left out.
fn escaped(text: &str, most: usize) -> (String, bool) {
    let (mut out, mut length) = (String::new(), 0usize);
    // A mark with nothing under it would be drawn on what stands before the text.
    let mut marks = MAX_COMBINING;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let mark = is_combining(c);
        marks = if mark { marks.saturating_add(1) } else { 0 };
        let imitates = c == '<' && rest.peek() == Some(&'U');
        let hidden = imitates || is_unsafe(c) || marks > MAX_COMBINING;
        let shown = if hidden { format!("<U+{:04X}>", u32::from(c)) } else { c.to_string() };
        if hidden && !mark {
            marks = MAX_COMBINING;
        }
        length = length.saturating_add(shown.chars().count());
        if length > most {
            return (out, true);
        }
        out.push_str(&shown);
    }
    (out, false)
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// Letters of more than one script. Chinese characters stand beside Japanese and Korean ones.
fn mixes_scripts(text: &str) -> bool {
    let scripts = CodePointMapData::<Script>::new();
    let of = |c| match scripts.get(c) {
        Script::Hiragana | Script::Katakana | Script::Hangul | Script::Bopomofo => Script::Han,
        script => script,
    };
    let mut found = text.chars().map(of).filter(|it| ![Script::Common, Script::Inherited].contains(it));
    found.next().is_some_and(|first| found.any(|other| other != first))
}

fn digest(name: &str) -> String {
    let hash = Sha3_256::new().chain_update(NAME_TAG).chain_update(name).finalize();
    let bits = hash.iter().take(8).fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
    let character = |at: usize| {
        let index = usize::try_from(bits >> at.saturating_mul(5) & 31).unwrap_or(0);
        ALPHABET.get(index).copied().unwrap_or('0')
    };
    (0..DIGEST).map(character).collect()
}

/// Whether a cell of a terminal may hold this: one character that is seen, with its marks.
#[must_use]
pub fn is_drawable(symbol: &str) -> bool {
    if let [b' '..=b'~'] = symbol.as_bytes() {
        return true;
    }
    let mut chars = symbol.chars();
    let Some(first) = chars.next() else { return false };
    let marks = chars.clone().count();
    !is_unsafe(first)
        && !is_combining(first)
        && chars.all(|c| is_combining(c) && !is_unsafe(c))
        && marks <= MAX_COMBINING
        && (1..=2).contains(&fit::columns(symbol))
}

/// Characters that a terminal obeys, or that a reader cannot see or tell from a space.
fn is_unsafe(c: char) -> bool {
    if matches!(c, ' '..='~') {
        return false;
    }
    let hidden = matches!(
        CodePointMapData::<GeneralCategory>::new().get(c),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::Unassigned
            | GeneralCategory::PrivateUse
            | GeneralCategory::Surrogate
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::SpaceSeparator
    );
    // The blank of braille is assigned, a symbol, and not seen.
    hidden || c == '\u{2800}' || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Marks that stand on the character before them.
fn is_combining(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    matches!(category, GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark)
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

    /// A text that is not copied is the one that a copy would be.
    #[test]
    fn what_is_given_away_becomes_the_same() {
        for text in ["plain", "é", "<U+202E>", "<u>", "a\u{202e}b", "\u{1b}[2J", "seven..", "eight..."] {
            assert_eq!(SafeText::owned(text.to_owned(), 7), SafeText::new(text, 7), "{text:?}");
        }
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

    fn name(name: &str) -> String {
        SafeText::name(name).to_string()
    }

    #[test]
    fn a_plain_name_is_shown_as_it_is_and_every_other_with_a_digest() {
        assert_eq!(name("validator-0.north_1"), "validator-0.north_1");
        for (text, start) in [
            ("Zürich", "Zürich#"),
            ("東京", "東京#"),
            ("North 1", "North 1#"),
            ("", "#"),
            ("val\u{200b}-1", "val<U+200B>-1#"),
            ("\u{430}dmin", "≈\u{430}dmin#"),
            ("東京タワー", "東京タワー#"),
            ("\u{301}x", "<U+0301>x#"),
        ] {
            let shown = name(text);
            assert!(shown.starts_with(start) && shown.len() == start.len() + DIGEST, "{text:?} {shown:?}");
        }
        assert!(name(&"x".repeat(65)).contains("x#"));
    }

    /// As the eye sees it: letters of other scripts are taken for those that they look like, and what
    /// is composed for what it is made of.
    fn looks(shown: &str) -> String {
        let twins = [
            ('\u{430}', 'a'),
            ('\u{43e}', 'o'),
            ('\u{441}', 'c'),
            ('\u{435}', 'e'),
            ('\u{3bf}', 'o'),
            ('é', 'e'),
        ];
        let twin = |c| twins.iter().find(|(twin, _)| *twin == c).map_or(c, |(_, plain)| *plain);
        shown.chars().map(twin).filter(|c| !is_combining(*c)).collect()
    }

    /// Over all short names of pieces that imitate each other: no two look the same, whole or cut.
    #[test]
    fn two_names_never_look_equal() {
        let pieces = [
            "",
            "a",
            "\u{430}",
            "o",
            "\u{43e}",
            "\u{3bf}",
            "e",
            "é",
            "e\u{301}",
            "\u{200b}",
            "\u{202e}",
            " ",
            "\u{a0}",
            "#",
            "≈",
            "<U+200B>",
            "\u{1b}[2J",
            "\t",
            "\u{fe0f}",
            "\u{2800}",
            "-",
        ];
        for room in [usize::MAX, 16, 11] {
            let mut seen = std::collections::BTreeMap::new();
            for at in 0..pieces.len().pow(3) {
                let n = pieces.len();
                let (a, b, c) = (pieces[at % n], pieces[at / n % n], pieces[at / n / n]);
                let text = format!("{a}{b}{c}");
                let shown = SafeText::name(&text).fitted(room, "…").into_owned();
                assert!(fit::columns(&shown) <= room && shown.chars().all(|c| !is_unsafe(c)), "{shown:?}");
                let other = seen.insert(looks(&shown), text.clone());
                assert!(other.as_ref().is_none_or(|other| *other == text), "{other:?} {text:?} {shown}");
            }
        }
        let long =
            |end| SafeText::name(&format!("validator-of-the-north-{end}")).fitted(20, "…").into_owned();
        assert_ne!(long("1"), long("2"));
        assert!(long("1").starts_with("validato…#"), "{}", long("1"));
    }

    #[test]
    fn a_cell_holds_one_character_that_is_seen() {
        for good in ["a", " ", "é", "e\u{301}", "東", "│", "✓"] {
            assert!(is_drawable(good), "{good}");
        }
        for bad in [
            "",
            "ab",
            "\u{1b}",
            "\u{301}",
            "\u{200b}",
            "a\u{200d}",
            "e\u{301}\u{301}\u{301}",
            "\u{378}",
            "\u{e000}",
        ] {
            assert!(!is_drawable(bad), "{bad:?}");
        }
    }
}
