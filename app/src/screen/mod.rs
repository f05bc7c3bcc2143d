//! What is on screen? The frame around every pane: who is watched and how it stands above, the
//! keys below.

mod members;
mod overview;
mod parts;
mod proof;
#[cfg(test)]
mod tests;

use qratum_light_node::State;
use qratum_themes::{Mark, Tone};
use qratum_widgets::{SafeText, badge};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

use crate::{
    model::{Model, Pane},
    time,
};

/// The smallest window that holds everything.
const SMALLEST: (u16, u16) = (60, 16);

/// Draws the model.
pub(crate) fn view(model: &Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    let (width, height) = SMALLEST;
    if area.width < width || area.height < height {
        let text = format!("too small: {}x{}, need {width}x{height}; q quit", area.width, area.height);
        frame.render_widget(Line::from(text), top_row(area));
        return;
    }
    let banners = u16::from(model.demo);
    let rows =
        [Constraint::Length(1), Constraint::Length(banners), Constraint::Fill(1), Constraint::Length(1)];
    let [bar_at, banner_at, body, hints_at] = Layout::vertical(rows).areas(area);
    bar(model, frame, bar_at);
    banner(model, frame, banner_at);
    match &model.pane {
        Pane::Overview => overview::view(model, frame, body),
        Pane::Proof(height, proof) => proof::view(model, (*height, proof), frame, body),
    }
    hints(model, frame, hints_at);
}

/// Product, network, state, verified height and its age: never covered by anything.
fn bar(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let theme = &model.theme;
    frame.render_widget(Line::styled(" ".repeat(area.width.into()), theme.tone(Tone::Bar)), area);
    let mut spans = vec![
        Span::raw(" QRATUM  "),
        Span::from(SafeText::new(&model.network, SafeText::NAME)),
        Span::raw("  "),
    ];
    if let Some(snapshot) = &model.snapshot {
        spans.push(Span::raw(
            badge::with_word(theme, state_mark(snapshot.state), snapshot.state.word()).content,
        ));
    }
    if let Some(head) = model.head() {
        let header = head.header().get();
        let age = time::age(time::since(header.time, model.now));
        spans.push(Span::raw(format!(
            "  {} height {}  {age} old",
            theme.glyph(Mark::Verified),
            header.height
        )));
    }
    frame.render_widget(Line::from(spans).style(theme.tone(Tone::Bar)), area);
}

/// What is not real here, and where it lies.
fn banner(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let home = SafeText::new(&model.home, SafeText::SENTENCE);
    let text = format!(" demo network: software devices only   home {home}");
    let text = parts::clipped(&model.theme, &text, area.width.into());
    frame.render_widget(Line::styled(text, model.theme.tone(Tone::Warn)), area);
}

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

fn hints(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let keys = match model.pane {
        Pane::Overview => " q quit   e proof of the head",
        Pane::Proof(..) => " q or Esc back   e proof of the newest head",
    };
    frame.render_widget(Line::styled(keys, model.theme.tone(Tone::Quiet)), area);
}

fn top_row(area: Rect) -> Rect {
    Rect { height: area.height.min(1), ..area }
}
