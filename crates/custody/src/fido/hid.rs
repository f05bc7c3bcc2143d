//! CTAPHID (CTAP 2.1 section 11.2) on a hidraw file: messages in reports of 64 bytes, of which the first
//! is `channel [4] || 0x80 | command || length u16 || data [57]` and each further one
//! `channel [4] || sequence || data [59]`, big-endian.
//!
//! A key must say something every tenth of a second while it works or waits. One that is silent for
//! [`SILENCE`] is given up, so a device that takes commands and never answers holds nobody.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use super::{Watch, error::KeyError};

/// Whether this build takes a software key behind a socket: anybody who can write to the socket could pose
/// as a key. The feature `software-key`.
pub const SOFTWARE_KEYS: bool = cfg!(any(test, feature = "software-key"));

/// How long a key may say nothing.
pub const SILENCE: Duration = Duration::from_millis(if cfg!(test) { 400 } else { 3000 });
/// How long a key is waited for that says only that it waits: longer than any key has patience.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How long a key may take to end what was cancelled.
const ENDING: Duration = Duration::from_secs(1);
/// How often somebody is asked whether to go on.
const GLANCE: Duration = Duration::from_millis(50);

const REPORT: usize = 64;
const MAX_MESSAGE: usize = 57 + 128 * 59;
const BROADCAST: [u8; 4] = [0xff; 4];

const INIT: u8 = 0x06;
const WINK: u8 = 0x08;
const CBOR: u8 = 0x10;
const CANCEL: u8 = 0x11;
const KEEPALIVE: u8 = 0x3b;
const ERROR: u8 = 0x3f;
/// Error: another channel is being served.
const CHANNEL_BUSY: u8 = 0x06;
/// Keep-alive: somebody has to touch the key.
const TOUCH_NEEDED: u8 = 2;
/// Capability: it knows CTAP2.
const KNOWS_CBOR: u8 = 0x04;

type Report = [u8; REPORT];

/// A channel to a key.
pub struct Wire {
    file: File,
    /// Whether each report is written behind its number, as hidraw wants it.
    is_numbered: bool,
    channel: [u8; 4],
    /// Whether an answer may still come that nobody waits for.
    is_stale: bool,
    watch: Arc<dyn Watch>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire")
            .field("file", &self.file)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

impl Wire {
    /// Opens a hidraw file and asks the key for a channel.
    ///
    /// # Errors
    /// [`KeyError::Permission`], [`KeyError::OnlyU2f`], and those of a key that does not answer.
    pub fn open(path: &Path, watch: Arc<dyn Watch>) -> Result<Self, KeyError> {
        let file = OpenOptions::new().read(true).write(true).open(path);
        Self::over(file.map_err(|error| refused(path, error))?, true, watch)
    }

    /// As [`Wire::open`], for a software key behind a Unix socket: demos and tests only.
    ///
    /// # Errors
    /// [`KeyError::NotReal`] where this build takes none ([`SOFTWARE_KEYS`]), and those of [`Wire::open`].
    pub fn connect(socket: &Path, watch: Arc<dyn Watch>) -> Result<Self, KeyError> {
        if !SOFTWARE_KEYS {
            return Err(KeyError::NotReal);
        }
        let stream = UnixStream::connect(socket).map_err(|error| refused(socket, error))?;
        Self::over(OwnedFd::from(stream).into(), false, watch)
    }

    fn over(file: File, is_numbered: bool, watch: Arc<dyn Watch>) -> Result<Self, KeyError> {
        let mut wire = Self { file, is_numbered, channel: BROADCAST, is_stale: false, watch };
        wire.init()?;
        Ok(wire)
    }

    /// Asks for a channel, or on one that was given ends what goes on there: `nonce [8]` goes out; `nonce [8]
    /// || channel [4] || version [4] || capabilities` comes back, to all who listen. The nonce tells whose
    /// answer it is, and nothing rests on it.
    fn init(&mut self) -> Result<(), KeyError> {
        let nonce = [std::process::id().to_le_bytes(), [b'q', b'r', b'a', b't']].concat();
        self.send(INIT, &nonce)?;
        let late = Instant::now() + SILENCE;
        loop {
            let (command, data) = self.message(late, &mut |_| ())?;
            if let (INIT, Some((said, [a, b, c, d, _, _, _, _, capabilities]))) =
                (command, data.split_at_checked(8))
                && said == nonce
            {
                self.channel = [*a, *b, *c, *d];
                return if capabilities & KNOWS_CBOR == 0 { Err(KeyError::OnlyU2f) } else { Ok(()) };
            }
        }
    }

    /// Has the key show itself: it blinks for a moment.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn wink(&mut self) -> Result<(), KeyError> {
        self.send(WINK, &[])?;
        self.message(Instant::now() + SILENCE, &mut |_| ()).map(|_| ())
    }

    /// Who is told how it goes.
    #[must_use]
    pub fn watch(&self) -> &dyn Watch {
        &*self.watch
    }

    /// Sends a command of CTAP2 and waits for its answer, however long a person takes.
    ///
    /// # Returns
    /// What stands behind the status of success.
    ///
    /// # Errors
    /// [`KeyError`]: the status that the key answered, or why there is no answer.
    pub fn call(&mut self, command: &[u8]) -> Result<Vec<u8>, KeyError> {
        if self.watch.cancelled() {
            return Err(KeyError::Cancelled);
        }
        if self.is_stale {
            self.init()?;
        }
        self.is_stale = true;
        self.send(CBOR, command)?;
        let watch = Arc::clone(&self.watch);
        let mut is_waiting = false;
        let answer = self.message(Instant::now() + PATIENCE, &mut |status| {
            let waits = status == TOUCH_NEEDED;
            if std::mem::replace(&mut is_waiting, waits) != waits {
                watch.touch(waits);
            }
        });
        if is_waiting {
            self.watch.touch(false);
        }
        let answer = answer?;
        self.is_stale = false;
        match answer {
            (CBOR, data) => match data.split_first() {
                Some((0, data)) => Ok(data.to_vec()),
                Some((status, _)) => Err(KeyError::of(*status)),
                None => Err(KeyError::Garbled),
            },
            (ERROR, data) if data == [CHANNEL_BUSY] => Err(KeyError::Busy),
            _ => Err(KeyError::Garbled),
        }
    }

