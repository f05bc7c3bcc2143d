//! `qratum evidence`: did someone break the protocol? `list` says what is known, `show` proves what a
//! block holds, `verify` checks a file offline.

mod list;
mod show;

pub(super) use self::{list::list, show::show};

use std::path::PathBuf;

use qratum_chain::{
    document::{Evidence, MAX_LENGTH},
    types::{Offence, Time},
};
use qratum_verifier::{Reject, Rules, Trusted, anchor::Start, detect};

use super::verdict::{Verdict, Word};
use crate::{
    cli::VerifyArgs,
    exit::{Exit, Failure},
    file, home, time,
};

/// Checks an evidence document offline.
pub(super) fn verify(home: Option<PathBuf>, args: &VerifyArgs, json: bool) -> Result<Exit, Failure> {
    let start = home::trusted(home, args)?;
    let now = args.at.unwrap_or_else(time::now);
    judge(&file::read(&args.file, MAX_LENGTH)?, &start, now).print(json)
}

/// Judges the text of an evidence document.
pub(super) fn judge(text: &[u8], start: &Start, now: Time) -> Verdict {
    let named = start.anchor.id().to_string();
    let evidence = match Evidence::from_json(text) {
        Ok(evidence) => evidence,
        Err(error) => return Verdict::malformed(&error, named, now.0),
    };
    match proven(&evidence, &start.anchor, &start.rules, now) {
        Ok(text) => Verdict::of(Word::Verified, text, named, now.0),
        Err(reject) => Verdict::refused(&reject, named, now.0),
    }
}

/// What it proves, in words.
fn proven(evidence: &Evidence, anchor: &Trusted, rules: &Rules, now: Time) -> Result<String, Reject> {
    match evidence {
        Evidence::Offence(proof) => {
            let key = detect::offence_proof(proof, anchor, rules, now)?;
            let (height, round) = (proof.offence.height(), proof.offence.round());
            let done = match proof.offence {
                Offence::DoubleVote(_) => "voted",
                Offence::DoubleProposal(_) => "proposed",
            };
            Ok(format!("{} {done} twice at height {height}, round {round}", key.get()))
        }
        Evidence::Fork(proof) => {
            let fork = detect::fork_proof(proof, anchor, rules, now)?;
            let height = fork.height();
            let shared = fork.common().map_or_else(String::new, |common| {
                format!(
                    "the branches share block {} at height {}; ",
                    common.id(),
                    common.header().get().height
                )
            });
            let blame = match fork.culprits() {
                keys if !keys.is_empty() => {
                    format!("both blocks were signed in one round by {}", joined(&keys))
                }
                _ => format!(
                    "the rounds differ, so the blocks alone do not prove who broke the protocol; both were signed by: {}",
                    joined(&fork.signers_of_both())
                ),
            };
            Ok(format!("the chain forked at height {height}; {shared}{blame}"))
        }
    }
}

fn joined(items: &[impl ToString]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
