//! However it ends, the terminal is as it was.

use qratum_tests::console::{Console, Home};

fn watching(home: &Home) -> Console {
    let console = Console::start((100, 30), &["--home", home.path()]);
    let screen = console.until("q quit");
    assert!(screen.is_alternate() && !screen.shows_cursor() && !console.is_restored());
    console
}

#[test]
fn quitting_restores_it() {
    for key in ["q", "Ctrl-c"] {
        let home = Home::alone("quit");
        let mut console = watching(&home);
        console.press(key);
        let ended = console.end();
        assert!(ended.code == 0 && ended.restored, "{key}: {ended:?}");
    }
}

#[test]
fn every_signal_that_ends_it_restores_it() {
    for name in ["INT", "TERM", "HUP"] {
        let home = Home::alone("signal");
        let mut console = watching(&home);
        console.signal(name);
        let ended = console.end();
        assert!(ended.code == 0 && ended.restored, "{name}: {ended:?}");
    }
}
