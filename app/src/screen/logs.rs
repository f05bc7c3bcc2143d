//! What happened? The newest first.

use std::rc::Rc;

use qratum_chain::types::Height;
use qratum_themes::{Mark, Tone};
use qratum_verifier::quorum::Tally;
use ratatui::layout::Rect;

use super::{
    draw::Pen,
    page::{Cell, Table, Thing, column, glyph, here, here_name, own, rest},
    parts::{clock, listed},
};
use crate::model::{Event, Ground, Level, List, Model, Subject, Who, Worth};

/// Titles of columns that are not sorted by their words.
const TIME: &str = "time (UTC)";
const LEVEL: &str = "level";

/// Draws the screen.
pub(super) fn view(model: &Model, pen: &mut Pen<'_, '_>, area: Rect) {
    pen.list(&table(model), (&model.view.cursor(List::Logs), true), area);
}

/// What happened, the newest first.
pub(super) fn table(model: &Model) -> Table<'_> {
    listed_as(model, (0..model.shown().log.len()).collect(), "what happened, newest first")
}

/// The same without heads, beside the newest of them: each second would bring another.
pub(super) fn beside_heads(model: &Model) -> Table<'_> {
    let log = &model.shown().log;
    let is_other = |at: &usize| log.entry(*at).is_some_and(|it| !matches!(it.event, Event::Heads { .. }));
    listed_as(model, (0..log.len()).filter(is_other).collect(), "what else happened, newest first")
}

/// The entries at these places.
fn listed_as<'a>(model: &'a Model, places: Vec<usize>, heading: &'static str) -> Table<'a> {
    let columns = vec![column(TIME), column(LEVEL), rest("what")];
    let Some(snapshot) = model.snapshot() else {
        return Table::of(columns, 0, |_| Vec::new()).under(vec![own("nothing happened yet")]);
    };
    let (who, log) = (model.who(snapshot), &model.shown().log);
    let (len, places) = (places.len(), Rc::new(places));
    let entry = move |at: usize| places.get(at).and_then(|place| log.entry(*place));
    let of = entry.clone();
    let row = move |at: usize| {
        let Some(entry) = of(at) else { return Vec::new() };
        vec![vec![here(clock(entry.at))], level(entry.event.level()), told(&who, &entry.event)]
    };
    let (ranked, numbered) = (entry.clone(), entry.clone());
    let rank = move |at: usize, title: &str| match title {
        TIME => ranked(at).map(|entry| entry.at.0),
        LEVEL => ranked(at).map(|entry| entry.event.level() as u64),
        _ => None,
    };
    let ground = move |at: usize| entry(at).map_or(Ground::HERE, |entry| ground(&entry.event));
    Table::of(columns, len, row)
        .under(vec![own(heading)])
        .resting(ground)
        .ranked(rank)
        .about(move |at| numbered(at).map(|entry| Thing::Number(entry.number)))
}

fn level(level: Level) -> Cell {
    match level {
        Level::Info => vec![own("  info").tone(Tone::Quiet)],
        Level::Warn => vec![glyph(Mark::Stale), own(" warn").tone(Tone::Warn)],
        Level::Crit => vec![glyph(Mark::Refused), own(" crit").tone(Tone::Bad)],
    }
}

/// An event in words; what the chain says in it with its worth.
fn told(who: &Who<'_>, event: &Event) -> Cell {
    let at = |height: &Height| Worth::Verified(*height);
    match event {
        Event::Heads { first, last, count: 1 } if first == last => {
            vec![own("head "), at(last).fact(last)]
        }
        Event::Heads { first, last, count } => {
            vec![here(format!("{count} heads ")), at(last).fact(format!("{first} to {last}"))]
        }
        Event::State { state, height } => {
            let known = height.as_ref().map(|height| vec![own(", head "), at(height).fact(height)]);
            [here(format!("state {state}"))].into_iter().chain(known.into_iter().flatten()).collect()
        }
        Event::Peer { name, connected } => {
            let word = if *connected { " connected" } else { " lost" };
            vec![own("peer "), here_name(who.peer(name)), own(word)]
        }
        Event::Refusal { peer, reason, count } => {
            let times = if *count > 1 { format!(", {count} times") } else { String::new() };
            let why = who.text(&reason.to_string());
            let text = format!(": {why} ({}){times}", reason.name());
            vec![own("refused "), here_name(who.peer(peer)), here(text)]
        }
        Event::Silent { keys, missing: Tally { signed, total }, height } => {
            let worth = at(height);
            let power = worth.fact(format!(", {signed} of {total} power is missing"));
            let nobody = keys.is_empty().then(|| worth.fact("nobody"));
            let names = listed(who, keys, worth).into_iter().chain(nobody);
            [own("silent: ")].into_iter().chain(names).chain([power]).collect()
        }
        Event::Set { set, height, joined, left } => {
            let worth = at(height);
            let mut cell = vec![own("another set: "), worth.fact(set)];
            for (word, keys) in [(", joined: ", joined), (", left: ", left)] {
                if !keys.is_empty() {
                    cell.push(worth.fact(word));
                    cell.extend(listed(who, keys, worth));
                }
            }
            cell
        }
        Event::Accused { key, height } => {
            let worth = at(height);
            vec![worth.name(who.validator(key)), worth.fact(" signed twice in one place")]
        }
        Event::Alarm { line, taken, worth, .. } => {
            let line = who.text(line);
            let line = worth.map_or_else(|| here(&line), |worth| worth.fact(&line));
            [line].into_iter().chain((!who.hidden).then(|| here(taken))).collect()
        }
        Event::Notice(text) | Event::Did(text) => vec![here(who.text(text))],
    }
}

/// What it rests on.
fn ground(event: &Event) -> Ground {
    match event {
        Event::Heads { last: height, .. }
        | Event::Set { height, .. }
        | Event::State { height: Some(height), .. } => Ground::Proven(Subject::Block(*height)),
        Event::Accused { key, .. } => Ground::Proven(Subject::Offence(*key)),
        Event::Silent { .. } => Ground::VOTES,
        Event::Alarm { worth: Some(_), .. } => {
            Ground::Unproven("an alarm tells what the screens show: e there proves it")
        }
        Event::State { height: None, .. }
        | Event::Peer { .. }
        | Event::Refusal { .. }
        | Event::Alarm { worth: None, .. }
        | Event::Notice(_)
        | Event::Did(_) => Ground::HERE,
    }
}
