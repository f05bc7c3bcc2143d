//! `qratum doctor`: is this machine and this home fit to follow the network? Every check says what
//! it found, and what to do where that is not good.

mod local;
mod reach;
mod report;

use qratum_light_node::Config;

use self::report::{Check, Report};
use super::network::block_on;
use crate::{
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
            checks.extend([anchor(home, &config), local::peers(&config.peers), local::files(home)]);
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

/// Where trust starts.
fn anchor(home: &Home, config: &Config) -> Check {
    match home.start() {
        Ok((start, _)) => local::anchor(&config.genesis.network, &start, time::now()),
        Err(failure) => Check::of_failure("anchor", failure),
    }
}
