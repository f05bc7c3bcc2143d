//! The first screen: what is verified, who signed it, who told us.

use qratum_light_node::{PeerView, Snapshot, StoreState};
use qratum_themes::{Mark, Tone};
use qratum_verifier::{Trusted, quorum::Tally};
use ratatui::layout::{Constraint, Layout, Rect};

use super::{
    draw::{Pen, height},
    logs,
    page::{
        Cell, Piece, Table, column, glyph, here, here_hash, here_name, numbers, own, quiet, rest, sign, word,
    },
    parts::{enough, share},
};
use crate::{
    model::{Cursor, List, Model},
    time,
};

/// How many rows notices may take.
const NOTICES: usize = 3;
/// From this width on, peers stand beside validators.
const WIDE: u16 = 110;
/// How many refusals are shown.
const REFUSALS: u16 = 3;
/// With less room than this, what happened is left to its own screen.
const LOG: u16 = 4;

/// Draws the screen.
pub(super) fn view(model: &Model, pen: &mut Pen<'_, '_>, area: Rect) {
    let notices = newest(notices(model));
    let [notices_at, rest] =
        Layout::vertical([Constraint::Length(height(&notices)), Constraint::Fill(1)]).areas(area);
    pen.table(&notices, None, notices_at);
    let [head_at, rest] =
        Layout::vertical([Constraint::Length(height(&head(model))), Constraint::Fill(1)]).areas(rest);
    let cursor = |list| focused(model, list);
    pen.table(&head(model), cursor(List::Head).as_ref(), head_at);
    let (members, sources, refused) = (members(model), sources(model), refused(model));
    let [tables_at, refused_at, log_at] = below((height(&members), height(&sources)), &refused, rest);
    let (members_at, sources_at) = split((height(&members), height(&sources)), tables_at);
    pen.table(&members, cursor(List::Members).as_ref(), members_at);
    pen.table(&sources, cursor(List::Sources).as_ref(), sources_at);
    pen.table(&refused, None, refused_at);
    if log_at.height >= LOG {
        pen.table(&logs::table(model), None, log_at);
    }
}

/// Room for members and peers, for refusals, and for what happened, where some is left.
fn below((members, sources): (u16, u16), refused: &Table<'_>, area: Rect) -> [Rect; 3] {
    let tables = if area.width >= WIDE { members.max(sources) } else { members.saturating_add(sources) };
    let refused = if refused.len > 0 { height(refused).min(REFUSALS.saturating_add(1)) } else { 0 };
    let rows =
        [Constraint::Length(tables.min(area.height)), Constraint::Length(refused), Constraint::Fill(1)];
    Layout::vertical(rows).areas(area)
}

/// The cursor of a list, where keys go to it.
fn focused(model: &Model, list: List) -> Option<Cursor> {
    (model.view.panel() == list).then(|| model.view.cursor(list))
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

/// The newest first, and how many there are beyond the room for them.
fn newest(notices: Vec<Cell>) -> Table<'static> {
    let count = notices.len();
    let shown = if count > NOTICES { NOTICES.saturating_sub(1) } else { count };
    let hidden = count.saturating_sub(shown);
    let more = (hidden > 0).then(|| vec![here(format!("  and {hidden} more")).tone(Tone::Quiet)]);
    let rows = notices.into_iter().rev().take(shown).chain(more).map(|cell| vec![cell]);
    Table::rows(vec![rest("")], rows.collect())
}

/// What went wrong, the newest last, each in one row.
fn notices(model: &Model) -> Vec<Cell> {
    let bad = |mut rest: Cell| {
        rest.insert(0, glyph(Mark::Refused));
        rest.insert(1, own(" "));
        for piece in &mut rest {
            *piece = piece.clone().tone(Tone::Bad);
        }
        rest
    };
    let shown = model.shown();
    let hide = |text: &str| if model.view.private { "(hidden)".to_owned() } else { text.to_owned() };
    let mut rows: Vec<_> = shown.notices.iter().map(|notice| bad(vec![here(hide(&notice.text))])).collect();
    let Some(snapshot) = model.snapshot() else { return rows };
    match &snapshot.store {
        // As beside a demo or another console: normal, and no fault.
        StoreState::InUse => {
            rows.push(vec![quiet("another qratum keeps this home's store: this one only looks")])
        }
        StoreState::Failed(why) => {
            rows.push(bad(vec![here(format!("the store failed, nothing is kept: {}", hide(why)))]));
        }
        StoreState::RolledBack { found, highest } => rows.push(bad(vec![here(format!(
            "the store was rolled back or lost: it led to {found}, verified before was {highest}"
        ))])),
        StoreState::None | StoreState::Kept { .. } => {}
    }
    rows.extend(of_the_chain(model, snapshot).into_iter().map(bad));
    rows
}

/// What is wrong by what the chain or its votes say.
fn of_the_chain(model: &Model, snapshot: &Snapshot) -> Vec<Cell> {
    let (worth, who, mut rows) = (model.worth(), model.who(snapshot), Vec::new());
    let silent: Vec<_> = snapshot.voting.members.iter().filter(|member| member.silent).collect();
    if !silent.is_empty() {
        let names: Vec<String> = silent.iter().map(|member| who.validator(&member.key)).collect();
        let Tally { signed, total } = snapshot.voting.missing();
        let text = format!("no vote from {}, with {signed} of {total} power", names.join(", "));
        rows.push(vec![worth.fact(text)]);
    }
    for (key, _) in &snapshot.voting.evidence {
        rows.push(vec![worth.fact(format!("{} signed twice in one place", who.validator(key)))]);
    }
    if let Some(offset) = snapshot.clock_offset_ms {
        rows.push(vec![here(format!("the local clock is {}: set it right", time::offset(offset)))]);
    }
    if let Some(fork) = &snapshot.fork {
        let [block, _] = fork.blocks();
        let height = block.header().get().height;
        let text = format!("the chain has forked at height {height}");
        rows.push(vec![worth.fact(text)]);
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
    let rows = vec![
        ("block id", vec![worth.hash(head.id())]),
        ("signed", vec![worth.fact(power), enough, worth.bar(tally.signed, tally.total, true)]),
    ];
    let heading = vec![own(label), worth.fact(place), here(format!("  {age} old"))];
    Table::facts(rows).under(heading).worth(worth).one()
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
            vec![worth.bar(if signed { leaf.power.into() } else { 0 }, total, false)],
        ]
    };
    let heading = vec![own("validators "), worth.fact(count), own(": power, share, certificate")];
    Table::of(columns, count, row).under(heading).worth(worth)
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
    Table::of(columns, count, row).under(vec![here(heading)])
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
        let (peer, name) = (who.peer(&refusal.peer), refusal.reason.name());
        let why = who.text(&refusal.reason.to_string());
        let times = if refusal.count > 1 { format!(" ({} times)", refusal.count) } else { String::new() };
        vec![vec![glyph(Mark::Refused), here(format!(" {peer}: {name}: {why}{times}"))]]
    };
    let heading = sign(Mark::Refused);
    Table::of(vec![rest("")], snapshot.refusals.len(), row).under(heading)
}
