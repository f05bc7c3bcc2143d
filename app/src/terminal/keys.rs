//! Which key was it? What terminals send, as xterm does, read byte by byte.
//!
//! What is no key is swallowed whole: an answer of a terminal that comes late must never act as the
//! keys that its letters are, and nor must a text that is pasted.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The longest sequence that can be a key.
const LONGEST: usize = 16;
/// How much of what is pasted is kept, in bytes: more than any text here takes.
const MOST_PASTED: usize = 1024;
/// What terminals put before and after what is pasted, when they are asked to.
const PASTE: &[u8] = b"200";
const PASTED: &[u8] = b"\x1b[201~";
/// How long the rest of what is pasted may take: were it given up early, it would act as keys; were it
/// never, a lost end would be the end of all keys.
const LONG_PAUSE: Duration = Duration::from_secs(3);

/// What came from the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    Key(KeyEvent),
    /// A text that was pasted.
    Paste(String),
    /// The answer to the question whether it is well.
    Well,
}

/// What came so far of a key.
#[derive(Debug, Default)]
pub(super) struct Keys {
    state: State,
    taken: Vec<u8>,
    /// Whether nothing of what is pasted is kept.
    blind: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Start,
    /// After ESC.
    Escape,
    /// After ESC O.
    Single,
    /// After ESC [.
    Control,
    /// Inside a string that a terminal sends, and whether its last byte was ESC.
    String { escape: bool },
    /// Inside a character of so many more bytes.
    Character(u8),
    /// Inside what is pasted, after so many bytes of its end.
    Paste(usize),
}

impl Keys {
    /// From now on nothing of what is pasted is kept, or again.
    pub(super) const fn blind(&mut self, blind: bool) {
        self.blind = blind;
    }

    /// How long to wait for more bytes of what came last, where that takes `pause` for a key; none where
    /// it is complete.
    pub(super) const fn patience(&self, pause: Duration) -> Option<Duration> {
        match self.state {
            State::Start => None,
            State::Paste(_) => Some(LONG_PAUSE),
            _ => Some(pause),
        }
    }

    /// Nothing followed for a while: an ESC alone was the key of that name, other beginnings were
    /// nothing.
    pub(super) fn pause(&mut self) -> Option<KeyEvent> {
        let was = std::mem::take(&mut self.state);
        self.taken.clear();
        (was == State::Escape).then(|| plain(KeyCode::Esc))
    }

    /// The next byte; a key, a pasted text or an answer when it ends one.
    pub(super) fn byte(&mut self, byte: u8) -> Option<Typed> {
        if self.state == State::Control && (byte, self.taken.as_slice()) == (b'n', b"0") {
            self.state = State::Start;
            return Some(Typed::Well);
        }
        match self.state {
            State::Paste(ended) => self.pasted(byte, ended).map(Typed::Paste),
            _ => self.key(byte).map(Typed::Key),
        }
    }

    fn key(&mut self, byte: u8) -> Option<KeyEvent> {
        match self.state {
            State::Start => self.first(byte, KeyModifiers::NONE),
            State::Escape => self.escaped(byte),
            // It was not finished: what begins now may be the answer.
            State::Single if byte == 0x1b => {
                self.state = State::Escape;
                None
            }
            State::Single => {
                self.state = State::Start;
                letter(byte, KeyModifiers::NONE)
            }
            State::Control => self.control(byte),
            State::String { escape } => self.string(byte, escape),
            State::Character(more) => self.character(byte, more),
            State::Paste(_) => None,
        }
    }

    /// Of what is pasted: the byte after so many of its end.
    fn pasted(&mut self, byte: u8, ended: usize) -> Option<String> {
        if PASTED.get(ended) == Some(&byte) && ended.saturating_add(1) < PASTED.len() {
            self.state = State::Paste(ended.saturating_add(1));
            return None;
        }
        if PASTED.get(ended) == Some(&byte) {
            self.state = State::Start;
            return Some(String::from_utf8_lossy(&std::mem::take(&mut self.taken)).into_owned());
        }
        // It was no end, but may be the beginning of one.
        let begins = usize::from(PASTED.first() == Some(&byte));
        let kept = PASTED.get(..ended).unwrap_or_default().iter().copied();
        let kept = kept.chain((begins == 0).then_some(byte));
        let room = if self.blind { 0 } else { MOST_PASTED.saturating_sub(self.taken.len()) };
        self.taken.extend(kept.take(room));
        self.state = State::Paste(begins);
        None
    }

