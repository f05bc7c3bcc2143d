//! What can be typed? The command line, and nothing else.

mod acting;
mod anchor;
mod biokey;
mod bundle;
mod entropy;
mod genesis;
mod key;

use std::{num::NonZeroU64, path::PathBuf};

use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use qratum_chain::Hash;
use qratum_light_node::State;
use serde::Serialize;

pub(crate) use self::{
    acting::{
        AccessCommand, AccountCommand, ActArgs, AnswerArgs, DeviceArgs, OpenArgs, PeopleCommand,
        PolicyCommand, RequestCommand, SignTextArgs, Start, SubmitArgs,
    },
    anchor::{
        AnchorCommand, AnchorKeyArgs, AnchorSignArgs, AnchorVerifyArgs, ExportArgs, PinArgs, ReanchorArgs,
    },
    biokey::{BiokeyCommand, ConsentCommand, EnrolArgs, ListArgs},
    bundle::{BundleCommand, BundleExportArgs, BundleSubmitArgs, BundleVerifyArgs},
    entropy::{EntropyCommand, SampleArgs, SourceArgs},
    genesis::{AddArgs, DraftArgs, GenesisCommand, SignArgs},
    key::{KeyCommand, PinCommand, RegisterArgs},
};
use crate::exit::CODES;

