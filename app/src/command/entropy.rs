//! `qratum entropy`: how are the sources of randomness of this machine, and is what they give enough?

mod report;
mod sample;

use std::time::Duration;

use qratum_custody::entropy::{self, Error, Random, drill, now, sources};
use tokio::time::sleep;

use self::report::Report;
use super::network::block_on;
use crate::{
    cli::{EntropyCommand, SourceArgs},
    exit::{Exit, Failure},
    output,
    signals::Signals,
};

/// Runs one of its commands. None of them needs a home.
pub(crate) fn run(command: EntropyCommand, json: bool) -> Result<Exit, Failure> {
    match command {
        EntropyCommand::Status(args) => tell(&collect(&mut watched(&args)?, &args)?, json),
        EntropyCommand::Selftest(args) => {
            let answers =
                entropy::self_test().map_err(|error| Failure::new(Exit::Error, error.to_string()))?;
            tell(&collect(&mut watched(&args)?, &args)?.with_answers(answers), json)
        }
        EntropyCommand::Watch { sources, interval, collections } => {
            let interval = Duration::from_secs(interval);
            block_on(watch(&sources, interval, collections.map_or(u64::MAX, u64::from), json))
        }
        EntropyCommand::Sample(args) => sample::run(&args, json),
    }
}

/// The sources, those of a drill made to fail.
fn watched(args: &SourceArgs) -> Result<Random, Failure> {
    let all = sources(&args.tpm).map_err(|error| Failure::io("threads of the sources", &error))?;
    let drilled = |id: &str| args.fail.iter().any(|failing| failing == id);
    let chosen = all.into_iter().map(|source| if drilled(source.id()) { drill(source) } else { source });
    Ok(Random::unseeded(chosen.collect()))
}

/// One collection, and what it says. Too little is an answer and no failure.
fn collect(random: &mut Random, args: &SourceArgs) -> Result<Report, Failure> {
    match random.reseed(now()) {
        Ok(()) | Err(Error::Insufficient(_)) => Report::of(random, &args.fail),
        Err(error) => Err(Failure::new(Exit::Error, error.to_string())),
    }
}

fn tell(report: &Report, json: bool) -> Result<Exit, Failure> {
    if json {
        output::json(report)?;
    } else {
        output::lines(&report.page())?;
    }
    Ok(report.exit())
}

/// A line for each of so many collections. Ends as the last of them would.
async fn watch(args: &SourceArgs, interval: Duration, most: u64, json: bool) -> Result<Exit, Failure> {
    let mut signals = Signals::listen().map_err(|error| Failure::io("signals", &error))?;
    let mut random = watched(args)?;
    let mut told = 0;
    loop {
        let report = collect(&mut random, args)?;
        if json {
            output::next_json(&report)?;
        } else {
            output::next_lines(&report.line())?;
        }
        told += 1;
        if told == most {
            return Ok(report.exit());
        }
        tokio::select! {
            biased;
            () = signals.recv() => return Ok(report.exit()),
            () = sleep(interval) => {}
        }
    }
}
