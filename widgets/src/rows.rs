//! What goes first when the window is narrow? Rows of parts: the trust bar, the tabs, the keys.

use qratum_themes::{Theme, Tone};
use ratatui_core::{
    buffer::Buffer,
    layout::{Alignment, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::Widget,
};

use crate::fit;

/// One part of the trust bar.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// What it says.
    pub line: Line<'a>,
    /// Parts of the highest rank are the first to go; those of rank 0 never do.
    pub rank: u8,
}

/// The row at the top: who is watched and how it stands, from edge to edge. Nothing covers it.
#[derive(Clone, Debug)]
pub struct TrustBar<'a> {
    /// From left to right.
    pub parts: &'a [Part<'a>],
    /// How all of it is drawn.
    pub style: Style,
    /// Colors.
    pub theme: &'a Theme,
}

impl Widget for TrustBar<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        const GAP: &str = "  ";
        let sizes: Vec<(usize, u8)> = self.parts.iter().map(|part| (part.line.width(), part.rank)).collect();
        let kept = kept(&sizes, usize::from(area.width).saturating_sub(1), GAP.len());
        let parts = self.parts.iter().zip(kept).filter(|(_, kept)| *kept).map(|(part, _)| part);
        let mut spans = vec![Span::raw(" ")];
        for (at, part) in parts.enumerate() {
            if at > 0 {
                spans.push(Span::raw(GAP));
            }
            spans.extend(part.line.iter().cloned().map(|span| span.patch_style(part.line.style)));
        }
        buffer.set_style(area, self.style);
        let line = fit::clipped_line(self.theme, Line::from(spans), area.width.into());
        fit::draw(&line, Alignment::Left, area, buffer);
    }
}

/// One screen in the row of tabs.
#[derive(Clone, Copy, Debug)]
pub struct Tab<'a> {
    /// The key that opens it.
    pub key: char,
    /// Its name.
    pub title: &'a str,
    /// Its name where there is little room: three letters.
    pub short: &'a str,
    /// A count that asks for a look, 0 for none.
    pub count: usize,
}

/// The screens, and which one is open. Names get shorter before anything is left out; the open one
/// always stays.
#[derive(Clone, Copy, Debug)]
pub struct TabBar<'a> {
    /// From left to right.
    pub tabs: &'a [Tab<'a>],
    /// The place of the open one.
    pub open: usize,
    /// Colors.
    pub theme: &'a Theme,
}

impl Widget for TabBar<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let room = usize::from(area.width);
        let named = |name: fn(&Tab<'_>) -> String| self.tabs.iter().map(name).collect::<Vec<_>>();
        let long = named(|tab| format!(" {} {}{} ", tab.key, tab.title, counted(tab.count)));
        let short = named(|tab| format!(" {} {}{} ", tab.key, tab.short, counted(tab.count)));
        let keys = named(|tab| format!(" {} ", tab.key));
        let fits = |names: &Vec<String>| names.iter().map(|name| fit::columns(name)).sum::<usize>() <= room;
        let mut names = [long, short].into_iter().find(fits).unwrap_or(keys);
        if let Some((open, tab)) = names.get_mut(self.open).zip(self.tabs.get(self.open)) {
            // Keys alone do not say where one is.
            if open.trim().len() == 1 {
                *open = format!(" {} {} ", tab.key, tab.short);
            }
        }
        let style = |at| {
            if at == self.open {
                self.theme.tone(Tone::Title).add_modifier(Modifier::REVERSED)
            } else {
                self.theme.tone(Tone::Plain)
            }
        };
        let spans = names.into_iter().enumerate().map(|(at, name)| Span::styled(name, style(at)));
        Line::from_iter(spans).render(area, buffer);
    }
}

fn counted(count: usize) -> String {
    if count == 0 { String::new() } else { format!(" ({count})") }
}

/// A key and what it does.
#[derive(Clone, Copy, Debug)]
pub struct Hint<'a> {
    /// As it is written on the keyboard, such as `Enter`.
    pub key: &'a str,
    /// One or two words.
    pub does: &'a str,
    /// Hints of the highest rank are the first to go; those of rank 0 never do.
    pub rank: u8,
}

/// The row at the bottom: what the keys do here.
#[derive(Clone, Copy, Debug)]
pub struct KeyHints<'a> {
    /// From left to right.
    pub hints: &'a [Hint<'a>],
    /// Colors.
    pub theme: &'a Theme,
}

