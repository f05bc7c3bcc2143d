//! `qratum-validator`: one validator as a process.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use qratum_validator::driver::{Settings, run};

/// A validator of a qratum network.
#[derive(Parser)]
#[command(name = "qratum-validator", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Takes part in the network of a home directory until it is told to stop.
    Run {
        /// Home directory with genesis.json, peers.json and validators/NAME.
        #[arg(long)]
        home: PathBuf,
        /// Name of this validator in genesis.
        #[arg(long)]
        name: String,
        /// Print one line for each height.
        #[arg(long)]
        verbose: bool,
        /// End when standard input ends.
        #[arg(long)]
        stop_on_stdin_eof: bool,
    },
}

fn main() -> ExitCode {
    let Command::Run { home, name, verbose, stop_on_stdin_eof } = Arguments::parse().command;
    let settings = Settings { home, name, verbose, stop_on_stdin_eof };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run(settings)).map_err(|why| why.to_string()),
        Err(why) => Err(why.to_string()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("qratum-validator: {why}");
            ExitCode::FAILURE
        }
    }
}
