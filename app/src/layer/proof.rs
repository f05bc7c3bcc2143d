//! Why is a value believed? From the value back to what the user trusts at first, a step in each
//! row.

use qratum_chain::{
    PublicKey,
    codec::Decode,
    document::{Evidence, HeaderProof, OffenceProof, Statement},
    ledger::Request,
    types::{BlockId, Certificate, LightBlock, Offence, Registration, Validator},
};
use qratum_light_node::peer_id;
use qratum_themes::{Mark, Tone};
use qratum_verifier::proof::Checked;

use crate::{
    acting::words,
    hex,
    layer::detail::twice,
    model::{Asked, Found, Ground, Model, Proof, Subject, Worth, happened, start_of},
    screen::{
        page::{Cell, Table, column, glyph, here, here_hash, own, quiet, rest},
        parts::share,
    },
};

/// The steps.
pub(crate) fn table(model: &Model) -> Table<'static> {
    let Some(asked) = &model.view.asked else { return Table::facts(Vec::new()) };
    let heading = |worth: Worth| {
        let named = named(model, &asked.subject, worth);
        [own("proof of ")].into_iter().chain(named).collect::<Cell>()
    };
    let ground = Ground::Proven(asked.subject.clone());
    let table = match &asked.proof {
        Proof::Fetching => {
            one(vec![own("fetching the proof from the peers ...")]).under(heading(Worth::Unverified))
        }
        Proof::Failed(why) => {
            one(vec![glyph(Mark::Refused), here(format!(" no proof: {why}")).tone(Tone::Bad)])
                .under(heading(Worth::Unverified))
        }
        Proof::Shown(found) => {
            let (worth, mut steps) = steps(model, asked, found);
            steps.extend(file(model, asked, found, worth));
            Table::rows(vec![column(""), rest("")], steps).under(heading(worth)).worth(worth)
        }
    };
    table.resting(move |_| ground.clone())
}

/// The row of what was trusted at first, where a proof is shown: the last step.
pub(crate) fn anchor(model: &Model) -> Option<usize> {
    let asked = model.view.asked.as_ref()?;
    let Proof::Shown(found) = &asked.proof else { return None };
    steps(model, asked, found).1.len().checked_sub(1)
}

fn one(cell: Cell) -> Table<'static> {
    Table::rows(vec![rest("")], vec![vec![cell]])
}

/// What a proof is of, in words.
fn named(model: &Model, subject: &Subject, worth: Worth) -> Cell {
    let called = |key| worth.name(called(model, key));
    match subject {
        Subject::Block(height) => vec![worth.fact(format!("height {height}"))],
        Subject::Member { key, height } => {
            vec![called(key), worth.fact(format!(" in the set of height {height}"))]
        }
        Subject::Validator { key, .. } => vec![called(key), worth.fact(" in the registry")],
        Subject::Request(id) => vec![worth.fact(format!("request {}", start_of(*id)))],
        Subject::Offence(key) => vec![worth.fact("the evidence against "), called(key)],
        Subject::Fork => vec![worth.fact("the fork")],
    }
}

fn called(model: &Model, key: &PublicKey) -> String {
    model.snapshot().map_or_else(String::new, |snapshot| model.who(snapshot).validator(key))
}

type Row = Vec<Cell>;

/// What the row above rests on.
fn step(label: &'static str, cell: Cell) -> Row {
    vec![vec![glyph(Mark::From), own(" "), quiet(label)], cell]
}

/// Value, state, header, certificate with each signer, hand-overs, anchor.
fn steps(model: &Model, asked: &Asked, found: &Found) -> (Worth, Vec<Row>) {
    let (worth, mut rows) = match found {
        Found::Header(proven) => believed(model, asked, (&proven.proof, None), &proven.checked),
        Found::Entry(proven) => {
            let statement = Some(&proven.proof.statement);
            believed(model, asked, (&proven.proof.header, statement), &proven.checked)
        }
        Found::Evidence(evidence) => {
            // It proves itself from the anchor, whatever the head is.
            let worth = Worth::Verified(happened(evidence));
            (worth, broken(model, evidence, worth))
        }
    };
    let anchor = if model.pinned { "checkpoint" } else { "genesis" };
    rows.push(step("anchor", vec![own(anchor), own(" "), here_hash(model.anchor)]));
    (worth, rows)
}

/// How the proof becomes a file.
fn file(model: &Model, asked: &Asked, found: &Found, worth: Worth) -> Vec<Row> {
    let written = vec![vec![quiet("as a file")], vec![own("w writes it; qratum verify checks it")]];
    [written].into_iter().chain(command(model, asked, found, worth)).collect()
}

/// From a value to the hand-overs.
fn believed(
    model: &Model,
    asked: &Asked,
    (proof, statement): (&HeaderProof, Option<&Statement>),
    checked: &Checked,
) -> (Worth, Vec<Row>) {
    let height = checked.header.get().height;
    let worth = if checked.expired { Worth::Stale(height) } else { Worth::Verified(height) };
    let mut rows = value(model, asked, (proof, statement), worth);
    rows.extend(expiry(checked));
    rows.push(step("header", vec![worth.hash(proof.header.id())]));
    rows.extend(certified(model, proof, worth));
    rows.extend(path(&proof.path, worth));
    (worth, rows)
}

