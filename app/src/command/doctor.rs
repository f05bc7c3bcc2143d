//! `qratum doctor`: is this machine and this home fit to follow the network? Every check says what
//! it found, and what to do where that is not good.

mod local;
mod reach;
mod report;
mod secrets;

use qratum_light_node::{Config, Found, KeptFork};

use self::report::Report;
pub(crate) use self::secrets::checks as of_process;
use super::network::block_on;
use crate::{
    check::Check,
    cli::NetworkArgs,
    exit::{Exit, Failure},
    home::Home,
    output, time,
};

/// Runs every check that is possible: without a home, those of the machine.
pub(crate) fn run(home: &Home, args: &NetworkArgs, json: bool) -> Result<Exit, Failure> {
    let mut checks = local::home(home);
    match home.config() {
        Ok(config) => {
            checks.extend([
                anchor(home, &config),
                local::peers(&config.peers),
                local::files(home),
                evidence(home),
            ]);
            match block_on(reach::network(config, args.timeout)) {
                Ok(found) => checks.extend(found),
                Err(failure) => checks.push(Check::of_failure("network", failure)),
            }
        }
        Err(failure) => checks.push(Check::of_failure("configuration", failure)),
    }
    checks.extend(local::machine(home));
    let report = Report::of(checks);
    if json {
        output::json(&report)?;
    } else {
        output::lines(&report.page())?;
    }
    Ok(report.exit())
}

/// The forks that the home has kept.
fn evidence(home: &Home) -> Check {
    let kept = home.start().and_then(|(start, _)| {
        let kept = KeptFork::all(&home.place(), (&start.anchor, &start.rules), time::now());
        let halting = |kept: Vec<KeptFork>| kept.into_iter().find(|fork| !fork.is_left(&start.anchor));
        kept.map(halting).map_err(|why| Failure::new(Exit::Error, why))
    });
    match kept {
        Ok(None) => Check::ok("evidence", "this home has seen no fork"),
        Ok(Some(fork)) => {
            let file = fork.path.display();
            let (text, todo) = match fork.found {
                Found::Verified(_) => {
                    (format!("{file} proves a fork"), "`qratum explain forked` says what to do")
                }
                Found::Unverified(..) | Found::Damaged(_) => (
                    format!("{file} is damaged, or does not verify: `qratum evidence list` says why"),
                    "Put the file back from a copy, or leave the fork with `qratum reanchor`",
                ),
            };
            Check::fail("evidence", text, todo)
        }
        Err(failure) => Check::of_failure("evidence", failure),
    }
}

/// Where trust starts.
fn anchor(home: &Home, config: &Config) -> Check {
    match home.start() {
        Ok((start, _)) => local::anchor(&config.genesis.network, &start, time::now()),
        Err(failure) => Check::of_failure("anchor", failure),
    }
}
