//! A passphrase that is typed at a command: nothing of it is shown, kept where anybody could read it, or
//! left behind, and the terminal is given back whatever ends the command.

use std::path::Path;

use portable_pty::CommandBuilder;
use qratum_tests::{
    console::{self, Console, Home},
    residue::{PASSPHRASE, Windows, scan, search, write},
};
use rustix::process::geteuid;

/// Letters that nobody else writes.
fn passphrase() -> String {
    let mut bytes = [0; 32];
    write(PASSPHRASE, &mut bytes);
    bytes.map(|byte| char::from(b'g' + byte % 20)).into_iter().collect()
}

fn windows() -> Windows {
    let mut windows = Windows::default();
    windows.add(passphrase().as_bytes());
    windows
}

/// A command that asks for a new passphrase, twice; `leak` has one more word in its environment.
fn asks(folder: &Home, leak: Option<&str>) -> Console {
    let mut command = CommandBuilder::new(console::program("qratum"));
    let out = Path::new(folder.path()).with_extension("key");
    command.args(["anchor", "key", "--out", out.to_str().unwrap()]);
    command.env("TERM", "xterm-256color");
    if let Some(leak) = leak {
        command.env("LEAKED", leak);
    }
    let console = Console::spawn((80, 24), command);
    console.until("New passphrase");
    console
}

#[test]
fn what_is_typed_is_in_no_memory_that_others_read_and_not_on_the_terminal() {
    let folder = Home::none("typed");
    let mut console = asks(&folder, None);
    console.enter(&passphrase());
    console.enter("\r");
    // It is held now, to be compared with what is typed next.
    console.until("The same again");
    if geteuid().is_root() {
        let found = scan(console.pid(), &windows()).unwrap();
        assert!((found.raw, found.hex) == (0, 0) && found.bytes > 1 << 16, "{found:?}");
    }
    console.enter("something else\r");
    console.until("the two differ");
    assert_eq!(console.end().code, 2);
    let said = search(&console.written(), &windows());
    assert!((said.raw, said.hex) == (0, 0) && said.bytes > 20, "{said:?}");
}

/// So that the test above would see one.
#[test]
fn a_planted_leak_is_found() {
    if !geteuid().is_root() {
        return qratum_tests::skip("console/typed", "only root reads the memory of a hardened process");
    }
    let mut console = asks(&Home::none("typed-leak"), Some(&passphrase()));
    assert!(scan(console.pid(), &windows()).unwrap().raw > 0);
    console.press("Esc");
    assert_eq!(console.end().code, 2);
}

#[test]
fn the_terminal_is_given_back_whatever_ends_the_command() {
    for end in ["Esc", "Ctrl-c", "TERM", "HUP", "INT"] {
        let mut console = asks(&Home::none("typed-end"), None);
        console.enter("12");
        match end {
            "Esc" | "Ctrl-c" => console.press(end),
            signal => console.signal(signal),
        }
        let ended = console.end();
        assert!(ended.restored, "{end}: the terminal keeps its echo off");
        assert_ne!(ended.code, 0, "{end}");
    }
}
