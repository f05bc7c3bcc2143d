//! What the tour shows, and when it goes on.

use std::sync::Arc;

use qratum_chain::types::{Height, Time};
use qratum_light_node::{Reason, Refusal, Snapshot, State, Voting};
use qratum_verifier::Reject;

use super::{
    machine,
    stage::{
        LAST, MEMBERS, Paint, alarms_in, answer, heads, in_state, live, picture, press, time_of, voting,
        watching,
    },
};
use crate::{
    model::{Model, Tour},
    monitor::{Acknowledgement, Code},
    update::{Effect, Msg, update},
};

const SIZE: (u16, u16) = (80, 24);
/// When the steps of these tests began.
const SINCE: Time = Time(5000);

fn demo() -> Model {
    let mut model = watching(live(), Paint::Terminal16);
    model.start(MEMBERS.map(|(name, ..)| name.to_owned()).into());
    model.offer_tour();
    model
}

fn know(model: &mut Model, snapshot: Snapshot) {
    update(model, Msg::Snapshot(Arc::new(snapshot), time_of(LAST)));
}

/// In a step that began with the head before the last.
fn at(step: usize) -> Model {
    let mut model = demo();
    model.tour = Tour::At { step, from: Height(LAST - 1), since: SINCE };
    model
}

fn step(model: &Model) -> Option<usize> {
    match model.tour {
        Tour::At { step, .. } => Some(step),
        Tour::Off | Tour::Offered => None,
    }
}

/// South does not vote, and blocks come.
fn without_south() -> Snapshot {
    let head = Arc::clone(heads().last().unwrap());
    Snapshot { voting: Arc::new(voting(&head, &[2])), ..live() }
}

#[test]
fn it_is_offered_once_and_esc_ends_it() {
    let mut model = demo();
    assert!(picture(&model, SIZE).contains("new here? :tour"));
    press(&mut model, "e\u{1b}");
    assert!(picture(&model, SIZE).contains("new here? :tour"), "Esc closed the proof");
    press(&mut model, "\u{1b}");
    assert_eq!(model.tour, Tour::Off);
    press(&mut model, ":tour\n");
    assert!(picture(&model, SIZE).contains("tour 1/6  press e, then G"), "{}", picture(&model, SIZE));
    press(&mut model, "\u{1b}");
    assert_eq!(model.tour, Tour::Off);
}

#[test]
fn the_anchor_of_a_proof_ends_the_first_step() {
    let mut model = demo();
    press(&mut model, ":tour\ne");
    answer(&mut model);
    press(&mut model, "jj");
    assert_eq!(step(&model), Some(0), "the proof is open, and its anchor is further down");
    press(&mut model, "G");
    assert_eq!(step(&model), Some(1));
    assert!(picture(&model, SIZE).contains("tour 2/6  press 1, then :drill lie"));
    for _ in 0..2 {
        press(&mut model, "1");
        assert_eq!((step(&model), model.view.top()), (Some(1), None), "also without a proof it ends nothing");
    }
    let mut model = at(0);
    press(&mut model, "eG");
    assert_eq!(step(&model), Some(0), "it is only asked for");
}

/// A lie, of this peer, since the step began, and heads that go on: nothing else.
#[test]
fn a_lie_that_was_refused_ends_the_second_step() {
    let lie = || Reason::Rejected(Reject::BadSignature { signer: 0 });
    let refused = |peer: &str, reason, at| {
        let refusal = Refusal { peer: peer.to_owned(), reason, at, count: 1 };
        Snapshot { refusals: vec![refusal], ..live() }
    };
    let after = |snapshot| {
        let mut model = at(1);
        know(&mut model, snapshot);
        step(&model)
    };
    assert_eq!(after(live()), Some(1), "nothing was refused");
    assert_eq!(after(refused("north", lie(), SINCE)), Some(1), "another peer");
    assert_eq!(after(refused("mallory", Reason::TimedOut, SINCE)), Some(1), "it was only late");
    assert_eq!(after(refused("mallory", lie(), Time(SINCE.0 - 1))), Some(1), "an older lie");
    let halted = Snapshot { state: State::Forked, ..refused("mallory", lie(), SINCE) };
    assert_eq!(after(halted), Some(1), "the lie moved something");
    assert_eq!(after(refused("mallory", lie(), SINCE)), Some(2));
}

/// Of this code, since the step began, and while the pool gives seeds: nothing else.
#[test]
fn an_alarm_that_is_taken_on_ends_the_third_step() {
    let after = |code, at_ms, state| {
        let mut model = at(2);
        machine::reported(&mut model, state);
        let mut alarms = alarms_in(State::NoQuorum);
        let taken = (at_ms > 0).then(|| Acknowledgement::new("ann", "a drill", at_ms));
        (alarms.open[0].code, alarms.open[0].acknowledged) = (code, taken);
        update(&mut model, Msg::Alarms(Arc::new(alarms)));
        step(&model)
    };
    let fell = Code::EntropySource;
    assert_eq!(after(fell, 0, State::Stale), Some(2), "nobody has taken it on");
    assert_eq!(after(fell, SINCE.0 - 1, State::Stale), Some(2), "that was before");
    assert_eq!(after(Code::Silent, SINCE.0, State::Stale), Some(2), "another alarm");
    assert_eq!(after(fell, SINCE.0, State::NoQuorum), Some(2), "the pool gives no seed");
    assert_eq!(after(fell, SINCE.0, State::Loading), Some(2), "nothing is known of the pool");
    assert_eq!(after(fell, SINCE.0, State::Stale), Some(3));
}

/// It takes a newer head, and the name.
#[test]
fn heads_without_south_end_the_fourth_step() {
    let mut model = at(3);
    know(&mut model, live());
    assert_eq!(step(&model), Some(3), "nobody is silent");
    know(&mut model, Snapshot { state: State::Stale, ..without_south() });
    assert_eq!(step(&model), Some(3), "no heads");
    know(&mut model, without_south());
    assert_eq!(step(&model), Some(4));
    let mut model = at(3);
    model.tour = Tour::At { step: 3, from: Height(LAST), since: SINCE };
    know(&mut model, without_south());
    assert_eq!(step(&model), Some(3), "no newer head");
}

#[test]
fn no_quorum_and_a_return_end_the_others() {
    let mut model = at(4);
    know(&mut model, Snapshot { voting: Arc::new(Voting::default()), ..in_state(State::Stalled) });
    assert_eq!(step(&model), Some(4));
    know(&mut model, in_state(State::NoQuorum));
    assert_eq!(step(&model), Some(5));
    know(&mut model, in_state(State::NoQuorum));
    assert_eq!(step(&model), Some(5));
    know(&mut model, live());
    assert_eq!(model.tour, Tour::Off);
    assert!(picture(&model, SIZE).contains("the tour is over"));
}

/// Where there is one row for crumbs and tour, what is typed is still seen.
#[test]
fn it_hides_nothing_that_is_typed() {
    let mut model = at(0);
    press(&mut model, "3/ea");
    assert!(picture(&model, (60, 16)).contains("/ea_"));
}

#[test]
fn there_is_none_without_a_demo() {
    let mut model = watching(live(), Paint::Terminal16);
    model.offer_tour();
    assert_eq!(model.tour, Tour::Off);
    assert_eq!(press(&mut model, ":tour\n").last(), Some(&Effect::Draw));
    assert_eq!(model.tour, Tour::Off);
    assert!(picture(&model, SIZE).contains("the tour needs a demo network"));
}