/// From statements that exclude each other to the hand-overs.
fn broken(model: &Model, evidence: &Evidence, worth: Worth) -> Vec<Row> {
    match evidence {
        Evidence::Offence(proof) => {
            let mut rows = offence(model, proof, worth);
            rows.extend(path(&proof.path, worth));
            rows
        }
        Evidence::Fork(proof) => {
            let [first, second] = [&proof.blocks.first, &proof.blocks.second];
            let text = format!("two certified blocks at height {}", first.header.height);
            let mut rows = vec![vec![vec![quiet("value")], vec![worth.fact(text)]]];
            for block in [first, second] {
                rows.push(step("header", vec![worth.hash(block.header.id())]));
                rows.extend(certificate(model, (&block.certificate, &block.validators), worth));
            }
            rows.extend(path(&proof.path, worth));
            rows
        }
    }
}

/// What was signed twice, and the leaf of who did.
fn offence(model: &Model, OffenceProof { offence, validators, .. }: &OffenceProof, worth: Worth) -> Vec<Row> {
    let mut rows = vec![vec![vec![quiet("value")], vec![worth.fact(twice(offence))]]];
    let block = |id: Option<BlockId>| id.map_or_else(|| worth.fact("nil"), |id| worth.hash(id));
    let signed = match offence {
        Offence::DoubleVote(votes) => [votes.first.vote.value, votes.second.vote.value],
        Offence::DoubleProposal(made) => {
            [made.first.proposal.block_id, made.second.proposal.block_id].map(Some)
        }
    };
    rows.extend(signed.map(|id| step("signed", vec![worth.glyph(Mark::Signed), own(" "), block(id)])));
    let leaf = usize::try_from(offence.signer()).ok().and_then(|at| validators.get(at));
    rows.extend(leaf.map(|leaf| seat(model, leaf, validators, worth)));
    rows
}

/// A proof that chains, but rests on keys that answer for nothing any more.
fn expiry(checked: &Checked) -> Option<Row> {
    let text = " chains, but the anchor is expired";
    checked.expired.then(|| step("verdict", vec![glyph(Mark::Refused), own(text).tone(Tone::Bad)]))
}

/// What is said, and the leaf or entry that says it.
fn value(
    model: &Model,
    asked: &Asked,
    (header, statement): (&HeaderProof, Option<&Statement>),
    worth: Worth,
) -> Vec<Row> {
    let first = |cell| vec![vec![quiet("value")], cell];
    let mut rows = Vec::new();
    if let Some(Statement::State { key, value, proof }) = statement {
        let said = value.as_deref().map_or_else(|| vec![worth.fact("nothing")], |it| said(model, it, worth));
        let key = if model.view.private { "(hidden)".to_owned() } else { key_of(key) };
        rows.push(first(said));
        rows.extend(value.as_deref().and_then(|value| peer(model, value, worth)));
        rows.push(step("state key", vec![worth.fact(key)]));
        let length = proof.to_bytes().len();
        rows.push(step("state proof", vec![worth.fact(format!("{length} bytes to the state root"))]));
        rows.push(step("state root", vec![worth.hash(header.header.state_root)]));
    } else {
        rows.push(first(vec![worth.fact(format!("height {}", header.header.height))]));
    }
    let member = asked.subject.member();
    let leaf = member.and_then(|key| header.validators.iter().find(|leaf| leaf.pubkey == *key));
    if let Some(leaf) = leaf {
        rows.push(seat(model, leaf, &header.validators, worth));
        rows.push(step("set's root", vec![worth.hash(header.header.validators_hash)]));
    }
    rows
}

/// A leaf of a set.
fn seat(model: &Model, leaf: &Validator, set: &[Validator], worth: Worth) -> Row {
    let Validator { pubkey, power, jurisdiction, since_set, .. } = leaf;
    let share = share((*power).into(), total(set));
    let text = format!(", power {power}, {share}, {jurisdiction}, since set {since_set}");
    step("set member", vec![worth.name(called(model, pubkey)), worth.fact(text)])
}

/// Which peer a registered validator answers as.
fn peer(model: &Model, value: &[u8], worth: Worth) -> Option<Row> {
    let id = peer_id(&Registration::from_bytes(value).ok()?.peer_key)?.to_string();
    let id = if model.view.private { "(hidden)".to_owned() } else { id };
    Some(step("peer", vec![worth.hash(id)]))
}

/// A key of the state; what is no text in it in hex.
fn key_of(key: &[u8]) -> String {
    let split = key.iter().position(|byte| *byte == b'/').map_or(0, |at| at.saturating_add(1));
    match (core::str::from_utf8(key), key.split_at_checked(split)) {
        (Err(_), Some((name, id))) => format!("{}{}", String::from_utf8_lossy(name), hex::of(id)),
        _ => String::from_utf8_lossy(key).into_owned(),
    }
}

