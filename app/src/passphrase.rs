//! A passphrase is typed on the terminal, unseen, straight into locked memory. It comes by no argument,
//! variable, pipe or file.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Write as _},
};

use qratum_metal::secret::LockedBytes;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::exit::{Exit, Failure};

/// The longest passphrase in bytes.
const MOST: usize = 1024;

/// The terminal with its echo off, which comes back with its end.
struct Unseen {
    terminal: File,
    before: Termios,
}

impl Unseen {
    fn new() -> io::Result<Self> {
        let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&terminal)?;
        let mut unseen = before.clone();
        // Without signals too: one in the middle of a line would leave the terminal without its echo.
        unseen.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        tcsetattr(&terminal, OptionalActions::Flush, &unseen)?;
        Ok(Self { terminal, before })
    }

    /// One line; none where the user gave up.
    fn line(&mut self, prompt: &str) -> io::Result<Option<LockedBytes>> {
        self.terminal.write_all(prompt.as_bytes())?;
        let mut length = 0;
        let line = LockedBytes::try_new_with(MOST, |place| -> Result<(), Stop> {
            while !self.step(place, &mut length)? {}
            Ok(())
        });
        self.terminal.write_all(b"\r\n")?;
        let line = match line {
            Ok(line) => line,
            Err(Stop::GaveUp) => return Ok(None),
            Err(Stop::Failed(why)) => return Err(why),
        };
        let typed = line.with(|line| {
            LockedBytes::new_with(length, |typed| {
                typed.iter_mut().zip(line).for_each(|(to, from)| *to = *from)
            })
        });
        typed.map(Some).map_err(io::Error::other)
    }

    /// Takes one key; whether the line is over.
    fn step(&mut self, place: &mut [u8], length: &mut usize) -> Result<bool, Stop> {
        let rest = place.get_mut(*length..).and_then(|rest| rest.first_mut());
        let Some(next) = rest else { return Err(Stop::Failed(io::Error::other("it is too long"))) };
        self.terminal.read_exact(std::slice::from_mut(next)).map_err(Stop::Failed)?;
        match *next {
            b'\r' | b'\n' => {
                *next = 0;
                return Ok(true);
            }
            0x03 | 0x04 => return Err(Stop::GaveUp),
            // Rubs out a character, which may have several bytes.
            0x08 | 0x7f => {
                *next = 0;
                while let Some(last) = length.checked_sub(1) {
                    *length = last;
                    let byte = place.get_mut(last).map(std::mem::take).unwrap_or_default();
                    if byte & 0xc0 != 0x80 {
                        break;
                    }
                }
            }
            _ => *length = length.saturating_add(1),
        }
        Ok(false)
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}

/// Why a line has no end.
enum Stop {
    GaveUp,
    Failed(io::Error),
}

impl From<qratum_metal::secret::Refused> for Stop {
    fn from(why: qratum_metal::secret::Refused) -> Self {
        Self::Failed(io::Error::other(why))
    }
}

/// The passphrase that the user types.
pub(crate) fn ask(prompt: &str) -> Result<LockedBytes, Failure> {
    typed(&mut open()?, prompt)
}

/// A new passphrase of at least so many bytes, typed twice.
pub(crate) fn choose(least: usize) -> Result<LockedBytes, Failure> {
    let mut terminal = open()?;
    let first = typed(&mut terminal, &format!("New passphrase, at least {least} characters: "))?;
    if first.len() < least {
        return Err(Failure::new(
            Exit::Usage,
            format!("a passphrase has at least {least} characters\n{NOTHING}"),
        ));
    }
    let second = typed(&mut terminal, "The same again: ")?;
    if first.ct_eq(&second) {
        Ok(first)
    } else {
        Err(Failure::new(Exit::Usage, format!("the two differ\n{NOTHING}")))
    }
}

const NOTHING: &str = "Nothing was made or signed";

fn open() -> Result<Unseen, Failure> {
    Unseen::new().map_err(|why| {
        let text = format!("a passphrase is typed on a terminal, and there is none: {why}\n{NOTHING}");
        Failure::new(Exit::Usage, text)
    })
}

fn typed(terminal: &mut Unseen, prompt: &str) -> Result<LockedBytes, Failure> {
    let line = terminal.line(prompt).map_err(|why| Failure::io("the passphrase", &why))?;
    line.ok_or_else(|| Failure::new(Exit::Usage, NOTHING))
}
