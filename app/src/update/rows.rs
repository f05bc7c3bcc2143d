//! Which row, and in which order? The cursor of a list, its filter and its sorting.

use qratum_widgets::Order;

use crate::{
    action::Action,
    model::{Cursor, Layer, List, Model, panels},
    screen::{lists, page::Thing},
};

/// Goes to the next panel that has rows, or the one before; whether there is another.
pub(super) fn turn(model: &mut Model, forward: bool) -> bool {
    let from = model.view.panel();
    for _ in panels(model.view.screen) {
        model.view.turn(forward);
        if lists::table(model, model.view.list()).len > 0 {
            break;
        }
    }
    model.view.panel() != from
}

/// Moves the cursor. Where there are no rows, the next panel has some.
pub(super) fn walk(model: &mut Model, action: Action) {
    let mut list = model.view.list();
    let mut count = lists::kept(model, list).len();
    if list == List::Head && matches!(action, Action::Down | Action::PageDown | Action::Last) {
        turn(model, true);
        list = model.view.list();
        count = 0;
    }
    let page = usize::from(model.view.window.1 / 2).max(1);
    let last = count.saturating_sub(1);
    let cursor = model.view.cursor_mut(list);
    let row = cursor.row.min(last);
    cursor.row = match action {
        Action::Down => row.saturating_add(1),
        Action::Up => row.saturating_sub(1),
        Action::PageDown => row.saturating_add(page),
        Action::PageUp => row.saturating_sub(page),
        Action::Last => last,
        _ => 0,
    }
    .min(last);
}

/// The next row of a filter, round and round.
pub(super) fn round(model: &mut Model, forward: bool) {
    let list = model.view.list();
    let count = lists::kept(model, list).len();
    let cursor = model.view.cursor_mut(list);
    if cursor.filter.is_empty() {
        model.say("there is no filter: / starts one");
        return;
    }
    let step = if forward { 1 } else { count.saturating_sub(1) };
    cursor.row = cursor.row.saturating_add(step).checked_rem(count).unwrap_or(0);
}

/// A filter goes to rows: on the overview, first to those of the members.
pub(super) fn filter(model: &mut Model) {
    if model.view.list() == List::Head {
        turn(model, true);
    }
    let list = model.view.list();
    model.view.cursor_mut(list).filter.clear();
    model.view.open(Layer::Filter);
}

/// Sorts by the next column that has a title; after the last, rows are as they were.
pub(super) fn sort(model: &mut Model) {
    let titles = titles(model);
    let next = match model.view.cursor(model.view.list()).sort {
        None => titles.first(),
        Some((title, _)) => titles.iter().skip_while(|known| **known != title).nth(1),
    };
    let next = next.map(|title| (*title, Order::Rising));
    order(model, &titles, next);
}

/// Turns the order round; of rows that are not sorted, sorts by the first column.
pub(super) fn reverse(model: &mut Model) {
    let titles = titles(model);
    let next = match model.view.cursor(model.view.list()).sort {
        Some((title, Order::Falling)) => Some((title, Order::Rising)),
        Some((title, Order::Rising)) => Some((title, Order::Falling)),
        None => titles.first().map(|title| (*title, Order::Falling)),
    };
    order(model, &titles, next);
}

/// The columns that the list can be sorted by.
fn titles(model: &Model) -> Vec<&'static str> {
    lists::table(model, model.view.list()).titles().collect()
}

/// Sorts so, from the first row on, and says it: a column may be out of sight in a narrow window.
fn order(model: &mut Model, titles: &[&'static str], by: Option<(&'static str, Order)>) {
    if titles.is_empty() {
        model.say("these rows have no columns to sort by: 3 shows validators, 4 peers, with theirs");
        return;
    }
    let list = model.view.list();
    let cursor = model.view.cursor_mut(list);
    (cursor.sort, cursor.row) = (by, 0);
    match by {
        Some((title, _)) => {
            model.say(format!("sorted by {title}: s takes the next column, S turns it round"))
        }
        None => model.say("rows in their own order: s sorts them"),
    }
}

/// The things that cursors are on, but for those on a first row: they stay with what comes first.
pub(super) fn held(model: &Model) -> Vec<(List, Thing)> {
    let held = |(list, cursor): (List, &Cursor)| {
        let table = lists::table(model, list);
        Some((list, table.thing(table.kept(cursor).row(cursor.row)?)?))
    };
    model.view.cursors().filter(|(_, cursor)| cursor.row > 0).filter_map(held).collect()
}

/// Puts cursors on their things again, where those are still there.
pub(super) fn hold(model: &mut Model, held: Vec<(List, Thing)>) {
    for (list, thing) in held {
        let table = lists::table(model, list);
        let kept = table.kept(&model.view.cursor(list));
        let is_on = |place: &usize| kept.row(*place).and_then(|row| table.thing(row)) == Some(thing);
        let place = (0..kept.len()).find(is_on);
        drop(table);
        if let Some(place) = place {
            model.view.cursor_mut(list).row = place;
        }
    }
}
