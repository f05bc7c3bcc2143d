//! What was asked for, who answered, and what came of it? Approvals are the requests that wait; the audit
//! is all others. One table of the state for both, proven after one block.

use qratum_chain::{
    ledger::Request,
    types::{AccountId, Height, RequestId},
};
use qratum_themes::{Mark, Tone};
use qratum_widgets::Column;
use ratatui::layout::Rect;

use super::{
    draw::Pen,
    page::{Cell, Piece, Table, Thing, column, here, numbers, own, quiet, rest},
};
use crate::{
    acting::words,
    model::{Ground, List, Model, People, Standing, Subject, Worth, start_of},
    time,
};

/// Draws the requests that wait.
pub(super) fn approvals(model: &Model, pen: &mut Pen<'_, '_>, area: Rect) {
    pen.list(&waiting(model), (&model.view.cursor(List::Approvals), true), area);
}

/// Draws those that do not.
pub(super) fn audit(model: &Model, pen: &mut Pen<'_, '_>, area: Rect) {
    pen.list(&closed(model), (&model.view.cursor(List::Acts), true), area);
}

type Row<'a> = (RequestId, &'a Request, Standing);

/// Requests with how they stand now, the newest first.
fn all(model: &Model) -> Vec<Row<'_>> {
    let Some(people) = model.people() else { return Vec::new() };
    let stands = |request| people.standing(request, model.now);
    people.requests.iter().map(|(id, request)| (*id, request, stands(request))).collect()
}

/// Those that wait, the first to end first.
fn open(model: &Model) -> Vec<Row<'_>> {
    let mut rows = all(model);
    rows.retain(|(.., standing)| *standing == Standing::Open);
    rows.sort_by_key(|(_, request, _)| request.proposal.expiry);
    rows
}

/// Those that do not, the newest first.
fn over(model: &Model) -> Vec<Row<'_>> {
    let mut rows = all(model);
    rows.retain(|(.., standing)| *standing != Standing::Open);
    rows
}

/// The request in a row of one of the two lists.
pub(crate) fn in_row(model: &Model, list: List, row: usize) -> Option<RequestId> {
    let rows = match list {
        List::Approvals => open(model),
        List::Acts => over(model),
        _ => return None,
    };
    rows.get(row).map(|(id, ..)| *id)
}

/// Who answers a request from here: whoever may, else the first whose key is set up here, who is told why
/// not.
pub(crate) fn who(model: &Model, id: RequestId) -> Option<AccountId> {
    let may = |me: &&AccountId| {
        let people = model.people()?;
        people.bars(me, people.request(id)?, model.now).is_none().then_some(())
    };
    model.me.iter().find(|me| may(me).is_some()).or(model.me.first()).cloned()
}

/// How many requests wait for whoever acts here.
pub(crate) fn for_me(model: &Model) -> usize {
    let Some(people) = model.people() else { return 0 };
    let may = |request: &Request| model.me.iter().any(|me| people.bars(me, request, model.now).is_none());
    open(model).into_iter().filter(|(_, request, _)| may(request)).count()
}

/// The requests that wait.
pub(super) fn waiting(model: &Model) -> Table<'_> {
    let columns = vec![
        column("ends in"),
        column("request"),
        column("asked by"),
        numbers("yes"),
        column("missing"),
        column("you").optional(),
        rest("what"),
    ];
    let rows = open(model);
    let mine = for_me(model);
    let heading = vec![
        own("requests that wait: "),
        model.people_worth().fact(rows.len()),
        here(if mine > 0 { format!(", {mine} for you") } else { String::new() }),
    ];
    listed(model, columns, rows, heading, waiting_row)
}

fn waiting_row(model: &Model, people: &People, (id, request, _): &Row<'_>) -> Vec<Cell> {
    let worth = model.people_worth();
    let threshold = people.rule(request).map_or(0, |rule| rule.threshold);
    let given = people.given(request).len();
    vec![
        vec![worth.fact(time::age(time::since(model.now, request.proposal.expiry)))],
        vec![worth.fact(start_of(*id))],
        vec![name(model, worth, &request.requester)],
        vec![worth.fact(format!("{given} of {threshold}"))],
        vec![worth.fact(people.missing(request))],
        vec![you(model, people, request)],
        vec![what(model, worth, request)],
    ]
}

/// Those that were carried out, rejected, or are over.
pub(super) fn closed(model: &Model) -> Table<'_> {
    let columns = vec![
        numbers("height"),
        column("outcome"),
        column("request"),
        column("asked by"),
        numbers("yes").optional(),
        rest("what"),
    ];
    let rows = over(model);
    let heading = vec![own("requests that are closed: "), model.people_worth().fact(rows.len())];
    listed(model, columns, rows, heading, closed_row)
}

