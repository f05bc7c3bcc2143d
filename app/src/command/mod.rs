//! What does each command do? One module for each, and what they share.

pub(crate) mod alarms;
mod alerts;
mod anchor;
mod biokey;
pub(crate) mod broker;
mod bundle;
mod channels;
mod completions;
mod console;
mod crypto;
mod delivery;
mod demo;
pub(crate) mod doctor;
mod endorse;
pub(crate) mod entropy;
mod event;
mod evidence;
pub(crate) mod explain;
mod genesis;
mod header;
mod hosted;
mod init;
mod key;
mod lines;
mod man;
mod network;
mod peers;
pub(crate) mod people;
mod pin;
mod proof;
mod proposal;
mod status;
mod txo;
mod validators;
mod verdict;
mod verify;
mod voting;
mod watch;

use crate::{
    cli::{AlarmsCommand, AnchorCommand, Cli, Command, CryptoCommand, DemoArgs, EvidenceCommand, TxoCommand},
    exit::{Exit, Failure},
    home::Home,
};

/// Runs what was typed.
pub(crate) fn run(cli: Cli) -> Result<Exit, Failure> {
    let Cli { home, json, look, plain, command } = cli;
    match command {
        None if plain => console::plain(&Home::resolve(home)?),
        None => console::run(&Home::resolve(home)?, &look),
        Some(Command::Demo(args)) => {
            demo::run(home, &DemoArgs { headless: args.headless || plain, ..args }, json, &look)
        }
        Some(Command::Status(args)) => status::run(&Home::resolve(home)?, &args, json),
        Some(Command::Validators(args)) => validators::run(&Home::resolve(home)?, &args, json),
        Some(Command::Peers(args)) => peers::run(&Home::resolve(home)?, &args, json),
        Some(Command::Channels(args)) => channels::run(&Home::resolve(home)?, &args, json),
        Some(Command::Bundle { command }) => bundle::run(home, &command, json),
        Some(Command::Init(args)) => init::run(&Home::resolve(home)?, &args, json),
        Some(Command::Genesis { command }) => genesis::run(command, Home::resolve(home), json),
        Some(Command::Doctor(args)) => doctor::run(&Home::resolve(home)?, &args, json),
        Some(Command::Watch(args)) => watch::run(&Home::resolve(home)?, &args, json),
        Some(Command::Alarms { command }) => {
            let home = Home::resolve(home)?;
            match command {
                AlarmsCommand::List { all } => alarms::list(&home, all, json),
                AlarmsCommand::Ack { id, reason } => alarms::acknowledge(&home, id, &reason, json),
            }
        }
        Some(Command::Header(args)) => header::run(&Home::resolve(home)?, &args, json),
        Some(Command::Verify(args)) => verify::run(home, &args, json),
        Some(Command::Anchor { command }) => {
            let home = Home::resolve(home)?;
            match command {
                AnchorCommand::Show => anchor::show(&home, json),
                AnchorCommand::Import(args) => pin::import(&home, &args, json),
                AnchorCommand::Export(args) => anchor::export(&home, &args),
                AnchorCommand::Key(args) => endorse::key(&args, json),
                AnchorCommand::Sign(args) => endorse::sign(&home, &args, json),
                AnchorCommand::Verify(args) => endorse::verify(&home, &args, json),
            }
        }
        Some(Command::Reanchor(args)) => pin::reanchor(&Home::resolve(home)?, &args.pin, args.yes, json),
        Some(Command::Evidence { command }) => match command {
            EvidenceCommand::List(args) => evidence::list(&Home::resolve(home)?, &args, json),
            EvidenceCommand::Show(args) => evidence::show(&Home::resolve(home)?, &args, json),
            EvidenceCommand::Verify(args) => evidence::verify(home, &args, json),
        },
        Some(Command::People(command)) => people::run(&Home::resolve(home)?, command, json),
        Some(Command::Txo { command: TxoCommand::Inspect { file } }) => txo::inspect(&file, json),
        Some(Command::Crypto { command: CryptoCommand::List }) => crypto::list(json),
        Some(Command::Entropy { command }) => entropy::run(home, command, json),
        Some(Command::Biokey { command }) => biokey::run(command, &Home::resolve(home)?, json),
        Some(Command::Key { command }) => key::run(command, &Home::resolve(home)?, json),
        Some(Command::Completions { shell }) => completions::run(shell),
        Some(Command::Man { directory }) => man::run(directory.as_deref()),
        Some(Command::Proposal { command }) => proposal::run(&Home::resolve(home)?, &command, json),
        Some(Command::Proof { command }) => proof::run(home, &command, json),
        Some(Command::Explain { code }) => explain::run(code.as_deref(), json),
    }
}
