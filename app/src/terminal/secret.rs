//! A PIN or a passphrase is typed: byte by byte from the terminal to its place in locked memory. None of
//! its bytes is ever in a text, an event, a channel or a frame; what is told of it is how many characters
//! there are.

use std::{
    fs::File,
    io::{self, PipeReader, PipeWriter, Read},
    time::Duration,
};

use crossterm::event::{KeyCode, KeyModifiers};
use qratum_metal::secret::{LockedBytes, Refused};
use tokio::sync::{oneshot, watch};

use super::{
    echo::Echo,
    keys::{Keys, Typed},
    waiting::{LONG_PAUSE, PAUSE, Ready, is_passing, wait},
};

/// What became of a secret that was asked for.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It was typed, and Enter.
    Typed(LockedBytes),
    /// Esc, Ctrl-C or Ctrl-D; or nobody wants it any more.
    GaveUp,
    /// The terminal is gone.
    Gone,
    /// It is longer than it may be, or there is no memory for it that can be locked.
    Refused(String),
}

/// Where a secret comes from, and who else hears of what is typed.
pub(super) struct Typing<'a> {
    /// The terminal, which shows nothing of what is typed.
    pub(super) source: &'a mut File,
    /// What came so far of a key.
    pub(super) keys: &'a mut Keys,
    /// Whoever draws frames on the terminal; none on a command line.
    pub(super) echo: Option<&'a Echo>,
    /// Closed, they end it.
    pub(super) ends: &'a [&'a PipeReader],
}

/// Reads a secret of at most so many bytes from a terminal that nobody else reads, and that shows nothing
/// of what is typed.
pub(crate) fn read_secret(source: &mut File, most: usize) -> Outcome {
    read(&mut Typing { source, keys: &mut Keys::default(), echo: None, ends: &[] }, most, |_| ())
}

impl From<Refused> for Outcome {
    fn from(why: Refused) -> Self {
        Self::Refused(why.to_string())
    }
}

impl From<io::Error> for Outcome {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// Reads a secret of at most so many bytes; `tell` hears how many characters there are whenever that
/// changes. What is pasted is no secret: it was in other hands.
pub(super) fn read(typing: &mut Typing<'_>, most: usize, mut tell: impl FnMut(usize)) -> Outcome {
    typing.keys.blind(true);
    let mut length = 0;
    // One more than it may have, for the key that ends it.
    let typed = LockedBytes::require_locked(most.saturating_add(1), |place| {
        let mut field = Field { place, length: 0 };
        loop {
            match typing.step(&mut field)? {
                Step::Nothing => {}
                Step::Changed => tell(field.characters()),
                Step::Done => {
                    length = field.length;
                    return Ok::<(), Outcome>(());
                }
            }
        }
    });
    typing.keys.blind(false);
    let exact = |typed: LockedBytes| {
        let copy =
            |exact: &mut [u8]| typed.with(|typed| exact.iter_mut().zip(typed).for_each(|(to, b)| *to = *b));
        LockedBytes::require_locked(length, |exact| -> Result<(), Outcome> {
            copy(exact);
            Ok(())
        })
    };
    typed.and_then(exact).map_or_else(|ended| ended, Outcome::Typed)
}

/// What a byte did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    /// There are more or fewer characters now.
    Changed,
    /// It was Enter.
    Done,
}

