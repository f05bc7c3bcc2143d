//! What stands in a theme file?

use std::collections::BTreeMap;

use ratatui_core::style::{Color, Modifier, Style};
use serde::Deserialize;
use toml::Spanned;

use crate::{
    Colors, Glyphs, Mark, ThemeError, Tone, built_in,
    color::{self, Rgb},
};

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
    palette: BTreeMap<String, Full>,
    #[serde(default)]
    role: BTreeMap<Tone, Role>,
    #[serde(default)]
    mark: BTreeMap<Mark, MarkEntry>,
    #[serde(default)]
    env: BTreeMap<String, Environment>,
}

/// `#rrggbb`.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Full(Rgb);

impl TryFrom<String> for Full {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        color::rgb(&text).map(Self).ok_or_else(|| format!("{text:?} is no color: #rrggbb is one"))
    }
}

/// One of a terminal's own sixteen.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Sixteen(Color);

impl TryFrom<String> for Sixteen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let why = || format!("{text:?} is none of a terminal's sixteen colors, such as red or light-blue");
        color::named(&text).map(Self).ok_or_else(why)
    }
}

/// A word that stands for something, in visible ASCII.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
struct Word(String);

impl TryFrom<String> for Word {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let good = is_short(&text, MAX_WORD) && text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
        if good {
            Ok(Self(text))
        } else {
            Err(format!("a word has 1 to {MAX_WORD} visible ASCII characters"))
        }
    }
}

/// How networks of one kind are told from others.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Environment {
    bar: Bar,
}

/// The bar at the top: another ground, and a word.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bar {
    bg: Spanned<String>,
    bg16: Sixteen,
    word: Word,
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
    fg: Option<Spanned<String>>,
    bg: Option<Spanned<String>>,
    fg16: Option<Sixteen>,
    bg16: Option<Sixteen>,
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
    unicode: Sign,
    ascii: AsciiSign,
    word: Word,
    role: Tone,
}

/// The characters of a mark.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
struct Sign(String);

impl TryFrom<String> for Sign {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let good = is_short(&text, MAX_MARK) && !text.chars().any(|c| c.is_control() || c == ' ');
        if good { Ok(Self(text)) } else { Err(format!("a mark has 1 to {MAX_MARK} visible characters")) }
    }
}

/// The same in ASCII.
#[derive(Clone, Deserialize)]
#[serde(try_from = "Sign")]
struct AsciiSign(String);

impl TryFrom<Sign> for AsciiSign {
    type Error = &'static str;

    fn try_from(Sign(text): Sign) -> Result<Self, &'static str> {
        if text.is_ascii() { Ok(Self(text)) } else { Err("this mark is for terminals that have ASCII only") }
    }
}

fn is_short(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.chars().count())
}

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
        let file = Self::parse(text)?;
        let names = file.colors();
        let whole = file.inherit()?;
        match names.iter().find(|name| whole.rgb(name.get_ref()).is_none()) {
            None => Ok(whole),
            Some(name) => {
                let before = text.get(..name.span().start).unwrap_or_default();
                let line = before.matches('\n').count().saturating_add(1);
                Err(ThemeError::Color { line, name: name.get_ref().clone() })
            }
        }
    }

    fn parse(text: &str) -> Result<Self, ThemeError> {
        let file: Self = toml::from_str(text).map_err(|why| ThemeError::Toml(why.to_string()))?;
        if file.schema == 1 { Ok(file) } else { Err(ThemeError::Entry("schema")) }
    }

    /// The file over what it stands on.
    fn inherit(mut self) -> Result<Self, ThemeError> {
        for _ in 0..MAX_DEPTH {
            let Some(name) = self.inherits.take() else { return Ok(self) };
            let base = Self::parse(built_in(&name).ok_or(ThemeError::Unknown(name))?)?;
            self = self.over(base);
        }
        Err(ThemeError::Entry("inherits"))
    }

    fn over(self, base: Self) -> Self {
        let Self { palette, role, mark, env, .. } = self;
        let mut file = base;
        file.palette.extend(palette);
        file.role.extend(role);
        file.mark.extend(mark);
        file.env.extend(env);
        file
    }

    /// Every color that stands here by its own digits or by a name of the palette.
    fn colors(&self) -> Vec<Spanned<String>> {
        let roles = self.role.values().flat_map(|role| [&role.fg, &role.bg]).flatten();
        roles.chain(self.env.values().map(|env| &env.bar.bg)).cloned().collect()
    }

    fn rgb(&self, name: &str) -> Option<Rgb> {
        self.palette.get(name).map(|full| full.0).or_else(|| color::rgb(name))
    }

    /// How a role is drawn with these colors; none where it has no entry.
    pub(crate) fn style(&self, tone: Tone, colors: Colors) -> Option<Style> {
        let role = self.role.get(&tone)?;
        let color = |full: &Option<Spanned<String>>, sixteen: Option<Sixteen>| {
            let full = full.as_ref().and_then(|name| self.rgb(name.get_ref()));
            color::choose(full, sixteen.map(|sixteen| sixteen.0), colors)
        };
        let (fg, bg) = (color(&role.fg, role.fg16), color(&role.bg, role.bg16));
        let style = Style { fg, bg, ..Style::new() };
        Some(role.mods.iter().fold(style, |style, it| style.add_modifier(it.modifier())))
    }

    /// By environment, the word of its bar and how that is drawn; without colors, as `plain` is.
    pub(crate) fn bars(&self, colors: Colors, plain: Style) -> BTreeMap<String, (String, Style)> {
        let style = |Bar { bg, bg16, .. }: &Bar| {
            let ground = color::choose(self.rgb(bg.get_ref()), Some(bg16.0), colors);
            ground.map_or(plain, |ground| color::on(ground).add_modifier(Modifier::BOLD))
        };
        let bar =
            |(name, env): (&String, &Environment)| (name.clone(), (env.bar.word.0.clone(), style(&env.bar)));
        self.env.iter().map(bar).collect()
    }

    /// A mark as it is drawn with these characters; none where it has no entry.
    pub(crate) fn mark(&self, mark: Mark, glyphs: Glyphs) -> Option<MarkText> {
        let MarkEntry { unicode, ascii, word, role } = self.mark.get(&mark)?;
        let glyph = match glyphs {
            Glyphs::Unicode => &unicode.0,
            Glyphs::Ascii => &ascii.0,
        };
        Some(MarkText { glyph: glyph.clone(), word: word.0.clone(), tone: *role })
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
