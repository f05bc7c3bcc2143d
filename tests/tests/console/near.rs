//! How far is it to what matters? From the first screen, on a network that lost two validators.

use qratum_tests::console::{Console, Home, Screen};

/// Presses keys one by one, at most `most` of them, until the screen is as asked for.
fn near(console: &mut Console, keys: &[&str], most: usize, what: &str, done: impl Fn(&Screen) -> bool) {
    assert!(keys.len() <= most, "{what} is {} keys away", keys.len());
    console.press("1");
    console.wait("the first screen", |screen| screen.rows().iter().any(|row| row == " Overview"));
    keys.iter().for_each(|key| console.press(key));
    console.wait(what, done);
}

/// Whether these words stand in one row.
fn in_a_row(screen: &Screen, words: &[&str]) -> bool {
    screen.rows().iter().any(|row| words.iter().all(|word| row.contains(word)))
}

#[test]
fn who_why_and_proof_are_near() {
    let home = Home::none("near");
    let mut console = Console::start((100, 30), &["demo", "--home", home.path()]);
    console.until("verified at");
    console.enter(":drill kill south\r");
    console.until("drill: south killed");
    let silent = |screen: &Screen| in_a_row(screen, &["south", "not signed", "silent"]);
    near(&mut console, &["3"], 1, "who is not signing", silent);
    console.enter(":drill kill east\r");
    console.until("no-quorum");
    let why = |screen: &Screen| screen.holds("no-quorum (state)") && screen.holds("first");
    near(&mut console, &["i"], 2, "why this is red", why);
    let proof = |screen: &Screen| {
        screen.holds("proof of height") && screen.holds("anchor") && screen.holds("genesis")
    };
    near(&mut console, &["e"], 2, "the proof", proof);
}
