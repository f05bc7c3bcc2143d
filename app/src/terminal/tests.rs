//! What reaches the terminal, when, and what is left of it after a panic.

use std::{
    io::{self, Read, Write},
    sync::mpsc::{Receiver, Sender, channel},
    time::Duration,
};

use qratum_themes::{BUILT_IN, Colors, Mark, Theme, Tone};
use ratatui::{
    Terminal,
    backend::Backend,
    buffer::{Buffer, Cell, CellWidth as _},
    layout::{Position, Rect},
    style::{Color, Modifier, Style},
};

use super::{backend::GuardBackend, echo::Echo, writer::Writer, *};

const SIZE: Size = Size { width: 80, height: 24 };

fn terminal(glyphs: Glyphs) -> Terminal<GuardBackend> {
    Terminal::new(GuardBackend::new(glyphs, SIZE)).unwrap()
}

/// The bytes of a frame that `view` changes.
fn frame(terminal: &mut Terminal<GuardBackend>, view: impl FnOnce(&mut Buffer)) -> Vec<u8> {
    terminal.draw(|frame| view(frame.buffer_mut())).unwrap();
    terminal.backend_mut().take().unwrap_or_default()
}

/// What an independent parser of terminal output sees: the characters, and all that is no position,
/// style or bracket of a frame.
#[derive(Default)]
struct Seen {
    printed: String,
    foreign: Vec<String>,
}

impl vte::Perform for Seen {
    fn print(&mut self, c: char) {
        self.printed.push(c);
    }

    fn execute(&mut self, byte: u8) {
        self.foreign.push(format!("control {byte:#x}"));
    }

    fn csi_dispatch(&mut self, parameters: &vte::Params, between: &[u8], _: bool, action: char) {
        let first = parameters.iter().next().and_then(|values| values.first()).copied();
        match (between, action, first) {
            (b"", 'm' | 'H' | 'C' | 'X', _) | (b"", 'J', Some(2)) | (b"", 'K', Some(0)) => {}
            (b"?", 'h' | 'l', Some(25 | 1049 | 2026)) => {}
            _ => self.foreign.push(format!("CSI {between:?} {first:?} {action}")),
        }
    }

    fn esc_dispatch(&mut self, _: &[u8], _: bool, byte: u8) {
        self.foreign.push(format!("ESC {byte:#x}"));
    }

    fn osc_dispatch(&mut self, parameters: &[&[u8]], _: bool) {
        self.foreign.push(format!("OSC {parameters:?}"));
    }

    fn hook(&mut self, _: &vte::Params, _: &[u8], _: bool, action: char) {
        self.foreign.push(format!("DCS {action}"));
    }
}

fn seen(bytes: &[u8]) -> Seen {
    let mut seen = Seen::default();
    vte::Parser::new().advance(&mut seen, bytes);
    seen
}

/// Pieces that hostile texts are made of.
const HOSTILE: &[&str] = &[
    "\x1b]0;PWN\x07",
    "\x1b[2J",
    "\x1b[31m",
    "\u{9b}31m",
    "\x1bP1$r\x1b\\",
    "\x1b]52;c;aGk=\x07",
    "\x07",
    "\x08",
    "\r",
    "\n",
    "\t",
    "\x7f",
    "\0",
    "\u{85}",
    "\u{202e}",
    "\u{200b}",
    "\u{2066}",
    "\u{feff}",
    "\u{fe0f}",
    "\u{e0041}",
    "\u{378}",
    "e\u{301}\u{301}\u{301}\u{301}",
    "東",
    "👩\u{200d}👩\u{200d}👧",
    "🇩🇪",
    "",
    "ab",
    "a",
    "é",
    "│",
];

/// A cell that the most careless code has filled.
fn careless(symbol: &str, style: Style) -> Cell {
    let mut cell = Cell::EMPTY;
    cell.set_symbol(symbol).set_style(style);
    cell
}

/// Numbers below a bound, the same in each run.
fn random() -> impl FnMut(usize) -> usize {
    let mut state = 1u64;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    }
}

