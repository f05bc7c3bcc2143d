//! Who certifies this chain? The set of the head, who of it is silent, and whether too much of the
//! power stands in one hand.

use qratum_chain::types::Validator;
use qratum_light_node::{Names, Snapshot};
use qratum_themes::{Mark, Tone};
use qratum_verifier::{
    Trusted,
    diversity::{self, Kind, Standing, Warning},
    quorum::Tally,
};
use ratatui::layout::{Constraint, Layout, Rect};

use super::{
    draw::{Pen, height},
    overview::seated,
    page::{Cell, Table, Thing, column, here, numbers, own, quiet, rest},
    parts::{share, short},
};
use crate::model::{Ground, List, Model, Who, Worth};

/// Draws the screen.
pub(super) fn view(model: &Model, pen: &mut Pen<'_, '_>, area: Rect) {
    let warnings = diversity(model);
    let below = height(&warnings).min(area.height / 3);
    let [set_at, warnings_at] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(below)]).areas(area);
    for (list, table, at) in
        [(List::Validators, &table(model), set_at), (List::Diversity, &warnings, warnings_at)]
    {
        pen.list(table, (&model.view.cursor(list), model.view.panel() == list), at);
    }
}

/// The set.
pub(super) fn table(model: &Model) -> Table<'_> {
    let columns = vec![
        column("name"),
        numbers("power"),
        numbers("share"),
        column("head"),
        column("votes"),
        column("where").optional(),
        column("operator").optional(),
        numbers("since set").optional(),
        rest("key"),
    ];
    let (Some(snapshot), Some(head)) = (model.snapshot(), model.head()) else {
        return Table::of(columns, 0, |_| Vec::new()).under(vec![own("no set is verified yet")]);
    };
    let (worth, who, set) = (model.worth(), model.who(snapshot), head.validators());
    let heading = vec![
        own("validators "),
        worth.fact(set.members().len()),
        own(", set "),
        worth.fact(head.header().get().set_id),
    ];
    let row = move |at: usize| {
        let Some(leaf) = set.members().get(at) else { return Vec::new() };
        let total = set.total_power();
        let mark = if has_signed(head, at) { Mark::Signed } else { Mark::Unsigned };
        vec![
            vec![worth.name(who.validator(&leaf.pubkey))],
            vec![worth.fact(leaf.power)],
            vec![worth.fact(share(leaf.power.into(), total))],
            vec![worth.glyph(mark), own(" "), worth.word(mark)],
            votes(snapshot, leaf, worth),
            vec![worth.fact(leaf.jurisdiction)],
            operator(&who, &snapshot.names, leaf, worth),
            vec![worth.fact(leaf.since_set)],
            vec![worth.fact(who.text(&short(&leaf.pubkey.to_string())))],
        ]
    };
    let ground = move |at| seated(model, set, at);
    let thing = |at: usize| set.members().get(at).map(|leaf| Thing::Key(leaf.pubkey));
    Table::of(columns, set.members().len(), row).under(heading).worth(worth).resting(ground).about(thing)
}

fn has_signed(head: &Trusted, at: usize) -> bool {
    u32::try_from(at).is_ok_and(|index| head.signers().contains(&index))
}

/// Whether others are known to vote and this one does not; nothing, while that cannot be said.
fn votes(snapshot: &Snapshot, leaf: &Validator, worth: Worth) -> Cell {
    let voting = &snapshot.voting;
    let member = voting.members.iter().find(|member| member.key == leaf.pubkey);
    if voting.evidence.iter().any(|(key, _)| *key == leaf.pubkey) {
        return vec![worth.glyph(Mark::Refused), worth.fact(" signed twice").tone(Tone::Bad)];
    }
    match member.filter(|_| voting.known || voting.stuck) {
        Some(member) if member.silent => {
            vec![worth.glyph(Mark::Refused), worth.fact(" silent").tone(Tone::Bad)]
        }
        Some(_) => vec![worth.glyph(Mark::Signed), worth.fact(" votes")],
        None => vec![quiet("not known")],
    }
}

/// Who runs it, where that is registered.
fn operator(who: &Who<'_>, names: &Names, leaf: &Validator, worth: Worth) -> Cell {
    let name = names.operator(&leaf.pubkey);
    name.map_or_else(|| vec![quiet("not registered")], |name| vec![worth.name(who.operator(name))])
}

/// Too much in one place or one hand; and what is not looked at.
pub(super) fn diversity(model: &Model) -> Table<'static> {
    let (Some(snapshot), Some(head)) = (model.snapshot(), model.head()) else {
        return Table::facts(Vec::new());
    };
    let (who, worth) = (model.who(snapshot), model.worth());
    let standing = |leaf: &Validator| Standing {
        operator: snapshot.names.operator(&leaf.pubkey),
        jurisdiction: leaf.jurisdiction,
        power: leaf.power,
    };
    let members = head.validators().members();
    let standings: Vec<_> = members.iter().map(standing).collect();
    let warnings = diversity::warnings(&standings);
    let mut rows: Vec<(&'static str, Cell, Ground)> =
        warnings.iter().map(|warning| ("warning", in_words(&who, warning, worth), Ground::COUNTED)).collect();
    if rows.is_empty() {
        let text = "no operator and no jurisdiction holds a third";
        rows.push(("diversity", vec![worth.fact(text)], Ground::COUNTED));
    }
    let networks = vec![here("the networks (AS numbers) they are connected through")];
    rows.push(("not checked", networks, Ground::HERE));
    Table::grounded(rows).under(vec![own("diversity")]).worth(worth)
}

fn in_words(who: &Who<'_>, warning: &Warning, worth: Worth) -> Cell {
    match warning {
        Warning::Few { kind, count } => {
            let (kind, fewest) = (word(*kind), diversity::FEWEST);
            vec![worth.fact(format!("{count} {kind}s, and there should be at least {fewest}"))]
        }
        Warning::Heavy { kind, holder, power: Tally { signed, total } } => {
            let name = if *kind == Kind::Operator { who.operator(holder) } else { holder.clone() };
            let has = format!(" has {signed} of {total} power: no quorum without it");
            vec![worth.fact(format!("{} ", word(*kind))), worth.name(name), worth.fact(has)]
        }
    }
}

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Operator => "operator",
        Kind::Jurisdiction => "jurisdiction",
    }
}
