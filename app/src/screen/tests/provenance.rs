//! No cell shows a value of the chain without saying what it is worth.

use std::{collections::BTreeSet, sync::Arc};

use qratum_light_node::State;

use super::{
    SCENES, SIZES, scene,
    stage::{
        FIRST, LAST, MEMBERS, Paint, accused, alarms_in, answer, drawn, genesis, heads, in_state, live,
        picture, press, watching,
    },
};
use crate::{
    action::Screen,
    model::{Ground, List, Model, panels},
    monitor::{Acknowledgement, Change, Code, What},
    screen::{
        draw::audit,
        lists,
        page::{Cell, Piece, Text},
    },
    update::{Msg, update},
};

/// Words that no text of this program and nothing that this machine knows has: heights, powers, names,
/// operators, keys and ids of the network on stage.
fn of_the_chain() -> Vec<String> {
    let heights = (FIRST..=LAST + 1).chain([90_777]).map(|height| height.to_string());
    let members = MEMBERS.iter().flat_map(|(name, power, _, operator)| {
        [(*name).to_owned(), power.to_string(), (*operator).to_owned()]
    });
    let accounts = ["alice", "dave"].map(str::to_owned);
    let powers = [7497, 10_000, 5480].map(|power: u32| power.to_string());
    let keys = genesis().validators.into_iter().map(|member| member.validator.pubkey.to_string());
    let ids = heads().iter().map(|head| head.id().to_string());
    let digests = keys.chain(ids).map(|digest| digest.chars().take(12).collect());
    heights.chain(accounts).chain(members).chain(powers).chain(digests).collect()
}

/// The words of the chain that stand in a text as words of their own.
fn found<'a>(words: &'a [String], text: &str) -> Vec<&'a String> {
    let all: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    words.iter().filter(|word| all.iter().any(|part| part.starts_with(word.as_str()))).collect()
}

fn said(piece: &Piece) -> &str {
    match &piece.text {
        Text::Own(words) => words,
        Text::Any(text) | Text::Name(text) | Text::Hash(text) => text,
        Text::Glyph(_) | Text::Word(_) | Text::Spark(_) | Text::Bar { .. } => "",
    }
}

/// In every scene, state and size: what has no worth has no word of the chain. That what has a worth
/// is drawn with its mark and word, or below a heading that has them, is held by `screen::ink`.
#[test]
fn no_cell_shows_a_value_of_the_chain_without_its_worth() {
    let words = of_the_chain();
    audit::take();
    let mut facts = 0;
    for (name, keys) in SCENES {
        for state in State::ALL {
            let model = scene(keys, state, Paint::Terminal16);
            for size in SIZES {
                drawn(&model, size);
            }
            for piece in audit::take() {
                let found = found(&words, said(&piece));
                facts += usize::from(piece.worth.is_some() && !found.is_empty());
                let bare = piece.worth.is_none() && !found.is_empty();
                assert!(!bare, "{name} in {state}: {piece:?} tells {found:?}");
            }
        }
    }
    assert!(facts > 1000, "{facts}: the words are those of the stage");
}

/// Keys to every list, from the first screen: the panels of the screens, and what opens above them.
fn places() -> Vec<String> {
    let panels = Screen::ALL.iter().zip('1'..).flat_map(|(screen, key)| {
        (0..panels(*screen).len()).map(move |tabs| format!("{key}{}", "\t".repeat(tabs)))
    });
    let layers =
        ["3jj\n", "3j\n", "8\n", "9\n", "4j\n", "4G\n", "!", "!\n", "i", "?", ":"].map(str::to_owned);
    panels.chain(layers).collect()
}

/// What the lists of a place say of the chain, and that each row of it answers `e`: with a proof down to
/// the anchor, or with why there is none.
fn walk(model: &mut Model, place: &str, said_of: &mut BTreeSet<String>) -> [usize; 2] {
    let list = model.view.list();
    let of_the_chain = |cells: Vec<Cell>| cells.into_iter().flatten().filter(|piece| piece.worth.is_some());
    let table = lists::table(model, list);
    said_of.extend(of_the_chain(vec![table.heading.clone()]).map(|piece| said(&piece).to_owned()));
    let rows: Vec<(usize, Vec<Piece>)> =
        (0..table.len).map(|row| (row, of_the_chain((table.row)(row)).collect())).collect();
    drop(table);
    let [mut proven, mut unproven] = [0, 0];
    for (row, pieces) in rows.into_iter().filter(|(_, pieces)| !pieces.is_empty()) {
        model.view.cursor_mut(list).row = row;
        said_of.extend(pieces.iter().map(|piece| said(piece).to_owned()));
        let ground = lists::table(model, list).ground(row);
        match ground {
            Ground::Proven(subject) => {
                press(model, "e");
                assert_eq!(model.view.asked.as_ref().map(|asked| &asked.subject), Some(&subject), "{place}");
                answer(model);
                let rows = drawn(model, (100, 60));
                let last: Vec<&str> =
                    rows.iter().rfind(|row| row.contains('←')).unwrap().split_whitespace().collect();
                assert!(last.starts_with(&["←", "anchor", "genesis"]), "{place} {row}: {rows:#?}");
                press(model, "\u{1b}");
                model.view.asked = None;
                proven += 1;
            }
            why => {
                assert_ne!(why, Ground::HERE, "{place} {row}: {pieces:?} is of the chain");
                press(model, "e");
                assert!(picture(model, (100, 60)).contains("no proof: "), "{place} {row}");
                unproven += 1;
            }
        }
    }
    [proven, unproven]
}