    /// Of a string: the byte after an ESC or another. An ESC that does not end it cancels it, and begins
    /// something else.
    fn string(&mut self, byte: u8, escape: bool) -> Option<KeyEvent> {
        match byte {
            0x07 => self.state = State::Start,
            b'\\' if escape => self.state = State::Start,
            0x1b => self.state = State::String { escape: true },
            _ if escape => return self.escaped(byte),
            _ => {}
        }
        None
    }

    fn first(&mut self, byte: u8, modifiers: KeyModifiers) -> Option<KeyEvent> {
        self.state = State::Start;
        let control = |c: u8| Some(KeyEvent::new(KeyCode::Char(char::from(c)), KeyModifiers::CONTROL));
        match byte {
            0x1b => {
                self.state = State::Escape;
                None
            }
            b'\r' => Some(KeyEvent::new(KeyCode::Enter, modifiers)),
            b'\t' => Some(KeyEvent::new(KeyCode::Tab, modifiers)),
            0x7f => Some(KeyEvent::new(KeyCode::Backspace, modifiers)),
            0x00 => control(b' '),
            0x01..=0x1a => control(byte.saturating_add(0x60)),
            0x1c..=0x1f => control(byte.saturating_add(0x40)),
            0x20..=0x7e => Some(character(char::from(byte), modifiers)),
            0x80.. => {
                let more = match byte {
                    0xc2..=0xdf => 1,
                    0xe0..=0xef => 2,
                    0xf0..=0xf4 => 3,
                    _ => return None,
                };
                self.taken = vec![byte];
                self.state = State::Character(more);
                None
            }
        }
    }

    fn character(&mut self, byte: u8, more: u8) -> Option<KeyEvent> {
        if !(0x80..0xc0).contains(&byte) {
            return self.first(byte, KeyModifiers::NONE);
        }
        self.taken.push(byte);
        self.state = if more > 1 { State::Character(more.saturating_sub(1)) } else { State::Start };
        let read = str::from_utf8(&self.taken).ok().and_then(|text| text.chars().next());
        read.filter(|_| self.state == State::Start).map(|c| character(c, KeyModifiers::NONE))
    }

    fn escaped(&mut self, byte: u8) -> Option<KeyEvent> {
        self.taken.clear();
        match byte {
            b'[' => self.state = State::Control,
            b'O' => self.state = State::Single,
            b']' | b'P' | b'X' | b'^' | b'_' => self.state = State::String { escape: false },
            0x1b => return Some(plain(KeyCode::Esc)),
            _ => return self.first(byte, KeyModifiers::ALT),
        }
        None
    }

    fn control(&mut self, byte: u8) -> Option<KeyEvent> {
        match byte {
            0x20..=0x3f => {
                // What is too long is no key; its end is still looked for.
                if self.taken.len() < LONGEST {
                    self.taken.push(byte);
                }
                None
            }
            b'~' if self.taken == PASTE => {
                self.taken.clear();
                self.state = State::Paste(0);
                None
            }
            0x40..=0x7e => {
                self.state = State::Start;
                sequence(&self.taken, byte)
            }
            _ => self.first(byte, KeyModifiers::NONE),
        }
    }
}

const fn plain(code: KeyCode) -> KeyEvent {
    KeyEvent::new(code, KeyModifiers::NONE)
}

/// Capitals carry Shift.
fn character(c: char, modifiers: KeyModifiers) -> KeyEvent {
    let shift = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
    KeyEvent::new(KeyCode::Char(c), modifiers | shift)
}

/// `ESC [ parameters end`: a number, and modifiers behind a semicolon.
fn sequence(parameters: &[u8], end: u8) -> Option<KeyEvent> {
    let mut numbers = str::from_utf8(parameters).ok()?.split(';');
    let (number, modifiers, None) = (numbers.next()?, numbers.next(), numbers.next()) else { return None };
    let modifiers = modifiers.map_or(Some(KeyModifiers::NONE), |text| modified(text.parse().ok()?))?;
    match (number, end) {
        (_, b'~') => numbered(number.parse().ok()?).map(|code| KeyEvent::new(code, modifiers)),
        ("" | "1", _) => letter(end, modifiers),
        _ => None,
    }
}

