//! A terminal that reads slowly, or not at all, holds nobody up and gets the newest picture.

use std::{thread, time::Duration};

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
