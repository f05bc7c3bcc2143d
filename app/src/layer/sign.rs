//! What is to be signed, and how far that is: what the bytes say above, and below it the steps, the
//! buttons and one line that says what to do.

use qratum_chain::types::Time;
use qratum_decoder::{Line, Value};
use qratum_themes::{Mark, Tone};
use qratum_widgets::SafeText;
use ratatui::layout::{Constraint, Layout, Rect};

use crate::{
    acting::ceremony::Touch,
    hex,
    model::{Focus, Ground, Model, Sheet, Sign, Stage, Worth},
    screen::{
        draw::Pen,
        page::{Cell, Piece, Table, column, glyph, here, here_bar, own, quiet, rest},
    },
    time,
};

/// Rows below the lines: steps, buttons, what to do.
const BELOW: u16 = 3;
/// Columns in front of a line: the cursor's, the name of a section, a gap, the label.
const MARGIN: usize = 1 + 7 + 2 + LABEL + 1;
/// Columns of a label.
const LABEL: usize = 20;
/// How long a biokey is open at most, in ms: the whole of its bar.
const WHOLE_MS: u64 = 60_000;
/// So many characters of a PIN are told apart.
const MOST_DOTS: usize = 16;
/// The longest text that stands in an act, in characters: nothing of it is cut.
const MOST: usize = 1 << 17;

/// Draws the dialog.
pub(crate) fn view(model: &Model, dialog: &Sign, pen: &mut Pen<'_, '_>, area: Rect) {
    let [text, below] = Layout::vertical([Constraint::Fill(1), Constraint::Length(BELOW)]).areas(area);
    let lines = sheet(model, dialog);
    let in_sight = lines.into_iter().skip(dialog.top).take(room((area.width, area.height)));
    let table = framed(model, dialog, in_sight.collect());
    pen.table(&table, text);
    let rows = [steps(dialog), buttons(dialog), todo(model, dialog)];
    let rows = rows.into_iter().map(|cell| vec![cell]).collect();
    pen.table(&Table::rows(vec![rest("")], rows), below);
}

/// All lines, for whoever asks what they rest on.
pub(crate) fn table(model: &Model) -> Table<'_> {
    match model.view.sign() {
        Some(dialog) => framed(model, dialog, sheet(model, dialog)),
        None => Table::rows(Vec::new(), Vec::new()),
    }
}

/// How many lines there are.
pub(crate) fn lines(model: &Model) -> usize {
    model.view.sign().map_or(0, |dialog| sheet(model, dialog).len())
}

/// How many of them are in sight in so many columns and rows: the heading and what stands below are too.
pub(crate) fn room((_, height): (u16, u16)) -> usize {
    usize::from(height.saturating_sub(BELOW + 1))
}

fn framed<'a>(model: &Model, dialog: &Sign, rows: Vec<Vec<Cell>>) -> Table<'a> {
    let (lines, room) = dialog.pages;
    let last = dialog.top.saturating_add(room).min(lines);
    let heading = vec![
        own("SIGN THIS").tone(Tone::Title),
        here(format!("  lines {}-{last} of {lines}", dialog.top.saturating_add(1))),
        here(dialog.sheet.ends.map(|ends| ends_in(model.now, ends)).unwrap_or_default()),
        quiet("  nothing is sent until you finish"),
    ];
    let ground = Ground::Unproven("all of it was proven when the sheet was made");
    Table::rows(vec![column(""), rest("")], rows)
        .under(heading)
        .worth(worth(model, &dialog.sheet))
        .resting(move |_| ground.clone())
}

fn ends_in(now: Time, ends: Time) -> String {
    format!("  ends in {}", time::age(time::since(now, ends)))
}

/// What the facts on a sheet are worth now.
fn worth(model: &Model, sheet: &Sheet) -> Worth {
    match model.live_worth() {
        Worth::Verified(_) => Worth::Verified(sheet.at),
        Worth::Stale(_) | Worth::Unverified => Worth::Stale(sheet.at),
    }
}

/// Sections, in their order, and the labels that belong to them; what belongs to none is WHAT.
const SECTIONS: [(&str, &[&str]); 4] = [
    ("WHAT", &[]),
    ("WHO", &["account", "role", "requester", "person", "by-credential", "voice"]),
    ("WHERE", &["version", "chain"]),
    ("WHEN", &["nonce", "from-height", "until-height", "expires-ms", "basis", "opened", "closed"]),
];

