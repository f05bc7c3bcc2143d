//! From a value back to the anchor, and out into a file.

use qratum_chain::{
    document::{HeaderProof, StatementProof},
    types::Height,
};
use qratum_light_node::FetchError;
use qratum_verifier::proof;

use super::stage::{LAST, Paint, anchor, answer, drawn, heads, live, picture, press, proven, watching};
use crate::{
    model::{Found, Subject},
    update::{Effect, Msg, update},
};

#[test]
fn the_proof_goes_from_the_value_to_the_anchor() {
    let mut model = watching(live(), Paint::Terminal16);
    let subject = Subject::Block(Height(LAST));
    assert_eq!(press(&mut model, "e"), [Effect::Draw, Effect::Prove(subject)]);
    assert!(picture(&model, (80, 24)).contains("fetching the proof"));
    let late =
        Msg::Proof(Subject::Block(Height(LAST - 1)), Box::new(Ok(Found::Header(Box::new(proven(LAST - 1))))));
    assert_eq!(update(&mut model, late), [], "another proof than the one that was asked for");
    answer(&mut model);
    let rows = drawn(&model, (100, 24));
    let want = [
        " proof of height 90212  ✓ verified at 90212".to_owned(),
        "▸value          height 90212".to_owned(),
        format!(" ← header       {}", heads().last().unwrap().id()),
        " ← certificate  round 0, 7497 of 10000 power ".to_owned(),
        " ← signer       ✓ north signed with 3071".to_owned(),
        " ← signer       ✓ south signed with 2409".to_owned(),
        " ← signer       ✓ west signed with 2017".to_owned(),
        " ← hand-over    height 90205  set 0".to_owned(),
        format!(" ← anchor       genesis {}", anchor().0.id()),
        " as a file      w writes it; qratum verify checks it".to_owned(),
        " or by          qratum --home '/home/admin/q net' header 90212 --json".to_owned(),
    ];
    for (row, want) in rows[3..].iter().zip(want) {
        assert!(row.starts_with(&want), "{row:?} is not {want:?}");
    }
}

#[test]
fn an_expired_proof_is_not_called_verified() {
    let mut model = watching(live(), Paint::Terminal16);
    press(&mut model, "e");
    let mut proven = proven(LAST);
    proven.checked.expired = true;
    let found = Found::Header(Box::new(proven));
    update(&mut model, Msg::Proof(Subject::Block(Height(LAST)), Box::new(Ok(found))));
    let text = picture(&model, (80, 24));
    assert!(text.contains("✗ chains, but the anchor is expired"), "{text}");
    assert!(text.contains("proof of height 90212  ~ stale, verified at 90212"), "{text}");
}

#[test]
fn what_cannot_be_proven_says_why() {
    let mut model = watching(live(), Paint::Terminal16);
    press(&mut model, "e");
    update(&mut model, Msg::Proof(Subject::Block(Height(LAST)), Box::new(Err(FetchError::NoPeer))));
    let text = picture(&model, (80, 24));
    assert!(text.contains("✗ no proof: no peer is connected"), "{text}");
    press(&mut model, "\u{1b}4e");
    assert!(picture(&model, (80, 24)).contains("there is no proof of that"), "a peer only claims");
}

/// What `w` writes is what the verifier accepts, for a block and for an entry of the registry.
#[test]
fn what_is_written_verifies_from_the_anchor() {
    let (anchor, rules) = anchor();
    let mut model = watching(live(), Paint::Terminal16);
    assert_eq!(press(&mut model, "w"), [Effect::Draw], "nothing is open yet");
    press(&mut model, "e");
    answer(&mut model);
    let [Effect::Write { stem, text }] = &press(&mut model, "w")[..] else { panic!() };
    assert_eq!(stem, "qratum-header-90212");
    let document = HeaderProof::from_json(text.as_bytes()).unwrap();
    let checked = proof::check(&document, &anchor, &rules, document.header.time).unwrap();
    assert_eq!(checked.header.get().height, Height(LAST));

    press(&mut model, "\u{1b}3e");
    answer(&mut model);
    let [Effect::Write { stem, text }] = &press(&mut model, "w")[..] else { panic!() };
    assert_eq!(stem, "qratum-proof-90211");
    let document = StatementProof::from_json(text.as_bytes()).unwrap();
    let checked = proof::check(&document.header, &anchor, &rules, document.header.header.time).unwrap();
    proof::stands(document.statement, &checked.header).unwrap();
}
