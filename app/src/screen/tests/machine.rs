//! A machine for tests: its sources, well and in each state that they can be in.

use std::{sync::Arc, time::Duration};

use qratum_chain::types::Time;
use qratum_custody::entropy::{
    Alarm, Basis, Class, Fault, GeneratorReport, Insufficient, Report, SourceReport, Standing, Tally,
};
use qratum_light_node::State;
use qratum_metal::{pages::LockStatus, sandbox::Sandbox};

use crate::{
    audit::{Build, Found, tests::audit},
    check::Check,
    model::Model,
    sandbox,
    update::{Msg, update},
};

/// Names, classes, bases, credits and microseconds.
const SOURCES: [(&str, Class, Basis, u32, u64); 5] = [
    ("system-rng", Class::Kernel, Basis::Claimed, 256, 84),
    ("cpu-rdseed", Class::Cpu, Basis::Claimed, 256, 412),
    ("cpu-rdrand", Class::Cpu, Basis::Claimed, 128, 96),
    ("cpu-jitter", Class::Jitter, Basis::Assessed, 512, 21_340),
    ("tpm", Class::Tpm, Basis::Claimed, 256, 61_700),
];

/// The source at this place, which is well.
pub(crate) fn source(place: usize) -> SourceReport {
    let (id, class, basis, credited, micros) = SOURCES[place];
    SourceReport {
        id,
        class,
        basis,
        standing: Standing::Healthy,
        credited,
        claimed: 512,
        samples: 2560,
        alarms: 0,
        asked: 12,
        failures: 0,
        last_failure: None,
        latency: Some(Duration::from_micros(micros)),
        has_given: true,
        alarmed: false,
    }
}

/// The same, with a fault.
fn faulty(place: usize, (standing, fault): (Standing, Fault), has_given: bool) -> SourceReport {
    let last_failure = Some((Duration::from_secs(2), fault));
    let (alarms, latency) = (u64::from(standing == Standing::Unhealthy), None);
    SourceReport {
        standing,
        credited: 0,
        alarms,
        failures: 3,
        last_failure,
        latency,
        has_given,
        alarmed: true,
        ..source(place)
    }
}

const ABSENT: (Standing, Fault) = (Standing::Absent, Fault::Unavailable);
const STUCK: (Standing, Fault) = (Standing::Unhealthy, Fault::Unhealthy(Alarm::Permanent));

/// All is well, and there is no TPM.
pub(crate) fn report() -> Report {
    Report {
        sources: [0, 1, 2, 3].map(source).into_iter().chain([faulty(4, ABSENT, false)]).collect(),
        pool: Ok(Tally { kernel: 256, others: 2, total: 1024 }),
        low: false,
        generator: Some(GeneratorReport { requests: 7, age: Duration::from_secs(1) }),
        memory: Some(LockStatus::MemfdSecret),
    }
}

/// What belongs to a state of the chain in pictures, so that each state of the machine is in one.
fn in_state(state: State) -> Option<Report> {
    let mut report = report();
    match state {
        State::Loading => return None,
        State::Stale => {
            report.sources[1] = faulty(1, STUCK, true);
            report.pool = Ok(Tally { kernel: 256, others: 2, total: 896 });
        }
        State::Stalled => report.sources[4] = source(4),
        State::NoQuorum => {
            report.sources[0] = faulty(0, STUCK, true);
            (report.pool, report.low) = (Err(Insufficient::Kernel(0).to_string()), true);
            report.generator = None;
        }
        State::Disconnected => {
            report.sources[4] = faulty(4, (Standing::TimedOut, Fault::TimedOut), true);
            report.memory = Some(LockStatus::Unlocked(12));
        }
        State::Expired => report.sources[4] = faulty(4, (Standing::Failed, Fault::Failed), false),
        State::Syncing | State::Live | State::Clock | State::Forked => {}
    }
    Some(report)
}

/// The machine is so, since a while.
pub(crate) fn reported(model: &mut Model, state: State) {
    let now = model.now;
    for seconds in (1..=10).rev() {
        let Some(mut report) = in_state(state) else { return };
        for source in &mut report.sources {
            source.latency = source.latency.map(|latency| latency * (10 + seconds * seconds % 7) / 10);
        }
        let at = Time(now.0 - u64::from(seconds) * 1000);
        update(model, Msg::Health(Arc::new(report), at));
    }
}

/// What guards it belongs to a state of the chain in pictures too.
pub(crate) fn guarded(model: &mut Model, state: State) {
    let closed = |landlock, files: Result<(), &str>, calls: Result<(), &str>| {
        let owned = |result: Result<(), &str>| result.map_err(str::to_owned);
        sandbox::checks(Some(&Sandbox { landlock, files: owned(files), calls: owned(calls) }))
    };
    let locked = Check::ok("memory lock", "locked, hidden from root (memfd_secret); 72 of 8192 KiB");
    let unlocked = Check::fail(
        "memory lock",
        "NOT LOCKED: Cannot allocate memory; 0 of 0 KiB",
        "Secrets could reach the disk, so no biokey is made. Root must raise it",
    );
    let unread = Check::ok("memory reading", "only root can attach to this process or read its memory");
    let [version, profile, arch] = ["0.1.0", "release", "x86_64"].map(str::to_owned);
    let build = Build { version, commit: Some("ab".repeat(20)), profile, arch };
    model.build = build.clone();
    let mut measured = audit(&build);
    let (memory, closed) = match state {
        State::Disconnected => (unlocked, closed(0, Err("this kernel has no Landlock"), Err("no seccomp"))),
        State::Stale => (locked, closed(3, Err("this kernel's Landlock lacks ports or devices"), Ok(()))),
        State::Syncing => (locked, sandbox::checks(None)),
        _ => (locked, closed(5, Ok(()), Ok(()))),
    };
    model.guards = [memory, unread].into_iter().chain(closed).collect();
    model.audit = match state {
        State::Loading => Found::Nothing,
        State::Clock => Found::Unreadable("constant-time.json: it is no report of make ct".to_owned()),
        State::Stale => Found::Report(audit(&Build { version: "0.0.9".to_owned(), ..build })),
        State::NoQuorum => {
            measured.good = false;
            (measured.operations[1].good, measured.operations[1].memcheck) = (false, None);
            measured.operations[2].good = false;
            Found::Report(measured)
        }
        _ => Found::Report(measured),
    };
}