/// xterm: one more than the sum of Shift 1, Alt 2, Ctrl 4.
fn modified(code: u8) -> Option<KeyModifiers> {
    let bits = code.checked_sub(1).filter(|bits| *bits < 8)?;
    let all = [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)];
    Some(all.into_iter().filter(|(bit, _)| bits & bit != 0).map(|(_, modifier)| modifier).collect())
}

fn letter(end: u8, modifiers: KeyModifiers) -> Option<KeyEvent> {
    let code = match end {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'P' => KeyCode::F(1),
        b'Q' => KeyCode::F(2),
        // F3 with a modifier has the form of a cursor's position: it is taken for that.
        b'R' if modifiers.is_empty() => KeyCode::F(3),
        b'S' => KeyCode::F(4),
        b'Z' => return Some(KeyEvent::new(KeyCode::BackTab, modifiers | KeyModifiers::SHIFT)),
        _ => return None,
    };
    Some(KeyEvent::new(code, modifiers))
}

fn numbered(number: u8) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number.saturating_sub(10)),
        17..=21 => KeyCode::F(number.saturating_sub(11)),
        23 | 24 => KeyCode::F(number.saturating_sub(12)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys in these bytes, and in the pause behind them.
    fn keys(bytes: &[u8]) -> Vec<KeyEvent> {
        let mut keys = Keys::default();
        let mut found: Vec<_> = bytes.iter().filter_map(|byte| keys.key(*byte)).collect();
        found.extend(keys.pause());
        found
    }

    fn codes(bytes: &[u8]) -> Vec<KeyCode> {
        keys(bytes).into_iter().map(|key| key.code).collect()
    }

    #[test]
    fn keys_are_read_as_terminals_send_them() {
        let cases: [(&[u8], KeyCode, KeyModifiers); 14] = [
            (b"e", KeyCode::Char('e'), KeyModifiers::NONE),
            (b"E", KeyCode::Char('E'), KeyModifiers::SHIFT),
            ("é".as_bytes(), KeyCode::Char('é'), KeyModifiers::NONE),
            ("東".as_bytes(), KeyCode::Char('東'), KeyModifiers::NONE),
            (b"\x1b", KeyCode::Esc, KeyModifiers::NONE),
            (b"\r", KeyCode::Enter, KeyModifiers::NONE),
            (b"\x7f", KeyCode::Backspace, KeyModifiers::NONE),
            (b"\x03", KeyCode::Char('c'), KeyModifiers::CONTROL),
            (b"\x1c", KeyCode::Char('\\'), KeyModifiers::CONTROL),
            (b"\x1b[A", KeyCode::Up, KeyModifiers::NONE),
            (b"\x1bOB", KeyCode::Down, KeyModifiers::NONE),
            (b"\x1b[6~", KeyCode::PageDown, KeyModifiers::NONE),
            (b"\x1b[1;5C", KeyCode::Right, KeyModifiers::CONTROL),
            (b"\x1bx", KeyCode::Char('x'), KeyModifiers::ALT),
        ];
        for (bytes, code, modifiers) in cases {
            assert_eq!(keys(bytes), [KeyEvent::new(code, modifiers)], "{bytes:?}");
        }
        assert_eq!(codes(b"\x1b[Zq"), [KeyCode::BackTab, KeyCode::Char('q')]);
        assert_eq!(codes(b"\x1b\x1b"), [KeyCode::Esc, KeyCode::Esc]);
    }

    /// Device attributes, a cursor's position, a color, a clipboard, focus, a mouse: no key.
    #[test]
    fn what_a_terminal_answers_is_no_key() {
        let answers: [&[u8]; 7] = [
            b"\x1b[?65;1;9c",
            b"\x1b[12;40R",
            b"\x1b]11;rgb:0000/0000/0000\x07",
            b"\x1b]52;c;cXVpdA==\x1b\\",
            b"\x1bP1$r0m\x1b\\",
            b"\x1b[I",
            b"\x1b[<0;10;10M",
        ];
        for answer in answers {
            assert_eq!(codes(&[answer, b"q"].concat()), [KeyCode::Char('q')], "{answer:?}");
        }
    }

    /// Also in the middle of other keys, and only in the one form that it has.
    #[test]
    fn the_answer_that_is_asked_for_is_told_from_keys() {
        let typed = |bytes: &[u8]| {
            let mut keys = Keys::default();
            bytes.iter().filter_map(|byte| keys.byte(*byte)).collect::<Vec<_>>()
        };
        let [esc, n] = [KeyCode::Esc, KeyCode::Char('n')].map(|code| Typed::Key(plain(code)));
        assert_eq!(typed(b"n\x1b\x1b[0nn"), [n.clone(), esc, Typed::Well, n.clone()]);
        assert_eq!(typed(b"\x1b[3n\x1b[n\x1b[00n\x1b[0;1n\x1bO0n"), std::slice::from_ref(&n));
        for cut in [&b"\x1bO"[..], b"\x1b[1;", b"\x1b]0;q", b"\x1bPq\x1b", b"\xe6\x9d"] {
            assert_eq!(typed(&[cut, b"\x1b[0nn"].concat()), [Typed::Well, n.clone()], "{cut:?}");
        }
    }

    /// Whatever its letters are, and whatever looks like an end of it.
    #[test]
    fn what_is_pasted_is_one_text_and_no_key() {
        let typed = |bytes: &[u8]| {
            let mut keys = Keys::default();
            bytes.iter().filter_map(|byte| keys.byte(*byte)).collect::<Vec<_>>()
        };
        let key = |c| Typed::Key(plain(KeyCode::Char(c)));
        let text = |text: &str| Typed::Paste(text.to_owned());
        assert_eq!(typed(b"a\x1b[200~:quit\rq\x1b[201~b"), [key('a'), text(":quit\rq"), key('b')]);
        assert_eq!(
            typed("\x1b[200~東\x1b[20\x1b[0n\x1b\x1b[201~".as_bytes()),
            [text("東\x1b[20\x1b[0n\x1b")]
        );
        assert_eq!(typed(b"\x1b[200~\x1b[201~"), [text("")]);
        let long = [b"\x1b[200~", vec![b'q'; 5000].as_slice(), b"\x1b[201~"].concat();
        assert_eq!(typed(&long), [text(&"q".repeat(MOST_PASTED))]);
    }

    /// A long pause ends it; what came of it is no key and no text.
    #[test]
    fn a_paste_without_an_end_is_not_for_ever() {
        let mut keys = Keys::default();
        assert_eq!(b"\x1b[200~q\x03".iter().find_map(|byte| keys.byte(*byte)), None);
        assert_eq!(keys.patience(Duration::ZERO), Some(LONG_PAUSE));
        assert_eq!(keys.pause(), None);
        assert_eq!(keys.byte(b'q'), Some(Typed::Key(plain(KeyCode::Char('q')))));
    }

    /// A key that comes in pieces is one key, as long as no pause lies between.
    #[test]
    fn beginnings_alone_are_nothing() {
        for bytes in [&b"\x1b["[..], b"\x1b[1;", b"\x1bO", b"\xe6\x9d", b"\x1b]0;q"] {
            assert_eq!(codes(bytes), [], "{bytes:?}");
        }
        let mut keys = Keys::default();
        assert_eq!(keys.key(0x1b), None);
        assert_eq!(keys.patience(Duration::ZERO), Some(Duration::ZERO));
        assert_eq!(keys.pause(), Some(plain(KeyCode::Esc)));
        assert_eq!(keys.key(b'['), Some(plain(KeyCode::Char('['))));
    }

    #[test]
    fn no_bytes_are_too_odd_and_what_follows_is_read() {
        let mut bytes = vec![0x1b, b'['];
        bytes.extend([b'9'; 5000]);
        bytes.extend(b"Aq");
        assert_eq!(codes(&bytes), [KeyCode::Char('q')]);
        for first in 0..=255 {
            for second in 0..=255 {
                let mut keys = Keys::default();
                for byte in [first, second] {
                    keys.byte(byte);
                }
                keys.pause();
                assert_eq!(keys.key(b'q'), Some(plain(KeyCode::Char('q'))), "{first} {second}");
            }
        }
    }
}
