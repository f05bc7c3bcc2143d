//! One validator, one peer or one source of randomness, with all that is known of it.

use qratum_chain::{
    PublicKey,
    codec::Decode,
    document::Statement,
    types::{Offence, Registration, Validator, Vote},
};
use qratum_light_node::{ProvenStatement, Snapshot};
use qratum_themes::Mark;

use crate::{
    model::{Asked, Detail, Found, Ground, Model, Proof, Subject, Who, Worth},
    screen::{
        entropy,
        page::{Cell, Table, glyph, here, here_hash, here_name, own, quiet},
        parts::share,
        peers::{connection, operator, run},
        requests,
    },
    time,
};

/// What is known of it.
pub(crate) fn table(model: &Model, detail: &Detail) -> Table<'static> {
    match (detail, model.snapshot()) {
        (Detail::Source(place), _) => entropy::source(model, *place),
        (Detail::Request(id), _) => requests::detail(model, *id),
        (_, None) => Table::facts(Vec::new()),
        (Detail::Validator(key), Some(snapshot)) => validator(model, snapshot, key),
        (Detail::Peer(place), Some(snapshot)) => peer(model, snapshot, *place),
    }
}

type Rows = Vec<(&'static str, Cell, Ground)>;

fn validator(model: &Model, snapshot: &Snapshot, key: &PublicKey) -> Table<'static> {
    let (who, worth) = (model.who(snapshot), model.worth());
    let heading = vec![own("validator "), worth.name(who.validator(key))];
    let set = snapshot.head.validators();
    let leaf = set.index_of(key).and_then(|index| set.member(index));
    let mut rows = match leaf {
        Some((leaf, _)) => in_the_set(model, &who, leaf),
        None => vec![("set", vec![worth.fact("it is no member of the newest set")], model.newest())],
    };
    rows.extend(votes(snapshot, key, worth));
    let entry = registry(&who, key, model.view.registered.as_ref());
    rows.extend(entry.into_iter().map(|(label, cell)| (label, cell, Ground::Proven(model.member(key)))));
    Table::grounded(rows).under(heading).worth(worth)
}

/// What its leaf in the set of the head says, and whether it signed that.
fn in_the_set(model: &Model, who: &Who<'_>, leaf: &Validator) -> Rows {
    let (head, worth) = (&who.snapshot.head, model.worth());
    let total = head.validators().total_power();
    let signed =
        head.validators().index_of(&leaf.pubkey).is_some_and(|index| head.signers().contains(&index));
    let mark = if signed { Mark::Signed } else { Mark::Unsigned };
    let key = if who.hidden { worth.fact("(hidden)") } else { worth.hash(leaf.pubkey) };
    let pq = if leaf.has_pq_key() { "registered for hand-overs" } else { "none registered" };
    let rows = [
        ("power", vec![worth.fact(format!("{}, {}", leaf.power, share(leaf.power.into(), total)))]),
        ("jurisdiction", vec![worth.fact(leaf.jurisdiction)]),
        ("since set", vec![worth.fact(leaf.since_set)]),
        ("vote key", vec![key]),
        ("ML-DSA key", vec![worth.fact(pq)]),
        ("the head", vec![worth.glyph(mark), own(" "), worth.word(mark)]),
    ];
    let ground = Ground::Proven(model.seat(&leaf.pubkey));
    rows.map(|(label, cell)| (label, cell, ground.clone())).into()
}

/// That nothing was seen.
const NONE_SEEN: Ground = Ground::Unproven("that none was seen proves nothing");

/// How it votes, and what it signed twice.
fn votes(snapshot: &Snapshot, key: &PublicKey, worth: Worth) -> Rows {
    let voting = &snapshot.voting;
    let member = voting.members.iter().find(|member| member.key == *key);
    let last = member.and_then(|member| member.last).map_or_else(
        || quiet("no vote was heard yet"),
        |cast| worth.fact(format!("last at height {} round {}", cast.place.height, cast.place.round)),
    );
    let silent = member.is_some_and(|member| member.silent);
    let silent = silent.then(|| worth.fact("  silent").like(Mark::Refused));
    let cast = [last].into_iter().chain(silent).collect();
    let mut rows = vec![("votes", cast, Ground::VOTES)];
    let own_evidence = voting.evidence.iter().filter(|(accused, _)| accused == key);
    let ground = Ground::Proven(Subject::Offence(*key));
    let told: Rows = own_evidence
        .map(|(_, evidence)| ("evidence", vec![worth.fact(twice(evidence))], ground.clone()))
        .collect();
    let none = || ("evidence", vec![quiet("none was seen here")], NONE_SEEN);
    let none = told.is_empty().then(none);
    rows.extend(told.into_iter().chain(none));
    rows
}

