//! How does the vote go? Verified votes of members and rounds, the power against the line, and how
//! the chain has done lately.

use std::collections::BTreeSet;

use qratum_chain::types::{Phase, Round};
use qratum_light_node::{MemberVote, Snapshot};
use qratum_themes::{Mark, Tone};
use qratum_verifier::{ballots::Cast, quorum::Tally};
use qratum_widgets::Column;
use ratatui::layout::{Constraint, Layout, Rect};

use super::{
    draw::{Pen, height},
    page::{Cell, Piece, Table, Thing, column, numbers, own, quiet, rest},
    parts::{clock, enough},
};
use crate::model::{Beat, Ground, List, Model, Subject, Worth};

/// The most rounds in sight: the newest.
const ROUNDS: usize = 4;
/// With less room than this, only the vote itself is shown, and the last heads.
const SHORT: u16 = 14;
/// Rows that are kept for the last heads, labels included.
const HEADS: u16 = 3;

/// Draws the screen.
pub(super) fn view(model: &Model, pen: &mut Pen<'_, '_>, area: Rect) {
    let power = power(model);
    let hidden = area.height < SHORT && model.view.panel() != List::Lately;
    let lately = if hidden { Table::facts(Vec::new()) } else { lately(model) };
    let tops = [Constraint::Length(height(&power)), Constraint::Length(height(&lately)), Constraint::Fill(1)];
    let [power_at, lately_at, rest] = Layout::vertical(tops).areas(area);
    let (votes, heads) = (votes(model), heads(model));
    let wanted = height(&votes).min(rest.height.saturating_sub(HEADS));
    let [votes_at, heads_at] =
        Layout::vertical([Constraint::Length(wanted), Constraint::Fill(1)]).areas(rest);
    for (list, table, at) in [
        (List::Power, &power, power_at),
        (List::Lately, &lately, lately_at),
        (List::Votes, &votes, votes_at),
        (List::Heads, &heads, heads_at),
    ] {
        pen.list(table, (&model.view.cursor(list), model.view.panel() == list), at);
    }
}

/// Power of the newest round, against the two-thirds line.
pub(super) fn power(model: &Model) -> Table<'static> {
    let Some((snapshot, (height, rounds))) =
        model.snapshot().and_then(|snapshot| Some((snapshot, snapshot.voting.progress.as_ref()?)))
    else {
        return Table::facts(vec![("votes", vec![own("none were heard yet")])]);
    };
    let worth = model.worth();
    let Some(round) = rounds.last() else { return Table::facts(Vec::new()) };
    let tally = |label, it: Tally| {
        let power = worth.fact(format!("{} of {} power", it.signed, it.total));
        let bar = worth.bar(it.signed, it.total, true);
        vec![vec![quiet(label)], vec![power], vec![own(enough(it))], vec![bar]]
    };
    let proposed = if round.proposed { "  proposed" } else { "  proposer not heard" };
    let place = format!("{height}  round {}{proposed}", round.round);
    let stuck = snapshot.voting.stuck.then(|| own("  it stands: too little power").tone(Tone::Bad));
    let heading = [own("vote on height "), worth.fact(place)].into_iter().chain(stuck);
    let rows = vec![tally("prevotes", round.prevotes), tally("precommits", round.precommits)];
    let columns = vec![column(""), column(""), column(""), rest("")];
    Table::rows(columns, rows).under(heading.collect()).worth(worth).resting(|_| Ground::VOTES)
}

/// Rounds lost, rate and lag over the last heads.
pub(super) fn lately(model: &Model) -> Table<'static> {
    let (pulse, worth) = (&model.shown().pulse, model.worth());
    let count = pulse.beats().len();
    let Some(newest) = pulse.beat(0) else { return Table::facts(Vec::new()) };
    let lost = pulse.beats().find(|beat| beat.round > 0);
    let last =
        lost.map(|beat| worth.fact(format!(", the last before {} (round {})", beat.height, beat.round)));
    let lost = [worth.fact(format!("{} before the last {count} heads", pulse.rounds_lost()))];
    let rate = pulse.rate_tenths().map_or_else(
        || own("one head is too few to say"),
        |tenths| worth.fact(format!("{}.{} blocks a minute", tenths / 10, tenths % 10)),
    );
    let lag = format!("{} ms from its time to its proof here, by the local clock", newest.lag_ms());
    let half = pulse.median_lag_ms().map(|ms| worth.fact(format!(", half of them within {ms} ms")));
    Table::facts(vec![
        ("rounds lost", lost.into_iter().chain(last).collect()),
        ("rate", vec![rate]),
        ("lag", [worth.fact(lag)].into_iter().chain(half).collect()),
    ])
    .under(vec![own("lately")])
    .worth(worth)
    .resting(|_| Ground::COUNTED)
}

