//! What does a console cost that nobody touches?

use std::{thread, time::Duration};

use qratum_tests::console::{Console, Home, frames};

use crate::{Figure, NO_LIMIT, Outcome, figure, kernel::cpu};

/// How long it is watched.
const WATCH: Duration = Duration::from_secs(60);

pub(crate) fn figures() -> Outcome<Vec<Figure>> {
    let home = Home::none("live");
    let mut demo = Console::start((120, 36), &["demo", "--home", home.path()]);
    demo.until("✓ verified");
    let mut console = Console::start((80, 24), &["--home", home.path(), "--color", "rgb", "--theme", "dark"]);
    console.until("✓ verified");
    let mut figures = watch(&console, "a head in each second", (250.0, 0.15))?;
    console.press("L");
    console.until("LOCKED");
    // What the terminal answers to the last frame.
    thread::sleep(Duration::from_secs(1));
    figures.extend(watch(&console, "locked, a head in each second", (0.0, 0.15))?);
    console.press("q");
    console.until("unlocked");
    demo.enter(":drill kill south\r");
    demo.until("drill: south killed");
    demo.enter(":drill kill east\r");
    demo.until("drill: east killed");
    console.until("no-quorum");
    // What there is to say of that has been said.
    thread::sleep(Duration::from_secs(10));
    figures.extend(watch(&console, "clock and ages ticking", (60.0, 0.1))?);
    console.press("q");
    console.end();
    demo.press("Ctrl-c");
    demo.end();
    Ok(figures)
}

/// Bytes and CPU in a second, and the bytes of a frame.
fn watch(console: &Console, what: &str, (bytes, percent): (f64, f64)) -> Outcome<Vec<Figure>> {
    let _ = console.written();
    let before = cpu(console.pid())?;
    thread::sleep(WATCH);
    let (written, after) = (console.written(), cpu(console.pid())?);
    let (seconds, size) = (WATCH.as_secs_f64(), written.len() as f64);
    let share = |after: f64, before: f64| (after - before) / seconds / 10.0;
    let frames = frames(&written).max(1) as f64;
    Ok(vec![
        figure(&format!("80x24, {what}: in a second"), size / seconds, bytes, "B"),
        figure(&format!("80x24, {what}: a frame"), size / frames, NO_LIMIT, "B"),
        figure(&format!("80x24, {what}: CPU"), share(after.screen, before.screen), percent, "%"),
        figure(&format!("80x24, {what}: CPU of the node"), share(after.node, before.node), NO_LIMIT, "%"),
    ])
}
