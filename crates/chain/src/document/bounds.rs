//! Is a text small enough to parse? Short texts can hold very many values: an empty string takes
//! three bytes of JSON and tens of bytes once parsed. They are counted before anything is built.

use super::{DocumentError, MAX_LENGTH};

/// The most values that are read: a path over many sets of 1024 members stays below it.
const MAX_VALUES: usize = 400_000;
/// The longest string: a parser's error may quote it several times over.
const MAX_STRING: usize = 8 << 20;

/// Refuses a text that is too long, or holds too many values or too long a string.
pub(super) fn check(text: &[u8]) -> Result<(), DocumentError> {
    if text.len() > MAX_LENGTH {
        return Err(DocumentError::TooLong);
    }
    let (mut values, mut string) = (0usize, None);
    let mut bytes = text.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match (byte, string) {
            (b'"', None) => string = Some(at),
            (b'"', Some(start)) if at.saturating_sub(start) > MAX_STRING => {
                return Err(DocumentError::TooMuch);
            }
            (b'"', Some(_)) => string = None,
            (b'\\', Some(_)) => drop(bytes.next()),
            (b',' | b'[' | b'{', None) => values = values.saturating_add(1),
            _ => {}
        }
    }
    let unclosed = string.is_some_and(|start| text.len().saturating_sub(start) > MAX_STRING);
    if values > MAX_VALUES || unclosed { Err(DocumentError::TooMuch) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_outside_strings_only() {
        let many = |unit: &str| format!("[{}]", unit.repeat(MAX_VALUES));
        assert_eq!(check(many("0,").as_bytes()), Err(DocumentError::TooMuch));
        assert_eq!(check(many("[").as_bytes()), Err(DocumentError::TooMuch));
        assert_eq!(check(format!("\"{}\"", many("0,")).as_bytes()), Ok(()));
        assert_eq!(check(format!("\"\\\"{}\"", many("0,")).as_bytes()), Ok(()));
    }

    #[test]
    fn a_long_string_is_refused_closed_or_not() {
        let long = "x".repeat(MAX_STRING);
        assert_eq!(check(format!("\"{}\"", &long[1..]).as_bytes()), Ok(()));
        assert_eq!(check(format!("\"{long}\"").as_bytes()), Err(DocumentError::TooMuch));
        assert_eq!(check(format!("\"{long}x").as_bytes()), Err(DocumentError::TooMuch));
    }

    #[test]
    fn a_long_text_is_refused() {
        assert_eq!(check(&vec![b' '; MAX_LENGTH + 1]), Err(DocumentError::TooLong));
    }
}
