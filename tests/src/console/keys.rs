//! What does a terminal send for a key? As xterm does.

/// The bytes of a key; none for a name that no key has.
pub(super) fn bytes(key: &str) -> Option<Vec<u8>> {
    let named: &[u8] = match key {
        "Enter" => b"\r",
        "Esc" => b"\x1b",
        "Tab" => b"\t",
        "S-Tab" => b"\x1b[Z",
        "Space" => b" ",
        "Backspace" => b"\x7f",
        "Up" => b"\x1b[A",
        "Down" => b"\x1b[B",
        "Right" => b"\x1b[C",
        "Left" => b"\x1b[D",
        "Home" => b"\x1b[H",
        "End" => b"\x1b[F",
        "PgUp" => b"\x1b[5~",
        "PgDn" => b"\x1b[6~",
        "Delete" => b"\x1b[3~",
        _ => return other(key),
    };
    Some(named.to_vec())
}

/// A character, alone or with Ctrl.
fn other(key: &str) -> Option<Vec<u8>> {
    let (control, name) = key.strip_prefix("Ctrl-").map_or((false, key), |name| (true, name));
    let mut chars = name.chars();
    let (c, None) = (chars.next()?, chars.next()) else { return None };
    let code = u8::try_from(c.to_ascii_uppercase()).ok().filter(|code| (0x40..0x60).contains(code));
    match (control, code) {
        (false, _) => Some(c.to_string().into_bytes()),
        (true, Some(code)) => Some(vec![code & 0x1f]),
        (true, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_what_xterm_sends() {
        let cases: [(&str, &[u8]); 6] = [
            ("e", b"e"),
            ("Esc", b"\x1b"),
            ("Ctrl-c", b"\x03"),
            ("Ctrl-\\", b"\x1c"),
            ("PgDn", b"\x1b[6~"),
            ("é", "é".as_bytes()),
        ];
        for (key, want) in cases {
            assert_eq!(bytes(key).as_deref(), Some(want), "{key}");
        }
        assert_eq!(["", "Entr", "Ctrl-", "Ctrl-1"].map(bytes), [const { None }; 4]);
    }
}
