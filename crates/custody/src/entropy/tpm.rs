//! The generator of a TPM: `TPM2_GetRandom`, TPM 2.0 Library, part 3, section 16.1.
//!
//! The one command that is needed has twelve bytes, so no library stands in between. An answer that
//! is not exactly what was asked for is a fault, and nothing of it is used.

use std::{
    error, fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::{fs::FileTypeExt as _, net::UnixStream},
    path::Path,
};

use qratum_crypto::rng::source::{Class, Description, Device, Fault, LENGTH, Source};
use qratum_metal::secret::{Locked, Refused};

/// The name of the source.
pub const ID: &str = "tpm";

/// Where Linux has the TPM of the machine, shared by its resource manager.
pub const DEVICE: &str = "/dev/tpmrm0";

/// Bytes of one answer: a TPM cuts it to the longest digest that it knows, and the one that all know
/// is SHA-256's.
const CHUNK: usize = 32;

/// `TPM_ST_NO_SESSIONS || size || TPM_CC_GetRandom || bytes wanted`, big-endian.
const COMMAND: [u8; 12] = [0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, CHUNK as u8];

/// `tag u16 || size u32 || code u32`.
const HEADER: usize = 10;
/// An answer: the header, the length of the bytes as u16, the bytes.
const ANSWER: usize = HEADER + 2 + CHUNK;
/// The tag of an answer to a command without sessions.
const NO_SESSIONS: u16 = 0x8001;

/// What was wrong with the TPM or with its answer.
#[derive(Debug)]
pub enum Error {
    /// It is not there, or may not be used.
    Io(io::Error),
    /// There is a file, and it is no device: nothing was written to it.
    NoDevice,
    /// The answer ended after so many bytes.
    Ended(usize),
    /// The answer says that it has so many bytes, and cannot.
    Size(u32),
    /// More bytes came than the answer says that it has.
    Trailing,
    /// It is no answer to such a command.
    Tag(u16),
    /// The TPM refused, with this code.
    Code(u32),
    /// It gave so many bytes where 32 were asked for.
    Given(u16),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the TPM cannot be asked: {error}"),
            Self::NoDevice => f.write_str("what is there is neither a device nor a socket"),
            Self::Ended(bytes) => write!(f, "the TPM's answer ended after {bytes} bytes"),
            Self::Size(size) => write!(f, "the TPM's answer says that it has {size} bytes"),
            Self::Trailing => f.write_str("the TPM said more than its answer"),
            Self::Tag(tag) => write!(f, "the TPM's answer has the tag {tag:#06x}"),
            Self::Code(code) => write!(f, "the TPM refused with code {code:#x}"),
            Self::Given(bytes) => write!(f, "the TPM gave {bytes} of {CHUNK} bytes"),
        }
    }
}

impl error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NoMemory(error) | Refused::NotLocked(error) => Self::Io(error),
        }
    }
}

impl From<&Error> for Fault {
    fn from(error: &Error) -> Self {
        match error {
            Error::Io(error) if error.kind() == io::ErrorKind::NotFound => Self::Unavailable,
            Error::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => Self::Denied,
            Error::Io(_) | Error::NoDevice | Error::Ended(0) => Self::Failed,
            Error::Code(code) => Self::Refused(*code),
            Error::Ended(_) | Error::Size(_) | Error::Trailing | Error::Tag(_) | Error::Given(_) => {
                Self::Garbled
            }
        }
    }
}

/// The TPM at `path`: a character device, or the Unix socket of a program that plays one. Such a
/// program runs on this machine or is told its bytes from outside, so it is credited with nothing.
#[must_use]
pub fn source(path: &Path) -> impl Source + use<> {
    let program = fs::metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let about = Description { id: ID, class: Class::Tpm, credit: if program { 0 } else { 256 } };
    let path = path.to_owned();
    Device::new(about, move |bytes| {
        let read = if program { from_socket(&path, bytes) } else { from_device(&path, bytes) };
        read.map_err(|error| Fault::from(&error))
    })
}

fn from_socket(path: &Path, bytes: &mut [u8; LENGTH]) -> Result<(), Error> {
    fill(&mut UnixStream::connect(path)?, bytes)
}

fn from_device(path: &Path, bytes: &mut [u8; LENGTH]) -> Result<(), Error> {
    fill(&mut open(path)?, bytes)
}

/// Opens a device, and never a file that the command would be written into.
fn open(path: &Path) -> Result<File, Error> {
    if !fs::metadata(path)?.file_type().is_char_device() {
        return Err(Error::NoDevice);
    }
    Ok(OpenOptions::new().read(true).write(true).open(path)?)
}

/// Fills all of `bytes` from a TPM that is open. Waits for as long as it says nothing.
///
/// # Errors
/// [`Error`]; what `bytes` then holds must not be used.
pub fn fill(tpm: &mut (impl Read + Write), bytes: &mut [u8; LENGTH]) -> Result<(), Error> {
    bytes.as_chunks_mut::<CHUNK>().0.iter_mut().try_for_each(|chunk| get_random(tpm, chunk))
}

/// One command and its answer.
fn get_random(tpm: &mut (impl Read + Write), chunk: &mut [u8; CHUNK]) -> Result<(), Error> {
    // At once: a device takes one write as one command.
    tpm.write_all(&COMMAND)?;
    // One more than there may be, to see it. Locked, as it holds what a seed is made of.
    let mut answer = Locked::<{ ANSWER + 1 }>::new_with(|_| ())?;
    answer.with_mut(|answer| {
        let length = receive(tpm, answer)?;
        judge(answer.get(..length).unwrap_or_default(), chunk)
    })
}

/// Reads an answer to its end.
///
/// # Returns
/// Its length, which is the size that it states.
fn receive(tpm: &mut impl Read, answer: &mut [u8; ANSWER + 1]) -> Result<usize, Error> {
    let mut length = 0;
    loop {
        let given = match tpm.read(answer.get_mut(length..).unwrap_or_default()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            given => given?,
        };
        length += given;
        let stated = answer.get(..length).and_then(|answer| answer.get(2..)?.first_chunk());
        if let Some(stated) = stated {
            let stated = u32::from_be_bytes(*stated);
            let size = usize::try_from(stated).unwrap_or(usize::MAX);
            match length {
                _ if !(HEADER..=ANSWER).contains(&size) => return Err(Error::Size(stated)),
                _ if length > size => return Err(Error::Trailing),
                _ if length == size => return Ok(length),
                _ => {}
            }
        }
        if given == 0 {
            return Err(Error::Ended(length));
        }
    }
}

/// Takes the bytes out of an answer that has the size it states.
fn judge(answer: &[u8], chunk: &mut [u8; CHUNK]) -> Result<(), Error> {
    let ended = || Error::Ended(answer.len());
    let (tag, rest) = answer.split_first_chunk().ok_or_else(ended)?;
    let (_, rest) = rest.split_first_chunk::<4>().ok_or_else(ended)?;
    let (code, rest) = rest.split_first_chunk().ok_or_else(ended)?;
    match (u16::from_be_bytes(*tag), u32::from_be_bytes(*code)) {
        (NO_SESSIONS, 0) => {}
        (NO_SESSIONS, code) => return Err(Error::Code(code)),
        (tag, _) => return Err(Error::Tag(tag)),
    }
    let (given, rest) = rest.split_first_chunk().ok_or_else(ended)?;
    let given = u16::from_be_bytes(*given);
    if usize::from(given) != CHUNK {
        return Err(Error::Given(given));
    }
    *chunk = *rest.first_chunk().ok_or_else(ended)?;
    Ok(())
}

#[cfg(test)]
mod tests;