/// What an entry of the registry or a request says; of another, how long it is.
fn said(model: &Model, value: &[u8], worth: Worth) -> Cell {
    if let Ok(request) = Request::from_bytes(value) {
        let Request { proposal, outcome, voices, .. } = &request;
        let action = if model.view.private { "(hidden)".to_owned() } else { words::action(&proposal.action) };
        return vec![worth.fact(format!("{action}: {outcome}, {} answers", voices.len()))];
    }
    let Ok(entry) = Registration::from_bytes(value) else {
        return vec![worth.fact(format!("{} bytes", value.len()))];
    };
    let operator = model.snapshot().map(|snapshot| model.who(snapshot).operator(&entry.operator));
    let Registration { stake, status, jurisdiction, .. } = entry;
    let rest = worth.fact(format!(", {jurisdiction}, stake {stake}, {status}"));
    vec![worth.fact("operator "), worth.name(operator.unwrap_or_default()), rest]
}

fn total(members: &[Validator]) -> u128 {
    members.iter().map(|member| u128::from(member.power)).sum()
}

/// What certifies a header: its own certificate, or the history of a later block.
fn certified(model: &Model, proof: &HeaderProof, worth: Worth) -> Vec<Row> {
    if let Some(history) = &proof.history {
        let head = history.head.header.height;
        let nodes = history.audit_path.len();
        let text = format!("in the history of the certified block {head}, {nodes} hashes up");
        return vec![step("history", vec![worth.fact(text)])];
    }
    match &proof.certificate {
        Some(it) => certificate(model, (it, &proof.validators), worth),
        None => vec![step("certificate", vec![own("none: it is the anchor")])],
    }
}

/// How much power signed, and each who did.
fn certificate(model: &Model, (it, all): (&Certificate, &[Validator]), worth: Worth) -> Vec<Row> {
    let Some(commit) = it.commit() else {
        return vec![step("certificate", vec![worth.fact("a chain of phase certificates")])];
    };
    let signers = commit.bitmap.indexes().filter_map(|index| all.get(usize::try_from(index).ok()?));
    let signers: Vec<&Validator> = signers.collect();
    let power: u128 = signers.iter().map(|member| u128::from(member.power)).sum();
    let text = format!("round {}, {power} of {} power", commit.round, total(all));
    let bar = worth.bar(power, total(all), true);
    let rows = signers.into_iter().map(|member| {
        let name = worth.name(called(model, &member.pubkey));
        let signed = worth.fact(format!(" signed with {}", member.power));
        step("signer", vec![worth.glyph(Mark::Signed), worth.fact(" "), name, signed])
    });
    let handed = match it {
        Certificate::Handover(_, halves) if !halves.is_empty() => {
            Some(step("hand-over", vec![worth.fact(signed_by(it, all))]))
        }
        _ => None,
    };
    let summary = step("certificate", vec![worth.fact(text), own(" "), bar]);
    [summary].into_iter().chain(rows).chain(handed).collect()
}

/// By which schemes a set is handed over, and with how much power by the second one.
fn signed_by(certificate: &Certificate, all: &[Validator]) -> String {
    match certificate {
        Certificate::Handover(_, halves) if !halves.is_empty() => {
            let signers = halves.iter().filter_map(|half| all.get(usize::try_from(half.signer).ok()?));
            let power: u128 = signers.map(|member| u128::from(member.power)).sum();
            format!("Ed25519 and ML-DSA-65 ({power} of {} power)", total(all))
        }
        _ => "Ed25519".to_owned(),
    }
}

/// The steps from the anchor, newest first; hand-overs are named as such.
fn path(path: &[LightBlock], worth: Worth) -> Vec<Row> {
    if path.is_empty() {
        return vec![step("hand-overs", vec![own("none needed: the anchor's set signed it")])];
    }
    let row = |block: &LightBlock| {
        let is_handover = matches!(block.certificate, Certificate::Handover(..));
        let kind = if is_handover { "hand-over" } else { "step" };
        let schemes = signed_by(&block.certificate, &block.validators);
        let text = format!("height {}  set {}  {schemes}", block.header.height, block.header.set_id);
        step(kind, vec![worth.fact(text)])
    };
    path.iter().rev().map(row).collect()
}

/// The command that makes the same file, where one does.
fn command(model: &Model, asked: &Asked, found: &Found, worth: Worth) -> Option<Row> {
    let what = match (&asked.subject, found) {
        (Subject::Validator { name, .. }, _) => format!("proof validator {name}"),
        (_, Found::Header(proven)) => format!("header {}", proven.proof.header.height),
        (_, Found::Entry(_) | Found::Evidence(_)) => return None,
    };
    let text = format!("qratum --home {} {what} --json", model.home);
    (!model.view.private).then(|| vec![vec![quiet("or by")], vec![worth.fact(text)]])
}
