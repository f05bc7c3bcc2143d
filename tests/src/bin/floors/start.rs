//! The program on a home without a network, from its start to its first picture; and what it holds.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::Instant,
};

use qratum_tests::console::{Console, Home, program};

use crate::{
    Figure, NO_LIMIT, Outcome, figure,
    kernel::{Cpu, cpu, memory},
};

/// The least of so many starts counts: after a pause the CPU itself is slow, and three times as dear.
const STARTS: usize = 5;

pub(crate) fn figures() -> Outcome<Vec<Figure>> {
    // A program that was just written costs the kernel more when it is first run, whatever it does.
    let (new, _) = first_frame("fresh")?;
    let mut least = f64::INFINITY;
    for start in 1..STARTS {
        least = least.min(first_frame(&format!("start-{start}"))?.0.screen);
    }
    let (last, (_home, mut console)) = first_frame("floors")?;
    let picture = console.written().len();
    console.until("disconnected");
    let _ = console.written();
    console.press("Ctrl-l");
    console.until_written("quit");
    let whole = console.written().len();
    let (own, all) = memory(console.pid())?;
    console.press("Ctrl-c");
    console.end();
    let without = headless()?;
    Ok(vec![
        figure("exec to first frame, CPU, the first run of a build", new.screen, NO_LIMIT, "ms"),
        figure("exec to first frame, CPU", least.min(last.screen), 10.0, "ms"),
        figure("exec to first frame, CPU of the node and its store", last.node, NO_LIMIT, "ms"),
        figure("exec to first verified head, a demo of four, warm", warm(), 3.0, "s"),
        figure("first picture 120x36", picture as f64 / 1e3, 16.0, "kB"),
        figure("full repaint 120x36", whole as f64 / 1e3, 16.0, "kB"),
        figure("memory, node and store too", all, NO_LIMIT, "MB"),
        figure("memory of the screen part: more than headless", own - without, 8.0, "MB"),
    ])
}

/// CPU until a console on such a home has drawn its first picture, and the console.
fn first_frame(name: &str) -> Outcome<(Cpu, (Home, Console))> {
    let home = Home::alone(name);
    let console = Console::start((120, 36), &["--home", home.path()]);
    console.until("quit");
    let cpu = cpu(console.pid())?;
    Ok((cpu, (home, console)))
}

/// Megabytes of the same program on such a home, which has a node, a store and a monitor and no
/// screen.
fn headless() -> Outcome<f64> {
    let home = Home::alone("headless");
    let mut command = Command::new(program("qratum"));
    command.args(["watch", "--alerts", "--home", home.path()]).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
    // It tells of the peers that are not there when it has all that it needs.
    let told = lines.next().transpose()?;
    let found = memory(child.id());
    child.kill()?;
    child.wait()?;
    told.ok_or("it told nothing")?;
    Ok(found?.0)
}

/// Seconds from the start of a demo to its first verified head on screen, with everything built.
fn warm() -> f64 {
    let home = Home::none("warm");
    let begun = Instant::now();
    let mut console = Console::start((120, 36), &["demo", "--home", home.path()]);
    console.until("✓ verified");
    let found = begun.elapsed();
    console.press("Ctrl-c");
    console.end();
    found.as_secs_f64()
}