#[test]
fn no_cell_makes_the_terminal_do_anything_but_draw() {
    let mut next = random();
    for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
        let mut backend = GuardBackend::new(glyphs, SIZE);
        for _ in 0..5000 {
            let symbol = format!("{}{}", HOSTILE[next(HOSTILE.len())], HOSTILE[next(HOSTILE.len())]);
            let modifier = Modifier::from_bits_truncate(next(512) as u16);
            let cell =
                careless(&symbol, Style::new().fg(Color::Indexed(next(256) as u8)).add_modifier(modifier));
            backend.draw([(next(80) as u16, next(24) as u16, &cell)].into_iter()).unwrap();
            // What is there already is not drawn again.
            let bytes = backend.take().unwrap_or_default();
            let seen = seen(&bytes);
            assert_eq!(seen.foreign, [""; 0], "{:?}", String::from_utf8_lossy(&bytes));
            // Behind it, what was the other half of a wide character may be emptied.
            let printed = seen.printed.strip_suffix(' ').filter(|text| !text.is_empty());
            let printed = printed.unwrap_or(&seen.printed);
            assert!(printed.is_empty() || qratum_widgets::is_drawable(printed), "{printed:?}");
            assert!(glyphs == Glyphs::Unicode || seen.printed.is_ascii(), "{}", seen.printed);
        }
    }
}

#[test]
fn a_refused_cell_is_a_question_mark_in_its_place() {
    let mut backend = GuardBackend::new(Glyphs::Unicode, SIZE);
    let cells = ["\x1b[2J", "b"].map(|symbol| careless(symbol, Style::new()));
    backend.draw((0..).zip(&cells).map(|(x, cell)| (x, 0, cell))).unwrap();
    let bytes = backend.take().unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), "\x1b[1H?b");
}

#[test]
fn one_cell_takes_at_most_64_bytes_and_nothing_takes_none() {
    let mut terminal = terminal(Glyphs::Unicode);
    let style = |red| Style::new().fg(Color::Rgb(red, 155, 155)).add_modifier(Modifier::BOLD);
    frame(&mut terminal, |buffer| {
        buffer[(79, 23)].set_symbol("█").set_style(style(100));
    });
    let bytes = frame(&mut terminal, |buffer| {
        buffer[(78, 23)].set_symbol("█").set_style(style(200).add_modifier(Modifier::REVERSED));
        buffer[(79, 23)].set_symbol("█").set_style(style(100));
    });
    assert!((17..=64).contains(&bytes.len()), "{} {:?}", bytes.len(), String::from_utf8_lossy(&bytes));
    let same = frame(&mut terminal, |buffer| {
        buffer[(78, 23)].set_symbol("█").set_style(style(200).add_modifier(Modifier::REVERSED));
        buffer[(79, 23)].set_symbol("█").set_style(style(100));
    });
    assert_eq!(same, b"");
}

/// From whichever role to whichever other, in every theme, in all its colors, at the far end of a large
/// window.
#[test]
fn one_cell_takes_at_most_64_bytes_whatever_its_role() {
    let (width, height) = (200, 60);
    for name in BUILT_IN {
        let theme = Theme::named(name, Glyphs::Unicode, Colors::Rgb).unwrap();
        let tones = Tone::ALL.iter().map(|tone| theme.tone(*tone));
        let styles: Vec<_> = tones.chain(Mark::ALL.iter().map(|mark| theme.mark_style(*mark))).collect();
        for (before, after) in
            styles.iter().flat_map(|before| styles.iter().map(move |after| (before, after)))
        {
            let mut terminal =
                Terminal::new(GuardBackend::new(Glyphs::Unicode, Size { width, height })).unwrap();
            let first = |buffer: &mut Buffer| {
                buffer[(0, 0)].set_symbol("✓").set_style(*before);
            };
            frame(&mut terminal, first);
            let bytes = frame(&mut terminal, |buffer| {
                first(buffer);
                buffer[(width - 1, height - 1)].set_symbol("✓").set_style(*after);
            });
            let asked = Echo::new().ask(bytes);
            assert!(asked.len() <= 64, "{name}: {} {:?}", asked.len(), String::from_utf8_lossy(&asked));
        }
    }
}

/// Each code is sent when it is needed, and no other.
#[test]
fn styles_change_with_few_codes() {
    let mut terminal = terminal(Glyphs::Unicode);
    let bytes = frame(&mut terminal, |buffer| {
        let styles = [
            Style::new().fg(Color::Red).bold().dim(),
            Style::new().fg(Color::Red).dim(),
            Style::new().bg(Color::Indexed(17)).reversed(),
            Style::new(),
        ];
        for (x, style) in (0..).zip(styles) {
            buffer[(x, 0)].set_symbol("x").set_style(style);
        }
        buffer[(4, 0)].set_symbol("東");
        buffer[(6, 0)].set_symbol("y");
    });
    let want =
        "\x1b[?2026h\x1b[1H\x1b[1;2;31mx\x1b[22;2mx\x1b[22;7;39;48;5;17mx\x1b[27;49mx東\x1b[1;7Hy\x1b[?2026l";
    assert_eq!(String::from_utf8(bytes).unwrap(), want);
    assert_eq!(terminal.get_cursor_position().unwrap(), Position { x: 7, y: 0 });
}

