//! What did the program tell the terminal, beside text? Read by a parser that knows nothing of it.

/// What may stand in the output, and what stands there.
#[derive(Default)]
struct Stream {
    foreign: Vec<String>,
    frames: usize,
}

/// Everything in these bytes that is neither text, a style, a position, a cleared screen, the
/// cursor's visibility, the alternate screen, nor the bracket of a frame.
#[must_use]
pub fn foreign(bytes: &[u8]) -> Vec<String> {
    read(bytes).foreign
}

/// How many frames these bytes hold.
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
    fn execute(&mut self, byte: u8) {
        self.foreign.push(format!("control {byte:#x}"));
    }

    fn csi_dispatch(&mut self, parameters: &vte::Params, between: &[u8], _: bool, action: char) {
        let all: Vec<u16> = parameters.iter().flatten().copied().collect();
        match (between, all.as_slice(), action) {
            (b"", _, 'm') | (b"", [_, _], 'H') | (b"", [2], 'J') | (b"?", [25 | 1049], 'h' | 'l') => {}
            (b"?", [2026], 'h') => self.frames += 1,
            (b"?", [2026], 'l') => {}
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_foreign() {
        let good = "\x1b[?2026h\x1b[1;31m\x1b[3;4Hé\x1b[2J\x1b[?25l\x1b[?2026l";
        assert_eq!((foreign(good.as_bytes()), frames(good.as_bytes())), (Vec::new(), 1));
        let bad =
            ["\x07", "\n", "\x1b]0;x\x07", "\x1b[3J", "\x1b[?1000h", "\x1bc", "\x1bP1q\x1b\\", "\u{9b}2K"];
        for bad in bad {
            assert!(!foreign(bad.as_bytes()).is_empty(), "{bad:?}");
        }
    }
}
