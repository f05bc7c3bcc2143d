//! Text from outside reaches the terminal as something to draw, and as nothing else.

use qratum_tests::console::{Console, Home, foreign};

/// What a terminal would obey, hide, turn round, or draw over its neighbours: a title, a cleared
/// screen, a C1 control, a clipboard, bidirectional and zero-width characters, tags, stacked marks,
/// wide characters, joined and flag emoji.
const HOSTILE: &str = "a\u{1b}]0;PWN\u{7}\u{1b}[2J\u{9b}31m\u{1b}]52;c;aGk=\u{1b}\\\r\u{8}\
    \u{202e}moc\u{200b}\u{2066}\u{feff}\u{fe0f}\u{e0041}e\u{301}\u{301}\u{301}東👩\u{200d}👩🇩🇪\u{2800}z";

#[test]
fn hostile_text_is_drawn_and_never_obeyed() {
    // A terminal swallows what it would obey; what is typed here is what else a paste may hold.
    let typed: String = HOSTILE.chars().filter(|c| !c.is_control()).collect();
    for look in [&[][..], &["--ascii"], &["--color", "rgb"]] {
        let home = Home::alone(HOSTILE);
        let mut console = Console::start((200, 40), &[&["--home", home.path()], look].concat());
        console.until("q quit");
        console.until("<U+202E>moc<U+200B>");
        for screen in ["1", "2", "3", "4", "5", "?", "!"] {
            console.press(screen);
            console.enter(&format!("/{typed}"));
            console.until("bytes)_");
            console.press("Esc");
            console.until_gone("bytes)_");
            if ["?", "!"].contains(&screen) {
                console.press("Esc");
            }
        }
        console.press("Ctrl-c");
        assert!(console.end().restored);
        let written = console.written();
        assert_eq!(foreign(&written), [""; 0]);
        let ascii = written.is_ascii();
        assert_eq!(ascii, look == ["--ascii"]);
    }
}
