//! What is on the sheet that somebody is asked to sign?

use qratum_chain::{
    Hash,
    types::{Height, Time},
};
use qratum_decoder::Line;

/// What would be signed, decoded from its bytes, and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sheet {
    /// What the network is called whose chain the bytes name.
    pub(crate) network: String,
    /// What the bytes say, as two decoders read them.
    pub(crate) act: Vec<Line>,
    /// How many bytes there are.
    pub(crate) length: usize,
    /// The request that is answered, as the state has it and two decoders read it; nothing where one is
    /// opened.
    pub(crate) request: Vec<Line>,
    /// What the next block would change, a line for each.
    pub(crate) effect: Vec<String>,
    /// What the security key is asked to sign for.
    pub(crate) digest: Hash,
    /// The id of the request that is opened or answered: the same for all who speak to it.
    pub(crate) common: Hash,
    /// The height at which all that it rests on was proven.
    pub(crate) at: Height,
    /// The time of the block at that height.
    pub(crate) time: Time,
    /// When the request ends.
    pub(crate) ends: Option<Time>,
}

impl Sheet {
    /// The digest in groups of four digits.
    pub(crate) fn groups(&self) -> Vec<String> {
        let digits: Vec<char> = self.digest.to_string().chars().collect();
        digits.chunks(4).map(|group| group.iter().collect()).collect()
    }

    /// The group that is to be typed.
    pub(crate) fn last_group(&self) -> String {
        self.groups().pop().unwrap_or_default()
    }

    /// Six words for the request: its first 66 bits, eleven for each. Whoever speaks to it reads the same
    /// on another console.
    pub(crate) fn words(&self) -> Vec<&'static str> {
        let words: Vec<&str> = WORDS.lines().filter(|line| !line.starts_with('#')).collect();
        let bit = |at: usize| {
            let byte = self.common.0.get(at / 8).copied().unwrap_or_default();
            usize::from(byte >> (7 - at % 8) & 1)
        };
        let number = |word: usize| (0..11).fold(0, |number, at| number << 1 | bit(11 * word + at));
        (0..6).filter_map(|word| words.get(number(word)).copied()).collect()
    }
}

/// Words that can be told apart when they are read aloud.
const WORDS: &str = include_str!("../../../assets/words.txt");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn sheet(common: Hash) -> Sheet {
        Sheet {
            network: "demo".to_owned(),
            act: Vec::new(),
            length: 0,
            request: Vec::new(),
            effect: Vec::new(),
            digest: Hash(std::array::from_fn(|at| u8::try_from(at).unwrap())),
            common,
            at: Height(1),
            time: Time(0),
            ends: None,
        }
    }

    /// Vectors of BIP-39 (Trezor's): words of entropy 00.., 7f.., 80.. and ff.., whose first six words
    /// are its first 66 bits.
    #[test]
    fn six_words_are_the_first_66_bits() {
        let words = |byte| sheet(Hash([byte; 32])).words().join(" ");
        assert_eq!(words(0x00), "abandon abandon abandon abandon abandon abandon");
        assert_eq!(words(0x7f), "legal winner thank year wave sausage");
        assert_eq!(words(0x80), "letter advice cage absurd amount doctor");
        assert_eq!(words(0xff), "zoo zoo zoo zoo zoo zoo");
    }

    #[test]
    fn no_two_words_begin_alike() {
        let words: Vec<&str> = WORDS.lines().filter(|line| !line.starts_with('#')).collect();
        let starts: BTreeSet<&str> = words.iter().map(|word| &word[..word.len().min(4)]).collect();
        assert_eq!((words.len(), starts.len()), (2048, 2048));
    }

    #[test]
    fn what_is_typed_is_the_end_of_the_digest() {
        let sheet = sheet(Hash([0; 32]));
        assert_eq!((sheet.groups().len(), sheet.last_group().as_str()), (16, "1e1f"));
    }
}
