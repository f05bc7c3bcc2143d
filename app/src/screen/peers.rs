//! Who is asked, and what are they worth? The pinned peers, what they claim, and why one is not
//! asked.

use qratum_chain::types::Height;
use qratum_light_node::{Channel, PeerView};
use qratum_themes::Mark;
use ratatui::layout::Rect;

use super::{
    draw::Pen,
    overview::claim,
    page::{Cell, Table, Thing, column, glyph, here, here_name, numbers, own, quiet, rest, sign},
};
use crate::{
    model::{Ground, List, Model, Who, Worth},
    time,
};

/// Draws the screen.
pub(super) fn view(model: &Model, pen: &mut Pen<'_, '_>, area: Rect) {
    pen.list(&table(model), (&model.view.cursor(List::Peers), true), area);
}

/// The peers, in the order of the configuration.
pub(super) fn table(model: &Model) -> Table<'_> {
    let columns = vec![
        column("peer"),
        column("connection"),
        column("newest block"),
        numbers("demerits").optional(),
        rest("operator"),
    ];
    let Some(snapshot) = model.snapshot() else {
        return Table::of(columns, 0, |_| Vec::new()).under(vec![own("the light node is starting ...")]);
    };
    let who = model.who(snapshot);
    let connected = snapshot.peers.iter().filter(|peer| peer.connected).count();
    let all = snapshot.peers.len();
    let row = move |at: usize| {
        let Some(peer) = snapshot.peers.get(at) else { return Vec::new() };
        vec![
            vec![here_name(who.peer(&peer.name))],
            connection(model, peer),
            claim(peer),
            vec![here(peer.demerits)],
            operator(&who, peer),
        ]
    };
    let heading = format!("peers {connected} of {all} connected; operators as enrolled in the genesis");
    // Of a row that shows a claim, too, `e` answers for that.
    let ground = |at: usize| match snapshot.peers.get(at) {
        Some(peer) if peer.bound || peer.claimed_height.is_none() => run(model, peer),
        Some(_) => Ground::CLAIM,
        None => Ground::HERE,
    };
    Table::of(columns, all, row)
        .under(vec![here(heading)])
        .worth(ENROLLED)
        .resting(ground)
        .about(|at| u64::try_from(at).ok().map(Thing::Number))
}

/// What it rests on who runs a peer: on the entry of the validator that has enrolled its key, where one
/// has, else on the configuration.
pub(crate) fn run(model: &Model, peer: &PeerView) -> Ground {
    if !peer.bound {
        return Ground::HERE;
    }
    let enrolled = model.enrolled.get(&peer.id);
    enrolled.map_or(Ground::CLAIM, |key| Ground::Proven(model.member(key)))
}

/// What it is worth that a peer's key is enrolled: the genesis binds it, and no later block was asked.
const ENROLLED: Worth = Worth::Verified(Height(0));

/// Who runs it, and who says so: the genesis, where its key is enrolled, else the configuration.
pub(crate) fn operator(who: &Who<'_>, peer: &PeerView) -> Cell {
    let name = who.operator(&peer.operator);
    if peer.bound { vec![ENROLLED.name(name)] } else { vec![here_name(name), quiet(", as configured")] }
}

/// Whether it is connected, and by what, where not by TCP; of one that is banned, why and how long.
pub(crate) fn connection(model: &Model, peer: &PeerView) -> Cell {
    match &peer.ban {
        Some(ban) => {
            let left = time::age(time::since(model.now, ban.until));
            vec![glyph(Mark::Refused), here(format!(" banned {left}: {}", ban.reason.name()))]
        }
        None => {
            let by = peer.channel.filter(|by| *by != Channel::Tcp);
            let mut cell = sign(if peer.connected { Mark::Connected } else { Mark::Apart });
            cell.extend(by.map(|by| here(format!(" by {by}"))));
            cell
        }
    }
}
