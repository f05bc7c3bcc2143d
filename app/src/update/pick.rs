//! What is the cursor on? The thing that a key opens, proves or explains.

use qratum_chain::{PublicKey, types::RequestId};

use crate::{
    action::Entry,
    layer::{help, proof},
    model::{Detail, Event, Ground, Layer, List, Model, Public},
    monitor::Alarm,
    screen::{lists, requests},
};

/// What the row that the cursor is on rests on.
pub(super) fn ground(model: &Model) -> Ground {
    let list = model.view.list();
    let table = lists::table(model, list);
    let row = table.kept(&model.view.cursor(list)).row(model.view.cursor(list).row);
    row.map_or(Ground::Unproven("there is nothing here"), |row| table.ground(row))
}

/// The key in a row of a list of members.
fn key(model: &Model, list: List, row: usize) -> Option<PublicKey> {
    let snapshot = model.snapshot()?;
    match list {
        List::Votes => snapshot.voting.members.get(row).map(|member| member.key),
        _ => snapshot.head.validators().members().get(row).map(|member| member.pubkey),
    }
}

/// What opens where the cursor is.
pub(super) fn opened(model: &Model) -> Option<Detail> {
    let list = model.view.list();
    let row = lists::row(model, list)?;
    match list {
        List::Members | List::Validators | List::Votes => key(model, list, row).map(Detail::Validator),
        List::Sources | List::Peers => Some(Detail::Peer(row)),
        List::Randomness => Some(Detail::Source(row)),
        List::Approvals | List::Acts => requests::in_row(model, list, row).map(Detail::Request),
        _ => None,
    }
}

/// The request that is open, else the one that the cursor is on.
pub(super) fn request(model: &Model) -> Option<RequestId> {
    if let Some(Layer::Detail(Detail::Request(id))) = model.view.top() {
        return Some(*id);
    }
    let list = model.view.list();
    requests::in_row(model, list, lists::row(model, list)?)
}

/// Whether the cursor of the open proof has come to what was trusted at first.
pub(super) fn at_anchor(model: &Model) -> bool {
    let open = model.view.list() == List::Proof;
    let anchor = if open { proof::anchor(model) } else { None };
    anchor.is_some_and(|anchor| lists::row(model, List::Proof).is_some_and(|row| row >= anchor))
}

/// The key or hash that can be copied where the cursor is.
pub(super) fn public(model: &Model) -> Option<Public> {
    let list = model.view.list();
    let row = || lists::row(model, list);
    match list {
        List::Head => Public::of("the block id", model.head()?.id()),
        List::Members | List::Validators | List::Votes => {
            Public::of("the vote key", key(model, list, row()?)?)
        }
        List::Sources | List::Peers => Public::of("the peer id", model.snapshot()?.peers.get(row()?)?.id),
        List::Approvals | List::Acts => Public::of("the id of the request", request(model)?),
        List::Heads | List::Detail | List::Proof => {
            Public::of("the key or hash of this row", lists::table(model, list).hash(row()?)?)
        }
        _ => None,
    }
}

/// The action that the cursor is on in the list of keys.
pub(super) fn listed(model: &Model) -> Option<&'static Entry> {
    help::entries(model).get(lists::row(model, List::Help)?).copied()
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
    refusal.unwrap_or_else(|| model.state().word())
}