/// So small that everything is drawn over everything soon.
const SMALL: Size = Size { width: 30, height: 6 };

/// A picture of words, bars, gaps and wide characters in many styles, which differs from the last one
/// a little or a lot.
fn scribble(buffer: &mut Buffer, next: &mut impl FnMut(usize) -> usize) {
    const WORDS: [&str; 10] =
        ["", "head", "✓ verified", "███", "░░░░", "東京", "e\u{301}", "a b c", "    ", "│"];
    let lines = if next(4) == 0 { 40 } else { 2 };
    for _ in 0..lines {
        let style = match next(6) {
            0 => Style::reset().reversed(),
            1 => Style::reset().fg(Color::Rgb(200, next(200) as u8, 9)).bold(),
            2 => Style::reset().bg(Color::Indexed(next(250) as u8)).underlined(),
            3 => Style::reset().dim(),
            _ => Style::reset(),
        };
        let (x, y) = (next(SMALL.width.into()) as u16, next(SMALL.height.into()) as u16);
        let text = format!("{}{}", WORDS[next(WORDS.len())], " ".repeat(next(12) * next(6)));
        buffer.set_stringn(x, y, text, usize::from(SMALL.width - x), style);
    }
    // Nothing is drawn over half of a wide character.
    for (x, y) in (0..SMALL.height).flat_map(|y| (0..SMALL.width).map(move |x| (x, y))) {
        if buffer[(x, y)].symbol().cell_width() == 2 {
            let right = if x + 1 < SMALL.width { x + 1 } else { x };
            buffer[(right, y)].reset();
        }
    }
}

/// What a cell of a terminal shows: a character and its style, where one is seen.
fn look(cell: &vt100::Cell) -> (String, [vt100::Color; 2], [bool; 5]) {
    let attributes = [cell.bold(), cell.dim(), cell.italic(), cell.underline(), cell.inverse()];
    let blank = matches!(cell.contents(), "" | " ");
    let plain = blank && cell.bgcolor() == vt100::Color::Default && !cell.underline() && !cell.inverse();
    if plain {
        return (String::new(), [vt100::Color::Default; 2], [false; 5]);
    }
    let symbol = if blank { String::new() } else { cell.contents().to_owned() };
    (symbol, [cell.fgcolor(), cell.bgcolor()], attributes)
}

/// Whatever the codes were, a terminal that got one frame after the other shows what one shows that
/// got the last picture alone, on an empty screen.
#[test]
fn frames_upon_frames_show_what_the_last_shows_alone() {
    let size = |n| std::num::NonZeroU16::new(n).unwrap();
    let screen = || vt100::Parser::new(size(SMALL.height), size(SMALL.width), 0);
    let changed = GuardBackend::new(Glyphs::Unicode, SMALL);
    let (mut changed, mut shown) = (Terminal::new(changed).unwrap(), screen());
    let (mut buffer, mut next) = (Buffer::empty(Rect::from((Position::ORIGIN, SMALL))), random());
    for round in 0..300 {
        if next(8) == 0 {
            buffer.reset();
        }
        scribble(&mut buffer, &mut next);
        shown.process(&frame(&mut changed, |cells| cells.clone_from(&buffer)));
        let mut alone = screen();
        for (at, cell) in buffer.area.positions().zip(&buffer.content) {
            let mut backend = GuardBackend::new(Glyphs::Unicode, SMALL);
            if *cell != Cell::EMPTY {
                backend.draw([(at.x, at.y, cell)].into_iter()).unwrap();
            }
            alone.process(&[b"\x1b[m", &*backend.take().unwrap_or_default()].concat());
        }
        for at in buffer.area.positions() {
            let [got, want] = [&shown, &alone].map(|it| look(it.screen().cell(at.y, at.x).unwrap()));
            assert_eq!(got, want, "round {round}, {at}\n{}", shown.screen().contents());
        }
    }
}

