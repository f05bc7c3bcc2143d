//! A crash at each byte that is written, and damage at each byte that was.

use std::{fs, path::PathBuf};

use super::*;
use crate::monitor::{
    alarm::{Acknowledgement, Alarm, Change, What},
    book::Book,
    code::Code,
};

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("qratum-journal-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    path
}

pub(crate) fn event(id: u64, what: What) -> Entry {
    let (code, at_ms) = (Code::NoQuorum, 1_795_306_067_490 + id);
    let alarm = Alarm {
        id,
        code,
        level: code.level(),
        subject: "chain".to_owned(),
        text: "silent: north east".to_owned(),
        since_ms: at_ms,
        at_ms,
        count: 1,
        cleared_ms: (what == What::Cleared).then_some(at_ms),
        acknowledged: (what == What::Acknowledged).then(|| Acknowledgement::new("ann", "on it", at_ms)),
    };
    Entry::Event(Change { what, alarm })
}

fn entries() -> Vec<Entry> {
    let (sink, key) = ("ops".to_owned(), "1795306067491-1-1-raised".to_owned());
    vec![
        Entry::Sink { name: "ops".to_owned() },
        event(1, What::Raised),
        Entry::Delivered { sink, key },
        event(1, What::Acknowledged),
        event(1, What::Cleared),
        event(2, What::Raised),
    ]
}

fn written(folder: &Path, entries: &[Entry]) -> Vec<u8> {
    let (mut journal, _) = Journal::open(folder).unwrap();
    for entry in entries {
        assert_eq!(journal.write(entry, true).unwrap(), Found::default());
    }
    fs::read(folder.join(NAME)).unwrap()
}

fn found(folder: &Path) -> (Journal, Found) {
    Journal::open(folder).unwrap()
}

#[test]
fn what_was_written_is_found_and_only_its_owner_can_read_it() {
    let folder = folder("written");
    written(&folder, &entries());
    assert_eq!(found(&folder).1, Found { entries: entries(), damaged: 0 });
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join(NAME))), (0o700, 0o600));
    fs::remove_dir_all(folder).unwrap();
}

/// Whatever part of the file reached the disk: all lines that were finished are there, and what is
/// written next is too.
#[test]
fn a_crash_at_each_byte_loses_no_line_that_was_finished() {
    let folder = folder("crash");
    let (entries, bytes) = (entries(), written(&folder, &entries()));
    for length in 0..=bytes.len() {
        fs::write(folder.join(NAME), &bytes[..length]).unwrap();
        let whole = bytes[..length].iter().filter(|byte| **byte == b'\n').count();
        let (mut journal, first) = found(&folder);
        assert_eq!(first, Found { entries: entries[..whole].to_vec(), damaged: 0 }, "{length}");
        let kept = fs::read(folder.join(NAME)).unwrap();
        assert!(bytes.starts_with(&kept) && kept.last().is_none_or(|byte| *byte == b'\n'), "{length}");
        journal.write(&event(9, What::Raised), false).unwrap();
        let mut want = entries[..whole].to_vec();
        want.push(event(9, What::Raised));
        assert_eq!(found(&folder).1, Found { entries: want, damaged: 0 }, "{length}");
    }
    fs::remove_dir_all(folder).unwrap();
}

