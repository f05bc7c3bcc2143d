//! A token in a process of its own: its module may print, crash and hang there, and the program that
//! asks may have closed itself in and be able to start nothing.
//!
//! Two processes, both this program once more under another name ([`asked_for`]). The keeper is started
//! before the sandbox; it loads nothing, and starts a worker for what it is asked. The worker loads the
//! module and has its output thrown away; it answers in frames of one length, and one that says more than
//! it was asked for is not believed.
//! The keeper ends a worker that does not answer within `LIMIT`, and one that nobody has asked for
//! `IDLE`. Each ends with the process that started it: its socket ends, and the kernel kills a worker
//! that hangs.

use std::{
    ffi::OsString,
    io::{self, ErrorKind, Read as _, Write as _},
    net::Shutdown,
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::{net::UnixStream, process::CommandExt as _},
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use qratum_crypto::rng::source::{Class, Description, Device, Fault, LENGTH, Source};
use qratum_metal::{
    process::die_with_parent,
    secret::{Locked, wipe},
};

use super::{Choice, Error, Token};
use crate::pkcs11;

/// The name of the source.
pub const ID: &str = "token";

/// What the program is called as the one and as the other.
const KEEPER: &str = "qratum-token";
const WORKER: &str = "qratum-token-module";

/// How long a worker may take to load its module and answer.
const LIMIT: Duration = Duration::from_secs(2);
/// How much longer the keeper may.
const GRACE: Duration = Duration::from_millis(500);
/// How long a worker stays that nobody asks: for the reads of one collection.
const IDLE: Duration = Duration::from_secs(1);

/// What can be asked, as the byte that asks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Question {
    /// Is the token a device of its own?
    Identity = b'i',
    /// Random bytes.
    Random = b'r',
}

/// `status || bytes`: with status 0 and 4 the bytes are the answer, of a token that is a device and of one
/// that is a program; with 1, 2 and 3 the token is not there, is there and failed, and did not answer in
/// time, and the bytes say why, in ASCII.
type Frame = Locked<{ 1 + LENGTH }>;

/// The keeper of a token.
#[derive(Debug)]
pub struct Helper {
    socket: UnixStream,
    /// Whether the token is a device, or why that is not known.
    device: Result<bool, String>,
}

impl Helper {
    /// Starts the keeper, and asks the token once what it is. Comes before the sandbox.
    ///
    /// # Errors
    /// The process cannot be started. A token that does not answer is no error here: it may come later,
    /// and [`Helper::trouble`] tells.
    pub fn start(choice: &Choice) -> io::Result<Self> {
        let (mut socket, _) = spawn(KEEPER, choice)?;
        let mut said = [0; LENGTH];
        let device = match ask(&mut socket, Question::Identity, &mut said) {
            Ok(is_device) => Ok(is_device),
            Err(fault) => Err(reason(&said).unwrap_or_else(|| fault.to_string())),
        };
        Ok(Self { socket, device })
    }

    /// What was wrong with the token at the start.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        self.device.as_ref().err().map(String::as_str)
    }

    /// Its generator as a source, to be given a thread of its own. A token that is a program, or that was
    /// not there at the start, is credited with nothing; and what a program answers in the name of a token
    /// that was a device is no answer.
    #[must_use]
    pub fn source(self) -> impl Source {
        let credited = self.device == Ok(true);
        let mut socket = self.socket;
        let credit = if credited { 256 } else { 0 };
        Device::new(Description { id: ID, class: Class::Token, credit }, move |bytes| {
            draw(&mut socket, credited, bytes)
        })
    }
}

/// Starts this program once more under `name`, with one end of a socket as its standard input.
fn spawn(name: &str, choice: &Choice) -> io::Result<(UnixStream, Child)> {
    let (ours, theirs) = UnixStream::pair()?;
    let mut command = Command::new("/proc/self/exe");
    command.arg0(name).args(arguments(choice)).process_group(0).stdin(OwnedFd::from(theirs));
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    ours.set_read_timeout(Some(LIMIT + GRACE))?;
    Ok((ours, child))
}

/// How either is started: module, serial number, label; an empty one stands for none.
fn arguments(choice: &Choice) -> [OsString; 3] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default().into();
    [choice.module.clone().into(), text(&choice.serial), text(&choice.label)]
}

/// What this process was started as.
#[derive(Debug, PartialEq, Eq)]
pub struct Job {
    choice: Choice,
    is_worker: bool,
}

/// What this process was started as, by all its arguments; none for any other program.
#[must_use]
pub fn asked_for(mut arguments: impl Iterator<Item = OsString>) -> Option<Job> {
    let name = arguments.next()?;
    let is_worker = name == WORKER;
    if !is_worker && name != KEEPER {
        return None;
    }
    let module = PathBuf::from(arguments.next()?);
    let mut text = || arguments.next()?.into_string().ok();
    let [serial, label] = [text()?, text()?].map(|text| Some(text).filter(|text| !text.is_empty()));
    Some(Job { choice: Choice { module, serial, label }, is_worker })
}

impl Job {
    /// Answers until the other end of standard input is gone.
    ///
    /// # Errors
    /// Standard input is no socket, or fails.
    pub fn run(&self) -> io::Result<()> {
        let asked = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        if self.is_worker {
            die_with_parent()?;
            return serve(asked, || pkcs11::open(&self.choice));
        }
        keep(asked, &self.choice)
    }
}

