//! What the program itself leaves of the secrets that it has today: the token of a web hook, and the
//! keys of a demo's validators. Whoever looks reads its memory, if the kernel lets him, all that it wrote
//! to the terminal, and every file of its home. The keys of people arrive with the lock screen, and with
//! them a lock to look behind.

use std::{
    fs::{self, Permissions},
    io::{BufRead as _, BufReader, ErrorKind, Write as _},
    net::TcpListener,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use portable_pty::CommandBuilder;
use qratum_tests::{
    console::{self, Console, Home},
    residue::{Found, TOKEN, Windows, scan, scan_folder, search, write},
};
use rustix::process::geteuid;

const NOBODY: u32 = 65_534;

/// A word of visible ASCII that nobody else writes.
fn token() -> String {
    let mut bytes = [0; 24];
    write(TOKEN, &mut bytes);
    // Letters only, so that it is no hex of anything.
    bytes.map(|byte| char::from(b'g' + byte % 20)).into_iter().collect()
}

fn windows(secrets: &[Vec<u8>]) -> Windows {
    let mut windows = Windows::default();
    secrets.iter().for_each(|secret| windows.add(secret));
    windows
}

/// Takes one letter, and says what it was proven with.
fn hook() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (taken, letter) = channel();
    let serve = move || {
        let (mut stream, _) = listener.accept().unwrap();
        let proof = BufReader::new(&stream).lines().map_while(Result::ok).find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("authorization: bearer ").map(str::to_owned)
        });
        stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap();
        taken.send(proof.unwrap()).unwrap();
    };
    thread::spawn(serve);
    (url, letter)
}

/// A home whose sink is a web hook, in a folder of an ordinary user, with the program beside it.
struct Stage {
    home: Home,
    program: PathBuf,
    letter: Receiver<String>,
}

impl Stage {
    fn new(name: &str) -> Self {
        let home = Home::alone(name);
        let folder = Path::new(home.path()).parent().unwrap().to_owned();
        let (url, letter) = hook();
        let secret = folder.join("token");
        fs::write(&secret, token()).unwrap();
        let config = Path::new(home.path()).join("config.toml");
        let text = format!(
            "[[alerts.webhook]]\nname = \"hook\"\nurl = \"{url}\"\ntoken_file = {secret:?}\nheartbeat = true\n"
        );
        fs::write(&config, text).unwrap();
        // Not by its own path, which nobody may be unable to reach.
        let program = folder.join("program");
        fs::copy(console::program("qratum"), &program).unwrap();
        for (path, mode) in [(&secret, 0o600), (&config, 0o600), (&folder, 0o755)] {
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
        fs::set_permissions(home.path(), Permissions::from_mode(0o700)).unwrap();
        if geteuid().is_root() {
            give_away(&folder);
        }
        Self { home, program, letter }
    }

    /// Starts the program as an ordinary user, where a core may be as long as it likes and would be in
    /// the home.
    fn start(&self, arguments: &[&str]) -> Console {
        let mut command = CommandBuilder::new("sh");
        let script = "ulimit -c unlimited; exec \"$@\"";
        command.args(["-c", script, "sh"]);
        if geteuid().is_root() {
            let nobody = NOBODY.to_string();
            command.args(["setpriv", "--reuid", &nobody, "--regid", &nobody, "--clear-groups", "--"]);
        }
        command.arg(&self.program);
        command.args(["--home", self.home.path()]);
        command.args(arguments);
        command.env("TERM", "xterm-256color");
        command.cwd(self.home.path());
        Console::spawn((100, 30), command)
    }

    /// What is left in the home's files; the token's own lies beside it.
    fn files(&self, windows: &Windows) -> Found {
        let found = scan_folder(Path::new(self.home.path()), windows, &|_| true).unwrap();
        assert!(found.bytes > 1 << 10, "{found:?}: hardly anything was looked through");
        found
    }
}

fn give_away(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| give_away(&entry.unwrap().path()));
    }
}

fn nothing(found: Found) -> bool {
    (found.raw, found.hex) == (0, 0)
}

/// How a console is ended, and the exit code that the terminal then reports.
#[derive(Clone, Copy, Debug)]
enum End {
    Key,
    Stop,
    Crash,
}

