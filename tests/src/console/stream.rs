//! What did the program tell the terminal, beside text? Read by a parser that knows nothing of it.

use base64::prelude::{BASE64_STANDARD, Engine as _};

/// The note that comes with the bell: these words and no others.
const NOTE: &[u8] = b"QRATUM: critical alarm";
/// The longest value that may go to the clipboard.
const LONGEST_COPY: usize = 128;

/// What may stand in the output, and what stands there.
#[derive(Default)]
struct Stream {
    foreign: Vec<String>,
    frames: usize,
    /// Whether anything was drawn since the last question.
    drawn: bool,
    /// Whether the last thing was a bell: it may only come with its note.
    rang: bool,
    copied: Vec<String>,
}

/// Everything in these bytes that is neither text, a style, a position, something cleared, the
/// cursor's visibility, the alternate screen, the bracket of a frame or of pastes, the question whether
/// the terminal is well, a bell with its fixed note, nor a value of letters and digits for the clipboard.
#[must_use]
pub fn foreign(bytes: &[u8]) -> Vec<String> {
    read(bytes).foreign
}

/// How many frames these bytes hold: behind each one the terminal is asked whether it is well. A question
/// behind nothing is none.
#[must_use]
pub fn frames(bytes: &[u8]) -> usize {
    read(bytes).frames
}

/// The values that these bytes hand to the clipboard.
#[must_use]
pub fn copied(bytes: &[u8]) -> Vec<String> {
    read(bytes).copied
}

fn read(bytes: &[u8]) -> Stream {
    let mut stream = Stream::default();
    vte::Parser::new().advance(&mut stream, bytes);
    stream.rings(false);
    stream
}

impl Stream {
    /// The next thing has come: was it the note of the bell before it?
    fn rings(&mut self, note: bool) {
        if std::mem::take(&mut self.rang) != note {
            self.foreign.push("a bell without its note, or the other way round".to_owned());
        }
    }
}

/// The value of a copy: base64 of ASCII letters and digits.
fn value(base64: &[u8]) -> Option<String> {
    let value = BASE64_STANDARD.decode(base64).ok().and_then(|bytes| String::from_utf8(bytes).ok())?;
    let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (plain && (1..=LONGEST_COPY).contains(&value.len())).then_some(value)
}

impl vte::Perform for Stream {
    fn print(&mut self, c: char) {
        self.rings(false);
        self.drawn = true;
        if is_hidden(c) {
            self.foreign.push(format!("U+{:04X}", u32::from(c)));
        }
    }

    fn execute(&mut self, byte: u8) {
        self.rings(false);
        match byte {
            0x07 => self.rang = true,
            _ => self.foreign.push(format!("control {byte:#x}")),
        }
    }

    fn csi_dispatch(&mut self, parameters: &vte::Params, between: &[u8], _: bool, action: char) {
        self.rings(false);
        let all: Vec<u16> = parameters.iter().flatten().copied().collect();
        match (between, all.as_slice(), action) {
            (b"", [2], 'J') | (b"", [0], 'K') | (b"", [_], 'X') => self.drawn = true,
            (b"", _, 'm') | (b"", [_] | [_, _], 'H') | (b"", [_], 'C') => {}
            (b"?", [25 | 1049 | 2004 | 2026], 'h' | 'l') => {}
            (b"", [5], 'n') => self.frames += usize::from(std::mem::take(&mut self.drawn)),
            _ => self.foreign.push(format!("CSI {between:?} {all:?} {action}")),
        }
    }

    fn esc_dispatch(&mut self, between: &[u8], _: bool, byte: u8) {
        // The end of a string is told as a sequence of its own.
        if (between, byte) != (&[], b'\\') {
            self.rings(false);
            self.foreign.push(format!("ESC {byte:#x}"));
        }
    }

    fn osc_dispatch(&mut self, parameters: &[&[u8]], _: bool) {
        let note = parameters == [b"9", NOTE];
        self.rings(note);
        let value = match parameters {
            [b"52", b"c", base64] => value(base64),
            _ => None,
        };
        if value.is_none() && !note {
            self.foreign.push(format!("OSC {parameters:?}"));
        }
        self.copied.extend(value);
    }

    fn hook(&mut self, _: &vte::Params, _: &[u8], _: bool, action: char) {
        self.foreign.push(format!("DCS {action}"));
    }
}

/// Characters that are not seen, or turn the writing round: by their numbers, as no table of the
/// program says them.
const fn is_hidden(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{2800}' | '\u{3164}' | '\u{feff}')
        || matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{200b}'..='\u{200f}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_foreign() {
        let good = "\x1b[?2026h\x1b[1;31m\x1b[3;4Hé\x1b[2J\x1b[K\x1b[9X\x1b[C\x1b[?25l\x1b[?2026l\x1b[5n";
        assert_eq!((foreign(good.as_bytes()), frames(good.as_bytes())), (Vec::new(), 1));
        assert_eq!(frames(b"\x1b[5na\x1b[5n\x1b[5n\x1b[2J\x1b[5n"), 2, "a question alone is no frame");
        let bad = [
            "\n",
            "\x1b[6n",
            "\x1b[1K",
            "\x1b]0;x\x07",
            "\x1b[3J",
            "\x1b[?1000h",
            "\x1bc",
            "\x1bP1q\x1b\\",
            "\u{9b}2K",
        ];
        for bad in bad {
            assert!(!foreign(bad.as_bytes()).is_empty(), "{bad:?}");
        }
    }
    #[test]
    fn a_bell_has_its_note_and_a_copy_is_letters_and_digits() {
        const RING: &str = "\x07\x1b]9;QRATUM: critical alarm\x1b\\";
        let good = format!("a\x1b[?2026l{RING}\x1b]52;c;NWYyOGMzNjQ=\x1b\\\x1b[?2026h");
        let good = good.as_bytes();
        assert_eq!((foreign(good), copied(good)), (Vec::new(), vec!["5f28c364".to_owned()]));
        for bad in [
            "\x07",
            "\x07a",
            "\x07\x1b[m\x1b]9;QRATUM: critical alarm\x1b\\",
            &RING[1..],
            &format!("\x07{RING}"),
            "\x07\x1b]9;QRATUM: val-7\x1b\\",
            "\x1b]52;c;?\x1b\\",
            "\x1b]52;c;\x1b\\",
            "\x1b]52;p;YWI=\x1b\\",
            "\x1b]52;c;cm0gLXJmCg==\x1b\\",
            &format!("\x1b]52;c;{}\x1b\\", "YWFh".repeat(44)),
        ] {
            assert!(!foreign(bad.as_bytes()).is_empty(), "{bad:?}");
        }
    }
}
