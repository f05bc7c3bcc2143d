//! From a value back to the anchor, and out into a file.

use qratum_chain::{
    document::{Evidence, HeaderProof, StatementProof},
    types::{Certificate, Height, PqSignature},
};
use qratum_light_node::{FetchError, Snapshot, State, peer_id};
use qratum_verifier::proof;

use super::stage::{
    LAST, Paint, accused, anchor, answer, double_vote, drawn, fork, genesis, heads, in_state, key, live,
    picture, press, proven, watching,
};
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

/// What a hand-over was signed with is said where it stands in the path, and where it is the block.
#[test]
fn a_hand_over_says_with_which_schemes_it_was_signed() {
    let half = |signer| PqSignature { signer, key: Vec::new(), signature: Vec::new() };
    let shown = |change: fn(&mut HeaderProof) -> &mut Certificate| {
        let mut model = watching(live(), Paint::Terminal16);
        press(&mut model, "e");
        let mut proven = proven(LAST);
        let certificate = change(&mut proven.proof);
        let commit = certificate.commit().unwrap().clone();
        *certificate = Certificate::Handover(commit, [0, 2, 3].map(half).to_vec());
        let found = Found::Header(Box::new(proven));
        update(&mut model, Msg::Proof(Subject::Block(Height(LAST)), Box::new(Ok(found))));
        picture(&model, (100, 24))
    };
    let text = shown(|proof| &mut proof.path[0].certificate);
    let handed = "Ed25519 and ML-DSA-65 (7497 of 10000 power)";
    assert!(text.contains(&format!(" ← hand-over    height 90205  set 0  {handed}")), "{text}");
    let text = shown(|proof| proof.certificate.as_mut().unwrap());
    assert!(text.contains(&format!(" ← hand-over    {handed}")), "{text}");
    assert!(text.contains(" ← hand-over    height 90205  set 0  Ed25519\n"), "{text}");
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
    press(&mut model, "\u{1b}\t\te");
    let text = picture(&model, (80, 24));
    assert!(text.contains("no proof: a peer claims it, and nothing here rests on it"), "{text}");
}

/// Of an accused member and of a fork, `w` writes what `qratum verify` takes for evidence.
#[test]
fn evidence_is_shown_and_written_like_any_proof() {
    let mut model = watching(accused(), Paint::Terminal16);
    let south = Subject::Offence(key(2));
    assert_eq!(press(&mut model, "\t\t\te").last(), Some(&Effect::Prove(south)));
    answer(&mut model);
    let rows = drawn(&model, (100, 24));
    let id = heads().last().unwrap().id();
    let want = [
        " proof of the evidence against south  ✓ verified at 90212".to_owned(),
        "▸value         double-vote (Prevote) at height 90212 round 1".to_owned(),
        " ← signed      ✓ nil".to_owned(),
        format!(" ← signed      ✓ {id}"),
        " ← set member  south, power 2409, 24.0 %, IS, since set 0".to_owned(),
        " ← step        height 90212  set 1".to_owned(),
        " ← hand-over   height 90205  set 0".to_owned(),
        format!(" ← anchor      genesis {}", anchor().0.id()),
    ];
    for (row, want) in rows[3..].iter().zip(want) {
        assert!(row.starts_with(&want), "{row:?} is not {want:?}");
    }
    assert!(!rows.iter().any(|row| row.contains("or by")), "no command makes this file");
    let [Effect::Write { stem, text }] = &press(&mut model, "w")[..] else { panic!() };
    assert_eq!(stem, "qratum-evidence-90212");
    assert_eq!(Evidence::from_json(text.as_bytes()).unwrap(), double_vote());

    let mut model = watching(in_state(State::Forked), Paint::Terminal16);
    press(&mut model, "\t\t\te");
    answer(&mut model);
    let text = picture(&model, (100, 30));
    assert!(text.contains("proof of the fork") && text.matches("← header").count() == 2, "{text}");
    let [Effect::Write { stem, text }] = &press(&mut model, "w")[..] else { panic!() };
    assert_eq!(stem, "qratum-evidence-90205");
    assert_eq!(Evidence::from_json(text.as_bytes()).unwrap(), fork());
}

/// What was proven of a validator stays with it, whatever else is proven meanwhile; and its own proof is
/// not fetched again.
#[test]
fn the_registry_of_an_open_validator_stays_when_something_else_is_proven() {
    let mut model = watching(live(), Paint::Terminal16);
    let north = Subject::Validator { name: "north".to_owned(), key: key(0) };
    assert_eq!(press(&mut model, "3\n").last(), Some(&Effect::Prove(north)));
    answer(&mut model);
    let text = picture(&model, (100, 30));
    assert!(text.contains("operator key") && text.contains("stake"), "{text}");
    press(&mut model, "e");
    answer(&mut model);
    assert!(picture(&model, (100, 30)).contains("in the set of height"), "another proof is open");
    press(&mut model, "\u{1b}");
    assert_eq!(picture(&model, (100, 30)), text);
    assert_eq!(press(&mut model, "Ge"), [Effect::Draw, Effect::Draw], "it is here already");
    assert!(picture(&model, (100, 30)).contains("in the registry"));
}

/// It proves itself from the anchor: that the head is old makes it no older.
#[test]
fn evidence_is_worth_what_it_proves_whatever_the_head_is() {
    let mut model = watching(Snapshot { state: State::Stalled, ..accused() }, Paint::Terminal16);
    press(&mut model, "\t\t\te");
    answer(&mut model);
    let text = picture(&model, (100, 30));
    assert!(text.contains("proof of the evidence against south  ✓ verified at 90212"), "{text}");
}

/// Who runs a peer is proven by the entry that has its key, and of a peer that is enrolled nowhere it is
/// said that only the configuration says so.
#[test]
fn the_operator_of_a_peer_is_proven_where_its_key_is_enrolled() {
    let mut model = watching(live(), Paint::Terminal16);
    let east = Subject::Validator { name: "east".to_owned(), key: key(1) };
    assert_eq!(press(&mut model, "4je").last(), Some(&Effect::Prove(east.clone())));
    answer(&mut model);
    let text = picture(&model, (100, 30));
    let id = peer_id(&genesis().validators[1].enrolment.as_ref().unwrap().peer_key).unwrap();
    assert!(text.contains(&format!("← peer         {id}")), "{text}");
    assert!(text.contains("value          operator rheinbund, DE"), "{text}");
    press(&mut model, "\u{1b}\njjje");
    assert_eq!(model.view.asked.as_ref().map(|asked| &asked.subject), Some(&east));
    let here = "no proof: the chain does not say this";
    for keys in ["\u{1b}\u{1b}Ge", "\njjje"] {
        press(&mut model, keys);
        assert!(picture(&model, (100, 30)).contains(here), "{keys}");
    }
    let mut snapshot = live();
    snapshot.peers[1].bound = false;
    let mut model = watching(snapshot, Paint::Terminal16);
    for (keys, want) in [("4je", "no proof: a peer claims it"), ("\njjje", here)] {
        press(&mut model, keys);
        assert!(picture(&model, (100, 30)).contains(want), "the row also has what it claims: {keys}");
    }
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
