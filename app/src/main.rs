//! The `qratum` program: a console, and commands, over an embedded verifying light node.

mod acting;
mod action;
mod asking;
mod audit;
mod check;
mod cli;
mod command;
mod credential;
mod demo;
mod exit;
mod file;
mod hex;
mod home;
mod layer;
mod model;
mod monitor;
mod output;
mod passphrase;
mod runtime;
mod sandbox;
mod scratch;
mod screen;
mod settings;
mod signals;
mod signing;
mod terminal;
mod time;
mod twice;
mod update;

use std::process::ExitCode;

use clap::Parser;
use qratum_custody::token::helper;
use qratum_metal::process::harden;

use crate::{
    cli::Cli,
    exit::{Exit, Failure},
};

fn main() -> ExitCode {
    // Before there is a second thread, an argument or a file. `qratum doctor` says what came of it.
    harden();
    if let Some(program) = monitor::asked_for(std::env::args_os()) {
        let exit = command::broker::run(program).unwrap_or_else(|failure| failure.exit);
        return ExitCode::from(exit as u8);
    }
    if let Some(job) = helper::asked_for(std::env::args_os()) {
        return if job.run().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let exit = match Cli::try_parse() {
        Ok(cli) => {
            let json = cli.json;
            command::run(cli).unwrap_or_else(|failure| output::fail(&failure, json))
        }
        Err(usage) => explain(&usage),
    };
    ExitCode::from(exit as u8)
}

/// Help and version go to standard output, mistakes to standard error. What was typed may come
/// from elsewhere, so it is shown like any text from outside.
fn explain(usage: &clap::Error) -> Exit {
    let text = usage.render().to_string();
    if usage.use_stderr() {
        let json = std::env::args_os().any(|argument| argument == "--json");
        return output::fail(&Failure::new(Exit::Usage, text.trim_end()), json);
    }
    output::lines(text.trim_end()).map_or(Exit::Error, |()| Exit::Done)
}
