//! The first screen: what is verified, who signed it, who told us.

use qratum_chain::{PublicKey, types::ValidatorSet};
use qratum_light_node::{PeerView, Snapshot, State, StoreState};
use qratum_themes::{Mark, Tone};
use qratum_verifier::{Trusted, quorum::Tally};
use ratatui::layout::{Constraint, Layout, Rect};

use super::{
    draw::{Pen, height},
    entropy, logs,
    page::{
        Cell, Piece, Table, Thing, column, glyph, here, here_hash, here_name, numbers, own, quiet, rest,
        sign, word,
    },
    parts::{ends, enough, listed, share},
};
use crate::{
    model::{Ground, List, Model, Mood, Subject},
    time,
};

/// How many rows notices may take.
const NOTICES: u16 = 3;
/// From this width on, peers stand beside validators.
const WIDE: u16 = 110;
/// How many refusals are shown.
const REFUSALS: u16 = 3;
/// With less room than this, only what is wrong with randomness is told: the bar has a word of it.
const SHORT: u16 = 14;
/// With less room than this, what happened is left to its own screen.
const LOG: u16 = 4;

/// Draws the screen.
pub(super) fn view(model: &Model, pen: &mut Pen<'_, '_>, area: Rect) {
    let (cursor, keys) = (|list| model.view.cursor(list), |list| model.view.panel() == list);
    let notices = notices(model);
    let [notices_at, rest] =
        Layout::vertical([Constraint::Length(height(&notices).min(NOTICES)), Constraint::Fill(1)])
            .areas(area);
    pen.list(&notices, (&cursor(List::Notices), keys(List::Notices)), notices_at);
    let newest = head(model);
    let [head_at, rest] =
        Layout::vertical([Constraint::Length(height(&newest)), Constraint::Fill(1)]).areas(rest);
    pen.list(&newest, (&cursor(List::Head), keys(List::Head)), head_at);
    if model.snapshot().is_none_or(|snapshot| snapshot.state == State::Loading) {
        // It lasts a moment; what would be drawn now only keeps a slow line from what comes next.
        return;
    }
    let machine = machine(model, area.height >= SHORT);
    let [machine_at, rest] =
        Layout::vertical([Constraint::Length(height(&machine)), Constraint::Fill(1)]).areas(rest);
    pen.table(&machine, machine_at);
    let (members, sources, refused) = (members(model), sources(model), refused(model));
    let [tables_at, refused_at, log_at] = below((height(&members), height(&sources)), &refused, rest);
    let (members_at, sources_at) = split((height(&members), height(&sources)), tables_at);
    pen.list(&members, (&cursor(List::Members), keys(List::Members)), members_at);
    pen.list(&sources, (&cursor(List::Sources), keys(List::Sources)), sources_at);
    pen.table(&refused, refused_at);
    if log_at.height >= LOG {
        pen.table(&logs::beside_heads(model), log_at);
    }
}

/// How the randomness of this machine is; where there is little room, only what is not well.
fn machine(model: &Model, roomy: bool) -> Table<'static> {
    let worth_a_row = match model.shown().health.mood() {
        Mood::Unknown => false,
        Mood::Well => roomy,
        Mood::Fewer | Mood::Low => true,
    };
    let row = worth_a_row.then(|| ("randomness", entropy::summary(model)));
    Table::facts(row.into_iter().collect())
}

/// Room for members and peers, for refusals, and for what happened, where some is left.
fn below((members, sources): (u16, u16), refused: &Table<'_>, area: Rect) -> [Rect; 3] {
    let tables = if area.width >= WIDE { members.max(sources) } else { members.saturating_add(sources) };
    let refused = if refused.len > 0 { height(refused).min(REFUSALS.saturating_add(1)) } else { 0 };
    let rows =
        [Constraint::Length(tables.min(area.height)), Constraint::Length(refused), Constraint::Fill(1)];
    Layout::vertical(rows).areas(area)
}

/// Side by side, or below each other: then peers keep a third where validators would take it all.
fn split((members, sources): (u16, u16), area: Rect) -> (Rect, Rect) {
    if area.width >= WIDE {
        let [left, right] = Layout::horizontal([Constraint::Fill(1); 2]).areas(area);
        return (left, right);
    }
    let sources = sources.min((area.height / 3).max(area.height.saturating_sub(members)));
    let members = members.min(area.height.saturating_sub(sources));
    let [above, below] = Layout::vertical([Constraint::Length(members), Constraint::Fill(1)]).areas(area);
    (above, below)
}

/// A line that tells what is wrong, and what it rests on.
type Told = (Cell, Ground);

