//! What did the program tell the terminal, beside text? Read by a parser that knows nothing of it.

/// What may stand in the output, and what stands there.
#[derive(Default)]
struct Stream {
    foreign: Vec<String>,
    frames: usize,
}

/// Everything in these bytes that is neither text, a style, a position, something cleared, the
/// cursor's visibility, the alternate screen, the bracket of a frame, nor the question whether the
/// terminal is well.
#[must_use]
pub fn foreign(bytes: &[u8]) -> Vec<String> {
    read(bytes).foreign
}

/// How many frames these bytes hold: behind each one the terminal is asked whether it is well.
#[must_use]
pub fn frames(bytes: &[u8]) -> usize {
    read(bytes).frames
}

fn read(bytes: &[u8]) -> Stream {
    let mut stream = Stream::default();
    vte::Parser::new().advance(&mut stream, bytes);
    stream
}

impl vte::Perform for Stream {
    fn print(&mut self, c: char) {
        if is_hidden(c) {
            self.foreign.push(format!("U+{:04X}", u32::from(c)));
        }
    }

    fn execute(&mut self, byte: u8) {
        self.foreign.push(format!("control {byte:#x}"));
    }

    fn csi_dispatch(&mut self, parameters: &vte::Params, between: &[u8], _: bool, action: char) {
        let all: Vec<u16> = parameters.iter().flatten().copied().collect();
        match (between, all.as_slice(), action) {
            (b"", _, 'm') | (b"", [_] | [_, _], 'H') | (b"", [_], 'C' | 'X') => {}
            (b"", [2], 'J') | (b"", [0], 'K') | (b"?", [25 | 1049 | 2026], 'h' | 'l') => {}
            (b"", [5], 'n') => self.frames += 1,
            _ => self.foreign.push(format!("CSI {between:?} {all:?} {action}")),
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
        let bad = [
            "\x07",
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
}
