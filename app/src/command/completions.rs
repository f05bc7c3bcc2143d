//! `qratum completions`: what a shell needs to complete the commands.

use clap::CommandFactory;
use clap_complete::{Shell as Known, generate};

use crate::{
    cli::{Cli, Shell},
    exit::{Exit, Failure},
    output,
};

/// Prints the script for a shell.
pub(crate) fn run(shell: Shell) -> Result<Exit, Failure> {
    let shell = match shell {
        Shell::Bash => Known::Bash,
        Shell::Zsh => Known::Zsh,
        Shell::Fish => Known::Fish,
    };
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "qratum", &mut script);
    output::own(&script)?;
    Ok(Exit::Done)
}