/// Admin console for BFT networks: every value is verified by an embedded light node, or marked
/// as not verified. Without a command it opens the console.
///
/// The network's own engine is of the Tendermint family; the verifier accepts its commit
/// certificates, and the chained certificates of HotStuff, by the profile of the network.
#[derive(Debug, Parser)]
#[command(name = "qratum", version, after_help = CODES)]
pub(crate) struct Cli {
    /// Directory with genesis.json, peers.json and the store
    /// [default: $XDG_DATA_HOME/qratum, or ~/.local/share/qratum;
    /// of `demo` a fresh one for temporary files, which goes with it]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Print JSON, with a schema field first
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// A console for screen readers and slow lines: no frame, one line for each thing that happens
    #[arg(long, global = true)]
    pub(crate) plain: bool,
    #[command(flatten)]
    pub(crate) look: Look,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// How the console is drawn.
#[derive(Clone, Debug, Args)]
pub(crate) struct Look {
    /// Draw the console with ASCII characters only
    #[arg(long, global = true)]
    pub(crate) ascii: bool,
    /// Colors of the console: terminal16, dark, light, high-contrast-dark, high-contrast-light,
    /// deuteranopia, tritanopia, mono, or a file NAME.toml in $XDG_CONFIG_HOME/qratum/themes
    #[arg(long, global = true, value_name = "NAME", default_value = "terminal16")]
    pub(crate) theme: String,
    /// How many colors there are [default: what NO_COLOR, COLORTERM and TERM say]
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(crate) color: Option<ColorLevel>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorLevel {
    /// None
    Off,
    /// The terminal's own sixteen
    #[value(name = "16")]
    Sixteen,
    /// 256
    #[value(name = "256")]
    Many,
    /// All
    Rgb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a demo network of separate validator processes, and the console on it; or join one
    #[command(
        after_help = "Examples:\n  qratum demo\n  qratum demo --as alice      in another terminal: a second console on it"
    )]
    Demo(DemoArgs),
    /// Say what is verified now
    Status(NetworkArgs),
    /// Print the validator set of the newest verified head, and who signed it
    Validators(NetworkArgs),
    /// Print the pinned peers: who is connected, what they claim, what was refused
    Peers(NetworkArgs),
    /// Try every channel to every pinned peer: TCP, Tor and I2P, and say what came of it
    Channels(NetworkArgs),
    /// What crosses an air gap: a head with its proof, and transactions
    #[command(
        after_help = "Examples:\n  qratum bundle export out.json                        where there is a network\n  qratum bundle verify out.json --anchor genesis.json  where there is none\n  qratum bundle export back.json --head out.json --txo act.hex\n  qratum bundle submit back.json"
    )]
    Bundle {
        #[command(subcommand)]
        command: BundleCommand,
    },
    /// Make a home from the genesis file and the peers that the network's operators hand out
    #[command(
        after_help = "Example:\n  qratum init --genesis genesis.json --chain-id \"4634 37c9 ... fc2d\" \\\n    --peer north=/ip4/192.0.2.1/tcp/4001/p2p/12D3KooW...,operator=acme \\\n    --peer east=/ip4/192.0.2.2/tcp/4001/p2p/12D3KooW..."
    )]
    Init(InitArgs),
    /// Make the genesis of a network together with its other operators
    #[command(
        after_help = "In this order:\n  one operator:   qratum genesis new --network NAME --out draft.json\n  each operator:  qratum genesis sign --draft draft.json --out north.json --name north \\\n                    --operator acme --jurisdiction CH --stake 300000 --home DIR\n  anybody:        qratum genesis add --draft draft.json --out genesis.json north.json east.json ...\n  everybody:      qratum genesis verify genesis.json      and compare the chain id by voice\n  each operator:  qratum init --genesis genesis.json --chain-id ... --peer ... --home DIR"
    )]
    Genesis {
        #[command(subcommand)]
        command: GenesisCommand,
    },
    /// Check this machine, the home and its peers, and say what to mend; exit code 1 when a check failed
    Doctor(NetworkArgs),
    /// Print a line for each verified head and each change, until told to stop
    #[command(
        after_help = "Examples:\n  qratum watch --json\n  qratum watch --until live --timeout 60 && echo up\n  qratum watch --heads 10\n  qratum watch --alerts --json"
    )]
    Watch(WatchArgs),
    /// The alarms that `qratum watch --alerts` has raised on this home
    Alarms {
        #[command(subcommand)]
        command: AlarmsCommand,
    },
    /// Print a verified header with the proof that leads to it from the anchor
    Header(HeaderArgs),
    /// Check a header document offline
    Verify(VerifyArgs),
    /// What is trusted at first
    Anchor {
        #[command(subcommand)]
        command: AnchorCommand,
    },
    /// Leave a fork, or an anchor that is too old, with a block that operators vouch for
    Reanchor(ReanchorArgs),
    /// Evidence that someone broke the protocol
    #[command(
        after_help = "Examples:\n  qratum evidence list\n  qratum evidence show 41 --out east.json\n  qratum evidence verify east.json --anchor genesis.json"
    )]
    Evidence {
        #[command(subcommand)]
        command: EvidenceCommand,
    },
    /// Print what the chain commits to, with the proof; as JSON, a file that `qratum verify` checks
    #[command(
        after_help = "Examples:\n  qratum proof validator north\n  qratum proof state params --json > params.json\n  qratum verify params.json --anchor genesis.json"
    )]
    Proof {
        #[command(subcommand)]
        command: ProofCommand,
    },
    #[command(flatten)]
    People(PeopleCommand),
    /// What the operators of validators decide by vote
    #[command(after_help = "Examples:\n  qratum proposal list\n  qratum proposal show 9f2c... --json")]
    Proposal {
        #[command(subcommand)]
        command: ProposalCommand,
    },
    /// Transactions
    Txo {
        #[command(subcommand)]
        command: TxoCommand,
    },
    /// The cryptography that is in use
    Crypto {
        #[command(subcommand)]
        command: CryptoCommand,
    },
    /// The randomness of this machine: its sources, their health, and whether they are enough
    #[command(
        after_help = "Examples:\n  qratum entropy status\n  qratum entropy status --fail cpu-rdrand    a drill\n  qratum entropy watch --interval 60 --json\n  qratum entropy metrics --out /var/lib/node_exporter/qratum.prom --interval 60\n  qratum entropy sample --out jitter.bin"
    )]
    Entropy {
        #[command(subcommand)]
        command: EntropyCommand,
    },
    /// The second factor of a person: a genome beside a security key, and the consent to it
    #[command(
        after_help = "Examples:\n  qratum biokey enrol alice --dry-run       what is read and kept\n  zcat genome.vcf.gz | qratum biokey enrol alice --loci list.tsv\n  qratum biokey consent show alice\n  qratum biokey destroy alice"
    )]
    Biokey {
        #[command(subcommand)]
        command: BiokeyCommand,
    },
    /// Security keys: which are there, their PINs, and credentials on them
    #[command(
        after_help = "Examples:\n  qratum key list\n  qratum key pin set\n  qratum key register blue --account alice --label \"blue key\""
    )]
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Print what a shell needs to complete the commands
    #[command(
        after_help = "Examples:\n  qratum completions bash > ~/.local/share/bash-completion/completions/qratum\n  qratum completions zsh > ~/.zfunc/_qratum\n  qratum completions fish > ~/.config/fish/completions/qratum.fish"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, or write it and those of all commands into a directory
    #[command(
        after_help = "Examples:\n  qratum man | man -l -\n  qratum man ~/.local/share/man/man1 && man qratum-status"
    )]
    Man {
        /// A directory that exists; pages in it are replaced
        #[arg(value_name = "DIR")]
        directory: Option<PathBuf>,
    },
    /// Say what a state, a reason, an exit code or a store's state means, and what to do
    #[command(
        after_help = "Examples:\n  qratum explain              the list of codes\n  qratum explain no-quorum\n  qratum explain WrongParent\n  qratum explain 3            an exit code"
    )]
    Explain {
        /// The code, as it was printed; without one, the list
        code: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// How many validators a new demo home gets; an existing one keeps its own
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) validators: Option<u8>,
    /// Join the demo that runs already, on --home DIR or the only one, as a second console of this name;
    /// its home is its own, and goes with it
    #[arg(long = "as", value_name = "NAME", value_parser = console_name, conflicts_with = "validators")]
    pub(crate) join: Option<String>,
    /// No console: one line for each verified head
    #[arg(long)]
    pub(crate) headless: bool,
    /// Stop after this many verified heads; implies --headless
    #[arg(long, value_name = "N")]
    pub(crate) heads: Option<NonZeroU64>,
}

