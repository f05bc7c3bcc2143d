//! The pictures of README: what the renderer drew, cell by cell, as SVG. `make shots` draws them anew.

use std::{fmt::Write as _, fs, path::Path};

use qratum_light_node::State;
use qratum_themes::{Colors, Glyphs, Theme};
use ratatui::{
    Terminal,
    backend::TestBackend,
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};

use super::{scene, stage::Paint};
use crate::{
    screen::view,
    update::{Msg, update},
};

/// Names of files, the keys that lead there, the state and the theme.
const SHOTS: [(&str, &str, State, &str); 4] = [
    ("overview", "", State::Live, "dark"),
    ("no-quorum", "2", State::NoQuorum, "dark"),
    ("proof", "e", State::Live, "dark"),
    ("validators-light", "3ssS", State::Live, "light"),
];
const SIZE: (u16, u16) = (100, 26);
/// A cell, in tenths of a pixel, and the letters in it.
const CELL: (u32, u32) = (84, 180);
const LETTERS: u32 = 14;
/// Around the cells, in tenths of a pixel.
const MARGIN: u32 = 120;

/// What is under the letters, and those that no theme colors: themes leave both to the terminal.
const fn ground(theme: &str) -> [&'static str; 2] {
    if theme.as_bytes()[0] == b'l' { ["#fafafa", "#1c1c1c"] } else { ["#14161b", "#e6e6e6"] }
}

fn color(color: Color, default: &str) -> String {
    match color {
        Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
        Color::Reset => default.to_owned(),
        other => panic!("{other} looks different on every terminal"),
    }
}

/// Tenths as a decimal number.
fn px(tenths: u32) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// The runs of a row: from which column on, how many, their text, and a cell that looks like all of it.
fn runs(buffer: &Buffer, y: u16) -> Vec<(u32, u32, String, &Cell)> {
    let mut runs: Vec<(u32, u32, String, &Cell)> = Vec::new();
    for x in 0..buffer.area.width {
        let cell = &buffer[(x, y)];
        match runs.last_mut().filter(|(_, _, _, last)| last.style() == cell.style()) {
            Some((_, count, text, _)) => {
                *count += 1;
                text.push_str(cell.symbol());
            }
            None => runs.push((x.into(), 1, cell.symbol().to_owned(), cell)),
        }
    }
    runs
}

fn svg(title: &str, buffer: &Buffer, [paper, ink]: [&str; 2]) -> String {
    let (columns, rows) = (u32::from(buffer.area.width), u32::from(buffer.area.height));
    let (width, height) = (px(columns * CELL.0 + 2 * MARGIN), px(rows * CELL.1 + 2 * MARGIN));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"{LETTERS}\">\n\
         <title>{title}</title>\n<rect width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"{paper}\"/>\n"
    );
    for y in 0..buffer.area.height {
        for (x, count, text, cell) in runs(buffer, y) {
            let at = (px(x * CELL.0 + MARGIN), u32::from(y) * CELL.1 + MARGIN);
            run(&mut out, at, (px(count * CELL.0), &text), cell, [paper, ink]);
        }
    }
    out.push_str("</svg>\n");
    out
}

fn run(
    out: &mut String,
    (x, y): (String, u32),
    (width, text): (String, &str),
    cell: &Cell,
    ground: [&str; 2],
) {
    let (mut letters, mut under) = (color(cell.fg, ground[1]), color(cell.bg, ground[0]));
    if cell.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut letters, &mut under);
    }
    if under != ground[0] {
        let (top, height) = (px(y), px(CELL.1));
        writeln!(out, "<rect x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" fill=\"{under}\" shape-rendering=\"crispEdges\"/>")
            .unwrap();
    }
    if text.trim().is_empty() {
        return;
    }
    let mut look = String::new();
    for (modifier, attribute) in [
        (Modifier::BOLD, " font-weight=\"bold\""),
        (Modifier::DIM, " opacity=\"0.7\""),
        (Modifier::UNDERLINED, " text-decoration=\"underline\""),
    ] {
        if cell.modifier.contains(modifier) {
            look.push_str(attribute);
        }
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let base = px(y + CELL.1 * 3 / 4);
    writeln!(
        out,
        "<text x=\"{x}\" y=\"{base}\" textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\" \
         xml:space=\"preserve\" fill=\"{letters}\"{look}>{text}</text>"
    )
    .unwrap();
}

#[test]
fn the_pictures_are_what_the_renderer_draws() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/shots");
    for (name, keys, state, theme) in SHOTS {
        let mut model = scene(keys, state, Paint::Terminal16);
        model.theme = Theme::named(theme, Glyphs::Unicode, Colors::Rgb).unwrap();
        model.view.flash = None;
        update(&mut model, Msg::Resized(SIZE.0, SIZE.1));
        let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).unwrap();
        terminal.draw(|frame| view(&model, frame)).unwrap();
        let title = format!("qratum, {}, state {state}", model.view.screen.name());
        let picture = svg(&title, terminal.backend().buffer(), ground(theme));
        let path = folder.join(format!("{name}.svg"));
        if std::env::var_os("QRATUM_BLESS").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &picture).unwrap();
        }
        let now = fs::read_to_string(&path).unwrap_or_default();
        assert!(now == picture, "{}: make shots draws it anew", path.display());
    }
}
