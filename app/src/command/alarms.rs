//! `qratum alarms`: what became of the alarms of a home, and who takes them on.

use std::env;

use serde::Serialize;

use crate::{
    exit::{Exit, Failure},
    home::Home,
    monitor::{Acknowledgement, Alarm, AlarmJson, Book, Change, Entry, Found, Journal, What},
    output, time,
};

/// Alarms, as `--json` prints them.
#[derive(Debug, Serialize)]
struct List<'a> {
    schema: &'static str,
    alarms: Vec<AlarmJson<'a>>,
    /// Lines of the journal that cannot be read.
    damaged: usize,
}

/// Prints the alarms.
pub(crate) fn list(home: &Home, all: bool, json: bool) -> Result<Exit, Failure> {
    let (_, book, damaged) = read(home)?;
    let mut alarms: Vec<&Alarm> = if all { book.alarms().collect() } else { book.open().collect() };
    alarms.sort_by_key(|alarm| std::cmp::Reverse((alarm.is_open(), alarm.level, alarm.since_ms, alarm.id)));
    print(&alarms, damaged, json)?;
    Ok(Exit::Done)
}

/// Writes who takes on the alarm of this number, and why.
pub(crate) fn acknowledge(home: &Home, id: u64, reason: &str, json: bool) -> Result<Exit, Failure> {
    let (mut journal, book, damaged) = read(home)?;
    let failure = |text: String| {
        Failure::new(Exit::Usage, format!("{text}\n`qratum alarms list` shows those that are open"))
    };
    let alarm = book.alarm(id).ok_or_else(|| failure(format!("there is no alarm {id}")))?;
    if let Some(Acknowledgement { by, .. }) = &alarm.acknowledged {
        return Err(failure(format!("alarm {id} was acknowledged by {by}")));
    }
    if !alarm.is_open() {
        return Err(failure(format!("alarm {id} is over")));
    }
    let taken = Acknowledgement::new(&user(), reason, time::now().0);
    let alarm = Alarm { at_ms: taken.at_ms, acknowledged: Some(taken), ..alarm.clone() };
    let change = Change { what: What::Acknowledged, alarm };
    journal.write(&Entry::Event(change.clone()), true).map_err(|error| unusable(home, &error))?;
    print(&[&change.alarm], damaged, json)?;
    Ok(Exit::Done)
}

fn read(home: &Home) -> Result<(Journal, Book, usize), Failure> {
    let (journal, Found { entries, damaged }) =
        Journal::open(&home.alerts()).map_err(|error| unusable(home, &error))?;
    let mut book = Book::default();
    entries.into_iter().for_each(|entry| book.take(entry));
    Ok((journal, book, damaged))
}

fn unusable(home: &Home, error: &std::io::Error) -> Failure {
    Failure::io(&home.alerts().display().to_string(), error)
}

/// Who says so, as far as this machine knows.
pub(crate) fn user() -> String {
    let named = env::var("USER").or_else(|_| env::var("LOGNAME")).ok().filter(|name| !name.is_empty());
    named.unwrap_or_else(|| "nobody known".to_owned())
}

fn print(alarms: &[&Alarm], damaged: usize, json: bool) -> Result<(), Failure> {
    if json {
        let alarms = alarms.iter().map(|alarm| AlarmJson::from(*alarm)).collect();
        output::json(&List { schema: "qratum/alarms/v1", alarms, damaged })?;
        return Ok(());
    }
    let mut lines: Vec<String> = alarms.iter().map(|alarm| alarm.in_list()).collect();
    if lines.is_empty() {
        lines.push("no alarm is open".to_owned());
    }
    if damaged > 0 {
        lines.push(format!("{damaged} lines of the journal are damaged: `qratum explain journal-failed`"));
    }
    output::lines(&lines.join("\n"))?;
    Ok(())
}