fn console_name(text: &str) -> Result<String, String> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let good = (1..=32).contains(&text.len()) && text.bytes().all(plain);
    if good { Ok(text.to_owned()) } else { Err("a name has 1 to 32 of a-z, 0-9 and -".to_owned()) }
}

#[derive(Debug, Args)]
pub(crate) struct NetworkArgs {
    /// How long to wait for a verified head
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProofCommand {
    /// A header; the same as `qratum header`
    Header(HeaderArgs),
    /// An entry of the newest state, or that there is none
    State {
        /// Its key: a text, or bytes as 0x and hex
        #[arg(value_parser = state_key)]
        key: StateKey,
        #[command(flatten)]
        network: NetworkArgs,
    },
    /// The registration of a validator in the newest state
    Validator {
        /// Its name
        name: String,
        #[command(flatten)]
        network: NetworkArgs,
    },
    /// A transaction in its block
    Txo {
        /// Its id
        #[arg(value_parser = txo_id)]
        id: Hash,
        #[command(flatten)]
        network: NetworkArgs,
    },
}

/// Bytes; clap would take a list for several values.
type StateKey = Box<[u8]>;

fn state_key(text: &str) -> Result<StateKey, String> {
    let bytes = match text.strip_prefix("0x") {
        None => text.as_bytes().to_vec(),
        Some(hex) => crate::hex::bytes(hex.as_bytes()).ok_or("after 0x pairs of hex digits are needed")?,
    };
    if (1..=512).contains(&bytes.len()) {
        Ok(bytes.into())
    } else {
        Err("a key has 1 to 512 bytes".to_owned())
    }
}

fn txo_id(text: &str) -> Result<Hash, String> {
    let bytes = crate::hex::bytes(text.as_bytes()).and_then(|bytes| bytes.try_into().ok());
    bytes.map(Hash).ok_or_else(|| "an id has 64 hex digits".to_owned())
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProposalCommand {
    /// The newest proposals, and how far each has come
    List {
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
        most: u16,
        #[command(flatten)]
        network: NetworkArgs,
    },
    /// A proposal with its votes, counted again here from the ballots and the verified set
    Show {
        /// Its id: that of the transaction that opened it
        #[arg(value_parser = txo_id)]
        id: Hash,
        #[command(flatten)]
        network: NetworkArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TxoCommand {
    /// Decode every field of a transaction and judge its signature; exit code 5 when it does not hold
    Inspect {
        /// The transaction, in hex or as it is; "-" reads standard input
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CryptoCommand {
    /// The signature schemes, what they are for, and whether they decide anything today
    List,
}

/// A shell that completions are made for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The network's genesis file
    #[arg(long, value_name = "FILE")]
    pub(crate) genesis: PathBuf,
    /// Its chain id as the operators told it, with or without spaces; asked for where it is missing
    #[arg(long, value_name = "HEX", value_parser = crate::hex::typed)]
    pub(crate) chain_id: Option<String>,
    /// A node to ask: NAME=ADDRESS[,operator=NAME]; may stand several times
    #[arg(long = "peer", value_name = "PEER", value_parser = peer, required_unless_present = "peers_file")]
    pub(crate) peers: Vec<PeerArg>,
    /// The nodes to ask, as a peers.json that the operators hand out
    #[arg(long = "peers", value_name = "FILE", conflicts_with = "peers")]
    pub(crate) peers_file: Option<PathBuf>,
}

/// A peer as it is typed, and as `peers.json` has it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PeerArg {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<String>,
    address: String,
}

fn peer(text: &str) -> Result<PeerArg, String> {
    let (name, rest) = text.split_once('=').ok_or("a peer is NAME=ADDRESS")?;
    let (address, operator) = match rest.split_once(',') {
        None => (rest, None),
        Some((address, more)) => {
            let operator =
                more.strip_prefix("operator=").ok_or("after the address only operator=NAME may stand")?;
            (address, Some(operator.to_owned()))
        }
    };
    Ok(PeerArg { name: name.to_owned(), operator, address: address.to_owned() })
}

#[derive(Debug, Subcommand)]
pub(crate) enum AlarmsCommand {
    /// Print those that ask for attention, the worst first
    List {
        /// Also those that are over
        #[arg(long)]
        all: bool,
    },
    /// Take an alarm on; what is critical stays until somebody has
    Ack {
        /// Its number
        id: u64,
        /// Why that is enough: what was done, or who does it
        #[arg(long, value_name = "TEXT", value_parser = reason)]
        reason: String,
    },
}

fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err("it says nothing".to_owned()) } else { Ok(text.to_owned()) }
}

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// Only what is wrong: alarms, kept and told to the sinks of config.toml
    #[arg(long, conflicts_with_all = ["until", "heads"])]
    pub(crate) alerts: bool,
    /// Print a systemd user unit that does this around the clock, and end
    #[arg(long, conflicts_with_all = ["alerts", "until", "heads", "timeout"])]
    pub(crate) unit: bool,
    /// Stop when this state is reached
    #[arg(long, value_name = "STATE", value_parser = state())]
    pub(crate) until: Option<State>,
    /// Stop after this many verified heads
    #[arg(long, value_name = "N")]
    pub(crate) heads: Option<NonZeroU64>,
    /// Stop after this time: with exit code 3 when the state or the heads did not come, or no head
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    pub(crate) timeout: Option<u64>,
}

fn state() -> impl TypedValueParser<Value = State> {
    let known = |word: String| State::ALL.into_iter().find(|state| state.word() == word);
    PossibleValuesParser::new(State::ALL.map(State::word)).try_map(move |word| known(word).ok_or("no state"))
}

#[derive(Debug, Args)]
pub(crate) struct HeaderArgs {
    /// Height of the header; 0 is the anchor
    #[arg(allow_negative_numbers = true, value_parser = height)]
    pub(crate) height: u64,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

fn height(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "a height is a number from 0".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The document; "-" reads standard input
    pub(crate) file: PathBuf,
    /// What is trusted at first: a genesis.json, or an anchor document
    #[arg(long, value_name = "FILE")]
    pub(crate) anchor: PathBuf,
    /// The genesis.json of the chain of an anchor document [default: that of the home]
    #[arg(long, value_name = "FILE")]
    pub(crate) genesis: Option<PathBuf>,
    /// The time to judge at: YYYY-MM-DDTHH:MM:SSZ, or milliseconds since 1970 [default: now]
    #[arg(long, value_name = "TIME", value_parser = crate::time::parse)]
    pub(crate) at: Option<qratum_chain::types::Time>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EvidenceCommand {
    /// Say who is accused by votes now, who is jailed on the chain, and which forks this home has kept
    List(NetworkArgs),
    /// Print the evidence in a block, proven; each piece is a file that `qratum evidence verify` checks
    Show(ShowArgs),
    /// Check an evidence document offline
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Height of the block, as `qratum evidence list` tells it
    #[arg(allow_negative_numbers = true, value_parser = height)]
    pub(crate) height: u64,
    /// Write the document to this file, which must not exist; further ones to FILE.2, FILE.3, ...
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}
