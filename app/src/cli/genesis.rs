//! The arguments of `qratum genesis`, which several operators run one after the other.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum GenesisCommand {
    /// Write a draft: the network's name and numbers, and nobody in it
    New(DraftArgs),
    /// Apply to a draft with keys of this machine: fresh ones, or those that are there
    Sign(SignArgs),
    /// Put applications into a draft
    Add(AddArgs),
    /// Check every rule and print the chain id; exit code 5 where one is broken
    Verify {
        /// The genesis
        file: PathBuf,
    },
    /// Print what is in a genesis, complete or not
    Show {
        /// The genesis, a draft or an application
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DraftArgs {
    /// Name of the network: 1 to 32 of a-z, 0-9 and -
    #[arg(long, value_name = "NAME")]
    pub(crate) network: String,
    /// The file to write; must not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// When the chain starts: YYYY-MM-DDTHH:MM:SSZ, or milliseconds since 1970 [default: now]
    #[arg(long, value_name = "TIME", value_parser = crate::time::parse)]
    pub(crate) time: Option<qratum_chain::types::Time>,
    /// A network for trying things out: the console says so
    #[arg(long)]
    pub(crate) demo: bool,
    /// Blocks in a set; validators change only at its end
    #[arg(long, value_name = "N", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) set_length: u64,
    /// Time between blocks
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(50..=3_600_000))]
    pub(crate) block_interval_ms: u64,
    /// How long a validator answers for what it signed
    #[arg(long, value_name = "DAYS", default_value_t = 21, value_parser = clap::value_parser!(u64).range(1..=3650))]
    pub(crate) unbonding_days: u64,
    /// How long a verified block vouches for later ones; at most two thirds of that
    #[arg(long, value_name = "DAYS", default_value_t = 14, value_parser = clap::value_parser!(u64).range(1..=3650))]
    pub(crate) trusting_days: u64,
}

#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    /// The draft
    #[arg(long, value_name = "FILE")]
    pub(crate) draft: PathBuf,
    /// Where the application goes; must not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Name of the validator: 1 to 32 of a-z, 0-9 and -
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
    /// Who runs it: 1 to 32 of a-z, 0-9 and -
    #[arg(long, value_name = "NAME")]
    pub(crate) operator: String,
    /// Where it stands: two capital letters
    #[arg(long, value_name = "CC")]
    pub(crate) jurisdiction: String,
    /// Its stake; 10000 make one unit of voting power
    #[arg(long, value_name = "N")]
    pub(crate) stake: u64,
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// The draft, or a genesis that is not complete yet
    #[arg(long, value_name = "FILE")]
    pub(crate) draft: PathBuf,
    /// Where the genesis goes; must not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// The applications
    #[arg(required = true, value_name = "APPLICATION")]
    pub(crate) applications: Vec<PathBuf>,
}
