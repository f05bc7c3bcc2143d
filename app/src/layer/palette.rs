//! What can be done by name? Whatever the table of actions has, found by a few letters; behind `drill`,
//! what can be tried on a demo network; behind `theme`, the themes.

use crate::{
    action::{Action, Entry, Needs, THEME, found},
    model::{Drill, Model},
    screen::page::{Cell, Table, column, here, own, quiet, rest},
};

/// Something that the palette offers.
#[derive(Clone, Debug)]
pub(crate) enum Offer {
    Entry(&'static Entry),
    Drill(Drill),
    /// By its name.
    Theme(String),
}

impl Offer {
    /// All that is typed for it; what needs more ends in a space.
    pub(crate) fn completed(&self) -> String {
        match self {
            Self::Entry(Entry { id, needs: Needs::Nothing | Needs::Head, .. }) => (*id).to_owned(),
            Self::Entry(entry) => format!("{} ", entry.id),
            Self::Drill(drill) => drill.to_string(),
            Self::Theme(name) => format!("{THEME} {name}"),
        }
    }

    /// Whether it is worth doing again: not what only looks for that.
    pub(crate) fn is_kept(&self) -> bool {
        let looks = |entry: &Entry| matches!(entry.action, Action::Older | Action::Newer | Action::Palette);
        !matches!(self, Self::Entry(entry) if looks(entry))
    }
}

/// What fits what was typed, the best first.
pub(crate) fn offered(model: &Model, text: &str) -> Vec<Offer> {
    if let Some(drills) = Drill::offered(text, &model.started, &model.live.health.good()) {
        return drills.into_iter().map(Offer::Drill).collect();
    }
    match text.trim_start().split_once(char::is_whitespace) {
        Some((THEME, start)) => {
            let fit = model.themes.iter().filter(|name| name.starts_with(start.trim()));
            fit.cloned().map(Offer::Theme).collect()
        }
        _ => found(text).into_iter().map(Offer::Entry).collect(),
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
        quiet("   Enter does it, Tab completes, Ctrl-P: what was done before"),
    ])
}

fn cells(offer: &Offer, hidden: bool) -> Vec<Cell> {
    match offer {
        Offer::Entry(entry) => {
            vec![vec![own(entry.id)], vec![own(entry.label)], vec![here(entry.shown_keys())]]
        }
        Offer::Drill(drill) => {
            let name = drill.name().map(|name| if hidden { "(hidden)" } else { name }).or(drill.source());
            let mut called = vec![own(drill.verb())];
            called.extend(name.map(|name| here(format!(" {name}"))));
            vec![called, vec![own(drill.label())], Vec::new()]
        }
        Offer::Theme(name) => {
            vec![vec![own(THEME), own(" "), here(name)], vec![own("its colors")], Vec::new()]
        }
    }
}