/// What went wrong, the newest first, each in one row; where there are more than room for them, under a
/// heading, which says how many.
pub(super) fn notices(model: &Model) -> Table<'static> {
    let (rows, grounds): (Vec<_>, Vec<Ground>) = told(model).into_iter().rev().unzip();
    let count = rows.len();
    let rows = rows.into_iter().map(|cell| vec![cell]).collect();
    let table =
        Table::rows(vec![rest("")], rows).resting(move |at| grounds.get(at).cloned().unwrap_or(Ground::HERE));
    let all_seen = count <= usize::from(NOTICES);
    if all_seen { table } else { table.under(vec![own("what is wrong, newest first")]) }
}

/// What went wrong, the newest last.
fn told(model: &Model) -> Vec<Told> {
    let shown = model.shown();
    let hide = |text: &str| if model.view.private { "(hidden)".to_owned() } else { text.to_owned() };
    let of_this_machine = |text: String| (bad(vec![here(text)]), Ground::HERE);
    let mut rows: Vec<Told> =
        shown.notices.iter().map(|notice| of_this_machine(hide(&notice.text))).collect();
    let Some(snapshot) = model.snapshot() else { return rows };
    match &snapshot.store {
        // As beside a demo or another console: normal, and no fault.
        StoreState::InUse => {
            let text = "another qratum keeps this home's store: this one only looks";
            rows.push((vec![quiet(text)], Ground::HERE));
        }
        StoreState::Failed(why) => {
            rows.push(of_this_machine(format!("the store failed, nothing is kept: {}", hide(why))));
        }
        StoreState::RolledBack { found, highest } => rows.push(of_this_machine(format!(
            "the store was rolled back or lost: it led to {found}, verified before was {highest}"
        ))),
        StoreState::None | StoreState::Kept { .. } => {}
    }
    rows.extend(of_the_chain(model, snapshot).into_iter().map(|(cell, ground)| (bad(cell), ground)));
    rows
}

fn bad(mut rest: Cell) -> Cell {
    rest.insert(0, glyph(Mark::Refused));
    rest.insert(1, own(" "));
    rest.into_iter().map(|piece| piece.tone(Tone::Bad)).collect()
}

/// What is wrong by what the chain or its votes say.
fn of_the_chain(model: &Model, snapshot: &Snapshot) -> Vec<Told> {
    let (worth, who, mut rows) = (model.worth(), model.who(snapshot), Vec::new());
    let silent = snapshot.voting.members.iter().filter(|member| member.silent);
    let silent: Vec<PublicKey> = silent.map(|member| member.key).collect();
    if !silent.is_empty() {
        let Tally { signed, total } = snapshot.voting.missing();
        let mut cell = vec![worth.fact("no vote from ")];
        cell.extend(listed(&who, &silent, worth));
        cell.push(worth.fact(format!(", with {signed} of {total} power")));
        rows.push((cell, Ground::VOTES));
    }
    for (key, _) in &snapshot.voting.evidence {
        let cell = vec![worth.name(who.validator(key)), worth.fact(" signed twice in one place")];
        rows.push((cell, Ground::Proven(Subject::Offence(*key))));
    }
    if let Some(offset) = snapshot.clock_offset_ms {
        let text = format!("the local clock is {}: set it right", time::offset(offset));
        rows.push((vec![here(text)], Ground::HERE));
    }
    if let Some(fork) = &snapshot.fork {
        let cell = vec![worth.fact(format!("the chain has forked at height {}", fork.height()))];
        rows.push((cell, Ground::Proven(Subject::Fork)));
    }
    rows
}

/// The head: height, id, and whether enough power signed it. Before the first, nothing is shown that
/// could be taken for one.
pub(super) fn head(model: &Model) -> Table<'static> {
    match (model.snapshot(), model.head()) {
        (Some(_), Some(head)) => facts(model, head),
        (Some(snapshot), None) => {
            let peers = snapshot.peers.len();
            let wait = vec![here(format!("waiting for a first verified head from {peers} peers ..."))];
            let anchor = vec![here_hash(model.anchor)];
            Table::facts(vec![("head", wait), ("anchor", anchor)]).one()
        }
        (None, _) => Table::facts(vec![("head", vec![own("the light node is starting ...")])]).one(),
    }
}

fn facts(model: &Model, head: &Trusted) -> Table<'static> {
    let (header, tally, worth) = (head.header().get(), head.tally(), model.worth());
    let label = if worth.mark() == Mark::Verified { "head " } else { "last head " };
    let place = format!("{}  round {}  set {}", header.height, header.round, header.set_id);
    let age = time::age(time::since(header.time, model.now));
    let power = format!("{} of {} power", tally.signed, tally.total);
    let enough = here(format!("  {}  ", enough(tally)));
    // One that is another with each second is not read to its end; one that stays is shown as a whole.
    let id = head.id().to_string();
    let id = if worth.mark() == Mark::Verified { ends(&id) } else { id };
    let rows = vec![
        ("block id", vec![worth.hash(id)]),
        ("signed", vec![worth.fact(power), enough, worth.bar(tally.signed, tally.total, true)]),
    ];
    let heading = vec![own(label), worth.fact(place), here(format!("  {age} old"))];
    let ground = model.newest();
    Table::facts(rows).under(heading).worth(worth).one().resting(move |_| ground.clone())
}

