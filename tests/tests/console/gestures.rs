//! What users of k9s, lazygit, helix and less try first. Each gesture does what they expect, or the line
//! above the hints says what to press instead; none is ignored in silence, and none does harm.

use qratum_tests::console::{Console, Home, Screen, copied, foreign};

/// What is to be seen after a gesture.
#[derive(Debug)]
enum Must {
    /// These words stand somewhere.
    Show(&'static str),
    /// The last crumb, in the row above the notice.
    Be(&'static str),
    /// The notice holds these words.
    Say(&'static str),
    /// They stand nowhere.
    Hide(&'static str),
    /// The cursor is on a row with these words.
    Point(&'static str),
    /// A value of so many characters went to the clipboard.
    Copied(usize),
    /// The picture was drawn anew.
    Repaint,
}

use Must::{Be, Copied, Hide, Point, Repaint, Say, Show};

/// Keys, in the form of [`Console::press`], pressed on the first screen of a living network; texts of
/// several characters are typed. One row for each gesture, with the program that teaches it.
const GESTURES: &[(&str, &[&str], Must)] = &[
    ("k9s", &[":val", "Enter"], Be("Validators")),
    ("k9s", &[":peers", "Enter"], Be("Peers")),
    ("k9s", &[":validators", "Enter"], Be("Validators")),
    ("helix", &[":help", "Enter"], Be("Overview > help")),
    ("helix", &[":theme dark", "Enter"], Say("theme dark")),
    ("helix", &[":theme nosuch", "Enter"], Say("nothing has this name")),
    ("helix", &[":w", "Enter"], Say("open a proof first: e")),
    ("k9s", &[":pods", "Enter"], Say("nothing has this name")),
    ("helix", &[":consen", "Tab", "Enter"], Be("Consensus")),
    ("helix", &["Ctrl-p"], Show(": consensus_")),
    ("k9s", &["3", "/south", "Enter"], Show("rows 1-1 of 1 of 4")),
    ("less", &["3", "/th", "Enter", "n"], Point("south")),
    ("less", &["3", "/th", "Enter", "N"], Point("south")),
    ("k9s", &["3", "/nobody", "Enter"], Show("rows 0-0 of 0 of 4")),
    ("k9s", &["3", "Esc"], Point("north")),
    ("less", &["n"], Say("there is no filter: / starts one")),
    ("lazygit", &["?"], Be("Overview > help")),
    ("k9s", &["?", "?"], Say("it is open already: Esc closes it")),
    ("lazygit", &["?", "/privacy", "Enter", "Enter"], Show("PRIVATE")),
    ("trippy", &["p"], Hide("PRIVATE")),
    ("less", &["3", "G"], Point("west")),
    ("helix", &["3", "g", "g"], Point("north")),
    ("less", &["3", "End"], Point("west")),
    ("less", &["3", "Home"], Point("north")),
    ("less", &["3", "Ctrl-d"], Point("west")),
    ("less", &["3", "Ctrl-u"], Point("north")),
    ("less", &["3", "Ctrl-f"], Point("west")),
    ("less", &["3", "Ctrl-b"], Point("north")),
    ("less", &["3", "PgDn"], Point("west")),
    ("less", &["3", "PgUp"], Point("north")),
    ("k9s", &["3", "Down"], Point("east")),
    ("k9s", &["3", "Up"], Point("north")),
    ("k9s", &["3", "j", "Enter"], Be("Validators > validator")),
    ("less", &["Space"], Show("PAUSED")),
    ("tokio-console", &["Space"], Hide("PAUSED")),
    ("lazygit", &["Tab"], Point("north")),
    ("lazygit", &["S-Tab"], Point("head")),
    ("lazygit", &["l"], Point("north")),
    ("lazygit", &["h"], Point("head")),
    ("lazygit", &["Right"], Point("north")),
    ("lazygit", &["Left"], Point("head")),
    ("lazygit", &["4", "Tab"], Say("this screen is one panel")),
    ("k9s", &["2", "3", "["], Be("Consensus")),
    ("k9s", &["2", "3", "[", "]"], Be("Validators")),
    ("k9s", &["2", "3", "-"], Be("Consensus")),
    ("k9s", &["3", "s", "s"], Show("power ▲")),
    ("k9s", &["3", "S"], Show("power ▼")),
    ("k9s", &["3", "s", "s", "s", "s", "s", "s", "s", "s"], Say("rows in their own order")),
    ("yazi", &["y"], Copied(64)),
    ("k9s", &["4", "y"], Copied(52)),
    ("k9s", &["5", "y"], Say("there is no key or hash here to copy")),
    ("k9s", &["d"], Say("Enter opens a row")),
    ("k9s", &["Ctrl-k"], Say("nothing is ended by one key")),
    ("k9s", &["0"], Say("the screens are 1 to 9")),
    ("less", &["b"], Say("PgUp pages back")),
    ("vi", &["Z", "Z"], Say("q ends")),
    ("vi", &["Delete"], Say("? lists all keys")),
    ("emacs", &["Ctrl-x"], Say("? lists all keys")),
    ("readline", &["Ctrl-l"], Repaint),
    ("k9s", &["Enter"], Be("Overview > explain")),
    ("less", &["e", "q", "?"], Be("Overview > help")),
    ("all", &["Esc"], Say("nothing is open: q ends the program")),
    ("all", &["\x1b[200~:quit\rq\x1b[201~"], Say("what is pasted goes to a text only")),
];

const SIZE: (u16, u16) = (100, 30);

fn notice(screen: &Screen) -> String {
    screen.rows().get(usize::from(SIZE.1) - 2).cloned().unwrap_or_default()
}

fn points(screen: &Screen, text: &str) -> bool {
    screen.rows().iter().any(|row| row.starts_with('▸') && row.contains(text))
}

fn crumb(screen: &Screen) -> String {
    screen.rows().get(usize::from(SIZE.1) - 3).cloned().unwrap_or_default()
}

fn press(console: &mut Console, keys: &[&str]) {
    for key in keys {
        // A key has a name or is one character; all else is a text.
        match *key {
            "Enter" | "Esc" | "Tab" | "S-Tab" | "Space" | "Up" | "Down" | "Left" | "Right" | "Home"
            | "End" | "PgUp" | "PgDn" | "Delete" => console.press(key),
            key if key.starts_with("Ctrl-") => console.press(key),
            text => console.enter(text),
        }
    }
}

fn check(console: &mut Console, (from, keys, must): &(&str, &[&str], Must)) {
    let what = format!("{from}: {keys:?}: {must:?}");
    let _ = console.written();
    press(console, keys);
    match must {
        Show(text) => drop(console.wait(&what, |screen| screen.holds(text))),
        Be(crumbs) => drop(console.wait(&what, |screen| crumb(screen).trim() == *crumbs)),
        Say(text) => drop(console.wait(&what, |screen| notice(screen).contains(text))),
        Hide(text) => drop(console.wait(&what, |screen| !screen.holds(text))),
        Point(text) => drop(console.wait(&what, |screen| points(screen, text))),
        Copied(length) => {
            console.until_written("\x1b]52;c;");
            console.wait(&what, |screen| notice(screen).contains("copied"));
            let copies = copied(&console.written());
            assert_eq!(copies.iter().map(String::len).collect::<Vec<_>>(), [*length], "{what}");
        }
        Repaint => console.until_written("\x1b[2J"),
    }
}

#[test]
fn gestures_of_other_programs_do_what_is_expected_or_say_what_does() {
    assert!(GESTURES.len() >= 40);
    let home = Home::none("gestures");
    let mut console = Console::start(SIZE, &["demo", "--home", home.path()]);
    console.until("verified at");
    console.press("Esc");
    console.until_gone("new here?");
    for gesture in GESTURES {
        if console.screen().holds("Esc leave it") {
            console.press("Esc");
            console.until_gone("Esc leave it");
        }
        console.press("1");
        let begins = |screen: &Screen| crumb(screen) == " Overview" && notice(screen).is_empty();
        console.wait("the first screen", begins);
        check(&mut console, gesture);
        assert_eq!(foreign(&console.written()), [""; 0], "{gesture:?}");
    }
    console.press("Ctrl-c");
    let ended = console.end();
    assert!(ended.code == 0 && ended.restored, "{ended:?}");
}

/// Each way to leave that hands know leaves, and the terminal is as it was.
#[test]
fn every_way_out_that_hands_know_leads_out() {
    for keys in
        [&["q"][..], &["Ctrl-c"], &[":q", "Enter"], &[":q!", "Enter"], &[":quit", "Enter"], &[":wq", "Enter"]]
    {
        let home = Home::alone("ways-out");
        let mut console = Console::start(SIZE, &["--home", home.path()]);
        console.until("q quit");
        press(&mut console, keys);
        let ended = console.end();
        assert!(ended.code == 0 && ended.restored, "{keys:?}: {ended:?}");
    }
}
