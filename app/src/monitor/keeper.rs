//! Alarms that a crash does not lose: what happens is on disk before anybody is told.
//!
//! One process of a home delivers alarms: the one that holds the lock. Another that looks at the same
//! home finds the same alarms by itself, and writes nothing but who acknowledged what.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use qratum_chain::types::Time;
use qratum_light_node::{Snapshot, file};

use super::{
    alarm::{Acknowledgement, Alarm, Change, What},
    alarms::Alarms,
    book::Book,
    code::Code,
    entry::{Entry, Found},
    journal::Journal,
    limit::Limit,
    sight::{MACHINE, Watched},
};

/// Alarms with their journal.
#[derive(Debug)]
pub(crate) struct Keeper {
    folder: PathBuf,
    watched: Watched,
    /// Who is told.
    sinks: Vec<String>,
    role: Role,
    alarms: Alarms,
    book: Book,
    /// None where it cannot be opened.
    journal: Option<Journal>,
    /// Why alarms are not kept, where they are not.
    fault: Option<String>,
    /// Lines of the journal that cannot be read.
    damaged: usize,
    limit: Limit,
    /// What others acknowledged while something was written: told at the next look.
    later: Vec<Change>,
}

/// Which process of a home this is.
#[derive(Debug)]
enum Role {
    /// The one that tells others, by this lock; without one where the folder cannot be used.
    Delivers(Option<File>),
    /// Another one does.
    Watches,
}

impl Keeper {
    /// Goes on where the journal in this folder ends. Where it cannot be read, alarms are told all the
    /// same, and that they are not kept is one of them.
    pub(crate) fn open(folder: PathBuf, watched: Watched, sinks: Vec<String>) -> Self {
        let mut keeper = Self {
            folder,
            watched: watched.clone(),
            sinks,
            role: Role::Delivers(None),
            alarms: Alarms::new(watched),
            book: Book::default(),
            journal: None,
            fault: None,
            damaged: 0,
            limit: Limit::new(),
            later: Vec::new(),
        };
        keeper.start();
        keeper
    }

