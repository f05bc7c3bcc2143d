//! What a person signs, read twice: by the codec of the chain, and by a decoder that shares nothing
//! with it. What is shown is what both say; where they differ in one line, nothing can be signed.

mod first;

use core::fmt;

use qratum_decoder::Line;

/// Why nothing can be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The codec of the chain does not read it.
    First(String),
    /// The second decoder does not.
    Second(String),
    /// Both do, and this line differs, counted from 1.
    Line(usize),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the two decoders disagree: nothing can be signed (")?;
        match self {
            Self::First(why) => write!(f, "the codec of the chain: {why}"),
            Self::Second(why) => write!(f, "the second decoder: {why}"),
            Self::Line(line) => write!(f, "line {line} differs"),
        }?;
        f.write_str(")")
    }
}

/// The lines of the body of an act.
///
/// # Errors
/// [`Refusal`].
pub(crate) fn act(body: &[u8]) -> Result<Vec<Line>, Refusal> {
    agreed(first::act(body), qratum_decoder::lines(body))
}

/// The lines of a request, as the state has it.
///
/// # Errors
/// [`Refusal`].
pub(crate) fn request(value: &[u8]) -> Result<Vec<Line>, Refusal> {
    agreed(first::request(value), qratum_decoder::request_lines(value))
}

fn agreed(
    first: Result<Vec<Line>, impl ToString>,
    second: Result<Vec<Line>, impl ToString>,
) -> Result<Vec<Line>, Refusal> {
    let first = first.map_err(|why| Refusal::First(why.to_string()))?;
    let second = second.map_err(|why| Refusal::Second(why.to_string()))?;
    let same = first.iter().zip(&second).take_while(|(one, other)| one == other).count();
    if same == first.len().max(second.len()) { Ok(first) } else { Err(Refusal::Line(same.saturating_add(1))) }
}

#[cfg(test)]
mod tests;
