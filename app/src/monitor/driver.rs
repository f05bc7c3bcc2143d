//! The monitor at work: a thread of its own, so that no screen, pipe or sink keeps an alarm waiting.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, thread, time::Duration};

use qratum_custody::{entropy::Drills, token::helper::Helper};
use qratum_light_node::Snapshot;
use tokio::{
    sync::{mpsc, watch},
    time::{Interval, MissedTickBehavior, interval},
};

use super::{
    alarm::{Acknowledgement, Alarm, Change},
    beat::Heartbeat,
    code::{Code, Level},
    delivery::{Inbox, Letter, Outcome, pause, serve},
    document::{AlarmDocument, Network},
    keeper::Keeper,
    machine::Machine,
    notify::Notify,
    sight::{MACHINE, Watched},
    sink::Sink,
};
use crate::{
    exit::{Exit, Failure},
    time,
};

/// Failures in a row after which a sink is said to fail: one may be a restart at the other end.
const FAILURES: u32 = 3;

/// What a monitor starts from.
#[derive(Debug)]
pub(crate) struct Setup {
    /// Where the journal is.
    pub(crate) folder: PathBuf,
    pub(crate) network: Network,
    pub(crate) watched: Watched,
    pub(crate) outlets: Vec<Outlet>,
    /// How often a sign of life goes out.
    pub(crate) heartbeat: Duration,
    /// A token that is one more source of randomness.
    pub(crate) token: Option<Helper>,
    /// The outages of sources that may be tried out; none where that is no demo.
    pub(crate) drills: Option<Drills>,
}

/// A sink, and what it is told.
#[derive(Clone, Debug)]
pub(crate) struct Outlet {
    pub(super) name: String,
    pub(super) sink: Sink,
    /// The least level it is told of.
    pub(super) least: Level,
    /// Whether it gets signs of life.
    pub(super) heartbeat: bool,
}

/// What is known of alarms at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    /// Those that ask for attention, the worst first.
    pub(crate) open: Vec<Alarm>,
    /// Whether this process tells the sinks; another one does, where it does not.
    pub(crate) delivers: bool,
}

/// A running monitor; it ends with this.
#[derive(Debug)]
pub(crate) struct Monitor {
    view: watch::Receiver<Arc<View>>,
    changes: mpsc::UnboundedReceiver<Change>,
    orders: Option<mpsc::UnboundedSender<(u64, Acknowledgement)>>,
    machine: Machine,
    thread: Option<thread::JoinHandle<()>>,
}