fn section(label: &str) -> &'static str {
    let begins = |labels: &&[&str]| labels.iter().any(|start| label.starts_with(start));
    SECTIONS.iter().find(|(_, labels)| begins(labels)).map_or("WHAT", |(name, _)| name)
}

/// All lines of the sheet, folded for this window.
fn sheet(model: &Model, dialog: &Sign) -> Vec<Vec<Cell>> {
    let columns = usize::from(model.view.window.0).saturating_sub(MARGIN);
    let sheet = &dialog.sheet;
    let worth = worth(model, sheet);
    let mut rows = Vec::new();
    for (name, _) in SECTIONS {
        let of = |line: &&Line| section(&line.label) == name;
        let mut told: Vec<(String, String, Option<Worth>)> = Vec::new();
        if name == "WHERE" {
            told.push(("network".to_owned(), sheet.network.clone(), None));
        }
        told.extend(sheet.act.iter().filter(of).map(|line| (line.label.clone(), said(line), None)));
        told.extend(
            sheet
                .request
                .iter()
                .filter(of)
                .map(|line| (format!("asked {}", line.label), said(line), Some(worth))),
        );
        rows.extend(folded(name, told, columns));
    }
    let fact = |label: &str, text: String| (label.to_owned(), text, Some(worth));
    let plain = |label: &str, text: String| (label.to_owned(), text, None);
    let effect = sheet.effect.iter().map(|line| fact("the next block", line.clone()));
    rows.extend(folded("EFFECT", effect.collect(), columns));
    let bytes = format!("{} bytes, read alike by two decoders", sheet.length);
    rows.extend(folded("BYTES", vec![plain("canonical", bytes)], columns));
    rows.extend(folded("DIGEST", vec![plain("to be signed", sheet.groups().join(" "))], columns));
    let words = format!("{} (others who answer this request read the same)", sheet.words().join(" "));
    rows.extend(folded("COMPARE", vec![plain("the request", words)], columns));
    let proven = format!("in block {}, made at {}", sheet.at, time::format(sheet.time));
    rows.extend(folded("STATE", vec![fact("proven", proven)], columns));
    rows
}

/// Lines of a section, each as long as fits; the name of the section stands before the first.
fn folded(name: &'static str, told: Vec<(String, String, Option<Worth>)>, columns: usize) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    for (label, text, worth) in told {
        let label = label.replace('-', " ");
        let labels = fold(&label, LABEL);
        let texts = fold(SafeText::new(&text, MOST).as_str(), columns);
        for at in 0..labels.len().max(texts.len()) {
            let head = here(format!("{:<7}", if rows.is_empty() { name } else { "" })).tone(Tone::Title);
            let label = labels.get(at).map(String::as_str).unwrap_or_default();
            let text = texts.get(at).map(String::as_str).unwrap_or_default();
            let piece: Piece = worth.map_or_else(|| here(text), |worth| worth.fact(text));
            rows.push(vec![vec![head], vec![here(format!("{label:<LABEL$} ")).tone(Tone::Quiet), piece]]);
        }
    }
    rows
}

/// A text in lines of so many characters, at its spaces where it has some.
fn fold(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(8);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let fits = |line: &&mut String| line.chars().count().saturating_add(word.chars().count()) < columns;
        match lines.last_mut().filter(fits) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => {
                let letters: Vec<char> = word.chars().collect();
                lines.extend(letters.chunks(columns).map(|part| part.iter().collect::<String>()));
            }
        }
    }
    if lines.is_empty() { vec![String::new()] } else { lines }
}

