//! Who signed? One row for each member of the set that certified the head.

use qratum_chain::types::Validator;
use qratum_light_node::Snapshot;
use qratum_themes::{Mark, Theme};
use qratum_verifier::Trusted;
use qratum_widgets::{PowerBar, SafeText, badge};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::parts::{NARROW, VERDICT, right_of, section};
use crate::model::{Model, member_name};

/// A member as it is drawn.
struct Member<'a> {
    name: SafeText,
    leaf: &'a Validator,
    signed: bool,
}

/// Draws the rows, and beside each the part it has in the certificate.
pub(super) fn view(model: &Model, snapshot: &Snapshot, head: &Trusted, frame: &mut Frame<'_>, area: Rect) {
    let theme = &model.theme;
    let (set, total) = (head.validators(), head.validators().total_power());
    let members: Vec<Member<'_>> = (0u32..)
        .zip(set.members())
        .map(|(index, leaf)| {
            let name = SafeText::new(&member_name(index, set, &snapshot.names), SafeText::NAME);
            Member { name, leaf, signed: head.signers().contains(&index) }
        })
        .collect();
    let longest =
        members.iter().map(|member| member.name.as_str().chars().count()).max().unwrap_or(0).max(12);
    let rows: Vec<Line<'static>> = members.iter().map(|member| member.row(theme, longest, total)).collect();
    let widest = rows.iter().map(Line::width).max().unwrap_or(0);
    let start = u16::try_from(widest).unwrap_or(u16::MAX).saturating_add(3);
    let title = format!(" validators {}: name, power, share, part of the certificate", members.len());
    let shown = section(theme, title, rows, frame, area);
    let end = if area.width < NARROW { 1 } else { VERDICT };
    for (member, row) in members.iter().take(shown).zip(area.rows().skip(1)) {
        let part = if member.signed { u128::from(member.leaf.power) } else { 0 };
        let bar = PowerBar { part, whole: total, quorum_line: false, theme };
        frame.render_widget(bar, right_of(row, start, end));
    }
}

impl Member<'_> {
    fn row(&self, theme: &Theme, longest: usize, total: u128) -> Line<'static> {
        let mark = if self.signed { Mark::Signed } else { Mark::Unsigned };
        let (name, power) = (&self.name, self.leaf.power);
        let tenths = u128::from(power).saturating_mul(1000).checked_div(total).unwrap_or(0);
        let share = format!("{:>3}.{} %", tenths / 10, tenths % 10);
        Line::from_iter([
            Span::raw(" "),
            badge::glyph(theme, mark),
            Span::raw(format!(" {name:<longest$} {power:>6} {share} ")),
            Span::styled(format!("{:<10}", theme.word(mark)), theme.mark_style(mark)),
        ])
    }
}
