//! How things look: colors, marks and words, from a TOML file.
//!
//! A state is always told three ways: by color, by mark and by word. Without color, and in plain
//! ASCII, nothing is lost.

use core::fmt;
use std::{collections::BTreeMap, str::FromStr};

use ratatui_core::style::{Color, Modifier, Style};
use serde::Deserialize;

const TERMINAL16: &str = include_str!("../terminal16.toml");
/// The longest mark, in characters.
const MAX_MARK: usize = 2;

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$item_doc])* $item,)*
        }

        impl $name {
            /// All of them: a theme must name each.
            pub const ALL: &'static [Self] = &[$(Self::$item),*];

            /// Its name in a theme file.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$item => $text,)*
                }
            }
        }
    };
}

names! {
    /// A role that a color plays.
    Tone {
        /// Ordinary text.
        Plain = "plain",
        /// Text that steps back: labels, hints.
        Quiet = "quiet",
        /// Headings.
        Title = "title",
        /// The bars at the top and bottom.
        Bar = "bar",
        /// As it should be.
        Good = "good",
        /// Needs a look.
        Warn = "warn",
        /// Wrong.
        Bad = "bad",
        /// Wrong, and not to be overlooked.
        Alarm = "alarm",
    }
}

names! {
    /// A sign with a meaning, and its word.
    Mark {
        /// Proven by the light node.
        Verified = "verified",
        /// Proven, but old.
        Stale = "stale",
        /// Somebody says so.
        Unverified = "unverified",
        /// Judged, and not believed.
        Refused = "refused",
        /// A validator that signed.
        Signed = "signed",
        /// A validator that did not.
        Unsigned = "unsigned",
        /// A peer with a connection.
        Connected = "connected",
        /// A peer without one.
        Apart = "apart",
        /// The filled part of a bar.
        Full = "full",
        /// The rest of a bar.
        Empty = "empty",
        /// The two-thirds line in a bar.
        Line = "line",
        /// "rests on", between the steps of a proof.
        From = "from",
    }
}

/// Which characters may be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    /// Any that the theme names.
    Unicode,
    /// ASCII only.
    Ascii,
}

/// Whether colors may be used. Attributes such as bold stay either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colors {
    /// As the theme says.
    On,
    /// None, as `NO_COLOR` asks.
    Off,
}

/// A loaded theme: complete, every tone and mark is there.
#[derive(Clone, Debug)]
pub struct Theme {
    tones: BTreeMap<Tone, Style>,
    marks: BTreeMap<Mark, MarkText>,
    glyphs: Glyphs,
}

#[derive(Clone, Debug)]
struct MarkText {
    glyph: String,
    word: String,
    tone: Tone,
}

/// Why a theme file is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThemeError {
    /// No TOML of this form; the parser's words.
    Toml(String),
    /// A tone or mark is missing, or its value is no good.
    Entry(&'static str),
}

impl fmt::Display for ThemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Toml(why) => write!(f, "no theme file: {why}"),
            Self::Entry(name) => write!(f, "the theme has no good entry for {name}"),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "name")]
    _name: String,
    tones: BTreeMap<String, String>,
    marks: BTreeMap<String, MarkEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MarkEntry {
    unicode: String,
    ascii: String,
    word: String,
    tone: String,
}

impl Theme {
    /// The theme that comes with the program.
    ///
    /// # Errors
    /// [`ThemeError`]; a test holds that it loads.
    pub fn terminal16(glyphs: Glyphs, colors: Colors) -> Result<Self, ThemeError> {
        Self::load(TERMINAL16, glyphs, colors)
    }

    /// Reads a theme file.
    ///
    /// # Errors
    /// [`ThemeError`], when it is no TOML of this form or misses an entry.
    pub fn load(text: &str, glyphs: Glyphs, colors: Colors) -> Result<Self, ThemeError> {
        let file: File = toml::from_str(text).map_err(|why| ThemeError::Toml(why.to_string()))?;
        let tone = |tone: &Tone| {
            let style = file.tones.get(tone.name()).and_then(|text| style(text, colors));
            style.map(|style| (*tone, style)).ok_or(ThemeError::Entry(tone.name()))
        };
        let mark = |mark: &Mark| {
            let text = file.marks.get(mark.name()).and_then(|entry| entry.read(glyphs));
            text.map(|text| (*mark, text)).ok_or(ThemeError::Entry(mark.name()))
        };
        Ok(Self {
            tones: Tone::ALL.iter().map(tone).collect::<Result<_, _>>()?,
            marks: Mark::ALL.iter().map(mark).collect::<Result<_, _>>()?,
            glyphs,
        })
    }

