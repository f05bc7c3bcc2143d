//! Which way does it go? The last values as small columns, and the newest as a number: the picture
//! is never the only carrier.

use qratum_themes::{Glyphs, Theme, Tone};
use ratatui_core::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};

use crate::fit;

/// From none to the highest of the values that are shown.
const UNICODE: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const ASCII: [&str; 8] = ["_", ".", ":", "-", "=", "+", "*", "#"];

/// The newest values in one row, the newest at the right end, and a number behind them.
///
/// Where there is room for one of the two only, it is the number.
#[derive(Clone, Copy, Debug)]
pub struct Spark<'a> {
    /// Oldest first.
    pub values: &'a [u64],
    /// What they come to, with its unit, such as `p50 1.02 s`.
    pub number: &'a str,
    /// Colors and characters.
    pub theme: &'a Theme,
}

impl Widget for Spark<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let room = usize::from(area.width);
        let left = room.saturating_sub(fit::columns(self.number).saturating_add(1));
        let bars = bars(self.values, left, self.theme.glyphs());
        let gap = if bars.is_empty() { "" } else { " " };
        let number = fit::clipped(self.theme, self.number, room);
        let spans = [Span::styled(bars, self.theme.tone(Tone::Quiet)), gap.into(), number.into()];
        Line::from_iter(spans).render(area, buffer);
    }
}

/// The last `room` values as one character each.
#[must_use]
pub fn bars(values: &[u64], room: usize, glyphs: Glyphs) -> String {
    let shown = values.get(values.len().saturating_sub(room)..).unwrap_or_default();
    let most = shown.iter().copied().max().unwrap_or(0);
    let levels = match glyphs {
        Glyphs::Unicode => UNICODE,
        Glyphs::Ascii => ASCII,
    };
    let [lowest, .., highest] = levels;
    let bar = |value: &u64| {
        // The highest character is for the highest value only, the lowest for nothing only.
        let level = u128::from(*value).saturating_mul(7).div_ceil(u128::from(most).max(1));
        match (value, usize::try_from(level)) {
            (0, _) => lowest,
            (_, Ok(level)) => levels.get(level).copied().unwrap_or(highest),
            (_, Err(_)) => highest,
        }
    };
    shown.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use qratum_themes::Colors;

    fn drawn(values: &[u64], number: &str, width: u16) -> String {
        let theme = Theme::terminal16(Glyphs::Unicode, Colors::Off).unwrap();
        let area = Rect::new(0, 0, width, 1);
        let mut buffer = Buffer::empty(area);
        Spark { values, number, theme: &theme }.render(area, &mut buffer);
        (0..width).map(|x| buffer[(x, 0)].symbol()).collect::<String>().trim_end().to_owned()
    }

    #[test]
    fn the_highest_is_full_and_only_nothing_is_empty() {
        assert_eq!(bars(&[0, 1, 50, 100], 9, Glyphs::Unicode), "▁▂▅█");
        assert_eq!(bars(&[0, 1, 50, 100], 9, Glyphs::Ascii), "_.=#");
        assert_eq!(bars(&[0, 0], 9, Glyphs::Unicode), "▁▁");
        assert_eq!(bars(&[u64::MAX, 1], 9, Glyphs::Unicode), "█▂");
        assert_eq!(bars(&[], 9, Glyphs::Unicode), "");
    }

    #[test]
    fn the_newest_values_and_the_number_stay() {
        assert_eq!(drawn(&[9, 8, 7, 7], "1.0 s", 8), "██ 1.0 s");
        assert_eq!(drawn(&[9, 8, 7, 7], "1.0 s", 5), "1.0 s");
        assert_eq!(drawn(&[9, 8, 7, 7], "1.0 s", 3), "1.…");
    }
}
