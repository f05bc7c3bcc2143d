//! What do verified votes show, in words and in JSON? Who is silent, how far the vote on the next
//! height has come, and who voted twice.

use qratum_chain::types::Offence;
use qratum_light_node::{Names, Voting};
use qratum_verifier::ballots::RoundVotes;
use qratum_widgets::SafeText;
use serde::Serialize;

use crate::{model::silent, output::names};

/// How far the vote has come. Powers are sums of voting power of votes that were verified here.
#[derive(Debug, Serialize)]
pub(super) struct VotingJson {
    height: u64,
    total: u128,
    rounds: Vec<RoundJson>,
}

#[derive(Debug, Serialize)]
struct RoundJson {
    round: u32,
    proposed: bool,
    prevotes: u128,
    precommits: u128,
}

/// Somebody signed two votes or proposals for one place.
#[derive(Debug, Serialize)]
pub(super) struct AccusedJson {
    validator: String,
    /// Who runs it; null where the network has no registry of ours.
    operator: Option<String>,
    kind: &'static str,
    height: u64,
    round: u32,
}

/// Who is silent, and how much of the power that is.
#[derive(Debug, Serialize)]
pub(super) struct SilentJson {
    /// Null while not enough votes are known to say.
    silent: Option<Vec<String>>,
    missing: Option<u128>,
}

impl VotingJson {
    pub(super) fn of(voting: &Voting) -> Option<Self> {
        let (height, rounds) = voting.progress.as_ref()?;
        let total = voting.missing().total;
        Some(Self { height: height.0, total, rounds: rounds.iter().map(RoundJson::from).collect() })
    }

    /// The newest round.
    pub(super) fn line(&self) -> Option<String> {
        let RoundJson { round, prevotes, precommits, .. } = self.rounds.last()?;
        let (height, total) = (self.height, self.total);
        Some(format!(
            "height {height}, round {round}: {prevotes} prevoted, {precommits} precommitted of {total} power"
        ))
    }
}

impl From<&RoundVotes> for RoundJson {
    fn from(votes: &RoundVotes) -> Self {
        let RoundVotes { round, proposed, prevotes, precommits } = votes;
        Self { round: round.0, proposed: *proposed, prevotes: prevotes.signed, precommits: precommits.signed }
    }
}

impl AccusedJson {
    pub(super) fn all(voting: &Voting, known: &Names) -> Vec<Self> {
        let accused = voting.evidence.iter();
        accused.map(|(key, offence)| Self::of(known.called(key), known.operator(key), offence)).collect()
    }

    pub(super) fn of(validator: String, operator: Option<&str>, offence: &Offence) -> Self {
        Self {
            validator,
            operator: operator.map(str::to_owned),
            kind: offence.word(),
            height: offence.height().0,
            round: offence.round().0,
        }
    }

    pub(super) fn line(&self) -> String {
        let Self { validator, kind, height, round, .. } = self;
        format!("{}: {kind} at height {height}, round {round}", SafeText::name(validator))
    }
}

impl SilentJson {
    pub(super) fn of(voting: &Voting, known: &Names) -> Self {
        let says = voting.known || voting.stuck;
        Self { missing: says.then(|| voting.missing().signed), silent: says.then(|| silent(voting, known)) }
    }

    pub(super) fn line(&self) -> Option<String> {
        let silent = self.silent.as_ref().filter(|names| !names.is_empty())?;
        Some(format!("{}: {} power is missing", names(silent, ", "), self.missing.unwrap_or(0)))
    }
}
