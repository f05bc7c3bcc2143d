//! What is a screen made of? Tables of cells, and cells of pieces: words of this program, things
//! that this machine knows by itself, and facts of the chain, which cannot be drawn without their
//! worth.

use core::fmt;

use qratum_chain::PublicKey;
use qratum_themes::{Mark, Tone};
use qratum_widgets::{Column, Order};

use super::order::runs;
use crate::model::{Cursor, Fact, Ground, Worth};

/// How a piece looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Tone(Tone),
    Mark(Mark),
}

/// What a piece says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    /// Of this program.
    Own(&'static str),
    /// Any; it is made harmless when it is drawn.
    Any(String),
    /// A name; it is drawn so that it looks like no other.
    Name(String),
    /// A hash or key in hex: both its ends, where it does not fit.
    Hash(String),
    /// The sign of a mark.
    Glyph(Mark),
    /// The word of a mark.
    Word(Mark),
    /// Values as small columns, the newest last.
    Spark(Vec<u64>),
    /// A part of some power, as a bar over what room is left.
    Bar { part: u128, whole: u128, line: bool },
}

/// A part of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(super) text: Text,
    pub(super) look: Look,
    /// For a fact of the chain.
    pub(super) worth: Option<Worth>,
}

/// Pieces side by side.
pub(crate) type Cell = Vec<Piece>;

impl Piece {
    const fn new(text: Text, look: Look, worth: Option<Worth>) -> Self {
        Self { text, look, worth }
    }

    /// The same in another tone.
    pub(crate) const fn tone(mut self, tone: Tone) -> Self {
        self.look = Look::Tone(tone);
        self
    }

    /// As this mark looks.
    pub(crate) const fn like(mut self, mark: Mark) -> Self {
        self.look = Look::Mark(mark);
        self
    }
}

/// Words of this program.
pub(crate) const fn own(words: &'static str) -> Piece {
    Piece::new(Text::Own(words), Look::Tone(Tone::Plain), None)
}

/// The same, stepping back.
pub(crate) const fn quiet(words: &'static str) -> Piece {
    own(words).tone(Tone::Quiet)
}

/// Something that this machine knows by itself and the chain does not say: its connections, its
/// clock, its files, what it judged and did. Never a value of the chain: that is a [`Fact`].
pub(crate) fn here(what: impl fmt::Display) -> Piece {
    Piece::new(Text::Any(what.to_string()), Look::Tone(Tone::Plain), None)
}

/// The same for a name.
pub(crate) fn here_name(name: impl fmt::Display) -> Piece {
    Piece::new(Text::Name(name.to_string()), Look::Tone(Tone::Plain), None)
}

/// The same for a hash that the user gave.
pub(crate) fn here_hash(what: impl fmt::Display) -> Piece {
    Piece::new(Text::Hash(what.to_string()), Look::Tone(Tone::Plain), None)
}

/// Values that were measured here, as small columns; a number says the newest beside it.
pub(crate) const fn spark(values: Vec<u64>) -> Piece {
    Piece::new(Text::Spark(values), Look::Tone(Tone::Quiet), None)
}

/// A part of something that this machine measures, as a bar.
pub(crate) const fn here_bar(part: u128, whole: u128) -> Piece {
    Piece::new(Text::Bar { part, whole, line: false }, Look::Tone(Tone::Plain), None)
}

/// A sign and its word about something that this machine knows by itself.
pub(crate) fn sign(mark: Mark) -> Cell {
    vec![glyph(mark), own(" "), word(mark)]
}

/// The word of a mark.
pub(crate) const fn word(mark: Mark) -> Piece {
    Piece::new(Text::Word(mark), Look::Mark(mark), None)
}

/// The sign of a mark, without its word.
pub(crate) const fn glyph(mark: Mark) -> Piece {
    Piece::new(Text::Glyph(mark), Look::Mark(mark), None)
}

impl Worth {
    /// A value of the chain, as a piece.
    pub(crate) fn fact(self, value: impl fmt::Display) -> Piece {
        self.of(value).into()
    }

    /// A name that the chain gives.
    pub(crate) fn name(self, name: impl fmt::Display) -> Piece {
        Piece::new(Text::Name(name.to_string()), Look::Tone(Tone::Plain), Some(self))
    }

    /// A hash or key of the chain.
    pub(crate) fn hash(self, value: impl fmt::Display) -> Piece {
        Piece::new(Text::Hash(value.to_string()), Look::Tone(Tone::Plain), Some(self))
    }