/// The keeper's side.
fn keep(mut asked: UnixStream, choice: &Choice) -> io::Result<()> {
    let mut worker = None;
    loop {
        asked.set_read_timeout(worker.as_ref().map(|_| IDLE))?;
        let mut question = [0];
        match asked.read_exact(&mut question) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                worker = None;
                continue;
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            read => read?,
        }
        let mut frame = Frame::new_with(|_| ()).map_err(io::Error::other)?;
        let running = match worker.take() {
            Some(running) => Ok(running),
            None => Worker::start(choice),
        };
        // One that has failed is not asked again: it ends here, and the next question starts another.
        worker = running.and_then(|running| running.answer(question, &mut frame)).unwrap_or_else(|error| {
            frame.with_mut(|frame| match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => fail(frame, 3, "its module does not answer"),
                ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe => fail(frame, 2, "its module has crashed"),
                _ => fail(frame, 2, &error.to_string()),
            });
            None
        });
        frame.with(|frame| asked.write_all(frame))?;
    }
}

/// A process with the module in it; it ends with this.
struct Worker {
    socket: UnixStream,
    child: Child,
}

impl Worker {
    fn start(choice: &Choice) -> io::Result<Self> {
        let (socket, child) = spawn(WORKER, choice)?;
        Ok(Self { socket, child })
    }

    /// Has it fill the frame.
    ///
    /// # Returns
    /// Itself, where it can be asked again.
    fn answer(mut self, question: [u8; 1], frame: &mut Frame) -> io::Result<Option<Self>> {
        let late = Instant::now() + LIMIT;
        self.socket.write_all(&question)?;
        frame.with_mut(|frame| read_until(&mut self.socket, frame, late))?;
        self.said_no_more()?;
        let good = frame.with(|frame| matches!(frame.first(), Some(0 | 4)));
        Ok(good.then_some(self))
    }

    /// The module has the socket as well: what it wrote there would be the head of the next answer.
    fn said_no_more(&mut self) -> io::Result<()> {
        self.socket.set_nonblocking(true)?;
        let more = self.socket.read(&mut [0]);
        self.socket.set_nonblocking(false)?;
        match more {
            Ok(1..) => Err(io::Error::other("its module wrote between the answers")),
            _ => Ok(()),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Fills the whole buffer, however slowly it comes, until it is late.
fn read_until(socket: &mut UnixStream, buffer: &mut [u8], late: Instant) -> io::Result<()> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let left = late.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        socket.set_read_timeout(Some(left))?;
        match socket.read(rest) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The worker's side: opens the token at the first question, and ends with the first that fails.
fn serve<T: Token>(mut asked: UnixStream, open: impl FnOnce() -> Result<T, Error>) -> io::Result<()> {
    let mut question = [0];
    asked.read_exact(&mut question)?;
    let mut token = open();
    loop {
        let mut frame = Frame::new_with(|_| ()).map_err(io::Error::other)?;
        frame.with_mut(|frame| {
            let (status, bytes) = frame.split_at_mut(1);
            let answered = match &mut token {
                Ok(token) => {
                    status.fill(if token.identity().is_device() { 0 } else { 4 });
                    let is_random = question == [Question::Random as u8];
                    if is_random { token.random(bytes) } else { Ok(()) }
                }
                Err(why) => Err(why.clone()),
            };
            if let Err(why) = answered {
                fail(frame, if why == Error::Absent { 1 } else { 2 }, &why.to_string());
            }
        });
        frame.with(|frame| asked.write_all(frame))?;
        asked.read_exact(&mut question)?;
    }
}

/// A frame that says why there is no answer.
fn fail(frame: &mut [u8; 1 + LENGTH], status: u8, why: &str) {
    frame.fill(0);
    let said = [status].into_iter().chain(why.bytes());
    frame.iter_mut().zip(said).for_each(|(place, byte)| *place = byte);
}

/// Random bytes, of a device where they are credited; wiped where there are none.
fn draw(socket: &mut UnixStream, credited: bool, bytes: &mut [u8; LENGTH]) -> Result<(), Fault> {
    let answered = ask(socket, Question::Random, bytes);
    let taken =
        answered.and_then(|is_device| if is_device || !credited { Ok(()) } else { Err(Fault::Failed) });
    taken.inspect_err(|_| wipe(bytes))
}

/// Asks the keeper, which always answers in time.
///
/// # Returns
/// Whether a device answered.
fn ask(socket: &mut UnixStream, question: Question, bytes: &mut [u8; LENGTH]) -> Result<bool, Fault> {
    let mut status = [0];
    let asked = socket.write_all(&[question as u8]).and_then(|()| socket.read_exact(&mut status));
    if asked.and_then(|()| socket.read_exact(bytes)).is_err() {
        // What it may still say must not be taken for the answer to something else.
        let _ = socket.shutdown(Shutdown::Both);
        return Err(Fault::Failed);
    }
    match status {
        [0] => Ok(true),
        [4] => Ok(false),
        [1] => Err(Fault::Unavailable),
        [2] => Err(Fault::Failed),
        [3] => Err(Fault::TimedOut),
        _ => Err(Fault::Garbled),
    }
}

/// The words of a frame that failed: visible ASCII, as a module had a hand in them.
fn reason(said: &[u8; LENGTH]) -> Option<String> {
    let visible = said.iter().map(|byte| char::from(*byte)).take_while(|c| *c != '\0');
    let words: String = visible.filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
    Some(words).filter(|words| !words.is_empty())
}

#[cfg(test)]
mod tests;
