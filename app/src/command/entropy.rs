//! `qratum entropy`: how are the sources of randomness of this machine, and is what they give enough?

mod metrics;
mod report;
mod sample;

pub(crate) use self::report::class;

use std::{
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use qratum_custody::entropy::{self, Drills, Error, Random, Report as Seen, Source, now, sources};
use tokio::{sync::oneshot, time::sleep};

use self::report::Report;
use super::network::block_on;
use crate::{
    cli::{EntropyCommand, SourceArgs},
    exit::{Exit, Failure},
    file,
    home::Home,
    monitor::security_token,
    output,
    signals::Signals,
};

/// Runs one of its commands. None of them needs a home; of one that is there the token is a source too.
pub(crate) fn run(home: Option<PathBuf>, command: EntropyCommand, json: bool) -> Result<Exit, Failure> {
    match command {
        EntropyCommand::Status(args) => tell(&collect(&mut watched(home, &args)?, &args)?, json),
        EntropyCommand::Selftest(args) => {
            let answers =
                entropy::self_test().map_err(|error| Failure::new(Exit::Error, error.to_string()))?;
            tell(&collect(&mut watched(home, &args)?, &args)?.with_answers(answers), json)
        }
        EntropyCommand::Watch { sources, interval, collections } => {
            let interval = Duration::from_secs(interval);
            let random = watched(home, &sources)?;
            let form = if json { Form::Json } else { Form::Line };
            block_on(watch((random, &sources), interval, collections.map_or(u64::MAX, u64::from), form))
        }
        EntropyCommand::Metrics { .. } if json => {
            let text =
                "metrics have a form of their own\nLeave --json out, or take `qratum entropy status --json`";
            Err(Failure::new(Exit::Usage, text))
        }
        EntropyCommand::Metrics { sources, out, interval } => {
            let random = watched(home, &sources)?;
            let most = if interval.is_some() { u64::MAX } else { 1 };
            let interval = Duration::from_secs(interval.unwrap_or(0));
            block_on(watch((random, &sources), interval, most, Form::Metrics(out)))
        }
        EntropyCommand::Sample(args) => sample::run(&args, json),
    }
}

/// The sources of this machine, and the token of the home's `config.toml`.
fn all(home: Option<PathBuf>, tpm: &Path) -> Result<Vec<Box<dyn Source>>, Failure> {
    let threads = |error| Failure::io("threads of the sources", &error);
    let mut all = sources(tpm).map_err(threads)?;
    let token = Home::resolve(home).ok().map(|home| security_token(&home)).transpose()?.flatten();
    all.extend(token.map(entropy::token).transpose().map_err(threads)?);
    Ok(all)
}

/// The sources, those of a drill made to fail.
fn watched(home: Option<PathBuf>, args: &SourceArgs) -> Result<Random, Failure> {
    let drills = Drills::default();
    args.fail.iter().for_each(|id| drills.begin(id));
    let all = all(home, &args.tpm)?.into_iter().map(|source| drills.under(source));
    Ok(Random::unseeded(all.collect()))
}

/// One collection, and what it says. Too little is an answer and no failure.
fn collect(random: &mut Random, args: &SourceArgs) -> Result<Report, Failure> {
    let outcome = random.reseed(now());
    match &outcome {
        Ok(()) | Err(Error::Insufficient(_)) => {
            Report::of(&Seen::of(random, &outcome, outcome.is_err(), now()), &args.fail)
        }
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

/// How a collection is told among others.
enum Form {
    Line,
    Json,
    /// Into this file, in the place of the one before; else on standard output.
    Metrics(Option<PathBuf>),
}

impl Form {
    fn tell(&self, report: &Report) -> Result<(), Failure> {
        match self {
            Self::Line => output::next_lines(&report.line())?,
            Self::Json => output::next_json(report)?,
            Self::Metrics(None) => output::own(report.metrics().as_bytes())?,
            Self::Metrics(Some(path)) => file::replace(path, report.metrics().as_bytes())?,
        }
        Ok(())
    }
}

/// Tells each of so many collections. Ends as the last of them would.
async fn watch(
    (mut random, args): (Random, &SourceArgs),
    interval: Duration,
    most: u64,
    form: Form,
) -> Result<Exit, Failure> {
    let mut signals = Signals::listen().map_err(|error| Failure::io("signals", &error))?;
    let (mut told, mut last) = (0, None);
    loop {
        let report = tokio::select! {
            biased;
            () = signals.recv() => return last.ok_or_else(nothing_known),
            collected = beside(random, args) => {
                let (back, report) = collected?;
                random = back;
                report
            }
        };
        form.tell(&report)?;
        told += 1;
        last = Some(report.exit());
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

fn nothing_known() -> Failure {
    Failure::new(Exit::Error, "interrupted before the first collection ended: nothing is known")
}

/// A collection on a thread of its own: a source that hangs keeps nobody from ending the program, which
/// then ends with the thread in it.
async fn beside(mut random: Random, args: &SourceArgs) -> Result<(Random, Report), Failure> {
    let (ended, end) = oneshot::channel();
    let args = args.clone();
    let work = move || {
        let report = collect(&mut random, &args);
        // Nobody waits any more where the program ends.
        let _ = ended.send(report.map(|report| (random, report)));
    };
    let spawned = thread::Builder::new().name("collection".to_owned()).spawn(work);
    spawned.map_err(|error| Failure::io("thread", &error))?;
    end.await.unwrap_or_else(|_| Err(Failure::new(Exit::Error, "the collection has stopped")))
}