/// Members and rounds.
pub(super) fn votes(model: &Model) -> Table<'_> {
    let Some(snapshot) = model.snapshot() else { return Table::rows(Vec::new(), Vec::new()) };
    let rounds = rounds(snapshot);
    let (worth, who) = (model.worth(), model.who(snapshot));
    let members = &snapshot.voting.members;
    let names = ["round", "round -1", "round -2", "round -3"];
    let mut columns: Vec<Column<'static>> = vec![column("validator"), numbers("power")];
    columns.extend(rounds.iter().zip(names).map(|(_, name)| column(name)));
    columns.push(rest("last vote"));
    let heading = match rounds.first() {
        Some(round) => vec![own("votes, from round "), worth.fact(round), own(" down: prevote precommit")],
        None => vec![own("votes")],
    };
    let row = move |at: usize| {
        let Some(member) = members.get(at) else { return Vec::new() };
        let name = vec![worth.name(who.validator(&member.key))];
        let mut cells = vec![name, vec![worth.fact(member.power)]];
        cells.extend(rounds.iter().map(|round| both(worth, member, *round)));
        cells.push(last(worth, member));
        cells
    };
    // Who it is and its power; the votes beside that stand in no block.
    let ground =
        |at: usize| members.get(at).map_or(Ground::HERE, |member| Ground::Proven(model.member(&member.key)));
    let thing = |at: usize| members.get(at).map(|member| Thing::Key(member.key));
    Table::of(columns, members.len(), row).under(heading).worth(worth).resting(ground).about(thing)
}

/// Rounds in which anybody voted, the newest first.
fn rounds(snapshot: &Snapshot) -> Vec<Round> {
    let votes = snapshot.voting.members.iter().flat_map(|member| &member.votes);
    let rounds: BTreeSet<Round> = votes.map(|cast| cast.place.round).collect();
    rounds.into_iter().rev().take(ROUNDS).collect()
}

/// The two votes of a member in a round.
fn both(worth: Worth, member: &MemberVote, round: Round) -> Cell {
    let vote = |phase| {
        let cast = member.votes.iter().find(|it| it.place.round == round && it.place.phase == phase);
        of(worth, cast)
    };
    vec![vote(Phase::Prevote), own(" "), vote(Phase::Precommit)]
}

fn of(worth: Worth, cast: Option<&Cast>) -> Piece {
    match cast.map(|cast| cast.value) {
        Some(Some(_)) => worth.fact("yes").like(Mark::Signed),
        Some(None) => worth.fact("nil"),
        None => worth.fact(" - ").like(Mark::Unsigned),
    }
}

fn last(worth: Worth, member: &MemberVote) -> Cell {
    let silent = member.silent.then(|| worth.fact("silent, ").like(Mark::Refused));
    let last = match &member.last {
        Some(Cast { place, value }) => {
            let phase = if place.phase == Phase::Prevote { "prevote" } else { "precommit" };
            let value = if value.is_some() { "" } else { " for nil" };
            worth.fact(format!("{phase}{value} at {} round {}", place.height, place.round))
        }
        None => quiet("none was heard"),
    };
    silent.into_iter().chain([last]).collect()
}

/// The last heads, the newest first.
pub(super) fn heads(model: &Model) -> Table<'_> {
    let (pulse, worth) = (&model.shown().pulse, model.worth());
    let columns = vec![
        numbers("height"),
        column("time"),
        numbers("round"),
        column("signed"),
        numbers("lag"),
        rest("block id"),
    ];
    let row = move |at: usize| {
        let Some(beat) = pulse.beat(at) else { return Vec::new() };
        let Beat { height, id, time, round, tally, .. } = beat;
        vec![
            vec![worth.fact(height)],
            vec![worth.fact(clock(*time))],
            vec![worth.fact(round)],
            vec![worth.fact(format!("{}/{}", tally.signed, tally.total))],
            vec![worth.fact(format!("{} ms", beat.lag_ms()))],
            vec![worth.hash(id)],
        ]
    };
    let ground =
        |at: usize| pulse.beat(at).map_or(Ground::HERE, |beat| Ground::Proven(Subject::Block(beat.height)));
    let rank = |at: usize, title: &str| pulse.beat(at).filter(|_| title == "time").map(|beat| beat.time.0);
    Table::of(columns, pulse.beats().len(), row)
        .under(vec![own("heads")])
        .worth(worth)
        .resting(ground)
        .ranked(rank)
        .about(|at| pulse.beat(at).map(|beat| Thing::Number(beat.height.0)))
}
