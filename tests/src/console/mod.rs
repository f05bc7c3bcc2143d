//! The real console on a terminal of its own: keys go in, and what a terminal would show comes out.
//!
//! ```no_run
//! use qratum_tests::console::{Console, Home};
//!
//! let home = Home::alone("proof");
//! let mut console = Console::start((100, 30), &["--home", home.path()]);
//! console.until("height");
//! console.press("e");
//! console.until("rests on");
//! console.press("q");
//! assert_eq!(console.end().code, 0);
//! ```
//!
//! Waiting is by event: the screen is looked at again whenever the program wrote something. What
//! does not happen within half a minute fails the test and shows the screen.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test's verdict: this crate is linked into tests only"
)]

mod home;
mod keys;
mod line;
mod reader;
mod stream;

use std::{
    ffi::OsStr,
    fs::OpenOptions,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

pub use self::{
    home::{Home, Told},
    reader::{Link, Screen},
    stream::{copied, foreign, frames},
};
use self::{line::Line, reader::Reader};

/// A running console and its terminal; both go with it.
pub struct Console {
    child: Box<dyn Child + Send + Sync>,
    /// None once the terminal is gone.
    terminal: Option<Terminal>,
    reader: Reader,
    /// The terminal's settings before the program ran.
    before: String,
}

struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keys: Line,
}

/// How a console ended, and what it left behind.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: u32,
    /// What the terminal shows now.
    pub screen: Screen,
    /// Whether the terminal is as it was: its settings, the main screen, the cursor shown.
    pub restored: bool,
}

impl Console {
    /// Starts `qratum` with these arguments on a terminal of so many columns and rows.
    ///
    /// # Panics
    /// When the program cannot be built or started.
    #[must_use]
    pub fn start(size: (u16, u16), arguments: &[&str]) -> Self {
        Self::start_with(size, arguments, &[])
    }

    /// The same with more in its environment, such as `NO_COLOR`. Apart from that it holds `PATH`,
    /// `HOME`, `TMPDIR` and `TERM=xterm-256color`.
    ///
    /// # Panics
    /// When the program cannot be built or started.
    #[must_use]
    pub fn start_with(size: (u16, u16), arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = CommandBuilder::new(program("qratum"));
        command.args(arguments);
        command.env_clear();
        let temporary = std::env::temp_dir();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", temporary.as_os_str());
        command.env("TMPDIR", temporary.as_os_str());
        command.env("TERM", "xterm-256color");
        for (name, value) in environment {
            command.env(name, value);
        }
        Self::spawn(size, command)
    }

