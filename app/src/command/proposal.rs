//! `qratum proposal`: what the operators of validators decide by vote. All of it is verified: proposals are
//! proven from the state, and votes are counted here.

use qratum_chain::{
    ledger::governance::{Bar, Decision, Measure, Phase, Referendum, Tally},
    types::MotionId,
};
use qratum_light_node::Proposals;
use qratum_verifier::tally::{Counted, Votes};
use serde::Serialize;

use super::proof::ask;
use crate::{
    cli::{NetworkArgs, ProposalCommand},
    exit::{Exit, Failure},
    hex,
    home::Home,
    output,
};

/// As `qratum proposal list --json` prints it.
#[derive(Debug, Serialize)]
struct List {
    schema: &'static str,
    height: u64,
    block_id: String,
    proposals: Vec<Entry>,
}

/// As `qratum proposal show --json` prints it.
#[derive(Debug, Serialize)]
struct Shown {
    schema: &'static str,
    proposal: Entry,
    votes: Count,
}

#[derive(Debug, Serialize)]
struct Entry {
    id: String,
    kind: &'static str,
    emergency: bool,
    /// In words.
    what: String,
    /// The canonical encoding of the measure, in hex.
    measure: String,
    proposer: String,
    opened: u64,
    voting_until: u64,
    locked_until: u64,
    phase: &'static str,
    /// Who vetoed it, or why it could not be carried out.
    note: Option<String>,
    /// The height at which it came so far.
    at: u64,
    ballots: u64,
}

#[derive(Debug, Serialize)]
struct Count {
    complete: bool,
    /// How many ballots are not counted.
    missing: u64,
    yes: u128,
    no: u128,
    abstain: u128,
    total: u128,
    /// How many people are behind yes.
    persons: u32,
    /// What it would come to now; null where ballots are missing.
    decision: Option<&'static str>,
}

/// Asks for what was typed, and prints it.
pub(crate) fn run(home: &Home, command: &ProposalCommand, json: bool) -> Result<Exit, Failure> {
    match command {
        ProposalCommand::List { most, network } => list(home, usize::from(*most), network, json),
        ProposalCommand::Show { id, network } => show(home, MotionId(*id), network, json),
    }
}

fn list(home: &Home, most: usize, args: &NetworkArgs, json: bool) -> Result<Exit, Failure> {
    let list = List::of(&ask(home, args, async |node| node.proposals(most).await)?);
    if json {
        output::json(&list)?;
    } else {
        output::lines(&list.page())?;
    }
    Ok(Exit::Done)
}

fn show(home: &Home, id: MotionId, args: &NetworkArgs, json: bool) -> Result<Exit, Failure> {
    let counted = ask(home, args, async |node| node.tally(id).await)?;
    let none = || {
        let text = format!("the chain has no proposal {id}\n`qratum proposal list` shows those it has");
        Failure::new(Exit::Nothing, text)
    };
    let shown = Shown::of(id, &counted.ok_or_else(none)?);
    if json {
        output::json(&shown)?;
    } else {
        output::lines(&shown.page())?;
    }
    Ok(Exit::Done)
}

impl List {
    fn of(Proposals { checked, proposals }: &Proposals) -> Self {
        let header = checked.header.get();
        Self {
            schema: "qratum/proposals/v1",
            height: header.height.0,
            block_id: header.id().to_string(),
            proposals: proposals.iter().map(|(id, found)| Entry::of(*id, found.get())).collect(),
        }
    }

    fn page(&self) -> String {
        let Self { height, proposals, .. } = self;
        let count = proposals.len();
        let mut page = format!("{count} proposals at verified height {height}, the newest first\n");
        for Entry { id, phase, what, .. } in proposals {
            page.push_str(&format!("{id}  {phase:<9}  {what}\n"));
        }
        page
    }
}

impl Entry {
    fn of(id: MotionId, referendum: &Referendum) -> Self {
        let Referendum { motion, phase, .. } = referendum;
        Self {
            id: id.to_string(),
            kind: motion.measure.word(),
            emergency: motion.emergency,
            what: in_words(&motion.measure),
            measure: hex::of(&motion.measure.to_cbor()),
            proposer: referendum.proposer.to_string(),
            opened: referendum.opened.0,
            voting_until: referendum.voting_until.0,
            locked_until: referendum.locked_until.0,
            phase: phase.word(),
            note: match phase {
                Phase::Vetoed(account) => Some(account.to_string()),
                Phase::Lapsed(why) => Some(why.to_string()),
                _ => None,
            },
            at: referendum.at.0,
            ballots: referendum.ballots,
        }
    }
}

/// What a measure would do.
fn in_words(measure: &Measure) -> String {
    match measure {
        Measure::Parameter { parameter, value } => format!("{parameter} becomes {value}"),
        Measure::Upgrade { version, set } => format!("version {version} of the rules from set {set} on"),
        Measure::Join(candidate) => {
            let (name, operator) = (&candidate.name, &candidate.enrolment.operator);
            format!("{name} of {operator} joins with {} of power", candidate.validator.power)
        }
        Measure::Remove(name) => format!("{name} loses its seat"),
    }
}

impl Shown {
    fn of(id: MotionId, Counted { referendum, votes }: &Counted) -> Self {
        Self {
            schema: "qratum/proposal/v1",
            proposal: Entry::of(id, referendum.get()),
            votes: Count::of(votes, referendum.get().motion.bar()),
        }
    }

    fn page(&self) -> String {
        let Entry {
            id, what, proposer, opened, voting_until, locked_until, phase, note, at, ballots, ..
        } = &self.proposal;
        let Count { missing, yes, no, abstain, total, decision, .. } = &self.votes;
        let emergency = if self.proposal.emergency { ", as an emergency" } else { "" };
        let note = note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        let counted = match decision {
            Some(decision) => format!("all {ballots} ballots are counted: {decision}"),
            None => format!("partial: {missing} of {ballots} ballots are missing"),
        };
        format!(
            "proposal  {id}\nwhat      {what}{emergency}\nby        {proposer}, in block {opened}\n\
             phase     {phase}{note}, since block {at}\nvote      until the end of set {voting_until}\n\
             timelock  until the end of set {locked_until}\npower     {yes} yes, {no} no, {abstain} abstain, of {total}\n\
             count     {counted}\n"
        )
    }
}

impl Count {
    fn of(votes: &Votes, bar: Bar) -> Self {
        let (tally, missing) = match votes {
            Votes::Complete(tally) => (*tally.get(), 0),
            Votes::Partial { so_far, missing } => (*so_far, *missing),
        };
        let Tally { yes, no, abstain, total, persons } = tally;
        let decision = (missing == 0).then(|| match tally.decision(bar) {
            Decision::Passed => "passed",
            Decision::NoQuorum => "no-quorum",
            Decision::TooFewYes => "rejected",
        });
        Self { complete: missing == 0, missing, yes, no, abstain, total, persons, decision }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_count_decides_nothing() {
        let so_far = Tally { yes: 80, no: 0, abstain: 0, total: 100, persons: 2 };
        let count = Count::of(&Votes::Partial { so_far, missing: 2 }, Bar::Ordinary);
        assert_eq!((count.complete, count.missing, count.yes, count.decision), (false, 2, 80, None));
    }
}
