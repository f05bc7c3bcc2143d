//! The frame around every screen: who is watched and how it stands above, what the keys do below.
//! Nothing covers it, and no text from outside reaches it but the network's name.

use qratum_light_node::State;
use qratum_themes::{Mark, Tone};
use qratum_widgets::{Hint, KeyHints, Part, SafeText, Tab, TabBar, TrustBar, fit::clipped_line as clipped};
use ratatui::{layout::Rect, text::Line};

use super::{draw::Pen, ink::written, parts::clock, requests};
use crate::{
    action::{Action, Key, Screen, of},
    layer::alarms,
    model::{Detail, Layer, Model, Mood, head_of, worth_of},
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
    let state = model.state();
    format!("{} {}", model.theme.glyph(state_mark(state)), state.word())
}

/// How many alarms ask for attention, marked by the worst.
fn alarms(model: &Model) -> Option<String> {
    let open = &model.alarms.open;
    let worst = open.iter().map(|alarm| alarm.level).max()?;
    let word = if open.len() == 1 { "alarm" } else { "alarms" };
    Some(format!("{} {} {word}", model.theme.glyph(alarms::mark(worst)), open.len()))
}

/// Network, state, verified height and its age, whether this console can act, the time. In a narrow
/// window the name of the program goes.
pub(super) fn bar(model: &Model, pen: &mut Pen<'_, '_>, area: Rect) {
    let mut parts = vec![part("QRATUM".to_owned(), 2)];
    parts.push(part(written(&model.theme, SafeText::name(&model.network)), 0));
    let (style, environment) = pen.theme.bar(&model.network);
    parts.extend(environment.map(|word| part(word.to_owned(), 0)));
    parts.push(part(state(model), 0));
    parts.extend(height(model, area.width).map(|text| part(text, 0)));
    let paused = model.held.as_ref().map(|(since, _)| time::age(time::since(*since, model.now)));
    parts.extend(paused.map(|age| part(format!("PAUSED {age}"), 0)));
    parts.extend(model.view.private.then(|| part("PRIVATE".to_owned(), 0)));
    parts.extend(alarms(model).map(|text| part(text, 0)));
    parts.extend(entropy(model));
    parts.push(session(model));
    parts.extend(model.session.idles(model.now).map(|left| part(format!("lock {}", left_of(left)), 2)));
    parts.push(part(clock(model.now), 1));
    pen.frame.render_widget(TrustBar { parts: &parts, style, theme: pen.theme }, area);
}

/// Whether this console may act, and for how long.
fn session(model: &Model) -> Part<'static> {
    let left = model.session.left(model.now);
    part(left.map_or_else(|| "RO".to_owned(), |left| format!("RW {}", left_of(left))), 0)
}

/// Minutes and seconds.
fn left_of(millis: u64) -> String {
    let seconds = millis.div_ceil(1000);
    format!("{:02}:{:02}", seconds / 60, seconds % 60)
}

/// How the randomness of this machine is: what is well goes first where there is no room, and what is not
/// only after the clock; an alarm says it too.
fn entropy(model: &Model) -> Option<Part<'static>> {
    let health = &model.live.health;
    let (good, there) = health.counts();
    let (text, rank) = match health.mood() {
        Mood::Unknown => return None,
        Mood::Well => ("entropy ok".to_owned(), 3),
        Mood::Fewer => (format!("{} entropy {good} of {there}", model.theme.glyph(Mark::Stale)), 1),
        Mood::Low => (format!("{} ENTROPY LOW", model.theme.glyph(Mark::Refused)), 1),
    };
    Some(part(text, rank))
}

fn part(text: String, rank: u8) -> Part<'static> {
    Part { line: Line::raw(text), rank }
}

