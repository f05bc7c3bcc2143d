//! A line of 1 kB in a second, 300 ms long each way.

use std::{
    thread,
    time::{Duration, Instant},
};

use qratum_tests::console::{Console, Home, Link, Screen};

use crate::{Figure, Outcome, figure};

pub(crate) fn figures() -> Outcome<Vec<Figure>> {
    let home = Home::none("line");
    let mut demo = Console::start((80, 24), &["demo", "--home", home.path()]);
    demo.until("✓ verified");
    let begun = Instant::now();
    let mut console = Console::start((80, 24), &["--home", home.path()]);
    console.link(Link::Slow { rate: 1000, delay: Duration::from_millis(300) });
    console.wait("the height, who signed it, who was asked", |screen| {
        ["✓ verified ", "power  > 2/3", "peers 4 of 4", "q quit"].iter().all(|part| screen.holds(part))
    });
    let (first, bytes) = (begun.elapsed().as_secs_f64(), console.written().len());
    let slowest = ["2", "3", "4", "5", "1", "?"].map(|key| press(&mut console, key));
    console.press("Ctrl-c");
    console.end();
    demo.press("Ctrl-c");
    demo.end();
    Ok(vec![
        figure("1 kB/s, 300 ms: first useful screen 80x24", first, 3.0, "s"),
        figure("1 kB/s, 300 ms: first useful screen 80x24", bytes as f64 / 1e3, 2.5, "kB"),
        figure(
            "1 kB/s, 300 ms: key to effect, the slowest of six",
            slowest.into_iter().fold(0.0, f64::max),
            1.0,
            "s",
        ),
    ])
}

/// Seconds until the screen that a key leads to begins to show: by the row of the screens, or by the
/// first row of what opens above one. Both stand still while nobody presses a key.
fn press(console: &mut Console, key: &str) -> f64 {
    let look = |screen: &Screen| match key {
        "?" => screen.rows().get(3).cloned(),
        _ => screen.cells().rows_formatted(0, 80).nth(1),
    };
    // What the key before has led to comes first.
    thread::sleep(Duration::from_secs(4));
    let before = look(&console.screen());
    let begun = Instant::now();
    console.press(key);
    console.wait("the key's effect", |screen| look(screen) != before);
    begun.elapsed().as_secs_f64()
}
