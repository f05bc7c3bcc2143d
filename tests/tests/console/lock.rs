//! A locked console: blank at once, silent until a key opens it, and locked again where it was left.

use std::{
    thread,
    time::{Duration, Instant},
};

use qratum_tests::console::{Console, Home, Screen};

/// How long a locked console is listened to.
const LISTEN: Duration = Duration::from_secs(3);

fn is_blank(screen: &Screen) -> bool {
    screen.holds("LOCKED") && !screen.holds("verified") && !screen.holds("Overview")
}

/// On a live network, where an open console writes with each head.
#[test]
fn a_locked_console_is_blank_and_silent_and_any_key_opens_it() {
    let home = Home::none("lock");
    let mut console = Console::start((100, 30), &["demo", "--home", home.path()]);
    console.until("✓ verified");
    for key in ["L", "Ctrl-\\"] {
        console.press("3");
        console.until("jurisdiction");
        let pressed = Instant::now();
        console.press(key);
        console.wait("a blank screen", is_blank);
        println!("{key}: blank after {:?}", pressed.elapsed());
        // What the terminal answers to the last frame.
        thread::sleep(Duration::from_millis(200));
        let _ = console.written();
        thread::sleep(LISTEN);
        let written = console.written();
        assert!(
            written.is_empty(),
            "{} bytes while locked: {:?}",
            written.len(),
            String::from_utf8_lossy(&written)
        );
        console.press("q");
        console.until("unlocked, read-only");
    }
    console.press("Ctrl-c");
    assert!(console.end().restored);
}

/// What can act is found locked by whoever brings it back.
#[test]
fn a_console_that_could_act_comes_back_locked() {
    let home = Home::alone("lock-back");
    let mut console = Console::start((80, 24), &["--home", home.path()]);
    console.until("q quit");
    console.enter(":elevate 5m\r");
    console.until("RW 0");
    console.press("Ctrl-z");
    console.until_stopped();
    console.signal("CONT");
    console.wait("the lock", is_blank);
    console.press("Ctrl-c");
    assert!(console.end().restored);
}