/// On every screen and in every layer, in the states that show different rows: a value of the chain that is drawn stands in a row
/// that the cursor reaches, and there `e` answers.
#[test]
fn every_value_of_the_chain_answers_e() {
    let states = [State::Live, State::NoQuorum, State::Disconnected, State::Clock, State::Forked];
    for snapshot in states.map(in_state).into_iter().chain([accused()]) {
        let state = snapshot.state;
        let fresh = || {
            let mut model = watching(snapshot.clone(), Paint::Terminal16);
            update(&mut model, Msg::Alarms(Arc::new(alarms_in(state))));
            model
        };
        let (mut said_of, mut count) = (BTreeSet::new(), [0, 0]);
        for place in places() {
            let mut model = fresh();
            press(&mut model, &place);
            let [proven, unproven] = walk(&mut model, &place, &mut said_of);
            count = [count[0] + proven, count[1] + unproven];
        }
        assert!(count[0] > 30 && count[1] >= 6, "{state}: {count:?}");
        audit::take();
        for (place, size) in places().iter().flat_map(|place| SIZES.map(|size| (place, size))) {
            let mut model = fresh();
            press(&mut model, place);
            drawn(&model, size);
            for piece in audit::take().iter().filter(|piece| piece.worth.is_some()) {
                assert!(said_of.contains(said(piece)), "{place} in {state}: no cursor reaches {piece:?}");
            }
        }
    }
}

/// The text of each alarm is drawn in the list, on its page and in the log; who has taken it on is never
/// of the chain.
#[test]
fn an_alarm_is_a_fact_where_the_chain_or_votes_say_it() {
    let facts = |code| {
        let mut alarms = alarms_in(State::NoQuorum);
        alarms.open[0].code = code;
        alarms.open[0].acknowledged = Some(Acknowledgement::new("ann", "called both", 0));
        let change = Change { what: What::Acknowledged, alarm: alarms.open[0].clone() };
        let mut model = watching(in_state(State::NoQuorum), Paint::Terminal16);
        update(&mut model, Msg::Alarms(Arc::new(alarms)));
        update(&mut model, Msg::Alarm(Box::new(change)));
        press(&mut model, "!\n");
        [List::Alarms, List::Page, List::Logs].map(|list| {
            let table = lists::table(&model, list);
            let pieces: Vec<Piece> = (0..table.len).flat_map(|row| (table.row)(row)).flatten().collect();
            let worth = |text: &str| {
                let piece = pieces.iter().find(|piece| said(piece).contains(text));
                piece.map(|piece| piece.worth.is_some())
            };
            (worth("no vote from north"), worth("called both"))
        })
    };
    let with = |worth: Option<bool>| [(worth, None), (worth, Some(false)), (worth, Some(false))];
    assert_eq!(facts(Code::NoQuorum), with(Some(true)));
    assert_eq!(facts(Code::StoreFailed), with(Some(false)));
}

#[test]
fn what_was_not_seen_is_no_fact() {
    let mut model = watching(live(), Paint::Terminal16);
    press(&mut model, "3j\n");
    let table = lists::table(&model, List::Detail);
    let pieces: Vec<Piece> = (0..table.len).flat_map(|row| (table.row)(row)).flatten().collect();
    let none = pieces.iter().find(|piece| said(piece) == "none was seen here").unwrap();
    assert_eq!(none.worth, None);
}

/// Around the screens only the bar tells a height, with mark and word.
#[test]
fn the_frame_tells_one_height_and_what_it_is_worth() {
    let words = of_the_chain();
    for (name, keys) in SCENES {
        for state in State::ALL {
            let model = scene(keys, state, Paint::Terminal16);
            for (width, height) in SIZES {
                let rows = drawn(&model, (width, height));
                let bar = found(&words, &rows[0]);
                let worth = if state == State::Live { "✓ verified 90212 " } else { "~ stale 90212 " };
                let early = matches!(state, State::Loading | State::Syncing);
                assert_eq!(bar.len(), usize::from(!early), "{name} in {state}: {}", rows[0]);
                assert!(early || rows[0].contains(worth), "{}", rows[0]);
                let below = if height >= 24 { 3 } else { 2 };
                for row in rows
                    .iter()
                    .take(3)
                    .skip(1)
                    .take(usize::from(height >= 24) + 1)
                    .chain(rows.iter().rev().take(below))
                {
                    assert!(found(&words, row).is_empty(), "{name} in {state}: {row}");
                }
            }
        }
    }
}
