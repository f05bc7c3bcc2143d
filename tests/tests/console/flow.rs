//! A terminal that reads slowly, or not at all, holds nobody up and gets the newest picture.

use std::{
    thread,
    time::{Duration, Instant},
};

use qratum_tests::console::{Console, Home, Link, foreign, frames};

#[test]
fn a_terminal_that_did_not_read_gets_one_current_picture() {
    const PICTURES: u16 = 90;
    let home = Home::alone("down");
    let mut console = Console::start((200, 50), &["--home", home.path()]);
    console.until("q quit");
    console.link(Link::Down);
    // Each size is a whole picture, at the pace of the screen: more than any line holds.
    for more in 0..PICTURES {
        console.resize((200, 50 + more % 2));
        thread::sleep(Duration::from_millis(34));
    }
    console.resize((80, 20));
    let _ = console.written();
    console.link(Link::Fast);
    console.wait("the last size", |screen| screen.rows().last().is_some_and(|row| row.contains("q quit")));
    console.press("q");
    assert!(console.end().restored);
    let written = console.written();
    assert_eq!(foreign(&written), [""; 0]);
    assert!(frames(&written) < usize::from(PICTURES), "every picture was kept for it");
}

/// A terminal that knows no answers is drawn on all the same.
#[test]
fn a_terminal_that_never_answers_is_not_waited_for() {
    let home = Home::alone("silent");
    let mut console = Console::start((100, 30), &["--home", home.path()]);
    console.never_answers();
    console.until("disconnected");
    for (key, text) in [("2", "none were heard yet"), ("4", "newest block")] {
        console.press(key);
        console.until(text);
    }
    console.press("Ctrl-c");
    assert!(console.end().restored);
}

/// Its alarms go out, and when it reads again it gets what was on its way and one picture more, which
/// is the current one.
#[test]
fn a_terminal_that_does_not_read_holds_no_alarm_up_and_collects_no_pictures() {
    let home = Home::alone("unread");
    let told = home.sink("info");
    let mut console = Console::start((80, 24), &["--home", home.path()]);
    console.until("disconnected");
    console.link(Link::Down);
    let alarm = told.until("disconnected");
    assert!(alarm.contains("\"raised\""), "{alarm}");
    let _ = console.written();
    console.link(Link::Fast);
    console.until("1 alarm");
    let written = console.written();
    assert!(frames(&written) <= 2, "{} frames, {} bytes", frames(&written), written.len());
    console.press("q");
    assert!(console.end().restored);
}

/// `make slow-terminal`: the same for two minutes, on a network that loses its quorum meanwhile.
#[test]
#[ignore = "takes two minutes; make slow-terminal runs it"]
fn a_terminal_that_does_not_read_for_two_minutes() {
    let home = Home::none("minutes");
    let mut console = Console::start((80, 24), &["demo", "--home", home.path()]);
    console.until("verified at");
    let told = home.sink("critical");
    console.press("Ctrl-c");
    console.end();
    let mut console = Console::start((80, 24), &["demo", "--home", home.path()]);
    console.until("verified at");
    console.enter(":drill kill south\r");
    console.until("drill: south killed");
    console.enter(":drill kill east\r");
    console.until("drill: east killed");
    console.link(Link::Down);
    let begun = Instant::now();
    let alarm = told.until("no-quorum");
    let late = told.late(&alarm);
    thread::sleep(Duration::from_secs(120).saturating_sub(begun.elapsed()));
    let _ = console.written();
    console.link(Link::Fast);
    console.until("✗ no-quorum");
    console.press("2");
    console.until("prevotes");
    let written = console.written();
    println!("unread for {:?}: told {late:?} after the alarm was raised", begun.elapsed());
    println!("on resume {} frames, {} bytes", frames(&written), written.len());
    assert!(late < Duration::from_secs(2), "{late:?}");
    // What was on its way, the current one, and what the key did.
    assert!(frames(&written) <= 3, "{} frames", frames(&written));
    console.press("Ctrl-c");
    assert!(console.end().restored);
}
