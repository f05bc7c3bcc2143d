//! `qratum anchor import` and `qratum reanchor`: starting from another block, for which the operators that
//! the home names vouch, or the user by typing its id.

use std::io::{self, BufRead, IsTerminal};

use qratum_light_node::{PinError, Pinned, Plan, Vouched, Way};
use qratum_verifier::anchor::{Start, StartError};
use serde::Serialize;

use super::endorse;
use crate::{
    cli::PinArgs,
    exit::{Exit, Failure},
    home::Home,
    output, time,
};

/// What a change of anchor did, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Change {
    schema: &'static str,
    from: Block,
    to: Block,
    /// The highest block that was verified before.
    highest: Option<u64>,
    /// Who of the operators vouches for it.
    endorsed: Vec<String>,
    /// Where the chain had forked.
    fork: Option<u64>,
    /// Where its evidence is now.
    evidence: Vec<String>,
    /// Kept blocks that chain to the new anchor.
    kept: u32,
    /// Kept blocks that do not, and were removed.
    dropped: u32,
}

#[derive(Debug, Serialize)]
struct Block {
    height: u64,
    block_id: String,
}

/// Takes a newer anchor: nothing is lost by it.
pub(crate) fn import(home: &Home, args: &PinArgs, json: bool) -> Result<Exit, Failure> {
    carry_out(plan(home, args, Way::Import)?, json)
}

/// Leaves a fork, or an anchor that is too old, once the user has said so.
pub(crate) fn reanchor(home: &Home, args: &PinArgs, yes: bool, json: bool) -> Result<Exit, Failure> {
    let plan = plan(home, args, Way::Reanchor)?;
    if !yes {
        confirm(&plan)?;
    }
    carry_out(plan, json)
}

fn plan(home: &Home, args: &PinArgs, way: Way) -> Result<Plan, Failure> {
    let genesis = home.genesis()?;
    let vouched = vouched(home, args)?;
    let anchor = endorse::read_anchor(&args.file)?;
    Plan::of(&home.place(), &genesis, anchor, (vouched, way), time::now()).map_err(|why| refused(&why))
}

/// Who is to vouch for the new anchor: the operators that the home names, or the user alone.
fn vouched(home: &Home, args: &PinArgs) -> Result<Vouched, Failure> {
    let usage = |text: &str| Err(Failure::new(Exit::Usage, format!("{text}\nNothing was changed")));
    match (home.settings()?.operators(), args.block_id) {
        (Some(operators), typed) => {
            let signatures = endorse::read_signatures(&args.signatures)?;
            Ok(Vouched::Operators { operators, signatures, typed })
        }
        (None, _) if !args.signatures.is_empty() => {
            usage("config.toml of this home names no operators, so nobody can say whose signatures count")
        }
        (None, Some(typed)) => Ok(Vouched::Typed(typed)),
        (None, None) => usage(
            "config.toml of this home names no operators who could vouch for it: give --block-id, as they gave it \
             to you by another way",
        ),
    }
}

fn refused(why: &PinError) -> Failure {
    let exit = match why {
        PinError::Refused(StartError::Genesis(_)) | PinError::NothingToLeave | PinError::InUse => Exit::Usage,
        PinError::Failed(_) => Exit::Error,
        _ => Exit::Refused,
    };
    Failure::new(exit, format!("{why}\nNothing was changed"))
}

/// Asks on the terminal; where there is none, nobody can answer.
fn confirm(plan: &Plan) -> Result<(), Failure> {
    output::note(&lost(plan));
    if !io::stdin().is_terminal() {
        let text = "there is no terminal to confirm on: --yes confirms\nNothing was changed";
        return Err(Failure::new(Exit::Usage, text));
    }
    output::note("Type yes to go on:");
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|error| Failure::io("standard input", &error))?;
    if line.trim() == "yes" { Ok(()) } else { Err(Failure::new(Exit::Usage, "Nothing was changed")) }
}

/// What a change of anchor gives up.
fn lost(plan: &Plan) -> String {
    let (from, to) = (block(&plan.from), block(&plan.to));
    let mut text = format!(
        "The anchor of this home, block {} at height {}, is replaced by block {} at height {}.\n",
        from.block_id, from.height, to.block_id, to.height
    );
    if let Some(fork) = plan.fork {
        text.push_str(&format!(
            "The chain forked at height {fork}: the branch of the new block is followed from now on, and no\n\
             other. The evidence is kept beside.\n"
        ));
    }
    if let Some(highest) = plan.highest.filter(|highest| highest.0 > to.height) {
        text.push_str(&format!(
            "Height {highest} was verified before: what is above height {} is only believed again where it\n\
             chains to the new block.\n",
            to.height
        ));
    }
    text.push_str(&match &plan.endorsed {
        Some(count) => format!("Operators vouch for the new block: {}.", count.signed.join(", ")),
        None => {
            "Only you vouch for the new block: compare its id with what the operators gave you.".to_owned()
        }
    });
    text
}

fn carry_out(plan: Plan, json: bool) -> Result<Exit, Failure> {
    let (from, to) = (block(&plan.from), block(&plan.to));
    let (highest, fork) = (plan.highest.map(|height| height.0), plan.fork.map(|height| height.0));
    let endorsed = plan.endorsed.as_ref().map(|count| count.signed.clone()).unwrap_or_default();
    let done = plan.carry_out(time::now());
    let Pinned { evidence, loaded, dropped } =
        done.map_err(|why| Failure::new(Exit::Error, why.to_string()))?;
    let evidence = evidence.iter().map(|path| path.display().to_string()).collect();
    let schema = "qratum/anchor-change/v1";
    let change = Change { schema, from, to, highest, endorsed, fork, evidence, kept: loaded, dropped };
    if json {
        output::json(&change)?;
    } else {
        output::lines(&change.page())?;
    }
    Ok(Exit::Done)
}

fn block(start: &Start) -> Block {
    Block { height: start.anchor.header().get().height.0, block_id: start.anchor.id().to_string() }
}

impl Change {
    fn page(&self) -> String {
        let mut page = format!("anchor    height {}\nblock id  {}\n", self.to.height, self.to.block_id);
        page.push_str(&format!("before    height {}, {}\n", self.from.height, self.from.block_id));
        if !self.endorsed.is_empty() {
            page.push_str(&format!("signed by {}\n", self.endorsed.join(", ")));
        }
        if let Some(fork) = self.fork {
            page.push_str(&format!("fork      at height {fork}, left behind\n"));
        }
        for file in &self.evidence {
            page.push_str(&format!("evidence  {file}\n"));
        }
        page.push_str(&format!("store     {} blocks kept, {} removed\n", self.kept, self.dropped));
        page
    }
}
