//! The first pane: what is verified, who signed it, who told us.

use qratum_chain::types::Time;
use qratum_light_node::{PeerView, Refusal, Snapshot, StoreState};
use qratum_themes::{Mark, Theme, Tone};
use qratum_verifier::{Trusted, quorum::Tally};
use qratum_widgets::{PowerBar, SafeText, badge};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

use super::{
    members,
    parts::{NARROW, VERDICT, clipped, digest, labelled, right_of, section},
};
use crate::{
    model::{Model, silent},
    time,
};

/// Columns before the bar of the certificate: in line with those of its signers, where names are
/// short and there is room.
const BAR_AT: u16 = 44;
/// The same in a narrow window.
const NARROW_BAR_AT: u16 = 30;
/// How many refusals are shown.
const REFUSALS: usize = 3;
/// How many rows notices may take.
const NOTICES: usize = 3;

/// Draws the pane.
pub(super) fn view(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let notices = newest(&model.theme, notices(model, area.width.into()));
    let count = u16::try_from(notices.len()).unwrap_or(u16::MAX);
    let [notices_at, rest] = Layout::vertical([Constraint::Length(count), Constraint::Fill(1)]).areas(area);
    for (line, row) in notices.into_iter().zip(notices_at.rows()) {
        frame.render_widget(line, row);
    }
    match (&model.snapshot, model.head()) {
        (Some(snapshot), Some(head)) => with_head(model, snapshot, head, frame, rest),
        (Some(snapshot), None) => waiting(model, snapshot, frame, rest),
        (None, _) => frame.render_widget(Line::from(" the light node is starting ..."), rest),
    }
}

/// The newest first, and how many there are beyond the room for them.
fn newest(theme: &Theme, notices: Vec<Line<'static>>) -> Vec<Line<'static>> {
    let count = notices.len();
    let shown = if count > NOTICES { NOTICES.saturating_sub(1) } else { count };
    let hidden = count.saturating_sub(shown);
    let more = (hidden > 0).then(|| Line::styled(format!("   and {hidden} more"), theme.tone(Tone::Quiet)));
    notices.into_iter().rev().take(shown).chain(more).collect()
}

/// What went wrong beside the chain, the newest last, each in one row.
fn notices(model: &Model, width: usize) -> Vec<Line<'static>> {
    let bad = |text: &str| {
        let text =
            format!(" {} {}", model.theme.glyph(Mark::Refused), SafeText::new(text, SafeText::SENTENCE));
        Line::styled(clipped(&model.theme, &text, width), model.theme.tone(Tone::Bad))
    };
    let mut lines: Vec<_> = model.notices.iter().map(|notice| bad(&notice.text)).collect();
    let Some(snapshot) = &model.snapshot else { return lines };
    match &snapshot.store {
        // As beside a demo or another console: normal, and no fault.
        StoreState::InUse => {
            let text = " another qratum keeps this home's store: this one only looks";
            lines.push(Line::styled(clipped(&model.theme, text, width), model.theme.tone(Tone::Quiet)));
        }
        StoreState::Failed(why) => lines.push(bad(&format!("the store failed, nothing is kept: {why}"))),
        StoreState::RolledBack { found, highest } => lines.push(bad(&format!(
            "the store was rolled back or lost: it led to {found}, verified before was {highest}"
        ))),
        StoreState::None | StoreState::Kept { .. } => {}
    }
    let silent = silent(&snapshot.voting, &snapshot.names);
    if !silent.is_empty() {
        let Tally { signed, total } = snapshot.voting.missing();
        lines.push(bad(&format!("no vote from {}: {signed} of {total} power is missing", silent.join(", "))));
    }
    for (key, _) in &snapshot.voting.evidence {
        lines.push(bad(&format!("{} signed twice in one place", snapshot.names.called(key))));
    }
    if let Some(offset) = snapshot.clock_offset_ms {
        lines.push(bad(&format!("the local clock is {}: set it right", time::offset(offset))));
    }
    if let Some(fork) = &snapshot.fork {
        let [block, _] = fork.blocks();
        let height = block.header().get().height;
        lines.push(bad(&format!("the chain has forked at height {height}: the head stays where it is")));
    }
    lines
}

/// Before the first head: nothing is shown that could be taken for one.
fn waiting(model: &Model, snapshot: &Snapshot, frame: &mut Frame<'_>, area: Rect) {
    let peers = snapshot.peers.len();
    let lines = [
        Line::from(format!(" waiting for a first verified head from {peers} peers ...")),
        labelled(&model.theme, "anchor", vec![Span::raw(digest(&model.anchor.to_string(), room(area)))]),
        Line::default(),
    ];
    let [top, rest] = Layout::vertical([Constraint::Length(3), Constraint::Fill(1)]).areas(area);
    for (line, row) in lines.into_iter().zip(top.rows()) {
        frame.render_widget(line, row);
    }
    let [peers_at, refusals_at] =
        Layout::vertical([Constraint::Length(needed(peers)), Constraint::Fill(1)]).areas(rest);
    told_by(model, snapshot, frame, (peers_at, refusals_at));
}