impl Widget for KeyHints<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        const GAP: &str = "   ";
        let width = |hint: &Hint<'_>| {
            fit::columns(hint.key).saturating_add(1).saturating_add(fit::columns(hint.does))
        };
        let sizes: Vec<(usize, u8)> = self.hints.iter().map(|hint| (width(hint), hint.rank)).collect();
        let kept = kept(&sizes, usize::from(area.width).saturating_sub(1), GAP.len());
        let hints = self.hints.iter().zip(kept).filter(|(_, kept)| *kept).map(|(hint, _)| hint);
        let mut spans = vec![Span::raw(" ")];
        for (at, hint) in hints.enumerate() {
            let gap = if at > 0 { GAP } else { "" };
            spans.push(Span::raw(gap));
            spans.push(Span::styled(hint.key, Style::new().add_modifier(Modifier::BOLD)));
            spans.push(Span::styled(format!(" {}", hint.does), self.theme.tone(Tone::Quiet)));
        }
        let line = fit::clipped_line(self.theme, Line::from(spans), area.width.into());
        fit::draw(&line, Alignment::Left, area, buffer);
    }
}

/// Which of the parts, as (columns, rank), fit `room` with `gap` between them. The last of the
/// highest rank goes first; rank 0 stays.
fn kept(parts: &[(usize, u8)], room: usize, gap: usize) -> Vec<bool> {
    let mut kept = vec![true; parts.len()];
    loop {
        let left =
            parts.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(part, _)| part.0.saturating_add(gap));
        if left.sum::<usize>() <= room.saturating_add(gap) {
            return kept;
        }
        let there = parts.iter().zip(&mut kept).filter(|(part, kept)| **kept && part.1 > 0);
        let Some((_, goes)) = there.max_by_key(|(part, _)| part.1) else { return kept };
        *goes = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qratum_themes::{Colors, Glyphs};

    fn theme() -> Theme {
        Theme::terminal16(Glyphs::Unicode, Colors::Off).unwrap()
    }

    fn drawn(widget: impl Widget, width: u16) -> String {
        let area = Rect::new(0, 0, width, 1);
        let mut buffer = Buffer::empty(area);
        widget.render(area, &mut buffer);
        (0..width).map(|x| buffer[(x, 0)].symbol()).collect::<String>().trim_end().to_owned()
    }

    #[test]
    fn the_trust_bar_keeps_what_matters() {
        let theme = theme();
        let part = |text: &'static str, rank| Part { line: Line::from(text), rank };
        let parts =
            [part("QRATUM", 2), part("prod", 0), part("✓ live", 0), part("12 s", 1), part("4 warn", 1)];
        let at =
            |width| drawn(TrustBar { parts: &parts, style: theme.tone(Tone::Bar), theme: &theme }, width);
        assert_eq!(at(60), " QRATUM  prod  ✓ live  12 s  4 warn");
        assert_eq!(at(30), " prod  ✓ live  12 s  4 warn");
        assert_eq!(at(20), " prod  ✓ live  12 s");
        assert_eq!(at(13), " prod  ✓ live");
        assert_eq!(at(9), " prod  ✓…");
    }

    #[test]
    fn tabs_get_shorter_before_they_go() {
        let theme = theme();
        let tab = |key, title, short, count| Tab { key, title, short, count };
        let tabs = [tab('1', "Overview", "Ovw", 0), tab('2', "Votes", "Vot", 3), tab('3', "Logs", "Log", 0)];
        let at = |width| drawn(TabBar { tabs: &tabs, open: 1, theme: &theme }, width);
        assert_eq!(at(40), " 1 Overview  2 Votes (3)  3 Logs");
        assert_eq!(at(30), " 1 Ovw  2 Vot (3)  3 Log");
        assert_eq!(at(14), " 1  2 Vot  3");
    }

    #[test]
    fn hints_go_from_the_end_by_rank() {
        let theme = theme();
        let hint = |key, does, rank| Hint { key, does, rank };
        let hints =
            [hint("?", "help", 0), hint("e", "proof", 1), hint("/", "filter", 2), hint("q", "quit", 0)];
        let at = |width| drawn(KeyHints { hints: &hints, theme: &theme }, width);
        assert_eq!(at(60), " ? help   e proof   / filter   q quit");
        assert_eq!(at(36), " ? help   e proof   q quit");
        assert_eq!(at(20), " ? help   q quit");
    }
}
