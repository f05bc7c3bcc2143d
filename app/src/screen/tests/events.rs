//! What is told of what happened, and of how the chain has done.

use std::sync::Arc;

use qratum_chain::types::{Height, SetId, Time};
use qratum_light_node::{Reason, Refusal, Snapshot, State};

use super::stage::{LAST, Paint, heads, heads_with, key, live, model, other_set, time_of, watching};
use crate::{
    model::{Event, Level, Model, Notice},
    update::{Msg, update},
};

fn events(model: &Model) -> Vec<&Event> {
    (0..model.live.log.len()).filter_map(|at| Some(&model.live.log.entry(at)?.event)).collect()
}

fn head(at: usize) -> Msg {
    Msg::Head(Arc::clone(&heads()[at]), time_of(LAST))
}

#[test]
fn heads_in_a_row_are_one_entry_and_push_out_nothing() {
    let mut model = model(Paint::Terminal16);
    (0..3).for_each(|at| drop(update(&mut model, head(at))));
    let heads = |first, last, count| Event::Heads { first: Height(first), last: Height(last), count };
    assert_eq!(events(&model), [&heads(90_200, 90_202, 3)]);
    update(&mut model, head(1));
    assert_eq!(events(&model), [&heads(90_200, 90_202, 3)], "an older one is no news");
    update(&mut model, Msg::Notice(Notice::of("something".to_owned())));
    update(&mut model, head(3));
    let notice = Event::Notice("something".to_owned());
    assert_eq!(events(&model), [&heads(90_203, 90_203, 1), &notice, &heads(90_200, 90_202, 3)]);
}

#[test]
fn the_log_has_an_end() {
    let mut model = model(Paint::Terminal16);
    for at in 0..1500 {
        update(&mut model, Msg::Notice(Notice::of(at.to_string())));
    }
    let events = events(&model);
    assert_eq!((events.len(), events[0]), (1000, &Event::Notice("1499".to_owned())));
    assert_eq!(events[999], &Event::Notice("500".to_owned()));
}

#[test]
fn a_refusal_again_is_counted_and_comes_to_the_front() {
    let refusal = |peer: &str, count| Refusal {
        peer: peer.to_owned(),
        reason: Reason::TimedOut,
        at: Time(u64::from(count)),
        count,
    };
    let told = |peer: &str, count| Event::Refusal { peer: peer.to_owned(), reason: Reason::TimedOut, count };
    let mut model = watching(live(), Paint::Terminal16);
    let before = events(&model).len();
    let refused = |refusals| Msg::Snapshot(Arc::new(Snapshot { refusals, ..live() }), time_of(LAST));
    update(&mut model, refused(vec![refusal("zug-1", 1)]));
    update(&mut model, refused(vec![refusal("zug-1", 1), refusal("vik-1", 2)]));
    assert_eq!(events(&model)[..2], [&told("vik-1", 2), &told("zug-1", 1)]);
    update(&mut model, refused(vec![refusal("zug-1", 5), refusal("vik-1", 2)]));
    assert_eq!(events(&model)[..2], [&told("zug-1", 5), &told("vik-1", 2)]);
    assert_eq!(events(&model).len(), before + 2);
}

#[test]
fn who_joined_and_who_left_is_told_with_the_first_head_of_the_set() {
    let mut model = model(Paint::Terminal16);
    for head in heads_with(Some(other_set())) {
        update(&mut model, Msg::Head(head, time_of(LAST)));
    }
    let changes: Vec<_> = events(&model).into_iter().filter(|it| matches!(it, Event::Set { .. })).collect();
    let (set, height) = (SetId(1), Height(90_206));
    assert_eq!(changes, [&Event::Set { set, height, joined: vec![key(40)], left: vec![key(3)] }]);
}

#[test]
fn what_stops_the_user_is_critical() {
    let level = |state| Event::State { state, height: None }.level();
    assert_eq!(level(State::Live), Level::Info);
    assert_eq!(level(State::Stale), Level::Warn);
    for state in [State::Stalled, State::NoQuorum, State::Disconnected, State::Expired, State::Forked] {
        assert_eq!(level(state), Level::Crit, "{state}");
    }
}

/// Thirteen heads a second apart, of which one was signed in round 1, verified 100 to 220 ms later.
#[test]
fn the_pulse_is_that_of_the_heads() {
    let model = watching(live(), Paint::Terminal16);
    let pulse = &model.live.pulse;
    assert_eq!((pulse.beats().len(), pulse.rounds_lost()), (13, 1));
    assert_eq!((pulse.rate_tenths(), pulse.median_lag_ms()), (Some(600), Some(160)));
    let newest = pulse.beat(0).unwrap();
    assert_eq!((newest.height, newest.lag_ms()), (Height(LAST), 220));
    assert_eq!(pulse.beat(13), None);
}