    /// How a tone is drawn.
    #[must_use]
    pub fn tone(&self, tone: Tone) -> Style {
        self.tones.get(&tone).copied().unwrap_or_default()
    }

    /// The characters of a mark, one or two.
    #[must_use]
    pub fn glyph(&self, mark: Mark) -> &str {
        self.marks.get(&mark).map_or("", |text| &text.glyph)
    }

    /// The word of a mark.
    #[must_use]
    pub fn word(&self, mark: Mark) -> &str {
        self.marks.get(&mark).map_or("", |text| &text.word)
    }

    /// The style of a mark.
    #[must_use]
    pub fn mark_style(&self, mark: Mark) -> Style {
        self.marks.get(&mark).map_or_else(Style::new, |text| self.tone(text.tone))
    }

    /// Which characters may be drawn.
    #[must_use]
    pub const fn glyphs(&self) -> Glyphs {
        self.glyphs
    }
}

impl MarkEntry {
    fn read(&self, glyphs: Glyphs) -> Option<MarkText> {
        let glyph = match glyphs {
            Glyphs::Unicode => &self.unicode,
            Glyphs::Ascii => &self.ascii,
        };
        let drawable = !glyph.is_empty()
            && glyph.chars().count() <= MAX_MARK
            && !glyph.chars().any(char::is_control)
            && self.ascii.is_ascii();
        let tone = Tone::ALL.iter().copied().find(|tone| tone.name() == self.tone)?;
        drawable.then(|| MarkText { glyph: glyph.clone(), word: self.word.clone(), tone })
    }
}

/// A color, or "reset", and attributes.
fn style(text: &str, colors: Colors) -> Option<Style> {
    let mut words = text.split_whitespace();
    let color = Color::from_str(words.next()?).ok()?;
    let base = match colors {
        Colors::On => Style::new().fg(color),
        Colors::Off => Style::new(),
    };
    words.try_fold(base, |style, word| {
        Some(style.add_modifier(match word {
            "bold" => Modifier::BOLD,
            "dim" => Modifier::DIM,
            "reversed" => Modifier::REVERSED,
            _ => return None,
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_theme_is_complete_and_its_ascii_is_ascii() {
        for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
            let theme = Theme::terminal16(glyphs, Colors::On).unwrap();
            for mark in Mark::ALL {
                assert!(!theme.glyph(*mark).is_empty() && !theme.word(*mark).is_empty(), "{mark:?}");
                assert!(glyphs == Glyphs::Unicode || theme.glyph(*mark).is_ascii(), "{mark:?}");
            }
        }
    }

    /// The states that decide what is believed differ by mark and by word, not by color alone.
    #[test]
    fn states_differ_without_color() {
        for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
            let theme = Theme::terminal16(glyphs, Colors::Off).unwrap();
            let states = [Mark::Verified, Mark::Stale, Mark::Unverified, Mark::Refused];
            for (a, b) in states.iter().flat_map(|a| states.iter().map(move |b| (*a, *b))) {
                assert!(a == b || theme.glyph(a) != theme.glyph(b), "{a:?} {b:?}");
                assert!(a == b || theme.word(a) != theme.word(b), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn no_color_keeps_attributes_only() {
        let theme = Theme::terminal16(Glyphs::Unicode, Colors::Off).unwrap();
        for tone in Tone::ALL {
            assert_eq!((theme.tone(*tone).fg, theme.tone(*tone).bg), (None, None), "{tone:?}");
        }
        assert!(theme.tone(Tone::Alarm).add_modifier.contains(Modifier::REVERSED));
    }

    #[test]
    fn a_theme_without_an_entry_or_with_a_bad_one_is_refused() {
        let load = |text: &str| Theme::load(text, Glyphs::Unicode, Colors::On).map(|_| ());
        let without = TERMINAL16.replace("alarm = ", "other = ");
        assert_eq!(load(&without), Err(ThemeError::Entry("alarm")));
        let bad_color = TERMINAL16.replace("green bold", "greenish bold");
        assert_eq!(load(&bad_color), Err(ThemeError::Entry("good")));
        let escape = TERMINAL16.replace("unicode = \"✗\"", "unicode = \"\\u001b\"");
        assert_eq!(load(&escape), Err(ThemeError::Entry("refused")));
        assert!(matches!(load("["), Err(ThemeError::Toml(_))));
    }
}
