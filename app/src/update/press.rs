//! What does a key do?

use qratum_chain::types::Height;

use super::{
    Effect, lock, pick, rows, sign,
    typing::{self, Typed},
};
use crate::{
    action::{Action, Entry, Key, Needs, THEME, instead, meaning, of},
    model::{Asked, Detail, Drill, Ground, Layer, List, Model, Proof, Subject},
    screen::{parts::short, requests},
};

/// Gives a key to the text that is being typed, else does what it means. What the key before it had to
/// say is said.
pub(super) fn key(model: &mut Model, key: Key) -> Vec<Effect> {
    if model.session.locked().is_some() {
        return lock::key(model, key);
    }
    model.session.press(model.now);
    model.view.flash = None;
    let locks = key == Key::Ctrl('\\') || (key == Key::Char('L') && model.view.sign().is_some());
    if locks {
        return lock::lock(model);
    }
    if model.view.sign().is_some() && !matches!(key, Key::Ctrl('l' | 'z')) {
        return sign::key(model, key);
    }
    match typing::key(model, key) {
        Typed::Text => vec![Effect::Draw],
        Typed::Do(action, number) => perform(model, action, number),
        Typed::Taken(id, reason) => {
            model.did(format!("alarm {id} acknowledged"));
            vec![Effect::Acknowledge { id, reason }, Effect::Draw]
        }
        Typed::Drill(drill) => vec![Effect::Drill(drill), Effect::Draw],
        Typed::Theme(name) => vec![Effect::Theme(name), Effect::Draw],
        Typed::Wrong(why) => {
            model.say(why);
            vec![Effect::Draw]
        }
        Typed::Other => match meaning(key) {
            Some(entry) => perform(model, entry.action, None),
            None => {
                model.say(nothing(model, key));
                vec![Effect::Draw]
            }
        },
    }
}

/// That a key does nothing, and what does something.
fn nothing(model: &Model, key: Key) -> String {
    let instead =
        if model.view.is_typing() { "Enter takes what is typed, Esc leaves it" } else { instead(key) };
    format!("{key} does nothing here: {instead}")
}

