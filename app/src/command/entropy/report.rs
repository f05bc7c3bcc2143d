//! What one collection says, as a page, as a line and as JSON. Counts only: no byte of any source.

use qratum_custody::entropy::{self, Basis, Class, MIN_TOTAL, Standing, Tally};
use qratum_metal::pages::LockStatus;
use serde::{Serialize, Serializer};

use crate::{
    exit::{Exit, Failure},
    time,
};

/// How the sources and the pool are.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    schema: &'static str,
    /// The sources that were made to fail.
    pub(super) drill: Vec<String>,
    /// Whether the pool gave a seed.
    pub(super) healthy: bool,
    pub(super) sources: Vec<SourceReport>,
    pub(super) pool: PoolReport,
    pub(super) generator: Option<GeneratorReport>,
    pub(super) memory: MemoryReport,
    /// Of a self-test only; empty otherwise.
    known_answers: Vec<KnownAnswer>,
}

#[derive(Debug, Serialize)]
pub(super) struct SourceReport {
    pub(super) id: &'static str,
    pub(super) class: &'static str,
    #[serde(serialize_with = "state")]
    pub(super) state: Standing,
    basis: &'static str,
    pub(super) credited_bits: u32,
    pub(super) claimed_bits: u32,
    pub(super) samples: u64,
    pub(super) alarms: u64,
    pub(super) failures: u64,
    last_failure: Option<String>,
    pub(super) latency_us: Option<u64>,
    bytes_per_second: Option<u64>,
}

/// As documents spell it.
fn state<S: Serializer>(state: &Standing, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&state.word().replace(' ', "-"))
}

#[derive(Debug, Serialize)]
pub(super) struct PoolReport {
    pub(super) needed_bits: u32,
    kernel_bits: Option<u32>,
    other_classes: Option<u32>,
    pub(super) total_bits: Option<u32>,
    refusal: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct GeneratorReport {
    pub(super) requests: u32,
    pub(super) age_ms: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct MemoryReport {
    pub(super) locked: bool,
    text: String,
}

#[derive(Debug, Serialize)]
struct KnownAnswer {
    function: &'static str,
    equal: bool,
}

impl Report {
    /// What is known after a collection.
    pub(super) fn of(seen: &entropy::Report, drill: &[String]) -> Result<Self, Failure> {
        let memory =
            seen.memory.ok_or_else(|| Failure::new(Exit::Error, "there is no memory for secrets"))?;
        Ok(Self {
            schema: "qratum/entropy/v1",
            drill: drill.to_vec(),
            healthy: seen.pool.is_ok(),
            sources: seen.sources.iter().map(SourceReport::of).collect(),
            pool: PoolReport::of(&seen.pool),
            generator: seen.generator.map(GeneratorReport::of),
            memory: MemoryReport::of(memory),
            known_answers: Vec::new(),
        })
    }

    /// Of a self-test: which functions of the generator gave the known answer.
    pub(super) fn with_answers(self, answers: [(&'static str, bool); 4]) -> Self {
        let answers = answers.map(|(function, equal)| KnownAnswer { function, equal });
        Self { known_answers: answers.into(), ..self }
    }

    /// An error where the pool gave no seed, or the generator is not what it should be.
    pub(super) fn exit(&self) -> Exit {
        let wrong = self.known_answers.iter().any(|answer| !answer.equal);
        if self.healthy && !wrong { Exit::Done } else { Exit::Error }
    }

    pub(super) fn page(&self) -> String {
        let mut page = String::new();
        let mut row = |mark: &str, name: &str, text: String| {
            page.push_str(&format!("{mark:<4}  {name:<12} {text}\n"));
        };
        if !self.drill.is_empty() {
            row("!", "DRILL", format!("{} made to fail on purpose: no real outage", self.drill.join(", ")));
        }
        for source in &self.sources {
            row(standing_mark(source.state), source.id, source.text());
        }
        row(mark(self.healthy), "pool", self.pool.text());
        let generator = self.generator.as_ref();
        row(mark(generator.is_some()), "generator", GeneratorReport::text(generator));
        row(if self.memory.locked { "ok" } else { "warn" }, "memory", self.memory.text.clone());
        for KnownAnswer { function, equal } in &self.known_answers {
            let text = if *equal { "gives the known answer" } else { "DOES NOT GIVE the known answer" };
            row(mark(*equal), "self-test", format!("{function}: {text}"));
        }
        page + "Of this machine and this moment; nothing of the chain is verified by it"
    }

    /// The same in a line that begins with the time.
    pub(super) fn line(&self) -> String {
        let mut line = format!("{}  {:<4}", time::format(time::now()), mark(self.healthy));
        if !self.drill.is_empty() {
            line.push_str(&format!("  DRILL {}", self.drill.join(", ")));
        }
        line.push_str(&format!("  {}", self.pool.text()));
        for source in self.sources.iter().filter(|source| source.state != Standing::Healthy) {
            line.push_str(&format!("; {} {}", source.id, source.state.word()));
        }
        line
    }
}

const fn mark(good: bool) -> &'static str {
    if good { "ok" } else { "FAIL" }
}

const fn standing_mark(standing: Standing) -> &'static str {
    match standing {
        Standing::Healthy => "ok",
        Standing::Absent => "-",
        Standing::Denied | Standing::Failed | Standing::TimedOut => "warn",
        Standing::Unhealthy => "FAIL",
    }
}

impl SourceReport {
    fn of(seen: &entropy::SourceReport) -> Self {
        Self {
            id: seen.id,
            class: class(seen.class),
            state: seen.standing,
            basis: basis(seen.basis),
            credited_bits: seen.credited,
            claimed_bits: seen.claimed,
            samples: seen.samples,
            alarms: seen.alarms,
            failures: seen.failures,
            last_failure: seen.last_failure.map(|(_, fault)| fault.to_string()),
            latency_us: seen.latency.and_then(|latency| u64::try_from(latency.as_micros()).ok()),
            bytes_per_second: seen.rate(),
        }
    }

    fn text(&self) -> String {
        let Self { credited_bits, claimed_bits, samples, alarms, failures, .. } = self;
        let worth = match self.basis {
            "claimed" => format!("{credited_bits} of {claimed_bits} bits credited, claimed by its vendor"),
            "assessed" => format!("{credited_bits} of {claimed_bits} bits credited, tested here"),
            _ => "not credited".to_owned(),
        };
        let mut text = format!("{:<9}  {worth}; {samples} samples, {alarms} alarms", self.state.word());
        if let Some(latency) = self.latency_us {
            text.push_str(&format!("; {}.{} ms", latency / 1000, latency / 100 % 10));
        }
        if let Some(why) = &self.last_failure {
            text.push_str(&format!("; {failures} failed, the last: {why}"));
        }
        text
    }
}

/// The word of a class.
pub(crate) const fn class(class: Class) -> &'static str {
    match class {
        Class::Kernel => "kernel",
        Class::Cpu => "cpu",
        Class::Jitter => "jitter",
        Class::Tpm => "tpm",
        Class::Token => "token",
        Class::Auxiliary => "auxiliary",
    }
}

const fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Claimed => "claimed",
        Basis::Assessed => "assessed",
        Basis::None => "none",
    }
}

