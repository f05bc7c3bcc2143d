//! Does a secret leave anything behind? A program that uses the real types is looked through from
//! outside, as an ordinary user under the usual limit: before its secrets, while it holds them, after
//! they ended, and once it leaked one on purpose.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
    os::{fd::AsRawFd as _, unix::process::CommandExt as _},
    process::{Child, ChildStdout, Command, Stdio},
};

use qratum_crypto::kdf::hkdf;
use qratum_metal::secret::{Expiring, Locked, LockedBytes};
use qratum_tests::residue::{ABSORBED, BRIEF, Found, KEY, LARGE, SALT, Windows, scan, write};

const NOBODY: u32 = 65_534;

/// The program, and what it says.
struct Keeper {
    child: Child,
    says: BufReader<ChildStdout>,
    windows: Windows,
}

impl Keeper {
    fn start(arguments: &[&str]) -> Self {
        // Through an open file: nobody may have no way to its path.
        let program = File::open(env!("CARGO_BIN_EXE_keep-secrets")).unwrap();
        let mut command = Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()));
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        if rustix::process::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let mut child = command.spawn().unwrap();
        let says = BufReader::new(child.stdout.take().unwrap());
        Self { child, says, windows: windows() }
    }

    /// Waits for the step, and looks through the program, which waits in it.
    fn at(&mut self, step: &str) -> Found {
        let mut line = String::new();
        self.says.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), step);
        let found = scan(self.child.id(), &self.windows).unwrap();
        assert!(found.bytes > 1 << 16, "{found:?}: hardly anything was looked through");
        found
    }

    fn go_on(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every secret of the program, made once more here.
fn windows() -> Windows {
    let mut windows = Windows::default();
    let mut key = [0; 32];
    write(KEY, &mut key);
    for (number, length) in [(KEY, 32), (LARGE, 2000), (ABSORBED, 32), (BRIEF, 32)] {
        let mut secret = vec![0; length];
        write(number, &mut secret);
        windows.add(&secret);
    }
    let (mut prk, mut okm) = ([0; 64], [0; 32]);
    hkdf::extract(SALT, &[&key], &mut prk);
    hkdf::expand(&prk, b"", &mut okm).unwrap();
    windows.add(&prk);
    windows.add(&okm);
    windows
}

/// All windows of what is held: the key, the large one, the absorbed one, and two derived ones.
const HELD: usize = 25 + 1993 + 25 + 57 + 25;

fn leaves_nothing(arguments: &[&str], held: &str, shown: usize) {
    let mut keeper = Keeper::start(arguments);
    let mut at = |step| {
        let found = keeper.at(step);
        keeper.go_on();
        (found.raw, found.hex)
    };
    assert_eq!(at("started"), (0, 0));
    assert_eq!(at(held), (shown, 0));
    assert_eq!(at("ended"), (0, 0));
    // The scan does find what is there.
    assert_eq!(at("leaked raw"), (25, 0));
    assert_eq!(at("leaked in hex").1, 25);
}

#[test]
fn what_is_hidden_is_not_even_seen_while_it_is_held() {
    const HIDDEN: &str = "locked, hidden from root (memfd_secret)";
    leaves_nothing(&[], &format!("held: {HIDDEN}; {HIDDEN}"), 0);
}

#[test]
fn what_is_locked_is_seen_while_it_is_held_and_gone_after() {
    leaves_nothing(&["--limited"], "held: locked (mlock); locked (mlock)", HELD);
}

/// Two ways to `some` for what can be serialised, and so an error: one for all else.
trait NotSerialised<A> {
    fn some() {}
}
impl<T: ?Sized> NotSerialised<()> for T {}
impl<T: serde::Serialize + ?Sized> NotSerialised<u8> for T {}

/// Compiles only while no secret can be serialised.
#[test]
fn no_secret_can_be_serialised() {
    <Locked<32> as NotSerialised<_>>::some();
    <LockedBytes as NotSerialised<_>>::some();
    <Expiring<Locked<32>> as NotSerialised<_>>::some();
}
