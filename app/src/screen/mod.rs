//! What is on screen? The frame, and in it the screen that was chosen or what lies open above it.

mod consensus;
pub(crate) mod draw;
pub(crate) mod entropy;
mod frame;
mod ink;
pub(crate) mod lists;
mod logs;
mod order;
mod overview;
pub(crate) mod page;
pub(crate) mod parts;
pub(crate) mod peers;
pub(crate) mod requests;
mod security;
#[cfg(test)]
pub(crate) mod tests;
mod validators;

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
};

use self::draw::Pen;
use crate::{
    action::Screen,
    layer::{alarms, lock, sign},
    model::{Layer, Model},
};

/// The smallest window that holds everything.
const SMALLEST: (u16, u16) = (60, 16);
/// From this height on there is a row for crumbs, one for what keys did, and one for the banner.
const TALL: u16 = 24;

/// Draws the model.
pub(crate) fn view(model: &Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    let pen = &mut Pen { theme: &model.theme, frame };
    if model.session.locked().is_some() {
        lock::view(model, pen, area);
        return;
    }
    let (width, height) = SMALLEST;
    if area.width < width || area.height < height {
        frame::too_small(model, pen, SMALLEST, area);
        return;
    }
    let urgent = alarms::banner(model);
    let [bar, tabs, banner, alarm, body, said, hints] = rows(model, area, urgent.is_some());
    frame::bar(model, pen, bar);
    frame::tabs(model, pen, tabs);
    frame::banner(model, pen, banner);
    if let Some(urgent) = urgent {
        pen.table(&urgent, alarm);
    }
    self::body(model, pen, body);
    frame::said(model, pen, &said.rows().collect::<Vec<_>>());
    frame::hints(model, pen, hints);
}

/// The rows of the frame, and what is left between them.
fn rows(model: &Model, area: Rect, is_urgent: bool) -> [Rect; 7] {
    let tall = area.height >= TALL;
    let rows = [1, 1, u16::from(model.demo && tall), u16::from(is_urgent)].map(Constraint::Length);
    let below = [1 + u16::from(tall), 1].map(Constraint::Length);
    let all = rows.into_iter().chain([Constraint::Fill(1)]).chain(below);
    Layout::vertical(all).areas(area)
}

/// Columns and rows between the frame; none where the window is too small to show anything there.
pub(crate) fn room(model: &Model) -> Option<(u16, u16)> {
    let (width, height) = model.view.window;
    let [.., body, _, _] = rows(model, Rect::new(0, 0, width, height), alarms::banner(model).is_some());
    (width >= SMALLEST.0 && height >= SMALLEST.1).then_some((body.width, body.height))
}

/// What lies open, else the screen.
fn body(model: &Model, pen: &mut Pen<'_, '_>, area: Rect) {
    if let Some(dialog) = model.view.sign() {
        sign::view(model, dialog, pen, area);
        return;
    }
    let typed = |layer: &Layer| matches!(layer, Layer::Filter | Layer::Reason(..));
    let open = model.view.layers.iter().any(|layer| !typed(layer));
    if open {
        let list = model.view.list();
        pen.list(&lists::table(model, list), (&model.view.cursor(list), true), area);
        return;
    }
    match model.view.screen {
        Screen::Overview => overview::view(model, pen, area),
        Screen::Consensus => consensus::view(model, pen, area),
        Screen::Validators => validators::view(model, pen, area),
        Screen::Peers => peers::view(model, pen, area),
        Screen::Logs => logs::view(model, pen, area),
        Screen::Entropy => entropy::view(model, pen, area),
        Screen::Security => security::view(model, pen, area),
        Screen::Approvals => requests::approvals(model, pen, area),
        Screen::Audit => requests::audit(model, pen, area),
    }
}
