//! What is wrong, and who has taken it on? The alarms that ask for attention, the worst first.

use core::fmt::Display;

use qratum_chain::{PublicKey, types::Time};
use qratum_themes::{Mark, Tone};
use qratum_widgets::SafeText;

use crate::{
    command::explain::wrapped,
    model::{Ground, Layer, List, Model, Subject, Worth},
    monitor::{Alarm, Code, Level},
    screen::{
        page::{Cell, Piece, Table, Thing, column, glyph, here, own, quiet, rest},
        parts::clock,
    },
};

/// The open alarms. They tell of what is known now, also while the picture is held still.
pub(crate) fn table(model: &Model) -> Table<'_> {
    let columns = vec![
        column("level"),
        column("code"),
        column("since"),
        column("taken on by"),
        rest("what; Enter explains, x takes it on"),
    ];
    let open = &model.alarms.open;
    let row = |at: usize| {
        let Some(alarm) = open.get(at) else { return Vec::new() };
        vec![
            vec![glyph(mark(alarm.level)), own(" "), here(alarm.level.word()).like(mark(alarm.level))],
            vec![here(alarm.code.word())],
            vec![here(clock(Time(alarm.since_ms)))],
            vec![taken_by(model, alarm)],
            told(model, alarm),
        ]
    };
    let heading = if open.is_empty() { own("no alarm is open") } else { own("alarms") };
    let delivers = if model.alarms.delivers { own("") } else { quiet("; another process tells the sinks") };
    let ground = |at: usize| open.get(at).map_or(Ground::HERE, |alarm| ground(model, alarm));
    Table::of(columns, open.len(), row)
        .under(vec![heading, delivers])
        .worth(model.live_worth())
        .resting(ground)
        .ranked(|at, title| match title {
            "level" => open.get(at).map(|alarm| alarm.level as u64),
            "since" => open.get(at).map(|alarm| alarm.since_ms),
            _ => None,
        })
        .about(|at| open.get(at).map(|alarm| Thing::Number(alarm.id)))
}

/// What an alarm rests on.
fn ground(model: &Model, alarm: &Alarm) -> Ground {
    let snapshot = model.live.snapshot.as_deref();
    match alarm.code {
        Code::Forked => Ground::Proven(Subject::Fork),
        Code::Accused => {
            let named = |key: &PublicKey| {
                snapshot.is_some_and(|snapshot| {
                    SafeText::name(&snapshot.names.called(key)).as_str() == alarm.subject
                })
            };
            let mut accused = snapshot.into_iter().flat_map(|snapshot| &snapshot.voting.evidence);
            let key = accused.find(|(key, _)| named(key)).map(|(key, _)| *key);
            key.map_or(Ground::VOTES, |key| Ground::Proven(Subject::Offence(key)))
        }
        Code::NoQuorum | Code::Silent | Code::Missed => Ground::VOTES,
        Code::Expired | Code::Stalled | Code::WitnessesLost | Code::TrustLow | Code::SetChanged => {
            model.newest()
        }
        _ => Ground::HERE,
    }
}

/// What an alarm is worth, where the chain or votes say what it says; none where this machine alone knows
/// that.
pub(crate) fn worth(model: &Model, alarm: &Alarm) -> Option<Worth> {
    let ground = ground(model, alarm);
    let is_of_the_chain = matches!(ground, Ground::Proven(_)) || ground == Ground::VOTES;
    is_of_the_chain.then(|| model.live_worth())
}

/// A text of an alarm, as what it is.
fn piece(worth: Option<Worth>, text: impl Display) -> Piece {
    match worth {
        Some(worth) => worth.fact(text),
        None => here(text),
    }
}

/// What the alarm rests on that a page was opened from.
pub(crate) fn opened(model: &Model, code: &str) -> Ground {
    under(model, code).map_or(Ground::HERE, |alarm| ground(model, alarm))
}

/// The alarm of this code that the cursor is on, where the alarms lie open below.
fn under<'a>(model: &'a Model, code: &str) -> Option<&'a Alarm> {
    let cursor = model.view.cursor(List::Alarms);
    let row = table(model).kept(&cursor).row(cursor.row)?;
    let is_open = model.view.layers.contains(&Layer::Alarms);
    model.alarms.open.get(row).filter(|alarm| is_open && alarm.code.word() == code)
}

/// How bad a level is.
pub(crate) const fn mark(level: Level) -> Mark {
    match level {
        Level::Critical => Mark::Refused,
        Level::Warning | Level::Info => Mark::Stale,
    }
}

fn told(model: &Model, alarm: &Alarm) -> Cell {
    let count = if alarm.count > 1 { format!(" x{}", alarm.count) } else { String::new() };
    let over = alarm.cleared_ms.map(|_| quiet(" (over)"));
    [text(model, alarm), here(count)].into_iter().chain(over).collect()
}

/// Who has acknowledged it.
fn taken_by(model: &Model, alarm: &Alarm) -> Piece {
    match &alarm.acknowledged {
        Some(taken) => here(if model.view.private { "(hidden)" } else { &taken.by }),
        None => quiet("nobody yet"),
    }
}

/// An open alarm of this code in full, where the alarms lie open below: in lines of at most `columns`
/// characters.
pub(crate) fn in_full(model: &Model, code: &str, columns: usize) -> Vec<Piece> {
    let Some(alarm) = under(model, code).filter(|_| !model.view.private) else { return Vec::new() };
    let (worth, text) = (worth(model, alarm), format!("{}: {}", alarm.subject, alarm.text));
    let text = wrapped(&text, columns).into_iter().map(|line| piece(worth, line));
    let taken = alarm.acknowledged.as_ref();
    let taken = taken.map(|taken| wrapped(&format!("taken on by {}: {}", taken.by, taken.reason), columns));
    text.chain(taken.into_iter().flatten().map(here)).collect()
}

/// What it is about and what it says.
fn text(model: &Model, alarm: &Alarm) -> Piece {
    let text = format!("{}: {}", alarm.subject, alarm.text);
    piece(worth(model, alarm), if model.view.private { "(hidden)".to_owned() } else { text })
}

/// The worst alarm that is critical and that nobody has taken on: it stands on every screen.
pub(crate) fn banner(model: &Model) -> Option<Table<'static>> {
    let urgent = |alarm: &&Alarm| alarm.level == Level::Critical && alarm.acknowledged.is_none();
    let alarm = model.alarms.open.iter().find(urgent)?;
    let code = here(format!(" {} {}", alarm.level.word(), alarm.code.word())).tone(Tone::Alarm);
    let cell = vec![
        glyph(Mark::Refused).tone(Tone::Alarm),
        code,
        own(": "),
        text(model, alarm).tone(Tone::Bad),
        quiet("  ! all, x takes it on"),
    ];
    Some(Table::rows(vec![rest("")], vec![vec![cell]]))
}
