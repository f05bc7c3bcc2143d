//! The frame around every screen: who is watched and how it stands above, what the keys do below.
//! Nothing covers it, and no text from outside reaches it but the network's name.

use qratum_light_node::State;
use qratum_themes::{Mark, Tone};
use qratum_widgets::SafeText;
use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{draw::Pen, ink::clipped, parts::clock};
use crate::{
    action::{Action, Screen, of},
    model::{Detail, Layer, Model, head_of, worth_of},
    time,
};

/// From this width on words are not shortened.
const WIDE: u16 = 80;

/// How good a state is. Verified values stay verified in every state; this says whether they are
/// the newest.
pub(crate) const fn state_mark(state: State) -> Mark {
    match state {
        State::Live => Mark::Verified,
        State::Loading | State::Syncing | State::Stale | State::Stalled => Mark::Stale,
        State::NoQuorum | State::Disconnected | State::Expired | State::Clock | State::Forked => {
            Mark::Refused
        }
    }
}

/// The state by mark and word, as it is now, whatever is held still.
fn state(model: &Model) -> String {
    let state = model.live.snapshot.as_ref().map_or(State::Loading, |snapshot| snapshot.state);
    format!("{} {}", model.theme.glyph(state_mark(state)), state.word())
}

/// Network, state, verified height and its age, whether this console can act, the time.
pub(super) fn bar(model: &Model, pen: &mut Pen<'_, '_>, area: Rect) {
    let wide = area.width >= WIDE;
    let network = SafeText::new(&model.network, SafeText::NAME);
    let mut parts = vec![format!(" {}{network}", if wide { "QRATUM  " } else { "" }), state(model)];
    if let Some(head) = model.live.snapshot.as_deref().filter(|snapshot| head_of(snapshot).is_some()) {
        let worth = worth_of(head);
        let header = head.head.header().get();
        let age = time::age(time::since(header.time, model.now));
        let (mark, word) = (model.theme.glyph(worth.mark()), model.theme.word(worth.mark()));
        let old = if wide { " old" } else { "" };
        parts.push(format!("{mark} {word} {}  {age}{old}", header.height));
    }
    if let Some((since, _)) = model.held {
        parts.push(format!("PAUSED {}", time::age(time::since(since, model.now))));
    }
    if model.view.private {
        parts.push("PRIVATE".to_owned());
    }
    parts.push("RO".to_owned());
    let style = pen.theme.tone(Tone::Bar);
    pen.frame.render_widget(Line::styled(" ".repeat(area.width.into()), style), area);
    let now = format!("{} ", clock(model.now));
    let width = u16::try_from(now.len()).unwrap_or(0).min(area.width);
    let left = Line::raw(parts.join("  "));
    let room = area.width.saturating_sub(width);
    pen.frame
        .render_widget(clipped(pen.theme, &left, room.into()).style(style), Rect { width: room, ..area });
    let at = Rect { x: area.x.saturating_add(room), width, ..area };
    pen.frame.render_widget(Line::raw(now).style(style), at);
}

/// The one line of a window that is too small for more.
pub(super) fn too_small(model: &Model, pen: &mut Pen<'_, '_>, (width, height): (u16, u16), area: Rect) {
    let text =
        format!("{}  too small: {}x{}, need {width}x{height}; q quit", state(model), area.width, area.height);
    let row = Rect { height: area.height.min(1), ..area };
    pen.frame.render_widget(clipped(pen.theme, &Line::raw(text), area.width.into()), row);
}

/// The screens and their keys.
pub(super) fn tabs(model: &Model, pen: &mut Pen<'_, '_>, area: Rect) {
    let mut spans = Vec::new();
    for (screen, digit) in Screen::ALL.into_iter().zip(1..) {
        let name = if area.width >= WIDE { screen.name() } else { screen.short() };
        let tone = if model.view.screen == screen { Tone::Bar } else { Tone::Quiet };
        spans.push(Span::raw(" "));
        spans.push(Span::styled(format!(" {digit} {name} "), pen.theme.tone(tone)));
    }
    pen.frame.render_widget(Line::from(spans), area);
}

