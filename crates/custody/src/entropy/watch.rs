//! Sources that are watched for as long as a process runs, on a thread that nobody waits for.
//!
//! What is watched is what a seed needs: one collection of all sources, which reseeds a generator. Of a
//! source that is asked apart from the others nobody could say whether the pool would be fed. So all are
//! asked at one pace, which the dearest sets: jitter, with most of a collection's 3 ms of a core (measured in
//! the release profile; 60 ms where nothing is optimised). At [`PACE`] that is 0.01 % of one.

use std::{
    io,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};

use qratum_crypto::rng::{
    monitor::{Hysteresis, Monitor},
    random::{Random, THRESHOLDS},
    source::Source,
};

use super::{now, report::Report};

/// The first collection comes after this time: its start-up tests hold up no first picture.
const FIRST: Duration = Duration::from_secs(1);
/// Half of the time that a seed serves, so that one collection may fail and the seed is still fresh.
const PACE: Duration = Duration::from_secs(30);
/// While it is not decided whether something has failed or is good again.
const QUICK: Duration = Duration::from_secs(3);
/// So many collections may be quick: they decide that something has failed, and that it is good again.
/// Each that is not quick allows one more, so what is good and bad in turns makes no watch dear.
const MOST_QUICK: u32 = THRESHOLDS.raise.saturating_add(THRESHOLDS.clear);

/// What the thread is told to do before its next collection, which then comes at once.
enum Order {
    /// Nothing else.
    Look,
    /// Let the source of this name try again.
    Acknowledge(String),
}

/// A running watch. It ends with the last of its clones, after the collection that it is in.
#[derive(Clone, Debug)]
pub struct Watch(Sender<Order>);

impl Watch {
    /// Watches `sources`, and hands on what is known after each collection, for as long as `tell` says that
    /// somebody wants to know.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        sources: Vec<Box<dyn Source>>,
        tell: impl FnMut(Report) -> bool + Send + 'static,
    ) -> io::Result<Self> {
        let (orders, given) = channel();
        let work = move || work(Random::unseeded(sources), &given, tell);
        thread::Builder::new().name("entropy".to_owned()).spawn(work)?;
        Ok(Self(orders))
    }

    /// Has the sources asked now.
    pub fn look(&self) {
        self.order(Order::Look);
    }

    /// Somebody has looked at this source: if its tests have ruled it out, it may try again, now.
    pub fn acknowledge(&self, id: &str) {
        self.order(Order::Acknowledge(id.to_owned()));
    }

    fn order(&self, order: Order) {
        // A watch whose thread has ended takes no orders.
        let _ = self.0.send(order);
    }
}

fn work(mut random: Random, orders: &Receiver<Order>, mut tell: impl FnMut(Report) -> bool) {
    let (mut low, mut wait, mut quick) = (Hysteresis::default(), FIRST, MOST_QUICK);
    loop {
        match orders.recv_timeout(wait) {
            Ok(Order::Acknowledge(id)) => random.acknowledge(&id),
            Ok(Order::Look) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let outcome = random.reseed(now());
        low = low.after(outcome.is_err(), THRESHOLDS);
        if !tell(Report::of(&random, &outcome, low.raised, now())) {
            return;
        }
        (wait, quick) = next(low.is_unsettled() || is_unsettled(random.monitor()), quick);
    }
}

/// When the next collection comes, and how many may be quick after it.
fn next(is_unsettled: bool, quick: u32) -> (Duration, u32) {
    match quick.checked_sub(1) {
        Some(left) if is_unsettled => (QUICK, left),
        _ => (PACE, quick.saturating_add(1).min(MOST_QUICK)),
    }
}

fn is_unsettled(monitor: &Monitor) -> bool {
    monitor.records().any(|(_, record)| record.is_unsettled())
}

#[cfg(test)]
mod tests {
    use std::{
        path::Path,
        sync::mpsc::{Receiver, Sender},
    };

    use super::{
        super::{Drills, Standing, sources},
        *,
    };

    /// A watch of this machine that asks only when it is told to, but for the first time, and its reports.
    fn watched(drills: &Drills) -> (Watch, Receiver<Report>) {
        let (told, reports): (Sender<Report>, _) = channel();
        let all = sources(Path::new("/nonexistent/tpm")).unwrap();
        let all = all.into_iter().map(|source| drills.under(source)).collect();
        (Watch::start(all, move |report| told.send(report).is_ok()).unwrap(), reports)
    }

    /// The kernel's generator is stuck: after three collections that is no chance, the pool gives no seed,
    /// and what is left of the last one ages. After the drill, ten good collections end it.
    #[test]
    fn what_falls_is_told_and_what_comes_back_too() {
        let drills = Drills::default();
        let (watch, reports) = watched(&drills);
        let next = || {
            watch.look();
            let report = reports.recv().unwrap();
            let kernel = report.sources[0];
            (kernel.standing, kernel.alarmed, report.low, report.pool.is_ok())
        };
        assert_eq!(next(), (Standing::Healthy, false, false, true));
        drills.begin("system-rng");
        assert_eq!(next(), (Standing::Unhealthy, false, false, false));
        assert_eq!(next(), (Standing::Unhealthy, false, false, false));
        assert_eq!(next(), (Standing::Unhealthy, true, true, false));
        assert_eq!(drills.end(), ["system-rng"]);
        assert_eq!(next().0, Standing::Unhealthy, "it was not acknowledged");
        watch.acknowledge("system-rng");
        let back = reports.recv().unwrap();
        assert_eq!(
            (back.sources[0].standing, back.sources[0].alarmed, back.low),
            (Standing::Healthy, true, true)
        );
        for _ in 0..8 {
            assert_eq!(next(), (Standing::Healthy, true, true, true));
        }
        assert_eq!(next(), (Standing::Healthy, false, false, true));
    }

    /// What never settles: thirteen quick collections decide twice, and then each other one is quick.
    #[test]
    fn what_flaps_does_not_make_the_watch_dear() {
        let mut quick = MOST_QUICK;
        let mut waits = |is_unsettled, count: usize| -> Vec<u64> {
            let wait = |_| {
                let (wait, left) = next(is_unsettled, quick);
                quick = left;
                wait.as_secs()
            };
            (0..count).map(wait).collect()
        };
        assert_eq!(waits(true, 13), [3; 13]);
        assert_eq!(waits(true, 4), [30, 3, 30, 3]);
        assert_eq!(waits(false, 20), [30; 20]);
        assert_eq!(waits(true, 14), [vec![3; 13], vec![30]].concat(), "and no more than that");
    }

    #[test]
    fn it_ends_with_its_last_clone_or_with_who_is_told() {
        let (watch, reports) = watched(&Drills::default());
        let other = watch.clone();
        drop(watch);
        other.look();
        reports.recv().unwrap();
        drop(other);
        while reports.recv().is_ok() {}
        let (watch, reports) = watched(&Drills::default());
        drop(reports);
        watch.look();
        // The thread has ended once nobody takes orders.
        while watch.0.send(Order::Look).is_ok() {
            thread::yield_now();
        }
    }
}
