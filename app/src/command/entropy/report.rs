//! What one collection says, as a page, as a line and as JSON. Counts only: no byte of any source.

use qratum_custody::entropy::{
    Basis, Class, Fault, LENGTH, MIN_TOTAL, Moment, Random, Record, Source, Tally, now,
};
use qratum_metal::{pages::LockStatus, secret};
use serde::Serialize;

use crate::{
    exit::{Exit, Failure},
    time,
};

/// How the sources and the pool are.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    schema: &'static str,
    /// The sources that were made to fail.
    drill: Vec<String>,
    /// Whether the pool gave a seed.
    healthy: bool,
    sources: Vec<SourceReport>,
    pool: PoolReport,
    generator: Option<GeneratorReport>,
    memory: MemoryReport,
    /// Of a self-test only; empty otherwise.
    known_answers: Vec<KnownAnswer>,
}

#[derive(Debug, Serialize)]
struct SourceReport {
    id: &'static str,
    class: &'static str,
    state: Standing,
    basis: &'static str,
    credited_bits: u32,
    claimed_bits: u32,
    samples: u64,
    alarms: u64,
    failures: u64,
    last_failure: Option<String>,
    latency_us: Option<u64>,
    bytes_per_second: Option<u64>,
}

/// How a source came out of the last collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Standing {
    Healthy,
    Absent,
    Denied,
    Failed,
    TimedOut,
    Unhealthy,
}

#[derive(Debug, Serialize)]
struct PoolReport {
    needed_bits: u32,
    kernel_bits: Option<u32>,
    other_classes: Option<u32>,
    total_bits: Option<u32>,
    refusal: Option<String>,
}

#[derive(Debug, Serialize)]
struct GeneratorReport {
    requests: u32,
    age_ms: u64,
}

#[derive(Debug, Serialize)]
struct MemoryReport {
    locked: bool,
    text: String,
}

#[derive(Debug, Serialize)]
struct KnownAnswer {
    function: &'static str,
    equal: bool,
}

impl Report {
    /// After a collection.
    pub(super) fn of(random: &Random, drill: &[String]) -> Result<Self, Failure> {
        let seen = |(source, record): (&dyn Source, Option<&Record>)| Some(SourceReport::of(source, record?));
        let pool = PoolReport::of(random);
        Ok(Self {
            schema: "qratum/entropy/v1",
            drill: drill.to_vec(),
            healthy: pool.refusal.is_none(),
            sources: random.watched().filter_map(seen).collect(),
            pool,
            generator: GeneratorReport::of(random, now()),
            memory: MemoryReport::of(secret::status().map_err(|error| Failure::io("locked memory", &error))?),
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
            row(source.state.mark(), source.id, source.text());
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

impl Standing {
    fn of(record: &Record) -> Self {
        match record.history.back() {
            Some((_, fault)) if record.credit.is_none() => match fault {
                Fault::Unavailable => Self::Absent,
                Fault::Denied => Self::Denied,
                Fault::Failed | Fault::Refused(_) | Fault::Garbled => Self::Failed,
                Fault::TimedOut => Self::TimedOut,
                Fault::Unhealthy(_) => Self::Unhealthy,
            },
            _ => Self::Healthy,
        }
    }

    const fn mark(self) -> &'static str {
        match self {
            Self::Healthy => "ok",
            Self::Absent => "-",
            Self::Denied | Self::Failed | Self::TimedOut => "warn",
            Self::Unhealthy => "FAIL",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Absent => "absent",
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl SourceReport {
    fn of(source: &dyn Source, record: &Record) -> Self {
        let health = source.health();
        let latency_us = record.latency.and_then(|latency| u64::try_from(latency.as_micros()).ok());
        let length = u32::try_from(LENGTH).unwrap_or(u32::MAX);
        Self {
            id: source.id(),
            class: class(source.class()),
            state: Standing::of(record),
            basis: basis(source.basis()),
            credited_bits: record.credit.unwrap_or(0),
            // A source that claims anything claims each bit that it gives.
            claimed_bits: if source.basis() == Basis::None { 0 } else { 8 * length },
            samples: health.samples(),
            alarms: health.alarms(),
            failures: record.failures,
            last_failure: record.history.back().map(|(_, fault)| fault.to_string()),
            latency_us,
            bytes_per_second: latency_us.map(|micros| u64::from(length) * 1_000_000 / micros.max(1)),
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

const fn class(class: Class) -> &'static str {
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
    fn of(random: &Random) -> Self {
        let (tally, refusal) = match random.monitor().last() {
            Some((_, Ok(tally))) => (Some(tally), None),
            Some((_, Err(why))) => (None, Some(why.to_string())),
            None => (None, Some("nothing was collected".to_owned())),
        };
        let of_tally = |part: fn(Tally) -> u32| tally.map(part);
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
    fn of(random: &Random, now: Moment) -> Option<Self> {
        let drbg = random.drbg()?;
        let age = now.elapsed.saturating_sub(drbg.seeded().elapsed);
        Some(Self { requests: drbg.requests(), age_ms: u64::try_from(age.as_millis()).unwrap_or(u64::MAX) })
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
