//! What the first screen says when something is not as it should be.

use std::sync::Arc;

use qratum_chain::types::Time;
use qratum_light_node::{Ban, Names, Reason, Refusal, Snapshot, State, StoreState, Voting};
use qratum_verifier::Reject;

use super::stage::{
    LAST, Paint, accused, answer, drawn, genesis, in_state, live, model, picture, press, started, time_of,
    watching,
};
use crate::{
    model::Notice,
    update::{Effect, Msg, update},
};

const SIZE: (u16, u16) = (80, 24);

fn shown(snapshot: Snapshot) -> String {
    picture(&watching(snapshot, Paint::Terminal16), SIZE)
}

#[test]
fn less_than_the_smallest_window_keeps_the_state() {
    let model = watching(in_state(State::NoQuorum), Paint::Terminal16);
    for (width, height) in [(59, 16), (60, 15), (30, 3)] {
        let rows = drawn(&model, (width, height));
        assert!(rows[0].starts_with("✗ no-quorum  too small: "), "{rows:?}");
        assert!(rows[1..].iter().all(String::is_empty), "{rows:?}");
    }
}

#[test]
fn no_size_panics() {
    let mut snapshot = live();
    snapshot.refusals = vec![refusal("zug-1"); 8];
    let mut model = watching(snapshot, Paint::Terminal16);
    (0..5).for_each(|_| model.notify(Notice::of("something".to_owned())));
    for size in (1..=130).flat_map(|width| [1, 15, 16, 17, 20, 40].map(|height| (width, height))) {
        drawn(&model, size);
    }
}

#[test]
fn before_the_first_head_nothing_looks_like_one() {
    let text = picture(&model(Paint::Terminal16), SIZE);
    assert!(text.contains("the light node is starting ...") && !text.contains('✓'), "{text}");
    let text = shown(Snapshot { peers: live().peers, state: State::Syncing, ..started() });
    assert!(text.contains("waiting for a first verified head from 4 peers ..."), "{text}");
    assert!(text.contains("~ syncing") && text.contains("claims 90777 ? unverified"), "{text}");
    assert!(!text.contains("verified at") && !text.contains('✓'), "{text}");
}

#[test]
fn a_head_that_is_not_the_newest_is_called_the_last_and_stale() {
    let text = shown(Snapshot { state: State::Disconnected, store: StoreState::InUse, ..live() });
    assert!(text.contains("✗ disconnected"), "{text}");
    assert!(text.contains(" old  ~ stale, verified at 90212") && text.contains("▸last head 90212"), "{text}");
    assert!(text.contains("another qratum keeps this home's store"), "{text}");
    assert!(!text.contains("✗ another qratum"), "no fault: {text}");
}

