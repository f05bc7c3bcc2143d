//! What guards the secrets of this process: locked memory, a hardened process, a sandbox, and functions
//! whose time says nothing. The first three were asked of the kernel when the console started; the last
//! was measured by `make ct`, and is read from its report.

use qratum_chain::types::Time;
use qratum_themes::{Mark, Tone};
use ratatui::layout::{Constraint, Layout, Rect};

use super::{
    draw::{Pen, height},
    page::{Cell, Table, column, glyph, here, numbers, own, quiet, rest},
    parts::short,
};
use crate::{
    audit::{Audit, Build, Found, NAME, Operation},
    check::{Check, Word},
    model::{Ground, List, Model},
    time,
};

/// What the kernel said at the start.
const KERNEL: Ground = Ground::Unproven("the kernel was asked for it when this console started");
/// What a report of this build rests on.
const MEASURED: Ground = Ground::Unproven("make ct measured it, on the machine that its report names");
/// What a report of another build rests on.
const ELSEWHERE: Ground = Ground::Unproven("make ct measured it, and not shown to be on this build");
/// What rests on nothing.
const NOTHING: Ground = Ground::Unproven("nothing was measured on this build");

/// Draws the screen.
pub(super) fn view(model: &Model, pen: &mut Pen<'_, '_>, area: Rect) {
    let (guards, audit) = (guards(model), audit(model));
    let wanted = height(&guards).min(area.height.saturating_sub(height(&audit).min(area.height / 3)));
    let [guards_at, audit_at] =
        Layout::vertical([Constraint::Length(wanted), Constraint::Fill(1)]).areas(area);
    for (list, table, at) in [(List::Guards, &guards, guards_at), (List::Audit, &audit, audit_at)] {
        pen.list(table, (&model.view.cursor(list), model.view.panel() == list), at);
    }
}

/// What is in force, and below it what to do where it is not.
pub(super) fn guards(model: &Model) -> Table<'_> {
    let rows: Vec<Vec<Cell>> = model.guards.iter().flat_map(guard).collect();
    let columns = vec![column(""), rest("")];
    Table::rows(columns, rows).under(vec![own("this process, as it started")]).resting(|_| KERNEL)
}

fn guard(Check { check, verdict, text, todo }: &Check) -> Vec<Vec<Cell>> {
    let (mark, tone) = match verdict {
        Word::Ok => (Mark::Connected, Tone::Good),
        Word::Warn => (Mark::Stale, Tone::Warn),
        Word::Fail => (Mark::Refused, Tone::Bad),
    };
    let name = vec![glyph(mark).tone(tone), own(" "), here(check)];
    let said = here(text);
    let said = if *verdict == Word::Ok { said } else { said.tone(tone) };
    let todo = todo.iter().flat_map(|todo| todo.lines());
    let todo = todo.map(|line| vec![Vec::new(), vec![quiet("-> "), here(line)]]);
    [vec![name, vec![said]]].into_iter().chain(todo).collect()
}

/// What `make ct` says of each function.
pub(super) fn audit(model: &Model) -> Table<'_> {
    match &model.audit {
        Found::Nothing => missing(vec![own("not measured on this build")]),
        Found::Unreadable(why) => missing(vec![
            glyph(Mark::Refused),
            own(" "),
            here(if model.view.private { "(hidden)" } else { why }),
        ]),
        Found::Report(audit) => measured(audit, &model.build),
    }
}

fn missing(why: Cell) -> Table<'static> {
    let how = vec![quiet("-> make ct OUT=HOME/"), quiet(NAME), quiet(" measures it")];
    Table::rows(vec![rest("")], vec![vec![why], vec![how]])
        .under(vec![own("constant time")])
        .resting(|_| NOTHING)
}

fn measured<'a>(audit: &'a Audit, own: &Build) -> Table<'a> {
    let columns = vec![
        column("function"),
        column("verdict"),
        numbers("|t|"),
        numbers("calls").optional(),
        numbers("memcheck"),
        rest(""),
    ];
    let row = |at: usize| audit.operations.get(at).map(operation).unwrap_or_default();
    let differs = audit.differs(own);
    let ground = if differs.is_some() { ELSEWHERE } else { MEASURED };
    Table::of(columns, audit.operations.len(), row)
        .under(heading(audit, differs))
        .resting(move |_| ground.clone())
}

/// Whether all is as it must be, and of which build that is true.
fn heading(audit: &Audit, differs: Option<String>) -> Cell {
    let Build { version, commit, profile, .. } = &audit.build;
    let verdict = match (differs, audit.good) {
        (Some(differs), _) => {
            vec![glyph(Mark::Stale), here(format!(" NOT SHOWN FOR THIS BUILD: {differs}")).tone(Tone::Warn)]
        }
        (None, true) => vec![glyph(Mark::Connected).tone(Tone::Good), own(" as it must be")],
        (None, false) => vec![glyph(Mark::Refused), own(" NOT as it must be").tone(Tone::Bad)],
    };
    let day = time::format(Time(audit.time_ms)).get(..10).unwrap_or_default().to_owned();
    let commit = commit.as_deref().map_or_else(|| "no known commit".to_owned(), short);
    let build = here(format!("  {version} {profile}, {commit}, {day}"));
    [own("constant time  ")].into_iter().chain(verdict).chain([build]).collect()
}

fn operation(operation: &Operation) -> Vec<Cell> {
    let nothing = operation.t_test.is_none() && operation.memcheck.is_none();
    let verdict = match (operation.planted, operation.good) {
        _ if nothing => vec![glyph(Mark::Stale), own(" not run").tone(Tone::Warn)],
        (false, true) => vec![glyph(Mark::Connected).tone(Tone::Good), own(" constant")],
        (true, true) => vec![glyph(Mark::Connected).tone(Tone::Good), own(" planted leak found")],
        (false, false) => vec![glyph(Mark::Refused), own(" LEAKS").tone(Tone::Bad)],
        (true, false) => vec![glyph(Mark::Refused), own(" PLANTED LEAK NOT FOUND").tone(Tone::Bad)],
    };
    let not_run = || vec![quiet("not run")];
    let t = operation.t_test.map(|said| format!("{}.{:03}", said.t_milli / 1000, said.t_milli % 1000));
    let calls = operation.t_test.map(|said| vec![here(said.samples)]);
    vec![
        vec![here(&operation.name)],
        verdict,
        t.map_or_else(not_run, |t| vec![here(t)]),
        calls.unwrap_or_default(),
        operation.memcheck.map_or_else(not_run, |said| vec![here(said.findings)]),
    ]
}
