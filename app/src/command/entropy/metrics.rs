//! The same for Prometheus: the text exposition format, version 0.0.4, as its textfile collector reads it.

use std::fmt::{Display, Write as _};

use qratum_custody::entropy::Standing;

use super::report::{Report, SourceReport};
use crate::time;

/// What a source is told by: a name, its type, what it means, and the value; none where it was not measured.
type Metric = (&'static str, &'static str, &'static str, fn(&SourceReport) -> Option<String>);

const SOURCES: [Metric; 8] = [
    ("healthy", "gauge", "Whether what the source gave last may be used.", |source| {
        Some(u8::from(source.state == Standing::Healthy).to_string())
    }),
    ("absent", "gauge", "Whether this machine has no such source.", |source| {
        Some(u8::from(source.state == Standing::Absent).to_string())
    }),
    ("credited_bits", "gauge", "Bits that its last collection is credited with.", |source| {
        Some(source.credited_bits.to_string())
    }),
    ("claimed_bits", "gauge", "Bits that it claims for the same bytes.", |source| {
        Some(source.claimed_bits.to_string())
    }),
    ("samples_total", "counter", "Samples that its health tests have seen in this process.", |source| {
        Some(source.samples.to_string())
    }),
    ("alarms_total", "counter", "Alarms that its health tests have raised in this process.", |source| {
        Some(source.alarms.to_string())
    }),
    ("failures_total", "counter", "Collections that have failed in this process.", |source| {
        Some(source.failures.to_string())
    }),
    ("collection_seconds", "gauge", "How long its last collection took.", |source| {
        source.latency_us.map(|micros| format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000))
    }),
];

/// A text that is being made.
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _written = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.head(name, "gauge", help);
        let _written = writeln!(self.0, "{name} {value}");
    }
}

impl Report {
    /// Each metric with its help and its type. Names of sources are this program's own, so that no label
    /// needs an escape.
    pub(super) fn metrics(&self) -> String {
        let mut text = Text(String::new());
        for (name, kind, help, value) in SOURCES {
            let name = format!("qratum_entropy_source_{name}");
            text.head(&name, kind, help);
            for source in &self.sources {
                let Some(value) = value(source) else { continue };
                let (id, class) = (source.id, source.class);
                let _written = writeln!(text.0, "{name}{{source=\"{id}\",class=\"{class}\"}} {value}");
            }
        }
        let pool = &self.pool;
        text.gauge("qratum_entropy_pool_healthy", "Whether the pool gives a seed.", u8::from(self.healthy));
        let bits = pool.total_bits.unwrap_or(0);
        text.gauge("qratum_entropy_pool_bits", "Bits of the last seed; 0 where there is none.", bits);
        text.gauge("qratum_entropy_pool_needed_bits", "Bits that a seed needs.", pool.needed_bits);
        if let Some(generator) = &self.generator {
            let age = format!("{}.{:03}", generator.age_ms / 1000, generator.age_ms % 1000);
            text.gauge("qratum_entropy_seed_age_seconds", "How old the generator's seed is.", age);
            let requests = generator.requests;
            text.gauge("qratum_entropy_seed_requests", "Draws from the generator since its seed.", requests);
        }
        let locked = u8::from(self.memory.locked);
        text.gauge("qratum_memory_locked", "Whether memory for secrets never reaches a disk.", locked);
        let drills = self.drill.len();
        text.gauge("qratum_entropy_drills", "Sources that are made to fail on purpose.", drills);
        let now = time::now().0 / 1000;
        text.gauge("qratum_entropy_collected_timestamp_seconds", "When this was measured, since 1970.", now);
        text.0
    }
}
