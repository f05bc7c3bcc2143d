//! Locking, and the time to act that it ends: whatever lies open is closed, a ceremony ends without a signature, and the screen is empty.

use super::Effect;
use crate::{
    action::Key,
    model::{Layer, Model, Told},
};

/// Locks the console.
pub(super) fn lock(model: &mut Model) -> Vec<Effect> {
    let was_signing = model.view.layers.iter().any(|layer| matches!(layer, Layer::Sign(_)));
    model.view.layers.clear();
    model.view.flash = None;
    model.session.lock(model.now);
    let cancel = was_signing.then_some(Effect::Ceremony(Told::Cancel));
    cancel.into_iter().chain([Effect::Repaint]).collect()
}

/// Gives the terminal back to the shell; what could act is found locked by whoever comes back, and no
/// ceremony goes on meanwhile.
pub(super) fn suspend(model: &mut Model) -> Vec<Effect> {
    let locks = model.session.must_lock() || model.view.sign().is_some();
    let locked = locks.then(|| lock(model));
    locked.into_iter().flatten().chain([Effect::Suspend]).collect()
}

/// Lets the console act for so many minutes.
pub(super) fn elevate(model: &mut Model, minutes: Option<u64>) {
    let minutes = model.session.elevate(minutes, model.now);
    model.say(format!("this console may act for {minutes} minutes; :readonly ends that"));
}

/// Ends that.
pub(super) fn read_only(model: &mut Model) {
    let could = model.session.read_only();
    model.say(if could { "this console only watches now" } else { "this console only watches" });
}

/// What a key does to a locked console: it opens it, or ends the program.
pub(super) fn key(model: &mut Model, key: Key) -> Vec<Effect> {
    match key {
        Key::Ctrl('c') => vec![Effect::Quit],
        Key::Ctrl('z') => vec![Effect::Suspend],
        Key::Char('L') | Key::Ctrl('\\') => Vec::new(),
        _ => {
            model.session.unlock(model.now);
            model.say("unlocked, read-only: :elevate lets this console act for a time");
            vec![Effect::Repaint]
        }
    }
}