/// The height of the newest verified head, what it is worth and how old it is.
fn height(model: &Model, width: u16) -> Option<String> {
    let snapshot = model.live.snapshot.as_deref().filter(|snapshot| head_of(snapshot).is_some())?;
    let (worth, header) = (worth_of(snapshot), snapshot.head.header().get());
    let age = time::age(time::since(header.time, model.now));
    let (mark, word) = (model.theme.glyph(worth.mark()), model.theme.word(worth.mark()));
    let old = if width >= WIDE { " old" } else { "" };
    Some(format!("{mark} {word} {}  {age}{old}", header.height))
}

/// The one line of a window that is too small for more.
pub(super) fn too_small(model: &Model, pen: &mut Pen<'_, '_>, (width, height): (u16, u16), area: Rect) {
    let alarms = alarms(model).map(|text| format!("{text}  ")).unwrap_or_default();
    let text = format!("{}  {alarms}too small: need {width}x{height}; q quit", state(model));
    let row = Rect { height: area.height.min(1), ..area };
    pen.frame.render_widget(clipped(pen.theme, Line::raw(text), area.width.into()), row);
}

/// The screens and their keys.
pub(super) fn tabs(model: &Model, pen: &mut Pen<'_, '_>, area: Rect) {
    let tab = |screen: Screen| {
        let key = of(Action::Show(screen)).and_then(|entry| match entry.keys.first() {
            Some(Key::Char(key)) => Some(*key),
            _ => None,
        });
        let count = if screen == Screen::Approvals { requests::for_me(model) } else { 0 };
        Tab { key: key.unwrap_or(' '), title: screen.name(), short: screen.short(), count }
    };
    let tabs = Screen::ALL.map(tab);
    let open = Screen::ALL.iter().position(|screen| *screen == model.view.screen).unwrap_or(0);
    pen.frame.render_widget(TabBar { tabs: &tabs, open, theme: pen.theme }, area);
}

/// What is not real here, and where it lies.
pub(super) fn banner(model: &Model, pen: &mut Pen<'_, '_>, area: Rect) {
    let home = written(pen.theme, SafeText::new(&model.home, SafeText::SENTENCE));
    let home = if model.view.private { "(hidden)".to_owned() } else { home };
    let alias = model.alias.iter().filter(|_| !model.view.private);
    let alias: String = alias.map(|alias| format!("console {alias}   ")).collect();
    let line = Line::raw(format!(" demo network: software devices only   {alias}home {home}"));
    let line = clipped(pen.theme, line, area.width.into());
    pen.frame.render_widget(line.style(pen.theme.tone(Tone::Warn)), area);
}

/// Where one is: the screen, and what lies open above it.
pub(super) fn crumbs(model: &Model) -> Line<'static> {
    let mut crumbs = vec![model.view.screen.name()];
    crumbs.extend(model.view.layers.iter().filter_map(crumb));
    let filter = model.view.cursor(model.view.list()).filter;
    let filter = written(&model.theme, SafeText::new(&filter, SafeText::NAME));
    let typing = if model.view.top() == Some(&Layer::Filter) { "_" } else { "" };
    let filter =
        if filter.is_empty() && typing.is_empty() { String::new() } else { format!("   /{filter}{typing}") };
    let reason = match model.view.top() {
        Some(Layer::Reason(id, text)) => {
            let text = written(&model.theme, SafeText::new(text, SafeText::SENTENCE));
            let alarm = model.alarms.open.iter().find(|alarm| alarm.id == *id);
            let code = alarm.map(|alarm| format!(" ({})", alarm.code)).unwrap_or_default();
            format!("   why is alarm {id}{code} in good hands? {text}_")
        }
        _ => String::new(),
    };
    Line::raw(format!(" {}{filter}{reason}", crumbs.join(" > ")))
}

/// In words of this program: what it is called stands below, with what that is worth.
const fn crumb(layer: &Layer) -> Option<&'static str> {
    match layer {
        Layer::Detail(Detail::Validator(_)) => Some("validator"),
        Layer::Detail(Detail::Peer(_)) => Some("peer"),
        Layer::Detail(Detail::Source(_)) => Some("source"),
        Layer::Detail(Detail::Request(_)) => Some("request"),
        Layer::Proof => Some("proof"),
        Layer::Help => Some("help"),
        Layer::Page(_) => Some("explain"),
        Layer::Alarms => Some("alarms"),
        Layer::Sign(_) => Some("sign"),
        Layer::Palette(_) | Layer::Filter | Layer::Reason(..) => None,
    }
}

