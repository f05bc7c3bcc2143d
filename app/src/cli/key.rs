//! Arguments of `qratum key`.

use clap::{Args, Subcommand};

use qratum_chain::types::AccountId;

use super::{DeviceArgs, acting::account};

/// What is done with security keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Print which security keys are plugged in, and which credentials this home knows
    List,
    /// Print what a key says of itself, and how many tries its PIN has
    Info(DeviceArgs),
    /// Have a key blink, to see which one it is
    Wink(DeviceArgs),
    /// The PIN of a key
    Pin {
        #[command(subcommand)]
        command: PinCommand,
    },
    /// Have a key make a credential, and keep what is public of it in keys/NAME.json of the home
    Register(RegisterArgs),
}

/// What is done with a PIN.
#[derive(Debug, Subcommand)]
pub(crate) enum PinCommand {
    /// Set the PIN of a key that has none
    Set(DeviceArgs),
    /// Change it
    Change(DeviceArgs),
}

/// For whom.
#[derive(Debug, Args)]
pub(crate) struct RegisterArgs {
    /// What the credential is called here
    #[arg(value_name = "NAME", value_parser = file_name)]
    pub(crate) name: String,
    /// The account that it is to act for
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    pub(crate) account: AccountId,
    /// What people call the key [default: NAME]
    #[arg(long, value_name = "TEXT")]
    pub(crate) label: Option<String>,
    #[command(flatten)]
    pub(crate) key: DeviceArgs,
}

/// A name of a file of ours and nothing else: it leads to no other folder.
fn file_name(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let good = (1..=32).contains(&text.len()) && text.chars().all(is_plain) && !text.starts_with('-');
    if good { Ok(text.to_owned()) } else { Err("1 to 32 of a-z, 0-9 and -".to_owned()) }
}
