//! The pipe between client and peer: a request is a letter and two numbers, an answer a length
//! and that many bytes.

use std::io::{Read, Write};

use crate::Outcome;

/// The longest answer, far above any: a wrong length must not become a huge allocation.
const MAX_ANSWER: u32 = 16 << 20;

/// What a client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The genesis document.
    Genesis,
    /// What time it is, in milliseconds since 1970: 8 bytes, little-endian.
    Now,
    /// The newest light block.
    Tip,
    /// The light block at this height.
    Block(u64),
    /// The header at this height.
    Header(u64),
    /// The audit path of the first height in the history under a head of the second.
    AuditPath(u64, u64),
    /// Nothing more; the answer goes the other way and is this long.
    Report(u64),
}

impl Request {
    const fn parts(self) -> (u8, [u64; 2]) {
        match self {
            Self::Genesis => (b'g', [0; 2]),
            Self::Now => (b'n', [0; 2]),
            Self::Tip => (b't', [0; 2]),
            Self::Block(height) => (b'b', [height, 0]),
            Self::Header(height) => (b'h', [height, 0]),
            Self::AuditPath(height, size) => (b'p', [height, size]),
            Self::Report(length) => (b'r', [length, 0]),
        }
    }

    /// Sends the request.
    ///
    /// # Errors
    /// When the pipe is closed.
    pub fn write(self, out: &mut impl Write) -> Outcome<()> {
        let (letter, numbers) = self.parts();
        out.write_all(&[letter])?;
        for number in numbers {
            out.write_all(&number.to_le_bytes())?;
        }
        Ok(out.flush()?)
    }

    /// Receives a request.
    ///
    /// # Errors
    /// When the pipe is closed or the letter has no meaning.
    pub fn read(input: &mut impl Read) -> Outcome<Self> {
        let (mut letter, mut first, mut second) = ([0; 1], [0; 8], [0; 8]);
        input.read_exact(&mut letter)?;
        input.read_exact(&mut first)?;
        input.read_exact(&mut second)?;
        let (number, second) = (u64::from_le_bytes(first), u64::from_le_bytes(second));
        match &letter {
            b"g" => Ok(Self::Genesis),
            b"n" => Ok(Self::Now),
            b"t" => Ok(Self::Tip),
            b"b" => Ok(Self::Block(number)),
            b"h" => Ok(Self::Header(number)),
            b"p" => Ok(Self::AuditPath(number, second)),
            b"r" => Ok(Self::Report(number)),
            _ => Err("a request with an unknown letter".into()),
        }
    }
}

/// Sends an answer.
///
/// # Errors
/// When the pipe is closed.
pub fn write_answer(out: &mut impl Write, answer: &[u8]) -> Outcome<()> {
    out.write_all(&u32::try_from(answer.len())?.to_le_bytes())?;
    out.write_all(answer)?;
    Ok(out.flush()?)
}

/// Receives an answer.
///
/// # Errors
/// When the pipe is closed or the answer is too long.
pub fn read_answer(input: &mut impl Read) -> Outcome<Vec<u8>> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > MAX_ANSWER {
        return Err(format!("an answer of {length} bytes").into());
    }
    let mut answer = vec![0; length as usize];
    input.read_exact(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_answers_arrive_as_they_were_sent() {
        let requests = [
            Request::Genesis,
            Request::Now,
            Request::Tip,
            Request::Block(7),
            Request::Header(u64::MAX),
            Request::AuditPath(1, 9),
            Request::Report(3),
        ];
        let mut pipe = Vec::new();
        requests.iter().for_each(|request| request.write(&mut pipe).unwrap());
        write_answer(&mut pipe, b"answer").unwrap();
        let mut pipe = pipe.as_slice();
        requests.iter().for_each(|request| assert_eq!(Request::read(&mut pipe).unwrap(), *request));
        assert_eq!(read_answer(&mut pipe).unwrap(), b"answer");
        assert!(read_answer(&mut u32::MAX.to_le_bytes().as_slice()).is_err());
    }
}
