//! Does a secret leave anything behind? A program that uses the real types is looked through from
//! outside, as an ordinary user under the usual limit: before its secrets, while it holds them, after
//! they ended, when it crashes, and once it leaked one on purpose. What the console itself leaves,
//! `console/left.rs` looks for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{
    env,
    fs::{self, File, Permissions},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::{
        fd::AsRawFd as _,
        unix::{fs::PermissionsExt as _, process::CommandExt as _, process::ExitStatusExt as _},
    },
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use qratum_crypto::kdf::{biokey, hkdf};
use qratum_metal::secret::{Expiring, Locked, LockedBytes};
use qratum_tests::{
    residue::{
        ABSORBED, BRIEF, COMPUTED, Found, KEY, LARGE, SALT, Windows, scan, scan_folder, search, write,
    },
    skip,
};

const NOBODY: u32 = 65_534;
const SEGV: i32 = 11;

/// A folder that anybody may write to: where a core would be.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("qratum-residue-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The program, and what it says.
struct Keeper {
    child: Child,
    says: BufReader<ChildStdout>,
    said: String,
    windows: Windows,
}

impl Keeper {
    fn start(arguments: &[&str], folder: &Path) -> Self {
        // Through an open file: nobody may have no way to its path.
        let program = File::open(env!("CARGO_BIN_EXE_keep-secrets")).unwrap();
        let mut command = Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()));
        command.args(arguments).env("RUST_BACKTRACE", "full").current_dir(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if rustix::process::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let mut child = command.spawn().unwrap();
        let says = BufReader::new(child.stdout.take().unwrap());
        Self { child, says, said: String::new(), windows: windows() }
    }

    /// Waits for the step, in which the program then waits.
    fn reach(&mut self, step: &str) {
        let from = self.said.len();
        self.says.read_line(&mut self.said).unwrap();
        assert_eq!(self.said[from..].trim_end(), step);
    }

    /// Waits for the step, and looks through the program.
    fn at(&mut self, step: &str) -> Found {
        self.reach(step);
        let found = scan(self.child.id(), &self.windows).unwrap();
        assert!(found.bytes > 1 << 16, "{found:?}: hardly anything was looked through");
        found
    }

    fn go_on(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    /// Has it go on to its end.
    ///
    /// # Returns
    /// How it ended, and what was found in all that it has said.
    fn end(mut self) -> (ExitStatus, Found) {
        let mut said = std::mem::take(&mut self.said).into_bytes();
        self.says.read_to_end(&mut said).unwrap();
        self.child.stderr.take().unwrap().read_to_end(&mut said).unwrap();
        assert!(!said.is_empty());
        (self.child.wait().unwrap(), search(&said, &self.windows))
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

/// Windows of the key, which is what leaks.
const LEAKED: usize = 25;

fn leaves_nothing(more: &[&str], held: &str, shown: usize) {
    let folder = Folder::new();
    // Open, as whoever looks may be an ordinary user too.
    let mut keeper = Keeper::start(&[&["--open"], more].concat(), &folder.0);
    let mut at = |step| {
        let found = keeper.at(step);
        keeper.go_on();
        (found.raw, found.hex)
    };
    assert_eq!(at("started"), (0, 0));
    assert_eq!(at(held), (shown, 0));
    assert_eq!(at("expired"), (shown, 0), "the brief one has gone by itself");
    assert_eq!(at("ended"), (0, 0));
    // The scan does find what is there.
    assert_eq!(at("leaked raw"), (LEAKED, 0));
    assert_eq!(at("leaked in hex").1, LEAKED);
    let (status, said) = keeper.end();
    assert_eq!((status.code(), said.raw, said.hex), (Some(0), 0, LEAKED), "and in what it said");
}

const HIDDEN: &str = "held: locked, hidden from root (memfd_secret); locked, hidden from root (memfd_secret)";
const LOCKED: &str = "held: locked (mlock); locked (mlock)";

#[test]
fn what_is_hidden_is_not_even_seen_while_it_is_held() {
    leaves_nothing(&[], HIDDEN, 0);
}

#[test]
fn what_is_locked_is_seen_while_it_is_held_and_gone_after() {
    leaves_nothing(&["--limited"], LOCKED, HELD);
}

/// All that a biokey passes through, computed once more from the salt in the sealed file.
fn biokey_windows(sealed: &[u8]) -> Windows {
    // Behind the salt: nonce, commitment, 256 sealed loci and their tag.
    let salt: [u8; 64] = sealed[..sealed.len() - (12 + 32 + 256 * 8 + 16)].last_chunk().copied().unwrap();
    let purpose = biokey::Purpose { credential: [7; 32], version: 0 };
    let mut computed = [0; 32];
    write(COMPUTED, &mut computed);
    let panel = qratum_tests::residue::panel().unwrap();
    let records = panel.with(|[_, records]| records.to_vec());
    let (mut prk, mut root) = ([0; 64], [0; 64]);
    panel.with(|loci| biokey::extract(&salt, loci, &computed, &mut prk));
    biokey::expand(&prk, &purpose, &mut root).unwrap();
    let mut windows = Windows::default();
    [&computed[..], &records, &prk, &root].iter().for_each(|secret| windows.add(secret));
    for child in [biokey::Child::Ed25519, biokey::Child::MlDsa65] {
        let mut seed = [0; 32];
        biokey::seed(&root, child, &mut seed).unwrap();
        windows.add(&seed);
    }
    windows
}

#[test]
fn a_biokey_leaves_nothing_neither_while_it_is_held_nor_after() {
    let folder = Folder::new();
    let mut keeper = Keeper::start(&["--open", "--biokey"], &folder.0);
    keeper.reach("started");
    keeper.go_on();
    keeper.reach("held");
    keeper.windows = biokey_windows(&fs::read(folder.0.join("panel")).unwrap());
    for step in ["signed", "ended"] {
        let held = scan(keeper.child.id(), &keeper.windows).unwrap();
        assert_eq!((held.raw, held.hex), (0, 0), "before it was {step}");
        keeper.go_on();
        let found = keeper.at(step);
        assert_eq!((found.raw, found.hex), (0, 0), "{step}");
    }
    keeper.go_on();
    assert_eq!(keeper.at("leaked raw").raw, 25, "what the security key computed");
    keeper.go_on();
    let windows = std::mem::take(&mut keeper.windows);
    let (status, said) = keeper.end();
    assert!(status.success() && said.raw == 0);
    let files = scan_folder(&folder.0, &windows, &|_| true).unwrap();
    assert!((files.raw, files.hex) == (0, 0) && files.bytes > 2048, "{files:?}");
}

/// How a program ended that was told to crash, and what was found in all that it left.
struct Left {
    status: ExitStatus,
    said: Found,
    /// Cores, and whatever else it wrote.
    files: Found,
}

fn crashed(arguments: &[&str]) -> Left {
    let folder = Folder::new();
    let mut keeper = Keeper::start(arguments, &folder.0);
    let held = if arguments.contains(&"--limited") { LOCKED } else { HIDDEN };
    let leaks = ["leaked raw", "leaked in hex"];
    let leaks = leaks.iter().filter(|_| arguments.contains(&"--leak"));
    for step in ["started", held, "expired"].iter().chain(leaks) {
        keeper.reach(step);
        keeper.go_on();
    }
    let (status, said) = keeper.end();
    let files = scan_folder(&folder.0, &windows(), &|_| true).unwrap();
    Left { status, said, files }
}

/// The signal that ended it, or its exit code.
fn signal_or_code(status: ExitStatus) -> (Option<i32>, Option<i32>) {
    (status.signal(), status.code())
}

#[test]
fn a_hardened_program_that_crashes_leaves_neither_core_nor_word_of_a_secret() {
    for (crash, ended) in [("--segv", (Some(SEGV), None)), ("--panic", (None, Some(101)))] {
        for memory in [[].as_slice(), &["--limited"]] {
            let Left { status, said, files } = crashed(&[&[crash], memory].concat());
            assert_eq!((signal_or_code(status), status.core_dumped()), (ended, false), "{crash}");
            assert_eq!((said.raw, said.hex, files.bytes), (0, 0, 0), "{crash} {memory:?}");
        }
    }
}

/// The same without the hardening: even a core has no secret in it, but for what leaked.
#[test]
fn a_core_holds_what_leaked_and_no_secret() {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    if pattern.contains('/') || rustix::process::getrlimit(rustix::process::Resource::Core).maximum.is_some()
    {
        return skip("residue", "this machine leaves no core in a folder, so none was looked through");
    }
    for memory in [[].as_slice(), &["--limited"]] {
        let left = |more: &[&str]| crashed(&[&["--open", "--segv"], memory, more].concat());
        let Left { status, said, files } = left(&[]);
        assert!(status.core_dumped() && files.bytes > 1 << 16, "{status} {files:?}");
        assert_eq!((said.raw, said.hex, files.raw, files.hex), (0, 0, 0, 0), "{memory:?}");
        let Left { status, said, files } = left(&["--leak"]);
        assert!(status.core_dumped());
        assert_eq!((said.hex, files.raw), (LEAKED, LEAKED), "{memory:?}: the planted leak");
    }
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
