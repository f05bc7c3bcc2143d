//! `qratum validators`: who certifies this chain now?

use std::collections::BTreeMap;

use qratum_chain::types::Validator;
use qratum_light_node::{Names, Snapshot};
use qratum_verifier::Trusted;
use serde::Serialize;

use super::network::{Asking, block_on};
use crate::{
    cli::NetworkArgs,
    exit::{Exit, Failure},
    home::Home,
    model::head_of,
    output,
};

/// Fewer jurisdictions than this are worth a warning.
const JURISDICTIONS: usize = 3;

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
            warnings: concentration(set.members(), tally.total),
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
            jurisdiction: leaf.jurisdiction.to_string(),
            power: leaf.power,
            share: u64::try_from(share).unwrap_or(u64::MAX),
            signed,
            since_set: leaf.since_set.0,
        }
    }
}

/// What is lost with one place: too few jurisdictions, or one that can stop the chain alone. With a
/// third of the power gone, the rest is no quorum.
fn concentration(members: &[Validator], total: u128) -> Vec<String> {
    let mut powers: BTreeMap<String, u128> = BTreeMap::new();
    for member in members {
        let power = powers.entry(member.jurisdiction.to_string()).or_default();
        *power = power.saturating_add(u128::from(member.power));
    }
    let count = powers.len();
    let few = (count < JURISDICTIONS).then(|| {
        format!("the set stands in {count} of the {JURISDICTIONS} jurisdictions that it should have at least")
    });
    let heavy = powers.into_iter().filter(|(_, power)| power.saturating_mul(3) >= total);
    let heavy = heavy
        .map(|(place, power)| format!("{place} has {power} of {total} power: without it there is no quorum"));
    few.into_iter().chain(heavy).collect()
}

#[cfg(test)]
mod tests {
    use qratum_chain::{
        Hash,
        types::{Jurisdiction, SetId},
    };
    use qratum_crypto::sign::ed25519::SecretKey;

    use super::*;

    fn set(members: &[([u8; 2], u64)]) -> Vec<String> {
        let member = |(seed, (place, power)): (u8, &([u8; 2], u64))| Validator {
            pubkey: SecretKey::from_seed(&[seed; 32]).public(),
            power: *power,
            jurisdiction: Jurisdiction::new(*place).unwrap(),
            since_set: SetId(0),
            pq_key_hash: Hash::ZERO,
        };
        let members: Vec<_> = (1u8..).zip(members).map(member).collect();
        concentration(&members, members.iter().map(|member| u128::from(member.power)).sum())
    }

    #[test]
    fn diversity_warns() {
        assert_eq!(set(&[(*b"CH", 25), (*b"DE", 25), (*b"IS", 25), (*b"JP", 25)]), [] as [&str; 0]);
        let few = "the set stands in 2 of the 3 jurisdictions that it should have at least";
        assert_eq!(set(&[(*b"CH", 50), (*b"DE", 49)])[0], few);
        // A third is enough to stop the chain, and a little less is not.
        let third = [(*b"CH", 17), (*b"DE", 30), (*b"CH", 16), (*b"IS", 28), (*b"JP", 8)];
        assert_eq!(set(&third), ["CH has 33 of 99 power: without it there is no quorum"]);
        let less = [(*b"CH", 16), (*b"DE", 30), (*b"CH", 16), (*b"IS", 28), (*b"JP", 9)];
        assert_eq!(set(&less), [] as [&str; 0]);
    }
}
