//! A line of the journal: `{"sum":"xxxxxxxx","entry":{...}}`, where the sum is the CRC-32 of the text
//! of the entry. It tells a line that was not finished or has rotted; it is no proof against anyone.

use std::io;

use serde::{Deserialize, Serialize};

use super::{alarm::Change, sight::Seat};

/// Something worth keeping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Entry {
    /// Something happened to an alarm.
    Event(Change),
    /// The same, and nobody was told: too much happened at once.
    Untold(Change),
    /// A sink of this name is there from now on: what was before is not for it.
    Sink { name: String },
    /// The validators, as they were seen last: whether they change while nobody watches shows by it.
    Set { seats: Vec<Seat> },
    /// The event of this key has reached a sink.
    Delivered { sink: String, key: String },
}

/// What was found in a journal.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) entries: Vec<Entry>,
    /// Lines that are damaged, and were skipped.
    pub(crate) damaged: usize,
}

const BEFORE: &str = "{\"sum\":\"";
const BETWEEN: &str = "\",\"entry\":";
const AFTER: &str = "}";

/// The entry as a line.
pub(super) fn line(entry: &Entry) -> io::Result<Vec<u8>> {
    let text = serde_json::to_string(entry)?;
    Ok(format!("{BEFORE}{:08x}{BETWEEN}{text}{AFTER}\n", crc32fast::hash(text.as_bytes())).into_bytes())
}

/// The entries of these lines, and how many bytes of the text are whole lines. What is damaged at the
/// end was not finished, and does not count.
pub(super) fn lines(text: &[u8]) -> (Found, usize) {
    let (mut found, mut damaged, mut at, mut whole) = (Found::default(), 0usize, 0usize, 0usize);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        at = at.saturating_add(line.len());
        match entry(line) {
            Some(entry) => {
                found.entries.push(entry);
                (found.damaged, whole) = (damaged, at);
            }
            None => damaged = damaged.saturating_add(1),
        }
    }
    (found, whole)
}

fn entry(line: &[u8]) -> Option<Entry> {
    let text = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let rest = text.strip_prefix(BEFORE)?.strip_suffix(AFTER)?;
    let (sum, rest) = rest.split_at_checked(8)?;
    let text = rest.strip_prefix(BETWEEN)?;
    (sum == format!("{:08x}", crc32fast::hash(text.as_bytes()))).then(|| serde_json::from_str(text).ok())?
}