/// Crumbs, and the newest flash or else the tour: in one row where there is only one, in which nothing
/// of the tour hides what is typed.
pub(super) fn said(model: &Model, pen: &mut Pen<'_, '_>, rows: &[Rect]) {
    let quiet = pen.theme.tone(Tone::Quiet);
    let flash = model.view.flash.as_ref().map(|flash| {
        let hidden = model.view.private && flash.private;
        let text = if hidden { "(hidden)" } else { flash.text.as_str() };
        Line::raw(format!(" {}", written(&model.theme, SafeText::new(text, SafeText::SENTENCE))))
    });
    let typing = matches!(model.view.top(), Some(Layer::Filter | Layer::Reason(..)));
    let tour = model.tour_line().filter(|_| rows.len() > 1 || !typing);
    let tour = tour.map(|text| Line::raw(format!(" {text}")).style(pen.theme.tone(Tone::Title)));
    let lines = match (rows.len(), flash.or(tour)) {
        (0 | 1, Some(flash)) => vec![flash],
        (0 | 1, None) => vec![crumbs(model).style(quiet)],
        (_, flash) => vec![crumbs(model).style(quiet), flash.unwrap_or_default()],
    };
    for (line, row) in lines.into_iter().zip(rows) {
        pen.frame.render_widget(clipped(pen.theme, line, row.width.into()), *row);
    }
}

/// The keys that are of use now, as the table of actions has them.
pub(super) fn hints(model: &Model, pen: &mut Pen<'_, '_>, area: Rect) {
    let keyed = hinted(model)
        .iter()
        .filter_map(|(action, does)| Some((of(*action)?.keys.first()?.to_string(), *does)));
    let keyed: Vec<(String, &str)> = keyed.collect();
    let hint = |(rank, (key, does))| Hint { key, does, rank };
    let hints: Vec<Hint<'_>> =
        (0u8..).zip(keyed.iter().map(|(key, does)| (key.as_str(), *does))).map(hint).collect();
    pen.frame.render_widget(KeyHints { hints: &hints, theme: pen.theme }, area);
}

/// Which, the most useful first: the last of them go where there is no room.
fn hinted(model: &Model) -> &'static [(Action, &'static str)] {
    match model.view.top() {
        None => &[
            (Action::Leave, "quit"),
            (Action::Prove, "proof"),
            (Action::Help, "help"),
            (Action::Explain, "explain"),
            (Action::Alarms, "alarms"),
            (Action::Palette, "palette"),
            (Action::Open, "open"),
            (Action::Filter, "filter"),
            (Action::NextPanel, "panel"),
            (Action::Pause, "pause"),
            (Action::Sort, "sort"),
            (Action::Copy, "copy"),
        ],
        Some(Layer::Proof) => &[
            (Action::Back, "back"),
            (Action::Write, "write to a file"),
            (Action::Down, "down"),
            (Action::Filter, "filter"),
            (Action::Help, "help"),
        ],
        Some(Layer::Alarms) => &[
            (Action::Back, "back"),
            (Action::Acknowledge, "acknowledge"),
            (Action::Open, "explain"),
            (Action::Down, "down"),
            (Action::Help, "help"),
        ],
        Some(Layer::Sign(_)) => &[
            (Action::Open, "presses the button"),
            (Action::NextPanel, "to the other"),
            (Action::PageDown, "read on"),
        ],
        Some(Layer::Palette(_) | Layer::Filter | Layer::Reason(..)) => {
            &[(Action::Open, "take it"), (Action::Back, "leave it")]
        }
        Some(_) => &[
            (Action::Back, "back"),
            (Action::Prove, "proof"),
            (Action::Down, "down"),
            (Action::Filter, "filter"),
            (Action::Help, "help"),
        ],
    }
}
