//! The arguments of `qratum bundle`: what crosses an air gap.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::NetworkArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum BundleCommand {
    /// Write a verified head with its proof, and transactions, into a file that somebody carries
    Export(BundleExportArgs),
    /// Check a bundle offline: its head, and each transaction; exit codes as of `qratum verify`
    Verify(BundleVerifyArgs),
    /// Check a bundle and deliver its transactions, by every channel that leads to a validator
    Submit(BundleSubmitArgs),
}

#[derive(Debug, Args)]
pub(crate) struct BundleExportArgs {
    /// The bundle's file; must not exist
    pub(crate) file: PathBuf,
    /// Transactions, in hex or as they are, in the order in which they are to be submitted
    #[arg(long = "txo", value_name = "FILE", num_args = 1..)]
    pub(crate) transactions: Vec<PathBuf>,
    /// Take the head of this bundle or header document, where no peer can be asked
    #[arg(long, value_name = "FILE")]
    pub(crate) head: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

#[derive(Debug, Args)]
pub(crate) struct BundleVerifyArgs {
    /// The bundle; "-" reads standard input
    pub(crate) file: PathBuf,
    /// What is trusted at first: a genesis.json, or an anchor document [default: that of the home]
    #[arg(long, value_name = "FILE")]
    pub(crate) anchor: Option<PathBuf>,
    /// The genesis.json of the chain of an anchor document [default: that of the home]
    #[arg(long, value_name = "FILE", requires = "anchor")]
    pub(crate) genesis: Option<PathBuf>,
    /// The time to judge at: YYYY-MM-DDTHH:MM:SSZ, or milliseconds since 1970 [default: now]
    #[arg(long, value_name = "TIME", value_parser = crate::time::parse)]
    pub(crate) at: Option<qratum_chain::types::Time>,
}

#[derive(Debug, Args)]
pub(crate) struct BundleSubmitArgs {
    /// The bundle; "-" reads standard input
    pub(crate) file: PathBuf,
    /// How long to try: a connection by Tor or I2P may take minutes
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
}
