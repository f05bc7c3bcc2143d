//! What does an event change? A pure step from model to model: time and data come in as messages,
//! what is to be done goes out as effects.

mod lock;
mod pick;
mod press;
mod rows;
mod sign;
mod typing;

use std::sync::Arc;

use qratum_chain::types::{AccountId, RequestId, Time};
use qratum_custody::entropy::Report;
use qratum_light_node::{FetchError, Snapshot};
use qratum_themes::Theme;
use qratum_verifier::Trusted;

use crate::{
    acting::ceremony::Event,
    action::Key,
    layer::{self, alarms},
    model::{Drill, Found, Model, Notice, People, Proof, Public, Sheet, Subject, Told},
    monitor::{Change, View as Alarms},
};

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Msg {
    /// The light node knows something new.
    Snapshot(Arc<Snapshot>, Time),
    /// A head was verified.
    Head(Arc<Trusted>, Time),
    /// Time passed.
    Tick(Time),
    /// A key was pressed.
    Key(Key),
    /// A text was pasted.
    Pasted(String),
    /// The theme of this name was read, or why not.
    Theme(String, Box<Result<Theme, String>>),
    /// A proof arrived, or does not come.
    Proof(Subject, Box<Result<Found, FetchError>>),
    /// A file was written under this path, or why not.
    Written(Result<String, String>),
    /// What came of a drill.
    Drilled(String),
    /// Something happened to an alarm.
    Alarm(Box<Change>),
    /// Other alarms ask for attention than before.
    Alarms(Arc<Alarms>),
    /// The watch of this machine has a new report.
    Health(Arc<Report>, Time),
    /// Something beside the chain went wrong.
    Notice(Notice),
    /// What the state says of people was proven, or why not.
    People(Result<Arc<People>, FetchError>),
    /// What is to be signed was planned and tried, or why not.
    Sheet(Box<Result<Sheet, String>>),
    /// A ceremony says something.
    Ceremony(Event),
    /// So many characters of the PIN are typed.
    Typed(usize),
    /// What the open sheet rests on is no longer so, in words.
    Changed(String),
    /// The window has another size, in columns and rows.
    Resized(u16, u16),
}

/// Something to be done outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Draw what changed.
    Draw,
    /// Draw everything anew, whatever the terminal shows.
    Repaint,
    /// Give the terminal back and stop, until the shell lets the program go on.
    Suspend,
    /// End the program.
    Quit,
    /// Fetch a proof.
    Prove(Subject),
    /// Write a file that does not exist yet, whose name starts so.
    Write { stem: String, text: String },
    /// Have the terminal put a value on its clipboard.
    Copy(Public),
    /// Have the terminal ring, and say that there is a critical alarm.
    Ring,
    /// Read the theme of this name.
    Theme(String),
    /// Kill a validator of the demo, or start it again.
    Drill(Drill),
    /// Have proven what the state says of people, of these accounts in any case.
    People(Vec<AccountId>),
    /// Plan an answer of this account to a request, and try it.
    Plan { account: AccountId, id: RequestId, yes: bool },
    /// Begin a ceremony for the open sheet, go on with it or end it.
    Ceremony(Told),
    /// Have the alarm of this number acknowledged.
    Acknowledge { id: u64, reason: String },
}

/// Applies one message. What ends a step of the tour has changed what is drawn, too.
pub(crate) fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    let held = if matches!(msg, Msg::Key(_) | Msg::Tick(_)) { Vec::new() } else { rows::held(model) };
    let was_locked = layer::lock::rows(model);
    let mut effects = apply(model, msg);
    if !was_locked.is_empty() && was_locked == layer::lock::rows(model) {
        effects.retain(|effect| *effect != Effect::Draw);
    }
    sign::lay_out(model);
    rows::hold(model, held);
    let at_anchor = pick::at_anchor(model);
    model.go_on(at_anchor);
    effects
}

