//! The floors of the console, each beside its limit: `floors`, best in a release build.
//!
//! The widgets are drawn here, on the CPU clock of this thread; the program runs on a terminal of
//! its own, and the kernel says what it took.

use std::{error::Error, fs, io::Write as _, path::Path};

use qratum_tests::console::{Console, Home};
use qratum_themes::{Colors, Glyphs, Theme, Tone};
use qratum_widgets::{Column, Hint, KeyHints, Part, PowerBar, SafeText, TrustBar, WindowTable};
use ratatui_core::{
    backend::TestBackend,
    layout::Rect,
    terminal::{Frame, Terminal},
    text::Line,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Frames for each figure.
const FRAMES: usize = 2_000;

fn main() -> Outcome<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:<44} {:>10} {:>10}", "console", "measured", "limit")?;
    for (name, found, limit, unit) in [draws()?, program()?].concat() {
        let verdict = if found <= limit { "met" } else { "MISSED" };
        writeln!(out, "{name:<44} {found:>10.2} {limit:>10.2} {unit:<4} {verdict}")?;
    }
    Ok(())
}

type Figure = (String, f64, f64, &'static str);

/// The widgets of a full screen at three sizes, one number changing; and a million rows.
fn draws() -> Outcome<Vec<Figure>> {
    let mut figures = Vec::new();
    for (width, height, limit) in [(80, 24, 0.2), (120, 36, 0.4), (200, 60, 0.95)] {
        let found = draw((width, height), 1_000)?;
        figures.push((format!("draw {width}x{height}, one cell, CPU"), found, limit, "ms"));
    }
    let (thousand, million) = (draw((120, 36), 1_000)?, draw((120, 36), 1_000_000)?);
    figures.push(("a million rows over a thousand".to_owned(), million / thousand, 1.1, ""));
    Ok(figures)
}

/// Milliseconds of a frame.
fn draw((width, height): (u16, u16), rows: usize) -> Outcome<f64> {
    let theme = Theme::terminal16(Glyphs::Unicode, Colors::Rgb).map_err(|why| why.to_string())?;
    let mut terminal = Terminal::new(TestBackend::new(width, height))?;
    // The kernel counts in ticks, so one frame alone cannot be timed.
    let start = on_cpu()?;
    for at in 0..FRAMES {
        terminal.draw(|frame| scene(&theme, rows, at, frame))?;
    }
    Ok(on_cpu()?.saturating_sub(start) as f64 / 1e6 / FRAMES as f64)
}

fn scene(theme: &Theme, rows: usize, at: usize, frame: &mut Frame<'_>) {
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

/// The real program on a home without a network.
fn program() -> Outcome<Vec<Figure>> {
    let home = Home::alone("floors");
    let mut console = Console::start((120, 36), &["--home", home.path()]);
    console.until("quit");
    let first = cpu(console.pid())?;
    let picture = console.written().len();
    console.press("Ctrl-l");
    console.until_written("quit");
    let whole = console.written().len();
    let memory = memory(console.pid())?;
    console.press("Ctrl-c");
    console.end();
    let figure = |name: &str, found, limit, unit| (name.to_owned(), found, limit, unit);
    Ok(vec![
        figure("exec to first frame, CPU, node and store too", first, 10.0, "ms"),
        figure("first picture 120x36", picture as f64 / 1e3, 16.0, "kB"),
        figure("full repaint 120x36", whole as f64 / 1e3, 16.0, "kB"),
        figure("memory, node and store too", memory, 8.0, "MB"),
    ])
}

/// Nanoseconds that this thread has run.
fn on_cpu() -> Outcome<u64> {
    first(Path::new("/proc/thread-self/schedstat"))
}

/// Milliseconds that all threads of a process have run.
fn cpu(pid: u32) -> Outcome<f64> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"))?;
    let mut nanos = 0u64;
    for task in tasks {
        nanos = nanos.saturating_add(first(&task?.path().join("schedstat"))?);
    }
    Ok(nanos as f64 / 1e6)
}

fn first(path: &Path) -> Outcome<u64> {
    let text = fs::read_to_string(path)?;
    Ok(text.split_whitespace().next().ok_or("an empty schedstat")?.parse()?)
}

/// Megabytes that a process holds.
fn memory(pid: u32) -> Outcome<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes / 1024.0)
}
