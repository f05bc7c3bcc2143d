//! Large, small and too small terminals.

use qratum_tests::console::{Console, Home};

#[test]
fn a_terminal_that_shrinks_gets_one_line_that_says_so() {
    let home = Home::alone("sizes");
    let mut console = Console::start((60, 16), &["--home", home.path()]);
    console.until("q quit");
    console.resize((40, 10));
    let screen = console.until("too small: need 60x16");
    assert_eq!(screen.rows().iter().filter(|row| !row.is_empty()).count(), 1, "{screen:?}");
    console.resize((60, 16));
    console.until_gone("too small");
    console.until("q quit");
}
