//! `qratum validators`: who certifies this chain now?

use qratum_chain::types::Validator;
use qratum_light_node::{Names, Snapshot};
use qratum_verifier::{
    Trusted,
    diversity::{self, Kind, Standing, Warning},
    quorum::Tally,
};
use serde::Serialize;

use super::network::{Asking, block_on};
use crate::{
    cli::NetworkArgs,
    exit::{Exit, Failure},
    home::Home,
    model::head_of,
    output,
};

/// The set of the newest verified head, as `--json` prints it. All of it is verified: the set is
/// under a hash of the head, who signed by the certificate, and names by the genesis.
#[derive(Debug, Serialize)]
struct Validators {
    schema: &'static str,
    state: &'static str,
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
    /// Null for a key that the genesis does not name.
    name: Option<String>,
    key: String,
    /// Null where none is registered.
    operator: Option<String>,
    jurisdiction: String,
    power: u64,
    /// In hundredths of a percent, rounded down.
    share: u64,
    signed: bool,
    since_set: u64,
}

/// Waits for a verified head and prints its set.
pub(crate) fn run(home: &Home, args: &NetworkArgs, json: bool) -> Result<Exit, Failure> {
    let config = home.config_without_store()?;
    let found = block_on(async {
        let asking = Asking::start(config, args.timeout).await?;
        let synced = asking.synced().await;
        asking.node.stop().await;
        synced.map_err(|error| {
            Failure::new(Exit::Nothing, format!("{error}\n`qratum doctor` looks for the cause"))
        })
    })?;
    let nothing =
        || Failure::new(Exit::Nothing, "nothing is verified above the anchor yet\nTry again in a moment");
    let validators = Validators::of(&found, head_of(&found).ok_or_else(nothing)?);
    if json {
        output::json(&validators)?;
    } else {
        output::lines(&validators.page())?;
    }
    Ok(Exit::Done)
}

impl Validators {
    fn of(snapshot: &Snapshot, head: &Trusted) -> Self {
        let (header, tally, set) = (head.header().get(), head.tally(), head.validators());
        let member = |(index, leaf)| {
            Member::of(index, leaf, (head.signers().contains(&index), tally.total), &snapshot.names)
        };
        Self {
            schema: "qratum/validators/v1",
            state: snapshot.state.word(),
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
        let label =
            |member: &Member| member.name.clone().unwrap_or_else(|| member.key.chars().take(12).collect());
        let longest = self.validators.iter().map(|member| label(member).len()).max().unwrap_or(0).max(12);
        for member in &self.validators {
            let Member { index, jurisdiction, power, share, since_set, .. } = member;
            let name = label(member);
            let signed = if member.signed { "signed" } else { "not signed" };
            let (whole, rest) = (share / 100, share % 100);
            page.push_str(&format!(
                "{index:>4}  {name:<longest$}  {jurisdiction}  {power:>10}  {whole:>3}.{rest:02} %  {signed:<10}  since set {since_set}\n"
            ));
        }
        for warning in &self.warnings {
            page.push_str(&format!("warning: {warning}\n"));
        }
        page.push_str("not checked: the networks (AS numbers) they are connected through are not on chain\n");
        page
    }
}

impl Member {
    fn of(index: u32, leaf: &Validator, (signed, total): (bool, u128), names: &Names) -> Self {
        let share = u128::from(leaf.power).saturating_mul(10_000).checked_div(total).unwrap_or(0);
        Self {
            index,
            name: names.name(&leaf.pubkey).map(str::to_owned),
            key: leaf.pubkey.to_string(),
            operator: names.operator(&leaf.pubkey).map(str::to_owned),
            jurisdiction: leaf.jurisdiction.to_string(),
            power: leaf.power,
            share: u64::try_from(share).unwrap_or(u64::MAX),
            signed,
            since_set: leaf.since_set.0,
        }
    }
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
            let kind = word(kind);
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