    fn send(&mut self, command: u8, data: &[u8]) -> Result<(), KeyError> {
        let (first, rest) = data.split_at(data.len().min(57));
        let length = u16::try_from(data.len()).ok().filter(|_| data.len() <= MAX_MESSAGE);
        let [high, low] = length.ok_or(KeyError::Garbled)?.to_be_bytes();
        self.write(&[0x80 | command, high, low], first)?;
        let mut further = (0..=u8::MAX).zip(rest.chunks(59));
        further.try_for_each(|(sequence, data)| self.write(&[sequence], data))
    }

    fn write(&mut self, head: &[u8], data: &[u8]) -> Result<(), KeyError> {
        let mut report = [0; 1 + REPORT];
        let bytes = self.channel.iter().chain(head).chain(data);
        report.iter_mut().skip(1).zip(bytes).for_each(|(place, byte)| *place = *byte);
        let skipped = usize::from(!self.is_numbered);
        Ok(self.file.write_all(report.get(skipped..).unwrap_or_default())?)
    }

    /// The next message for this channel.
    ///
    /// # Arguments
    /// `said` is called with the status of each keep-alive, which gives the key [`SILENCE`] anew, but never
    /// beyond `late`.
    fn message(&mut self, late: Instant, said: &mut dyn FnMut(u8)) -> Result<(u8, Vec<u8>), KeyError> {
        let mut wait = Wait { silent: Instant::now() + SILENCE, late, is_cancelled: false };
        loop {
            let (command, length, first) = self.first(&mut wait)?;
            if command == KEEPALIVE {
                first.first().into_iter().for_each(|status| said(*status));
                wait.heard();
                continue;
            }
            let mut data = first.to_vec();
            for sequence in 0..=u8::MAX {
                if data.len() >= length {
                    break;
                }
                let report = self.report(&mut wait)?;
                let [_, _, _, _, number, further @ ..] = report;
                if number != sequence {
                    return Err(KeyError::Garbled);
                }
                data.extend_from_slice(&further);
            }
            data.truncate(length);
            return if wait.is_cancelled { Err(KeyError::Cancelled) } else { Ok((command, data)) };
        }
    }

    /// The first report of the next message: what it is, how long it is as a whole, and its beginning.
    fn first(&mut self, wait: &mut Wait) -> Result<(u8, usize, [u8; 57]), KeyError> {
        loop {
            let [_, _, _, _, kind, high, low, data @ ..] = self.report(wait)?;
            let length = usize::from(u16::from_be_bytes([high, low]));
            match kind & 0x80 {
                // What is left of a message that was given up.
                0 => {}
                _ if length > MAX_MESSAGE => return Err(KeyError::Garbled),
                _ => return Ok((kind & 0x7f, length, data)),
            }
        }
    }

    /// The next report of this channel. What others are told is passed over.
    fn report(&mut self, wait: &mut Wait) -> Result<Report, KeyError> {
        loop {
            self.ready(wait)?;
            // A report comes as a whole or is none: what is missing is not waited for.
            let mut report = [0; REPORT];
            match self.file.read(&mut report)? {
                REPORT if report.starts_with(&self.channel) => return Ok(report),
                REPORT => {}
                0 => return Err(KeyError::Removed),
                _ => return Err(KeyError::Garbled),
            }
        }
    }

    /// Waits until a report is there.
    fn ready(&mut self, wait: &mut Wait) -> Result<(), KeyError> {
        loop {
            if self.watch.cancelled() && !std::mem::replace(&mut wait.is_cancelled, true) {
                self.write(&[0x80 | CANCEL, 0, 0], &[])?;
                wait.late = wait.late.min(Instant::now() + ENDING);
            }
            let now = Instant::now();
            let left = wait.silent.min(wait.late).saturating_duration_since(now);
            if left.is_zero() {
                // It need not go on blinking for what nobody waits for.
                if !wait.is_cancelled {
                    self.write(&[0x80 | CANCEL, 0, 0], &[])?;
                }
                return Err(wait.over(wait.silent <= now));
            }
            let glance = Timespec { tv_sec: 0, tv_nsec: left.min(GLANCE).subsec_nanos().into() };
            let mut files = [PollFd::new(&self.file, PollFlags::IN)];
            match poll(&mut files, Some(&glance)) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
    }
}

/// How long a message is waited for.
struct Wait {
    /// The key must have said something by then.
    silent: Instant,
    /// It must be there by then.
    late: Instant,
    is_cancelled: bool,
}

impl Wait {
    fn heard(&mut self) {
        self.silent = Instant::now() + SILENCE;
    }

    /// Why there is no message: somebody ended it, nobody touched the key, or it says nothing.
    const fn over(&self, is_silent: bool) -> KeyError {
        match (self.is_cancelled, is_silent) {
            (true, _) => KeyError::Cancelled,
            (_, true) => KeyError::Silent,
            (_, false) => KeyError::NotTouched,
        }
    }
}

/// What an `open` that failed means.
pub(super) fn refused(path: &Path, error: io::Error) -> KeyError {
    match error.kind() {
        io::ErrorKind::PermissionDenied => KeyError::Permission(path.to_owned()),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => KeyError::Removed,
        _ => error.into(),
    }
}