impl Monitor {
    /// Starts one on what a light node knows.
    pub(crate) fn start(
        mut setup: Setup,
        snapshots: watch::Receiver<Arc<Snapshot>>,
    ) -> Result<Self, Failure> {
        let (orders, ordered) = mpsc::unbounded_channel();
        let (told, changes) = mpsc::unbounded_channel();
        let (shown, view) = watch::channel(Arc::default());
        let machine = Machine::watch(setup.token.take(), setup.drills.take())?;
        let watched = machine.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::io("runtime", &error))?;
        let work = move || {
            runtime.block_on(async { Work::new(setup, told, shown).run(snapshots, watched, ordered).await })
        };
        let thread = thread::Builder::new().name("monitor".to_owned()).spawn(work);
        let thread = Some(thread.map_err(|error| Failure::io("thread", &error))?);
        Ok(Self { view, changes, orders: Some(orders), machine, thread })
    }

    /// The watch of this machine.
    pub(crate) const fn machine(&self) -> &Machine {
        &self.machine
    }

    /// What is known, now and whenever it changes.
    pub(crate) fn view(&self) -> watch::Receiver<Arc<View>> {
        self.view.clone()
    }

    /// Has an alarm acknowledged; nothing, where there is none of this number.
    pub(crate) fn acknowledge(&self, id: u64, taken: Acknowledgement) {
        if let Some(orders) = &self.orders {
            // A monitor that has stopped takes no orders.
            let _ = orders.send((id, taken));
        }
    }

    /// The next thing that happens to an alarm; it is on disk.
    pub(crate) async fn next(&mut self) -> Result<Change, Failure> {
        self.changes.recv().await.ok_or_else(|| Failure::new(Exit::Error, "the monitor has stopped"))
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the thread has.
struct Work {
    network: Network,
    outlets: Vec<Outlet>,
    keeper: Keeper,
    /// By sink: where events go, and how many attempts failed in a row.
    lines: BTreeMap<String, (mpsc::UnboundedSender<Arc<Letter>>, u32)>,
    beats: watch::Sender<Option<Arc<Letter>>>,
    outcomes: mpsc::UnboundedReceiver<Outcome>,
    every: Duration,
    told: mpsc::UnboundedSender<Change>,
    shown: watch::Sender<Arc<View>>,
    notify: Notify,
    /// Whether what waits was handed to the sinks.
    delivers: bool,
}

impl Work {
    fn new(setup: Setup, told: mpsc::UnboundedSender<Change>, shown: watch::Sender<Arc<View>>) -> Self {
        let Setup { folder, network, watched, outlets, heartbeat, .. } = setup;
        let names = outlets.iter().map(|outlet| outlet.name.clone()).collect();
        let keeper = Keeper::open(folder, watched, names);
        let (beats, _) = watch::channel(None);
        let (ends, outcomes) = mpsc::unbounded_channel();
        let mut lines = BTreeMap::new();
        for Outlet { name, sink, heartbeat, .. } in outlets.clone() {
            let (line, events) = mpsc::unbounded_channel();
            let beats = heartbeat.then(|| beats.subscribe());
            let tell = move |letter| {
                let sink = sink.clone();
                async move { sink.tell(letter).await }
            };
            tokio::spawn(serve(name.clone(), Inbox { events, beats }, ends.clone(), tell, pause));
            lines.insert(name, (line, 0));
        }
        let notify = Notify::from_environment();
        Self {
            network,
            outlets,
            keeper,
            lines,
            beats,
            outcomes,
            every: heartbeat,
            told,
            shown,
            notify,
            delivers: false,
        }
    }

    /// Works until nobody holds the other end.
    async fn run(
        mut self,
        mut snapshots: watch::Receiver<Arc<Snapshot>>,
        machine: Machine,
        mut orders: mpsc::UnboundedReceiver<(u64, Acknowledgement)>,
    ) {
        let (mut seconds, mut beats) = (ticks(Duration::from_secs(1)), ticks(self.every));
        let mut reports = machine.reports();
        self.notify.ready();
        loop {
            self.show();
            let mut changes = Vec::new();
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some((id, taken)) => changes.extend(self.keeper.acknowledge(id, taken)),
                    None => return,
                },
                Some(outcome) = self.outcomes.recv() => changes.extend(self.ended(outcome)),
                changed = snapshots.changed() => if changed.is_err() { return },
                Ok(()) = reports.changed() => {}
                _ = seconds.tick() => {
                    changes.extend(self.keeper.look(time::now()));
                    self.notify.alive();
                }
                _ = beats.tick() => self.beat(&snapshots.borrow().clone()),
            }
            let snapshot = snapshots.borrow_and_update().clone();
            changes.extend(self.keeper.observe(&snapshot, time::now()));
            let watched = reports.has_changed().is_ok();
            let report = reports.borrow_and_update().clone();
            for (about, text) in machine.verdicts(report.as_deref(), watched) {
                changes.extend(self.keeper.report(about, text, time::now()));
            }
            machine.heed(&changes);
            self.tell(changes);
        }
    }

    fn show(&mut self) {
        let delivers = self.keeper.delivers();
        if delivers && !self.delivers {
            for name in self.outlets.iter().map(|outlet| outlet.name.clone()).collect::<Vec<_>>() {
                self.keeper.waiting(&name).iter().for_each(|change| self.send(&name, change));
            }
        }
        self.delivers = delivers;
        let view = View { open: self.keeper.active(), delivers };
        self.shown.send_if_modified(|shown| {
            let changed = **shown != view;
            if changed {
                *shown = Arc::new(view);
            }
            changed
        });
    }

    /// Hands events to all sinks and to whoever follows here.
    fn tell(&self, changes: Vec<Change>) {
        for change in changes {
            if self.delivers {
                self.outlets.iter().for_each(|outlet| self.send(&outlet.name, &change));
            }
            let _ = self.told.send(change);
        }
    }

    fn send(&self, name: &str, change: &Change) {
        let wants =
            self.outlets.iter().any(|outlet| outlet.name == name && outlet.least <= change.alarm.level);
        let json = serde_json::to_string(&AlarmDocument::of(change, &self.network));
        if let Some((line, _)) = self.lines.get(name).filter(|_| wants)
            && let Ok(json) = json
        {
            let text = format!("{}{}", priority(change.alarm.level), change.line());
            let _ = line.send(Arc::new(Letter { key: Some(change.key()), line: text, json }));
        }
    }

    /// An attempt of a sink has ended.
    fn ended(&mut self, outcome: Outcome) -> Vec<Change> {
        let Outcome { sink, key, error } = outcome;
        if let Some(key) = key.filter(|_| error.is_none()) {
            self.keeper.delivered(&sink, &key);
        }
        let Some((_, failures)) = self.lines.get_mut(&sink) else { return Vec::new() };
        *failures = if error.is_some() { failures.saturating_add(1) } else { 0 };
        let fails = *failures >= FAILURES;
        let text = error.filter(|_| fails).map(|why| format!("{failures} attempts failed: {why}"));
        if text.is_none() && *failures > 0 {
            return Vec::new();
        }
        let now = time::now();
        let mut changes = self.keeper.report((Code::SinkFailed, &sink), text, now);
        let all = self.lines.values().all(|(_, failures)| *failures >= FAILURES);
        let text = all.then(|| "no sink takes anything: nobody is told".to_owned());
        changes.extend(self.keeper.report((Code::SinksFailed, MACHINE), text, now));
        changes
    }

    fn beat(&self, snapshot: &Snapshot) {
        let open = self.shown.borrow().open.clone();
        let every_ms = u64::try_from(self.every.as_millis()).unwrap_or(u64::MAX);
        let beat = Heartbeat::of((snapshot, &open), &self.network, every_ms, time::now());
        if let Some(json) = serde_json::to_string(&beat).ok().filter(|_| self.delivers) {
            let line = format!("{}{}", priority(Level::Info), beat.line());
            self.beats.send_replace(Some(Arc::new(Letter { key: None, line, json })));
        }
    }
}

/// How the system's journal ranks a line.
const fn priority(level: Level) -> &'static str {
    match level {
        Level::Critical => "<2>",
        Level::Warning => "<4>",
        Level::Info => "<6>",
    }
}

fn ticks(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

#[cfg(test)]
mod tests;
