//! Why is a value believed? From the value back to what the user trusts at first, a step in each
//! row.

use qratum_chain::{
    codec::Decode,
    document::{HeaderProof, Statement},
    types::{Certificate, Height, Registration, Validator},
};
use qratum_themes::{Mark, Tone};
use qratum_verifier::proof::Checked;

use crate::{
    model::{Asked, Found, Model, Proof, Subject, Who, Worth},
    screen::{
        page::{Cell, Table, column, glyph, here, here_hash, own, quiet, rest},
        parts::share,
    },
};

/// The steps.
pub(crate) fn table(model: &Model) -> Table<'static> {
    let Some(asked) = &model.view.asked else { return Table::facts(Vec::new()) };
    let heading = |worth: Worth| vec![own("proof of "), worth.fact(named(model, &asked.subject))];
    match &asked.proof {
        Proof::Fetching => {
            one(vec![own("fetching the proof from the peers ...")]).under(heading(Worth::Unverified))
        }
        Proof::Failed(why) => {
            one(vec![glyph(Mark::Refused), here(format!(" no proof: {why}")).tone(Tone::Bad)])
                .under(heading(Worth::Unverified))
        }
        Proof::Shown(found) => {
            let (worth, steps) = steps(model, asked, found);
            Table::rows(vec![column(""), rest("")], steps).under(heading(worth)).worth(worth)
        }
    }
}

fn one(cell: Cell) -> Table<'static> {
    Table::rows(vec![rest("")], vec![vec![cell]])
}

/// What a proof is of, in words.
fn named(model: &Model, subject: &Subject) -> String {
    let called =
        |key| model.snapshot().map_or_else(String::new, |snapshot| model.who(snapshot).validator(key));
    match subject {
        Subject::Block(height) => format!("height {height}"),
        Subject::Member { key, height } => format!("{} in the set of height {height}", called(key)),
        Subject::Validator { key, .. } => format!("{} in the registry", called(key)),
    }
}

type Row = Vec<Cell>;

/// What the row above rests on.
fn step(label: &'static str, cell: Cell) -> Row {
    vec![vec![glyph(Mark::From), own(" "), quiet(label)], cell]
}

/// Value, state, header, certificate with each signer, hand-overs, anchor.
fn steps(model: &Model, asked: &Asked, found: &Found) -> (Worth, Vec<Row>) {
    let (proof, checked, statement) = match found {
        Found::Header(proven) => (&proven.proof, &proven.checked, None),
        Found::Entry(proven) => (&proven.proof.header, &proven.checked, Some(&proven.proof.statement)),
    };
    let height = checked.header.get().height;
    let worth = if checked.expired { Worth::Stale(height) } else { Worth::Verified(height) };
    let mut rows = value(model, asked, (proof, statement), worth);
    rows.extend(expiry(checked));
    rows.push(step("header", vec![worth.hash(proof.header.id())]));
    rows.extend(certificate(model, proof, worth));
    rows.extend(path(proof, worth));
    let anchor = if model.pinned { "checkpoint" } else { "genesis" };
    rows.push(step("anchor", vec![own(anchor), own(" "), here_hash(model.anchor)]));
    rows.push(vec![vec![quiet("as a file")], vec![own("w writes it; qratum verify checks it")]]);
    rows.extend(command(model, asked, (height, worth)));
    (worth, rows)
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
        let said = value.as_deref().map_or("nothing".to_owned(), |value| said(model, value));
        let key = if model.view.private {
            "(hidden)".to_owned()
        } else {
            String::from_utf8_lossy(key).into_owned()
        };
        rows.push(first(vec![worth.fact(said)]));
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
        let total = total(&header.validators);
        let text = format!("power {}, {}", leaf.power, share(leaf.power.into(), total));
        rows.push(step("set member", vec![worth.fact(text)]));
        rows.push(step("set's root", vec![worth.hash(header.header.validators_hash)]));
    }
    rows
}

/// What an entry of the registry says; of another, how long it is.
fn said(model: &Model, value: &[u8]) -> String {
    let Ok(entry) = Registration::from_bytes(value) else { return format!("{} bytes", value.len()) };
    let operator = model.snapshot().map(|snapshot| model.who(snapshot).operator(&entry.operator));
    let Registration { stake, status, jurisdiction, .. } = entry;
    format!("operator {}, {jurisdiction}, stake {stake}, {status}", operator.unwrap_or_default())
}

fn total(members: &[Validator]) -> u128 {
    members.iter().map(|member| u128::from(member.power)).sum()
}

/// How much power signed, and each who did.
fn certificate(model: &Model, proof: &HeaderProof, worth: Worth) -> Vec<Row> {
    if let Some(history) = &proof.history {
        let head = history.head.header.height;
        let nodes = history.audit_path.len();
        let text = format!("in the history of the certified block {head}, {nodes} hashes up");
        return vec![step("history", vec![worth.fact(text)])];
    }
    let Some(certificate) = &proof.certificate else {
        return vec![step("certificate", vec![own("none: it is the anchor")])];
    };
    let Some(commit) = certificate.commit() else {
        return vec![step("certificate", vec![worth.fact("a chain of phase certificates")])];
    };
    let all = &proof.validators;
    let signers = commit.bitmap.indexes().filter_map(|index| all.get(usize::try_from(index).ok()?));
    let signers: Vec<&Validator> = signers.collect();
    let power: u128 = signers.iter().map(|member| u128::from(member.power)).sum();
    let text = format!("round {}, {power} of {} power", commit.round, total(all));
    let bar = worth.bar(power, total(all), true);
    let rows = signers.into_iter().filter_map(|member| {
        let who: Who<'_> = model.who(model.snapshot()?);
        let text = format!(" {} signed with {}", who.validator(&member.pubkey), member.power);
        Some(step("signer", vec![worth.glyph(Mark::Signed), worth.fact(text)]))
    });
    [step("certificate", vec![worth.fact(text), own(" "), bar])].into_iter().chain(rows).collect()
}

/// The steps from the anchor, newest first; hand-overs are named as such.
fn path(proof: &HeaderProof, worth: Worth) -> Vec<Row> {
    if proof.path.is_empty() {
        return vec![step("hand-overs", vec![own("none needed: the anchor's set signed it")])];
    }
    let row = |block: &qratum_chain::types::LightBlock| {
        let is_handover = matches!(block.certificate, Certificate::Handover(..));
        let kind = if is_handover { "hand-over" } else { "step" };
        let text = format!("height {}  set {}", block.header.height, block.header.set_id);
        step(kind, vec![worth.fact(text)])
    };
    proof.path.iter().rev().map(row).collect()
}

/// The command that makes the same file.
fn command(model: &Model, asked: &Asked, (height, worth): (Height, Worth)) -> Option<Row> {
    let what = match &asked.subject {
        Subject::Validator { name, .. } => format!("proof validator {name}"),
        Subject::Block(_) | Subject::Member { .. } => format!("header {height}"),
    };
    let text = format!("qratum --home {} {what} --json", model.home);
    (!model.view.private).then(|| vec![vec![quiet("or by")], vec![worth.fact(text)]])
}
