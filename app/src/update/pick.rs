//! What is the cursor on? The thing that a key opens, proves or explains.

use qratum_chain::PublicKey;
use qratum_light_node::State;

use crate::{
    model::{Detail, Event, Layer, List, Model, Subject},
    monitor::Alarm,
    screen::lists,
};

/// What can be proven where the cursor is.
pub(super) fn subject(model: &Model) -> Option<Subject> {
    let list = model.view.list();
    let row = || lists::row(model, list);
    match list {
        List::Head => Some(Subject::Block(model.head()?.header().get().height)),
        List::Members | List::Validators | List::Votes => Some(of_member(model, &key(model, list, row()?)?)),
        List::Heads => Some(Subject::Block(model.shown().pulse.beat(row()?)?.height)),
        List::Logs => model.shown().log.entry(row()?)?.event.height().map(Subject::Block),
        List::Detail => match detail(model)? {
            Detail::Validator(key) => Some(of_member(model, key)),
            Detail::Peer(_) => None,
        },
        List::Proof => model.view.asked.as_ref().map(|asked| asked.subject.clone()),
        List::Help | List::Palette | List::Page | List::Alarms | List::Sources | List::Peers => None,
    }
}

/// The entry of the registry where there is one, else the place in the set of the head.
pub(super) fn of_member(model: &Model, key: &PublicKey) -> Subject {
    let name = |snapshot: &qratum_light_node::Snapshot| {
        snapshot.names.operator(key)?;
        snapshot.names.name(key).map(str::to_owned)
    };
    let snapshot = model.snapshot();
    match snapshot.and_then(name) {
        Some(name) => Subject::Validator { name, key: *key },
        None => {
            let height = snapshot.map_or_else(Default::default, |it| it.head.header().get().height);
            Subject::Member { key: *key, height }
        }
    }
}

/// The key in a row of a list of members.
fn key(model: &Model, list: List, row: usize) -> Option<PublicKey> {
    let snapshot = model.snapshot()?;
    match list {
        List::Votes => snapshot.voting.members.get(row).map(|member| member.key),
        _ => snapshot.head.validators().members().get(row).map(|member| member.pubkey),
    }
}

fn detail(model: &Model) -> Option<&Detail> {
    model.view.layers.iter().rev().find_map(|layer| match layer {
        Layer::Detail(detail) => Some(detail),
        _ => None,
    })
}

/// What opens where the cursor is.
pub(super) fn opened(model: &Model) -> Option<Detail> {
    let list = model.view.list();
    let row = lists::row(model, list)?;
    match list {
        List::Members | List::Validators | List::Votes => key(model, list, row).map(Detail::Validator),
        List::Sources | List::Peers => Some(Detail::Peer(row)),
        _ => None,
    }
}

/// The alarm that the cursor is on.
pub(super) fn alarm(model: &Model) -> Option<&Alarm> {
    model.alarms.open.get(lists::row(model, List::Alarms)?).filter(|_| model.view.list() == List::Alarms)
}

/// The code that explains what the cursor is on: a refusal, else the state.
pub(super) fn code(model: &Model) -> &'static str {
    let list = model.view.list();
    let row = || lists::row(model, list);
    let refusal = match list {
        List::Logs => row().and_then(|row| match &model.shown().log.entry(row)?.event {
            Event::Refusal { reason, .. } => Some(reason.name()),
            Event::State { state, .. } => Some(state.word()),
            _ => None,
        }),
        List::Sources | List::Peers => {
            row().and_then(|row| Some(model.snapshot()?.peers.get(row)?.ban.as_ref()?.reason.name()))
        }
        List::Alarms => alarm(model).map(|alarm| alarm.code.word()),
        _ => None,
    };
    let state = || model.live.snapshot.as_ref().map_or(State::Loading, |snapshot| snapshot.state);
    refusal.unwrap_or_else(|| state().word())
}
