//! Who keeps and tells alarms, when processes come and go.

use std::{fs, path::PathBuf, sync::Arc};

use super::*;
use crate::screen::tests::stage;

const NOW: Time = Time(1_795_306_067_490);

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("qratum-keeper-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    path
}

fn keeper(folder: &Path) -> Keeper {
    let watched = Watched { own: Vec::new(), missed: 10, trusting_period_ms: 1_000_000 };
    Keeper::open(folder.to_owned(), watched, vec!["ops".to_owned()])
}

/// The same network with west gone and somebody new, at its last head.
fn changed() -> Snapshot {
    Snapshot {
        head: Arc::clone(stage::heads_with(Some(stage::other_set())).last().unwrap()),
        ..stage::live()
    }
}

/// Nobody watched while the set changed: whoever starts next is told, once.
#[test]
fn a_set_that_changed_while_nobody_watched_is_told_at_the_next_start() {
    let folder = folder("set");
    let mut first = keeper(&folder);
    assert_eq!(first.observe(&stage::live(), NOW), []);
    drop(first);
    let mut second = keeper(&folder);
    let told = second.observe(&changed(), NOW);
    assert_eq!((told.len(), told[0].alarm.code), (1, Code::SetChanged));
    let key = &stage::key(40).to_string()[..12];
    assert_eq!(told[0].alarm.text, format!("{key} joined with power 2017, west left"));
    assert_eq!(second.waiting("ops"), told, "it is on disk");
    drop(second);
    let mut third = keeper(&folder);
    assert!(third.observe(&changed(), NOW).iter().all(|change| change.what != What::Raised));
    fs::remove_dir_all(folder).unwrap();
}

fn raise(keeper: &mut Keeper, subject: &str) -> Vec<Change> {
    keeper.report((Code::SinksFailed, subject), Some("nobody is told".to_owned()), NOW)
}

fn taken() -> Acknowledgement {
    Acknowledgement::new("ann", "on it", NOW.0)
}

/// Killed at any moment between the disk and the sink: it is told at the next start, as the same event.
#[test]
fn what_was_not_delivered_waits_for_the_next_start_and_what_was_does_not() {
    let folder = folder("restart");
    let mut first = keeper(&folder);
    let (one, two) = (raise(&mut first, "one").remove(0), raise(&mut first, "two").remove(0));
    first.delivered("ops", &one.key());
    drop(first);
    let mut second = keeper(&folder);
    assert_eq!(second.waiting("ops"), std::slice::from_ref(&two));
    assert_eq!(second.active().len(), 2, "both go on");
    assert_eq!(raise(&mut second, "one"), [], "and are not raised again");
    let three = raise(&mut second, "three").remove(0);
    assert!(three.alarm.id > two.alarm.id);
    drop(second);
    assert_eq!(keeper(&folder).waiting("ops"), [two, three]);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn one_process_delivers_and_another_takes_over_when_it_ends() {
    let folder = folder("two");
    let mut first = keeper(&folder);
    let mut second = keeper(&folder);
    assert!(first.delivers() && !second.delivers());
    let raised = raise(&mut first, "one").remove(0);
    assert_eq!(raise(&mut second, "one").len(), 1, "it sees the same by itself");
    second.look(NOW);
    assert!(!second.delivers());
    drop(first);
    second.look(NOW);
    assert!(second.delivers());
    assert_eq!((second.active()[0].id, second.waiting("ops")), (raised.alarm.id, vec![raised]));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn an_acknowledgement_reaches_the_one_that_delivers_from_wherever_it_is_made() {
    let folder = folder("taken");
    let (mut first, mut second) = (keeper(&folder), keeper(&folder));
    raise(&mut first, "before");
    raise(&mut first, "one");
    let here = raise(&mut second, "one").remove(0).alarm.id;
    second.look(NOW);
    assert_eq!(second.acknowledge(here, taken()).len(), 1);
    let told = first.look(NOW);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].what, told[0].alarm.subject.as_str()), (What::Acknowledged, "one"));
    assert_eq!(told[0].alarm.acknowledged, Some(taken()));
    assert!(first.waiting("ops").contains(&told[0]));
    assert_eq!(first.look(NOW), [], "once");
    fs::remove_dir_all(folder).unwrap();
}

/// Others write just before this one does.
#[test]
fn an_acknowledgement_that_is_found_while_writing_is_told_at_the_next_look() {
    let folder = folder("later");
    let mut keeper = keeper(&folder);
    let raised = raise(&mut keeper, "one").remove(0);
    let (mut journal, _) = Journal::open(&folder).unwrap();
    let alarm = Alarm { acknowledged: Some(taken()), ..raised.alarm };
    journal.write(&Entry::Event(Change { what: What::Acknowledged, alarm }), true).unwrap();
    raise(&mut keeper, "two");
    assert_eq!(keeper.look(NOW).len(), 1);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn without_a_disk_alarms_are_told_and_that_they_are_not_kept_is_one() {
    let folder = folder("no-disk");
    fs::write(&folder, "a file stands where the folder should be").unwrap();
    let mut keeper = keeper(&folder);
    assert!(keeper.delivers());
    assert_eq!(raise(&mut keeper, "one").len(), 1);
    let told = keeper.look(NOW);
    assert_eq!((told[0].alarm.code, told[0].what), (Code::JournalFailed, What::Raised));
    fs::remove_file(&folder).unwrap();
    let told = keeper.look(NOW);
    assert_eq!((told[0].alarm.code, told[0].what), (Code::JournalFailed, What::Cleared), "{told:?}");
    drop(keeper);
    let open: Vec<_> = self::keeper(&folder).active().iter().map(|alarm| alarm.subject.clone()).collect();
    assert_eq!(open, ["one"], "what was told meanwhile is kept from then on");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_damaged_line_is_an_alarm() {
    let folder = folder("damaged");
    let mut first = keeper(&folder);
    raise(&mut first, "one");
    raise(&mut first, "two");
    drop(first);
    let path = folder.join("journal.jsonl");
    let text = fs::read_to_string(&path).unwrap().replacen("\"one\"", "\"own\"", 1);
    fs::write(&path, text).unwrap();
    let told = keeper(&folder).look(NOW);
    assert_eq!(told[0].alarm.text, "1 lines of the journal are damaged");
    fs::remove_dir_all(folder).unwrap();
}

/// More than fits: small, for a flood of thousands, and nothing that is open is forgotten.
#[test]
fn a_journal_that_has_grown_is_started_anew() {
    let folder = folder("grown");
    let mut keeper = keeper(&folder);
    let raised = raise(&mut keeper, "stays").remove(0);
    keeper.delivered("ops", &raised.key());
    let path = folder.join("journal.jsonl");
    let length = || fs::metadata(&path).unwrap().len();
    let mut largest = 0;
    for number in 0..900u64 {
        let now = NOW.plus(number * 700_000);
        for text in [Some("x".repeat(400)), None] {
            for change in keeper.report((Code::SinkFailed, "ops"), text, now) {
                keeper.delivered("ops", &change.key());
            }
        }
        keeper.look(now);
        largest = largest.max(length());
    }
    assert!(length() < 1 << 20 && largest < 5 << 18, "{} {largest}", length());
    assert!(folder.join("journal.old.jsonl").exists());
    drop(keeper);
    let (_, found) = Journal::open(&folder).unwrap();
    assert_eq!(found.damaged, 0);
    let mut book = Book::default();
    found.entries.into_iter().for_each(|entry| book.take(entry));
    assert!(book.alarm(raised.alarm.id).is_some() && book.waiting("ops").is_empty());
    fs::remove_dir_all(folder).unwrap();
}
