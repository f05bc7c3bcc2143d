//! Where do random bytes come from, and are they good enough for a key? All of it was measured here: the
//! chain says nothing of it, and so nothing on this screen is verified or unverified.

use std::time::Duration;

use qratum_custody::entropy::{
    Basis, GeneratorReport, MAX_AGE, MIN_TOTAL, Report, SourceReport, Standing, Tally,
};
use qratum_themes::{Mark, Tone};
use ratatui::layout::{Constraint, Layout, Rect};

use super::{
    draw::{Pen, height},
    page::{Cell, Piece, Table, column, glyph, here, numbers, own, quiet, rest, spark},
};
use crate::{
    command::entropy::class,
    model::{Ground, Health, List, Model, Mood},
    time,
};

/// What a claimed source rests on.
const CLAIMED: Ground = Ground::Unproven("its vendor claims the bits; here only its output is checked");
/// What a tested one rests on.
const TESTED: Ground = Ground::Unproven("its raw samples are tested here, as NIST SP 800-90B has it");
/// What one rests on that is not credited.
const UNCREDITED: Ground = Ground::Unproven("it adds to the pool and is credited with nothing");
/// What the pool rests on.
const COUNTED: Ground = Ground::Unproven("counted here: of each class its best source, no sum of both");
/// What the generator rests on.
const GENERATOR: Ground = Ground::Unproven("SP 800-90A; qratum entropy selftest holds it to known answers");
/// What the memory rests on.
const KERNEL: Ground = Ground::Unproven("the kernel said so when this process asked for the memory");

/// Draws the screen.
pub(super) fn view(model: &Model, pen: &mut Pen<'_, '_>, area: Rect) {
    let (sources, pool) = (sources(model), pool(model));
    let below = height(&pool).min(area.height / 2);
    let [sources_at, pool_at] = Layout::vertical([
        Constraint::Length(height(&sources).min(area.height.saturating_sub(below))),
        Constraint::Fill(1),
    ])
    .areas(area);
    for (list, table, at) in [(List::Randomness, &sources, sources_at), (List::Pool, &pool, pool_at)] {
        pen.list(table, (&model.view.cursor(list), model.view.panel() == list), at);
    }
}

/// How all of it is, in a few words.
pub(super) fn summary(model: &Model) -> Cell {
    let health = &model.shown().health;
    let (good, there) = health.counts();
    let count = here(format!("{good} of {there} sources"));
    let bits = match health.report().map(|report| &report.pool) {
        Some(Ok(tally)) => here(format!(", {} bits, {MIN_TOTAL} needed", tally.total)),
        _ => own(", and no seed"),
    };
    match health.mood() {
        Mood::Unknown => vec![quiet("not asked yet")],
        Mood::Well => vec![own("ok").tone(Tone::Good), own("  "), count, bits],
        Mood::Fewer => vec![glyph(Mark::Stale), own(" fewer  ").tone(Tone::Warn), count, bits],
        Mood::Low => vec![glyph(Mark::Refused), own(" LOW  ").tone(Tone::Bad), count, bits],
    }
}

/// The sources, in the order in which they are asked.
pub(super) fn sources(model: &Model) -> Table<'_> {
    let columns = vec![
        column("source"),
        column("state"),
        numbers("bits"),
        numbers("samples").optional(),
        numbers("alarms"),
        numbers("failed"),
        column("last failed").optional(),
        numbers("bytes/s").optional(),
        numbers("takes"),
        rest("lately"),
    ];
    let health = &model.shown().health;
    let count = health.report().map_or(0, |report| report.sources.len());
    let row = move |at: usize| health.source(at).map_or_else(Vec::new, |source| cells(model, health, source));
    let ground = |at: usize| health.source(at).map_or(Ground::HERE, basis);
    let heading = [own("randomness here  ")].into_iter().chain(summary(model));
    Table::of(columns, count, row).under(heading.collect()).resting(ground)
}

fn cells(model: &Model, health: &Health, source: &SourceReport) -> Vec<Cell> {
    let SourceReport { id, credited, claimed, alarms, failures, samples, .. } = source;
    let mut cells = vec![vec![own(id)], standing(source.standing)];
    if source.standing == Standing::Absent && !source.has_given {
        return cells;
    }
    let last = source.last_failure.map_or_else(
        || quiet("never"),
        |(ago, _)| here(format!("{} ago", time::age(health.age_ms(ago, model.now)))),
    );
    let measured = |what: Option<Piece>| what.into_iter().collect();
    cells.extend([
        vec![here(format!("{credited}/{claimed}"))],
        vec![here(samples)],
        vec![here(alarms)],
        vec![here(failures)],
        vec![last],
        measured(source.rate().map(here)),
        measured(source.latency.map(|latency| here(span(latency)))),
        vec![spark(health.latencies(id))],
    ]);
    cells
}