/// What is not real here, and where it lies.
pub(super) fn banner(model: &Model, pen: &mut Pen<'_, '_>, area: Rect) {
    let home = SafeText::new(&model.home, SafeText::SENTENCE).to_string();
    let home = if model.view.private { "(hidden)".to_owned() } else { home };
    let line = Line::raw(format!(" demo network: software devices only   home {home}"));
    let line = clipped(pen.theme, &line, area.width.into());
    pen.frame.render_widget(line.style(pen.theme.tone(Tone::Warn)), area);
}

/// Where one is: the screen, and what lies open above it.
pub(super) fn crumbs(model: &Model) -> Line<'static> {
    let mut crumbs = vec![model.view.screen.name()];
    crumbs.extend(model.view.layers.iter().filter_map(crumb));
    let filter = model.view.cursor(model.view.list()).filter;
    let filter = SafeText::new(&filter, SafeText::NAME);
    let typing = if model.view.top() == Some(&Layer::Filter) { "_" } else { "" };
    let filter = if filter.as_str().is_empty() && typing.is_empty() {
        String::new()
    } else {
        format!("   /{filter}{typing}")
    };
    Line::raw(format!(" {}{filter}", crumbs.join(" > ")))
}

/// In words of this program: what it is called stands below, with what that is worth.
const fn crumb(layer: &Layer) -> Option<&'static str> {
    match layer {
        Layer::Detail(Detail::Validator(_)) => Some("validator"),
        Layer::Detail(Detail::Peer(_)) => Some("peer"),
        Layer::Proof => Some("proof"),
        Layer::Help => Some("help"),
        Layer::Page(_) => Some("explain"),
        Layer::Palette(_) | Layer::Filter => None,
    }
}

/// Crumbs and the newest flash: in one row where there is only one.
pub(super) fn said(model: &Model, pen: &mut Pen<'_, '_>, rows: &[Rect]) {
    let quiet = pen.theme.tone(Tone::Quiet);
    let flash = model.view.flash.as_ref().map(|flash| {
        let text = if model.view.private { "(hidden)" } else { flash.text.as_str() };
        Line::raw(format!(" {}", SafeText::new(text, SafeText::SENTENCE)))
    });
    let lines = match (rows.len(), flash) {
        (0 | 1, Some(flash)) => vec![flash],
        (0 | 1, None) => vec![crumbs(model).style(quiet)],
        (_, flash) => vec![crumbs(model).style(quiet), flash.unwrap_or_default()],
    };
    for (line, row) in lines.into_iter().zip(rows) {
        pen.frame.render_widget(clipped(pen.theme, &line, row.width.into()).style(line.style), *row);
    }
}

/// The keys that are of use now, as the table of actions names them.
pub(super) fn hints(model: &Model, pen: &mut Pen<'_, '_>, area: Rect) {
    let mut text = String::new();
    for (action, label) in hinted(model) {
        let Some(entry) = of(*action) else { continue };
        let key = entry.keys.first().map(ToString::to_string).unwrap_or_default();
        text.push_str(&format!(" {key} {label}  "));
    }
    let line = clipped(pen.theme, &Line::raw(text), area.width.into());
    pen.frame.render_widget(line.style(pen.theme.tone(Tone::Quiet)), area);
}

/// Which, the most useful first: the last of them may not fit.
fn hinted(model: &Model) -> &'static [(Action, &'static str)] {
    match model.view.top() {
        None => &[
            (Action::Leave, "quit"),
            (Action::Prove, "proof"),
            (Action::Help, "help"),
            (Action::Explain, "explain"),
            (Action::Palette, "palette"),
            (Action::Open, "open"),
            (Action::Filter, "filter"),
            (Action::NextPanel, "panel"),
            (Action::Pause, "pause"),
        ],
        Some(Layer::Proof) => &[
            (Action::Back, "back"),
            (Action::Write, "write to a file"),
            (Action::Down, "down"),
            (Action::Filter, "filter"),
            (Action::Help, "help"),
        ],
        Some(Layer::Palette(_) | Layer::Filter) => &[(Action::Open, "take it"), (Action::Back, "leave it")],
        Some(_) => &[
            (Action::Back, "back"),
            (Action::Prove, "proof"),
            (Action::Down, "down"),
            (Action::Filter, "filter"),
            (Action::Help, "help"),
        ],
    }
}
