//! What happened? The newest first.

use qratum_chain::types::Height;
use qratum_themes::{Mark, Tone};
use qratum_verifier::quorum::Tally;
use ratatui::layout::Rect;

use super::{
    draw::Pen,
    page::{Cell, Piece, Table, column, glyph, here, own, rest},
    parts::clock,
};
use crate::model::{Event, Level, List, Model, Who, Worth};

/// Draws the screen.
pub(super) fn view(model: &Model, pen: &mut Pen<'_, '_>, area: Rect) {
    pen.table(&table(model), Some(&model.view.cursor(List::Logs)), area);
}

/// What happened, the newest first.
pub(super) fn table(model: &Model) -> Table<'_> {
    let columns = vec![column("time (UTC)"), column("level"), rest("what")];
    let Some(snapshot) = model.snapshot() else {
        return Table::of(columns, 0, |_| Vec::new()).under(vec![own("nothing happened yet")]);
    };
    let (who, log) = (model.who(snapshot), &model.shown().log);
    let row = move |at: usize| {
        let Some(entry) = log.entry(at) else { return Vec::new() };
        vec![vec![here(clock(entry.at))], level(entry.event.level()), told(&who, &entry.event)]
    };
    Table::of(columns, log.len(), row).under(vec![own("what happened, newest first")])
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
            let word = if *connected { "connected" } else { "lost" };
            vec![here(format!("peer {} {word}", who.peer(name)))]
        }
        Event::Refusal { peer, reason, count } => {
            let times = if *count > 1 { format!(", {count} times") } else { String::new() };
            let why = who.text(&reason.to_string());
            vec![here(format!("refused {}: {why} ({}){times}", who.peer(peer), reason.name()))]
        }
        Event::Silent { keys, missing: Tally { signed, total }, height } => {
            let names = if keys.is_empty() { "nobody".to_owned() } else { who.validators(keys) };
            vec![own("silent: "), at(height).fact(format!("{names}, {signed} of {total} power is missing"))]
        }
        Event::Set { set, height, joined, left } => {
            let (joined, left) = (named(who, "joined", joined), named(who, "left", left));
            vec![own("another set: "), at(height).fact(format!("{set}{joined}{left}"))]
        }
        Event::Accused { key, height } => {
            vec![Piece::from(at(height).of(format!("{} signed twice in one place", who.validator(key))))]
        }
        Event::Alarm { line, worth, .. } => vec![worth.fact(who.text(line))],
        Event::Notice(text) | Event::Did(text) => vec![here(who.text(text))],
    }
}

fn named(who: &Who<'_>, word: &str, keys: &[qratum_chain::PublicKey]) -> String {
    if keys.is_empty() { String::new() } else { format!(", {word}: {}", who.validators(keys)) }
}