impl Typing<'_> {
    /// Waits for the next byte, and takes it.
    fn step(&mut self, field: &mut Field<'_>) -> Result<Step, Outcome> {
        let pause = if self.echo.is_some_and(Echo::is_open) { LONG_PAUSE } else { PAUSE };
        match wait(self.source, self.ends, self.keys.patience(pause))? {
            Ready::End => Err(Outcome::GaveUp),
            Ready::Nothing => match self.keys.pause() {
                // An ESC alone.
                Some(_) => Err(Outcome::GaveUp),
                None => Ok(Step::Nothing),
            },
            Ready::Bytes => {
                let next = field.next().ok_or_else(too_long)?;
                match self.source.read(next) {
                    Ok(1..) => self.take(field),
                    Err(error) if is_passing(error.kind()) => Ok(Step::Nothing),
                    Ok(0) | Err(_) => Err(Outcome::Gone),
                }
            }
        }
    }

    /// Takes the byte that was read to the next place: what begins no key of its own is of the secret.
    fn take(&mut self, field: &mut Field<'_>) -> Result<Step, Outcome> {
        let byte = field.next().and_then(|next| next.first().copied()).unwrap_or_default();
        let is_text = self.keys.patience(Duration::ZERO).is_none() && matches!(byte, b' '..=b'~' | 0x80..);
        if is_text {
            return field.keep().map_or_else(|| Err(too_long()), |()| self.pressed(Step::Changed));
        }
        field.next().into_iter().flatten().for_each(|byte| *byte = 0);
        let key = match self.keys.byte(byte) {
            Some(Typed::Key(key)) => key,
            Some(Typed::Well) => {
                self.echo.into_iter().for_each(Echo::answer);
                return Ok(Step::Nothing);
            }
            Some(Typed::Paste(_)) | None => return Ok(Step::Nothing),
        };
        let with_control = key.modifiers == KeyModifiers::CONTROL;
        match key.code {
            KeyCode::Enter => Ok(Step::Done),
            KeyCode::Char('j') if with_control => Ok(Step::Done),
            KeyCode::Esc => Err(Outcome::GaveUp),
            KeyCode::Char('c' | 'd') if with_control => Err(Outcome::GaveUp),
            KeyCode::Backspace => self.pressed(field.rub_out()),
            KeyCode::Char('h') if with_control => self.pressed(field.rub_out()),
            KeyCode::Char('u') if with_control => self.pressed(field.clear()),
            _ => Ok(Step::Nothing),
        }
    }

    /// Somebody is at the terminal: what changes is to be drawn soon.
    fn pressed(&self, step: Step) -> Result<Step, Outcome> {
        self.echo.into_iter().for_each(Echo::press);
        Ok(step)
    }
}

fn too_long() -> Outcome {
    Outcome::Refused("it is too long".to_owned())
}

/// What was typed, and room for one byte more.
struct Field<'a> {
    place: &'a mut [u8],
    length: usize,
}

impl Field<'_> {
    /// Where the next byte goes.
    fn next(&mut self) -> Option<&mut [u8]> {
        self.place.get_mut(self.length..).and_then(|rest| rest.get_mut(..1))
    }

    /// Takes the byte there; none where it was the last one.
    fn keep(&mut self) -> Option<()> {
        self.length = self.length.checked_add(1).filter(|length| *length < self.place.len())?;
        Some(())
    }

    /// Takes back a character, which may have several bytes.
    fn rub_out(&mut self) -> Step {
        while let Some(last) = self.length.checked_sub(1) {
            self.length = last;
            let byte = self.place.get_mut(last).map(std::mem::take).unwrap_or_default();
            if begins(byte) {
                break;
            }
        }
        Step::Changed
    }

    fn clear(&mut self) -> Step {
        self.place.fill(0);
        self.length = 0;
        Step::Changed
    }

    fn characters(&self) -> usize {
        self.place.iter().take(self.length).filter(|byte| begins(**byte)).count()
    }
}

/// Whether a byte of UTF-8 begins a character.
const fn begins(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

/// How many characters a text in UTF-8 has.
pub(crate) fn characters(typed: &LockedBytes) -> usize {
    typed.with(|typed| typed.iter().filter(|byte| begins(**byte)).count())
}

/// A secret that is being typed at the console. Dropped, it is wiped, and keys act again.
#[derive(Debug)]
pub(crate) struct Entry {
    characters: watch::Receiver<usize>,
    outcome: oneshot::Receiver<Outcome>,
    /// Closed, it ends the entry.
    _wanted: PipeWriter,
}

/// What is told of a secret that is being typed.
#[derive(Debug)]
pub(crate) enum Told {
    /// It has so many characters now.
    Characters(usize),
    /// It is over.
    Over(Outcome),
}

/// The other end of an [`Entry`], for the thread that reads.
pub(super) struct Asked {
    pub(super) characters: watch::Sender<usize>,
    pub(super) outcome: oneshot::Sender<Outcome>,
    pub(super) wanted: PipeReader,
}

impl Entry {
    /// Both ends.
    pub(super) fn new() -> io::Result<(Self, Asked)> {
        let (wanted, held) = io::pipe()?;
        let (tell, characters) = watch::channel(0);
        let (end, outcome) = oneshot::channel();
        let asked = Asked { characters: tell, outcome: end, wanted };
        Ok((Self { characters, outcome, _wanted: held }, asked))
    }

    /// The next news of it. Losing the race against another event loses nothing. Not to be asked again
    /// once it is over.
    pub(crate) async fn next(&mut self) -> Told {
        tokio::select! {
            biased;
            outcome = &mut self.outcome => Told::Over(outcome.unwrap_or(Outcome::Gone)),
            Ok(()) = self.characters.changed() => Told::Characters(*self.characters.borrow_and_update()),
        }
    }
}

#[cfg(test)]
mod tests;