fn closed_row(model: &Model, _: &People, (id, request, standing): &Row<'_>) -> Vec<Cell> {
    let worth = model.people_worth();
    let (height, mark, word) = match standing {
        Standing::Executed(height) => (*height, Mark::Signed, "executed"),
        Standing::Rejected(height) => (*height, Mark::Refused, "rejected"),
        Standing::Void => (request.opened, Mark::Stale, "void"),
        Standing::Expired => (request.opened, Mark::Stale, "expired"),
        Standing::Open => (request.opened, Mark::Stale, "open"),
    };
    let yes = request.voices.iter().filter(|voice| voice.approves).count();
    vec![
        vec![worth.fact(height)],
        vec![worth.glyph(mark), own(" "), worth.fact(word)],
        vec![worth.fact(start_of(*id))],
        vec![name(model, worth, &request.requester)],
        vec![worth.fact(yes)],
        vec![what(model, worth, request)],
    ]
}

type Maker = fn(&Model, &People, &Row<'_>) -> Vec<Cell>;

/// The rows under a heading that says whether these are all there are.
fn listed<'a>(
    model: &'a Model,
    columns: Vec<Column<'static>>,
    rows: Vec<Row<'a>>,
    mut heading: Cell,
    make: Maker,
) -> Table<'a> {
    let Some(people) = model.people() else {
        let why = if model.head().is_some() { "being proven ..." } else { "nothing is verified yet" };
        return Table::of(columns, 0, |_| Vec::new()).under(vec![own("requests: "), quiet(why)]);
    };
    let known = u64::try_from(people.requests.len()).unwrap_or(u64::MAX);
    if known < people.count {
        heading
            .push(model.people_worth().fact(format!(" (the newest {known} of {} were read)", people.count)));
    }
    let ids: Vec<RequestId> = rows.iter().map(|(id, ..)| *id).collect();
    let things = ids.clone();
    let len = rows.len();
    Table::of(columns, len, move |at| rows.get(at).map(|row| make(model, people, row)).unwrap_or_default())
        .under(heading)
        .worth(model.people_worth())
        .resting(move |at| ids.get(at).map_or(Ground::HERE, |id| Ground::Proven(Subject::Request(*id))))
        .about(move |at| {
            let [a, b, c, d, e, f, g, h, ..] = things.get(at)?.0.0;
            Some(Thing::Number(u64::from_be_bytes([a, b, c, d, e, f, g, h])))
        })
}

/// The name of an account, unless names are hidden.
fn name(model: &Model, worth: Worth, account: &AccountId) -> Piece {
    if model.view.private { worth.fact("(hidden)") } else { worth.name(account) }
}

/// What is asked for. It names somebody.
fn what(model: &Model, worth: Worth, request: &Request) -> Piece {
    worth.fact(if model.view.private {
        request.proposal.action.class().word().to_owned()
    } else {
        words::action(&request.proposal.action)
    })
}

/// Whether whoever acts here may answer, and why not.
fn you(model: &Model, people: &People, request: &Request) -> Piece {
    let bars = model.me.iter().map(|me| people.bars(me, request, model.now));
    let mut bars: Vec<Option<&str>> = bars.collect();
    bars.sort_unstable();
    match bars.first() {
        None => quiet("watching"),
        Some(None) => own("a answers").tone(Tone::Title),
        Some(Some(why)) => here(why).tone(Tone::Quiet),
    }
}

/// One request, with all that is known of it.
pub(crate) fn detail(model: &Model, id: RequestId) -> Table<'static> {
    let found = model.people().and_then(|people| Some((people, people.request(id)?)));
    let Some((people, request)) = found else { return Table::facts(Vec::new()) };
    let worth = model.people_worth();
    let ground = Ground::Proven(Subject::Request(id));
    let mut rows = vec![
        ("asks to", vec![what(model, worth, request)]),
        ("asked by", vec![name(model, worth, &request.requester), worth.fact(opened(request))]),
        ("stands", vec![worth.fact(stands(people.standing(request, model.now)))]),
        ("ends", vec![worth.fact(time::format(request.proposal.expiry))]),
        ("missing", vec![worth.fact(people.missing(request))]),
    ];
    rows.extend(people.rule(request).map(|rule| ("the rule", vec![worth.fact(words::rule(rule))])));
    for voice in &request.voices {
        let (mark, says) =
            if voice.approves { (Mark::Signed, " says yes") } else { (Mark::Refused, " says no") };
        let text = format!("{says} as {}, height {}", voice.role, voice.height);
        rows.push((
            "",
            vec![worth.glyph(mark), own(" "), name(model, worth, &voice.account), worth.fact(text)],
        ));
    }
    rows.push(("you", vec![you(model, people, request)]));
    rows.push(("request", vec![worth.hash(id)]));
    let rows = rows.into_iter().map(|(label, cell)| (label, cell, ground.clone())).collect();
    Table::grounded(rows).under(vec![own("request "), worth.fact(start_of(id))]).worth(worth)
}

fn opened(request: &Request) -> String {
    format!(" at height {}", request.opened)
}

fn stands(standing: Standing) -> String {
    let at = |word: &str, height: Height| format!("{word} at height {height}");
    match standing {
        Standing::Open => "open".to_owned(),
        Standing::Expired => "its time is over: nobody can answer".to_owned(),
        Standing::Void => "void: the policy was changed since".to_owned(),
        Standing::Executed(height) => at("executed", height),
        Standing::Rejected(height) => at("rejected", height),
    }
}
