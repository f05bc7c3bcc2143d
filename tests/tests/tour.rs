//! The console on a living network, as `make demo` opens it: real validators, real keys.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::time::{Duration, Instant};

use qratum_tests::console::{Console, Home, Screen};

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
    console.until("tour 1/6");
    console.press("e");
    console.until("anchor ");
    console.press("G");
    console.until("tour 2/6");
    console.press("1");
    console.until_gone("proof of height");
    console.enter(":drill lie\r");
    console.until("drill: mallory lies");
    console.until("tour 3/6");
    console.enter(":drill entropy cpu\r");
    console.until("is made to stick: its own tests are to find that");
    console.press("!");
    console.until("entropy-source");
    console.press("x");
    console.until("(entropy-source) in good hands?");
    console.enter("a drill\r");
    console.until("tour 4/6");
    console.press("Esc");
    console.until_gone("> alarms");
    console.enter(":drill kill south\r");
    console.until("drill: south killed");
    console.until("silent: south");
    console.until("tour 5/6");
    console.enter(":drill kill east\r");
    console.until("no-quorum");
    console.until("tour 6/6");
    console.enter(":drill restart\r");
    console.until("drill: east started again");
    console.until("the tour is over");
    assert!(begun.elapsed() <= Duration::from_secs(120), "{:?}", begun.elapsed());
    console.press("Ctrl-c");
    let ended = console.end();
    assert!(ended.code == 0 && ended.restored, "{ended:?}");
}

/// The newest verified height, as the bar tells it.
fn height(screen: &Screen) -> u64 {
    let bar = screen.rows().into_iter().next().unwrap();
    let (_, told) = bar.split_once("verified ").unwrap();
    told.split(' ').next().unwrap().parse().unwrap()
}

/// A peer really sends a forged block. It is refused under its name and with the reason, on Peers and in
/// the log; nobody else is, nothing is halted, and heads go on.
#[test]
fn a_forged_block_is_refused_by_peer_and_reason_and_nothing_moves() {
    const HONEST: [&str; 4] = ["north", "east", "south", "west"];
    let home = Home::none("lie");
    let mut console = Console::start((120, 40), &["demo", "--home", home.path()]);
    console.until("verified at");
    console.press("4");
    let row = |screen: &Screen, name: &str| {
        let named = |row: &String| row.trim_start_matches([' ', '▸']).starts_with(name);
        screen.rows().into_iter().find(named)
    };
    console.wait("all five peers connected", |screen| {
        let connected = |name: &str| row(screen, name).is_some_and(|row| row.contains("connected"));
        HONEST.iter().chain(&["mallory"]).all(|name| connected(name))
    });
    console.enter(":drill lie\r");
    console.until("drill: mallory lies");
    let peers = console.wait("mallory banned for its lie", |screen| {
        row(screen, "mallory").is_some_and(|row| row.contains("banned") && row.contains("BadSignature"))
    });
    let honest = HONEST.map(|name| row(&peers, name).unwrap());
    assert!(honest.iter().all(|row| row.contains("connected")), "{peers:?}");
    console.press("5");
    let log = console.until("refused mallory: ");
    let refused: Vec<_> = log.rows().into_iter().filter(|row| row.contains("refused")).collect();
    assert!(refused.iter().all(|row| row.contains("mallory")), "{log:?}");
    assert!(refused.iter().any(|row| row.contains("(BadSignature)")), "{log:?}");
    let told = height(&log);
    let on = console.wait("three more heads", |screen| height(screen) >= told + 3);
    assert!(on.holds("live") && !on.holds("forked"), "{on:?}");
    console.press("Ctrl-c");
    assert_eq!(console.end().code, 0);
}

/// A second terminal joins by name and sees the same network; when the demo ends it says so and keeps what
/// it has verified on screen.
#[test]
fn a_second_console_joins_a_demo_by_name() {
    let home = Home::none("joined");
    let mut first = Console::start((100, 30), &["demo", "--home", home.path()]);
    first.until("verified at");
    let join = ["demo", "--as", "alice", "--home", home.path()];
    let mut second = Console::start((100, 30), &join);
    second.until("console alice");
    second.until("verified at");
    second.enter(":drill kill south\r");
    second.until("drills exist only in a demo network that this console started");
    second.press("Esc");
    let same = Console::start((100, 30), &join).end();
    assert!(same.code == 2 && same.restored, "{same:?}");
    assert!(same.screen.holds("a console called alice has joined"), "{same:?}");
    first.press("Ctrl-c");
    assert_eq!(first.end().code, 0);
    second.until("the demo that this console joined has ended");
    second.until("disconnected");
    second.press("q");
    let ended = second.end();
    assert!(ended.code == 0 && ended.restored, "{ended:?}");
}
