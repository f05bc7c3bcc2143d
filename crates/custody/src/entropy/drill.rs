//! An outage that is only tried out.

use std::time::Duration;

use qratum_crypto::rng::{
    health::Health,
    source::{Basis, Class, Fault, LENGTH, Source},
};
use qratum_metal::secret::wipe;

struct Drill(Box<dyn Source>);

/// The same source, but that each of its collections fails. Who shows it says that it is a drill.
#[must_use]
pub fn drill(source: Box<dyn Source>) -> Box<dyn Source> {
    Box::new(Drill(source))
}

impl Source for Drill {
    fn id(&self) -> &'static str {
        self.0.id()
    }

    fn class(&self) -> Class {
        self.0.class()
    }

    fn basis(&self) -> Basis {
        self.0.basis()
    }

    fn health(&self) -> &Health {
        self.0.health()
    }

    fn health_mut(&mut self) -> &mut Health {
        self.0.health_mut()
    }

    fn collect(&mut self, bytes: &mut [u8; LENGTH]) -> Result<u32, Fault> {
        wipe(bytes);
        Err(Fault::Failed)
    }

    fn latency(&self) -> Option<Duration> {
        None
    }
}
