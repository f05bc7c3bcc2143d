//! A terminal at the end of a slow line: 1 kB in a second, 300 ms away, alone and inside tmux.

use std::{env, process::Command, time::Duration};

use portable_pty::CommandBuilder;
use qratum_tests::{
    console::{Console, Home, Link, frames, program},
    skip,
};

const LINE: Link = Link::Slow { rate: 1000, delay: Duration::from_millis(300) };
/// What such a line carries before the first screen has to be of use.
const FIRST: usize = 2500;

/// A living network.
fn demo(home: &Home) -> Console {
    let demo = Console::start((80, 24), &["demo", "--home", home.path()]);
    demo.until("verified at");
    demo
}

/// Everything of the overview: the height, who signed, who was asked.
fn useful(console: &Console) {
    console.wait("the overview", |screen| {
        let parts = ["✓ verified ", "block id", "power  > 2/3", "signed  ", "peers 4 of 4", "q quit"];
        parts.iter().all(|part| screen.holds(part))
    });
}

/// Presses keys as fast as people do who know where they go, and waits for the last screen.
fn hurry(console: &mut Console) {
    for key in ["2", "3", "4", "5", "4", "3", "2", "4"] {
        console.press(key);
        std::thread::sleep(Duration::from_millis(120));
    }
    console.wait("the last screen", |screen| screen.holds("newest block"));
}

#[test]
fn the_first_screen_fits_a_slow_line_and_no_old_one_comes_after_it() {
    let home = Home::none("slow");
    let mut demo = demo(&home);
    let mut console = Console::start((80, 24), &["--home", home.path()]);
    console.link(LINE);
    useful(&console);
    let first = console.written().len();
    assert!(first <= FIRST, "{first} bytes");
    hurry(&mut console);
    let (written, keys) = (console.written(), 8);
    assert!(frames(&written) <= keys / 2, "{} frames, {} bytes", frames(&written), written.len());
    console.press("q");
    assert!(console.end().restored);
    demo.press("q");
    demo.end();
}

/// A server of tmux; it and all in it end with this.
struct Server(String);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("tmux").args(["-S", &self.0, "kill-server"]).output();
    }
}

#[test]
fn inside_tmux_it_is_the_same() {
    if Command::new("tmux").arg("-V").output().is_err() {
        assert!(env::var_os("CI").is_none(), "tmux is not installed: scripts/setup installs it");
        return skip("console::slow::inside_tmux_it_is_the_same", "tmux is not installed");
    }
    let home = Home::none("tmux");
    let mut demo = demo(&home);
    let server = Server(format!("{}-tmux", home.path()));
    let mut tmux = CommandBuilder::new("tmux");
    tmux.args(["-S", &server.0, "-f", "/dev/null", "new-session"]);
    // What tmux itself needs to start is not counted.
    tmux.args(["sh", "-c", "read go && exec \"$0\" --home \"$1\""]);
    tmux.args([program("qratum").as_os_str(), home.path().as_ref()]);
    tmux.env("TERM", "xterm-256color");
    tmux.env("LC_ALL", "C.UTF-8");
    tmux.env_remove("TMUX");
    let mut console = Console::spawn((80, 25), tmux);
    console.until("[0]");
    let _ = console.written();
    console.link(LINE);
    console.press("Enter");
    useful(&console);
    let first = console.written().len();
    assert!(first <= FIRST, "{first} bytes");
    hurry(&mut console);
    let written = console.written().len();
    assert!(written <= 3 * FIRST, "{written} bytes");
    console.press("q");
    console.end();
    demo.press("q");
    demo.end();
}
