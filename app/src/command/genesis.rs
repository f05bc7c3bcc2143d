//! `qratum genesis`: how operators who do not trust each other make one network. One of them makes
//! a draft, each applies to it with keys that never leave the own machine, and everybody can put the
//! applications together and see that the same chain id comes out.

mod report;

use std::{
    path::Path,
    process::{Command, Stdio},
};

use qratum_chain::{
    document::{MAX_LENGTH, genesis_from_json, genesis_to_json},
    types::{ChainParams, Genesis, GenesisError, SetError},
};

use self::report::{Report, faults};
use crate::{
    cli::{AddArgs, DraftArgs, GenesisCommand, SignArgs},
    demo,
    exit::{Exit, Failure},
    file,
    home::Home,
    output, time,
};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Runs one of the steps.
pub(crate) fn run(command: GenesisCommand, home: Result<Home, Failure>, json: bool) -> Result<Exit, Failure> {
    match command {
        GenesisCommand::New(args) => new(&args, json),
        GenesisCommand::Sign(args) => sign(&args, &home?, json),
        GenesisCommand::Add(args) => add(&args, json),
        GenesisCommand::Verify { file } => {
            let report = Report::of(&read(&file)?);
            print(&report, &(report.numbers() + &report.verdict()), json)?;
            Ok(if report.is_complete() { Exit::Done } else { Exit::Refused })
        }
        GenesisCommand::Show { file } => {
            let report = Report::of(&read(&file)?);
            print(&report, &report.page(), json)?;
            Ok(Exit::Done)
        }
    }
}

fn print(report: &Report, text: &str, json: bool) -> Result<(), Failure> {
    if json {
        output::json(report)?
    } else {
        output::lines(text)?
    }
    Ok(())
}

/// A file that may be no genesis is an error of the file: nothing was judged.
fn read(path: &Path) -> Result<Genesis, Failure> {
    let bytes = file::read(path, MAX_LENGTH)?;
    genesis_from_json(&bytes).map_err(|why| {
        let text = format!("{}: {why}\nGet the file again from whoever made it", path.display());
        Failure::new(Exit::Error, text)
    })
}

fn write(path: &Path, genesis: &Genesis) -> Result<(), Failure> {
    let text = genesis_to_json(genesis).map_err(|why| Failure::new(Exit::Error, why.to_string()))?;
    file::write_new(path, text.as_bytes())
}

/// A draft: the network's name and numbers, and nobody in it.
fn new(args: &DraftArgs, json: bool) -> Result<Exit, Failure> {
    let days = |days: u64| days.saturating_mul(DAY_MS);
    let params = ChainParams {
        set_length: args.set_length,
        block_interval_ms: args.block_interval_ms,
        unbonding_ms: days(args.unbonding_days),
        trusting_period_ms: days(args.trusting_days),
        ..ChainParams::default()
    };
    let genesis = Genesis {
        network: args.network.clone(),
        demo: args.demo,
        time: args.time.unwrap_or_else(time::now),
        params,
        validators: Vec::new(),
        people: None,
    };
    match genesis.starts_in_time(time::now()).and_then(|()| genesis.validator_set()) {
        Ok(_) | Err(GenesisError::Set(SetError::Empty)) => {}
        Err(why) => return Err(Failure::new(Exit::Usage, format!("{why}\nNothing was written"))),
    }
    write(&args.out, &genesis)?;
    let out = args.out.display();
    let next = format!(
        "wrote {out}\nnext  each operator: qratum genesis sign --draft {out} --name ... --operator ..."
    );
    print(&Report::of(&genesis), &next, json)?;
    Ok(Exit::Done)
}

/// An application. The validator program makes it: this one knows no secret keys.
fn sign(args: &SignArgs, home: &Home, json: bool) -> Result<Exit, Failure> {
    let mut command = Command::new(demo::program()?);
    command
        .arg("enrol")
        .arg("--home")
        .arg(home.path())
        .arg("--draft")
        .arg(&args.draft)
        .arg("--out")
        .arg(&args.out);
    command.args(["--name", &args.name, "--operator", &args.operator]);
    command.args(["--jurisdiction", &args.jurisdiction, "--stake", &args.stake.to_string()]);
    let ended = command.stdin(Stdio::null()).output().map_err(|error| Failure::io(demo::PROGRAM, &error))?;
    if !ended.status.success() {
        let words = String::from_utf8_lossy(&ended.stderr);
        let words = words.trim().strip_prefix("qratum-validator: ").unwrap_or(words.trim());
        return Err(Failure::new(Exit::Error, format!("{words}\nNothing was signed")));
    }
    let report = Report::of(&read(&args.out)?);
    let (out, home, name) = (args.out.display(), home.shown(), &args.name);
    let next = format!(
        "{}signed {out}\nkeys   {home}/validators/{name}: keep them here, and a copy offline\nnext   give {out} to whoever puts the genesis together, and your address with the peer id above",
        report.members()
    );
    print(&report, &next, json)?;
    Ok(Exit::Done)
}

/// Puts applications into the draft. Validators stand in order of their names, so that whoever does
/// it gets the same chain.
fn add(args: &AddArgs, json: bool) -> Result<Exit, Failure> {
    let mut genesis = read(&args.draft)?;
    for path in &args.applications {
        let refused = |why: String| {
            Failure::new(Exit::Refused, format!("{}: {why}\nNothing was written", path.display()))
        };
        let mut application = read(path)?;
        let validators = std::mem::take(&mut application.validators);
        if validators.is_empty() {
            return Err(refused("there is no validator in it".to_owned()));
        }
        if application != (Genesis { validators: Vec::new(), ..genesis.clone() }) {
            return Err(refused("it applies to another draft: name, time or numbers differ".to_owned()));
        }
        genesis.validators.extend(validators);
        if let Some(fault) = faults(&genesis).into_iter().next() {
            return Err(refused(fault));
        }
    }
    genesis.validators.sort_by(|one, other| one.name.cmp(&other.name));
    write(&args.out, &genesis)?;
    let report = Report::of(&genesis);
    let out = args.out.display();
    let next = format!(
        "{}wrote {out}\nnext  when all have applied, everybody: qratum genesis verify {out}",
        report.members()
    );
    print(&report, &next, json)?;
    Ok(Exit::Done)
}
