//! The console on a living network, as `make demo` opens it: real validators, real keys.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::time::{Duration, Instant};

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

/// Press by press, as its lines say. Who is not there is named, and nobody moves what is verified but
/// more than two thirds of the power.
#[test]
fn the_tour_is_played_in_two_minutes() {
    let home = Home::none("tour-played");
    let mut console = Console::start((100, 30), &["demo", "--home", home.path()]);
    console.until("new here? :tour");
    console.until("verified at");
    let begun = Instant::now();
    console.enter(":tour\r");
    console.until("tour 1/4");
    console.press("e");
    console.until("genesis");
    console.until("tour 2/4");
    console.press("Esc");
    console.until_gone("proof of height");
    console.enter(":drill kill south\r");
    console.until("drill: south killed");
    console.until("silent: south");
    console.until("tour 3/4");
    console.enter(":drill kill east\r");
    console.until("no-quorum");
    console.until("tour 4/4");
    console.enter(":drill restart\r");
    console.until("drill: east started again");
    console.until("the tour is over");
    assert!(begun.elapsed() <= Duration::from_secs(120), "{:?}", begun.elapsed());
    console.press("Ctrl-c");
    let ended = console.end();
    assert!(ended.code == 0 && ended.restored, "{ended:?}");
}
