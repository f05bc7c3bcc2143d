//! The widgets of a full screen at three sizes, one number changing; and a million rows.

use qratum_themes::{Colors, Glyphs, Theme, Tone};
use qratum_widgets::{Column, Hint, KeyHints, Part, PowerBar, SafeText, TrustBar, WindowTable};
use ratatui_core::{
    backend::TestBackend,
    layout::Rect,
    terminal::{Frame, Terminal},
    text::Line,
};

use crate::{Figure, Outcome, figure, kernel::on_cpu};

/// Frames for each figure.
const FRAMES: u32 = 2_000;

pub(crate) fn figures() -> Outcome<Vec<Figure>> {
    let mut figures = Vec::new();
    for (width, height, limit, most) in
        [(80, 24, 0.2, 600.0), (120, 36, 0.4, 1000.0), (200, 60, 0.95, 1800.0)]
    {
        let (time, allocations) = draw((width, height), 1_000)?;
        figures.push(figure(&format!("draw {width}x{height}, one cell, CPU"), time, limit, "ms"));
        figures.push(figure(&format!("draw {width}x{height}, allocations"), allocations, most, ""));
    }
    let ((thousand, _), (million, _)) = (draw((120, 36), 1_000)?, draw((120, 36), 1_000_000)?);
    figures.push(figure("a million rows over a thousand", million / thousand, 1.1, ""));
    Ok(figures)
}

/// Milliseconds and allocations of a frame.
fn draw((width, height): (u16, u16), rows: usize) -> Outcome<(f64, f64)> {
    let theme = Theme::terminal16(Glyphs::Unicode, Colors::Rgb).map_err(|why| why.to_string())?;
    let mut terminal = Terminal::new(TestBackend::new(width, height))?;
    let mut draw = |at: u32| terminal.draw(|frame| scene(&theme, rows, at, frame)).map(drop);
    draw(0)?;
    // The kernel counts in ticks, so one frame alone cannot be timed.
    let start = on_cpu()?;
    for at in 0..FRAMES {
        draw(at)?;
    }
    let nanos = on_cpu()?.saturating_sub(start);
    let mut drawn = Ok(());
    let counted = allocation_counter::measure(|| drawn = draw(0));
    drawn?;
    Ok((nanos as f64 / 1e6 / f64::from(FRAMES), counted.count_total as f64))
}

fn scene(theme: &Theme, rows: usize, at: u32, frame: &mut Frame<'_>) {
    let area = frame.area();
    let line = |y: u16| Rect { y, height: 1, ..area };
    let parts = ["QRATUM".to_owned(), "prod-eu".to_owned(), format!("✓ live  height {}", at % 10)];
    let parts = parts.map(|text| Part { line: Line::from(text), rank: 1 });
    frame.render_widget(TrustBar { parts: &parts, style: theme.tone(Tone::Bar), theme }, line(0));
    for y in 1..4 {
        frame.render_widget(PowerBar { part: 71, whole: 100, quorum_line: true, theme }, line(y));
    }
    let columns = [
        Column::number("#"),
        Column::text("name"),
        Column::number("power"),
        Column::text("vote"),
        Column::rest("key"),
    ];
    let row = |index: usize| {
        let key = format!("{:064x}", index.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let name = SafeText::name(&format!("val-{index:04}"));
        vec![index.to_string().into(), name.into(), "2.50 %".into(), "✓ signed".into(), key.into()]
    };
    let body = Rect { y: 4, height: area.height.saturating_sub(5), ..area };
    frame.render_widget(WindowTable { columns: &columns, rows, selected: Some(rows / 2), row, theme }, body);
    let hints = [("?", "help"), ("e", "proof"), ("q", "quit")].map(|(key, does)| Hint { key, does, rank: 0 });
    frame.render_widget(KeyHints { hints: &hints, theme }, line(area.height.saturating_sub(1)));
}
