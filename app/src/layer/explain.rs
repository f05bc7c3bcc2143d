//! What does this state or refusal mean, and what is to be done? The page of `qratum explain`.

use crate::{
    command::explain,
    screen::page::{Table, here, rest},
};

/// The page of a code, in lines of at most `columns` characters.
pub(crate) fn table(code: &'static str, columns: u16) -> Table<'static> {
    let lines = explain::page(code, usize::from(columns).saturating_sub(2));
    let len = lines.len();
    let row = move |at: usize| lines.get(at).map(|line| vec![vec![here(line)]]).unwrap_or_default();
    Table::of(vec![rest("")], len, row)
}