/// What was signed twice, and where.
pub(super) fn twice(offence: &Offence) -> String {
    let kind = offence.word();
    match offence {
        Offence::DoubleVote(double) => {
            let Vote { phase, height, round, .. } = &double.first.vote;
            format!("{kind} ({phase:?}) at height {height} round {round}")
        }
        Offence::DoubleProposal(double) => {
            let made = &double.first.proposal;
            format!("{kind} at height {} round {}", made.height, made.round)
        }
    }
}

/// What the registry says of it, as far as that is proven by now.
fn registry(who: &Who<'_>, key: &PublicKey, asked: Option<&Asked>) -> Vec<(&'static str, Cell)> {
    let proof =
        asked.filter(|asked| asked.subject.member() == Some(key)).map(|asked| (&asked.subject, &asked.proof));
    match proof {
        None => Vec::new(),
        Some((Subject::Validator { .. }, Proof::Fetching)) => {
            vec![("registry", vec![quiet("being proven ...")])]
        }
        Some((_, Proof::Failed(why))) => {
            vec![("registry", vec![glyph(Mark::Refused), here(format!(" no proof: {why}"))])]
        }
        Some((_, Proof::Shown(Found::Entry(proven)))) => entry(who, proven),
        Some(_) => Vec::new(),
    }
}

fn entry(who: &Who<'_>, proven: &ProvenStatement) -> Vec<(&'static str, Cell)> {
    let height = proven.checked.header.get().height;
    let worth = if proven.checked.expired { Worth::Stale(height) } else { Worth::Verified(height) };
    let Statement::State { value, .. } = &proven.proof.statement else { return Vec::new() };
    let Some(value) = value else { return vec![("registry", vec![worth.fact("it has no entry")])] };
    let Ok(entry) = Registration::from_bytes(value) else {
        return vec![("registry", vec![worth.fact("an entry that this version cannot read")])];
    };
    let Registration { operator, stake, status, nonce, .. } = &entry;
    let told = worth.fact(format!(", stake {stake}, {status}, {nonce} orders"));
    let told = vec![worth.fact("operator "), worth.name(who.operator(operator)), told];
    let key = |key: &PublicKey| if who.hidden { worth.fact("(hidden)") } else { worth.hash(key) };
    vec![
        ("registry", told),
        ("peer key", vec![key(&entry.peer_key)]),
        ("operator key", vec![key(&entry.operator_key)]),
    ]
}

fn peer(model: &Model, snapshot: &Snapshot, place: usize) -> Table<'static> {
    let Some(peer) = snapshot.peers.get(place) else { return Table::facts(Vec::new()) };
    let who = model.who(snapshot);
    let address = model.addresses.get(place).map(|address| who.text(address)).unwrap_or_default();
    let claims = match peer.claimed_height {
        Some(height) => vec![Worth::Unverified.fact(height)],
        None => vec![quiet("it has not said")],
    };
    let mut rows: Rows = vec![
        ("connection", connection(model, peer), Ground::HERE),
        ("key", vec![here_hash(who.text(&peer.id.to_string()))], Ground::HERE),
        ("address", vec![here(address)], Ground::HERE),
        ("operator", operator(&who, peer), run(model, peer)),
        ("newest block", claims, Ground::CLAIM),
        ("demerits", vec![here(peer.demerits)], Ground::HERE),
    ];
    if let Some(ban) = &peer.ban {
        rows.push(("banned for", vec![here(who.text(&ban.reason.to_string()))], Ground::HERE));
        let bans = format!("{} in a row, the last at {}", ban.count, time::format(ban.at));
        rows.push(("bans", vec![here(bans)], Ground::HERE));
    }
    for refusal in snapshot.refusals.iter().rev().filter(|refusal| refusal.peer == peer.name) {
        let why = who.text(&refusal.reason.to_string());
        let times = if refusal.count > 1 { format!(" ({} times)", refusal.count) } else { String::new() };
        let text = format!("{}: {why}{times}", refusal.reason.name());
        rows.push(("refused", vec![here(text)], Ground::HERE));
    }
    Table::grounded(rows).under(vec![own("peer "), here_name(who.peer(&peer.name))])
}
