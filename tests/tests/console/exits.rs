//! However it ends, the terminal is as it was.

use std::{
    thread,
    time::{Duration, Instant},
};

use portable_pty::CommandBuilder;
use qratum_tests::console::{Console, Home, Link, foreign, program};

fn watching(home: &Home) -> Console {
    let console = Console::start((100, 30), &["--home", home.path()]);
    let screen = console.until("q quit");
    assert!(screen.is_alternate() && !screen.shows_cursor() && screen.marks_pastes());
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
        assert_eq!(foreign(&console.written()), [""; 0]);
    }
}

#[test]
fn every_signal_that_ends_it_restores_it() {
    for name in ["INT", "TERM", "HUP", "QUIT"] {
        let home = Home::alone("signal");
        let mut console = watching(&home);
        console.signal(name);
        let ended = console.end();
        assert!(ended.code == 0 && ended.restored, "{name}: {ended:?}");
    }
}

#[test]
fn a_lost_terminal_ends_it() {
    for _ in 0..8 {
        let home = Home::alone("lost");
        let mut console = watching(&home);
        console.unplug();
    }
}

/// The shell that it was started from is killed, and with it goes the session.
#[test]
fn it_does_not_outlive_its_session() {
    let home = Home::alone("orphan");
    let mut shell = CommandBuilder::new("sh");
    shell.args(["-c", "\"$0\" --home \"$1\"; :"]);
    shell.args([program("qratum").as_os_str(), home.path().as_ref()]);
    let mut console = Console::spawn((100, 30), shell);
    console.until("q quit");
    let pid = console.pid();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    console.signal("KILL");
    console.unplug();
    let own = std::path::Path::new("/proc").join(children.trim());
    let late = Instant::now() + Duration::from_secs(30);
    while own.exists() {
        assert!(Instant::now() < late, "{} still runs", own.display());
        thread::sleep(Duration::from_millis(5));
    }
}

/// What fails before there is a picture leaves the terminal alone, and says why on it.
#[test]
fn an_error_at_the_start_leaves_it_alone() {
    let home = Home::none("error");
    let mut console = Console::start((100, 30), &["--home", home.path()]);
    let ended = console.end();
    assert!(ended.code != 0 && ended.restored && ended.screen.holds("qratum init"), "{ended:?}");
    assert!(!console.written().windows(8).any(|part| part == b"\x1b[?1049h"), "{ended:?}");
}

/// By the key, and by the signal; each time it goes on where it was.
#[test]
fn suspending_restores_it_and_going_on_takes_it_again() {
    let home = Home::alone("suspend");
    let mut console = watching(&home);
    for by_key in [true, false, true] {
        if by_key {
            console.press("Ctrl-z");
        } else {
            console.signal("TSTP");
        }
        console.until_stopped();
        console.wait("the main screen", |screen| !screen.is_alternate());
        assert!(console.is_restored(), "{by_key}");
        console.signal("CONT");
        console.wait("the console", |screen| screen.is_alternate() && screen.holds("q quit"));
        assert!(!console.is_restored(), "{by_key}");
    }
    console.press("q");
    assert!(console.end().restored);
}

/// A signal that nobody can refuse, from somebody who does not know of terminals.
#[test]
fn a_stop_from_outside_is_followed_by_a_whole_picture() {
    let home = Home::alone("stop");
    let mut console = watching(&home);
    console.signal("STOP");
    console.until_stopped();
    let _ = console.written();
    console.signal("CONT");
    console.until_written("\x1b[?1049h");
    console.until_written("quit");
    console.press("q");
    assert!(console.end().restored);
}

/// What lies unread is thrown away, so that the terminal gets back at once; and the program does not wait
/// for it. Only a terminal that answers nothing can have so much before it.
#[test]
fn a_terminal_that_does_not_read_is_restored_when_it_reads_again() {
    let home = Home::alone("unread");
    let mut console = Console::start((200, 50), &["--home", home.path()]);
    console.never_answers();
    console.until("disconnected");
    console.link(Link::Down);
    // Each size is a whole picture, at the pace of the screen: more than any line holds.
    for more in 0..90 {
        console.resize((200, 50 + more % 2));
        thread::sleep(Duration::from_millis(34));
    }
    console.signal("TERM");
    console.until_ended();
    console.link(Link::Fast);
    let ended = console.end();
    assert!(ended.code == 0 && ended.restored, "{ended:?}");
}