/// The color of the bar that shows how much signed.
fn bar_color(snapshot: Snapshot) -> ratatui::style::Color {
    let model = watching(snapshot, Paint::Terminal16);
    let mut terminal = ratatui::Terminal::new(ratatui::backend::TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| crate::screen::view(&model, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    (0..24)
        .flat_map(|y| (0..80).map(move |x| (x, y)))
        .find(|at| buffer[*at].symbol() == "█")
        .map(|at| buffer[at].fg)
        .unwrap()
}

#[test]
fn who_signed_a_head_that_is_not_the_newest_is_not_drawn_as_healthy() {
    use ratatui::style::Color;
    assert_eq!(bar_color(in_state(State::Stalled)), Color::Yellow);
    assert_eq!(bar_color(live()), Color::Green);
}

fn with_peer(connected: bool) -> Msg {
    let mut snapshot = live();
    snapshot.peers[3].connected = connected;
    Msg::Snapshot(Arc::new(snapshot), time_of(LAST))
}

#[test]
fn a_validator_that_is_back_is_no_longer_said_to_have_ended() {
    let ended = || Msg::Notice(Notice::ended("kobe-1".to_owned(), "validator kobe-1 ended".to_owned()));
    let mut model = model(Paint::Terminal16);
    update(&mut model, with_peer(true));
    update(&mut model, ended());
    update(&mut model, with_peer(true));
    assert_eq!(model.live.notices.len(), 1, "the connection was not seen to end yet");
    update(&mut model, with_peer(false));
    assert_eq!(model.live.notices.len(), 1);
    update(&mut model, with_peer(true));
    assert_eq!(model.live.notices, []);
    update(&mut model, with_peer(false));
    update(&mut model, ended());
    update(&mut model, with_peer(true));
    assert_eq!(model.live.notices, [], "the end of the connection was seen first");
}

#[test]
fn many_and_long_notices_are_cut_and_counted() {
    let mut model = watching(live(), Paint::Terminal16);
    for index in 0..20 {
        model.notify(Notice::of(format!("validator {index} ended{}", " and so on".repeat(20))));
    }
    let rows = drawn(&model, (60, 24));
    assert_eq!(rows[3], " what is wrong, newest first                 rows 1-2 of 16");
    assert!(rows[4].starts_with(" ✗ validator 19 ended and so on") && rows[4].ends_with('…'), "{rows:?}");
    assert!(rows[5].starts_with(" ✗ validator 18 ended"), "{rows:?}");
    press(&mut model, "\t\t\tG");
    assert!(drawn(&model, (60, 24))[5].starts_with("▸✗ validator 4 ended"), "all of them are reached");
}

/// A name that a terminal draws like another carries its digest also where it stands in a sentence.
#[test]
fn names_in_sentences_look_like_no_other() {
    let mut other = genesis();
    other.validators[0].name = "\u{430}dmin".to_owned();
    let mut snapshot = Snapshot { names: Names::of(&other), ..in_state(State::NoQuorum) };
    let evidence = accused().voting.evidence.clone();
    let key = snapshot.voting.members[0].key;
    let evidence = evidence.into_iter().map(|(_, offence)| (key, offence)).collect();
    snapshot.voting = Arc::new(Voting { evidence, ..Voting::clone(&snapshot.voting) });
    let mut seen = 0;
    for keys in ["", "2", "3", "3\n", "5", "e"] {
        let mut model = watching(snapshot.clone(), Paint::Terminal16);
        press(&mut model, keys);
        answer(&mut model);
        let text = picture(&model, (160, 50));
        let bare = text.matches("\u{430}dmin").count();
        assert_eq!(text.matches("≈\u{430}dmin#").count(), bare, "{keys}: {text}");
        seen += bare;
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn a_wrong_clock_is_shown_with_how_far_it_is_off() {
    let text = shown(in_state(State::Clock));
    assert!(text.contains("✗ clock"), "{text}");
    assert!(text.contains("✗ the local clock is about 1 h 0 min behind: set it right"), "{text}");
}

fn refusal(peer: &str) -> Refusal {
    let reason = Reason::Rejected(Reject::BadSignature { signer: 2 });
    Refusal { peer: peer.to_owned(), reason, at: Time(0), count: 3 }
}

/// On the first screen, without a key: who does not sign, and what of the power is missing.
#[test]
fn who_is_silent_is_named_with_the_power_that_is_missing() {
    let text = shown(in_state(State::NoQuorum));
    let row = text.lines().find(|row| row.contains("no vote from")).unwrap();
    assert!(row.starts_with(" ✗ no vote from north, west, with 5088 of 10000 power"), "{row}");
    assert!(row.contains("~ stale, verified at 90212"), "{row}");
}

#[test]
fn a_banned_peer_is_shown_with_its_lie_and_for_how_long() {
    let mut snapshot = live();
    let reason = Reason::Rejected(Reject::BadSignature { signer: 2 });
    let until = time_of(LAST).plus(62_000);
    snapshot.peers[3].ban = Some(Ban { reason, at: Time(0), until, count: 1 });
    let text = shown(snapshot);
    assert!(text.contains(" ✗ kobe-1  banned for 59 s more: BadSignature"), "{text}");
}

#[test]
fn text_from_outside_is_shown_and_not_obeyed() {
    let mut snapshot = live();
    snapshot.peers[0].name = "a\u{202e}b\u{1b}[2J".to_owned();
    let malformed = Refusal { reason: Reason::Malformed("\u{9b}31m\u{200b}".to_owned()), ..refusal("vik-1") };
    snapshot.refusals = vec![refusal("zug-1"), malformed];
    let mut model = watching(snapshot, Paint::Terminal16);
    update(&mut model, Msg::Notice(Notice::of("validator \u{7}x ended".to_owned())));
    let text = picture(&model, (100, 30));
    for part in [
        "✗ validator <U+0007>x ended",
        "a<U+202E>b<U+001B>",
        "✗ vik-1: Malformed: no answer of the protocol: <U+009B>31m<U+200B> (3 times)",
        "✗ zug-1: BadSignature: the signature of signer 2 does not hold (3 times)",
    ] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
}

#[test]
fn ascii_draws_ascii() {
    let text = picture(&watching(live(), Paint::Mono), SIZE);
    assert!(text.is_ascii() && text.contains("+ verified") && text.contains("####"), "{text}");
}

#[test]
fn only_a_second_that_passed_is_drawn() {
    let mut model = watching(live(), Paint::Terminal16);
    let made = time_of(LAST);
    assert_eq!(update(&mut model, Msg::Tick(made.plus(2999))), []);
    assert_eq!(update(&mut model, Msg::Tick(made.plus(3000))), [Effect::Draw]);
    assert!(drawn(&model, SIZE)[0].contains("✓ verified 90212  3 s old"));
}

/// Latin letters are drawn as they are; a name that imitates one of them is not drawn like it.
#[test]
fn a_name_that_imitates_another_does_not_look_like_it() {
    let mut snapshot = live();
    let honest = snapshot.peers[0].name.clone();
    let (at, latin) = honest.char_indices().find(|(_, letter)| "aeou".contains(*letter)).unwrap();
    let cyrillic = ["а", "е", "о", "у"]["aeou".find(latin).unwrap()];
    snapshot.peers[1].name = format!("{}{cyrillic}{}", &honest[..at], &honest[at + 1..]);
    let text = shown(snapshot.clone());
    let rows: Vec<&str> = text.lines().filter(|row| row.contains("claims")).collect();
    assert!(rows[0].contains(&format!(" {honest} ")), "{rows:?}");
    assert!(rows[1].contains('≈') && rows[1].contains('#'), "{rows:?}");
}
