//! The arguments of `qratum biokey`: the second factor of a person.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use qratum_chain::types::is_name;

#[derive(Debug, Subcommand)]
pub(crate) enum BiokeyCommand {
    /// Say what is read and kept of a genome, and enrol it beside a security key once that is consented to
    Enrol(EnrolArgs),
    /// Print the sealed panels of this home and the public keys of their biokeys
    Show {
        /// Name of the security key [default: all]
        #[arg(value_parser = name)]
        name: Option<String>,
    },
    /// What was consented to
    Consent {
        #[command(subcommand)]
        command: ConsentCommand,
    },
    /// Destroy a sealed panel and its consent; the biokey is gone for good
    Destroy {
        /// Name of the security key
        #[arg(value_parser = name)]
        name: String,
        /// Do not ask on the terminal
        #[arg(long)]
        yes: bool,
    },
    /// Write genotypes of nobody, drawn by the frequencies of a list: for trying out
    Sample {
        /// The file to write; must not exist
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        list: ListArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConsentCommand {
    /// Print a consent, and whether the biokey has signed it
    Show {
        /// Name of the security key
        #[arg(value_parser = name)]
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct EnrolArgs {
    /// Name of the security key, which is registered in this home
    #[arg(value_parser = name)]
    pub(crate) name: String,
    /// What the biokey is for
    #[arg(long, value_name = "TEXT", default_value = "second factor of the acts of this account", value_parser = purpose)]
    pub(crate) purpose: String,
    /// After how many days the panel unlocks nothing any more and is to be destroyed
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u64).range(1..=1095))]
    pub(crate) retention: u64,
    /// Number of the biokey: one more than the last that the chain has for this credential
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) version: u64,
    #[command(flatten)]
    pub(crate) list: ListArgs,
    /// The device of the security key [default: the one that is plugged in and holds the credential]
    #[arg(long, value_name = "PATH")]
    pub(crate) device: Option<PathBuf>,
    /// Say what would be read and kept, and end: no file is asked for
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// The list of loci [default: a synthetic one, which no real genome matches]
    #[arg(long, value_name = "FILE")]
    pub(crate) loci: Option<PathBuf>,
}

fn name(text: &str) -> Result<String, String> {
    if is_name(text) { Ok(text.to_owned()) } else { Err("a name has 1 to 32 of a-z, 0-9 and -".to_owned()) }
}

fn purpose(text: &str) -> Result<String, String> {
    let plain = text.bytes().all(|b| (b' '..=b'~').contains(&b));
    if plain && (1..=200).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err("a purpose has 1 to 200 printable characters of ASCII".to_owned())
    }
}
