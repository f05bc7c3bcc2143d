//! What does each command do? One module for each, and what they share.

mod console;
mod demo;
mod event;
mod evidence;
mod explain;
mod header;
mod lines;
mod network;
mod peers;
mod status;
mod validators;
mod verdict;
mod verify;
mod watch;

use crate::{
    cli::{Cli, Command, EvidenceCommand},
    exit::{Exit, Failure},
    home::Home,
};

/// Runs what was typed.
pub(crate) fn run(cli: Cli) -> Result<Exit, Failure> {
    let Cli { home, json, ascii, command } = cli;
    match command {
        None => console::run(&Home::resolve(home)?, ascii),
        Some(Command::Demo(args)) => demo::run(home, &args, json, ascii),
        Some(Command::Status(args)) => status::run(&Home::resolve(home)?, &args, json),
        Some(Command::Validators(args)) => validators::run(&Home::resolve(home)?, &args, json),
        Some(Command::Peers(args)) => peers::run(&Home::resolve(home)?, &args, json),
        Some(Command::Watch(args)) => watch::run(&Home::resolve(home)?, &args, json),
        Some(Command::Header(args)) => header::run(&Home::resolve(home)?, &args, json),
        Some(Command::Verify(args)) => verify::run(&args, json),
        Some(Command::Evidence { command: EvidenceCommand::Verify(args) }) => evidence::run(&args, json),
        Some(Command::Explain { code }) => explain::run(code.as_deref(), json),
    }
}
