//! What people type to see who may do what, and to act.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use qratum_chain::{
    Hash,
    types::{AccountId, CredentialStatus, RequestId, Role},
};

use super::NetworkArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum PeopleCommand {
    /// The accounts of people: who may do what
    Account {
        #[command(subcommand)]
        command: AccountCommand,
    },
    /// Who can act, looked at as a whole
    Access {
        #[command(subcommand)]
        command: AccessCommand,
    },
    /// The rules by which people act together
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// What people ask for together: see it, ask, answer
    Request {
        #[command(subcommand)]
        command: RequestCommand,
    },
    /// Sign what another machine asks for, with the security key of this one
    Sign(SignTextArgs),
    /// Send what was signed elsewhere, or what this home has out, and prove what became of it
    Submit(SubmitArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Print all accounts of the chain, proven: who may do what, and with which keys
    List(NetworkArgs),
    /// Print one account, proven
    Show {
        /// Its name
        #[arg(value_parser = account)]
        name: AccountId,
        #[command(flatten)]
        network: NetworkArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccessCommand {
    /// Print, proven, who can act now, what is unusual about it, and what was changed by whom
    Review {
        /// Only changes that were carried out at this height or later
        #[arg(long, value_name = "HEIGHT", default_value_t = 0)]
        since: u64,
        #[command(flatten)]
        network: NetworkArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Print the policy that holds, proven
    Show(NetworkArgs),
    /// Say in words what a request still needs under the policy that holds, or why it needs nothing more
    Explain {
        /// Its id, or the first digits of it
        #[arg(value_parser = request)]
        request: Start,
        #[command(flatten)]
        network: NetworkArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RequestCommand {
    /// Print the requests that are open, proven
    List {
        /// Also those that are over, the newest first
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        network: NetworkArgs,
    },
    /// Print one request, proven: what was asked, who said what, what is still missing
    Show {
        /// Its id, or the first digits of it
        #[arg(value_parser = request)]
        id: Start,
        #[command(flatten)]
        network: NetworkArgs,
    },
    /// Ask for something that others must approve
    #[command(
        after_help = "Examples:\n  qratum request open suspend dave\n  qratum request open revoke dave --credential 41d2 --as alice\n  qratum request open reinstate dave --dry-run"
    )]
    Open(OpenArgs),
    /// Say yes to a request, with both factors
    Approve(AnswerArgs),
    /// Say no to a request, with both factors; one no closes it
    Reject(AnswerArgs),
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Verb {
    /// The key counts no more, until it is reinstated
    Suspend,
    /// The key counts never again
    Revoke,
    /// The key counts again
    Reinstate,
}

impl Verb {
    /// What the key is afterwards.
    pub(crate) const fn status(self) -> CredentialStatus {
        match self {
            Self::Suspend => CredentialStatus::Suspended,
            Self::Revoke => CredentialStatus::Revoked,
            Self::Reinstate => CredentialStatus::Active,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// What is asked for, of a security key
    pub(crate) verb: Verb,
    /// The account whose key it is
    #[arg(value_parser = account)]
    pub(crate) account: AccountId,
    /// Which of its keys: the first digits of the credential's id [default: the only one]
    #[arg(long, value_name = "HEX", value_parser = digits)]
    pub(crate) credential: Option<String>,
    /// How long the request stays open [default: as long as the policy allows]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(60..=86_400))]
    pub(crate) lifetime: Option<u64>,
    #[command(flatten)]
    pub(crate) act: ActArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AnswerArgs {
    /// The request: its id, or the first digits of it
    #[arg(value_parser = request)]
    pub(crate) request: Start,
    /// In which role [default: the one that fits]
    #[arg(long, value_name = "ROLE", value_parser = role)]
    pub(crate) role: Option<Role>,
    #[command(flatten)]
    pub(crate) act: ActArgs,
}

/// Which security key.
#[derive(Debug, Default, Args)]
pub(crate) struct DeviceArgs {
    /// The file of the security key [default: the one that holds the credential]
    #[arg(long, value_name = "FILE")]
    pub(crate) device: Option<PathBuf>,
    /// The socket of a software key: not for real keys
    #[cfg(feature = "software-key")]
    #[arg(long, value_name = "SOCKET", conflicts_with = "device", hide = true)]
    pub(crate) software_key: Option<PathBuf>,
}

/// How to act.
#[derive(Debug, Args)]
pub(crate) struct ActArgs {
    /// By this account
    #[arg(long = "as", value_name = "ACCOUNT", value_parser = account)]
    pub(crate) by: AccountId,
    /// Only print what would be signed and what it would do
    #[arg(long, conflicts_with = "offline")]
    pub(crate) dry_run: bool,
    /// Print a text to be signed on the machine with the security key, by `qratum sign` there
    #[arg(long)]
    pub(crate) offline: bool,
    #[command(flatten)]
    pub(crate) key: DeviceArgs,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SignTextArgs {
    /// The text that `--offline` printed; "-" reads standard input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) key: DeviceArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SubmitArgs {
    /// The answer of `qratum sign`; "-" reads standard input. Without one, what this home has signed and
    /// is still out is sent again
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

/// The first hex digits of an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Start(String);

impl Start {
    /// Whether an id starts so.
    pub(crate) fn is_of(&self, id: RequestId) -> bool {
        id.to_string().starts_with(&self.0)
    }

    /// The id itself, where all digits were given.
    pub(crate) fn whole(&self) -> Option<RequestId> {
        let bytes = crate::hex::bytes(self.0.as_bytes())?;
        bytes.try_into().ok().map(|bytes| RequestId(Hash(bytes)))
    }

    /// As it was typed.
    pub(crate) fn digits(&self) -> &str {
        &self.0
    }
}

pub(super) fn account(text: &str) -> Result<AccountId, String> {
    AccountId::new(text).ok_or_else(|| "an account has 1 to 32 of a-z, 0-9 and -".to_owned())
}

fn role(text: &str) -> Result<Role, String> {
    let words = || Role::ALL.iter().map(|role| role.word()).collect::<Vec<_>>().join(", ");
    Role::named(text).ok_or_else(|| format!("a role is one of {}", words()))
}

fn digits(text: &str) -> Result<String, String> {
    let digits = text.to_ascii_lowercase();
    let good = (4..=64).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if good {
        Ok(digits)
    } else {
        Err("at least 4 hex digits of an id are needed, and at most 64".to_owned())
    }
}

fn request(text: &str) -> Result<Start, String> {
    digits(text).map(Start)
}
