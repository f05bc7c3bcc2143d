//! Which rows does a list have? One answer for what is drawn, what the cursor moves over and what a
//! filter leaves.

use super::{
    consensus, entropy, logs, overview,
    page::{Kept, Table},
    peers, requests, security, validators,
};
use crate::{
    layer::{alarms, detail, explain, help, palette, proof, sign},
    model::{Layer, List, Model},
};

/// A list.
pub(crate) fn table(model: &Model, list: List) -> Table<'_> {
    match list {
        List::Head => overview::head(model),
        List::Members => overview::members(model),
        List::Sources => overview::sources(model),
        List::Notices => overview::notices(model),
        List::Votes => consensus::votes(model),
        List::Heads => consensus::heads(model),
        List::Power => consensus::power(model),
        List::Lately => consensus::lately(model),
        List::Validators => validators::table(model),
        List::Diversity => validators::diversity(model),
        List::Peers => peers::table(model),
        List::Logs => logs::table(model),
        List::Randomness => entropy::sources(model),
        List::Pool => entropy::pool(model),
        List::Approvals => requests::waiting(model),
        List::Acts => requests::closed(model),
        List::Guards => security::guards(model),
        List::Audit => security::audit(model),
        List::Help => help::table(model),
        List::Alarms => alarms::table(model),
        List::Proof => proof::table(model),
        List::Sheet => sign::table(model),
        List::Detail | List::Page | List::Palette => opened(model),
    }
}

/// The list of the topmost layer that has one.
fn opened(model: &Model) -> Table<'_> {
    let of = |layer: &Layer| match layer {
        Layer::Detail(detail) => Some(detail::table(model, detail)),
        Layer::Page(code) => Some(explain::table(model, code)),
        Layer::Palette(text) => Some(palette::table(model, text)),
        _ => None,
    };
    model.view.layers.iter().rev().find_map(of).unwrap_or_else(|| Table::rows(Vec::new(), Vec::new()))
}

/// The rows of a list that its filter leaves.
pub(crate) fn kept(model: &Model, list: List) -> Kept {
    table(model, list).kept(&model.view.cursor(list))
}

/// The row that the cursor of a list is on, counted without the filter.
pub(crate) fn row(model: &Model, list: List) -> Option<usize> {
    kept(model, list).row(model.view.cursor(list).row)
}