/// Does something, where it can be done.
fn perform(model: &mut Model, action: Action, number: Option<u64>) -> Vec<Effect> {
    let needs = of(action).map_or(Needs::Nothing, |entry| entry.needs);
    if needs == Needs::Head && model.head().is_none() {
        model.say("nothing is verified yet: i explains the state");
        return vec![Effect::Draw];
    }
    match action {
        Action::Quit => return vec![Effect::Quit],
        Action::Leave if model.view.layers.is_empty() => return vec![Effect::Quit],
        Action::Leave | Action::Back => back(model),
        Action::Repaint => return vec![Effect::Repaint],
        Action::Suspend => return lock::suspend(model),
        Action::Lock => return lock::lock(model),
        Action::Elevate => lock::elevate(model, number),
        Action::ReadOnly => lock::read_only(model),
        Action::Show(screen) => model.view.show(screen),
        Action::LastScreen if model.view.last == model.view.screen => {
            model.say("no other screen was shown yet: 1 to 9 show them");
        }
        Action::LastScreen => model.view.show(model.view.last),
        Action::Earlier | Action::Later => through(model, action == Action::Earlier),
        Action::NextPanel | Action::PreviousPanel => turn(model, action == Action::NextPanel),
        Action::Down | Action::Up | Action::PageDown | Action::PageUp | Action::First | Action::Last => {
            rows::walk(model, action);
        }
        Action::NextMatch | Action::PreviousMatch => rows::round(model, action == Action::NextMatch),
        Action::Sort => rows::sort(model),
        Action::Reverse => rows::reverse(model),
        Action::Open => return open(model),
        Action::Help => uncover(model, Layer::Help),
        Action::Palette => typing::begin(model, ""),
        Action::Older | Action::Newer => typing::recall(model, action == Action::Older),
        Action::Filter => rows::filter(model),
        Action::Prove => match pick::ground(model) {
            Ground::Proven(subject) => return prove(model, subject),
            Ground::Unproven(why) => model.say(format!("no proof: {why}")),
        },
        Action::ProveHeight => {
            let subject = number.map(|height| Subject::Block(Height(height)));
            return subject.map_or_else(Vec::new, |subject| prove(model, subject));
        }
        Action::Write => return write(model),
        Action::Copy => return copy(model),
        Action::Approve | Action::Reject => return answer(model, action == Action::Approve),
        Action::Explain => uncover(model, Layer::Page(pick::code(model))),
        Action::Alarms => uncover(model, Layer::Alarms),
        Action::Acknowledge => acknowledge(model),
        // The palette asks what to try, or which.
        Action::Drill => typing::begin(model, Drill::NAME),
        Action::Theme => typing::begin(model, THEME),
        Action::Tour => model.start_tour(),
        Action::Pause => model.pause(),
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
    if filter.is_empty() && !model.end_tour() {
        model.say("nothing is open: q ends the program");
    }
}

/// Opens something that a key shows; what lies open already stays as it is.
fn uncover(model: &mut Model, layer: Layer) {
    if model.view.top() == Some(&layer) {
        model.say("it is open already: Esc closes it");
    }
    model.view.open(layer);
}

/// Through the screens that were shown.
fn through(model: &mut Model, back: bool) {
    if !model.view.step(back) {
        model.say(if back {
            "this is the first screen that was shown"
        } else {
            "this is the last screen: [ goes back"
        });
    }
}

/// To the next panel of the screen that has rows, or the one before.
fn turn(model: &mut Model, forward: bool) {
    if !model.view.layers.is_empty() {
        model.say("panels are below what is open: Esc closes it");
    } else if !rows::turn(model, forward) {
        model.say("this screen is one panel: j and k go through its rows");
    }
}

/// Opens what the cursor is on; of a validator, what the registry says is proven meanwhile.
fn open(model: &mut Model) -> Vec<Effect> {
    match model.view.list() {
        List::Head => return perform(model, Action::Explain, None),
        List::Alarms if pick::alarm(model).is_some() => return perform(model, Action::Explain, None),
        List::Heads => return perform(model, Action::Prove, None),
        List::Help => return from_help(model),
        _ => {}
    }
    let Some(detail) = pick::opened(model) else {
        model.say("nothing more opens here: e proves a value, i explains the state, Esc goes back");
        return vec![Effect::Draw];
    };
    let subject = match &detail {
        Detail::Validator(key) => Some(model.member(key)),
        Detail::Peer(_) | Detail::Source(_) | Detail::Request(_) => None,
    };
    model.view.open(Layer::Detail(detail));
    let subject = subject.filter(|subject| matches!(subject, Subject::Validator { .. }));
    model.view.registered = subject.clone().map(|subject| Asked { subject, proof: Proof::Fetching });
    [Effect::Draw].into_iter().chain(subject.map(Effect::Prove)).collect()
}

/// Does what the cursor is on in the list of keys; what needs more than its name is begun in the palette.
fn from_help(model: &mut Model) -> Vec<Effect> {
    let Some(Entry { action, id, needs, .. }) = pick::listed(model) else { return vec![Effect::Draw] };
    model.view.layers.pop();
    match needs {
        Needs::Number => typing::begin(model, id),
        _ => return perform(model, *action, None),
    }
    vec![Effect::Draw]
}

/// Shows the proof of something.
fn prove(model: &mut Model, subject: Subject) -> Vec<Effect> {
    uncover(model, Layer::Proof);
    let mut effects = vec![Effect::Draw];
    effects.extend(ask(model, subject));
    effects
}

/// Asks for a proof, unless it is here or on its way.
fn ask(model: &mut Model, subject: Subject) -> Option<Effect> {
    let is_it = |asked: &&Asked| asked.subject == subject && !matches!(asked.proof, Proof::Failed(_));
    let asked = [&model.view.asked, &model.view.registered].into_iter().flatten().find(is_it).cloned();
    let is_known = asked.is_some();
    model.view.asked = asked.or(Some(Asked { subject: subject.clone(), proof: Proof::Fetching }));
    (!is_known).then_some(Effect::Prove(subject))
}

/// Has the open proof written to a file.
fn write(model: &mut Model) -> Vec<Effect> {
    let open = model.view.list() == List::Proof;
    let found = model.view.asked.as_ref().filter(|_| open).and_then(|asked| match &asked.proof {
        Proof::Shown(found) => found.document(),
        Proof::Fetching | Proof::Failed(_) => None,
    });
    let Some((stem, text)) = found else {
        model.say("open a proof first: e");
        return vec![Effect::Draw];
    };
    vec![Effect::Write { stem, text }]
}

/// Has the public value under the cursor go to the clipboard of the terminal.
fn copy(model: &mut Model) -> Vec<Effect> {
    let public = match pick::public(model) {
        _ if !model.may.copy => Err("copying is switched off: [console] copy in config.toml"),
        _ if model.view.private => Err("names and keys are hidden: p shows them, then y copies"),
        public => public.ok_or("there is no key or hash here to copy: y takes those of a row or of the head"),
    };
    match public {
        Ok(public) => {
            let (what, text) = (public.what(), public.text());
            let start = short(text);
            model.did(format!(
                "copied {what}, {start}.. ({} characters), where the terminal takes it (OSC 52)",
                text.len()
            ));
            vec![Effect::Copy(public), Effect::Draw]
        }
        Err(why) => {
            model.say(why);
            vec![Effect::Draw]
        }
    }
}

/// Has a sheet made that answers the request under the cursor; none where this console may not act.
fn answer(model: &mut Model, yes: bool) -> Vec<Effect> {
    let Some(id) = pick::request(model) else {
        model.say("choose a request first: 8 shows those that wait");
        return vec![Effect::Draw];
    };
    if model.session.left(model.now).is_none() {
        model.say("this console only watches: :elevate 10m lets it act for a time");
        return vec![Effect::Draw];
    }
    let Some(account) = requests::who(model, id) else {
        model.say("no security key is set up here, so nothing can be signed here");
        return vec![Effect::Draw];
    };
    model.say("being tried on the newest state ...");
    vec![Effect::Plan { account, id, yes }, Effect::Draw]
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
        Some(_) => model.say("it is acknowledged already"),
        None => model.say("no alarm is open: Esc goes back"),
    }
}
