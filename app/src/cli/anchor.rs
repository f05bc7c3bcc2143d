//! The arguments of `qratum anchor` and `qratum reanchor`: what is trusted at first.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use qratum_chain::{document::block_id_from_hex, types::BlockId};

use super::{NetworkArgs, height};

#[derive(Debug, Subcommand)]
pub(crate) enum AnchorCommand {
    /// Say which block is trusted at first, how old it is and where it came from
    Show,
    /// Start from a newer block from now on
    Import(PinArgs),
    /// Print a verified block as an anchor document for others
    Export(ExportArgs),
}

#[derive(Debug, Args)]
pub(crate) struct PinArgs {
    /// The anchor document; "-" reads standard input
    pub(crate) file: PathBuf,
    /// The block id of the anchor, as the operators gave it to you by another way
    #[arg(long, value_name = "HEX", value_parser = block_id)]
    pub(crate) block_id: BlockId,
}

fn block_id(text: &str) -> Result<BlockId, String> {
    block_id_from_hex(text).map_err(|_| "a block id is 64 lower-case hex digits".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct ReanchorArgs {
    #[command(flatten)]
    pub(crate) pin: PinArgs,
    /// Do not ask on the terminal whether to give up what it says will be given up
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Height of the block [default: the newest verified one]
    #[arg(long, allow_negative_numbers = true, value_parser = height)]
    pub(crate) height: Option<u64>,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}
