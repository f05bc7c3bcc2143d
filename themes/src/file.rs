//! What stands in a theme file?

use std::collections::BTreeMap;

use ratatui_core::style::{Color, Modifier, Style};
use serde::Deserialize;

use crate::{Colors, Glyphs, Mark, ThemeError, Tone, built_in, color};

/// The longest mark, and the longest word, in characters.
const MAX_MARK: usize = 2;
const MAX_WORD: usize = 24;
/// How many themes may stand on each other.
const MAX_DEPTH: usize = 4;

/// A theme file, over the one that it inherits.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    schema: u8,
    #[serde(rename = "name")]
    _name: String,
    inherits: Option<String>,
    #[serde(default, rename = "mode")]
    _mode: Option<Mode>,
    #[serde(default)]
    palette: BTreeMap<String, String>,
    #[serde(default)]
    role: BTreeMap<Tone, Role>,
    #[serde(default)]
    mark: BTreeMap<Mark, MarkEntry>,
}

/// The window that a theme is made for; its contrast is tested against that.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Dark,
    Light,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Role {
    fg: Option<String>,
    bg: Option<String>,
    fg16: Option<String>,
    bg16: Option<String>,
    #[serde(default)]
    mods: Vec<Mod>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mod {
    Bold,
    Dim,
    Underlined,
    Reversed,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct MarkEntry {
    unicode: String,
    ascii: String,
    word: String,
    role: Tone,
}

/// A text that names no color.
struct NoColor;

/// A mark as it is drawn.
#[derive(Clone, Debug)]
pub(crate) struct MarkText {
    pub(crate) glyph: String,
    pub(crate) word: String,
    pub(crate) tone: Tone,
}

impl File {
    /// Reads a file and what it stands on.
    pub(crate) fn read(text: &str) -> Result<Self, ThemeError> {
        let mut file = Self::parse(text)?;
        for _ in 0..MAX_DEPTH {
            let Some(name) = file.inherits.take() else { return Ok(file) };
            let base = Self::parse(built_in(&name).ok_or(ThemeError::Unknown(name))?)?;
            file = file.over(base);
        }
        Err(ThemeError::Entry("inherits"))
    }

    fn parse(text: &str) -> Result<Self, ThemeError> {
        let file: Self = toml::from_str(text).map_err(|why| ThemeError::Toml(why.to_string()))?;
        if file.schema == 1 { Ok(file) } else { Err(ThemeError::Entry("schema")) }
    }

    fn over(self, base: Self) -> Self {
        let Self { palette, role, mark, .. } = self;
        let mut file = base;
        file.palette.extend(palette);
        file.role.extend(role);
        file.mark.extend(mark);
        file
    }

    /// How a role is drawn with these colors; none where its entry is no good.
    pub(crate) fn style(&self, tone: Tone, colors: Colors) -> Option<Style> {
        let role = self.role.get(&tone)?;
        let style = Style {
            fg: self.color(role.fg.as_ref(), role.fg16.as_ref(), colors).ok()?,
            bg: self.color(role.bg.as_ref(), role.bg16.as_ref(), colors).ok()?,
            ..Style::new()
        };
        Some(role.mods.iter().fold(style, |style, it| style.add_modifier(it.modifier())))
    }

    /// Both entries are read, so that a mistake shows on any terminal.
    fn color(
        &self,
        full: Option<&String>,
        sixteen: Option<&String>,
        colors: Colors,
    ) -> Result<Option<Color>, NoColor> {
        let rgb = |name| color::rgb(self.palette.get(name).unwrap_or(name)).ok_or(NoColor);
        let full = full.map(rgb).transpose()?;
        let sixteen = sixteen.map(|name| color::named(name).ok_or(NoColor)).transpose()?;
        Ok(color::choose(full, sixteen, colors))
    }

    /// A mark as it is drawn with these characters; none where its entry is no good.
    pub(crate) fn mark(&self, mark: Mark, glyphs: Glyphs) -> Option<MarkText> {
        let entry = self.mark.get(&mark)?;
        let short = |text: &str, most: usize| (1..=most).contains(&text.chars().count());
        let drawable = |text: &str| !text.chars().any(|c| c.is_control() || c == ' ');
        let good = [&entry.unicode, &entry.ascii].iter().all(|text| short(text, MAX_MARK) && drawable(text))
            && entry.ascii.is_ascii()
            && short(&entry.word, MAX_WORD)
            && entry.word.chars().all(|c| c == ' ' || c.is_ascii_graphic());
        let glyph = match glyphs {
            Glyphs::Unicode => &entry.unicode,
            Glyphs::Ascii => &entry.ascii,
        };
        good.then(|| MarkText { glyph: glyph.clone(), word: entry.word.clone(), tone: entry.role })
    }
}

impl Mod {
    const fn modifier(self) -> Modifier {
        match self {
            Self::Bold => Modifier::BOLD,
            Self::Dim => Modifier::DIM,
            Self::Underlined => Modifier::UNDERLINED,
            Self::Reversed => Modifier::REVERSED,
        }
    }
}
