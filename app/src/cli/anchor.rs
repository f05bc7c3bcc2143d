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
    /// Make the key with which an operator vouches for anchors, kept under a passphrase
    Key(AnchorKeyArgs),
    /// Show what vouching for an anchor document would sign; with --out, sign it
    Sign(AnchorSignArgs),
    /// Say which operators that config.toml names vouch for an anchor document, and why others do not
    Verify(AnchorVerifyArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AnchorKeyArgs {
    /// The file of the key; must not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct AnchorSignArgs {
    /// The anchor document; "-" reads standard input
    pub(crate) file: PathBuf,
    /// The block id of the anchor, as your own console shows it
    #[arg(long, value_name = "HEX", value_parser = block_id)]
    pub(crate) block_id: BlockId,
    /// The file of your key
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// The signature's file; must not exist [default: nothing is signed, only shown]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AnchorVerifyArgs {
    /// The anchor document; "-" reads standard input
    pub(crate) file: PathBuf,
    /// Signatures of operators
    pub(crate) signatures: Vec<PathBuf>,
    /// Write those that hold into one file; must not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct PinArgs {
    /// The anchor document; "-" reads standard input
    pub(crate) file: PathBuf,
    /// The block id of the anchor, as the operators gave it to you by another way; needed where config.toml
    /// names no operators
    #[arg(long, value_name = "HEX", value_parser = block_id)]
    pub(crate) block_id: Option<BlockId>,
    /// Signatures of the operators that config.toml names; may be given several times
    #[arg(long = "signatures", value_name = "FILE")]
    pub(crate) signatures: Vec<PathBuf>,
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