fn standing(standing: Standing) -> Cell {
    let (mark, tone) = match standing {
        Standing::Healthy => (Mark::Connected, Tone::Good),
        Standing::Absent => (Mark::Apart, Tone::Quiet),
        Standing::Denied | Standing::Failed | Standing::TimedOut => (Mark::Stale, Tone::Warn),
        Standing::Unhealthy => (Mark::Refused, Tone::Bad),
    };
    vec![glyph(mark).tone(tone), own(" "), own(standing.word()).tone(tone)]
}

const fn basis(source: &SourceReport) -> Ground {
    match source.basis {
        Basis::Claimed => CLAIMED,
        Basis::Assessed => TESTED,
        Basis::None => UNCREDITED,
    }
}

/// A time in milliseconds, a short one in microseconds.
fn span(time: Duration) -> String {
    match time.as_micros() {
        micros @ 0..1000 => format!("{micros} us"),
        micros => format!("{}.{} ms", micros / 1000, micros / 100 % 10),
    }
}

/// The pool, the generator and the memory.
pub(super) fn pool(model: &Model) -> Table<'static> {
    let Some(report) = model.shown().health.report() else { return Table::facts(Vec::new()) };
    Table::grounded(vec![
        ("pool", fed(&report.pool), COUNTED),
        ("generator", generator(model, report), GENERATOR),
        ("memory", memory(report), KERNEL),
    ])
}

fn fed(pool: &Result<Tally, String>) -> Cell {
    match pool {
        Ok(Tally { kernel, others, total }) => vec![here(format!(
            "{total} bits credited, {MIN_TOTAL} needed: {kernel} of the kernel, the rest of {others} classes"
        ))],
        Err(why) => bad("no seed: ", here(why)),
    }
}

fn generator(model: &Model, report: &Report) -> Cell {
    let Some(GeneratorReport { requests, age }) = report.generator else {
        return bad("not seeded: it draws nothing", own(""));
    };
    let age = model.shown().health.age_ms(age, model.now);
    let text = here(format!("seeded {} ago, {requests} draws since", time::age(age)));
    if u128::from(age) < MAX_AGE.as_millis() { vec![text] } else { bad("too old: ", text) }
}

fn memory(report: &Report) -> Cell {
    match report.memory {
        Some(status) if status.is_locked() => vec![here(status)],
        Some(status) => bad("", here(status)),
        None => bad("there is none for secrets", own("")),
    }
}

fn bad(words: &'static str, what: Piece) -> Cell {
    vec![glyph(Mark::Refused), own(" "), own(words).tone(Tone::Bad), what.tone(Tone::Bad)]
}

/// All that is known of a source.
pub(crate) fn source(model: &Model, place: usize) -> Table<'static> {
    let health = &model.shown().health;
    let Some(source) = health.source(place) else { return Table::facts(Vec::new()) };
    let SourceReport { id, credited, claimed, samples, alarms, asked, failures, .. } = source;
    let why = match source.basis {
        Basis::Claimed => "claimed by its vendor",
        Basis::Assessed => "tested here, and credited far below what was assessed",
        Basis::None => "not credited",
    };
    let failed = source.last_failure.map(|(ago, fault)| (time::age(health.age_ms(ago, model.now)), fault));
    let of_time = |what: Option<String>| vec![what.map_or_else(|| quiet("not measured"), here)];
    let rate = source.rate().map(|rate| format!("{rate} bytes a second"));
    let rows = vec![
        ("state", standing(source.standing)),
        ("class", vec![own(class(source.class))]),
        ("credited", vec![here(format!("{credited} of {claimed} bits, ")), own(why)]),
        ("tests", vec![here(format!("alarms raised: {alarms}; samples tested: {samples}"))]),
        ("asked", vec![here(format!("{asked} times, of which failed: {failures}"))]),
        (
            "last failed",
            vec![failed.as_ref().map_or_else(|| quiet("never"), |(ago, _)| here(format!("{ago} ago")))],
        ),
        ("because", failed.map(|(_, fault)| here(fault)).into_iter().collect()),
        ("takes", of_time(source.latency.map(span))),
        ("rate", of_time(rate)),
        ("lately", vec![spark(health.latencies(id))]),
    ];
    let ground = basis(source);
    Table::facts(rows).under(vec![own("source "), own(id)]).resting(move |_| ground.clone())
}
