//! The console on a living network, as `make demo` opens it: real validators, real keys.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use qratum_tests::console::{Console, Home};

#[test]
fn the_demo_opens_on_a_living_network_and_ends_with_a_key() {
    let home = Home::none("tour");
    let mut console = Console::start((100, 30), &["demo", "--home", home.path()]);
    console.until("live");
    console.press("Ctrl-c");
    let ended = console.end();
    assert!(ended.code == 0 && ended.restored, "{ended:?}");
}

/// A validator is killed and started again from the palette: who is silent is named, and heads go on.
#[test]
fn a_drill_kills_a_validator_and_starts_it_again() {
    let home = Home::none("drill");
    let mut console = Console::start((100, 30), &["demo", "--home", home.path()]);
    console.until("verified at");
    console.enter(":drill kill south\r");
    console.until("drill: south killed");
    console.until("silent: south");
    console.enter(":drill restart\r");
    console.until("drill: south started again");
    console.until("silent: nobody");
    console.press("Ctrl-c");
    let ended = console.end();
    assert!(ended.code == 0 && ended.restored, "{ended:?}");
}
