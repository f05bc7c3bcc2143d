//! `qratum-validator`: one validator as a process, and the maker of demo networks.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::{Args, Parser, Subcommand};
use qratum_chain::{
    document::{self, people_from_json},
    types::{Jurisdiction, People, Time},
};
use qratum_light_node::file;
use qratum_metal::process::harden;
use qratum_validator::{
    demo,
    drivers::real::{Settings, run},
    enrol::{Application, enrol},
    home::Home,
    liar,
    operate::{self, Done, Wish, operate},
    sandbox,
};

/// How long an order may take to come into a block.
const ORDER_PATIENCE: Duration = Duration::from_secs(60);

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
        /// Stop voting where the disk has fewer free MiB.
        #[arg(long, default_value_t = 64)]
        least_free_mib: u64,
        /// Keep so many blocks at least; older ones are dropped behind a checkpoint.
        #[arg(long, default_value_t = qratum_validator::ledger::RETAINED)]
        retain_blocks: u64,
        /// End when standard input ends.
        #[arg(long)]
        stop_on_stdin_eof: bool,
    },
    /// Orders a new vote key for a validator of the home: made, kept as vote-next.key, and used by the
    /// running process from the next set on; then it is vote.key, and the old one stays beside.
    Rotate(Operator),
    /// Orders that a validator of the home leaves: from the next set on it does not vote.
    Leave(Operator),
    /// Makes the home of a demo network: genesis, keys and loopback addresses. Never overwrites.
    Demo {
        /// Directory to make; its parent must exist.
        #[arg(long)]
        home: PathBuf,
        /// How many validators, 1 to 16.
        #[arg(long, default_value_t = demo::Options::default().validators)]
        validators: u32,
        /// The people of the network, as a genesis has them; without it nobody can act there.
        #[arg(long)]
        people: Option<PathBuf>,
    },
    /// A peer of a demo network that passes questions of light nodes on to its validators, and lies once for
    /// each line `lie` on standard input. Prints its address; ends when standard input ends.
    Liar {
        /// Home directory of the demo.
        #[arg(long)]
        home: PathBuf,
    },
    /// Makes keys, and with them an application to the draft of a genesis. Never overwrites.
    Enrol(EnrolArguments),
}

/// What a validator applies with; the program of its operator fills it in.
#[derive(Args)]
struct EnrolArguments {
    /// Directory of the operator; keys go to, or lie in, validators/NAME. Made where it is missing.
    #[arg(long)]
    home: PathBuf,
    /// The draft of the genesis.
    #[arg(long)]
    draft: PathBuf,
    /// The application's file; must not exist.
    #[arg(long)]
    out: PathBuf,
    /// Name of the validator.
    #[arg(long)]
    name: String,
    /// Who runs it.
    #[arg(long)]
    operator: String,
    /// Where it stands: two capital letters.
    #[arg(long, value_parser = jurisdiction)]
    jurisdiction: Jurisdiction,
    /// Its stake; 10000 make one unit of power.
    #[arg(long)]
    stake: u64,
}

fn jurisdiction(text: &str) -> Result<Jurisdiction, String> {
    let letters = <[u8; 2]>::try_from(text.as_bytes()).ok();
    letters.and_then(Jurisdiction::new).ok_or_else(|| "two capital letters are needed".to_owned())
}

/// Whose order, and who is asked to put it into a block.
#[derive(Args)]
struct Operator {
    /// Home directory with genesis.json, peers.json and validators/NAME.
    #[arg(long)]
    home: PathBuf,
    /// Name of the validator in genesis.
    #[arg(long)]
    name: String,
    /// Name of the validator to submit to; without it, the validator itself.
    #[arg(long)]
    over: Option<String>,
}

fn main() -> ExitCode {
    // Before there is a second thread, an argument or a key.
    harden();
    let result = match Arguments::parse().command {
        Command::Run { home, name, verbose, least_free_mib, retain_blocks, stop_on_stdin_eof } => {
            let least_free = least_free_mib.saturating_mul(1 << 20);
            let retained = retain_blocks;
            take_part(Settings { home, name, verbose, least_free, retained, stop_on_stdin_eof })
        }
        Command::Rotate(operator) => order(operator, Wish::Rotate),
        Command::Leave(operator) => order(operator, Wish::Leave),
        Command::Demo { home, validators, people } => make_demo(&home, validators, people.as_deref()),
        Command::Liar { home } => lie(&home),
        Command::Enrol(arguments) => apply(arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("qratum-validator: {why}");
            ExitCode::FAILURE
        }
    }
}

fn take_part(settings: Settings) -> Result<(), String> {
    let sandbox =
        sandbox::close(&Home::new(&settings.home), &settings.name).map_err(|why| why.to_string())?;
    if !sandbox.is_whole() {
        eprintln!("this validator is not closed in: {sandbox}");
    }
    block_on(run(settings))?.map_err(|why| why.to_string())
}

fn lie(home: &Path) -> Result<(), String> {
    block_on(liar::run(home))?.map_err(|why| why.to_string())
}

/// Runs to its end on one thread.
fn block_on<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(|why| why.to_string())?.block_on(future))
}

fn order(operator: Operator, wish: Wish) -> Result<(), String> {
    let Operator { home, name, over } = operator;
    let over = over.unwrap_or_else(|| name.clone());
    let settings = operate::Settings { home, name, over, patience: ORDER_PATIENCE };
    let done = block_on(operate(&settings, wish))?;
    let Done { id, height, from_set } = done.map_err(|why| why.to_string())?;
    println!("in block {height}, proven from the genesis of this home; takes effect with set {from_set}");
    println!("transaction {id}: `qratum proof txo` prints the proof");
    Ok(())
}

fn make_demo(home: &Path, validators: u32, people: Option<&Path>) -> Result<(), String> {
    let people = people.map(read_people).transpose()?;
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|why| why.to_string())?;
    let now = Time(u64::try_from(since_epoch.as_millis()).map_err(|why| why.to_string())?);
    let options = demo::Options { validators, people, ..demo::Options::default() };
    demo::create(home, now, &options).map(drop).map_err(|why| why.to_string())
}

fn read_people(path: &Path) -> Result<People, String> {
    let said = |why: &dyn core::fmt::Display| format!("{}: {why}", path.display());
    let bytes = file::read(path, document::MAX_LENGTH).map_err(|why| said(&why))?.unwrap_or_default();
    people_from_json(&bytes).map_err(|why| said(&why))
}

fn apply(arguments: EnrolArguments) -> Result<(), String> {
    let EnrolArguments { home, draft, out, name, operator, jurisdiction, stake } = arguments;
    let application = Application { draft, out, name, operator, jurisdiction, stake };
    enrol(&home, &application).map_err(|why| why.to_string())
}