fn apply(model: &mut Model, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Snapshot(snapshot, now) => {
            model.learn(snapshot, now);
            vec![Effect::Draw]
        }
        Msg::Head(head, now) => beat(model, &head, now),
        Msg::Tick(now) => tick(model, now),
        Msg::Key(key) => press::key(model, key),
        Msg::People(found) => people(model, found),
        Msg::Sheet(sheet) => sign::open(model, *sheet),
        Msg::Ceremony(event) => sign::event(model, event),
        Msg::Typed(count) => sign::typed(model, count),
        Msg::Changed(what) => sign::changed(model, &what),
        Msg::Pasted(_) if model.view.sign().is_some() || model.session.locked().is_some() => Vec::new(),
        Msg::Pasted(text) => {
            if !typing::paste(model, &text) {
                model.say("what is pasted goes to a text only: / or : begins one");
            }
            vec![Effect::Draw]
        }
        Msg::Theme(name, read) => {
            dress(model, &name, *read);
            vec![Effect::Draw]
        }
        Msg::Proof(subject, result) => proof(model, &subject, *result),
        Msg::Written(written) => {
            model.did(written.map_or_else(|why| why, |path| format!("wrote {path}")));
            vec![Effect::Draw]
        }
        Msg::Drilled(said) => {
            model.did(format!("drill: {said}"));
            vec![Effect::Draw]
        }
        Msg::Alarm(change) => {
            let worth = alarms::worth(model, &change.alarm);
            let rings = model.alarm(&change, worth);
            rings.then_some(Effect::Ring).into_iter().chain([Effect::Draw]).collect()
        }
        Msg::Alarms(alarms) => {
            model.alarms = alarms;
            vec![Effect::Draw]
        }
        Msg::Health(report, now) => {
            model.feel(report, now);
            vec![Effect::Draw]
        }
        Msg::Notice(notice) => {
            model.notify(notice);
            vec![Effect::Draw]
        }
        Msg::Resized(width, height) => {
            model.view.window = (width, height);
            // Also where it has the old size again when it is drawn: the terminal may have emptied it.
            vec![Effect::Repaint]
        }
    }
}

/// A head: where it may have changed what is known of people, that is asked for again.
fn beat(model: &mut Model, head: &Trusted, now: Time) -> Vec<Effect> {
    model.beat(head, now);
    let asks = model.watch.asks(model.live.people.as_deref());
    asks.then(|| Effect::People(model.me.clone())).into_iter().chain([Effect::Draw]).collect()
}

/// What was proven of people; where it was not, the next head asks again.
fn people(model: &mut Model, people: Result<Arc<People>, FetchError>) -> Vec<Effect> {
    model.watch.answered();
    model.live.people = people.ok().or_else(|| model.live.people.take());
    vec![Effect::Draw]
}

fn dress(model: &mut Model, name: &str, read: Result<Theme, String>) {
    match read {
        Ok(theme) => {
            model.theme = theme;
            model.say(format!("theme {name}"));
        }
        Err(why) => model.did(why),
    }
}

/// All that depends on time is shown in seconds.
fn tick(model: &mut Model, now: Time) -> Vec<Effect> {
    let passed = model.now.0 / 1000 != now.0 / 1000;
    model.tick(now);
    if model.session.tick(now) {
        return lock::lock(model);
    }
    if passed { vec![Effect::Draw] } else { Vec::new() }
}

/// A proof that is no longer waited for changes nothing.
fn proof(model: &mut Model, subject: &Subject, result: Result<Found, FetchError>) -> Vec<Effect> {
    let proof = result.map_or_else(Proof::Failed, Proof::Shown);
    let mut changed = Vec::new();
    for asked in [&mut model.view.asked, &mut model.view.registered].into_iter().flatten() {
        if asked.subject == *subject && matches!(asked.proof, Proof::Fetching) {
            asked.proof = proof.clone();
            changed = vec![Effect::Draw];
        }
    }
    changed
}
