//! What does a key do?

use qratum_chain::types::Height;

use super::{
    Effect, pick,
    typing::{self, Typed},
};
use crate::{
    action::{Action, Key, Needs, Screen, meaning, of},
    model::{Asked, Detail, Drill, Ground, Layer, List, Model, Proof, Subject, panels},
    screen::lists,
};

/// Gives a key to the text that is being typed, else does what it means.
pub(super) fn key(model: &mut Model, key: Key) -> Vec<Effect> {
    match typing::key(model, key) {
        Typed::Text => vec![Effect::Draw],
        Typed::Do(action, number) => perform(model, action, number),
        Typed::Taken(id, reason) => {
            model.did(format!("alarm {id} acknowledged"));
            vec![Effect::Acknowledge { id, reason }, Effect::Draw]
        }
        Typed::Drill(drill) => vec![Effect::Drill(drill), Effect::Draw],
        Typed::Wrong(why) => {
            model.say(why.to_owned());
            vec![Effect::Draw]
        }
        Typed::Other => meaning(key).map_or_else(Vec::new, |entry| perform(model, entry.action, None)),
    }
}

/// Does something, where it can be done.
fn perform(model: &mut Model, action: Action, number: Option<u64>) -> Vec<Effect> {
    let needs = of(action).map_or(Needs::Nothing, |entry| entry.needs);
    if needs == Needs::Head && model.head().is_none() {
        model.say("nothing is verified yet".to_owned());
        return vec![Effect::Draw];
    }
    match action {
        Action::Quit => return vec![Effect::Quit],
        Action::Leave if model.view.layers.is_empty() => return vec![Effect::Quit],
        Action::Leave | Action::Back => back(model),
        Action::Repaint => return vec![Effect::Repaint],
        Action::Show(screen) => show(model, screen),
        Action::LastScreen => show(model, model.view.last),
        Action::NextPanel | Action::PreviousPanel => {
            if model.view.layers.is_empty() {
                turn(model, action == Action::NextPanel);
            }
        }
        Action::Down | Action::Up | Action::PageDown | Action::PageUp | Action::First | Action::Last => {
            walk(model, action);
        }
        Action::NextMatch | Action::PreviousMatch => round(model, action == Action::NextMatch),
        Action::Open => return open(model),
        Action::Help => model.view.open(Layer::Help),
        Action::Palette => model.view.open(Layer::Palette(String::new())),
        Action::Filter => filter(model),
        Action::Prove => match pick::ground(model) {
            Ground::Proven(subject) => return prove(model, subject),
            Ground::Unproven(why) => model.say(format!("no proof: {why}")),
        },
        Action::ProveHeight => {
            let subject = number.map(|height| Subject::Block(Height(height)));
            return subject.map_or_else(Vec::new, |subject| prove(model, subject));
        }
        Action::Write => return write(model),
        Action::Explain => model.view.open(Layer::Page(pick::code(model))),
        Action::Alarms => model.view.open(Layer::Alarms),
        Action::Acknowledge => acknowledge(model),
        // The palette asks what to try.
        Action::Drill => model.view.open(Layer::Palette(format!("{} ", Drill::NAME))),
        Action::Tour => model.start_tour(),
        Action::Pause => pause(model),
        Action::Privacy => model.view.private = !model.view.private,
    }
    vec![Effect::Draw]
}

/// Closes the topmost layer, or takes the filter away, or ends the tour.
fn back(model: &mut Model) {
    if model.view.layers.pop().is_some() {
        return;
    }
    let list = model.view.list();
    let filter = std::mem::take(&mut model.view.cursor_mut(list).filter);
    if filter.is_empty() {
        model.end_tour();
    }
}

fn show(model: &mut Model, screen: Screen) {
    model.view.layers.clear();
    if model.view.screen != screen {
        model.view.last = model.view.screen;
        model.view.screen = screen;
    }
}

/// Goes to the next panel that has rows, or the one before.
fn turn(model: &mut Model, forward: bool) {
    for _ in panels(model.view.screen) {
        model.view.turn(forward);
        if lists::table(model, model.view.list()).len > 0 {
            return;
        }
    }
}

