//! What does this state or refusal mean, and what is to be done? The page of `qratum explain`.

use super::alarms;
use crate::{
    command::explain,
    model::Model,
    screen::page::{Cell, Piece, Table, here, own, rest},
};

/// The page of a code, as wide as the window; below an alarm that it was opened from.
pub(crate) fn table<'a>(model: &'a Model, code: &'static str) -> Table<'a> {
    let columns = usize::from(model.view.window.0).saturating_sub(2);
    let alarm = alarms::in_full(model, code, columns);
    let page = explain::page(code, columns).into_iter().map(here);
    if alarm.is_empty() {
        return table_of(page);
    }
    table_of(alarm.into_iter().chain([own("")]).chain(page))
        .under(vec![own("alarm")])
        .worth(model.live_worth())
        .resting(move |_| alarms::opened(model, code))
}

fn table_of(lines: impl Iterator<Item = Piece>) -> Table<'static> {
    let rows: Vec<Vec<Cell>> = lines.map(|line| vec![vec![line]]).collect();
    Table::rows(vec![rest("")], rows)
}