/// Who signed? One row for each member of the set that certified the head.
pub(super) fn members(model: &Model) -> Table<'_> {
    let columns = vec![column(""), numbers(""), numbers("").optional(), column(""), rest("")];
    let (Some(snapshot), Some(head)) = (model.snapshot(), model.head()) else {
        return Table::of(columns, 0, |_| Vec::new());
    };
    let (set, worth, who) = (head.validators(), model.worth(), model.who(snapshot));
    let (total, count) = (set.total_power(), set.members().len());
    let row = move |at: usize| {
        let Some(leaf) = set.members().get(at) else { return Vec::new() };
        let signed = u32::try_from(at).is_ok_and(|index| head.signers().contains(&index));
        let mark = if signed { Mark::Signed } else { Mark::Unsigned };
        vec![
            vec![worth.glyph(mark), own(" "), worth.name(who.validator(&leaf.pubkey))],
            vec![worth.fact(leaf.power)],
            vec![worth.fact(share(leaf.power.into(), total))],
            vec![worth.word(mark)],
            // Of the power, and not of who signed: which signatures a certificate holds changes with each
            // block where all is well.
            vec![worth.bar(leaf.power.into(), total, false)],
        ]
    };
    let heading = vec![own("validators "), worth.fact(count), own(": power, share, certificate")];
    Table::of(columns, count, row)
        .under(heading)
        .worth(worth)
        .resting(move |at| seated(model, set, at))
        .about(|at| set.members().get(at).map(|leaf| Thing::Key(leaf.pubkey)))
}

/// What a member of a set rests on.
pub(super) fn seated(model: &Model, set: &ValidatorSet, at: usize) -> Ground {
    let leaf = set.members().get(at);
    leaf.map_or(Ground::HERE, |leaf| Ground::Proven(model.member(&leaf.pubkey)))
}

/// The peers, and what they claim.
pub(super) fn sources(model: &Model) -> Table<'_> {
    let columns = vec![column(""), column(""), rest("")];
    let Some(snapshot) = model.snapshot() else { return Table::of(columns, 0, |_| Vec::new()) };
    let (count, now, who) = (snapshot.peers.len(), model.now, model.who(snapshot));
    let connected = snapshot.peers.iter().filter(|peer| peer.connected).count();
    let witnesses = snapshot.witnesses.operators.len();
    let heading = format!("peers {connected} of {count} connected, {witnesses} witnesses");
    let row = move |at: usize| {
        let Some(peer) = snapshot.peers.get(at) else { return Vec::new() };
        let (mark, rest) = match &peer.ban {
            Some(ban) => {
                let left = time::age(time::since(now, ban.until));
                let text = format!("banned for {left} more: {}", ban.reason.name());
                (Mark::Refused, vec![vec![here(text)]])
            }
            None => {
                let mark = if peer.connected { Mark::Connected } else { Mark::Apart };
                (mark, vec![vec![word(mark)], claim(peer)])
            }
        };
        let name = vec![glyph(mark), own(" "), here_name(who.peer(&peer.name))];
        [name].into_iter().chain(rest).collect()
    };
    Table::of(columns, count, row).under(vec![here(heading)]).resting(|_| Ground::CLAIM)
}

/// What a peer says its newest block is.
pub(super) fn claim(peer: &PeerView) -> Cell {
    let said = |height| vec![own("claims "), Piece::from(crate::model::Worth::Unverified.of(height))];
    peer.claimed_height.map(said).unwrap_or_default()
}

/// What of theirs was refused, the newest first.
fn refused(model: &Model) -> Table<'_> {
    let Some(snapshot) = model.snapshot() else { return Table::rows(Vec::new(), Vec::new()) };
    let who = model.who(snapshot);
    let row = move |at: usize| {
        let Some(refusal) = snapshot.refusals.iter().rev().nth(at) else { return Vec::new() };
        let name = refusal.reason.name();
        let why = who.text(&refusal.reason.to_string());
        let times = if refusal.count > 1 { format!(" ({} times)", refusal.count) } else { String::new() };
        let peer = here_name(who.peer(&refusal.peer));
        vec![vec![glyph(Mark::Refused), own(" "), peer, here(format!(": {name}: {why}{times}"))]]
    };
    let heading = sign(Mark::Refused);
    Table::of(vec![rest("")], snapshot.refusals.len(), row).under(heading)
}
