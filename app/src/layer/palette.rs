//! What can be done by name? Whatever the table of actions has, found by a few letters.

use crate::{
    action::found,
    screen::page::{Table, column, here, own, quiet, rest},
};

/// What fits what was typed, the best first.
pub(crate) fn table(text: &str) -> Table<'static> {
    let found = found(text);
    let len = found.len();
    let row = move |at: usize| {
        let Some(entry) = found.get(at) else { return Vec::new() };
        vec![vec![own(entry.id)], vec![own(entry.label)], vec![here(entry.shown_keys())]]
    };
    Table::of(vec![column("name"), column("does"), rest("key")], len, row).under(vec![
        own(": "),
        here(text),
        own("_"),
        quiet("   Enter does it, Esc closes"),
    ])
}