#[test]
fn a_picture_that_is_mostly_gone_is_drawn_anew_and_a_large_one_comes_in_pieces() {
    let mut terminal = terminal(Glyphs::Unicode);
    let lines = |text: &'static str| {
        move |buffer: &mut Buffer| (0..SIZE.height).for_each(|y| buffer.set_string(2, y, text, Style::new()))
    };
    let begin = |bytes: &[u8]| bytes.windows(8).filter(|part| *part == b"\x1b[?2026h").count();
    let large = frame(&mut terminal, lines("a good deal of text, and then more of it: ░░░░░░░░░░░░░░░░"));
    assert!((7..=9).contains(&begin(&large)), "{} pieces of {} bytes", begin(&large), large.len());
    let first = large.windows(8).position(|part| part == b"\x1b[?2026l").unwrap();
    assert!(first < 250, "the effect of a key begins to be seen after {first} bytes");
    let other = frame(&mut terminal, lines("other"));
    assert!(String::from_utf8(other).unwrap().starts_with("\x1b[?2026h\x1b[m\x1b[2J\x1b[1;3Hother"));
}

/// A terminal that takes one write for each permit, and shows what it took.
struct Slow {
    permits: Receiver<()>,
    taken: Sender<Vec<u8>>,
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.permits.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
        self.taken.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn slow() -> (Writer, Sender<()>, Receiver<Vec<u8>>) {
    let ((permit, permits), (taken, shown)) = (channel(), channel());
    (Writer::start(Slow { permits, taken }).unwrap(), permit, shown)
}

#[tokio::test(flavor = "current_thread")]
async fn a_terminal_that_does_not_read_holds_one_frame_and_nobody_up() {
    let (writer, permit, shown) = slow();
    writer.free().await.unwrap();
    writer.submit(b"one".to_vec());
    assert!(!writer.is_free().unwrap());
    permit.send(()).unwrap();
    writer.free().await.unwrap();
    assert_eq!(shown.recv().unwrap(), b"one");
    assert_eq!(shown.try_iter().count(), 0, "one frame, one write");
}

#[tokio::test(flavor = "current_thread")]
async fn the_end_takes_the_place_of_a_frame_that_waits() {
    let (writer, permit, shown) = slow();
    writer.submit(b"first".to_vec());
    writer.submit(b" half".to_vec());
    let back = writer.withdraw();
    assert!(b"first half".ends_with(&back), "{:?}", String::from_utf8_lossy(&back));
    writer.submit(b"bye".to_vec());
    assert!(!writer.wait(Duration::ZERO), "nothing is read");
    permit.send(()).unwrap();
    permit.send(()).unwrap();
    assert!(writer.wait(Duration::from_secs(30)));
    let all: Vec<u8> = shown.try_iter().flatten().collect();
    assert!(all.ends_with(b"bye") && !all.ends_with(b" halfbye"), "{:?}", String::from_utf8_lossy(&all));
}

#[tokio::test(flavor = "current_thread")]
async fn a_lost_terminal_is_an_error_to_whoever_waits() {
    let (writer, permit, _) = slow();
    drop(permit);
    writer.submit(b"one".to_vec());
    assert_eq!(writer.free().await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

/// Run by the test below on a terminal of its own.
#[test]
#[ignore = "panics; run by a_panic_gives_the_terminal_back"]
fn panics_while_the_terminal_is_taken() {
    let mut guard = Guard::open(Glyphs::Unicode, Arc::new(Echo::new())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(guard.ready(true)).unwrap();
    guard.draw(|frame| frame.render_widget("never seen again", frame.area())).unwrap();
    panic!("on purpose");
}

#[test]
fn a_panic_gives_the_terminal_back() {
    let pair = portable_pty::native_pty_system().openpty(portable_pty::PtySize::default()).unwrap();
    let settings = |master: &dyn portable_pty::MasterPty| format!("{:?}", master.get_termios());
    let before = settings(&*pair.master);
    let mut command = portable_pty::CommandBuilder::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "terminal::tests::panics_while_the_terminal_is_taken",
        "--ignored",
        "--nocapture",
    ]);
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let (mut reader, mut written) = (pair.master.try_clone_reader().unwrap(), Vec::new());
    // The end of a pseudo terminal is an error.
    let _ = reader.read_to_end(&mut written);
    assert!(!child.wait().unwrap().success());
    let text = String::from_utf8_lossy(&written);
    let (entered, left) = (text.find("\x1b[?1049h").unwrap(), text.find("\x1b[?25h\x1b[?1049l").unwrap());
    let said = text.find("on purpose").unwrap();
    assert!(entered < left && left < said, "{text:?}");
    assert_eq!(settings(&*pair.master), before);
}
