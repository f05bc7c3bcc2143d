//! What do the lines of a journal add up to? Which alarms there are, and who is still to be told.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    alarm::{Alarm, Change, What},
    entry::Entry,
    sight::Seat,
};

/// Events that are kept for a sink that cannot be reached. The newest: who comes back after so many
/// needs what is true now.
const WAITING: usize = 1000;

/// The sum of a journal.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// Every alarm as it is after the last event.
    alarms: BTreeMap<u64, Alarm>,
    /// What happened, in order, and whether it is told.
    events: Vec<(Change, bool)>,
    /// For each sink: from which event on it is told, and which it has got.
    sinks: BTreeMap<String, Told>,
    /// The set that was seen last.
    set: Vec<Seat>,
}

#[derive(Debug, Default)]
struct Told {
    from: usize,
    keys: BTreeSet<String>,
}

impl Book {
    /// Adds a line.
    pub(crate) fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Event(change) => self.event(change, true),
            Entry::Untold(change) => self.event(change, false),
            Entry::Sink { name } => {
                let from = self.events.len();
                self.sinks.entry(name).or_insert_with(|| Told { from, ..Told::default() });
            }
            Entry::Set { seats } => self.set = seats,
            Entry::Delivered { sink, key } => {
                self.sinks.entry(sink).or_default().keys.insert(key);
            }
        }
    }

    /// Whoever acknowledges may know an older state of the alarm: nothing else is taken from that.
    fn event(&mut self, mut change: Change, told: bool) {
        if let Some(known) = self.alarms.get(&change.alarm.id)
            && change.what == What::Acknowledged
        {
            let taken = change.alarm.acknowledged.take();
            change.alarm = Alarm { acknowledged: taken, at_ms: change.alarm.at_ms, ..known.clone() };
        }
        self.alarms.insert(change.alarm.id, change.alarm.clone());
        self.events.push((change, told));
    }

    /// The alarms that ask for attention.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Alarm> {
        self.alarms.values().filter(|alarm| alarm.is_open())
    }

    /// All alarms that the journal still knows, by number.
    pub(crate) fn alarms(&self) -> impl Iterator<Item = &Alarm> {
        self.alarms.values()
    }

    /// The alarm of this number.
    pub(crate) fn alarm(&self, id: u64) -> Option<&Alarm> {
        self.alarms.get(&id)
    }

    /// The number of the next alarm.
    pub(crate) fn next(&self) -> u64 {
        self.alarms.last_key_value().map_or(1, |(last, _)| last.saturating_add(1))
    }

    /// The validators as they were seen last; none, where they never were.
    pub(crate) fn set(&self) -> &[Seat] {
        &self.set
    }

    /// Whether a sink of this name was there before.
    pub(crate) fn knows(&self, sink: &str) -> bool {
        self.sinks.contains_key(sink)
    }

    /// What a sink has not got, in order.
    pub(crate) fn waiting(&self, sink: &str) -> Vec<Change> {
        let Some(told) = self.sinks.get(sink) else { return Vec::new() };
        let events = self.events.iter().skip(told.from).filter(|(_, told)| *told).map(|(change, _)| change);
        let mut waiting: Vec<Change> =
            events.filter(|change| !told.keys.contains(&change.key())).cloned().collect();
        let excess = waiting.len().saturating_sub(WAITING);
        waiting.drain(..excess);
        waiting
    }

    /// The lines that say the same about these sinks and about what is still to be done.
    pub(crate) fn kept(&self, sinks: &[String]) -> Vec<Entry> {
        let known: Vec<&String> = sinks.iter().filter(|sink| self.knows(sink)).collect();
        let waiting =
            |sink: &&String| -> BTreeSet<String> { self.waiting(sink).iter().map(Change::key).collect() };
        let waiting: Vec<(&String, BTreeSet<String>)> =
            known.iter().map(|sink| (*sink, waiting(sink))).collect();
        let mut kept: Vec<Entry> = known.iter().map(|name| Entry::Sink { name: (*name).clone() }).collect();
        kept.extend((!self.set.is_empty()).then(|| Entry::Set { seats: self.set.clone() }));
        let last: BTreeMap<u64, usize> =
            self.events.iter().enumerate().map(|(place, (change, _))| (change.alarm.id, place)).collect();
        for (place, (change, told)) in self.events.iter().enumerate() {
            let (id, key) = (change.alarm.id, change.key());
            let stays = self.alarm(id).is_some_and(Alarm::is_open) || id.saturating_add(1) == self.next();
            let is_last = stays && last.get(&id) == Some(&place);
            if is_last || waiting.iter().any(|(_, keys)| keys.contains(&key)) {
                let change = change.clone();
                kept.push(if *told { Entry::Event(change) } else { Entry::Untold(change) });
                let got = waiting.iter().filter(|(_, keys)| !keys.contains(&key));
                let mark = |sink: &String| Entry::Delivered { sink: sink.clone(), key: key.clone() };
                kept.extend(got.map(|(sink, _)| mark(sink)));
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::code::Code;

    fn change(id: u64, what: What, count: u32) -> Change {
        let code = if id.is_multiple_of(2) { Code::Silent } else { Code::NoQuorum };
        let alarm = Alarm {
            id,
            code,
            level: code.level(),
            subject: format!("subject {id}"),
            text: String::new(),
            since_ms: 1,
            at_ms: 1,
            count,
            cleared_ms: (what == What::Cleared).then_some(2),
            acknowledged: None,
        };
        Change { what, alarm }
    }

    fn book(entries: impl IntoIterator<Item = Entry>) -> Book {
        let mut book = Book::default();
        entries.into_iter().for_each(|entry| book.take(entry));
        book
    }

    fn got(sink: &str, change: &Change) -> Entry {
        Entry::Delivered { sink: sink.to_owned(), key: change.key() }
    }

    #[test]
    fn a_sink_gets_what_happened_since_it_is_there_and_is_not_marked() {
        let [early, one, two] = [1, 2, 3].map(|id| change(id, What::Raised, 1));
        let event = |change: &Change| Entry::Event(change.clone());
        let sink = |name: &str| Entry::Sink { name: name.to_owned() };
        let entries = [event(&early), sink("ops"), event(&one), event(&two), got("ops", &one), sink("new")];
        let mut book = book(entries);
        assert_eq!(book.waiting("ops"), std::slice::from_ref(&two));
        assert_eq!((book.waiting("new"), book.waiting("unknown")), (vec![], vec![]));
        book.take(Entry::Untold(change(4, What::Raised, 1)));
        assert_eq!(book.waiting("ops"), [two], "what nobody is told does not wait");
        assert_eq!((book.open().count(), book.next()), (4, 5));
    }

    #[test]
    fn whoever_acknowledges_an_older_state_changes_nothing_else() {
        let mut taken = change(1, What::Acknowledged, 1);
        taken.alarm.acknowledged = Some(crate::monitor::alarm::Acknowledgement::new("ann", "on it", 5));
        let events = [change(1, What::Raised, 1), change(1, What::Cleared, 1), change(1, What::Repeated, 2)];
        let book = book(events.into_iter().chain([taken]).map(Entry::Event));
        let alarm = book.alarm(1).unwrap();
        assert_eq!((alarm.count, alarm.cleared_ms, alarm.acknowledged.is_some()), (2, None, true));
    }

    /// Any history, at each of its lengths: what is kept adds up to the same.
    #[test]
    fn what_is_kept_says_the_same() {
        let sinks = ["a".to_owned(), "b".to_owned()];
        let mut entries = vec![Entry::Sink { name: "a".to_owned() }];
        for id in 1..60 {
            entries.push(Entry::Event(change(id, What::Raised, 1)));
            if id % 3 > 0 {
                entries.push(got("a", &change(id, What::Raised, 1)));
            }
            if id % 4 > 0 {
                entries.push(Entry::Event(change(id, What::Cleared, 1)));
            }
            if id == 30 {
                entries.push(Entry::Sink { name: "b".to_owned() });
            }
            if id % 7 == 0 {
                let seat = Seat { key: id.to_string(), name: format!("name {id}"), power: id };
                entries.push(Entry::Set { seats: vec![seat] });
            }
            if id % 5 == 0 {
                entries.push(Entry::Untold(change(id, What::Repeated, 2)));
            }
        }
        for length in 0..=entries.len() {
            let before = book(entries[..length].to_vec());
            let after = book(before.kept(&sinks));
            let sum = |book: &Book| {
                let open: Vec<Alarm> = book.open().cloned().collect();
                let set = book.set().to_vec();
                (open, set, book.next(), sinks.clone().map(|sink| (book.knows(&sink), book.waiting(&sink))))
            };
            assert_eq!(sum(&after), sum(&before), "{length}");
        }
    }
}
