//! An outage that is only tried out: samples that are stuck, at the door of a source's own health tests.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use qratum_crypto::rng::{
    health::{Alarm, Health, STARTUP, State},
    source::{Basis, Class, Fault, LENGTH, Source},
};
use qratum_metal::secret::wipe;

/// Which sources are made to fail now. Clones are one and the same list. Who tells somebody of such a
/// source must say that it is a drill: its record looks like that of a device that is stuck.
#[derive(Clone, Debug, Default)]
pub struct Drills(Arc<Mutex<BTreeSet<String>>>);

impl Drills {
    /// Makes the source of this name fail from its next collection on.
    pub fn begin(&self, id: &str) {
        self.names().insert(id.to_owned());
    }

    /// Lets all go on as they would.
    ///
    /// # Returns
    /// Their names: what its tests have ruled out stays out until it is acknowledged.
    pub fn end(&self) -> Vec<String> {
        std::mem::take(&mut *self.names()).into_iter().collect()
    }

    /// The names of those that are made to fail, in order.
    #[must_use]
    pub fn running(&self) -> Vec<String> {
        self.names().iter().cloned().collect()
    }

    /// The same source, which can be made to fail.
    #[must_use]
    pub fn under(&self, source: Box<dyn Source>) -> Box<dyn Source> {
        Box::new(Drilled { source, drills: self.clone() })
    }

    fn names(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Drilled {
    source: Box<dyn Source>,
    drills: Drills,
}

/// Gives its tests one and the same sample until they rule it out, as a device that is stuck would.
fn stick(health: &mut Health) -> Fault {
    for _ in 0..STARTUP {
        if health.state() == State::Failed {
            break;
        }
        health.push(0);
    }
    Fault::Unhealthy(health.alarm().unwrap_or(Alarm::Permanent))
}

impl Source for Drilled {
    fn id(&self) -> &'static str {
        self.source.id()
    }

    fn class(&self) -> Class {
        self.source.class()
    }

    fn basis(&self) -> Basis {
        self.source.basis()
    }

    fn health(&self) -> &Health {
        self.source.health()
    }

    fn health_mut(&mut self) -> &mut Health {
        self.source.health_mut()
    }

    fn begin(&mut self) {
        self.source.begin();
    }

    /// What is not there cannot be stuck.
    fn collect(&mut self, bytes: &mut [u8; LENGTH]) -> Result<u32, Fault> {
        let given = self.source.collect(bytes);
        if given == Err(Fault::Unavailable) || !self.drills.names().contains(self.id()) {
            return given;
        }
        wipe(bytes);
        Err(stick(self.source.health_mut()))
    }

    fn latency(&self) -> Option<Duration> {
        self.source.latency()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{super::sources, *};

    fn collect(source: &mut Box<dyn Source>) -> Result<u32, Fault> {
        let mut bytes = [0xaa; LENGTH];
        let result = source.collect(&mut bytes);
        assert!(result.is_ok() || bytes == [0; LENGTH], "a fault leaves zeros");
        result
    }

    /// Raw samples and conditioned output, each on its thread: both are ruled out by their own tests, and
    /// come back only when the drill is over *and* somebody has acknowledged it.
    #[test]
    fn what_is_stuck_is_ruled_out_until_the_drill_is_over_and_it_is_acknowledged() {
        let drills = Drills::default();
        let all = sources(Path::new("/nonexistent/tpm")).unwrap();
        for source in all.into_iter().filter(|source| ["system-rng", "cpu-jitter"].contains(&source.id())) {
            let mut source = drills.under(source);
            let id = source.id();
            assert!(collect(&mut source).is_ok(), "{id}");
            drills.begin(id);
            let out = Err(Fault::Unhealthy(Alarm::Permanent));
            assert_eq!(collect(&mut source), out, "{id}");
            source.health_mut().acknowledge();
            assert_eq!(collect(&mut source), out, "{id} is still stuck");
            assert_eq!(drills.end(), [id]);
            assert_eq!(collect(&mut source), out, "{id} was not acknowledged");
            source.health_mut().acknowledge();
            assert!(collect(&mut source).is_ok(), "{id}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_stuck() {
        let drills = Drills::default();
        drills.begin("tpm");
        let tpm = sources(Path::new("/nonexistent/tpm")).unwrap().pop().unwrap();
        assert_eq!(collect(&mut drills.under(tpm)), Err(Fault::Unavailable));
    }
}
