//! How is a document changed so that it stays one? By changing a single name, string or number of
//! it, and by starting again from an honest one every second time: bytes changed anywhere end at
//! the parser, such inputs fill the corpus, and what is behind the parser is never tried.

use std::sync::OnceLock;

use libfuzzer_sys::fuzzer_mutate;

use crate::seeds;

/// Characters around which readers of strings and numbers go wrong.
const EDGES: &[u8] = b"0129afAFZz-_ .+\"\\/\x00\x7f\xc3";
/// Whole values around which they do.
const VALUES: &[&str] = &[
    "",
    "0",
    "00",
    "-1",
    "1e3",
    "null",
    "4294967296",
    "9007199254740993",
    "18446744073709551615",
    "18446744073709551616",
    " ",
    "\\u0020",
    "\\u0000",
];

/// Changes one value of the document in `data`, of which `sizes.0` bytes are used and `sizes.1` may
/// be, or of an honest document for `target`; one time in four any bytes, as libFuzzer does.
/// Returns the new size.
pub fn document(target: &str, data: &mut [u8], (size, max_size): (usize, usize), seed: u32) -> usize {
    static HONEST: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let mut draw = Draw(u64::from(seed));
    let honest = HONEST.get_or_init(|| seeds::of(target));
    let text = match honest.get(draw.below(honest.len())) {
        Some(text) if draw.below(2) == 0 => text.clone(),
        _ => data.get(..size).unwrap_or_default().to_vec(),
    };
    let values = values(&text);
    let Some((start, end)) = values.get(draw.below(values.len())).copied().filter(|_| draw.below(4) > 0)
    else {
        return fuzzer_mutate(data, size, max_size);
    };
    let mut value = text.get(start..end).unwrap_or_default().to_vec();
    edit(&mut value, &mut draw);
    let new = [text.get(..start).unwrap_or_default(), &value, text.get(end..).unwrap_or_default()].concat();
    match data.get_mut(..new.len()).filter(|_| new.len() <= max_size) {
        Some(place) => {
            place.copy_from_slice(&new);
            new.len()
        }
        None => fuzzer_mutate(data, size, max_size),
    }
}

/// Where strings and numbers stand: runs of what can be inside of them.
fn values(text: &[u8]) -> Vec<(usize, usize)> {
    let outside = |byte: &u8| b"\"{}[],: \n".contains(byte);
    let mut values = Vec::new();
    let mut start = 0;
    for (at, _) in text.iter().enumerate().filter(|(_, byte)| outside(byte)) {
        if at > start {
            values.push((start, at));
        }
        start = at + 1;
    }
    values
}

/// Another value, or the same with a character changed, put in or left out: at its ends as often
/// as anywhere inside.
fn edit(value: &mut Vec<u8>, draw: &mut Draw) {
    let at = match draw.below(3) {
        0 => 0,
        1 => value.len(),
        _ => draw.below(value.len()),
    };
    let edge = EDGES.get(draw.below(EDGES.len())).copied().unwrap_or(b'0');
    match draw.below(4) {
        0 => {
            *value =
                VALUES.get(draw.below(VALUES.len())).map(|new| new.as_bytes().to_vec()).unwrap_or_default()
        }
        1 => value.insert(at, edge),
        2 => drop(value.splice(at.saturating_sub(1)..at, [])),
        _ => value.iter_mut().skip(at.saturating_sub(1)).take(1).for_each(|byte| *byte = edge),
    }
}

/// Numbers from the seed that libFuzzer gives: SplitMix64 (Steele, Lea, Flood 2014).
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ z >> 31) % bound.max(1) as u64) as usize
    }
}
