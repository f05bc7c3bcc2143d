//! What reaches the terminal, when, and what is left of it after a panic.

use std::{
    io::{self, Read, Write},
    sync::mpsc::{Receiver, Sender, channel},
    time::Duration,
};

use ratatui::{
    Terminal,
    backend::Backend,
    buffer::{Buffer, Cell},
    layout::Position,
    style::{Color, Modifier, Style},
};

use super::{backend::GuardBackend, writer::Writer, *};

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
            (b"", 'm' | 'H', _) | (b"", 'J', Some(2)) => {}
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

#[test]
fn no_cell_makes_the_terminal_do_anything_but_draw() {
    let mut state = 1u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
        let mut backend = GuardBackend::new(glyphs, SIZE);
        for _ in 0..5000 {
            let symbol = format!("{}{}", HOSTILE[next(HOSTILE.len())], HOSTILE[next(HOSTILE.len())]);
            let modifier = Modifier::from_bits_truncate(next(512) as u16);
            let cell =
                careless(&symbol, Style::new().fg(Color::Indexed(next(256) as u8)).add_modifier(modifier));
            backend.draw([(next(80) as u16, next(24) as u16, &cell)].into_iter()).unwrap();
            let bytes = backend.take().unwrap();
            let seen = seen(&bytes);
            assert_eq!(seen.foreign, [""; 0], "{:?}", String::from_utf8_lossy(&bytes));
            assert!(qratum_widgets::is_drawable(&seen.printed), "{:?}", seen.printed);
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
    assert_eq!(String::from_utf8(bytes).unwrap(), "\x1b[?2026h\x1b[1;1H?b\x1b[?2026l");
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
    let want = "\x1b[?2026h\x1b[1;1H\x1b[1;2;31mx\x1b[22;2mx\x1b[22;7;39;48;5;17mx\x1b[27;49mx東\x1b[1;7Hy\x1b[?2026l";
    assert_eq!(String::from_utf8(bytes).unwrap(), want);
    assert_eq!(terminal.get_cursor_position().unwrap(), Position { x: 7, y: 0 });
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
    assert!(!writer.finish(b"bye".to_vec(), Duration::ZERO), "nothing is read");
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
    let mut guard = Guard::open(Glyphs::Unicode).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(guard.ready()).unwrap();
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