    /// Any program on a terminal, as it is given.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn spawn(size: (u16, u16), command: CommandBuilder) -> Self {
        let pair = native_pty_system().openpty(pty_size(size)).expect("a pseudo terminal");
        let before = settings(&*pair.master);
        let child = pair.slave.spawn_command(command).expect("the program starts");
        let mut input = pair.master.take_writer().unwrap();
        // A program that has ended reads no keys.
        let keys = Line::start(move |bytes| drop(input.write_all(bytes)), || {});
        let reader = Reader::start(pair.master.try_clone_reader().unwrap(), keys.clone(), size);
        Self { child, terminal: Some(Terminal { master: pair.master, keys }), reader, before }
    }

    /// Presses a key: a character, `Enter`, `Esc`, `Tab`, `S-Tab`, `Space`, `Backspace`, `Up`, `Down`,
    /// `Left`, `Right`, `Home`, `End`, `PgUp`, `PgDn`, or `Ctrl-x`.
    ///
    /// An `Esc` must be seen to have worked, by [`Console::until`], before the next key: bytes that
    /// come together with it are one key to any program.
    ///
    /// # Panics
    /// When there is no such key, or no terminal.
    pub fn press(&mut self, key: &str) {
        let bytes = keys::bytes(key).unwrap_or_else(|| panic!("no key is named {key}"));
        self.send(&bytes);
    }

    /// Types a text, key by key.
    ///
    /// # Panics
    /// When there is no terminal.
    pub fn enter(&mut self, text: &str) {
        self.send(text.as_bytes());
    }

    /// Writes bytes to the terminal's input, as a paste or a terminal's answer would.
    ///
    /// # Panics
    /// When there is no terminal.
    pub fn send(&mut self, bytes: &[u8]) {
        let terminal = self.terminal.as_ref().expect("the terminal is gone");
        terminal.keys.put(self.reader.delay(), bytes);
    }

    /// What the terminal shows now.
    #[must_use]
    pub fn screen(&self) -> Screen {
        self.reader.screen()
    }

    /// Waits until the screen holds this text.
    ///
    /// # Panics
    /// When it does not within half a minute.
    pub fn until(&self, text: &str) -> Screen {
        self.wait(&format!("{text:?} on screen"), |screen| screen.holds(text))
    }

    /// Waits until the screen no longer holds this text.
    ///
    /// # Panics
    /// When it still does after half a minute.
    pub fn until_gone(&self, text: &str) -> Screen {
        self.wait(&format!("{text:?} gone"), |screen| !screen.holds(text))
    }

    /// Waits until the screen is as asked for.
    ///
    /// # Panics
    /// When it is not within half a minute, naming `what` and showing the screen.
    pub fn wait(&self, what: &str, done: impl Fn(&Screen) -> bool) -> Screen {
        self.reader.wait(what, done)
    }

    /// How fast the terminal reads what the program writes; at once, unless told otherwise.
    pub fn link(&self, link: Link) {
        self.reader.link(link);
    }

    /// From now on the terminal answers nothing that it is asked.
    pub fn never_answers(&self) {
        self.reader.never_answers();
    }

    /// Everything that the program has written since the last call.
    pub fn written(&self) -> Vec<u8> {
        self.reader.written()
    }

    /// Waits until these characters were written, since the last call of [`Console::written`].
    ///
    /// # Panics
    /// When they are not within half a minute.
    pub fn until_written(&self, text: &str) {
        self.reader.wait_for_bytes(text);
    }

    /// Changes the size of the terminal.
    ///
    /// # Panics
    /// When there is no terminal.
    pub fn resize(&mut self, size: (u16, u16)) {
        self.reader.resize(size);
        let terminal = self.terminal.as_ref().expect("the terminal is gone");
        terminal.master.resize(pty_size(size)).unwrap();
    }

    /// Sends a signal, such as `TERM`.
    ///
    /// # Panics
    /// When the program is gone.
    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Waits until the kernel says that the program is stopped.
    ///
    /// # Panics
    /// When it is not within half a minute.
    pub fn until_stopped(&self) {
        self.until_state('T', "stopped");
    }

    /// Waits until the program has ended, whatever its terminal still has to read.
    ///
    /// # Panics
    /// When it does not within half a minute.
    pub fn until_ended(&self) {
        self.until_state('Z', "ended");
    }

    /// Nobody tells of this but the parent's wait, and the parent is this process.
    fn until_state(&self, letter: char, what: &str) {
        let (stat, state) = (format!("/proc/{}/stat", self.pid()), format!(") {letter} "));
        let late = Instant::now() + Duration::from_secs(30);
        while !std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(&state)) {
            assert!(Instant::now() < late, "it is not {what}\n{:?}", self.screen());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The process id of the program.
    ///
    /// # Panics
    /// When it has none.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Whether the terminal's settings are those from before the program ran, the main screen is
    /// shown, and the cursor, and pastes are keys.
    #[must_use]
    pub fn is_restored(&self) -> bool {
        let screen = self.screen();
        let same = self.terminal.as_ref().is_some_and(|terminal| settings(&*terminal.master) == self.before);
        same && !screen.is_alternate() && screen.shows_cursor() && !screen.marks_pastes()
    }

    /// Takes the terminal away, as a lost connection does, and waits for the program to end.
    ///
    /// # Panics
    /// When the program cannot be waited for.
    pub fn unplug(&mut self) -> u32 {
        self.let_go();
        self.child.wait().unwrap().exit_code()
    }

    /// Closes the terminal. The reader has an end of it and may be waiting for a byte: it gets one.
    fn let_go(&mut self) {
        const NO_CONTROL: i32 = 0o400;
        const NO_WAITING: i32 = 0o4000;
        self.reader.stop();
        let name = self.terminal.take().and_then(|terminal| terminal.master.tty_name());
        let open = |name| OpenOptions::new().write(true).custom_flags(NO_CONTROL | NO_WAITING).open(name);
        if let Some(Ok(mut other_end)) = name.map(open) {
            let _ = other_end.write(b" ");
        }
    }

    /// Waits for the program to end.
    ///
    /// # Panics
    /// When it does not within half a minute.
    pub fn end(&mut self) -> Ended {
        self.reader.wait_for_end();
        let code = self.child.wait().unwrap().exit_code();
        Ended { code, screen: self.screen(), restored: self.is_restored() }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // A demo stops its validators when it is asked to, so it is asked first.
        if let Ok(None) = self.child.try_wait() {
            self.signal("TERM");
            self.let_go();
            let _ = self.child.wait();
        }
    }
}

fn pty_size((cols, rows): (u16, u16)) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

fn settings(master: &(dyn MasterPty + Send)) -> String {
    format!("{:?}", master.get_termios())
}

/// One of our programs, built from the sources as they are: the tests of this package alone do not
/// build those of others.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let here = std::env::current_exe().unwrap();
    // Tests lie one folder below the programs.
    let profile = here.ancestors().skip(1).find(|folder| !folder.ends_with("deps")).unwrap();
    // The console of a demo starts the others, from the same folder.
    let names = ["qratum", "qratum-validator", "qratum-softkey"];
    if !names.iter().all(|name| is_fresh(&profile.join(name))) {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--locked", "-q"]).args(names.map(|name| ["-p", name]).as_flattened());
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        // What says which test this is would have some build scripts run again, and all that stands
        // on them be built anew.
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_a_package(name)) {
            cargo.env_remove(name);
        }
        assert!(cargo.current_dir(crate::root()).status().unwrap().success(), "{name} cannot be built");
    }
    profile.join(name)
}

fn is_of_a_package(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

/// Whether a program is newer than every source file.
fn is_fresh(program: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|meta| meta.modified()).ok();
    let Some(built) = changed(program) else { return false };
    let rooms = ["app", "widgets", "themes", "light-node", "crates", "assets"];
    let mut folders: Vec<PathBuf> = rooms.iter().map(|room| crate::root().join(room)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if changed(&path).is_none_or(|at| at > built) {
                return false;
            }
        }
    }
    true
}
