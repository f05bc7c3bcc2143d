//! Why is the head believed? From the value back to what the user trusts at first.

use qratum_chain::{
    document::HeaderProof,
    types::{Certificate, Height, LightBlock, Validator},
};
use qratum_light_node::{Names, Proven};
use qratum_themes::{Mark, Theme, Tone};
use qratum_widgets::{SafeText, badge};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::{Paragraph, Wrap},
};

use crate::model::{Model, Proof};

/// How many steps between anchor and head are listed.
const STEPS: usize = 4;

/// The longest command, in characters: with a path of any length that a system has.
const COMMAND: usize = 8 << 10;

/// Draws the pane.
pub(super) fn view(model: &Model, (height, proof): (Height, &Proof), frame: &mut Frame<'_>, area: Rect) {
    let title = Line::styled(format!(" proof of height {height}"), model.theme.tone(Tone::Title));
    let lines = match proof {
        Proof::Fetching => vec![Line::from(" fetching the proof from the peers ...")],
        Proof::Failed(why) => {
            let text = SafeText::new(&why.to_string(), SafeText::SENTENCE);
            let mark = badge::with_word(&model.theme, Mark::Refused, "no proof");
            vec![Line::from_iter([Span::raw(" "), mark, Span::raw(format!(": {text}"))])]
        }
        Proof::Shown(proven) => chain(model, proven),
    };
    let page: Vec<_> = [title, Line::default()].into_iter().chain(lines).collect();
    frame.render_widget(Paragraph::new(page).wrap(Wrap { trim: false }), area);
}

/// Value, header, certificate, steps, anchor.
fn chain(model: &Model, proven: &Proven) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let header = proven.checked.header.get();
    let verdict = if proven.checked.expired {
        badge::with_word(theme, Mark::Refused, "chains, but the anchor is expired")
    } else {
        badge::badge(theme, Mark::Verified)
    };
    let names = model.snapshot.as_ref().map(|snapshot| snapshot.names.clone()).unwrap_or_default();
    let mut lines = vec![
        Line::from_iter([
            Span::raw(" value        "),
            Span::raw(format!("height {}  ", header.height)),
            verdict,
        ]),
        step(theme, "header", &header.id().to_string()),
        step(theme, "certificate", &certificate(&proven.proof, &names)),
    ];
    lines.extend(steps(theme, &proven.proof.path));
    lines.push(step(
        theme,
        "anchor",
        &format!("{} {}", if model.pinned { "checkpoint" } else { "genesis" }, model.anchor),
    ));
    let command = format!("qratum --home {} header {} --json", model.home, header.height);
    lines
        .extend([Line::default(), Line::from(format!(" as a file    {}", SafeText::new(&command, COMMAND)))]);
    lines
}

fn step(theme: &Theme, what: &str, text: &str) -> Line<'static> {
    let arrow = Span::styled(format!(" {} ", theme.glyph(Mark::From)), theme.mark_style(Mark::From));
    let text = SafeText::new(text, SafeText::SENTENCE);
    Line::from_iter([arrow, Span::raw(format!("{what:<12}{text}"))])
}

/// Who signed, by name where the genesis has one.
fn certificate(proof: &HeaderProof, names: &Names) -> String {
    if let Some(history) = &proof.history {
        return format!("in the history of the certified block {}", history.head.header.height);
    }
    let Some(certificate) = &proof.certificate else { return "none: it is the anchor".to_owned() };
    let Some(commit) = certificate.commit() else { return "a chain of phase certificates".to_owned() };
    let all = &proof.validators;
    let signers = commit.bitmap.indexes().filter_map(|index| all.get(usize::try_from(index).ok()?));
    let signers: Vec<&Validator> = signers.collect();
    let power: u128 = signers.iter().map(|member| u128::from(member.power)).sum();
    let total: u128 = all.iter().map(|member| u128::from(member.power)).sum();
    let name = |member: &Validator| {
        let key = || member.pubkey.to_string().chars().take(12).collect();
        names.name(&member.pubkey).map_or_else(key, str::to_owned)
    };
    let names: Vec<String> = signers.into_iter().map(name).collect();
    format!("round {}, {power} of {total} power: {}", commit.round, names.join(", "))
}

/// The steps from the anchor, newest first; hand-overs are named as such.
fn steps(theme: &Theme, path: &[LightBlock]) -> Vec<Line<'static>> {
    if path.is_empty() {
        return vec![step(theme, "hand-overs", "none needed: the anchor's set signed it")];
    }
    let newest = path.iter().rev().take(STEPS).map(|block| {
        let kind = if matches!(block.certificate, Certificate::Handover(..)) { "hand-over" } else { "step" };
        step(theme, kind, &format!("height {}  set {}", block.header.height, block.header.set_id))
    });
    let hidden = path.len().saturating_sub(STEPS);
    let more = (hidden > 0).then(|| step(theme, "steps", &format!("{hidden} more")));
    newest.chain(more).collect()
}