    /// A sign that tells a value of the chain.
    pub(crate) const fn glyph(self, mark: Mark) -> Piece {
        Piece::new(Text::Glyph(mark), Look::Mark(mark), Some(self))
    }

    /// A word that tells a value of the chain.
    pub(crate) const fn word(self, mark: Mark) -> Piece {
        Piece::new(Text::Word(mark), Look::Mark(mark), Some(self))
    }

    /// A part of some power, as a bar.
    pub(crate) const fn bar(self, part: u128, whole: u128, line: bool) -> Piece {
        Piece::new(Text::Bar { part, whole, line }, Look::Tone(Tone::Plain), Some(self))
    }
}

impl From<Fact> for Piece {
    fn from(fact: Fact) -> Self {
        Self::new(Text::Any(fact.value), Look::Tone(Tone::Plain), Some(fact.worth))
    }
}

/// A column of words.
pub(crate) const fn column(title: &'static str) -> Column<'static> {
    Column::text(title)
}

/// A column of numbers.
pub(crate) const fn numbers(title: &'static str) -> Column<'static> {
    Column::number(title)
}

/// The last column, which takes what room is left.
pub(crate) const fn rest(title: &'static str) -> Column<'static> {
    Column::rest(title)
}

/// Makes the cells of a row.
type Maker<'a> = Box<dyn Fn(usize) -> Vec<Cell> + 'a>;
/// Says where a row stands among others in a column of this title.
type Ranks<'a> = Box<dyn Fn(usize, &str) -> Option<u64> + 'a>;
/// Says which thing a row is about.
type Things<'a> = Box<dyn Fn(usize) -> Option<Thing> + 'a>;
/// Says what a row rests on.
type Grounds<'a> = Box<dyn Fn(usize) -> Ground + 'a>;

/// What a row is about, whatever place it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    /// A height, the number of an alarm or of an entry of the log, a place in the configuration.
    Number(u64),
    /// The holder of a key.
    Key(PublicKey),
}

/// A list of rows under a heading. Rows are made when they are drawn, so that a long list costs no
/// more than a short one.
pub(crate) struct Table<'a> {
    pub(super) heading: Cell,
    /// What the facts in it are worth; said once, in the heading.
    pub(super) worth: Option<Worth>,
    pub(super) columns: Vec<Column<'static>>,
    /// How many rows there are.
    pub(crate) len: usize,
    pub(super) row: Maker<'a>,
    /// What a row rests on; of this machine alone, where nothing else is said.
    ground: Grounds<'a>,
    /// By what its rows are sorted in a column whose words do not say that.
    rank: Ranks<'a>,
    /// What a row is about; nothing, in a list whose rows stay where they are.
    thing: Things<'a>,
    /// Whether it is one thing: the cursor is on all of it, and not on a row.
    pub(super) one: bool,
}

impl<'a> Table<'a> {
    /// Rows that are made one by one.
    pub(crate) fn of(
        columns: Vec<Column<'static>>,
        len: usize,
        row: impl Fn(usize) -> Vec<Cell> + 'a,
    ) -> Self {
        Self {
            heading: Vec::new(),
            worth: None,
            columns,
            len,
            row: Box::new(row),
            ground: Box::new(|_| Ground::HERE),
            rank: Box::new(|_, _| None),
            thing: Box::new(|_| None),
            one: false,
        }
    }

    /// Rows that are all there: labels, and what they name.
    pub(crate) fn facts(rows: Vec<(&'static str, Cell)>) -> Self {
        Self::of(vec![column(""), rest("")], rows.len(), move |at| {
            rows.get(at).map(|(label, cell)| vec![vec![quiet(label)], cell.clone()]).unwrap_or_default()
        })
    }

    /// The same, each with what it rests on.
    pub(crate) fn grounded(rows: Vec<(&'static str, Cell, Ground)>) -> Self {
        let apart = |(label, cell, ground)| ((label, cell), ground);
        let (rows, grounds): (Vec<_>, Vec<Ground>) = rows.into_iter().map(apart).unzip();
        Self::facts(rows).resting(move |at| grounds.get(at).cloned().unwrap_or(Ground::HERE))
    }

    /// Rows that are all there.
    pub(crate) fn rows(columns: Vec<Column<'static>>, rows: Vec<Vec<Cell>>) -> Self {
        Self::of(columns, rows.len(), move |at| rows.get(at).cloned().unwrap_or_default())
    }

    /// The same, under a heading.
    pub(crate) fn under(self, heading: Cell) -> Self {
        Self { heading, ..self }
    }

    /// The same, where the heading also says what the facts in it are worth.
    pub(crate) fn worth(self, worth: Worth) -> Self {
        Self { worth: Some(worth), ..self }
    }

    /// The same, where rows rest on more than this machine.
    pub(crate) fn resting(self, ground: impl Fn(usize) -> Ground + 'a) -> Self {
        Self { ground: Box::new(ground), ..self }
    }

    /// The same, with what its rows are sorted by in columns whose words do not say that.
    pub(crate) fn ranked(self, rank: impl Fn(usize, &str) -> Option<u64> + 'a) -> Self {
        Self { rank: Box::new(rank), ..self }
    }

    /// The same, where rows come, go and change places: the cursor stays on its thing.
    pub(crate) fn about(self, thing: impl Fn(usize) -> Option<Thing> + 'a) -> Self {
        Self { thing: Box::new(thing), ..self }
    }

    /// What a row is about.
    pub(crate) fn thing(&self, row: usize) -> Option<Thing> {
        (self.thing)(row)
    }

    /// What a row rests on.
    pub(crate) fn ground(&self, row: usize) -> Ground {
        (self.ground)(row)
    }

    /// The same, as one thing.
    pub(crate) fn one(self) -> Self {
        Self { one: true, ..self }
    }

    /// The rows that a filter leaves, in the order that is wanted.
    pub(crate) fn kept(&self, cursor: &Cursor) -> Kept {
        let filter = cursor.filter.to_lowercase();
        let (text, wanted) = filter.strip_prefix('!').map_or((filter.as_str(), true), |text| (text, false));
        if text.is_empty() && cursor.sort.is_none() {
            return Kept::All(self.len);
        }
        let holds = |row: &usize| {
            text.is_empty() || words((self.row)(*row).iter().flatten()).contains(text) == wanted
        };
        let mut rows: Vec<usize> = (0..self.len).filter(holds).collect();
        if let Some((title, order)) = cursor.sort {
            let column = self.columns.iter().position(|column| column.title() == title);
            let cell = |row: usize| {
                words(column.and_then(|at| (self.row)(row).into_iter().nth(at)).iter().flatten())
            };
            let ranked = |row: usize| (self.rank)(row, title);
            rows.sort_by_cached_key(|row| {
                let rank = ranked(*row);
                (rank, if rank.is_none() { runs(&cell(*row)) } else { Vec::new() })
            });
            if order == Order::Falling {
                rows.reverse();
            }
        }
        Kept::Some(rows)
    }

    /// The titles of the columns that rows can be sorted by: of those that have one.
    pub(crate) fn titles(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().map(Column::title).filter(|title| !title.is_empty())
    }

    /// The columns, of which one may say that rows are sorted by it.
    pub(super) fn marked(&self, cursor: &Cursor) -> Vec<Column<'static>> {
        let mut columns = self.columns.clone();
        if let Some((title, order)) = cursor.sort
            && let Some(column) = columns.iter_mut().find(|column| column.title() == title)
        {
            *column = column.sorted(order);
        }
        columns
    }

    /// The first hash or key in a row.
    pub(crate) fn hash(&self, row: usize) -> Option<String> {
        (self.row)(row).into_iter().flatten().find_map(|piece| match piece.text {
            Text::Hash(hash) => Some(hash),
            _ => None,
        })
    }
}

/// Pieces as words, in lower case.
fn words<'a>(pieces: impl Iterator<Item = &'a Piece>) -> String {
    let pieces = pieces.filter_map(|piece| match &piece.text {
        Text::Own(words) => Some(*words),
        Text::Any(text) | Text::Name(text) | Text::Hash(text) => Some(text.as_str()),
        Text::Word(mark) => Some(mark.name()),
        Text::Glyph(_) | Text::Spark(_) | Text::Bar { .. } => None,
    });
    pieces.collect::<Vec<_>>().join(" ").to_lowercase()
}

/// The rows that a filter leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// All of so many.
    All(usize),
    /// These.
    Some(Vec<usize>),
}

impl Kept {
    /// How many.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::All(len) => *len,
            Self::Some(rows) => rows.len(),
        }
    }

    /// The row at this place.
    pub(crate) fn row(&self, place: usize) -> Option<usize> {
        match self {
            Self::All(len) => (place < *len).then_some(place),
            Self::Some(rows) => rows.get(place).copied(),
        }
    }
}