/// Whether a process has a handler of its own for SIGSEGV, the eleventh signal.
fn catches_faults(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap() & 1 << 10 != 0
}

fn end(console: &mut Console, how: End) {
    match how {
        End::Key => console.press("q"),
        End::Stop => console.signal("TERM"),
        End::Crash => {
            // Rust's own handler lets the first one pass and goes, as it expects the fault to come again.
            console.signal("SEGV");
            while catches_faults(console.pid()) {
                thread::yield_now();
            }
            console.signal("SEGV");
        }
    }
    let code = u32::from(matches!(how, End::Crash));
    assert_eq!(console.end().code, code, "{how:?}");
}

/// Start, use, end: what is looked for is the token.
fn leaves_nothing(name: &str, arguments: &[&str], how: End) {
    let windows = windows(&[token().into_bytes()]);
    let stage = Stage::new(name);
    let mut console = stage.start(arguments);
    assert_eq!(stage.letter.recv_timeout(Duration::from_secs(60)).unwrap(), token());
    let memory = scan(console.pid(), &windows);
    if geteuid().is_root() {
        // It is there while it is needed: so the scan does find what is in this program's memory.
        assert!(memory.unwrap().raw > 0, "{arguments:?}");
    } else {
        assert_eq!(memory.unwrap_err().kind(), ErrorKind::PermissionDenied, "another process reads it");
    }
    end(&mut console, how);
    let (said, files) = (search(&console.written(), &windows), stage.files(&windows));
    assert!(nothing(said) && nothing(files), "{arguments:?} {how:?}: {said:?} {files:?}");
    assert!(!Path::new(stage.home.path()).join("core").exists());

    // What would be found: in the database, in the journal of alarms, and on the terminal.
    for file in ["store/db", "alerts/journal.jsonl"] {
        let path = Path::new(stage.home.path()).join(file);
        let before = fs::read(&path).unwrap();
        fs::write(&path, [&before, token().as_bytes()].concat()).unwrap();
        assert!(stage.files(&windows).raw > 0, "{file}");
        fs::write(&path, before).unwrap();
    }
    assert!(search(format!("\x1b[1;1H{}\x1b[K", token()).as_bytes(), &windows).raw > 0);
}

#[test]
fn a_console_leaves_nothing_of_its_token_however_it_ends() {
    leaves_nothing("left-key", &[], End::Key);
    leaves_nothing("left-crash", &[], End::Crash);
}

#[test]
fn a_watch_leaves_nothing_of_its_token_however_it_ends() {
    let watch = ["watch", "--alerts", "--json"];
    leaves_nothing("left-stop", &watch, End::Stop);
    leaves_nothing("left-crash", &watch, End::Crash);
}

/// The keys of four validators: in their files, in no memory of the console, and nowhere else.
#[test]
fn a_demo_writes_no_key_anywhere_but_into_its_file() {
    let home = Home::none("left-demo");
    let mut console = Console::start((100, 30), &["demo", "--home", home.path()]);
    console.until("verified at");
    let is_key = |path: &Path| path.extension().is_some_and(|extension| extension == "key");
    let keys = keys(Path::new(home.path()), &is_key);
    assert_eq!(keys.len(), 4 * 4, "vote, peer, operator and hand-over");
    let windows = windows(&keys);
    if geteuid().is_root() {
        assert!(nothing(scan(console.pid(), &windows).unwrap()), "in the memory of the console");
    }
    end(&mut console, End::Key);
    let files =
        |chosen: &dyn Fn(&Path) -> bool| scan_folder(Path::new(home.path()), &windows, chosen).unwrap();
    let (said, others) = (search(&console.written(), &windows), files(&|path| !is_key(path)));
    assert!(nothing(said) && nothing(others), "{said:?} {others:?}");
    assert_eq!(files(&is_key).raw, 16 * 25, "where they belong they are found");
}

fn keys(folder: &Path, is_key: &dyn Fn(&Path) -> bool) -> Vec<Vec<u8>> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match () {
            () if path.is_dir() => keys(&path, is_key),
            () if is_key(&path) => vec![fs::read(&path).unwrap()],
            () => Vec::new(),
        })
        .collect()
}
