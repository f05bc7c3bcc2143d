//! Which colors are wanted, and which does the terminal have?

use std::{
    collections::BTreeSet,
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use qratum_themes::{BUILT_IN, Colors, Glyphs, Theme};

use crate::{
    cli::{ColorLevel, Look},
    exit::{Exit, Failure},
};

/// A theme file is far smaller; a larger file is none.
const MAX_FILE: u64 = 64 * 1024;
/// So many files of themes are offered by name.
const MOST_THEMES: usize = 100;

/// The theme that was asked for, in the colors that the terminal has.
pub(crate) fn theme(look: &Look) -> Result<Theme, Failure> {
    let glyphs = if look.ascii { Glyphs::Ascii } else { Glyphs::Unicode };
    let colors = colors(look.color, |name| env::var_os(name));
    let usage = |why: String| Failure::new(Exit::Usage, format!("theme {}: {why}", look.theme));
    let own = theme_folder().map(|folder| folder.join(format!("{}.toml", look.theme)));
    match own.filter(|_| !BUILT_IN.contains(&look.theme.as_str()) && is_name(&look.theme)) {
        Some(path) if path.exists() => {
            let text = read(&path).map_err(usage)?;
            Theme::load(&text, glyphs, colors).map_err(|why| usage(why.to_string()))
        }
        _ => Theme::named(&look.theme, glyphs, colors).map_err(|why| usage(why.to_string())),
    }
}

/// The names of all themes: those that come with the program, then the user's own.
pub(crate) fn themes() -> Vec<String> {
    let folder = theme_folder().and_then(|folder| fs::read_dir(folder).ok());
    let files = folder.into_iter().flatten().flatten().map(|file| file.path());
    let themes = files.filter(|path| path.extension().is_some_and(|kind| kind == "toml"));
    let own = themes.filter_map(|path| path.file_stem()?.to_str().map(str::to_owned));
    let own = own.filter(|name| is_name(name) && !BUILT_IN.contains(&name.as_str()));
    let own: BTreeSet<String> = own.take(MOST_THEMES).collect();
    BUILT_IN.into_iter().map(str::to_owned).chain(own).collect()
}

fn read(path: &Path) -> Result<String, String> {
    let large = fs::metadata(path).is_ok_and(|file| file.len() > MAX_FILE);
    if large {
        Err("is too large for a theme".to_owned())
    } else {
        fs::read_to_string(path).map_err(|error| error.to_string())
    }
}

/// A name, and no way to another folder.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Where the user's own themes lie.
pub(crate) fn theme_folder() -> Option<PathBuf> {
    folder(|name| env::var_os(name))
}

fn folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")))?;
    Some(config.join("qratum/themes"))
}

/// The option; else none where `NO_COLOR` has any value or the terminal is dumb; else what the
/// terminal says of itself.
fn colors(asked: Option<ColorLevel>, variable: impl Fn(&str) -> Option<OsString>) -> Colors {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let term = set("TERM").unwrap_or_default();
    match asked {
        Some(ColorLevel::Off) => Colors::Off,
        Some(ColorLevel::Sixteen) => Colors::On,
        Some(ColorLevel::Many) => Colors::Many,
        Some(ColorLevel::Rgb) => Colors::Rgb,
        None if set("NO_COLOR").is_some() || term == "dumb" => Colors::Off,
        None if set("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit") => Colors::Rgb,
        None if term.to_string_lossy().ends_with("-256color") => Colors::Many,
        None => Colors::On,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(asked: Option<ColorLevel>, variables: &[(&str, &str)]) -> Colors {
        colors(asked, |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        })
    }

    #[test]
    fn the_option_wins_over_what_the_terminal_says() {
        let rich = [("TERM", "xterm-256color"), ("COLORTERM", "truecolor")];
        assert_eq!(level(None, &rich), Colors::Rgb);
        assert_eq!(level(None, &rich[..1]), Colors::Many);
        assert_eq!(level(None, &[("TERM", "linux")]), Colors::On);
        assert_eq!(level(None, &[("TERM", "dumb"), ("COLORTERM", "truecolor")]), Colors::Off);
        let plain = [rich[0], rich[1], ("NO_COLOR", "1")];
        assert_eq!(level(None, &plain), Colors::Off);
        assert_eq!(level(None, &[rich[0], ("NO_COLOR", "")]), Colors::Many);
        assert_eq!(level(Some(ColorLevel::Sixteen), &plain), Colors::On);
    }

    #[test]
    fn themes_lie_in_one_folder_and_nowhere_else() {
        let variable = |name: &str| (name == "XDG_CONFIG_HOME").then(|| OsString::from("/c"));
        assert_eq!(folder(variable), Some(PathBuf::from("/c/qratum/themes")));
        let home = |name: &str| (name == "HOME").then(|| OsString::from("/h"));
        assert_eq!(folder(home), Some(PathBuf::from("/h/.config/qratum/themes")));
        assert!(is_name("my-theme_2"));
        for bad in ["", "..", "a/b", "../x", "a b", "x.toml"] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn a_theme_that_is_not_there_names_those_that_are() {
        let look = Look { ascii: false, theme: "nosuch".to_owned(), color: None };
        let failure = theme(&look).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.text.is_some_and(|text| text.contains("high-contrast-light")));
    }
}
