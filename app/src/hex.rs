//! Bytes as people handle them: hex, and read aloud in groups of four digits.

/// The bytes that a text spells in hex; none where it is no such text. Spaces make no difference.
pub(crate) fn bytes(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let pair = |pair: &[u8]| if let [high, low] = pair { Some((high << 4) | low) } else { None };
    digits.chunks(2).map(pair).collect()
}

/// Lower-case hex.
pub(crate) fn of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The hex digits in groups of four, eight groups to a line.
pub(crate) fn groups(hex: &str) -> String {
    let mut out = String::new();
    for (index, digit) in hex.chars().enumerate() {
        if index > 0 && index.is_multiple_of(32) {
            out.push('\n');
        } else if index > 0 && index.is_multiple_of(4) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// The 64 hex digits of what was typed: spaces, hyphens and capitals make no difference.
pub(crate) fn typed(text: &str) -> Result<String, String> {
    if text.len() > 256 {
        return Err("it has more than 64 hex digits".to_owned());
    }
    let plain = |c: &char| !c.is_whitespace() && *c != '-';
    let digits: String = text.chars().filter(plain).map(|c| c.to_ascii_lowercase()).collect();
    match digits.chars().find(|c| !c.is_ascii_hexdigit()) {
        Some(other) => Err(format!("{other:?} is no hex digit")),
        None if digits.len() != 64 => Err(format!("it has {} hex digits, and 64 are needed", digits.len())),
        None => Ok(digits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_aloud_can_be_typed_back() {
        let hex = "463437c9235cfdb2f6f1a7be9a333b70f4b7bb8f51daa378ba913290390ffc2d";
        let spoken = groups(hex);
        assert_eq!(spoken.lines().next(), Some("4634 37c9 235c fdb2 f6f1 a7be 9a33 3b70"));
        assert_eq!(spoken.lines().count(), 2);
        assert_eq!(typed(&spoken), Ok(hex.to_owned()));
        assert_eq!(typed(&format!(" {}\n", hex.to_uppercase().replace('F', "-F"))), Ok(hex.to_owned()));
        assert_eq!(typed(&hex[1..]), Err("it has 63 hex digits, and 64 are needed".to_owned()));
        assert_eq!(typed(&hex.replace('c', "\u{1b}")), Err("'\\u{1b}' is no hex digit".to_owned()));
        assert!(typed(&"0".repeat(1 << 20)).is_err());
    }

    #[test]
    fn hex_is_read_with_any_spaces_and_case() {
        assert_eq!(bytes(b" 00 fF\n10\n"), Some(vec![0, 255, 16]));
        assert_eq!(bytes(b""), Some(Vec::new()));
        assert_eq!(bytes(b"0"), None);
        assert_eq!(bytes(b"0g"), None);
        assert_eq!(bytes(&[0x82, 0xa6]), None, "what a transaction begins with");
    }
}