/// One bit anywhere: the line is told as damaged and skipped, and the others are still there.
#[test]
fn damage_in_between_is_told_and_costs_one_line() {
    let folder = folder("damage");
    let (entries, bytes) = (entries(), written(&folder, &entries()));
    let last = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap();
    for at in 0..last {
        let bit = 1u8 << (at % 8);
        let mut damaged = bytes.clone();
        damaged[at] ^= bit;
        fs::write(folder.join(NAME), &damaged).unwrap();
        let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count();
        let got = found(&folder).1;
        // A line end that is damaged takes the next line with it; one that appears makes two of one.
        let gone = if bytes[at] == b'\n' { 2 } else { 1 };
        let mut want = entries.clone();
        want.drain(line..line + gone);
        assert_eq!(got.entries, want, "byte {at} bit {bit}");
        let parts = if damaged[at] == b'\n' { 2 } else { 1 };
        assert_eq!(got.damaged, parts, "byte {at} bit {bit}");
        assert_eq!(fs::read(folder.join(NAME)).unwrap(), damaged, "it stays as it is, to be looked at");
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn two_who_write_find_what_the_other_wrote() {
    let folder = folder("two");
    let ((mut one, _), (mut other, _)) = (found(&folder), found(&folder));
    one.write(&event(1, What::Raised), true).unwrap();
    let heard = other.write(&event(1, What::Acknowledged), true).unwrap();
    assert_eq!(heard.entries, [event(1, What::Raised)]);
    assert_eq!(one.news().unwrap().entries, [event(1, What::Acknowledged)]);
    assert_eq!(one.news().unwrap(), Found::default());
    // The other died in the middle of a line.
    let torn = &line(&event(2, What::Raised)).unwrap()[..40];
    let mut file = OpenOptions::new().append(true).open(folder.join(NAME)).unwrap();
    file.write_all(torn).unwrap();
    assert_eq!(one.write(&event(3, What::Raised), true).unwrap(), Found::default());
    let want = [event(1, What::Raised), event(1, What::Acknowledged), event(3, What::Raised)];
    assert_eq!(found(&folder).1, Found { entries: want.to_vec(), damaged: 0 });
    fs::remove_dir_all(folder).unwrap();
}

/// A crash after each step of starting anew: the sum of the journal is the same.
#[test]
fn starting_anew_loses_nothing_wherever_it_is_interrupted() {
    let sinks = ["ops".to_owned()];
    let sum = |entries: &[Entry]| {
        let mut book = Book::default();
        entries.iter().for_each(|entry| book.take(entry.clone()));
        let open: Vec<Alarm> = book.open().cloned().collect();
        (open, book.next(), book.waiting("ops"), book.knows("ops"))
    };
    for steps in 0..=4 {
        let folder = folder(&format!("anew-{steps}"));
        let (before, kept) = (entries(), {
            let mut book = Book::default();
            entries().into_iter().for_each(|entry| book.take(entry));
            book.kept(&sinks)
        });
        written(&folder, &before);
        // Half of the new file, all of it, the old one beside it, the new one in its place.
        if steps == 1 {
            fs::write(folder.join(NEW), &line(&kept[0]).unwrap()[..10]).unwrap();
        }
        if steps >= 2 {
            write_new(&folder, &kept).unwrap();
        }
        if steps >= 3 {
            keep_old(&folder).unwrap();
        }
        if steps >= 4 {
            put_in_place(&folder).unwrap();
        }
        let (mut journal, after) = found(&folder);
        assert_eq!((sum(&after.entries), after.damaged), (sum(&before), 0), "{steps}");
        assert_eq!(journal.start_anew(&kept).unwrap(), Some(()), "{steps}");
        journal.write(&event(3, What::Raised), true).unwrap();
        let mut want = kept.clone();
        want.push(event(3, What::Raised));
        assert_eq!(found(&folder).1.entries, want, "{steps}");
        assert!(folder.join(OLD).exists());
        fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn one_who_holds_an_old_file_is_not_written_to_it() {
    let folder = folder("old");
    written(&folder, &entries());
    let (mut journal, _) = found(&folder);
    let (mut other, _) = found(&folder);
    other.write(&event(7, What::Raised), true).unwrap();
    assert_eq!(journal.start_anew(&[]).unwrap(), None, "there is news that it has not read");
    journal.news().unwrap();
    assert_eq!(journal.start_anew(&[event(7, What::Raised)]).unwrap(), Some(()));
    assert_eq!(found(&folder).1.entries, [event(7, What::Raised)]);
    assert!(!journal.is_long());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_checksum_is_that_of_zlib() {
    let text = line(&Entry::Sink { name: "ops".to_owned() }).unwrap();
    assert_eq!(text, b"{\"sum\":\"a7d4ad36\",\"entry\":{\"kind\":\"sink\",\"name\":\"ops\"}}\n");
}
