//! What goes to the terminal beside pictures? A bell with a note, and public values for the clipboard.

use crossterm::{Command, clipboard::CopyToClipboard};

use crate::model::Public;

/// The bell, and a note of the desktop (OSC 9), in words of this program alone.
const RING: &str = "\x07\x1b]9;QRATUM: critical alarm\x1b\\";

/// What goes with the next frame. A terminal that takes none gets one ring and the newest value, whatever
/// happened meanwhile.
#[derive(Debug, Default)]
pub(super) struct Beside {
    rings: bool,
    copy: Option<Public>,
}

impl Beside {
    /// Rings.
    pub(super) const fn ring(&mut self) {
        self.rings = true;
    }

    /// Hands a value to the terminal's clipboard (OSC 52).
    pub(super) fn copy(&mut self, value: Public) {
        self.copy = Some(value);
    }

    /// The bytes of it, once.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let mut bytes = String::new();
        if std::mem::take(&mut self.rings) {
            bytes.push_str(RING);
        }
        if let Some(value) = self.copy.take() {
            // A text takes all that is written to it.
            let _ = CopyToClipboard::to_clipboard_from(value.text()).write_ansi(&mut bytes);
        }
        bytes.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The newest value, one ring, and nothing that the value could say: its form is base64.
    #[test]
    fn the_newest_value_and_one_ring_go_out_once() {
        let mut beside = Beside::default();
        for text in ["old", "5f28c364"] {
            beside.copy(Public::of("hash", text).unwrap());
            beside.ring();
        }
        let want = "\x07\x1b]9;QRATUM: critical alarm\x1b\\\x1b]52;c;NWYyOGMzNjQ=\x1b\\";
        assert_eq!(String::from_utf8(beside.take()).unwrap(), want);
        assert_eq!(beside.take(), b"");
    }
}