    /// Takes the lock, if it is free, and reads the journal.
    fn start(&mut self) {
        let opened = own(&self.folder).and_then(|role| Ok((role, Journal::open(&self.folder)?)));
        let (role, (journal, found)) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                self.fault = Some(format!("{}: {error}", self.folder.display()));
                return;
            }
        };
        let told = matches!(self.role, Role::Delivers(None));
        let before = if told { self.alarms.active() } else { Vec::new() };
        (self.role, self.journal, self.book, self.fault) = (role, Some(journal), Book::default(), None);
        self.take(found);
        if self.delivers() {
            self.alarms = Alarms::new(self.watched.clone());
            self.alarms.resume(self.book.open().cloned(), self.book.next());
            self.alarms.remember(self.book.set().to_vec());
            let new = self.sinks.iter().filter(|name| !self.book.knows(name)).cloned();
            for name in new.collect::<Vec<_>>() {
                self.write(Entry::Sink { name }, true);
            }
            before.into_iter().for_each(|alarm| self.go_on(alarm));
        }
    }

    /// An alarm of the time without a disk, which was told and not kept, goes on as one that is.
    fn go_on(&mut self, alarm: Alarm) {
        let is_same = |known: &Alarm| (known.code, &known.subject) == (alarm.code, &alarm.subject);
        if !self.book.open().any(is_same) {
            let alarm = Alarm { id: self.book.next(), ..alarm };
            self.write(Entry::Untold(Change { what: What::Raised, alarm: alarm.clone() }), true);
            self.alarms.resume([alarm], self.book.next());
        }
    }

    /// Whether this process is the one that tells others.
    pub(crate) const fn delivers(&self) -> bool {
        matches!(self.role, Role::Delivers(_))
    }

    /// What a sink has not got yet, in order.
    pub(crate) fn waiting(&self, sink: &str) -> Vec<Change> {
        self.book.waiting(sink)
    }

    /// The alarms that ask for attention.
    pub(crate) fn active(&self) -> Vec<Alarm> {
        self.alarms.active()
    }

    /// Looks at what the light node knows now. What is returned is on disk, and to be told.
    pub(crate) fn observe(&mut self, snapshot: &Snapshot, now: Time) -> Vec<Change> {
        let changes = self.alarms.observe(snapshot, now);
        let told = self.keep(changes, now);
        // After the alarm that tells of it: a crash in between tells it again.
        if self.delivers() && self.alarms.set() != self.book.set() {
            self.write(Entry::Set { seats: self.alarms.set().to_vec() }, true);
        }
        told
    }

    /// The same for something outside of the chain, with these words or over.
    pub(crate) fn report(&mut self, about: (Code, &str), text: Option<String>, now: Time) -> Vec<Change> {
        let changes = self.alarms.report(about, text, now);
        self.keep(changes, now)
    }

    /// What is to be looked at each second: acknowledgements by others, the flood, the journal itself.
    pub(crate) fn look(&mut self, now: Time) -> Vec<Change> {
        if matches!(self.role, Role::Watches | Role::Delivers(None))
            && own(&self.folder).is_ok_and(|role| matches!(role, Role::Delivers(_)))
        {
            self.start();
        }
        let found = self.journal.as_mut().map(Journal::news);
        let mut changes = std::mem::take(&mut self.later);
        match found {
            Some(Ok(found)) => changes.extend(self.hear(found)),
            Some(Err(error)) => self.fault = Some(error.to_string()),
            None => {}
        }
        let untold = self.limit.untold(now);
        let text = untold.map(|count| format!("{count} were not told: `qratum alarms list --all` has them"));
        changes.extend(self.report((Code::Suppressed, "alarms"), text, now));
        let damaged =
            (self.damaged > 0).then(|| format!("{} lines of the journal are damaged", self.damaged));
        changes.extend(self.report((Code::JournalFailed, MACHINE), self.fault.clone().or(damaged), now));
        if self.delivers() && self.journal.as_ref().is_some_and(Journal::is_long) {
            self.start_anew();
        }
        changes
    }

    /// Somebody here has seen the alarm of this number.
    pub(crate) fn acknowledge(&mut self, id: u64, taken: Acknowledgement) -> Vec<Change> {
        let now = Time(taken.at_ms);
        let Some(change) = self.alarms.acknowledge(id, taken) else { return Vec::new() };
        if self.delivers() {
            return self.keep(vec![change], now);
        }
        // The one that delivers calls it by another number.
        let same = |alarm: &&Alarm| {
            (alarm.code, &alarm.subject) == (change.alarm.code, &change.alarm.subject)
                && alarm.acknowledged.is_none()
        };
        let theirs = self.book.open().find(same).cloned();
        if let Some(theirs) = theirs {
            let Alarm { at_ms, acknowledged, .. } = change.alarm.clone();
            let alarm = Alarm { at_ms, acknowledged, ..theirs };
            self.write(Entry::Event(Change { what: What::Acknowledged, alarm }), true);
        }
        vec![change]
    }

    /// A sink has got an event.
    pub(crate) fn delivered(&mut self, sink: &str, key: &str) {
        self.write(Entry::Delivered { sink: sink.to_owned(), key: key.to_owned() }, false);
    }

    /// Puts changes on disk, and returns those that are told.
    fn keep(&mut self, changes: Vec<Change>, now: Time) -> Vec<Change> {
        if !self.delivers() {
            return changes;
        }
        let mut told = Vec::new();
        for change in changes {
            if self.limit.lets(change.alarm.level, now) {
                self.write(Entry::Event(change.clone()), true);
                told.push(change);
            } else {
                self.write(Entry::Untold(change), true);
            }
        }
        told
    }

    /// Acknowledgements that another process wrote.
    fn hear(&mut self, found: Found) -> Vec<Change> {
        let taken = |entry: &Entry| match entry {
            Entry::Event(Change { what: What::Acknowledged, alarm }) => Some(alarm.clone()),
            _ => None,
        };
        let alarms: Vec<Alarm> = found.entries.iter().filter_map(taken).collect();
        self.take(found);
        let mut changes = Vec::new();
        if self.delivers() {
            for Alarm { id, acknowledged, .. } in alarms {
                changes.extend(acknowledged.and_then(|taken| self.alarms.acknowledge(id, taken)));
            }
        }
        changes
    }

    fn take(&mut self, found: Found) {
        self.damaged = self.damaged.saturating_add(found.damaged);
        found.entries.into_iter().for_each(|entry| self.book.take(entry));
    }

    /// What others wrote meanwhile comes first, as it stands in the journal.
    fn write(&mut self, entry: Entry, sync: bool) {
        let written = self.journal.as_mut().map(|journal| journal.write(&entry, sync));
        match written {
            Some(Ok(found)) => {
                self.fault = None;
                let heard = self.hear(found);
                self.later.extend(heard);
            }
            Some(Err(error)) => self.fault = Some(error.to_string()),
            None => {}
        }
        self.book.take(entry);
    }

    fn start_anew(&mut self) {
        let kept = self.book.kept(&self.sinks);
        match self.journal.as_mut().map(|journal| journal.start_anew(&kept)) {
            Some(Ok(Some(()))) => {
                self.book = Book::default();
                kept.into_iter().for_each(|entry| self.book.take(entry));
            }
            Some(Ok(None)) | None => {}
            Some(Err(error)) => self.fault = Some(error.to_string()),
        }
    }
}

/// Takes the lock of the process that delivers, if no other has it.
fn own(folder: &Path) -> io::Result<Role> {
    DirBuilder::new().mode(0o700).recursive(true).create(folder)?;
    let path = folder.join("owner.lock");
    let file = file::open(&path, OpenOptions::new().write(true).create(true).truncate(false))?;
    match file.try_lock() {
        Ok(()) => Ok(Role::Delivers(Some(file))),
        Err(TryLockError::WouldBlock) => Ok(Role::Watches),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests;
