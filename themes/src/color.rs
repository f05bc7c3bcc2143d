//! Which color does this terminal have that is the nearest?

use core::str::FromStr;

use ratatui_core::style::{Color, Style};

use crate::Colors;

/// Red, green and blue.
pub(crate) type Rgb = [u8; 3];

/// `#rrggbb`.
pub(crate) fn rgb(text: &str) -> Option<Rgb> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let part = |at: usize| u8::from_str_radix(digits.get(at..at.saturating_add(2))?, 16).ok();
    Some([part(0)?, part(2)?, part(4)?])
}

/// One of a terminal's own sixteen, or `default`.
pub(crate) fn named(text: &str) -> Option<Color> {
    if text == "default" {
        return Some(Color::Reset);
    }
    let color = Color::from_str(text).ok()?;
    (!matches!(color, Color::Rgb(..) | Color::Indexed(_) | Color::Reset)).then_some(color)
}

/// The color that a terminal gets; none means that nothing is said about it.
pub(crate) fn choose(full: Option<Rgb>, sixteen: Option<Color>, colors: Colors) -> Option<Color> {
    match (colors, full) {
        (Colors::Off, _) => None,
        (Colors::On, _) | (Colors::Many | Colors::Rgb, None) => sixteen,
        (Colors::Many, Some(color)) => Some(Color::Indexed(nearest(color))),
        (Colors::Rgb, Some([red, green, blue])) => Some(Color::Rgb(red, green, blue)),
    }
}

/// Black or white on this ground, whichever is read better.
pub(crate) fn on(ground: Color) -> Style {
    let (dark, [black, white]) = match ground {
        Color::Rgb(red, green, blue) => {
            (is_dark([red, green, blue]), [Color::Rgb(0, 0, 0), Color::Rgb(255, 255, 255)])
        }
        Color::Indexed(index) => (is_dark(indexed(index)), [Color::Indexed(16), Color::Indexed(231)]),
        named => {
            let dark = matches!(
                named,
                Color::Black | Color::Red | Color::Blue | Color::Magenta | Color::DarkGray | Color::Reset
            );
            (dark, [Color::Black, Color::White])
        }
    };
    Style::new().bg(ground).fg(if dark { white } else { black })
}

/// Whether white is read better on it than black: its relative luminance by WCAG 2.2 is below 0.179.
fn is_dark(color: Rgb) -> bool {
    let [red, green, blue] = color.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.179
}

/// The nearest of the upper 240 of 256 colors, which are the same in every terminal.
fn nearest(color: Rgb) -> u8 {
    let far = |index: &u8| {
        let parts = color.into_iter().zip(indexed(*index));
        parts.map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum::<u32>()
    };
    (16..=255).min_by_key(far).unwrap_or(16)
}

/// What xterm shows for an index of 16 and above: a cube of 6 x 6 x 6, and 24 grays.
pub(crate) fn indexed(index: u8) -> Rgb {
    let cube = |step: u8| if step == 0 { 0 } else { step.saturating_mul(40).saturating_add(55) };
    match index.saturating_sub(16) {
        gray @ 216.. => [gray.saturating_sub(216).saturating_mul(10).saturating_add(8); 3],
        place => [cube(place / 36), cube(place / 6 % 6), cube(place % 6)],
    }
}
