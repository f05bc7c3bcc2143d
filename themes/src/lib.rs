//! How things look: colors, marks and words, from a TOML file.
//!
//! A state is always told three ways: by color, by mark and by word. Without color, and in plain
//! ASCII, nothing is lost.

mod color;
mod file;
#[cfg(test)]
mod tests;

use core::fmt;
use std::collections::BTreeMap;

use ratatui_core::style::Style;

use file::{File, MarkText};

/// The themes that come with the program, the default first.
pub const BUILT_IN: [&str; 8] = [
    "terminal16",
    "dark",
    "light",
    "high-contrast-dark",
    "high-contrast-light",
    "deuteranopia",
    "tritanopia",
    "mono",
];

/// The text of a theme that comes with the program.
fn built_in(name: &str) -> Option<&'static str> {
    Some(match name {
        "terminal16" => include_str!("../terminal16.toml"),
        "dark" => include_str!("../dark.toml"),
        "light" => include_str!("../light.toml"),
        "high-contrast-dark" => include_str!("../high-contrast-dark.toml"),
        "high-contrast-light" => include_str!("../high-contrast-light.toml"),
        "deuteranopia" => include_str!("../deuteranopia.toml"),
        "tritanopia" => include_str!("../tritanopia.toml"),
        "mono" => include_str!("../mono.toml"),
        _ => return None,
    })
}

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
        pub enum $name {
            $($(#[$item_doc])* #[serde(rename = $text)] $item,)*
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
        /// Proven, but old.
        Stale = "stale",
        /// Somebody says so.
        Unverified = "unverified",
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

/// Which colors the terminal has. Attributes such as bold stay in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colors {
    /// None, as `NO_COLOR` asks.
    Off,
    /// Its own sixteen.
    On,
    /// 256.
    Many,
    /// All.
    Rgb,
}

/// A loaded theme: complete, every tone and mark is there.
#[derive(Clone, Debug)]
pub struct Theme {
    tones: BTreeMap<Tone, Style>,
    marks: BTreeMap<Mark, MarkText>,
    /// By environment: its word, and how the bar is drawn.
    bars: BTreeMap<String, (String, Style)>,
    glyphs: Glyphs,
}

/// Why a theme file is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThemeError {
    /// No TOML of this form; the parser's words, with the line.
    Toml(String),
    /// A tone or mark is missing, or this version does not know the value.
    Entry(&'static str),
    /// A color that is neither `#rrggbb` nor a name of the palette.
    Color {
        /// The line that it stands in, from 1.
        line: usize,
        /// As it stands there.
        name: String,
    },
    /// It inherits a theme that does not come with the program.
    Unknown(String),
    /// Two states of a value would have one mark or one word.
    Same(&'static str, &'static str),
}

impl fmt::Display for ThemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Toml(why) => write!(f, "no theme file: {why}"),
            Self::Entry(name) => write!(f, "the theme has no good entry for {name}"),
            Self::Color { line, name } => {
                write!(f, "line {line}: {name:?} is no color: neither #rrggbb nor a name of the palette")
            }
            Self::Unknown(name) => write!(f, "no theme {name}; there are {}", BUILT_IN.join(", ")),
            Self::Same(one, other) => write!(f, "the theme shows {one} and {other} alike"),
        }
    }
}

/// The states that decide what is believed: no theme may show two of them alike.
const STATES: [Mark; 4] = [Mark::Verified, Mark::Stale, Mark::Unverified, Mark::Refused];

impl Theme {
    /// The theme that comes with the program.
    ///
    /// # Errors
    /// [`ThemeError`]; a test holds that it loads.
    pub fn terminal16(glyphs: Glyphs, colors: Colors) -> Result<Self, ThemeError> {
        Self::named("terminal16", glyphs, colors)
    }

    /// One of [`BUILT_IN`].
    ///
    /// # Errors
    /// [`ThemeError::Unknown`] for any other name.
    pub fn named(name: &str, glyphs: Glyphs, colors: Colors) -> Result<Self, ThemeError> {
        let text = built_in(name).ok_or_else(|| ThemeError::Unknown(name.to_owned()))?;
        Self::load(text, glyphs, colors)
    }

    /// Reads a theme file.
    ///
    /// # Errors
    /// [`ThemeError`], when it is no TOML of this form, names a color that is none, misses an entry, or
    /// hides a state; with the line, where one is to blame.
    pub fn load(text: &str, glyphs: Glyphs, colors: Colors) -> Result<Self, ThemeError> {
        let file = File::read(text)?;
        let tones = Tone::ALL.iter().map(|tone| {
            let style = file.style(*tone, colors);
            style.map(|style| (*tone, style)).ok_or(ThemeError::Entry(tone.name()))
        });
        let marks = Mark::ALL.iter().map(|mark| {
            let text = file.mark(*mark, glyphs);
            text.map(|text| (*mark, text)).ok_or(ThemeError::Entry(mark.name()))
        });
        let tones: BTreeMap<Tone, Style> = tones.collect::<Result<_, _>>()?;
        let bars = file.bars(colors, tones.get(&Tone::Bar).copied().unwrap_or_default());
        let theme = Self { tones, marks: marks.collect::<Result<_, _>>()?, bars, glyphs };
        let alike = |a: Mark, b: Mark| theme.glyph(a) == theme.glyph(b) || theme.word(a) == theme.word(b);
        let pairs = STATES.iter().flat_map(|a| STATES.iter().map(move |b| (*a, *b)));
        match pairs.into_iter().find(|(a, b)| a < b && alike(*a, *b)) {
            Some((a, b)) => Err(ThemeError::Same(a.name(), b.name())),
            None => Ok(theme),
        }
    }

    /// How a tone is drawn.
    #[must_use]
    pub fn tone(&self, tone: Tone) -> Style {
        self.tones.get(&tone).copied().unwrap_or_default()
    }

    /// How the bar of a network is drawn, and the word of its environment, where the theme has one: `prod`
    /// is that of the networks `prod` and `prod-...`. The longest name counts.
    #[must_use]
    pub fn bar(&self, network: &str) -> (Style, Option<&str>) {
        let is_of = |name: &str| {
            network.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let found = self.bars.iter().filter(|(name, _)| is_of(name)).max_by_key(|(name, _)| name.len());
        found.map_or_else(|| (self.tone(Tone::Bar), None), |(_, (word, style))| (*style, Some(word.as_str())))
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
