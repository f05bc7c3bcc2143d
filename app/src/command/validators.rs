//! `qratum validators`: who certifies this chain now?

use qratum_chain::types::Validator;
use qratum_light_node::{Names, Voting};
use qratum_verifier::{
    Trusted,
    diversity::{self, Kind, Standing, Warning},
    quorum::Tally,
};
use qratum_widgets::SafeText;
use serde::Serialize;

use super::network::{Answer, block_on};
use crate::{
    cli::NetworkArgs,
    exit::{Exit, Failure},
    home::Home,
    model::head_of,
    output,
};

/// The set of the newest verified head, as `--json` prints it. All of it is verified: the set is
/// under a hash of the head, who signed by the certificate, and names in the genesis or proven from the state.
#[derive(Debug, Serialize)]
struct Validators {
    schema: &'static str,
    state: &'static str,
    /// Whether peers led to this head, or only this home has kept it.
    verified_from: &'static str,
    height: u64,
    block_id: String,
    set_id: u64,
    signed: u128,
    total: u128,
    validators: Vec<Member>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Member {
    index: u32,
    /// Null for a key whose name is not proven.
    name: Option<String>,
    key: String,
    /// Null where none is registered.
    operator: Option<String>,
    jurisdiction: String,
    power: u64,
    /// In hundredths of a percent, rounded down.
    share: u64,
    signed: bool,
    /// False while not enough votes are known to say.
    silent: bool,
    since_set: u64,
}

/// Waits for a verified head and prints its set.
pub(crate) fn run(home: &Home, args: &NetworkArgs, json: bool) -> Result<Exit, Failure> {
    let config = home.config_without_store()?;
    let answer = block_on(Answer::of(config, args.timeout))?;
    let nothing = || {
        let why = answer
            .error
            .as_ref()
            .map_or_else(|| "nothing is verified above the anchor yet".to_owned(), ToString::to_string);
        Failure::new(Exit::Nothing, format!("{why}\n`qratum doctor` looks for the cause"))
    };
    let shown = head_of(&answer.snapshot).filter(|_| answer.error.is_none() || answer.is_old);
    let validators = Validators::of(&answer, shown.ok_or_else(nothing)?);
    if json {
        output::json(&validators)?;
    } else {
        output::lines(&validators.page())?;
    }
    Ok(answer.exit())
}

impl Validators {
    fn of(answer: &Answer, head: &Trusted) -> Self {
        let snapshot = &answer.snapshot;
        let (header, tally, set) = (head.header().get(), head.tally(), head.validators());
        let member = |(index, leaf): (u32, &Validator)| Member {
            signed: head.signers().contains(&index),
            silent: is_silent(&snapshot.voting, leaf),
            ..Member::of(index, leaf, tally.total, &snapshot.names)
        };
        Self {
            schema: "qratum/validators/v1",
            state: snapshot.state.word(),
            verified_from: if answer.is_old { "home" } else { "network" },
            height: header.height.0,
            block_id: head.id().to_string(),
            set_id: header.set_id.0,
            signed: tally.signed,
            total: tally.total,
            validators: (0u32..).zip(set.members()).map(member).collect(),
            warnings: concentration(set.members(), &snapshot.names),
        }
    }

    fn page(&self) -> String {
        let Self { state, height, set_id, signed, total, .. } = self;
        let mut page =
            format!("set {set_id} at verified height {height}, {state}: {signed} of {total} power signed\n");
        let label = |member: &Member| {
            let start = || member.key.chars().take(12).collect();
            member.name.as_ref().map_or_else(start, |name| SafeText::name(name).to_string())
        };
        let width = |member: &Member| label(member).chars().count();
        let longest = self.validators.iter().map(width).max().unwrap_or(0).max(12);
        for member in &self.validators {
            let Member { index, jurisdiction, power, share, since_set, .. } = member;
            let name = label(member);
            let signed = match (member.silent, member.signed) {
                (true, _) => "silent",
                (_, true) => "signed",
                (_, false) => "not signed",
            };
            let tenths = share / 10;
            let (whole, rest) = (tenths / 10, tenths % 10);
            page.push_str(&format!(
                "{index:>4}  {name:<longest$}  {jurisdiction}  {power:>10}  {whole:>3}.{rest} %  {signed:<10}  since set {since_set}\n"
            ));
        }
        if self.verified_from == "home" {
            page.push_str("old: as this home has kept it; no peer led to a block: `qratum doctor` looks for the cause\n");
        }
        for warning in &self.warnings {
            page.push_str(&format!("warning: {warning}\n"));
        }
        page.push_str("not checked: the networks (AS numbers) they are connected through are not on chain\n");
        page
    }
}

impl Member {
    fn of(index: u32, leaf: &Validator, total: u128, names: &Names) -> Self {
        let share = u128::from(leaf.power).saturating_mul(10_000).checked_div(total).unwrap_or(0);
        Self {
            index,
            name: names.name(&leaf.pubkey).map(str::to_owned),
            key: leaf.pubkey.to_string(),
            operator: names.operator(&leaf.pubkey).map(str::to_owned),
            jurisdiction: leaf.jurisdiction.to_string(),
            power: leaf.power,
            share: u64::try_from(share).unwrap_or(u64::MAX),
            signed: false,
            silent: false,
            since_set: leaf.since_set.0,
        }
    }
}

/// Whether others are known to vote and this one does not.
fn is_silent(voting: &Voting, leaf: &Validator) -> bool {
    let says = voting.known || voting.stuck;
    says && voting.members.iter().any(|member| member.key == leaf.pubkey && member.silent)
}

/// Too much in one place or one hand, in words.
fn concentration(members: &[Validator], names: &Names) -> Vec<String> {
    let standing = |leaf: &Validator| Standing {
        operator: names.operator(&leaf.pubkey),
        jurisdiction: leaf.jurisdiction,
        power: leaf.power,
    };
    let standings: Vec<_> = members.iter().map(standing).collect();
    diversity::warnings(&standings).iter().map(in_words).collect()
}

fn in_words(warning: &Warning) -> String {
    let word = |kind: &Kind| match kind {
        Kind::Operator => "operator",
        Kind::Jurisdiction => "jurisdiction",
    };
    match warning {
        Warning::Few { kind, count } => {
            let (kind, fewest) = (word(kind), diversity::FEWEST);
            format!("the set has {count} of the {fewest} {kind}s that it should have at least")
        }
        Warning::Heavy { kind, holder, power: Tally { signed, total } } => {
            let (kind, holder) = (word(kind), SafeText::name(holder));
            format!("{kind} {holder} has {signed} of {total} power: without it there is no quorum")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_name_who_holds_too_much_and_of_what() {
        let power = Tally { signed: 33, total: 99 };
        let heavy = Warning::Heavy { kind: Kind::Jurisdiction, holder: "CH".to_owned(), power };
        let few = Warning::Few { kind: Kind::Operator, count: 2 };
        let words = [
            "jurisdiction CH has 33 of 99 power: without it there is no quorum",
            "the set has 2 of the 3 operators that it should have at least",
        ];
        assert_eq!([heavy, few].map(|warning| in_words(&warning)), words);
    }
}
