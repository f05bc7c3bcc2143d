use std::cell::{Cell, RefCell};

use super::*;

/// Fills `len` bytes from a script of what the CPU gives; also how often it paused.
fn scripted(script: &[Option<u64>], tries: u32, len: usize) -> (Option<Vec<u8>>, u32) {
    let (script, pauses) = (RefCell::new(script.iter()), Cell::new(0));
    let step = |word: &mut u64| match script.borrow_mut().next() {
        Some(Some(given)) => {
            *word = *given;
            true
        }
        _ => {
            *word = 0x5a5a;
            false
        }
    };
    let mut bytes = vec![0xee; len];
    let filled = fill(&mut bytes, tries, step, || pauses.set(pauses.get() + 1));
    if filled.is_none() {
        assert_eq!(bytes, vec![0; len], "something was left after an underflow");
    }
    (filled.map(|()| bytes), pauses.get())
}

#[test]
fn every_byte_is_filled_and_none_more_than_once() {
    let words = [Some(0x0807_0605_0403_0201), Some(0x100f_0e0d_0c0b_0a09)];
    for len in 0..=16 {
        let expected: Vec<u8> = (1..=16).take(len).collect();
        assert_eq!(scripted(&words, 1, len).0, Some(expected), "{len}");
    }
    assert_eq!(scripted(&words, 1, 17).0, None, "a word short");
}

#[test]
fn a_word_is_asked_for_as_often_as_said_and_no_more() {
    let mut script = vec![None; 9];
    script.push(Some(7));
    assert_eq!(scripted(&script, 10, 8), (Some(7_u64.to_le_bytes().to_vec()), 9));
    assert_eq!(scripted(&script, 9, 8), (None, 9));
}

#[test]
fn words_of_broken_cpus_are_no_words() {
    for stuck in [0, u64::MAX] {
        assert_eq!(scripted(&[Some(stuck); 10], 10, 8), (None, 10));
        assert_eq!(scripted(&[Some(stuck), Some(3)], 10, 8).0, Some(3_u64.to_le_bytes().to_vec()));
    }
}

#[test]
fn a_later_word_that_never_comes_leaves_nothing_of_the_earlier() {
    assert_eq!(scripted(&[Some(3), None], 1, 16).0, None);
}

#[test]
fn the_cpu_has_what_it_says_it_has() {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap();
    let has = |flag| info.split_whitespace().any(|word| word == flag);
    assert_eq!((Rdrand::detect().is_some(), Rdseed::detect().is_some()), (has("rdrand"), has("rdseed")));
    let mut two = [[0; 64]; 2];
    if let Some(rdrand) = Rdrand::detect() {
        two.iter_mut().for_each(|bytes| rdrand.fill(bytes).unwrap());
        assert_ne!(two[0], two[1]);
    }
    if let Some(rdseed) = Rdseed::detect() {
        two.iter_mut().for_each(|bytes| rdseed.fill(bytes).unwrap());
        assert_ne!(two[0], two[1]);
    }
}

#[test]
fn an_underflow_names_its_instruction() {
    let error = Underflow { instruction: "RDSEED", tries: RDSEED_TRIES };
    assert_eq!(error.to_string(), "RDSEED gave no random word in 256 tries");
}
