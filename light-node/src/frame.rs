//! What is a frame? A u32 length, and that many bytes of the canonical codec. How they come and go is
//! the matter of whoever carries them.

use std::io;

use qratum_chain::codec::{Decode, Encode, Malformed};

/// The length that a frame begins with, of at most `most`.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`], for a longer one.
pub(crate) fn length(bytes: [u8; 4], most: usize) -> io::Result<u32> {
    let length = u32::from_le_bytes(bytes);
    if length as usize > most { Err(invalid(&Malformed::TooLarge("frame"))) } else { Ok(length) }
}

/// The value in a frame of this length.
///
/// # Errors
/// [`io::ErrorKind::UnexpectedEof`] for a frame that ended early: whoever is stopped in the middle of
/// it is no liar. [`io::ErrorKind::InvalidData`] for one that is wrong.
pub(crate) fn value<V: Decode>(frame: &[u8], length: u32) -> io::Result<V> {
    if frame.len() != length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    V::from_bytes(frame).map_err(|why| invalid(&why))
}

/// A value as a frame.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`], for one whose length is no u32.
pub(crate) fn of(value: &impl Encode) -> io::Result<Vec<u8>> {
    let bytes = value.to_bytes();
    let length = u32::try_from(bytes.len()).map_err(|_| invalid(&Malformed::TooLarge("frame")))?;
    Ok([length.to_le_bytes().as_slice(), &bytes].concat())
}

fn invalid(why: &Malformed) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_string())
}