/// Moves the cursor. Where there are no rows, the next panel has some.
fn walk(model: &mut Model, action: Action) {
    let mut list = model.view.list();
    let mut count = lists::kept(model, list).len();
    if list == List::Head && matches!(action, Action::Down | Action::Last) {
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
fn round(model: &mut Model, forward: bool) {
    let list = model.view.list();
    let count = lists::kept(model, list).len();
    let cursor = model.view.cursor_mut(list);
    if cursor.filter.is_empty() {
        model.say("there is no filter: / starts one".to_owned());
        return;
    }
    let step = if forward { 1 } else { count.saturating_sub(1) };
    cursor.row = cursor.row.saturating_add(step).checked_rem(count).unwrap_or(0);
}

/// A filter goes to rows: on the overview, first to those of the members.
fn filter(model: &mut Model) {
    if model.view.list() == List::Head {
        turn(model, true);
    }
    let list = model.view.list();
    model.view.cursor_mut(list).filter.clear();
    model.view.open(Layer::Filter);
}

/// Opens what the cursor is on; of a validator, what the registry says is proven meanwhile.
fn open(model: &mut Model) -> Vec<Effect> {
    if model.view.list() == List::Head {
        return perform(model, Action::Explain, None);
    }
    if model.view.list() == List::Alarms {
        return if pick::alarm(model).is_some() { perform(model, Action::Explain, None) } else { Vec::new() };
    }
    let Some(detail) = pick::opened(model) else { return Vec::new() };
    let subject = match &detail {
        Detail::Validator(key) => Some(model.member(key)),
        Detail::Peer(_) => None,
    };
    model.view.open(Layer::Detail(detail));
    model.view.asked = None;
    let subject = subject.filter(|subject| matches!(subject, Subject::Validator { .. }));
    let mut effects = vec![Effect::Draw];
    effects.extend(subject.and_then(|subject| ask(model, subject)));
    effects
}

/// Shows the proof of something.
fn prove(model: &mut Model, subject: Subject) -> Vec<Effect> {
    model.view.open(Layer::Proof);
    let mut effects = vec![Effect::Draw];
    effects.extend(ask(model, subject));
    effects
}

/// Asks for a proof, unless it is here or on its way.
fn ask(model: &mut Model, subject: Subject) -> Option<Effect> {
    let asked = model.view.asked.as_ref().filter(|asked| asked.subject == subject);
    if asked.is_some_and(|asked| !matches!(asked.proof, Proof::Failed(_))) {
        return None;
    }
    model.view.asked = Some(Asked { subject: subject.clone(), proof: Proof::Fetching });
    Some(Effect::Prove(subject))
}

/// Has the open proof written to a file.
fn write(model: &mut Model) -> Vec<Effect> {
    let open = model.view.list() == List::Proof;
    let found = model.view.asked.as_ref().filter(|_| open).and_then(|asked| match &asked.proof {
        Proof::Shown(found) => found.document(),
        Proof::Fetching | Proof::Failed(_) => None,
    });
    let Some((stem, text)) = found else {
        model.say("open a proof first: e".to_owned());
        return vec![Effect::Draw];
    };
    vec![Effect::Write { stem, text }]
}

/// Asks why the alarm under the cursor is in good hands; elsewhere, shows the alarms first.
fn acknowledge(model: &mut Model) {
    if model.view.list() != List::Alarms {
        model.view.open(Layer::Alarms);
        return;
    }
    match pick::alarm(model) {
        Some(alarm) if alarm.acknowledged.is_none() => {
            let id = alarm.id;
            model.view.open(Layer::Reason(id, String::new()));
        }
        Some(_) => model.say("it is acknowledged already".to_owned()),
        None => model.say("no alarm is open".to_owned()),
    }
}

/// Holds the picture still, or shows what is known by now.
fn pause(model: &mut Model) {
    model.held = match model.held.take() {
        Some(_) => None,
        None => Some((model.now, model.live.clone())),
    };
}