fn with_head(model: &Model, snapshot: &Snapshot, head: &Trusted, frame: &mut Frame<'_>, area: Rect) {
    let [facts_at, rest] = Layout::vertical([Constraint::Length(3), Constraint::Fill(1)]).areas(area);
    facts(model, head, frame, facts_at);
    let (members, peers) = (head.validators().members().len(), snapshot.peers.len());
    let (validators_at, told_at) = if area.width >= 110 {
        let halves = Layout::horizontal([Constraint::Fill(1); 2]).areas::<2>(rest);
        (halves[0], halves[1])
    } else {
        // Peers keep a third of the room where validators would take it all.
        let peers = needed(peers).min((rest.height / 3).max(rest.height.saturating_sub(needed(members))));
        let validators = needed(members).min(rest.height.saturating_sub(peers));
        let split = Layout::vertical([Constraint::Length(validators), Constraint::Fill(1)]).areas::<2>(rest);
        (split[0], split[1])
    };
    members::view(model, snapshot, head, frame, validators_at);
    if !model.is_live() {
        let [_, rows] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(validators_at);
        frame.buffer_mut().set_style(rows, model.theme.mark_style(Mark::Stale));
    }
    let peers_at = Constraint::Length(needed(peers));
    let [peers_at, refusals_at] = Layout::vertical([peers_at, Constraint::Fill(1)]).areas(told_at);
    told_by(model, snapshot, frame, (peers_at, refusals_at));
}

/// The head: height, id, and whether enough power signed it.
fn facts(model: &Model, head: &Trusted, frame: &mut Frame<'_>, area: Rect) {
    let theme = &model.theme;
    let (header, tally) = (head.header().get(), head.tally());
    let place = format!(
        "  height {}  round {}  set {}  {} old",
        header.height,
        header.round,
        header.set_id,
        time::age(time::since(header.time, model.now))
    );
    let id = digest(&head.id().to_string(), room(area));
    let label = if model.is_live() { "head" } else { "last head" };
    let power = format!("{} of {} power", tally.signed, tally.total);
    let [head_at, id_at, signed_at] = Layout::vertical([Constraint::Length(1); 3]).areas(area);
    frame.render_widget(
        labelled(theme, label, vec![badge::badge(theme, Mark::Verified), Span::raw(place)]),
        head_at,
    );
    frame.render_widget(labelled(theme, "block id", vec![Span::raw(id)]), id_at);
    let start = if area.width < NARROW { NARROW_BAR_AT } else { BAR_AT };
    let bar = right_of(signed_at, start, VERDICT);
    let verdict_at = right_of(signed_at, area.width.saturating_sub(VERDICT), 0);
    frame.render_widget(labelled(theme, "signed", vec![Span::raw(power)]), signed_at);
    let verdict = if tally.is_quorum() { "> 2/3" } else { "not > 2/3" };
    frame.render_widget(PowerBar { part: tally.signed, whole: tally.total, quorum_line: true, theme }, bar);
    frame.render_widget(Line::from(format!(" {verdict}")), verdict_at);
    if !model.is_live() {
        // Who signed then says nothing about who would sign now.
        frame.buffer_mut().set_style(signed_at, theme.mark_style(Mark::Stale));
    }
}

/// The peers, and what of theirs was refused.
fn told_by(model: &Model, snapshot: &Snapshot, frame: &mut Frame<'_>, (peers_at, refusals_at): (Rect, Rect)) {
    let theme = &model.theme;
    let peers: Vec<_> = snapshot.peers.iter().map(|view| peer(theme, view, model.now)).collect();
    let connected = snapshot.peers.iter().filter(|peer| peer.connected).count();
    let witnesses = &snapshot.witnesses;
    let agree = format!("{} witnesses at {}", witnesses.operators.len(), witnesses.height);
    let title = format!(" peers {connected} of {} connected, {agree}", peers.len());
    section(theme, title, peers, frame, peers_at);
    if !snapshot.refusals.is_empty() {
        let newest = snapshot.refusals.iter().rev().take(REFUSALS).map(|it| refusal(theme, it));
        section(theme, " refused".to_owned(), newest.collect(), frame, refusals_at);
    }
}

fn peer(theme: &Theme, peer: &PeerView, now: Time) -> Line<'static> {
    let name = SafeText::new(&peer.name, SafeText::NAME);
    if let Some(ban) = &peer.ban {
        let left = time::age(time::since(now, ban.until));
        let text = format!(" {name:<12} banned for {left} more: {}", ban.reason.name());
        return Line::from_iter([Span::raw(" "), badge::glyph(theme, Mark::Refused), Span::raw(text)]);
    }
    let mark = if peer.connected { Mark::Connected } else { Mark::Apart };
    let mut spans = vec![
        Span::raw(" "),
        badge::glyph(theme, mark),
        Span::raw(format!(" {name:<12} {:<14}", theme.word(mark))),
    ];
    if let Some(height) = peer.claimed_height {
        spans.push(Span::raw(format!("claims {height}  ")));
        spans.push(badge::badge(theme, Mark::Unverified));
    }
    Line::from(spans)
}

fn refusal(theme: &Theme, refusal: &Refusal) -> Line<'static> {
    let text = format!("{}: {}: {}", refusal.peer, refusal.reason.name(), refusal.reason);
    let times = if refusal.count > 1 { format!(" ({} times)", refusal.count) } else { String::new() };
    let text = format!(" {}{times}", SafeText::new(&text, SafeText::SENTENCE));
    Line::from_iter([Span::raw(" "), badge::glyph(theme, Mark::Refused), Span::raw(text)])
}

/// Rows of a section with this many entries.
fn needed(entries: usize) -> u16 {
    u16::try_from(entries).unwrap_or(u16::MAX).saturating_add(1)
}

/// Characters behind a label.
fn room(area: Rect) -> usize {
    usize::from(area.width.saturating_sub(13))
}
