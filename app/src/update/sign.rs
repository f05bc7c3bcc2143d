//! What do keys, news and changes do to the sheet that somebody is asked to sign?

use super::Effect;
use crate::{
    acting::ceremony::Event,
    action::Key,
    layer::sign,
    model::{Layer, Model, Sheet, Sign, Told},
    screen,
};

/// Said where the console may not act, or not any more.
const OVER: &str = "this console only watches: nothing was signed; :elevate 10m lets it act for a time";

/// Shows what is to be signed; not where the console only watches, and not where names are hidden, as nothing is signed unseen.
pub(super) fn open(model: &mut Model, sheet: Result<Sheet, String>) -> Vec<Effect> {
    match sheet {
        Err(why) => model.say(format!("nothing was signed: {why}")),
        Ok(_) if model.view.private => {
            model.say("names are hidden, and nothing is signed unseen: p shows them");
        }
        Ok(_) if model.session.locked().is_some() => {}
        Ok(_) if model.session.left(model.now).is_none() => model.say(OVER),
        Ok(_) if model.view.sign().is_some() => model.say("another sheet is open: nothing was signed"),
        Ok(sheet) => {
            let dialog = Sign::new(sheet, model.now);
            model.view.open(Layer::Sign(Box::new(dialog)));
        }
    }
    vec![Effect::Draw]
}

/// Tells the dialog how many lines there are and how many are in sight, after whatever may have changed
/// that.
pub(super) fn lay_out(model: &mut Model) {
    if model.view.sign().is_none() {
        return;
    }
    let width = model.view.window.0;
    let (lines, room) = (sign::lines(model), screen::room(model).map(sign::room).unwrap_or_default());
    if let Some(dialog) = model.view.sign_mut() {
        dialog.laid_out((lines, room), width);
    }
}

/// Gives a key to the dialog.
pub(super) fn key(model: &mut Model, key: Key) -> Vec<Effect> {
    let now = model.now;
    let Some(dialog) = model.view.sign_mut() else { return Vec::new() };
    let is_signed = dialog.is_signed();
    let mut told = dialog.key(key, now);
    let is_over = matches!(told, Told::Begin | Told::Go) && model.session.left(now).is_none();
    if is_over {
        told = Told::Cancel;
    }
    if matches!(told, Told::Cancel | Told::Close) {
        model.view.layers.pop();
    }
    match told {
        _ if is_over => model.say(OVER),
        Told::Close if is_signed => model.say("it was signed before you left: Audit shows what comes of it"),
        Told::Cancel => model.say("cancelled: nothing was signed"),
        _ => {}
    }
    let order = (told != Told::Nothing).then_some(Effect::Ceremony(told));
    order.into_iter().chain([Effect::Draw]).collect()
}

/// The ceremony says something; where its dialog is closed, the last word of it is still heard.
pub(super) fn event(model: &mut Model, event: Event) -> Vec<Effect> {
    let now = model.now;
    match (model.view.sign_mut(), event) {
        (Some(dialog), event) => dialog.event(event, now),
        (None, Event::Final { height }) => model.did(format!("finalized and verified at height {height}")),
        (None, Event::Failed(why)) => model.did(why),
        (None, _) => {}
    }
    vec![Effect::Draw]
}

/// So much of the PIN is typed; which characters, nobody here knows.
pub(super) fn typed(model: &mut Model, count: usize) -> Vec<Effect> {
    if let Some(dialog) = model.view.sign_mut() {
        dialog.pin = count;
    }
    vec![Effect::Draw]
}

/// Closes a sheet that is no longer true, unless it was signed: then the chain decides.
pub(super) fn changed(model: &mut Model, what: &str) -> Vec<Effect> {
    if model.view.sign().is_none_or(Sign::is_settled) {
        return Vec::new();
    }
    model.view.layers.pop();
    model.did(format!("{what}: nothing was signed; review it again"));
    vec![Effect::Ceremony(Told::Cancel), Effect::Draw]
}