/// A value in words.
fn said(line: &Line) -> String {
    match &line.value {
        Value::Number(millis) if line.label.ends_with("lifetime-ms") => {
            format!("{} ({millis} ms)", time::age(*millis))
        }
        Value::Number(millis) if line.label.ends_with("-ms") => {
            format!("{} ({millis} ms)", time::format(Time(*millis)))
        }
        Value::Number(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Bytes(bytes) => hex::of(bytes),
        Value::Word(word) => word.replace('-', " "),
        Value::Words(words) => words.join(", "),
    }
}

/// Where one is: what is done, what is next, what comes then.
fn steps(dialog: &Sign) -> Cell {
    let begun = dialog.stage != Stage::Review;
    let is_signed = dialog.is_signed() || matches!(dialog.stage, Stage::Done(_));
    let touched = is_signed || matches!(dialog.stage, Stage::Touch { n: 2.., .. } | Stage::Confirm);
    let done = [
        ("read", begun || dialog.is_read()),
        ("digest", begun || dialog.is_typed()),
        ("PIN", matches!(dialog.stage, Stage::Touch { .. }) || touched),
        ("touch 1", touched),
        ("touch 2", is_signed),
        ("proven", matches!(dialog.stage, Stage::Done(_))),
    ];
    let next = done.iter().position(|(_, done)| !done);
    let mut cell = Vec::new();
    for (at, (name, done)) in done.into_iter().enumerate() {
        cell.push(match (done, next == Some(at)) {
            (true, _) => glyph(Mark::Connected),
            (false, true) => own(">").tone(Tone::Title),
            (false, false) => quiet("-"),
        });
        let name = own(name).tone(if next == Some(at) { Tone::Title } else { Tone::Plain });
        cell.extend([own(" "), name, own("  ")]);
    }
    cell
}

/// The buttons: Enter presses the one with the sign.
fn buttons(dialog: &Sign) -> Cell {
    let (leave, act) = match dialog.stage {
        Stage::Review => ("[ Cancel ]", "[ Sign ]"),
        Stage::Confirm => ("[ Cancel ]", "[ These are my words ]"),
        Stage::Signed | Stage::Sent { .. } | Stage::Done(_) | Stage::Failed(_) => ("[ Close ]", ""),
        Stage::Begun | Stage::Pin { .. } | Stage::Touch { .. } => ("[ Cancel ]", ""),
    };
    let sign = |focus| own(if dialog.focus == focus { "> " } else { "  " });
    let mut cell = vec![own("      "), sign(Focus::Cancel), own(leave).tone(Tone::Title)];
    if !act.is_empty() {
        let tone = if dialog.may_act() { Tone::Title } else { Tone::Quiet };
        cell.extend([own("    "), sign(Focus::Act), own(act).tone(tone)]);
        cell.extend((!dialog.may_act()).then(|| quiet("  not yet")));
    }
    cell
}

/// What to do now.
fn todo(model: &Model, dialog: &Sign) -> Cell {
    let left = dialog.open_until.map(|until| time::since(model.now, until));
    let mut cell = match &dialog.stage {
        Stage::Review if !dialog.is_read() => {
            vec![own("Space or PgDn reads on: each line must have been in sight. Enter cancels.")]
        }
        Stage::Review if !dialog.is_typed() => vec![
            own("Type the last four digits of the digest: "),
            here(format!("{}_", dialog.typed)),
            quiet("   Enter cancels."),
        ],
        Stage::Review => vec![own("Tab goes to Sign, Enter presses it. Paste and held keys do nothing.")],
        Stage::Begun => vec![own("Waiting for the security key ...")],
        Stage::Pin { tries } => {
            let tries = tries.map(|tries| format!("  {tries} tries left")).unwrap_or_default();
            let dots = "*".repeat(dialog.pin.min(MOST_DOTS));
            vec![own("Type the PIN of the security key, then Enter; Esc cancels: "), here(dots), here(tries)]
        }
        Stage::Touch { n, of, why } => vec![
            here(format!("Touch {n} of {of}: ")),
            own(match why {
                Touch::Open => "touch the key when it blinks. It opens the biokey.",
                Touch::Sign => "touch the key when it blinks. It signs.",
            }),
        ],
        Stage::Confirm => vec![
            own("Are these your words?  "),
            here(dialog.words.as_deref().unwrap_or_default()).tone(Tone::Title),
            own("  If not: Enter."),
        ],
        Stage::Signed => vec![own("Signed. Sending ...")],
        Stage::Sent { to } => vec![here(format!("Sent to {to} validators. Waiting for the proof ..."))],
        Stage::Done(what) => vec![glyph(Mark::Connected), own(" "), here(what).tone(Tone::Good)],
        Stage::Failed(why) => vec![glyph(Mark::Refused), own(" "), here(why).tone(Tone::Bad)],
    };
    if let Some(left) = left {
        cell.push(here(format!("  biokey {} s ", left.div_ceil(1000))));
        cell.push(here_bar(left.into(), WHOLE_MS.into()));
    }
    cell
}
