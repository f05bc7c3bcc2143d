use std::{
    io::{PipeWriter, Write as _, pipe},
    os::fd::OwnedFd,
};

use super::*;

/// What is told and what comes of these bytes, typed into a terminal that then says nothing more.
fn typed(bytes: &[u8], most: usize) -> (Vec<usize>, Outcome) {
    let (mut source, mut terminal) = opened();
    terminal.write_all(bytes).unwrap();
    run(&mut source, most, &mut Keys::default(), None)
}

fn opened() -> (File, PipeWriter) {
    let (source, terminal) = pipe().unwrap();
    (File::from(OwnedFd::from(source)), terminal)
}

fn run(source: &mut File, most: usize, keys: &mut Keys, echo: Option<&Echo>) -> (Vec<usize>, Outcome) {
    let (ended, _going) = pipe().unwrap();
    let mut told = Vec::new();
    let mut typing = Typing { source, keys, echo, ends: &[&ended] };
    let outcome = read(&mut typing, most, |count| told.push(count));
    (told, outcome)
}

/// The secret that comes of these bytes.
fn secret(bytes: &[u8]) -> Vec<u8> {
    match typed(bytes, 63).1 {
        Outcome::Typed(typed) => typed.with(<[u8]>::to_vec),
        outcome => panic!("{outcome:?}"),
    }
}

#[test]
fn what_is_typed_is_taken_and_only_its_length_is_told() {
    let (told, outcome) = typed("1é東9\r".as_bytes(), 63);
    let Outcome::Typed(typed) = outcome else { panic!("{outcome:?}") };
    assert_eq!(typed.with(<[u8]>::to_vec), "1é東9".as_bytes());
    assert_eq!(characters(&typed), 4);
    // A character counts from its first byte on.
    assert_eq!(told, [1, 2, 2, 3, 3, 3, 4]);
    assert_eq!(secret(b"12\x7f3\r"), b"13");
    assert_eq!(secret("1é\u{7f}\u{7f}\u{7f}2\n".as_bytes()), b"2");
    assert_eq!(secret(b"12\x0834\x155\r"), b"5");
    assert_eq!(secret(b"\r"), b"");
}

#[test]
fn what_follows_enter_is_left_for_whoever_reads_next() {
    let (mut source, mut terminal) = opened();
    terminal.write_all(b"12\rq").unwrap();
    assert!(matches!(run(&mut source, 63, &mut Keys::default(), None).1, Outcome::Typed(_)));
    let mut rest = [0; 9];
    assert_eq!((source.read(&mut rest).unwrap(), rest[0]), (1, b'q'));
}

/// Arrows, answers, strings and what is pasted: none of it is a part of a secret, nor kept.
#[test]
fn what_is_no_text_is_passed_over() {
    for between in [
        &b"\x1b[A"[..],
        b"\x1b[1;5C",
        b"\x1bOP",
        b"\x1b[0n",
        b"\x1b[24;80R",
        b"\x1b]11;rgb:0/0/0\x1b\\",
        b"\x1b[200~99\r\x1b[201~",
        b"\t",
        b"\x00",
        b"\x01",
    ] {
        assert_eq!(secret(&[b"1", between, b"2\r"].concat()), b"12", "{between:?}");
    }
    let (mut source, mut terminal) = opened();
    terminal.write_all(b"\x1b[200~pasted secret\x1b[201~\r").unwrap();
    let mut keys = Keys::default();
    assert!(matches!(run(&mut source, 63, &mut keys, None).1, Outcome::Typed(_)));
    assert!(!format!("{keys:?}").contains(&format!("{}", b'p')), "{keys:?}");
}

#[test]
fn escape_and_its_like_give_up() {
    for end in [&b"12\x1b"[..], b"12\x03", b"12\x04", b"12\x1b\x1b"] {
        assert!(matches!(typed(end, 63).1, Outcome::GaveUp), "{end:?}");
    }
    let (mut source, terminal) = opened();
    drop(terminal);
    assert!(matches!(run(&mut source, 63, &mut Keys::default(), None).1, Outcome::Gone));
}

#[test]
fn the_longest_secret_is_taken_and_one_byte_more_is_refused() {
    assert!(matches!(typed(b"1234\r", 4).1, Outcome::Typed(_)));
    let (told, outcome) = typed(b"12345\r", 4);
    assert!(matches!(&outcome, Outcome::Refused(why) if why == "it is too long"), "{outcome:?}");
    assert_eq!(told, [1, 2, 3, 4]);
}

/// An answer of the terminal may be cut by the change of who reads.
#[test]
fn an_answer_that_was_begun_before_is_ended_here() {
    let (mut source, mut terminal) = opened();
    terminal.write_all(b"0n12\r").unwrap();
    let (mut keys, echo) = (Keys::default(), Echo::new());
    drop(echo.ask(vec![]));
    assert_eq!([0x1b, b'['].map(|byte| keys.byte(byte)), [None, None]);
    let (told, outcome) = run(&mut source, 63, &mut keys, Some(&echo));
    assert!(matches!(outcome, Outcome::Typed(typed) if typed.len() == 2));
    assert_eq!((told, echo.is_open()), (vec![1, 2], false));
}
