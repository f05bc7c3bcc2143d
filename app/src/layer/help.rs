//! Which keys are there? The whole table of actions; those that mean something here come first.

use crate::{
    action::{ACTIONS, Entry, Holds},
    model::{Layer, List, Model},
    screen::page::{Table, column, here, own, quiet, rest},
};

/// All that can be done, in the order in which it is shown.
pub(crate) fn entries(model: &Model) -> Vec<&'static Entry> {
    let covers = |layer: &Layer| !matches!(layer, Layer::Help | Layer::Filter | Layer::Palette(_));
    let inside = model.view.layers.iter().any(covers);
    let rows = model.view.panel() != List::Head || inside;
    let means = |entry: &&Entry| match entry.holds {
        Holds::Everywhere => true,
        Holds::Rows => rows,
        Holds::Inside => inside,
        Holds::Proof => false,
    };
    let (here_first, elsewhere): (Vec<&Entry>, Vec<&Entry>) = ACTIONS.iter().partition(means);
    here_first.into_iter().chain(elsewhere).collect()
}

/// All keys.
pub(crate) fn table(model: &Model) -> Table<'static> {
    let entries = entries(model);
    let row = move |at: usize| {
        let Some(entry) = entries.get(at) else { return Vec::new() };
        vec![vec![here(entry.shown_keys())], vec![quiet(entry.id)], vec![own(entry.label)]]
    };
    Table::of(vec![column("key"), column("palette"), rest("does")], ACTIONS.len(), row)
        .under(vec![own("keys; / searches them, Enter does one")])
}
