//! Text that is being typed: a filter, a reason, or a name in the palette.

use crate::{
    action::{Action, Key, Needs},
    layer::palette::{Offer, offered},
    model::{Drill, Layer, List, Model},
    monitor::Alarm,
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
    /// The theme of this name is to be taken.
    Theme(String),
    /// The alarm of this number is in good hands, for this reason.
    Taken(u64, String),
    /// What was typed cannot be done.
    Wrong(&'static str),
}

/// Opens the palette; behind the name of an action, it asks for the rest.
pub(super) fn begin(model: &mut Model, name: &str) {
    let text = if name.is_empty() { String::new() } else { format!("{name} ") };
    model.view.commands.begin();
    model.view.open(Layer::Palette(text));
}

/// Gives a key to the text that is being typed.
pub(super) fn key(model: &mut Model, key: Key) -> Typed {
    match (model.view.top(), key) {
        (Some(Layer::Palette(_) | Layer::Reason(..) | Layer::Filter), Key::Char(_) | Key::Backspace) => {
            edit(model, key);
            Typed::Text
        }
        (Some(Layer::Palette(text)), Key::Enter) => {
            let text = text.clone();
            chosen(model, &text)
        }
        (Some(Layer::Palette(text)), Key::Tab) => {
            let text = text.clone();
            complete(model, &text)
        }
        (Some(Layer::Reason(id, text)), Key::Enter) => {
            let (id, text) = (*id, text.trim().to_owned());
            if text.is_empty() {
                return Typed::Wrong("say in a few words why it is in good hands");
            }
            let waits = |alarm: &Alarm| alarm.id == id && alarm.acknowledged.is_none();
            if !model.alarms.open.iter().any(waits) {
                return Typed::Wrong(
                    "nothing was acknowledged: this alarm asks for it no more; Esc goes back",
                );
            }
            model.view.layers.pop();
            Typed::Taken(id, text)
        }
        (Some(Layer::Filter), Key::Enter | Key::Esc) => {
            model.view.layers.pop();
            if key == Key::Esc {
                let list = model.view.list();
                model.view.cursor_mut(list).filter.clear();
            }
            Typed::Text
        }
        _ => Typed::Other,
    }
}

/// Puts a text that was pasted where one is being typed, without what would act as keys; whether there
/// is such a place.
pub(super) fn paste(model: &mut Model, text: &str) -> bool {
    let typing = model.view.is_typing();
    if typing {
        text.chars().for_each(|c| edit(model, Key::Char(c)));
    }
    typing
}

/// Changes the text, and shows its rows from the first on.
fn edit(model: &mut Model, key: Key) {
    let list = model.view.list();
    let text = match model.view.layers.last_mut() {
        Some(Layer::Palette(text) | Layer::Reason(_, text)) => text,
        _ => &mut model.view.cursor_mut(list).filter,
    };
    match key {
        Key::Char(c) if text.chars().count() < LONGEST && !c.is_control() => text.push(c),
        Key::Backspace => drop(text.pop()),
        _ => {}
    }
    if !matches!(model.view.top(), Some(Layer::Reason(..))) {
        model.view.cursor_mut(list).row = 0;
    }
}

/// What was done by name before, or after that, in the palette.
pub(super) fn recall(model: &mut Model, back: bool) {
    if model.view.private {
        model.say("names are hidden, and what was typed may hold one: Esc, then p shows them");
        return;
    }
    if !matches!(model.view.top(), Some(Layer::Palette(_))) {
        model.view.commands.begin();
    }
    let Some(text) = model.view.commands.step(back) else {
        model.say(if back {
            "nothing was done by name before that"
        } else {
            "that was the last: Ctrl-P goes back"
        });
        return;
    };
    if matches!(model.view.top(), Some(Layer::Palette(_))) {
        model.view.layers.pop();
    }
    model.view.open(Layer::Palette(text));
}

/// What the palette offers under the cursor.
fn offer(model: &Model, text: &str) -> Option<Offer> {
    let row = lists::row(model, List::Palette)?;
    offered(model, text).into_iter().nth(row)
}

/// Types the rest of what the palette offers under the cursor.
fn complete(model: &mut Model, text: &str) -> Typed {
    let Some(offer) = offer(model, text) else { return Typed::Wrong(NOTHING) };
    // What it types is drawn as it is.
    if model.view.private && matches!(&offer, Offer::Drill(drill) if drill.name().is_some()) {
        return Typed::Wrong("names are hidden, and Tab would type one: Esc, then p shows them");
    }
    model.view.layers.pop();
    model.view.open(Layer::Palette(offer.completed()));
    Typed::Text
}

/// Said where the palette offers nothing.
const NOTHING: &str = "nothing has this name: Esc, then ? lists all that has one";

/// What Enter does in the palette.
fn chosen(model: &mut Model, text: &str) -> Typed {
    let Some(offer) = offer(model, text) else { return Typed::Wrong(NOTHING) };
    let number = text.split_whitespace().nth(1).and_then(|number| number.trim_end_matches('m').parse().ok());
    if let Offer::Entry(entry) = &offer {
        match entry.needs {
            Needs::Number if number.is_none() => return Typed::Wrong("it needs a number: height 12"),
            Needs::Drill if model.started.is_empty() => return Typed::Wrong(Drill::NONE),
            _ => {}
        }
    }
    model.view.layers.pop();
    let done = match (&offer, number) {
        (Offer::Entry(entry), Some(number)) if matches!(entry.needs, Needs::Number | Needs::Minutes) => {
            format!("{} {number}", entry.id)
        }
        _ => offer.completed().trim_end().to_owned(),
    };
    if offer.is_kept() {
        model.view.commands.keep(&done);
    }
    match offer {
        Offer::Drill(drill) => Typed::Drill(drill),
        Offer::Theme(name) => Typed::Theme(name),
        Offer::Entry(entry) => Typed::Do(entry.action, number),
    }
}
