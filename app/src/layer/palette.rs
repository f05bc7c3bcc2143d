//! What can be done by name? Whatever the table of actions has, found by a few letters; and behind
//! `drill`, what can be tried on a demo network.

use crate::{
    action::{Entry, found},
    model::{Drill, Model},
    screen::page::{Cell, Table, column, here, own, quiet, rest},
};

/// Something that the palette offers.
#[derive(Clone, Debug)]
pub(crate) enum Offer {
    Entry(&'static Entry),
    Drill(Drill),
}

/// What fits what was typed, the best first.
pub(crate) fn offered(model: &Model, text: &str) -> Vec<Offer> {
    match Drill::offered(text, &model.started) {
        Some(drills) => drills.into_iter().map(Offer::Drill).collect(),
        None => found(text).into_iter().map(Offer::Entry).collect(),
    }
}

/// The same, in rows.
pub(crate) fn table<'a>(model: &Model, text: &str) -> Table<'a> {
    let (offered, hidden) = (offered(model, text), model.view.private);
    let len = offered.len();
    let row = move |at: usize| offered.get(at).map_or_else(Vec::new, |offer| cells(offer, hidden));
    Table::of(vec![column("name"), column("does"), rest("key")], len, row).under(vec![
        own(": "),
        here(text),
        own("_"),
        quiet("   Enter does it, Esc closes"),
    ])
}

fn cells(offer: &Offer, hidden: bool) -> Vec<Cell> {
    match offer {
        Offer::Entry(entry) => {
            vec![vec![own(entry.id)], vec![own(entry.label)], vec![here(entry.shown_keys())]]
        }
        Offer::Drill(drill) => {
            let name = drill.name().map(|name| if hidden { "(hidden)" } else { name });
            let mut called = vec![own(drill.verb())];
            called.extend(name.map(|name| here(format!(" {name}"))));
            vec![called, vec![own(drill.label())], Vec::new()]
        }
    }
}
