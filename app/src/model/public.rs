//! What may go to the clipboard? Public values, in a form that is safe to paste anywhere.

use core::fmt;

/// The longest value, in characters.
const LONGEST: usize = 128;

/// A public key, hash or address of a peer's key: letters and digits, so that no shell or editor that
/// it is pasted into obeys it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Public {
    what: &'static str,
    text: String,
}

impl Public {
    /// A value and what it is; none where it holds anything but 1 to 128 ASCII letters and digits.
    pub(crate) fn of(what: &'static str, value: impl fmt::Display) -> Option<Self> {
        let text = value.to_string();
        let safe =
            (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        safe.then_some(Self { what, text })
    }

    /// What it is, for people.
    pub(crate) const fn what(&self) -> &'static str {
        self.what
    }

    /// The value.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_obeyed_where_it_is_pasted() {
        assert!(Public::of("key", "12D3KooW").is_some());
        assert!(Public::of("hash", "f".repeat(LONGEST)).is_some());
        for bad in ["", "a b", "rm\n", "\u{1b}[201~", "$x", "a;b", "é", &"f".repeat(LONGEST + 1)] {
            assert_eq!(Public::of("bad", bad), None, "{bad:?}");
        }
    }
}
