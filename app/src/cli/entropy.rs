//! The arguments of `qratum entropy`.

use std::{num::NonZeroU64, path::PathBuf};

use clap::{Args, Subcommand, builder::PossibleValuesParser};
use qratum_custody::entropy::{IDS, TOKEN, tpm};

#[derive(Debug, Subcommand)]
pub(crate) enum EntropyCommand {
    /// Collect once, and say how each source is, what the pool counts and whether memory is locked;
    /// exit code 1 when the pool gives no seed
    Status(SourceArgs),
    /// The same again and again, a line for each collection, until told to stop
    Watch {
        #[command(flatten)]
        sources: SourceArgs,
        /// Time between two collections
        #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
        interval: u64,
        /// Stop after this many collections
        #[arg(long, value_name = "N")]
        collections: Option<NonZeroU64>,
    },
    /// Run the start-up tests of all sources and hold the generator to known answers; exit code 1 when
    /// the pool gives no seed, or an answer differs
    Selftest(SourceArgs),
    /// Collect once and print metrics for Prometheus, in its text format; exit code 1 when the pool gives no
    /// seed
    Metrics {
        #[command(flatten)]
        sources: SourceArgs,
        /// Put them into this file instead, in one step, as the textfile collector of node_exporter wants it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Go on with the file, with this time between two collections, until told to stop
        #[arg(long, value_name = "SECONDS", requires = "out", value_parser = clap::value_parser!(u64).range(1..=3600))]
        interval: Option<u64>,
    },
    /// Write raw samples of jitter, a byte each, for NIST's assessment tool; nothing else is made of them
    Sample(SampleArgs),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct SourceArgs {
    /// The TPM: its device, or the socket of a software TPM
    #[arg(long, value_name = "PATH", default_value = tpm::DEVICE)]
    pub(crate) tpm: PathBuf,
    /// Drill: let this source fail; may stand several times
    #[arg(long, value_name = "SOURCE", value_parser = PossibleValuesParser::new(IDS.into_iter().chain([TOKEN])))]
    pub(crate) fail: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SampleArgs {
    /// How many; NIST SP 800-90B asks for a million
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=16_777_216))]
    pub(crate) bytes: u32,
    /// The file to write; must not exist [default: standard output, unless that is a terminal]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}
