//! Text that is being typed: a filter, or a name in the palette.

use crate::{
    action::{Action, Key, Needs},
    layer::palette::{Offer, offered},
    model::{Drill, Layer, List, Model},
    screen::lists,
};

/// The longest text, in characters.
const LONGEST: usize = 64;

/// What became of a key that went to a text.
pub(super) enum Typed {
    /// The text changed, or there was nothing to change.
    Text,
    /// It is no key for a text.
    Other,
    /// This is to be done, with the number behind its name.
    Do(Action, Option<u64>),
    /// This is to be tried.
    Drill(Drill),
    /// The alarm of this number is in good hands, for this reason.
    Taken(u64, String),
    /// What was typed cannot be done.
    Wrong(&'static str),
}

/// Gives a key to the text that is being typed.
pub(super) fn key(model: &mut Model, key: Key) -> Typed {
    let list = model.view.list();
    match model.view.layers.last_mut() {
        Some(Layer::Palette(text)) => {
            if edit(text, key) {
                model.view.cursor_mut(List::Palette).row = 0;
                return Typed::Text;
            }
            let text = text.clone();
            if key == Key::Enter { chosen(model, &text) } else { Typed::Other }
        }
        Some(Layer::Reason(id, text)) => {
            if edit(text, key) {
                return Typed::Text;
            }
            let (id, text) = (*id, text.trim().to_owned());
            match key {
                Key::Enter if text.is_empty() => Typed::Wrong("say in a few words why it is in good hands"),
                Key::Enter => {
                    model.view.layers.pop();
                    Typed::Taken(id, text)
                }
                _ => Typed::Other,
            }
        }
        Some(Layer::Filter) => {
            let cursor = model.view.cursor_mut(list);
            if edit(&mut cursor.filter, key) {
                cursor.row = 0;
                return Typed::Text;
            }
            match key {
                Key::Enter => drop(model.view.layers.pop()),
                Key::Esc => {
                    cursor.filter.clear();
                    model.view.layers.pop();
                }
                _ => return Typed::Other,
            }
            Typed::Text
        }
        _ => Typed::Other,
    }
}

/// Whether the key belonged to the text.
fn edit(text: &mut String, key: Key) -> bool {
    match key {
        Key::Char(c) => {
            if text.chars().count() < LONGEST && !c.is_control() {
                text.push(c);
            }
            true
        }
        Key::Backspace => {
            text.pop();
            true
        }
        _ => false,
    }
}

/// What Enter does in the palette.
fn chosen(model: &mut Model, text: &str) -> Typed {
    let row = lists::row(model, List::Palette);
    let entry = match row.and_then(|row| offered(model, text).into_iter().nth(row)) {
        None => return Typed::Wrong("nothing has this name"),
        Some(Offer::Drill(drill)) => {
            model.view.layers.pop();
            return Typed::Drill(drill);
        }
        Some(Offer::Entry(entry)) => entry,
    };
    let number = text.split_whitespace().nth(1).and_then(|number| number.parse().ok());
    match entry.needs {
        Needs::Number if number.is_none() => return Typed::Wrong("it needs a number: height 12"),
        Needs::Drill if model.started.is_empty() => return Typed::Wrong(Drill::NONE),
        _ => {}
    }
    model.view.layers.pop();
    Typed::Do(entry.action, number)
}
