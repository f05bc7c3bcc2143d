//! Bodies written by hand from the text of the format.

use super::*;

/// `[n bytes]` behind its head.
fn bytes(of: u8, length: u8) -> Vec<u8> {
    [vec![0x58, length], vec![of; length.into()]].concat()
}

fn text(word: &str) -> Vec<u8> {
    [vec![0x60 + u8::try_from(word.len()).unwrap()], word.as_bytes().to_vec()].concat()
}

/// The body of carol's approval.
fn body(payload: &[u8]) -> Vec<u8> {
    let framed = [vec![0x59, 0, u8::try_from(payload.len()).unwrap()], payload.to_vec()].concat();
    let framed = if payload.len() < 256 { [vec![0x58], framed[2..].to_vec()].concat() } else { framed };
    let fields = [vec![0xa6, 0, 1, 1], bytes(7, 32), vec![2], text("carol"), vec![3, 4, 4, 3, 5], framed];
    fields.concat()
}

fn approval() -> Vec<u8> {
    [vec![0x83, 0x0a, 0x19, 0x01, 0x36, 0x83, 2], bytes(5, 32), vec![3]].concat()
}

#[test]
fn an_approval_is_read_line_by_line() {
    let got = lines(&body(&approval())).unwrap();
    let want = [
        Line::number("version", 1),
        Line::bytes("chain", &[7; 32]),
        Line::text("account", "carol"),
        Line::number("nonce", 4),
        Line::word("class", "admin"),
        Line::number("from-height", 10),
        Line::number("until-height", 310),
        Line::word("step", "approve"),
        Line::bytes("request-id", &[5; 32]),
        Line::word("role", "compliance"),
    ];
    assert_eq!(got, want);
}

#[test]
fn what_lies_outside_cbor_is_read_too() {
    let rule = [vec![1, 1, 2, 2, 0, 0, 0, 2, 1, 3, 1], 600_000u64.to_le_bytes().to_vec()].concat();
    let policy = [vec![1, 0, 0, 0], rule].concat();
    let framed = [vec![0x57], policy].concat();
    let lines = lines_under(&Schema::parse(ACT).unwrap(), "policy", &framed).unwrap();
    let want = [
        Line::number("policy", 1),
        Line::word("rule 1 for", "access"),
        Line::word("rule 1 requester", "admin"),
        Line::number("rule 1 threshold", 2),
        Line::number("rule 1 groups", 2),
        Line::word("rule 1 group 1 role", "technical"),
        Line::number("rule 1 group 1 least", 1),
        Line::word("rule 1 group 2 role", "compliance"),
        Line::number("rule 1 group 2 least", 1),
        Line::number("rule 1 lifetime-ms", 600_000),
    ];
    assert_eq!(lines, want);
}

/// A policy lies deepest: in a rule of a list in bytes in an action in a request in a payload.
#[test]
fn a_request_for_another_policy_is_read_to_its_depth() {
    let rule = [vec![1, 1, 2, 1, 0, 0, 0, 2, 1], 600_000u64.to_le_bytes().to_vec()].concat();
    let policy = [vec![0x55, 1, 0, 0, 0], rule].concat();
    let action = [vec![0x82, 2], policy].concat();
    let rest = [vec![0x18, 77], bytes(1, 32), vec![9], bytes(2, 32), bytes(3, 32)].concat();
    let payload = [vec![0x83, 0x0a, 0x18, 0x63, 0x87, 1], action, rest].concat();
    let got = lines(&body(&payload)).unwrap();
    assert_eq!(got[8], Line::word("action", "new-policy"));
    assert_eq!(got[14], Line::word("rule 1 group 1 role", "technical"));
    assert_eq!(got.last(), Some(&Line::bytes("expect", &[3; 32])));
}

fn refused(body: &[u8]) -> &'static str {
    lines(body).unwrap_err().why
}

#[test]
fn what_is_no_act_is_refused_with_the_reason() {
    let with = |from: &[u8], to: &[u8]| {
        let payload = approval();
        let at = payload.windows(from.len()).position(|window| window == from).unwrap();
        body(&[&payload[..at], to, &payload[at + from.len()..]].concat())
    };
    assert_eq!(refused(&with(&[0x83, 2], &[0x83, 9])), "a number without a word", "a step that is none");
    assert_eq!(refused(&with(&[0x83, 2], &[0x84, 2])), "another count of items");
    assert_eq!(refused(&with(&[0x0a], &[0x18, 0x0a])), "a longer form than it needs");
    assert_eq!(refused(&with(&[0x83, 0x0a], &[0x9f, 0x0a])), "a length that is not definite");
    assert_eq!(refused(&body(&[approval(), vec![0]].concat())), "something stands behind it");
    assert_eq!(refused(&[body(&approval()), vec![0]].concat()), "something stands behind it");
    let mut other = body(&approval());
    other[2] = 2;
    assert_eq!(refused(&other), "another number than this one", "a version that is none");
    (other[1], other[2]) = (1, 1);
    assert_eq!(refused(&other), "another key");
    assert_eq!(refused(&vec![0; MAX_LENGTH + 1]), "longer than any body");
    for end in 0..body(&approval()).len() {
        assert!(lines(&body(&approval())[..end]).is_err());
    }
}

/// A schema that names itself, items without end and numbers that are too large end in words.
#[test]
fn no_schema_and_no_bytes_lead_astray() {
    let under = |schema, bytes: &[u8]| lines_under(&Schema::parse(schema).unwrap(), "a", bytes);
    assert_eq!(under("a = a", &[0]).unwrap_err().why, "rules in one another without end");
    assert_eq!(under("a = b", &[0]).unwrap_err().why, "a rule that is not there");
    assert_eq!(under("a = uint .size 1", &[0x19, 1, 0]).unwrap_err().why, "a number that is too large");
    let packed = under("a = bstr .layout [* b]\nb = uint .size 1", &[0x44, 255, 255, 255, 255]);
    assert_eq!(packed.unwrap_err().why, "more items than bytes");
    let endless = under("a = [* b]\nb = uint", &[0x9b, 255, 255, 255, 255, 255, 255, 255, 255]);
    assert_eq!(endless.unwrap_err().why, "it ends too early");
    let roles = under("a = uint .bits role\nrole = &(one: 1, three: 3)", &[0x0a]).unwrap();
    assert_eq!(roles, [Line::new("a", Value::Words(vec!["one".to_owned(), "three".to_owned()]))]);
    let none = under("a = uint .bits role\nrole = &(one: 1, three: 3)", &[0x04]);
    assert_eq!(none.unwrap_err().why, "a bit without a word");
}
