//! What is on a locked screen? That it is locked and since when, and what is wrong, in words of this
//! program alone. Nothing of it changes by itself, so a locked console writes nothing.

use qratum_themes::{Mark, Tone};
use ratatui::layout::Rect;

use crate::{
    command::explain,
    model::Model,
    monitor::Level,
    screen::{
        draw::Pen,
        page::{Cell, Table, glyph, here, own, quiet, rest},
        parts::clock,
    },
};

/// Draws it on a window that is otherwise empty.
pub(crate) fn view(model: &Model, pen: &mut Pen<'_, '_>, area: Rect) {
    let rows = rows(model).into_iter().map(|cell| vec![cell]).collect();
    pen.table(&Table::rows(vec![rest("")], rows), area);
}

/// Its rows; none where the console is not locked.
pub(crate) fn rows(model: &Model) -> Vec<Cell> {
    let Some(since) = model.session.locked() else { return Vec::new() };
    let open = &model.alarms.open;
    let count = match open.len() {
        0 => vec![quiet("no alarm is open")],
        1 => vec![own("1 alarm is open")],
        count => vec![here(format!("{count} alarms are open"))],
    };
    let critical = open.iter().filter(|alarm| alarm.level == Level::Critical);
    let critical = critical.map(|alarm| {
        let word = alarm.code.word();
        let means = explain::summary(word).unwrap_or_default();
        vec![glyph(Mark::Refused), own(" "), own(word).tone(Tone::Alarm), own("  "), own(means)]
    });
    let head =
        [vec![own("LOCKED").tone(Tone::Title), here(format!("  since {}", clock(since)))], Vec::new(), count];
    let below =
        [Vec::new(), vec![own("Any key opens it, read-only: it holds no secret. Ctrl-C ends the program.")]];
    head.into_iter().chain(critical).chain(below).collect()
}