impl PoolReport {
    fn of(pool: &Result<Tally, String>) -> Self {
        let (tally, refusal) = (pool.as_ref().ok(), pool.as_ref().err().cloned());
        let of_tally = |part: fn(&Tally) -> u32| tally.map(part);
        Self {
            needed_bits: MIN_TOTAL,
            kernel_bits: of_tally(|tally| tally.kernel),
            other_classes: of_tally(|tally| tally.others),
            total_bits: of_tally(|tally| tally.total),
            refusal,
        }
    }

    fn text(&self) -> String {
        match (self.total_bits, self.kernel_bits, self.other_classes) {
            (Some(total), Some(kernel), Some(others)) => format!(
                "{total} bits credited, {} needed: {kernel} of the kernel, the rest of {others} other classes",
                self.needed_bits
            ),
            _ => format!("GIVES NO SEED: {}", self.refusal.as_deref().unwrap_or_default()),
        }
    }
}

impl GeneratorReport {
    fn of(seen: entropy::GeneratorReport) -> Self {
        let age_ms = u64::try_from(seen.age.as_millis()).unwrap_or(u64::MAX);
        Self { requests: seen.requests, age_ms }
    }

    fn text(generator: Option<&Self>) -> String {
        match generator {
            Some(Self { requests, age_ms }) => {
                format!("seeded {} ago, {requests} requests since", time::age(*age_ms))
            }
            None => "NOT SEEDED: it draws nothing".to_owned(),
        }
    }
}

impl MemoryReport {
    fn of(status: LockStatus) -> Self {
        Self { locked: status.is_locked(), text: status.to_string() }
    }
}
